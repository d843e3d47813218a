"""Booking: what a meter's advance, or light without a meter, becomes in the ledger."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from service.domain.course import PLAN_SIDE, Course, Guess, Held, as_told, changed_at, guess, plan_of
from service.domain.dimming import share
from service.domain.entries import QUARTER, Entry, local_hours
from service.domain.inventory import Output
from service.domain.reports import LONGEST_GAP, MeterReading, MeterState, OutputState
from service.domain.words import Cause, Quality

__all__ = ["ROLLS_OVER", "Course", "advance", "book", "compute", "most_drawn", "needs_curve", "split"]

ROLLS_OVER = 1_000_000_000_000
"""mWh (1,000,000,000 Wh) at which a meter begins again from zero: the wire's highest total (broker/topics.md)."""

_SHORTEST = timedelta(minutes=1)
_MARGIN = 1.5
_SLACK = 100_000
"""mWh: what an advance may exceed its lamps' nominal draw by, with the margin: ballasts, inrush, a clock that lags."""

_NO_TIME = timedelta()
_TICK = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHARES = tuple(round(share(level) * 10_000) for level in range(101))
"""What a lamp draws at each level, in parts of 10,000: whole numbers, so that sums are exact."""

_PER_MWH = 10_000 * 3_600_000_000
"""Power (mW times parts of 10,000) times microseconds that make a mWh."""


def most_drawn(before: MeterState, at: datetime, watts: float) -> int:
    """The most mWh that lamps of `watts` can have drawn from `before` until `at`, with a margin."""
    hours = min(max(at - before.at, _SHORTEST), LONGEST_GAP) / timedelta(hours=1)
    return int(watts * 1000 * hours * _MARGIN) + _SLACK


def advance(before: MeterState, now: MeterReading, most: int) -> int:
    """How far a cumulative meter went on, in mWh.

    A smaller total means that it rolled over, if its lamps can have drawn the way over the top (`most`, by
    `most_drawn`); else that it started again from zero.
    """
    if now.total_mwh >= before.total_mwh:
        return now.total_mwh - before.total_mwh
    over = ROLLS_OVER - before.total_mwh + now.total_mwh
    return over if 0 <= over <= most else now.total_mwh


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Shares of `amount` by weight that add up exactly (largest remainder); equal shares where all weigh 0."""
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    parts = [divmod(amount * weight, total) for weight in weights]
    shares = [whole for whole, _ in parts]
    rest = amount - sum(shares)
    if rest:
        for i in sorted(range(len(parts)), key=lambda i: (-parts[i][1], i))[:rest]:
            shares[i] += 1
    return shares


def needs_curve(state: OutputState) -> bool:
    """Whether an output gives light for another cause than its plan, so that its course needs the plan's curve.

    Over a gap every course needs it.
    """
    return state.level > 0 and state.cause not in PLAN_SIDE


def book(
    energy_mwh: int, start: datetime, end: datetime, courses: Sequence[Course], tz: str, *, gap: bool = False
) -> list[Entry]:
    """Book a meter's advance over [start, end) to the outputs that it covers.

    The entries add up to the advance; without outputs there is nothing to book it to. Without a gap each output
    held what it reported before; over one it is guessed by plan and orders, and weighed by watts. Where no time passed,
    or the clock was set back, all is used at `start`; what a longer silence than LONGEST_GAP used counts as used in
    its end. Of light beyond the plan, the plan bears what its own level would have drawn. `tz` is the time zone whose
    full hours cut entries. What says nothing (no energy, no light) is left out.
    """
    if not gap and _within_quarter(start, end):
        for course in courses:
            if course.before.cause not in PLAN_SIDE:
                break
        else:
            return _booked_at_once(energy_mwh, start, end, courses)
    start, end = _bounds(start, end)
    found = _held(energy_mwh, start, end, courses, gap=gap)
    hours = _hours(start, end, tz)
    pieces = [list(_pieces(course, held, hours)) for course, (held, _) in zip(courses, found, strict=True)]
    weights = [[piece.power * max(piece.ticks, 1) for piece in own] for own in pieces]
    known = Quality.MEASURED if len(courses) == 1 else Quality.APPORTIONED
    entries: list[Entry] = []
    for energy, own, weighed, (_, changes) in zip(
        split(energy_mwh, [sum(weighed) for weighed in weights]), pieces, weights, found, strict=True
    ):
        quality = Quality.INTERPOLATED if changes else known
        shares = split(energy, weighed if any(weighed) else [max(piece.ticks, 1) for piece in own])
        for piece, amount in zip(own, shares, strict=True):
            planned = (2 * amount * piece.planned + piece.power) // (2 * piece.power) if piece.planned else 0
            entries += piece.entries(planned, amount - planned, quality)
    return entries


def _booked_at_once(energy_mwh: int, start: datetime, end: datetime, courses: Sequence[Course]) -> list[Entry]:
    """What `book` does with plans' own light within an hour, which is most of it: nothing to cut, nothing to share
    with a plan. Ten times as fast."""
    if len(courses) == 1:
        quality, shares = Quality.MEASURED, [energy_mwh]
    else:
        quality = Quality.APPORTIONED
        shares = split(energy_mwh, [_power(course.output, course.before.level) for course in courses])
    length = end - start
    entries: list[Entry] = []
    for (output, before, *_), own in zip(courses, shares, strict=True):
        lit = length if before.level else _NO_TIME
        if own or lit:
            entries.append(Entry(output.key, start, end, own, before.cause, None, before.level, lit, quality))
    return entries


def compute(start: datetime, end: datetime, course: Course, tz: str, *, gap: bool = False) -> list[Entry]:
    """What an output without a meter used in [start, end), from its watts and levels.

    Rounded so that stretches that adjoin add up to the whole. A change of level that neither a report nor plan and
    orders tell counts as at the end. Nothing is used in no time, nor before the last LONGEST_GAP.
    """
    start, end = _bounds(start, end)
    held = guess(course, start, end).held if gap else as_told(course, start, end)
    entries: list[Entry] = []
    for piece in _pieces(course, held, _hours(start, end, tz)):
        a, b = (piece.held.start - _EPOCH) // _TICK, (piece.held.end - _EPOCH) // _TICK
        planned, rest = (
            power * b // _PER_MWH - power * a // _PER_MWH for power in (piece.planned, piece.power - piece.planned)
        )
        entries += piece.entries(planned, rest, Quality.COMPUTED)
    return entries


class _Piece(NamedTuple):
    """A part of what an output gave that is booked at once. `power` is its weight per tick, `planned` the plan's part
    of it; `plan` and `why` are level and cause of the plan."""

    output: Output
    held: Held
    power: int
    planned: int = 0
    plan: int = 0
    why: Cause = Cause.SCHEDULE

    @property
    def ticks(self) -> int:
        """How long it is, in microseconds."""
        return (self.held.end - self.held.start) // _TICK

    def entries(self, planned: int, rest: int, quality: Quality) -> Iterator[Entry]:
        """The plan's energy and the rest, as far as they say anything."""
        start, end, level, cause, ref = self.held
        key = self.output.key
        lit = end - start if level else _NO_TIME
        if planned:
            yield Entry(key, start, end, planned, self.why, None, self.plan, _NO_TIME, quality)
        if rest or lit:
            yield Entry(key, start, end, rest, cause, ref, level, lit, quality)


