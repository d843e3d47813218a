"""The chart of a statement: a bar for each night or month, stacked by cause, in greys and patterns that print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from service.domain.words import Cause

WIDTH, LEFT, TOP, PLOT, BELOW = 720, 52, 6, 150, 30
_MOST_TICKS, _FILL = 5, Decimal("0.72")

FILLS: Mapping[Cause, str] = {
    Cause.SCHEDULE: "#b8b8b8",
    Cause.SAFETY: "#fff",
    Cause.PRESS: "#000",
    Cause.LOCAL: "url(#cross)",
    Cause.EXCEPTION: "url(#rising)",
    Cause.OVERRIDE: "url(#level)",
    Cause.RESCUE: "url(#upright)",
    Cause.TEST: "url(#dots)",
    Cause.FAILSAFE: "url(#falling)",
    Cause.LOCK: "#666",
}
"""From the bottom of a bar up; patterns are the template's."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a bar."""

    x: Decimal
    y: Decimal
    width: Decimal
    height: Decimal
    fill: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A label at an axis."""

    at: Decimal
    text: str


@dataclass(frozen=True, slots=True)
class Key:
    """A line of the legend."""

    fill: str
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is drawn, in units of the viewBox; `label` says the same in words."""

    blocks: list[Block]
    ticks: list[Mark]
    names: list[Mark]
    keys: list[Key]
    label: str
    width: int = WIDTH
    height: int = TOP + PLOT + BELOW
    left: int = LEFT
    floor: int = TOP + PLOT


def causes_of(energy: Sequence[Mapping[Cause, Decimal]]) -> list[Cause]:
    """The causes that used anything, in the order of the chart."""
    return [cause for cause in FILLS if any(bar.get(cause) for bar in energy)]


def steps(highest: Decimal) -> list[Decimal]:
    """Round numbers from 0 to the first that is not below `highest`: at most five above 0."""
    if highest <= 0:
        return [Decimal(0), Decimal(1)]
    step = Decimal(1).scaleb(highest.adjusted() - 1)
    factors = (2, Decimal("2.5"), 2)
    n = 0
    while step * _MOST_TICKS < highest:
        step *= factors[n % 3]
        n += 1
    return [step * n for n in range(ceil(highest / step) + 1)]


def blocks(energy: Sequence[Mapping[Cause, Decimal]], top: Decimal) -> list[Block]:
    """The bars, from left to right, each from the bottom up; the plot is as high as `top` (kWh)."""
    slot = Decimal(WIDTH - LEFT) / max(len(energy), 1)
    width = min(slot * _FILL, Decimal(40))
    found = []
    for n, bar in enumerate(energy):
        y = Decimal(TOP + PLOT)
        for cause, fill in FILLS.items():
            height = bar.get(cause, Decimal(0)) / top * PLOT
            if height <= 0:
                continue
            y -= height
            x = LEFT + slot * n + (slot - width) / 2
            found.append(Block(round(x, 1), round(y, 2), round(width, 1), round(height, 2), fill))
    return found


def across(names: Sequence[str]) -> list[Mark]:
    """The names of the bars, each below its own."""
    slot = Decimal(WIDTH - LEFT) / max(len(names), 1)
    return [Mark(round(LEFT + slot * n + slot / 2, 1), name) for n, name in enumerate(names)]


def up(values: Sequence[Decimal], texts: Sequence[str]) -> list[Mark]:
    """The values at the side, by their heights."""
    return [
        Mark(round(TOP + PLOT - value / values[-1] * PLOT, 1), text) for value, text in zip(values, texts, strict=True)
    ]
