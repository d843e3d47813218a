"""Policies to start from: the ways of three villages, as far as they are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from service.domain.sun import night_of
from service.ports import Tx
from service.usecases.look import municipality_of
from service.usecases.policy_documents import PolicyDocument


@dataclass(frozen=True, slots=True)
class Template:
    """A policy to start from, with what it is like in words."""

    id: str
    name: str
    description: str
    policy: PolicyDocument


_RULES: Mapping[str, Mapping[str, Any]] = {
    "luetjenholm": {
        "schedule": {
            "steps": [
                {"at": "sunset", "level": 100},
                {"at": "00:30", "level": 0},
                {"at": "05:30", "level": 100},
                {"at": "sunrise", "level": 0},
            ]
        },
        "press": {"minutes": 12, "longest_minutes": 60},
    },
    "glasau": {
        "schedule": {
            "steps": [
                {"at": "sunset", "level": 100},
                {"at": "22:00", "level": 50},
                {"at": "23:00", "level": 0},
                {"at": "05:00", "level": 50},
                {"at": "sunrise", "level": 0},
            ]
        },
        "press": {"minutes": 15, "longest_minutes": 60, "warn_before_dark": True},
    },
    "leck": {
        "schedule": {
            "steps": [
                {"at": "sunset", "level": 100},
                {"at": "23:00", "level": 50},
                {"at": "05:00", "level": 100},
                {"at": "sunrise", "level": 0},
            ]
        },
        "press": {"minutes": 10, "longest_minutes": 60},
    },
}

_WORDS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "de": {
        "luetjenholm": ("Lütjenholm", "Ein Dorf: dunkel von 00:30 bis 05:30 Uhr, ein Druck gibt 12 Minuten Licht."),
        "glasau": (
            "Glasau",
            "Drei Straßen: ab 22 Uhr halbes Licht, von 23 bis 5 Uhr dunkel, ein Druck gibt 15 Minuten Licht "
            "und warnt in der letzten Minute.",
        ),
        "leck": (
            "Leck",
            "Eine Kleinstadt: ab 23 Uhr halbes Licht statt Dunkelheit; ein Druck gibt 10 Minuten volles Licht.",
        ),
    },
    "en": {
        "luetjenholm": ("Lütjenholm", "A village: dark from 00:30 to 05:30, one press gives 12 minutes of light."),
        "glasau": (
            "Glasau",
            "Three streets: half light from 22:00, dark from 23:00 to 05:00, one press gives 15 minutes of light and "
            "warns in the last of them.",
        ),
        "leck": (
            "Leck",
            "A small town: half light from 23:00 instead of dark; one press gives 10 minutes of full light.",
        ),
    },
}


def templates(tx: Tx, municipality: str, language: str, now: datetime) -> list[Template]:
    """The templates in a language, as if begun with the coming night."""
    home = municipality_of(tx, municipality)
    begins = night_of(now, home.place.tz) + timedelta(days=1)
    return [_template(name, language, begins) for name in _RULES]


def _template(name: str, language: str, begins: date) -> Template:
    title, description = _WORDS[language][name]
    return Template(name, title, description, PolicyDocument(valid_from=begins, **_RULES[name]))
