"""Every sentence of the pages, one JSON file per language, and the choice of the language for a reader."""

import json
from collections.abc import Mapping
from pathlib import Path

TEXTS: Mapping[str, Mapping[str, str]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(__file__).parent.glob("*.json"))
}
"""Sentences by language and key. `{words}` in braces are filled in when they are shown."""

DEFAULT = "de"


def choose(asked: str | None, accepted: str | None, own: str) -> str:
    """The language of a page: the one asked for, else the best of the Accept-Language header, else `own`.

    Languages that have no texts are passed over; when nothing fits, German.
    """
    wishes = [asked or "", *_by_preference(accepted or ""), own]
    for wish in wishes:
        language = wish.strip().lower().split("-")[0]
        if language in TEXTS:
            return language
    return DEFAULT


def _by_preference(header: str) -> list[str]:
    weighted = []
    for part in header.split(","):
        tag, _, parameter = part.partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighted.append((weight, tag))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]
