"""Orders: what an output does beyond its plan, derived from leases and never commanded."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.domain.inventory import Output, ZoneKey
from service.domain.leases import Lease
from service.domain.words import Cause

MAX_STEPS = 8
"""Steps that an order may have for one output."""


@dataclass(frozen=True, slots=True)
class OrderStep:
    """One output holds at least `level` in [start, until) for `cause`; `ref` is the lease it belongs to."""

    start: datetime
    level: int
    until: datetime
    cause: Cause
    ref: str | None


Order = tuple[OrderStep, ...]
"""Adjoining or separate steps of one output, in time order. Empty: the plan rules."""


def derive(output: Output, leases: Iterable[Lease], now: datetime) -> Order:
    """The order of one output at `now`.

    Overlapping leases merge: each stretch has the highest level, and among equal levels belongs to the lease
    that was bought first. The plan may be higher; then it wins on the controller.
    """
    zone = ZoneKey(output.key.municipality, output.zone)
    covering = sorted(
        (lease for lease in leases if zone in lease.lights and lease.until > now),
        key=lambda lease: (lease.start, lease.id),
    )
    edges = sorted({edge for lease in covering for edge in (lease.start, lease.until)})
    steps: list[OrderStep] = []
    for start, end in itertools.pairwise(edges):
        over = [lease for lease in covering if lease.start <= start and end <= lease.until]
        if not over or end <= now:
            continue
        best = max(over, key=lambda lease: lease.level)
        steps = _append(steps, OrderStep(start, output.keeps(best.level), end, Cause.PRESS, best.id))
    return tuple(_shortened(steps))


def _append(steps: list[OrderStep], step: OrderStep) -> list[OrderStep]:
    if steps and (last := steps[-1]).until == step.start and (last.level, last.ref) == (step.level, step.ref):
        return [*steps[:-1], OrderStep(last.start, last.level, step.until, last.cause, last.ref)]
    return [*steps, step]


def _shortened(steps: list[OrderStep]) -> list[OrderStep]:
    """At most MAX_STEPS: the tail is folded into one step that darkens nothing."""
    if len(steps) <= MAX_STEPS:
        return steps
    head, tail = steps[: MAX_STEPS - 1], steps[MAX_STEPS - 1 :]
    brightest = max(step.level for step in tail)
    return [*head, OrderStep(tail[0].start, brightest, tail[-1].until, tail[0].cause, tail[0].ref)]


def ahead(order: Sequence[OrderStep], now: datetime) -> Order:
    """What of an order still lies ahead: ended steps dropped, begun ones counted from `now`."""
    return tuple(
        OrderStep(max(step.start, now), step.level, step.until, step.cause, step.ref)
        for step in order
        if step.until > now
    )


def level_of(order: Sequence[OrderStep], moment: datetime) -> int:
    """The level that an order asks for at a moment; 0 where it asks for nothing."""
    return max((step.level for step in order if step.start <= moment < step.until), default=0)
