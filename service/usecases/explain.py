"""Explain: what ruled a zone at a moment, and why it was lit or dark; a chain of reasons in rank order.

Who lit which street when is nobody's business: for a past moment no press is named, only the sum of that night's
pressed minutes, once the night is over, and not even that where presses were forgotten.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from service.domain.curve import step_at
from service.domain.inventory import Municipality, Output, Zone, ZoneKey, curve_of
from service.domain.lights import Watched
from service.domain.orders import Order, running_step
from service.domain.policy import LightException, Policy
from service.domain.press import union
from service.domain.schedule import QuietCap, Step, first_occurrence
from service.domain.sun import Night, night, night_of
from service.domain.words import CAUSE_RANK, Cause, PressedState
from service.errors import InvalidError
from service.ports import Tx
from service.usecases.press import find


@dataclass(frozen=True, slots=True)
class Link:
    """One reason: by this cause so many outputs have their level, `level` at most; with none it was outranked."""

    cause: Cause
    level: int
    outputs: int


@dataclass(frozen=True, slots=True)
class Pressed:
    """What is told of a night's presses: the sum of pressed minutes, or why there is none."""

    state: PressedState
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """What ruled a zone at a moment.

    `rule` is the position of the schedule's rule in force (None: its default program), `step` the schedule's step by
    then, `exception_step` the exception's, `quiet` the caps that bind then. The `chain` has the causes by which outputs
    have their level and those outranked, in rank order: for the present all of them, else those of the plan.
    `reported` is what controllers say of the present.
    """

    zone: Zone
    at: datetime
    night: Night
    policy: Policy
    rule: int | None
    step: Step | None
    exception: LightException | None
    exception_step: Step | None
    quiet: tuple[QuietCap, ...]
    chain: tuple[Link, ...]
    reported: tuple[Link, ...]
    present: bool
    outputs: int
    pressed: Pressed

    @property
    def level(self) -> int:
        """The highest level that any output has by the chain."""
        return max((link.level for link in self.chain if link.outputs), default=0)


def explain(tx: Tx, key: ZoneKey, at: datetime | None, now: datetime, forgotten_before: datetime) -> Explanation:
    """Explain a moment (None: now; without an offset local time). UnknownError where there is no such zone.

    `forgotten_before` is the moment before which presses are not known exactly any more.
    """
    home, zone = find(tx, key)
    place = home.place
    moment = now if at is None else _moment(at, place.tz)
    day = night_of(moment, place.tz)
    policy = zone.policy_on(day)
    outputs = tx.outputs([key])
    present = at is None
    watched = tx.watched([key]) if present else []
    exception = _exception(zone, home, moment, day)
    program = zone.rulebook.rules_on(day, place.region).program
    return Explanation(
        zone=zone,
        at=moment,
        night=night(place, day),
        policy=policy,
        rule=policy.schedule.rule_on(day, place.region),
        step=step_at(program, place, moment),
        exception=exception,
        exception_step=None if exception is None else step_at(exception.steps, place, moment),
        quiet=tuple(cap for cap in policy.quiet if _covers(cap.window.on(place, day), moment)),
        chain=_chain(home, zone, outputs, watched, moment),
        reported=_links([[(w.state.cause, w.state.level)] for w in watched if w.state is not None]),
        present=present,
        outputs=len(outputs),
        pressed=_pressed(tx, key, night(place, day), now, forgotten_before),
    )


def _moment(at: datetime, tz: str) -> datetime:
    if not 2000 <= at.year < 2200:
        raise InvalidError(f"at: {at} is not between the years 2000 and 2199.")
    return at.astimezone(UTC) if at.tzinfo else first_occurrence(at, tz)


def _exception(zone: Zone, home: Municipality, at: datetime, day: date) -> LightException | None:
    """The exception that rules a moment."""
    holding = zone.rulebook.exceptions_on(day)
    return next((one for one in reversed(holding) if _covers(one.deviation.on(home.place, day), at)), None)


def _covers(span: tuple[datetime, datetime], at: datetime) -> bool:
    return span[0] <= at < span[1]


def _chain(
    home: Municipality, zone: Zone, outputs: list[Output], watched: list[Watched], at: datetime
) -> tuple[Link, ...]:
    """What plan and orders ask for, by cause in rank order."""
    orders = {w.output.key: w.order for w in watched}
    return _links([_asked(home, zone, output, orders.get(output.key, ()), at) for output in outputs])


_Asked = tuple[Cause, int]


def _asked(home: Municipality, zone: Zone, output: Output, order: Order, at: datetime) -> list[_Asked]:
    """What is asked of an output, what rules it first."""
    planned = curve_of(output, zone, home).at(at)
    asked = [(Cause.SAFETY if output.safety and planned.level else planned.cause, planned.level)]
    if planned.cause is Cause.EXCEPTION:
        book = replace(zone.rulebook, exceptions=())
        asked.append((Cause.SCHEDULE, curve_of(output, replace(zone, rulebook=book), home).level_at(at)))
    step = running_step(order, at)
    if step is None:
        return asked
    ordered, plan = (step.cause, step.level), asked[0]
    locked = step.cause is Cause.LOCK
    first = locked or (step.level, -CAUSE_RANK.index(step.cause)) > (plan[1], -CAUSE_RANK.index(plan[0]))
    return [ordered, *asked] if first else [plan, ordered, *asked[1:]]


def _links(asked: list[list[_Asked]]) -> tuple[Link, ...]:
    causes = sorted({cause for of_output in asked for cause, _ in of_output}, key=CAUSE_RANK.index)
    return tuple(_link(cause, asked) for cause in causes)


def _link(cause: Cause, asked: list[list[_Asked]]) -> Link:
    ruling = [of_output[0][1] for of_output in asked if of_output[0][0] is cause]
    outranked = [level for of_output in asked for of, level in of_output[1:] if of is cause]
    return Link(cause, max(ruling or outranked), len(ruling))


def _pressed(tx: Tx, key: ZoneKey, dark: Night, now: datetime, forgotten_before: datetime) -> Pressed:
    if now < dark.end:
        return Pressed(PressedState.NOT_YET)
    if dark.start < forgotten_before:
        return Pressed(PressedState.FORGOTTEN)
    if dark.end <= tx.enactments(key)[0].enacted_at:
        return Pressed(PressedState.NOT_RECORDED)
    lit = union(tx.light_given(key, dark.start, dark.end), dark.start)
    total = sum((span.until - span.start for span in lit), timedelta())
    return Pressed(PressedState.TOLD, round(total / timedelta(minutes=1)))
