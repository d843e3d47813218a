"""Conduct: derive every output's order and plan from stored state, and record what must be published."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from service.domain.curve import Curve, Interval
from service.domain.inventory import Controller, ControllerKey, Municipality, Output, Zone, ZoneKey, curve_of
from service.domain.local import LocalLevel, local_levels
from service.domain.orders import Order, ahead, derive
from service.domain.sun import Place, night_of, noon
from service.domain.words import Cause
from service.ports import OutputPlan, Plan, PlanStep, SentOrder, SentPlan, Tx
from service.usecases.claims import Claims, gather_claims
from service.usecases.press import RECENT
from service.usecases.progress import follow, next_failure

PLAN_NIGHTS = 8
"""A plan reaches this many nights ahead, so that at least seven remain until it is made anew at noon."""

MAX_STEPS = 250
"""Steps of one output in a plan: as many as the contract allows."""

MOST_LOCAL = 40
"""Entries of a button's own levels in a plan: an evening and a morning for each night, and more for quiet caps."""

_LOCAL_BYTES = 34

MAX_STEPS_BYTES = 19_000
"""What the steps of a plan may take of a message's 32 KiB; twenty steps of each output's rule take the rest."""


@dataclass(frozen=True, slots=True)
class OrderOut:
    """An order that has been recorded and must be published."""

    controller: ControllerKey
    desired_n: int
    orders: Mapping[int, Order]


@dataclass(frozen=True, slots=True)
class PlanOut:
    """A plan that has been recorded and must be published."""

    controller: ControllerKey
    plan_n: int
    plan: Plan


@dataclass(frozen=True, slots=True)
class Conducted:
    """What to publish, which zones look different now, and when to look again without being nudged.

    `look_again` counts all leases of the municipality, whichever zones were looked at.
    """

    orders: tuple[OrderOut, ...] = ()
    plans: tuple[PlanOut, ...] = ()
    changed: frozenset[ZoneKey] = frozenset()
    look_again: datetime | None = None


def conduct_zones(
    tx: Tx,
    municipality: str,
    zones: frozenset[ZoneKey],
    now: datetime,
    speed: float,
    *,
    answer: Collection[ControllerKey] = (),
) -> Conducted:
    """Derive the orders of the outputs in some zones; for when presses came there.

    Controllers that wait for an `answer` get an order with the next counter, whatever it says.
    """
    village = _village(tx, municipality, now)
    outputs = tx.outputs(zones)
    sent = tx.sent_orders({output.key.owner for output in outputs})
    if village is None:
        return Conducted()
    claims = gather_claims(tx, municipality, now)

    out = []
    for controller, own in _by_owner(outputs).items():
        before = sent.get(controller)
        if before is None or before.orders is None:
            return conduct(tx, municipality, now, speed, answer=answer)
        derived = {**before.orders, **village.orders(own, claims)}
        if controller in answer or _differ(before.orders, derived, now):
            out.append(OrderOut(controller, before.desired_n + 1, _present(derived, now)))

    _keep(tx, out, [], now)
    handled = [alike for alike in tx.leases_waiting(municipality, now) if zones.issuperset(alike.lights)]
    changed = follow(tx, handled, now, speed, ordered=True)
    return Conducted(tuple(out), (), frozenset(changed), next_failure(tx, municipality, now, speed))


def conduct(
    tx: Tx,
    municipality: str,
    now: datetime,
    speed: float,
    *,
    again: bool = False,
    answer: Collection[ControllerKey] = (),
) -> Conducted:
    """Derive all orders and plans of a municipality; `again` publishes unchanged ones, too.

    Controllers that wait for an `answer` get an order with the next counter, whatever it says.
    """
    village = _village(tx, municipality, now)
    if village is None:
        return Conducted()
    controllers = tx.controllers(municipality)
    sent = tx.sent_orders(controller.key for controller in controllers)
    claims = gather_claims(tx, municipality, now)

    orders = []
    for controller in controllers:
        before = sent.get(controller.key)
        derived = village.orders(controller.outputs, claims)
        counter = 0 if before is None else before.desired_n
        known = None if before is None else before.orders
        if known is None or controller.key in answer or _differ(known, derived, now):
            orders.append(OrderOut(controller.key, counter + 1, _present(derived, now)))
        elif again:
            orders.append(OrderOut(controller.key, counter, _present(derived, now)))
    plans = _plans(tx, village, controllers, now, again=again)

    _keep(tx, orders, plans, now)
    waiting = tx.leases_waiting(municipality, now)
    changed = follow(tx, waiting, now, speed, ordered=True, again=again)
    look_again = next_failure(tx, municipality, now, speed)
    return Conducted(tuple(orders), tuple(plans), frozenset(changed), look_again)


@dataclass(frozen=True, slots=True)
class _Village:
    """A municipality with its zones by their ids."""

    home: Municipality
    zones: Mapping[str, Zone]

    def orders(self, outputs: Iterable[Output], claims: Claims) -> dict[int, Order]:
        """The orders of a controller's outputs by their numbers."""
        return {
            output.key.n: derive(
                output, curve_of(output, self.zones[output.zone], self.home), claims.of(output), claims.now
            )
            for output in outputs
        }


def _village(tx: Tx, municipality: str, now: datetime) -> _Village | None:
    home = tx.municipality(municipality)
    zones = tx.zones(municipality, since=now - RECENT)
    return None if home is None else _Village(home, {zone.key.zone: zone for zone in zones})


