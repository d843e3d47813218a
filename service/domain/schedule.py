"""A schedule: the programs that a council passed for its nights, and the moments that they hang on.

A program is a list of steps in the order in which they happen in a night. Each night (noon to noon) starts
at level 0. A step never happens before one that is listed before it: where 05:00 comes after sunrise in June,
or sunset after 22:00, the later step waits for the earlier one and the two coincide, so no lamp burns into the
day because two steps swapped their order.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.domain.conditions import ALWAYS, Conditions
from service.domain.sun import Place, night, twilight

MAX_STEPS = 20
MAX_RULES = 50


class Anchor(StrEnum):
    """What a moment of a night hangs on; dusk and dawn are those of civil twilight."""

    SUNSET = "sunset"
    SUNRISE = "sunrise"
    DUSK = "dusk"
    DAWN = "dawn"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of every night: `anchor` plus `offset_min` minutes. `clock` is local time."""

    anchor: Anchor
    clock: time | None = None
    offset_min: int = 0

    def __post_init__(self) -> None:
        """Refuse a moment that means nothing."""
        if (self.anchor is Anchor.CLOCK) != (self.clock is not None):
            raise ValueError("clock: a time of day belongs to the anchor clock, and to no other")
        if self.clock is not None and (self.clock.second or self.clock.microsecond or self.clock.tzinfo):
            raise ValueError(f"clock: {self.clock} is not a whole minute of local time")
        if not -720 <= self.offset_min <= 720:
            raise ValueError(f"offset_min: {self.offset_min} is not between -720 and 720 minutes")

    def on(self, place: Place, day: date) -> datetime:
        """When it is in the night of the evening of `day`; may lie outside that night by its offset."""
        offset = timedelta(minutes=self.offset_min)
        if self.clock is not None:
            date_there = day if self.clock >= time(12) else day + timedelta(days=1)
            return first_occurrence(datetime.combine(date_there, self.clock), place.tz) + offset
        if self.anchor in (Anchor.DUSK, Anchor.DAWN):
            dusk, dawn = twilight(place, day)
            return (dusk if self.anchor is Anchor.DUSK else dawn) + offset
        tonight = night(place, day)
        return (tonight.sunset if self.anchor is Anchor.SUNSET else tonight.sunrise) + offset


_IN_A_NIGHT = (Anchor.SUNSET, Anchor.DUSK, Anchor.DAWN, Anchor.SUNRISE)


def never_after(start: Moment, end: Moment) -> bool:
    """Whether `end` comes after `start` in no night, as far as their order does not hang on the season."""
    if start.clock is not None and end.clock is not None:
        return _minutes_after_noon(end.clock) + end.offset_min <= _minutes_after_noon(start.clock) + start.offset_min
    if start.clock is not None or end.clock is not None:
        return False
    return _IN_A_NIGHT.index(end.anchor) <= _IN_A_NIGHT.index(start.anchor) and end.offset_min <= start.offset_min


def _minutes_after_noon(clock: time) -> int:
    return (clock.hour - 12) % 24 * 60 + clock.minute


@dataclass(frozen=True, slots=True)
class Step:
    """From a moment on, the level is `level` percent; a dimmer takes `fade_s` seconds to get there."""

    anchor: Anchor
    level: int
    clock: time | None = None
    offset_min: int = 0
    fade_s: int = 0

    def __post_init__(self) -> None:
        """Refuse a step that means nothing."""
        if not 0 <= self.level <= 100:
            raise ValueError(f"level: {self.level} is not between 0 and 100")
        if not 0 <= self.fade_s <= 600:
            raise ValueError(f"fade_s: {self.fade_s} is not between 0 and 600 seconds")
        Moment(self.anchor, self.clock, self.offset_min)

    @property
    def moment(self) -> Moment:
        """When it happens."""
        return Moment(self.anchor, self.clock, self.offset_min)


