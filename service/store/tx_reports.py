"""Orders and plans as sent, and what controllers say."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import bindparam, select, update

from service.domain.inventory import ControllerKey, MeterKey, OutputKey
from service.domain.reports import ControllerState, MeterState, OutputState
from service.domain.words import Cause
from service.ports import SentOrder, SentPlan
from service.store import tables
from service.store.codec import orders_from_json, orders_to_json, samples_from_json, samples_to_json
from service.store.tables import table
from service.store.tx_base import AnyRow, AnySelect, BaseTx, OutputId, among, controller, meter, municipality, output

sent_order = table(tables.SentOrderRow)
sent_plan = table(tables.SentPlanRow)
controller_state = table(tables.ControllerStateRow)
output_state = table(tables.OutputStateRow)
meter_state = table(tables.MeterStateRow)
report_key = table(tables.ReportKeyRow)

_CONTROLLER: AnySelect = select(
    municipality.c.slug.label("municipality"),
    controller.c.slug.label("controller"),
    controller.c.id,
).select_from(municipality.join(controller))

_ORDERS = among(
    _CONTROLLER.join(sent_order).add_columns(sent_order.c.desired_n, sent_order.c.orders, sent_order.c.at),
    controller.c.slug,
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
_CONTROLLER_STATES = among(_CONTROLLER.outerjoin(controller_state).add_columns(controller_state), controller.c.slug)
_OUTPUT_STATES = among(
    _CONTROLLER.join(output, output.c.controller_id == controller.c.id)
    .outerjoin(output_state, output_state.c.output_id == output.c.id)
    .add_columns(output.c.n, output.c.id.label("of"), output.c.zone_id, output_state),
    controller.c.slug,
)
_METER_STATES = among(
    _CONTROLLER.join(meter, meter.c.controller_id == controller.c.id)
    .outerjoin(meter_state, meter_state.c.meter_id == meter.c.id)
    .add_columns(meter.c.n, meter.c.id.label("of"), meter_state),
    controller.c.slug,
)
_FORGET = update(controller_state).where(controller_state.c.online.is_not(None)).values(online=None)


class ReportsTx(BaseTx):
    """Both directions of the wire, as recorded."""

    def sent_orders(self, controllers: Iterable[ControllerKey]) -> dict[ControllerKey, SentOrder]:
        """The last order recorded for each controller; controllers without one are left out."""
        wanted = set(controllers)
        rows = ((self._controller_of(row), row) for row in self._among(_ORDERS, wanted))
        found = ((key, row) for key, row in rows if key in wanted)
        return {key: SentOrder(row.desired_n, orders_from_json(row.orders), row.at) for key, row in found}

    def keep_order(self, controller: ControllerKey, order: SentOrder, at: datetime) -> None:
        """Record the order that is about to be published."""
        self._upsert(
            sent_order,
            {
                "controller_id": self._controller(controller),
                "desired_n": order.desired_n,
                "orders": orders_to_json(order.orders),
                "at": at,
            },
        )

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
            self._upsert(sent_order, {"controller_id": id_, "desired_n": desired_n, "orders": None, "at": None})
        return any(lower)

    def controller_states(self, controllers: Iterable[ControllerKey]) -> dict[ControllerKey, ControllerState]:
        """What is known of each controller that exists; unknown ids are left out."""
        wanted = set(controllers)
        rows = ((self._controller_of(row), row) for row in self._among(_CONTROLLER_STATES, wanted))
        return {key: controller_state_of(row) for key, row in rows if key in wanted}

    def save_controller_state(self, controller: ControllerKey, state: ControllerState) -> None:
        """Replace what is known of a controller."""
        self._upsert(
            controller_state,
            {
                "controller_id": self._controller(controller),
                "online": state.online,
                "session": state.session,
                "boot": state.boot,
                "seq": state.seq,
                "plan_n": state.plan_n,
                "desired_n": state.desired_n,
                "heard_at": state.heard_at,
                "reported_at": state.reported_at,
                "fw": state.fw,
                "clock_valid": state.clock_valid,
            },
        )

    def forget_availability(self) -> None:
        """Make every controller's availability unknown: nobody can tell any more."""
        self._run(_FORGET, {})

    def output_states(self, outputs: Iterable[OutputKey]) -> dict[OutputKey, OutputState]:
        """The last reported state of each output; outputs never heard of are left out."""
        wanted = set(outputs)
        states: dict[OutputKey, OutputState] = {}
        for row in self._among(_OUTPUT_STATES, wanted):
            key = OutputKey(*self._controller_of(row), row.n)
            self._output_ids[key] = OutputId(row.of, row.zone_id)
            if key in wanted and row.level is not None:
                states[key] = OutputState(row.level, Cause(row.cause), row.since, row.confirmed_at)
        return states

    def save_output_state(self, output: OutputKey, state: OutputState) -> None:
        """Replace the state of an output."""
        [found] = self._outputs([output])
        self._upsert(
            output_state,
            {
                "output_id": found.id,
                "level": state.level,
                "cause": state.cause.value,
                "since": state.since,
                "confirmed_at": state.confirmed_at,
            },
        )

    def meter_states(self, meters: Iterable[MeterKey]) -> dict[MeterKey, MeterState]:
        """The last reading of each meter; meters never read are left out."""
        wanted = set(meters)
        states: dict[MeterKey, MeterState] = {}
        for row in self._among(_METER_STATES, wanted):
            key = MeterKey(*self._controller_of(row), row.n)
            self._meter_ids[key] = row.of
            if key in wanted and row.total_mwh is not None:
                samples = samples_from_json(row.samples)
                states[key] = MeterState(row.total_mwh, row.watts, row.at, row.volts, samples)
        return states

    def save_meter_state(self, meter: MeterKey, state: MeterState) -> None:
        """Replace the reading of a meter."""
        self._upsert(
            meter_state,
            {
                "meter_id": self._meter(meter),
                "total_mwh": state.total_mwh,
                "watts": state.watts,
                "at": state.at,
                "volts": state.volts,
                "samples": samples_to_json(state.samples),
            },
        )

    def new_report(self, controller: ControllerKey, boot: int, seq: int, at: datetime) -> bool:
        """Keep (controller, boot, seq); False when it was there already."""
        values = {"controller_id": self._controller(controller), "boot": boot, "seq": seq, "at": at}
        return self._insert_new(report_key, values)

    def _controller_of(self, row: AnyRow) -> ControllerKey:
        key = ControllerKey(row.municipality, row.controller)
        self._controller_ids[key] = row.id
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
    )
