"""Energy entries: what a meter's advance is booked to. All energy is integer mWh, so that sums are exact."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from types import MappingProxyType

from service.domain.curve import Curve
from service.domain.inventory import Output, OutputKey
from service.domain.reports import LONGEST_GAP, MeterReading, MeterState, OutputState
from service.domain.words import Cause

_SHORTEST = timedelta(minutes=1)
_MARGIN = 1.5
_SLACK = 100_000
"""mWh: what an advance may exceed its lamps' nominal draw by, with the margin: ballasts, inrush, a clock that lags."""

_PLAN_SIDE = frozenset({Cause.SCHEDULE, Cause.EXCEPTION, Cause.SAFETY, Cause.FAILSAFE})


@dataclass(frozen=True, slots=True)
class Entry:
    """Energy in mWh of one output in [start, end) and its cause. Never reaches over a full hour."""

    output: OutputKey
    start: datetime
    end: datetime
    energy_mwh: int
    cause: Cause


def advance(before: MeterState, now: MeterReading) -> int:
    """How far a cumulative meter went on, in mWh. A smaller total means that it started again from zero."""
    return now.total_mwh - before.total_mwh if now.total_mwh >= before.total_mwh else now.total_mwh


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Shares of `amount` by weight that add up exactly (largest remainder); equal shares where all weigh 0."""
    total = sum(weights)
    if total == 0:
        weights, total = [1] * len(weights), len(weights)
    exact = [Fraction(amount * weight, total) for weight in weights]
    shares = [int(share) for share in exact]
    rest = amount - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_remainder[:rest]:
        shares[i] += 1
    return shares


def plausible(before: MeterState, reading: MeterReading, at: datetime, watts: float) -> bool:
    """Whether lamps of `watts` can have drawn a meter's advance since `before`."""
    hours = min(max(at - before.at, _SHORTEST), LONGEST_GAP) / timedelta(hours=1)
    return advance(before, reading) <= watts * 1000 * hours * _MARGIN + _SLACK


def beyond_plan(state: OutputState) -> bool:
    """Whether an output gives light for another cause than its plan."""
    return state.level > 0 and state.cause not in _PLAN_SIDE


def book(
    before: MeterState,
    reading: MeterReading,
    at: datetime,
    outputs: Sequence[tuple[Output, OutputState]],
    curves: Mapping[OutputKey, Curve] = MappingProxyType({}),
) -> list[Entry]:
    """Book a meter's advance since `before` to the outputs it covers, in the states they had meanwhile.

    A controller reports every change, so the last state held until now. An advance over several hours is split
    by time. Of light beyond an output's plan, given by `curves`, the plan bears what its own level would have
    drawn. The entries add up to the advance; without outputs there is nothing to book it to.
    """
    energy = advance(before, reading)
    if not outputs:
        return []
    end = max(at, before.at)
    start = max(before.at, end - LONGEST_GAP)
    weights = [round(output.watts * 1000) * state.level for output, state in outputs]
    entries: list[Entry] = []
    for (output, state), share in zip(outputs, split(energy, weights), strict=True):
        parts = list(_parts(output, state, curves.get(output.key), start, end))
        shares = split(share, [weight for *_, weight in parts])
        entries += [Entry(output.key, a, b, own, why) for (a, b, why, _), own in zip(parts, shares, strict=True)]
    return entries


_Part = tuple[datetime, datetime, Cause, int]


def _parts(output: Output, state: OutputState, curve: Curve | None, start: datetime, end: datetime) -> Iterator[_Part]:
    """[from, to), cause and weight of an output's energy: split at full hours, and where its plan changes."""
    split_by_plan = curve is not None and beyond_plan(state)
    changes = {stretch.start for stretch in curve.intervals(start, end)} if curve and split_by_plan else set()
    edges = sorted({start, *_full_hours(start, end), *changes})
    for a, b in itertools.pairwise([*edges, end]):
        length = max((b - a) // timedelta(microseconds=1), 1)
        plan = curve.at(a) if curve and split_by_plan else None
        planned = 0 if plan is None else min(plan.level, state.level)
        if plan is not None and planned:
            yield a, b, Cause.SAFETY if output.safety else plan.cause, length * planned
        if planned < state.level or not planned:
            yield a, b, state.cause, length * max(state.level - planned, 1)


def _full_hours(start: datetime, end: datetime) -> Iterator[datetime]:
    hour = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while hour < end:
        yield hour
        hour += timedelta(hours=1)
