"""A schedule, the light curve that a council passed, and what it means for a given stretch of time.

A program is a list of steps in the order in which they happen in a night. Each night (noon to noon) starts
at level 0. A step never happens before one that is listed before it: where 05:00 comes after sunrise in June,
or sunset after 22:00, the later step waits for the earlier one and the two coincide, so no lamp burns into the
day because two steps swapped their order.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from service.domain.sun import Night, Place, night, night_of

MAX_STEPS = 20


class Anchor(StrEnum):
    """What a step hangs on."""

    SUNSET = "sunset"
    SUNRISE = "sunrise"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Step:
    """From `anchor` plus `offset_min` minutes on, the level is `level` percent. `clock` is local time."""

    anchor: Anchor
    level: int
    clock: time | None = None
    offset_min: int = 0

    def __post_init__(self) -> None:
        """Refuse a step that means nothing."""
        if not 0 <= self.level <= 100:
            raise ValueError(f"level: {self.level} is not between 0 and 100")
        if (self.anchor is Anchor.CLOCK) != (self.clock is not None):
            raise ValueError("clock: a time of day belongs to the anchor clock, and to no other")
        if not -720 <= self.offset_min <= 720:
            raise ValueError(f"offset_min: {self.offset_min} is not between -720 and 720 minutes")


@dataclass(frozen=True, slots=True)
class Schedule:
    """A program for every night."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        """Refuse more steps than a controller must keep."""
        if len(self.steps) > MAX_STEPS:
            raise ValueError(f"steps: {len(self.steps)} are more than {MAX_STEPS}")


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch [start, end) of constant level."""

    start: datetime
    end: datetime
    level: int


def first_occurrence(local: datetime, tz: str) -> datetime:
    """The UTC moment of a wall-clock time.

    In the fold of an autumn night the first of the two; in the gap of a spring night, where the time does not
    exist, the first moment after the gap.
    """
    zone = ZoneInfo(tz)
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    low, high = local.replace(tzinfo=zone, fold=1).astimezone(UTC), moment  # the gap's end lies between
    after = high.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _moment(step: Step, tonight: Night, tz: str) -> datetime:
    offset = timedelta(minutes=step.offset_min)
    if step.anchor is Anchor.SUNSET:
        return tonight.sunset + offset
    if step.anchor is Anchor.SUNRISE:
        return tonight.sunrise + offset
    assert step.clock is not None  # noqa: S101 - the constructor saw to it; this tells the type checker
    day = tonight.date if step.clock >= time(12) else tonight.date + timedelta(days=1)
    return first_occurrence(datetime.combine(day, step.clock), tz) + offset


@lru_cache(maxsize=4096)
def night_levels(schedule: Schedule, tonight: Night, tz: str) -> tuple[Interval, ...]:
    """The constant stretches of one night, tiling [noon, noon)."""
    changes: list[tuple[datetime, int]] = [(tonight.start, 0)]
    for step in schedule.steps:
        at = min(max(_moment(step, tonight, tz), changes[-1][0]), tonight.end)
        changes.append((at, step.level))
    stretches: list[Interval] = []
    for (start, level), (end, _) in zip(changes, [*changes[1:], (tonight.end, 0)], strict=True):
        if start == end:
            continue
        if stretches and stretches[-1].level == level:
            stretches[-1] = Interval(stretches[-1].start, end, level)
        else:
            stretches.append(Interval(start, end, level))
    return tuple(stretches)


@dataclass(frozen=True, slots=True)
class Curve:
    """A schedule at a place: the level at any moment."""

    schedule: Schedule
    place: Place

    def _night(self, day_of: datetime) -> tuple[Interval, ...]:
        tonight = night(self.place, night_of(day_of, self.place.tz))
        return night_levels(self.schedule, tonight, self.place.tz)

    def level_at(self, moment: datetime) -> int:
        """Level in percent at `moment`."""
        return next(stretch.level for stretch in self._night(moment) if stretch.start <= moment < stretch.end)

    def intervals(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Tiles [start, end) with the longest stretches of constant level."""
        held: Interval | None = None
        cursor = start
        while cursor < end:
            stretches = self._night(cursor)
            for stretch in stretches:
                a, b = max(stretch.start, start), min(stretch.end, end)
                if a >= b:
                    continue
                if held is not None and held.level == stretch.level:
                    held = Interval(held.start, b, held.level)
                    continue
                if held is not None:
                    yield held
                held = Interval(a, b, stretch.level)
            cursor = stretches[-1].end
        if held is not None:
            yield held

    def next_change(self, moment: datetime, within: timedelta = timedelta(days=370)) -> tuple[datetime, int] | None:
        """The first change of level after `moment` and the new level, or None within the given time."""
        stretches = self.intervals(moment, moment + within)
        next(stretches)
        following = next(stretches, None)
        return None if following is None else (following.start, following.level)