Program = tuple[Step, ...]
"""What happens in one night, in order."""


def checked(program: Program) -> Program:
    """The program, unless it has more steps than a controller must keep: then ValueError."""
    if len(program) > MAX_STEPS:
        raise ValueError(f"steps: {len(program)} are more than {MAX_STEPS}")
    return program


@dataclass(frozen=True, slots=True)
class Rule:
    """A program for the nights on which its conditions hold."""

    when: Conditions
    steps: Program

    def __post_init__(self) -> None:
        """Refuse a program that is too long."""
        checked(self.steps)


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each night on which `when` holds, from one moment to another."""

    start: Moment
    end: Moment
    when: Conditions = ALWAYS

    def __post_init__(self) -> None:
        """Refuse a window that is open in no night."""
        if never_after(self.start, self.end):
            raise ValueError("end: it comes before the start, or with it, in every night; a night begins at noon")

    def on(self, place: Place, day: date) -> tuple[datetime, datetime]:
        """Its beginning and end in the night of the evening of `day`; empty where the end comes first."""
        start, end = self.start.on(place, day), self.end.on(place, day)
        if not self.when.hold(day, place.region):
            return start, start
        return start, max(start, end)


OutputName = tuple[str, int]
"""An output within its municipality: its controller's id and its number."""


@dataclass(frozen=True, slots=True)
class QuietCap:
    """At most `level` percent within a window, for the whole zone or for one output."""

    level: int
    window: Window
    output: OutputName | None = None

    def __post_init__(self) -> None:
        """Refuse a level that caps nothing or is none."""
        if not 0 <= self.level <= 99:
            raise ValueError(f"level: {self.level} is not between 0 and 99")


class Deviation(NamedTuple):
    """A program that rules a night in the schedule's place, from its first step to `end`.

    What was in force stays true: it changes nothing before it was entered, at `since`, nor after it was withdrawn,
    at `until`.
    """

    steps: Program
    end: Moment
    since: datetime | None = None
    until: datetime | None = None

    def on(self, place: Place, day: date) -> tuple[datetime, datetime]:
        """Its beginning and end in the night of the evening of `day`; empty where the end comes first."""
        tonight = night(place, day)
        start = max(self.steps[0].moment.on(place, day), tonight.start, self.since or tonight.start)
        end = min(self.end.on(place, day), tonight.end)
        return start, max(start, end if self.until is None else min(end, self.until))


class NightRules(NamedTuple):
    """All that decides one night's plan. Of exceptions that overlap the later in the list outranks the others."""

    program: Program
    exceptions: tuple[Deviation, ...] = ()
    caps: tuple[QuietCap, ...] = ()


@dataclass(frozen=True, slots=True)
class Schedule:
    """The first rule whose conditions hold gives a night's program; `steps` is that of all other nights."""

    steps: Program
    rules: tuple[Rule, ...] = ()

    def __hash__(self) -> int:
        """Cheap: schedules are keys of caches."""
        return hash((self.steps[:2], len(self.steps), len(self.rules)))

    def __post_init__(self) -> None:
        """Refuse a schedule that is too long."""
        checked(self.steps)
        if len(self.rules) > MAX_RULES:
            raise ValueError(f"rules: {len(self.rules)} are more than {MAX_RULES}")

    def rule_on(self, day: date, region: str) -> int | None:
        """Which rule gives the night of the evening of `day` its program, by its position; None: no rule does."""
        return next((n for n, rule in enumerate(self.rules) if rule.when.hold(day, region)), None)

    def ordinary_on(self, day: date) -> Program:
        """The program of nights for which no rule holds."""
        return self.steps

    def rules_on(self, day: date, region: str) -> NightRules:
        """The program of the night of the evening of `day`; a schedule alone knows no exception and caps nothing."""
        rule = self.rule_on(day, region)
        return NightRules(self.steps if rule is None else self.rules[rule].steps)


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
