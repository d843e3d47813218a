"""Conduct: derive every output's order and plan from stored state, and record what must be published."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.inventory import Controller, ControllerKey, Municipality, Output, Zone, ZoneKey, curve_of
from service.domain.orders import Order, ahead, derive
from service.domain.sun import night_of, noon
from service.ports import OutputPlan, Plan, SentOrder, SentPlan, Tx
from service.usecases.progress import follow, next_failure

PLAN_NIGHTS = 8
"""A plan reaches this many nights ahead, so that at least seven remain until it is made anew at noon."""


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


def conduct_zones(tx: Tx, municipality: str, zones: frozenset[ZoneKey], now: datetime, speed: float) -> Conducted:
    """Derive the orders of the outputs in some zones; for when presses came there."""
    outputs = tx.outputs(zones)
    sent = tx.sent_orders({output.key.owner for output in outputs})
    leases = [lease for lease, _ in tx.leases_running(municipality, now)]

    out = []
    for controller, own in _by_owner(outputs).items():
        before = sent.get(controller)
        if before is None or before.orders is None:
            return conduct(tx, municipality, now, speed)
        derived = {**before.orders, **{output.key.n: derive(output, leases, now) for output in own}}
        if _differ(before.orders, derived, now):
            out.append(OrderOut(controller, before.desired_n + 1, _present(derived, now)))

    _keep(tx, out, [], now)
    handled = [alike for alike in tx.leases_waiting(municipality, now) if zones.issuperset(alike.lights)]
    changed = follow(tx, handled, now, speed, ordered=True)
    return Conducted(tuple(out), (), frozenset(changed), next_failure(tx, municipality, now, speed))


def conduct(tx: Tx, municipality: str, now: datetime, speed: float, *, again: bool = False) -> Conducted:
    """Derive all orders and plans of a municipality; `again` publishes unchanged ones, too."""
    controllers = tx.controllers(municipality)
    sent = tx.sent_orders(controller.key for controller in controllers)
    leases = [lease for lease, _ in tx.leases_running(municipality, now)]

    orders = []
    for controller in controllers:
        before = sent.get(controller.key)
        derived = {output.key.n: derive(output, leases, now) for output in controller.outputs}
        counter = 0 if before is None else before.desired_n
        if before is None or before.orders is None or _differ(before.orders, derived, now):
            orders.append(OrderOut(controller.key, counter + 1, _present(derived, now)))
        elif again:
            orders.append(OrderOut(controller.key, counter, _present(derived, now)))
    plans = _plans(tx, municipality, controllers, now, again=again)

    _keep(tx, orders, plans, now)
    waiting = tx.leases_waiting(municipality, now)
    changed = follow(tx, waiting, now, speed, ordered=True, again=again)
    look_again = next_failure(tx, municipality, now, speed)
    return Conducted(tuple(orders), tuple(plans), frozenset(changed), look_again)


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


def _plans(tx: Tx, municipality: str, controllers: list[Controller], now: datetime, *, again: bool) -> list[PlanOut]:
    home = tx.municipality(municipality)
    if home is None:
        return []
    zones = {zone.key.zone: zone for zone in tx.zones(municipality, now)}
    sent = tx.sent_plans(municipality)
    out = []
    for controller in controllers:
        plan = plan_of(controller, home, zones, now)
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
    start, ends = noon(tonight, place.tz), noon(tonight + timedelta(days=PLAN_NIGHTS), place.tz)
    outputs = {}
    for output in controller.outputs:
        curve = curve_of(output, zones[output.zone], municipality)
        outputs[output.key.n] = OutputPlan(
            steps=tuple((stretch.start, output.keeps(stretch.level)) for stretch in curve.intervals(start, ends)),
            ends=ends,
            rule=curve.schedule.steps,
            safety=output.safety,
        )
    policy = zones[controller.outputs[0].zone].policy
    return Plan(
        place=place,
        outputs=outputs,
        fail_state=policy.fail_state,
        cut_off_after_min=policy.cut_off_after_min,
        local_press_minutes=policy.minutes,
        local_press_level=policy.level,
    )


def digest(plan: Plan) -> str:
    """A short digest of a plan's content."""
    return hashlib.blake2b(repr(plan).encode(), digest_size=16).hexdigest()


def next_noon(municipality: Municipality, now: datetime) -> datetime:
    """When plans are to be made anew."""
    place = municipality.place
    return noon(night_of(now, place.tz) + timedelta(days=1), place.tz)