def _pieces(course: Course, stretches: Iterable[Held], hours: Sequence[datetime]) -> Iterator[_Piece]:
    """What an output gave, cut where its plan changes under other light, and at full hours."""
    output = course.output
    for held in stretches:
        power = _power(output, held.level)
        for start, end, level, why in plan_of(course, held):
            plan = min(level, held.level)
            planned = _power(output, plan)
            edge = start
            for hour in hours:
                if edge < hour < end:
                    yield _Piece(output, held._replace(start=edge, end=hour), power, planned, plan, why)
                    edge = hour
            yield _Piece(output, held._replace(start=edge, end=end), power, planned, plan, why)


def _power(output: Output, level: int) -> int:
    """What an output's lamps draw at a level, in mW times parts of 10,000."""
    return round(output.watts * 1000) * _SHARES[level]


def _within_quarter(start: datetime, end: datetime) -> bool:
    """Whether no full hour of any time zone lies within (start, end)."""
    return start.minute // 15 == end.minute // 15 and _NO_TIME <= end - start < QUARTER


def _hours(start: datetime, end: datetime, tz: str) -> Sequence[datetime]:
    return () if _within_quarter(start, end) else tuple(local_hours(start, end, tz))


def _bounds(start: datetime, end: datetime) -> tuple[datetime, datetime]:
    end = max(start, end)
    return max(start, end - LONGEST_GAP), end


def _held(
    energy_mwh: int, start: datetime, end: datetime, courses: Sequence[Course], *, gap: bool
) -> list[tuple[list[Held], bool]]:
    """What each output gave, and whether its level changed. Changes that nobody told are placed by the energy."""
    if not gap or start == end:
        return [(as_told(course, start, end), False) for course in courses]
    guesses = [guess(course, start, end) for course in courses]
    if any(guessed.open for guessed in guesses):
        part = _part(energy_mwh, courses, guesses)
        closed = [
            changed_at(course, guessed, _between(guessed.last_change, end, *part)) if guessed.open else guessed.held
            for course, guessed in zip(courses, guesses, strict=True)
        ]
    else:
        closed = [guessed.held for guessed in guesses]
    return [(held, guessed.changes) for held, guessed in zip(closed, guesses, strict=True)]


def _part(energy_mwh: int, courses: Sequence[Course], guesses: Sequence[Guess]) -> tuple[int, int]:
    """The part of their last stretches (numerator, denominator) after which open guesses change, by the energy.

    One part for all of them, from 0 to 1: what all lamps draw by their watts is then as near as can be to the energy.
    """
    rest, differ = energy_mwh * _PER_MWH, 0
    for course, guessed in zip(courses, guesses, strict=True):
        unsure_from = guessed.last_change if guessed.open else None
        for held in guessed.held:
            ticks = (held.end - held.start) // _TICK
            power = _power(course.output, held.level)
            if unsure_from is not None and held.start >= unsure_from:
                after = _power(course.output, course.level)
                differ += (power - after) * ticks
                power = after
            rest -= power * ticks
    if differ < 0:
        rest, differ = -rest, -differ
    return (min(max(rest, 0), differ), differ) if differ else (1, 1)


def _between(start: datetime, end: datetime, part: int, whole: int) -> datetime:
    return start + _TICK * ((end - start) // _TICK * part // whole)
