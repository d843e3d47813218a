"""Orders: what an output does beyond its plan, derived from leases and never commanded."""

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
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
    running: list[tuple[int, int]] = []  # a heap: brightest first, then bought first
    begun = 0
    for start, end in itertools.pairwise(edges):
        while begun < len(covering) and covering[begun].start <= start:
            heapq.heappush(running, (-output.keeps(covering[begun].level), begun))
            begun += 1
        while running and covering[running[0][1]].until <= start:
            heapq.heappop(running)
        if running:
            best = covering[running[0][1]]
            _append(steps, OrderStep(start, output.keeps(best.level), end, Cause.PRESS, best.id))
    return tuple(_shortened([step for step in steps if step.until > now]))


def _append(steps: list[OrderStep], step: OrderStep) -> None:
    if steps and _adjoin(steps[-1], step) and steps[-1].ref == step.ref:
        steps[-1] = replace(steps[-1], until=step.until)
    else:
        steps.append(step)


def _adjoin(a: OrderStep, b: OrderStep) -> bool:
    return a.until == b.start and a.level == b.level


def _shortened(steps: list[OrderStep]) -> list[OrderStep]:
    """At most MAX_STEPS. What is joined belongs to its first lease, and nothing is darkened.

    Neighbours of one level lose their border first, the latest of them before earlier ones; only where none are
    left is the tail joined at its highest level.
    """
    excess = len(steps) - MAX_STEPS
    kept: list[OrderStep] = []
    for step in reversed(steps):
        if excess > 0 and kept and _adjoin(step, kept[-1]):
            kept[-1] = replace(step, until=kept[-1].until)
            excess -= 1
        else:
            kept.append(step)
    kept.reverse()
    if excess > 0:
        tail = kept[MAX_STEPS - 1 :]
        kept[MAX_STEPS - 1 :] = [replace(tail[0], until=tail[-1].until, level=max(step.level for step in tail))]
    return kept


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
