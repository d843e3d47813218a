"""Energy entries: what a meter's advance is booked to. All energy is integer mWh, so that sums are exact."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from service.domain.inventory import Output, OutputKey
from service.domain.reports import MeterReading, MeterState, OutputState
from service.domain.words import Cause


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


def book(
    before: MeterState, reading: MeterReading, at: datetime, outputs: Sequence[tuple[Output, OutputState]]
) -> list[Entry]:
    """Book a meter's advance since `before` to the outputs it covers, in the states they had meanwhile.

    A controller reports every change, so the last state held until now. An advance over several hours is split
    by time. The entries add up to the advance; without outputs there is nothing to book it to.
    """
    energy = advance(before, reading)
    if not outputs:
        return []
    weights = [round(output.watts * 1000) * state.level for output, state in outputs]
    entries: list[Entry] = []
    for (output, state), share in zip(outputs, split(energy, weights), strict=True):
        entries += _by_hour(output.key, before.at, max(at, before.at), share, state.cause)
    return entries


def _by_hour(output: OutputKey, start: datetime, end: datetime, energy: int, cause: Cause) -> list[Entry]:
    edges = [start]
    edge = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while edge < end:
        edges.append(edge)
        edge += timedelta(hours=1)
    edges.append(end)
    pairs = list(itertools.pairwise(edges))
    lengths = [(b - a) // timedelta(microseconds=1) for a, b in pairs]
    shares = split(energy, lengths)
    return [Entry(output, a, b, share, cause) for (a, b), share in zip(pairs, shares, strict=True)]
