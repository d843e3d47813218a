"""What an output gave between two reports: as it said, or where reports may be missing, as its plan and orders say."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from service.domain.curve import Curve, Interval
from service.domain.inventory import Output
from service.domain.orders import Order, OrderStep, running_step
from service.domain.reports import OutputState
from service.domain.words import CAUSE_RANK, Cause

PLAN_SIDE = frozenset({Cause.SCHEDULE, Cause.EXCEPTION, Cause.SAFETY, Cause.FAILSAFE})
"""Causes of the plan's own light."""

_TICK = timedelta(microseconds=1)


class Course(NamedTuple):
    """What is known of one output between two reports.

    `before` is the state it reported at the stretch's beginning, `followed` the order it followed then. `following`
    is the order that it says it follows at the end, recorded at `ordered_at` (None where it is the same one, or nobody
    knows). `level` and `cause` are what it reports at the end; only a stretch with a gap looks at them. `curve` is its
    plan's; it may be left out (None) where the output gave its plan's light all the time.
    """

    output: Output
    before: OutputState
    level: int
    followed: Order = ()
    following: Order = ()
    ordered_at: datetime | None = None
    curve: Curve | None = None
    cause: Cause | None = None


class Held(NamedTuple):
    """A stretch [start, end) of one level (percent) and cause. `ref` is the lease of a press."""

    start: datetime
    end: datetime
    level: int
    cause: Cause
    ref: str | None = None


def as_told(course: Course, start: datetime, end: datetime) -> list[Held]:
    """The state of the beginning, held until `end`, as its controller followed one order all the time."""
    return _holding(course.before, course.followed, start, end)


def _holding(before: OutputState, order: Sequence[OrderStep], start: datetime, end: datetime) -> list[Held]:
    """A state, cut where one lease goes on after another.

    A relay may switch some moments after its order's step ended: they belong to the lease that ended.
    """
    level, cause = before.level, before.cause
    steps = [step for step in order if step.cause is Cause.PRESS] if cause is Cause.PRESS else []
    held = [Held(start, end, level, cause, steps[0].ref if steps else None)]
    for step in steps[1:]:
        last = held[-1]
        if step.start >= end:
            break
        if step.start <= last.start:
            held[-1] = last._replace(ref=step.ref)
        elif step.ref != last.ref:
            held[-1:] = [last._replace(end=step.start), Held(step.start, end, level, cause, step.ref)]
    return held


class Guess(NamedTuple):
    """What an output may have given, tiling a stretch; `open` where in the last stretch of one level it must have
    changed once more to what was reported at the end, nobody knows when."""

    held: list[Held]
    open: bool = False

    @property
    def changes(self) -> bool:
        """Whether the level changed."""
        return self.open or any(held.level != self.held[0].level for held in self.held)

    @property
    def last_change(self) -> datetime:
        """When its last stretch of one level began."""
        last = self.held[-1]
        for held in reversed(self.held):
            if held.level != last.level:
                break
            last = held
        return last.start


def guess(course: Course, start: datetime, end: datetime) -> Guess:
    """What an output gave where reports may be missing: what plan and orders say, as far as reports bear it out.

    Where they say of the beginning what was not reported, the reported state holds until their first change of level.
    """
    before, order = course.before, _in_force(course)
    model = (
        [] if course.curve is None or start == end else list(_model(course, course.curve, order, start, end + _TICK))
    )
    if not model:
        return Guess(_holding(before, order, start, end), open=start < end and course.level != before.level)
    turned = None
    if model[-1].start == end:
        turned = model.pop().level
    else:
        model[-1] = model[-1]._replace(end=end)
    explained = turned if turned != model[-1].level else None
    first = model[0]
    change = next((n for n, held in enumerate(model) if held.level != first.level), len(model))
    if change == len(model) and course.level == before.level:
        return Guess(_holding(before, order, start, end))
    if (first.level, first.cause) != (before.level, before.cause):
        model[:change] = _holding(before, order, start, model[change - 1].end)
    return Guess(model, open=course.level not in (model[-1].level, explained))


def changed_at(course: Course, guessed: Guess, at: datetime) -> list[Held]:
    """An open guess, closed by a change at a moment after its `last_change`."""
    held = [each._replace(end=min(each.end, at)) for each in guessed.held if each.start < at]
    last = guessed.held[-1]
    if at < last.end:
        step = running_step(_in_force(course), last.end) if course.cause is Cause.PRESS else None
        ref = step.ref if step is not None and step.cause is Cause.PRESS else None
        held.append(Held(at, last.end, course.level, course.cause or last.cause, ref))
    return held


def plan_of(course: Course, held: Held) -> Iterator[tuple[datetime, datetime, int, Cause]]:
    """Tiles what an output gave beyond its plan with the level and cause of its plan."""
    curve = course.curve
    if curve is None or not held.level or held.cause in PLAN_SIDE:
        yield held.start, held.end, 0, held.cause
    elif held.start == held.end:
        plan = curve.at(held.start)
        yield held.start, held.end, plan.level, _cause(course.output, plan)
    else:
        for plan in curve.intervals(held.start, held.end):
            yield plan.start, plan.end, plan.level, _cause(course.output, plan)


def _cause(output: Output, plan: Interval) -> Cause:
    return Cause.SAFETY if output.safety else plan.cause


def _in_force(course: Course) -> Order:
    """The order of the beginning, until the one of the end was recorded."""
    at = course.ordered_at
    if at is None:
        return course.followed
    former = (replace(step, until=min(step.until, at)) for step in course.followed if step.start < at)
    return (*former, *(replace(step, start=max(step.start, at)) for step in course.following if step.until > at))


def _model(course: Course, curve: Curve, order: Order, start: datetime, end: datetime) -> Iterator[Held]:
    """Tiles a stretch with what plan and orders say."""
    moments = sorted({edge for step in order for edge in (step.start, step.until)})
    return _joined(
        _ruling(plan, _cause(course.output, plan), a, b, running_step(order, a))
        for plan in curve.intervals(start, end)
        for a, b in itertools.pairwise(
            [plan.start, *(moment for moment in moments if plan.start < moment < plan.end), plan.end]
        )
    )


def _ruling(plan: Interval, why: Cause, start: datetime, end: datetime, step: OrderStep | None) -> Held:
    """The higher of plan and order, of equal ones that of the higher rank; a lock holds 0."""
    if step is not None and step.cause is Cause.LOCK:
        return Held(start, end, 0, Cause.LOCK)
    if step is None or (step.level, -CAUSE_RANK.index(step.cause)) < (plan.level, -CAUSE_RANK.index(why)):
        return Held(start, end, plan.level, why)
    return Held(start, end, step.level, step.cause, step.ref if step.cause is Cause.PRESS else None)


def _joined(pieces: Iterable[Held]) -> Iterator[Held]:
    for _, alike in itertools.groupby(pieces, lambda held: held[2:]):
        first, *more = alike
        yield first._replace(end=more[-1].end) if more else first
