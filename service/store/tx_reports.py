"""Orders and plans as sent, and what controllers say."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, bindparam, case, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.domain.inventory import ControllerKey, MeterKey, OutputKey
from service.domain.reports import ControllerState, MeterState, OutputState
from service.domain.words import Cause
from service.ports import SentOrder, SentPlan
from service.store import tables
from service.store.codec import (
    followed_from_text,
    followed_to_text,
    orders_from_json,
    orders_to_json,
    samples_from_json,
    samples_to_json,
)
from service.store.columns import UtcTime, from_us, to_us
from service.store.listed import Listed
from service.store.tables import table
from service.store.tx_base import AnyRow, AnySelect, BaseTx, among, controller, municipality

sent_order = table(tables.SentOrderRow)
sent_plan = table(tables.SentPlanRow)
controller_state = table(tables.ControllerStateRow)
output_state = table(tables.OutputStateRow)
meter_state = table(tables.MeterStateRow)

_CONTROLLER: AnySelect = select(
    municipality.c.slug.label("municipality"),
    controller.c.slug.label("controller"),
    controller.c.id,
).select_from(municipality.join(controller))

_ORDERS = among(
    _CONTROLLER.join(sent_order).add_columns(sent_order),
    controller.c.slug,
)
_REPLACE_ORDER = (
    update(sent_order)
    .where(sent_order.c.controller_id == bindparam("of"))
    .values(
        desired_n=bindparam("to_n"),
        orders=bindparam("to_orders", type_=sent_order.c.orders.type),
        at=bindparam("to_at", type_=UtcTime),
        former_n=bindparam("to_former_n"),
        former=bindparam("to_former", type_=sent_order.c.former.type),
        former_at=bindparam("to_former_at", type_=UtcTime),
    )
)
_PLANS = (
    _CONTROLLER.join(sent_plan)
    .add_columns(sent_plan.c.plan_n, sent_plan.c.digest)
    .where(municipality.c.slug == bindparam("municipality"))
)
_COUNTERS = (
    _CONTROLLER.outerjoin(sent_plan)
    .outerjoin(sent_order, sent_order.c.controller_id == controller.c.id)
    .add_columns(sent_plan.c.plan_n, sent_order.c.desired_n)
    .where(controller.c.id == bindparam("controller"))
)
_CONTROLLER_STATES = select(controller_state).where(Listed(controller_state.c.controller_id, "ids"))
_OUTPUT_STATES = select(output_state).where(Listed(output_state.c.output_id, "ids"))
_METER_STATES = select(meter_state).where(Listed(meter_state.c.meter_id, "ids"))
_CAUSES = {cause.value: cause for cause in Cause}
_FORGET = update(controller_state).where(controller_state.c.online.is_not(None)).values(online=None)


class ReportsTx(BaseTx):
    """Both directions of the wire, as recorded."""

    def sent_orders(self, controllers: Iterable[ControllerKey]) -> dict[ControllerKey, SentOrder]:
        """The last order recorded for each controller; controllers without one are left out."""
        wanted = set(controllers)
        rows = ((self._controller_of(row), row) for row in self._among(_ORDERS, wanted))
        found = ((key, row) for key, row in rows if key in wanted)
        return {key: _sent_order(row) for key, row in found}

    def keep_order(self, controller: ControllerKey, order: SentOrder, at: datetime) -> None:
        """Record the order that is about to be published; where its counter is a new one, the last becomes `former`."""
        self._replace_order(self._controller(controller), order, at)

    def _replace_order(self, controller_id: int, order: SentOrder, at: datetime | None) -> None:
        values = {
            "controller_id": controller_id,
            "desired_n": order.desired_n,
            "orders": orders_to_json(order.orders),
            "at": at,
            "former_n": None,
            "former": None,
            "former_at": None,
        }
        self._quick(_KEEP_ORDER[self._connection.dialect.name], values)

    def replace_order(self, controller: ControllerKey, order: SentOrder) -> None:
        """Put an order, with the former one that it names, in the place of what was recorded for a controller."""
        former = order.former
        values = {
            "of": self._controller(controller),
            "to_n": order.desired_n,
            "to_orders": orders_to_json(order.orders),
            "to_at": order.at,
            "to_former_n": None if former is None else former.desired_n,
            "to_former": None if former is None else orders_to_json(former.orders),
            "to_former_at": None if former is None else former.at,
        }
        self._quick(_REPLACE_ORDER, values)

    def sent_plans(self, municipality: str) -> dict[ControllerKey, SentPlan]:
        """The last plan recorded for each controller of a municipality."""
        rows = self._rows(_PLANS, municipality=municipality)
        return {self._controller_of(row): SentPlan(row.plan_n, row.digest) for row in rows}

    def keep_plan(self, controller: ControllerKey, plan: SentPlan, at: datetime) -> None:
        """Record the plan that is about to be published."""
        id_ = self._controller(controller)
        self._upsert(sent_plan, {"controller_id": id_, "plan_n": plan.plan_n, "digest": plan.digest, "at": at})

    def raise_counters(self, controller: ControllerKey, plan_n: int, desired_n: int) -> bool:
        """Make the recorded counters at least as high as the given ones; returns whether one was lower."""
        id_ = self._controller(controller)
        [row] = self._rows(_COUNTERS, controller=id_)
        lower = plan_n > (row.plan_n or 0), desired_n > (row.desired_n or 0)
        if lower[0]:
            self._upsert(sent_plan, {"controller_id": id_, "plan_n": plan_n, "digest": "", "at": None})
        if lower[1]:
            self._replace_order(id_, SentOrder(desired_n, None), None)
        return any(lower)

    def controller_states(self, controllers: Iterable[ControllerKey]) -> dict[ControllerKey, ControllerState]:
        """What is known of each controller that exists; unknown ids are left out."""
        wanted = set(controllers)
        known = self._controllers_known(wanted)
        keys = {known[key]: key for key in wanted if key in known}
        states = dict.fromkeys(keys.values(), ControllerState())
        for id_, online, session, boot, seq, plan_n, desired_n, heard, reported, fw, valid, followed in self._raw(
            _CONTROLLER_STATES, ids=list(keys)
        ):
            states[keys[id_]] = ControllerState(
                None if online is None else bool(online),
                session,
                boot,
                seq,
                plan_n,
                desired_n,
                None if heard is None else from_us(heard),
                None if reported is None else from_us(reported),
                fw,
                None if valid is None else bool(valid),
                followed_from_text(followed),
            )
        return states

    def save_controller_states(self, states: Mapping[ControllerKey, ControllerState]) -> None:
        """Replace what is known of controllers."""
        rows = [
            (
                id_,
                state.online,
                state.session,
                state.boot,
                state.seq,
                state.plan_n,
                state.desired_n,
                None if state.heard_at is None else to_us(state.heard_at),
                None if state.reported_at is None else to_us(state.reported_at),
                state.fw,
                state.clock_valid,
                followed_to_text(state.followed),
            )
            for id_, state in zip(self._controllers(states), states.values(), strict=True)
        ]
        self._upsert_raw(controller_state, rows)

    def forget_availability(self) -> None:
        """Make every controller's availability unknown: nobody can tell any more."""
        self._run(_FORGET, {})

    def output_states(self, outputs: Iterable[OutputKey]) -> dict[OutputKey, OutputState]:
        """The last reported state of each output; outputs never heard of are left out."""
        wanted = set(outputs)
        known = self._outputs_known(wanted)
        keys = {known[key].id: key for key in wanted if key in known}
        return {
            keys[id_]: OutputState(level, _CAUSES[cause], from_us(since), from_us(confirmed))
            for id_, level, cause, since, confirmed in self._raw(_OUTPUT_STATES, ids=list(keys))
        }

    def save_output_states(self, states: Mapping[OutputKey, OutputState]) -> None:
        """Replace the states of outputs."""
        rows = [
            (found.id, state.level, state.cause.value, to_us(state.since), to_us(state.confirmed_at))
            for found, state in zip(self._outputs(states), states.values(), strict=True)
        ]
        self._upsert_raw(output_state, rows)

    def meter_states(self, meters: Iterable[MeterKey]) -> dict[MeterKey, MeterState]:
        """The last reading of each meter; meters never read are left out."""
        wanted = set(meters)
        known = self._meters_known(wanted)
        keys = {known[key]: key for key in wanted if key in known}
        return {
            keys[id_]: MeterState(total, watts, from_us(at), volts, samples_from_json(samples))
            for id_, total, watts, at, volts, samples in self._raw(_METER_STATES, ids=list(keys))
        }

    def save_meter_states(self, states: Mapping[MeterKey, MeterState]) -> None:
        """Replace the readings of meters."""
        rows = [
            (id_, state.total_mwh, state.watts, to_us(state.at), state.volts, samples_to_json(state.samples))
            for id_, state in zip(self._meters(states), states.values(), strict=True)
        ]
        self._upsert_raw(meter_state, rows)

    def _controller_of(self, row: AnyRow) -> ControllerKey:
        key = ControllerKey(row.municipality, row.controller)
        self._known.controller_ids[key] = row.id
        return key


