"""Orders: what an output does beyond its plan, derived from leases and other claims and never commanded."""

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.domain.curve import Curve, Interval
from service.domain.inventory import Output, ZoneKey
from service.domain.leases import Lease
from service.domain.words import CAUSE_RANK, Cause

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


@dataclass(frozen=True, slots=True)
class Claim:
    """Light that somebody ordered for an output in [start, until), or with cause LOCK that it stays dark.

    With `warn` the last minute is at half level where the output can dim. Among claims of equal level and cause
    the first in the list rules.
    """

    start: datetime
    until: datetime
    level: int
    cause: Cause
    ref: str | None
    warn: bool = False


WARNING = timedelta(minutes=1)
"""How long before the end of its light a claim warns."""


def claims_of(zone: ZoneKey, leases: Iterable[Lease], now: datetime) -> list[Claim]:
    """What leases claim for the outputs of a zone, those bought first before others."""
    covering = (lease for lease in leases if zone in lease.lights and lease.until > now)
    return [
        Claim(lease.start, lease.until, lease.level, Cause.PRESS, lease.id, lease.warn)
        for lease in sorted(covering, key=lambda lease: (lease.start, lease.id))
    ]


def derive(output: Output, curve: Curve, claims: Sequence[Claim], now: datetime) -> Order:
    """The order of one output with its plan's curve, at `now`.

    Overlapping claims merge: a lock holds the output at 0; else each stretch has the highest level, and among equal
    levels the cause of the highest rank. The quiet caps bind presses, down to steps of level 0. The plan may be
    higher; then it wins on the controller.
    """
    pieces = [piece for claim in claims if claim.until > now for piece in _pieces(output, curve, claim)]
    edges = sorted({edge for piece in pieces for edge in (piece.start, piece.until)})
    begins = sorted(range(len(pieces)), key=lambda n: pieces[n].start)
    steps: list[OrderStep] = []
    running: list[tuple[bool, int, int, int]] = []  # a heap: locks, then the brightest, by rank, then bought first
    begun = 0
    for start, end in itertools.pairwise(edges):
        while begun < len(begins) and pieces[begins[begun]].start <= start:
            n = begins[begun]
            piece = pieces[n]
            rank = CAUSE_RANK.index(piece.cause)
            heapq.heappush(running, (piece.cause is not Cause.LOCK, -piece.level, rank, n))
            begun += 1
        while running and pieces[running[0][3]].until <= start:
            heapq.heappop(running)
        if running:
            _append(steps, replace(pieces[running[0][3]], start=start, until=end))
    return tuple(_shortened([step for step in steps if step.until > now]))


def _pieces(output: Output, curve: Curve, claim: Claim) -> Iterator[OrderStep]:
    """A claim as the output can give it: dimmed before its end, capped where a quiet cap binds it."""
    if claim.cause is Cause.LOCK:
        yield OrderStep(claim.start, 0, claim.until, claim.cause, claim.ref)
        return
    warns_from = max(claim.until - WARNING, claim.start) if claim.warn else claim.until
    for start, until, share in ((claim.start, warns_from, 1), (warns_from, claim.until, 2)):
        if claim.cause is not Cause.PRESS:
            whole = [Interval(start, until, output.keeps(claim.level))] if start < until else []
        else:
            whole = list(curve.pressed(claim.level, start, until))
        for part in whole:
            level = min(output.keeps(-(-part.level // share)), part.level)
            yield OrderStep(part.start, level, part.end, claim.cause, claim.ref)


def _append(steps: list[OrderStep], step: OrderStep) -> None:
    if steps and _adjoin(steps[-1], step) and (steps[-1].ref, steps[-1].cause) == (step.ref, step.cause):
        steps[-1] = replace(steps[-1], until=step.until)
    else:
        steps.append(step)


def _adjoin(a: OrderStep, b: OrderStep) -> bool:
    return a.until == b.start and a.level == b.level and (a.cause is Cause.LOCK) == (b.cause is Cause.LOCK)


def _shortened(steps: list[OrderStep]) -> list[OrderStep]:
    """At most MAX_STEPS, and no light is darkened to get there.

    Neighbours of one level lose their border first, the latest of them before earlier ones; only where none are
    left is the tail joined: at 0 where a lock is in it, since somebody works there, else at its highest level.
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
        lock = next((step for step in tail if step.cause is Cause.LOCK), None)
        joined = lock or replace(tail[0], level=max(step.level for step in tail))
        kept[MAX_STEPS - 1 :] = [replace(joined, start=tail[0].start, until=tail[-1].until)]
    return kept


def ahead(order: Sequence[OrderStep], now: datetime) -> Order:
    """What of an order still lies ahead: ended steps dropped, begun ones counted from `now`."""
    return tuple(
        OrderStep(max(step.start, now), step.level, step.until, step.cause, step.ref)
        for step in order
        if step.until > now
    )


def lasting(orders: Mapping[int, Order], moment: datetime) -> dict[int, Order]:
    """Orders by output number without the steps that had ended at a moment."""
    return {n: tuple(step for step in order if step.until > moment) for n, order in orders.items()}


def running_step(order: Sequence[OrderStep], moment: datetime) -> OrderStep | None:
    """The step of an order that holds at a moment; None where it says nothing."""
    return next((step for step in order if step.start <= moment < step.until), None)


def level_of(order: Sequence[OrderStep], moment: datetime) -> int:
    """The level that an order asks for at a moment; 0 where it asks for nothing."""
    step = running_step(order, moment)
    return 0 if step is None else step.level
