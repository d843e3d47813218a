"""Alerts in words for staff: a subject line, and a text with counts first and the list after them."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from service.domain.alerts import Alert
from service.domain.faults import Fault
from service.domain.inventory import Municipality
from service.domain.maintenance import Lock
from service.domain.words import AlertKind
from service.usecases.alert_words import EN, LANGUAGES, Words

MOST_LINES = 50
"""Alerts that a text lists before the others are only counted."""

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Told:
    """An alert, what it is about (None where that is no longer on record), and the name of its controller or zone."""

    alert: Alert
    about: Fault | Lock | None
    name: str


def subject_line(home: Municipality, told: Sequence[Told]) -> str:
    """One line for all of them."""
    words = _words(home)
    urgent = sum(one.alert.urgent for one in told)
    if len(told) == 1:
        what = f"{_what(words, told[0])} ({_where(words, told[0])})"
        return words.say["one_urgent" if urgent else "one"].format(home=_plain(home.name), what=what)
    text = words.say["many_urgent" if urgent else "many"]
    return text.format(home=_plain(home.name), count=len(told), urgent=urgent)


def text_of(home: Municipality, told: Sequence[Told]) -> str:
    """The whole text: what kinds and how many of each, then one by one, so many at most. Times are local."""
    words = _words(home)
    to_holder = any(one.alert.contact for one in told)
    lines = [words.say["to_holder" if to_holder else "greeting"].format(home=_plain(home.name)), ""]
    if len(told) > 1:
        counts = Counter(_what(words, one) for one in told).most_common()
        lines += [words.say["count"].format(count=len(told))]
        lines += [*(f"  {count} x {what}" for what, count in counts), ""]
    lines += [f"- {_line(home, words, one)}" for one in told[:MOST_LINES]]
    if len(told) > MOST_LINES:
        lines.append(words.say["more"].format(count=len(told) - MOST_LINES))
    if any(one.alert.kind is AlertKind.LOCK_ENDING for one in told):
        lines += ["", words.say["ends_note"]]
    return "\n".join(lines) + "\n"


def _words(home: Municipality) -> Words:
    return LANGUAGES.get(home.language.lower().split("-")[0], EN)


def _what(words: Words, told: Told) -> str:
    if isinstance(told.about, Fault):
        return words.say[told.alert.kind].format(what=words.kinds[told.about.kind])
    if told.alert.kind is AlertKind.LOCK_ENDING:
        return words.say[AlertKind.LOCK_ENDING]
    forgotten = words.say["forgotten"].format(about=_plain(told.alert.about))
    return words.say[told.alert.kind].format(what=forgotten)


def _where(words: Words, told: Told) -> str:
    about = told.about
    output = about.subject.output if isinstance(about, Fault) else about.output if about else None
    name = _plain(told.name) or words.say["everywhere"]
    return name if output is None else words.say["output"].format(controller=name, output=output)


def _line(home: Municipality, words: Words, told: Told) -> str:
    return f"{_where(words, told)}: {', '.join(_facts(home, words, told))}{_more(words, told)}"


def _facts(home: Municipality, words: Words, told: Told) -> Iterator[str]:
    yield _what(words, told)
    if isinstance(told.about, Lock):
        yield words.say["ends"].format(at=_local(home, words, told.about.ends))
    elif isinstance(told.about, Fault):
        since, at = _local(home, words, told.about.since), _local(home, words, told.alert.at)
        text = "closed" if told.alert.kind is AlertKind.FAULT_CLOSED else "since"
        yield words.say[text].format(since=since, at=at)


def _more(words: Words, told: Told) -> str:
    if isinstance(told.about, Lock):
        return f". {words.say['reason'].format(reason=_plain(told.about.reason))}" if told.about.reason else ""
    if told.about is None:
        return ""
    shown = ((words.figures[name], value) for name, value in told.about.detail.items() if name in words.figures)
    figures = ", ".join(text.format(_number(words, value)) for text, value in shown)
    number = words.say["number"].format(id=_plain(told.about.id))
    return f" ({figures}; {number})" if figures else f" ({number})"


def _number(words: Words, value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0").replace(".", words.decimal)
    return words.say["unknown"] if value is None else _plain(str(value))


def _local(home: Municipality, words: Words, at: datetime) -> str:
    return at.astimezone(ZoneInfo(home.place.tz)).strftime(words.date)


def _plain(text: str) -> str:
    """A name as one line of visible characters: it can end no line and turn no direction of writing."""
    visible = (" " if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") else sign for sign in text)
    return " ".join("".join(visible).split())[:_LONGEST_NAME]