def controller_state_of(row: AnyRow) -> ControllerState:
    """The state in the columns of `controller_state`; that of a controller never heard of where they are empty."""
    if row.session is None:
        return ControllerState()
    return ControllerState(
        row.online,
        row.session,
        row.boot,
        row.seq,
        row.plan_n,
        row.desired_n,
        row.heard_at,
        row.reported_at,
        row.fw,
        row.clock_valid,
        followed_from_text(row.followed),
    )


def _sent_order(row: AnyRow) -> SentOrder:
    former = None
    if row.former_n is not None:
        former = SentOrder(row.former_n, orders_from_json(row.former), row.former_at)
    return SentOrder(row.desired_n, orders_from_json(row.orders), row.at, former)


def _shifting(insert: sqlite.Insert | postgresql.Insert) -> Executable:
    """Insert an order, or replace the one that is there; one with another counter becomes the former one."""
    new, there = insert.excluded, sent_order.c
    shifts = there.desired_n != new.desired_n
    past = {"former_n": there.desired_n, "former": there.orders, "former_at": there.at}
    values: dict[str, Any] = {name: new[name] for name in ("desired_n", "orders", "at")}
    for name, last in past.items():
        values[name] = case((shifts, last), else_=there[name])
    return insert.on_conflict_do_update(index_elements=[there.controller_id], set_=values)


_KEEP_ORDER = {
    "sqlite": _shifting(sqlite.insert(sent_order)),
    "postgresql": _shifting(postgresql.insert(sent_order)),
}
