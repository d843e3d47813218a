"""A finding of the linter as a sentence in the reader's language."""

from datetime import date, time

from service.api.finding_texts import DE, EN
from service.domain.lint import Finding

MOST_NAMES = 5
"""So many lamps or outputs a sentence names; of the rest it gives the number."""

_TEXTS = {"de": DE, "en": EN}

_MONTHS = {
    "de": [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
}

_WORDS = {
    "de": {
        "step": "Schritt {} des Zeitplans",
        "rule": "Regel {}",
        "rule_step": "Schritt {} in Regel {}",
        "window": "Drückzeit {}",
        "quiet": "Ruhezeit {}",
        "start": "der Beginn von {}",
        "end": "das Ende von {}",
        "press": "ein Knopfdruck",
        "version": "Fassung {}",
        "resolution": "der Beschluss {}",
        "all": "in allen Nächten",
        "some": "in {} von {} Nächten",
        "nightly": "je Nacht",
        "first_nightly": "je Nacht in der Anfangszeit",
        "since": ", zuerst {}",
        "range": "{} bis {} %",
        "more": "{} und {} weitere",
        "last": "{} und {}",
    },
    "en": {
        "step": "step {} of the schedule",
        "rule": "rule {}",
        "rule_step": "step {} of rule {}",
        "window": "press window {}",
        "quiet": "quiet time {}",
        "start": "the start of {}",
        "end": "the end of {}",
        "press": "a press",
        "version": "version {}",
        "resolution": "resolution {}",
        "all": "in all nights",
        "some": "in {} of {} nights",
        "nightly": "per night",
        "first_nightly": "per night in the first weeks",
        "since": ", first {}",
        "range": "{} to {} %",
        "more": "{} and {} more",
        "last": "{} and {}",
    },
}


def sentence(finding: Finding, language: str) -> str:
    """What a finding means for the village and what to do about it; `language` is one of LANGUAGES."""
    texts, words = _TEXTS[language], _WORDS[language]
    special = f"{finding.code}.{finding.subject.rpartition('.')[2]}"
    text = texts.get(special) or texts[finding.code]
    values = {name: _written(value, language) for name, value in finding.facts.items()}
    values["where"] = _where(finding.subject.split("."), language)
    values["first"] = "" if finding.first is None else on_date(finding.first, language)
    values["since"] = words["since"].format(values["first"]) if finding.first else ""
    values["often"] = words["all"]
    if finding.facts.get("nights") != finding.facts.get("of"):
        values["often"] = words["some"].format(values.get("nights"), values.get("of"))
    values["nightly"] = words["first_nightly" if ".first_limits." in finding.subject else "nightly"]
    number = finding.facts.get("resolution")
    values["which"] = words["resolution"].format(number) if number else words["version"].format(values.get("version"))
    if "least" in values:
        same = values["least"] == values["most"]
        values["given"] = f"{values['least']} %" if same else words["range"].format(values["least"], values["most"])
    told = text.format_map(values)
    return told[0].upper() + told[1:]


def on_date(day: date, language: str) -> str:
    """A date with its preposition: `am 21. Juni 2027`, `on 21 June 2027`."""
    month = _MONTHS[language][day.month - 1]
    return f"am {day.day}. {month} {day.year}" if language == "de" else f"on {day.day} {month} {day.year}"


def _where(path: list[str], language: str) -> str:
    """The place in the draft that a subject names, counted from 1; what needs no name is empty."""
    words = _WORDS[language]
    match path:
        case ["schedule", "steps", step]:
            return words["step"].format(int(step) + 1)
        case ["schedule", "rules", rule]:
            return words["rule"].format(int(rule) + 1)
        case ["schedule", "rules", rule, "steps", step]:
            return words["rule_step"].format(int(step) + 1, int(rule) + 1)
        case ["press", "windows", window, *edge]:
            return _edge(words["window"].format(int(window) + 1), edge, language)
        case ["quiet", cap, *edge]:
            return _edge(words["quiet"].format(int(cap) + 1), edge, language)
        case ["press", "level"]:
            return words["press"]
    return ""


def _edge(name: str, edge: list[str], language: str) -> str:
    return _WORDS[language][edge[0]].format(name) if edge else name


def _written(value: object, language: str) -> str:
    """A fact as people write it."""
    if isinstance(value, date):
        return on_date(value, language)
    if isinstance(value, time):
        return f"{value:%H:%M} Uhr" if language == "de" else f"{value:%H:%M}"
    if isinstance(value, int):
        return f"{value:,}".replace(",", "." if language == "de" else ",")
    if isinstance(value, tuple):
        return _listed([str(each) for each in value], language)
    return str(value)


def _listed(names: list[str], language: str) -> str:
    words = _WORDS[language]
    if len(names) > MOST_NAMES:
        return words["more"].format(", ".join(names[:MOST_NAMES]), len(names) - MOST_NAMES)
    return words["last"].format(", ".join(names[:-1]), names[-1]) if len(names) > 1 else "".join(names)
