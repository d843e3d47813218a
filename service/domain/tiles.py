"""Covering a time with roll-ups: with as few and as long ones as fit."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from service.domain.periods import period_of
from service.domain.words import Period

NIGHTS = (Period.NIGHT, Period.HOUR)
CALENDAR = (Period.MONTH, Period.DAY, Period.HOUR)


class Tile(NamedTuple):
    """Roll-ups of one kind that cover [start, end) wholly."""

    kind: Period
    start: datetime
    end: datetime


def tiles(
    kinds: Sequence[Period], start: datetime, end: datetime, tz: str, cuts: Sequence[datetime] = ()
) -> Iterator[Tile]:
    """Tiles of `kinds`, the longest kind first, that cover [start, end) and that none of `cuts` lies within a roll-up
    of. All moments are full local hours, the last kind is the hour; where hours do not fit, the last one juts out."""
    inner = sorted(cut for cut in set(cuts) if start < cut < end)
    for since, until in pairwise([start, *inner, end]):
        if since < until:
            yield from _cover(kinds, since, until, tz)


def _cover(kinds: Sequence[Period], start: datetime, end: datetime, tz: str) -> Iterator[Tile]:
    kind, *shorter = kinds
    if not shorter:
        yield Tile(kind, start, end)
        return
    begins, ends = period_of(kind, start, tz)
    first = start if begins == start else ends
    last = period_of(kind, end, tz)[0]
    if first >= last:
        yield from _cover(shorter, start, end, tz)
        return
    if start < first:
        yield from _cover(shorter, start, first, tz)
    yield Tile(kind, first, last)
    if last < end:
        yield from _cover(shorter, last, end, tz)