def _keep(tx: Tx, orders: list[OrderOut], plans: list[PlanOut], now: datetime) -> None:
    for order in orders:
        tx.keep_order(order.controller, SentOrder(order.desired_n, order.orders), now)
    for plan in plans:
        tx.keep_plan(plan.controller, SentPlan(plan.plan_n, digest(plan.plan)), now)


def _by_owner(outputs: Iterable[Output]) -> dict[ControllerKey, list[Output]]:
    found: dict[ControllerKey, list[Output]] = {}
    for output in outputs:
        found.setdefault(output.key.owner, []).append(output)
    return found


def _differ(before: Mapping[int, Order], after: Mapping[int, Order], now: datetime) -> bool:
    return any(ahead(before.get(n, ()), now) != ahead(after.get(n, ()), now) for n in before.keys() | after.keys())


def _present(orders: Mapping[int, Order], now: datetime) -> dict[int, Order]:
    """Outputs with something still to do; ended steps are not published again."""
    kept = {n: tuple(step for step in order if step.until > now) for n, order in orders.items()}
    return {n: order for n, order in kept.items() if order}


def _plans(tx: Tx, village: _Village, controllers: list[Controller], now: datetime, *, again: bool) -> list[PlanOut]:
    sent = tx.sent_plans(village.home.id)
    out = []
    for controller in controllers:
        plan = plan_of(controller, village.home, village.zones, now)
        before = sent.get(controller.key)
        if before is None or before.digest != digest(plan):
            out.append(PlanOut(controller.key, (before.plan_n if before else 0) + 1, plan))
        elif again:
            out.append(PlanOut(controller.key, before.plan_n, plan))
    return out


def plan_of(controller: Controller, municipality: Municipality, zones: Mapping[str, Zone], now: datetime) -> Plan:
    """What a controller carries out by itself from tonight's beginning on."""
    place = municipality.place
    tonight = night_of(now, place.tz)
    curves = {output: curve_of(output, zones[output.zone], municipality) for output in controller.outputs}
    start = noon(tonight, place.tz)
    last, ends = _reach(curves, tonight, place)
    local = {output: _local(output, zones[output.zone], curve, start, ends) for output, curve in curves.items()}
    outputs = {
        output.key.n: OutputPlan(
            steps=tuple(PlanStep(i.start, i.level, i.cause, i.fade_s) for i in curve.intervals(start, ends)),
            ends=ends,
            rule=curve.ruling.ordinary_on(last),
            safety=output.safety,
            local=local[output],
        )
        for output, curve in curves.items()
    }
    policy = zones[controller.outputs[0].zone].policy_on(tonight)
    return Plan(
        place=place,
        outputs=outputs,
        fail_state=policy.fail_state,
        cut_off_after_min=policy.cut_off_after_min,
        local_press_minutes=policy.press.minutes,
        local_press_level=policy.press.level,
    )


def _local(output: Output, zone: Zone, curve: Curve, start: datetime, ends: datetime) -> tuple[LocalLevel, ...]:
    """Up to which level the output's button may light it by itself; none where the message would grow too long."""
    if not output.button:
        return ()
    levels = local_levels(zone.rulebook, curve, start, ends)
    if len(levels) <= MOST_LOCAL:
        return levels
    return (*levels[: MOST_LOCAL - 1], (levels[MOST_LOCAL - 1][0], 0))


def _reach(curves: Mapping[Output, Curve], tonight: date, place: Place) -> tuple[date, datetime]:
    """The last night that a plan tells of, and up to when: as far as a message holds, be it not one night."""
    room = MAX_STEPS_BYTES - _LOCAL_BYTES * MOST_LOCAL * sum(output.button for output in curves)
    nights = [tonight + timedelta(days=n) for n in range(PLAN_NIGHTS)]
    steps = {day: [curve.night(day) for curve in curves.values()] for day in nights}
    for last in reversed(nights):
        whole = [[part for day in nights if day <= last for part in steps[day][n]] for n in range(len(curves))]
        if _fits(whole, room):
            return last, noon(last + timedelta(days=1), place.tz)
    moments = sorted({part.start for own in steps[tonight] for part in own}, reverse=True)
    cut = (([[part for part in own if part.start < at] for own in steps[tonight]], at) for at in moments)
    return tonight, next(at for parts, at in cut if _fits(parts, room))


def night_fits(curves: Iterable[Curve], day: date) -> bool:
    """Whether the plan of one night for all outputs of a controller fits into a message."""
    return _fits([curve.night(day) for curve in curves])


def _fits(steps: Sequence[Sequence[Interval]], room: int = MAX_STEPS_BYTES) -> bool:
    """Whether the steps of all outputs fit into a message that has `room` bytes for them."""
    return max(map(len, steps)) <= MAX_STEPS and sum(_bytes(part) for own in steps for part in own) <= room


def _bytes(step: Interval) -> int:
    return 34 + (20 if step.cause is Cause.EXCEPTION else 0) + (14 if step.fade_s else 0)


def digest(plan: Plan) -> str:
    """A short digest of a plan's content."""
    return hashlib.blake2b(repr(plan).encode(), digest_size=16).hexdigest()


def next_noon(municipality: Municipality, now: datetime) -> datetime:
    """When plans are to be made anew."""
    place = municipality.place
    return noon(night_of(now, place.tz) + timedelta(days=1), place.tz)
