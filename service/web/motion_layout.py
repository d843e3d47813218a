"""What of the motion one printed page has room for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from service.web.motion_words import Rules

_PAGE, _FIXED = 1040, (420, 390)
"""Heights in CSS pixels: of an A4 page within its margins, and of all that is always the same."""

_ROW, _TITLE, _BAR, _CHART, _ZONES = (17.4, 14.9), 18, 15.3, 6, 62
_RULE, _NOTE, _NOTES_GAP = (13.4, 11.8), (13.6, 11.9), 3
_LAST_NOTE = 16
"""Of lines, in normal and in dense type, and of what surrounds them; two columns of notes seldom end alike."""

_TITLE_CHARACTERS, _ZONE_CHARACTERS = 108, 20
_RULE_CHARACTERS, _NOTE_CHARACTERS = (122, 143), (68, 78)
"""Before a line breaks."""

_MOST_ZONES = 6


@dataclass(frozen=True, slots=True)
class Layout:
    """How many lines of rules each draft has at most, what else is shown, and whether in small type."""

    rules: int
    zones: bool = False
    chart: bool = False
    dense: bool = False


LAYOUTS = (
    Layout(3, zones=True, chart=True),
    Layout(3, chart=True),
    Layout(3),
    Layout(3, dense=True),
    Layout(2, dense=True),
    Layout(1, dense=True),
)
"""From the one that shows the most to the one that needs the least room."""


@dataclass(frozen=True, slots=True)
class Content:
    """What would have to fit: words as they would stand there, and how many rows and bars."""

    titles: Sequence[str]
    rules: Sequence[Rules]
    notes: Sequence[str]
    zones: Sequence[str]
    rows: int
    bars: int


def fits(layout: Layout, content: Content) -> bool:
    """Whether it all goes onto one page."""
    return not (layout.zones and len(content.zones) > _MOST_ZONES) and _height(layout, content) <= _PAGE


def _height(layout: Layout, content: Content) -> float:
    rules = _lines((rules.zones + rules.text for rules in content.rules), _RULE_CHARACTERS[layout.dense])
    notes = _lines(content.notes, _NOTE_CHARACTERS[layout.dense])
    height = (
        _FIXED[layout.dense] + _ROW[layout.dense] * content.rows + _TITLE * _lines(content.titles, _TITLE_CHARACTERS)
    )
    height += _RULE[layout.dense] * rules + _LAST_NOTE
    height += (_NOTE[layout.dense] * notes + _NOTES_GAP * len(content.notes)) / 2
    if layout.chart:
        height += _CHART + _BAR * content.bars
    if layout.zones:
        height += _ZONES + _ROW[layout.dense] * _lines(content.zones, _ZONE_CHARACTERS)
    return height


def _lines(texts: Iterable[str], characters: int) -> int:
    return sum(ceil(len(text) / characters) for text in texts)
