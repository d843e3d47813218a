"""The light curve of one output: what it gives at any moment by schedule, exception and quiet cap."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple, Protocol

from service.domain.schedule import Deviation, NightRules, OutputName, Program, QuietCap, Step
from service.domain.sun import Place, night, night_of
from service.domain.words import Cause


class Ruling(Protocol):
    """Whatever gives each night its rules: one schedule, or all that a council passed over the years."""

    def rules_on(self, day: date, region: str) -> NightRules:
        """The rules of the night of the evening of `day`, in a region with its holidays."""
        ...

    def ordinary_on(self, day: date) -> Program:
        """The program that is in force on `day` for nights without a rule of their own."""
        ...


@dataclass(frozen=True, slots=True)
class Fit:
    """The levels that an output can give: 0, multiples of `step` from `least` on, and `most`. A relay has step 100."""

    least: int = 0
    most: int = 100
    step: int = 1

    def level(self, asked: int, cap: int = 100) -> int:
        """The level given when asked for `asked`: never darker than that, but never above the cap; 0 stays 0."""
        if asked <= 0:
            return 0
        given = min(-(-max(asked, self.least) // self.step) * self.step, self.most)
        if given <= cap:
            return given
        below = min(cap // self.step * self.step, self.most)
        return below if below >= max(self.least, 1) else 0


@dataclass(frozen=True, slots=True)
class Interval:
    """A stretch [start, end) of constant level and cause (schedule or exception), faded to in `fade_s` seconds."""

    start: datetime
    end: datetime
    level: int
    cause: Cause = Cause.SCHEDULE
    fade_s: int = 0


class Gain(NamedTuple):
    """A stretch [start, end) in which a press gives `levels` percent more light than the plan."""

    start: datetime
    end: datetime
    levels: int


@dataclass(frozen=True, slots=True)
class Curve:
    """What rules at a place, as an output gives it. `intervals`, `level_at` and `next_change` always agree.

    `fit` is the output's; `output` names it where a cap may be for one output alone. `press_ruling` has the caps
    that bind presses, where they are not those of `ruling`: a safety output's plan knows none.
    """

    ruling: Ruling
    place: Place
    fit: Fit = Fit()
    output: OutputName | None = None
    press_ruling: Ruling | None = None

    def night(self, day: date) -> tuple[Interval, ...]:
        """The stretches of the night of the evening of `day`, tiling [noon, noon)."""
        return _night(self, day)

    def at(self, moment: datetime) -> Interval:
        """The stretch of its night in which `moment` lies."""
        stretches = self.night(night_of(moment, self.place.tz))
        return next(stretch for stretch in stretches if moment < stretch.end)

    def level_at(self, moment: datetime) -> int:
        """Level in percent at `moment`."""
        return self.at(moment).level

    def intervals(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """Tiles [start, end) with the longest stretches of constant level and cause."""
        nights = (self.night(day) for day in _days(self.place, start, end))
        return _joined(within(itertools.chain.from_iterable(nights), start, end))

    def next_change(self, moment: datetime, within: timedelta = timedelta(days=370)) -> tuple[datetime, int] | None:
        """The first change of level after `moment` and the new level, or None within the given time."""
        stretches = self.intervals(moment, moment + within)
        now = next(stretches, None)
        change = next((stretch for stretch in stretches if now is not None and stretch.level != now.level), None)
        return None if change is None else (change.start, change.level)

    def pressed(self, level: int, start: datetime, end: datetime) -> Iterator[Interval]:
        """Tiles [start, end) with what the output gives when a press asks for `level`: the quiet caps bind it."""
        for day in _days(self.place, start, end):
            yield from self._pressed_on(day, level, start, end)

    def gains(self, level: int, start: datetime, end: datetime) -> Iterator[Gain]:
        """Where within [start, end) a press for `level` gives more light than the plan does."""
        for day in _days(self.place, start, end):
            plan = self.night(day)
            for press in self._pressed_on(day, level, start, end):
                for stretch in plan:
                    if press.level > stretch.level and stretch.start < press.end and press.start < stretch.end:
                        a, b = max(press.start, stretch.start), min(press.end, stretch.end)
                        yield Gain(a, b, press.level - stretch.level)

    def _pressed_on(self, day: date, level: int, start: datetime, end: datetime) -> Iterator[Interval]:
        tonight = night(self.place, day)
        start, end = max(start, tonight.start), min(end, tonight.end)
        if start >= end:
            return
        caps = self.caps_of((self.press_ruling or self.ruling).rules_on(day, self.place.region))
        if not caps:
            yield Interval(start, end, self.fit.level(level), Cause.PRESS)
        else:
            yield from _fitted([Interval(start, end, level, Cause.PRESS)], _hours(caps, self.place, day), self.fit)

    def caps_of(self, rules: NightRules) -> tuple[QuietCap, ...]:
        """The caps of a night that bind this output."""
        return rules.caps and tuple(cap for cap in rules.caps if cap.output is None or cap.output == self.output)


def _days(place: Place, start: datetime, end: datetime) -> Iterator[date]:
    """The dates of the nights that [start, end) touches."""
    day, last = night_of(start, place.tz), night_of(end, place.tz)
    while day <= last:
        yield day
        day += timedelta(days=1)


@lru_cache(maxsize=16384)
def _night(curve: Curve, day: date) -> tuple[Interval, ...]:
    rules, place = curve.ruling.rules_on(day, curve.place.region), curve.place
    stretches = _stretches(rules.program, Cause.SCHEDULE, place, day)
    for exception in rules.exceptions:
        stretches = _deviating(stretches, exception, place, day)
    return tuple(_joined(_fitted(stretches, _hours(curve.caps_of(rules), place, day), curve.fit)))


def step_at(program: Program, place: Place, moment: datetime) -> Step | None:
    """The step of a program by which `moment` has its level; None before the first of the night."""
    passed = [step for step, at in _timed(program, place, night_of(moment, place.tz)) if at <= moment]
    return passed[-1] if passed else None


def _timed(program: Program, place: Place, day: date) -> Iterator[tuple[Step, datetime]]:
    """The steps with their moments in a night: none comes before an earlier one."""
    tonight = night(place, day)
    at = tonight.start
    for step in program:
        at = min(max(step.moment.on(place, day), at), tonight.end)
        yield step, at


def _stretches(program: Program, cause: Cause, place: Place, day: date) -> list[Interval]:
    """What a program gives, tiling the night, which starts at level 0."""
    tonight = night(place, day)
    changes = [(tonight.start, 0, 0)]
    changes += [(at, step.level, step.fade_s) for step, at in _timed(program, place, day)]
    return [
        Interval(start, end, level, cause, fade_s)
        for (start, level, fade_s), (end, *_) in itertools.pairwise([*changes, (tonight.end, 0, 0)])
        if start < end
    ]


def _deviating(stretches: list[Interval], exception: Deviation, place: Place, day: date) -> list[Interval]:
    tonight = night(place, day)
    start, end = exception.on(place, day)
    instead = _stretches(exception.steps, Cause.EXCEPTION, place, day)
    return [
        *within(stretches, tonight.start, start),
        *within(instead, start, end),
        *within(stretches, end, tonight.end),
    ]


_Hours = tuple[tuple[datetime, datetime, int], ...]


@lru_cache(maxsize=16384)
def _hours(caps: tuple[QuietCap, ...], place: Place, day: date) -> _Hours:
    """The quiet hours of one night as (start, end, most level)."""
    found = ((*cap.window.on(place, day), cap.level) for cap in caps)
    return tuple(hours for hours in found if hours[0] < hours[1])


def _fitted(stretches: Iterable[Interval], caps: _Hours, fit: Fit) -> Iterator[Interval]:
    """Stretches as an output gives them: cut where a cap begins or ends."""
    for stretch in stretches:
        edges = {stretch.start, stretch.end}
        edges.update(edge for start, end, _ in caps for edge in (start, end) if stretch.start < edge < stretch.end)
        for start, end in itertools.pairwise(sorted(edges)):
            cap = min((level for a, b, level in caps if a <= start < b), default=100)
            fade_s = stretch.fade_s if start == stretch.start else 0
            yield Interval(start, end, fit.level(stretch.level, cap), stretch.cause, fade_s)


def _joined(stretches: Iterable[Interval]) -> Iterator[Interval]:
    """Adjoining stretches of equal level and cause as one."""
    held: Interval | None = None
    for stretch in stretches:
        if held is not None and (held.level, held.cause) == (stretch.level, stretch.cause):
            held = replace(held, end=stretch.end)
            continue
        if held is not None:
            yield held
        held = stretch
    if held is not None:
        yield held


def within(stretches: Iterable[Interval], start: datetime, end: datetime) -> Iterator[Interval]:
    """What of some stretches lies in [start, end); a fade belongs to the beginning of its stretch alone."""
    for stretch in stretches:
        a, b = max(stretch.start, start), min(stretch.end, end)
        if a < b:
            yield Interval(a, b, stretch.level, stretch.cause, stretch.fade_s if a == stretch.start else 0)
