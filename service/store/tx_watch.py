"""All that is known of the outputs of zones, in one statement: every press, report and page asks for it."""

from collections.abc import Iterable

from sqlalchemy import func, select

from service.domain.inventory import ZoneKey
from service.domain.lights import Watched
from service.domain.reports import MeterState, OutputState
from service.domain.words import Cause
from service.store.codec import orders_from_json
from service.store.tx_base import AnyRow, among, controller, meter, municipality, output, zone
from service.store.tx_reports import (
    ReportsTx,
    controller_state,
    controller_state_of,
    meter_state,
    output_state,
    sent_order,
)
from service.store.tx_village import OUTPUT_COLUMNS, VillageTx, meter_output

_covers = meter_output.alias("covers")
_alone = select(func.count()).where(_covers.c.meter_id == meter_output.c.meter_id).scalar_subquery() == 1
_WATCHED = among(
    select(
        *OUTPUT_COLUMNS,
        controller_state,
        output_state.c.level.label("reported"),
        output_state.c.cause,
        output_state.c.since,
        output_state.c.confirmed_at,
        sent_order.c.desired_n.label("ordered_n"),
        sent_order.c.orders,
        meter_state.c.total_mwh,
        meter_state.c.watts.label("measured"),
        meter_state.c.at.label("measured_at"),
        meter_state.c.volts,
    )
    .select_from(municipality)
    .join(zone)
    .join(output, output.c.zone_id == zone.c.id)
    .join(controller, controller.c.id == output.c.controller_id)
    .outerjoin(controller_state, controller_state.c.controller_id == controller.c.id)
    .outerjoin(output_state, output_state.c.output_id == output.c.id)
    .outerjoin(sent_order, sent_order.c.controller_id == controller.c.id)
    .outerjoin(meter_output, (meter_output.c.output_id == output.c.id) & _alone)
    .outerjoin(meter, meter.c.id == meter_output.c.meter_id)
    .outerjoin(meter_state, meter_state.c.meter_id == meter.c.id)
    .order_by(meter.c.n.desc()),
    zone.c.slug,
)


class WatchTx(VillageTx, ReportsTx):
    """Outputs with their controllers, states, meters and orders."""

    def watched(self, zones: Iterable[ZoneKey]) -> list[Watched]:
        """All that is known of the outputs of the given zones, by their keys.

        A meter counts for an output only where it measures nothing else, the first of several. Its samples are left
        out: a press has no use for them, and they are most of what would be read.
        """
        wanted = set(zones)
        found = {
            (row.municipality, row.controller, row.n): row
            for row in self._among(_WATCHED, wanted)
            if (row.municipality, row.zone) in wanted
        }
        return [self._watched(found[key]) for key in sorted(found)]

    def _watched(self, row: AnyRow) -> Watched:
        measured = row.total_mwh is not None
        return Watched(
            output=self._output(row),
            controller=controller_state_of(row),
            state=None
            if row.reported is None
            else OutputState(row.reported, Cause(row.cause), row.since, row.confirmed_at),
            meter=MeterState(row.total_mwh, row.measured, row.measured_at, row.volts) if measured else None,
            order=(orders_from_json(row.orders) or {}).get(row.n, ()),
            desired_n=row.ordered_n or 0,
        )
