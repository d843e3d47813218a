"""The statement: a month or a year of light on pages to print, with a chart, in the reader's words and numbers."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from service.usecases.statement_bodies import StatementBody
from service.web.motion_words import Say, Words
from service.web.statement_chart import FILLS, Chart, Key, across, blocks, steps, up
from service.web.statement_tables import Tables
from service.web.texts import DEFAULT

__all__ = ["STATEMENT_HEADERS", "statement_page"]

_HERE = Path(__file__).parent
_STYLE = (_HERE / "templates" / "statement.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

STATEMENT_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with the page: it loads and runs nothing, and only its own style holds."""

_TEXTS: Mapping[str, Say] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((_HERE / "texts" / "statement").glob("*.json"))
}


def statement_page(body: StatementBody, language: str) -> str:
    """The statement as a whole HTML document that needs no other file; German where `language` has no texts."""
    code = language.strip().lower().split("-")[0]
    code = code if code in _TEXTS else DEFAULT
    return _template().render(language=code, style=Markup(_STYLE), **_Page(body, _TEXTS[code]).content())  # noqa: S704 - our own file


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("statement.html")


class _Page:
    """A statement in the words and numbers of one language."""

    def __init__(self, body: StatementBody, say: Say) -> None:
        self._body, self._say, self._words, self._tables = body, say, Words(say), Tables(body, say)
        self._yearly = len(body.period) == 4

    def content(self) -> dict[str, object]:
        """What the template shows."""
        tables = [
            self._tables.figures(),
            *self._tables.saving(),
            self._tables.zones(),
        ]
        return {
            "say": self._say,
            "title": self._say["title"].format(name=self._body.name),
            "period": self._period(),
            "warnings": list(self._warnings()),
            "chart": self._chart() if self._tables.causes else None,
            "tables": tables,
            "small": [*self._tables.quality(), *self._tables.burning()],
            "long": self._tables.nights(),
            "papers": [*self._tables.readings(), self._tables.sources()],
            "missing": [self._say[f"missing_{why}"].format(**self._facts()) for why in self._body.missing],
            "notes": list(self._notes()),
        }

    def _period(self) -> str:
        return self._body.period if self._yearly else self._tables.month(self._body.period)

    def _warnings(self) -> Iterator[tuple[str, str]]:
        """Why the paper does not tell all of its time: in a word, and in a sentence."""
        say, facts = self._say, self._facts()
        if self._body.provisional:
            none = self._body.told == self._body.start
            yield say["provisional_word"], say["provisional_none" if none else "provisional"].format(**facts)
        if self._body.recorded_from is not None:
            yield say["incomplete_word"], say["incomplete"].format(**facts)

    def _facts(self) -> Mapping[str, str]:
        """What sentences about the time of the paper are filled in with."""
        body, tables = self._body, self._tables
        names = {zone.zone: zone.name for zone in body.zones}
        unrecorded = [] if body.saving is None else body.saving.unrecorded
        return {
            "night": tables.last_night(),
            "complete": tables.day_of(body.end),
            "since": tables.moment(body.recorded_from or body.start),
            "zones": ", ".join(names.get(zone, zone) for zone in unrecorded),
        }

    def _notes(self) -> Iterator[str]:
        if not self._yearly and self._body.periods != [self._body.period]:
            yield self._say["note_nights"]
        for note in ("note_pressed", "note_burning", "note_quality", "note_rounded"):
            yield self._say[note]

    def _chart(self) -> Chart:
        heights = steps(max(sum(bar.values(), Decimal()) for bar in self._tables.bars))
        places = max(-min(value.normalize().as_tuple().exponent for value in heights), 0)  # type: ignore[operator] # finite numbers
        names = [self._short(period) for period in self._body.periods]
        spoken = "; ".join(
            f"{self._tables.name(period)}: {self._tables.kwh(sum(bar.values(), Decimal()))} kWh"
            for period, bar in zip(self._body.periods, self._tables.bars, strict=True)
            if period not in self._tables.unrecorded
        )
        return Chart(
            blocks(self._tables.bars, heights[-1]),
            up(heights, [self._words.number(value, places) for value in heights]),
            across(names),
            [Key(FILLS[cause], self._tables.cause(cause)) for cause in self._tables.causes],
            self._say["chart"].format(bars=spoken),
        )

    def _short(self, period: str) -> str:
        if len(period) == 7:
            return self._say["months_short"].split()[int(period[5:]) - 1]
        return str(int(period[8:]))
