"""The kinds of things that an inventory names: where they are kept, and what refers to them."""

from typing import Any, NamedTuple

from sqlalchemy import Column, Integer, Table, bindparam, select

from service.store import tables
from service.store.tables import table
from service.store.tx_base import AnySelect, controller, meter, output, zone
from service.store.tx_village import lamp

OF = bindparam("of", type_=Integer)


class Kind(NamedTuple):
    """One kind of thing: its table, how to list what a municipality has (key, name parts), what refers to it: records
    that keep it, and what is forgotten with it."""

    name: str
    table: Table
    present: AnySelect
    recorded: tuple[Column[Any], ...]
    forgotten: tuple[Column[Any], ...] = ()


def _columns(name: str, *models: type[tables.Base]) -> tuple[Column[Any], ...]:
    return tuple(table(model).c[name] for model in models)


ZONE = Kind(
    "zone",
    zone,
    select(zone.c.id, zone.c.slug).where(zone.c.municipality_id == OF),
    _columns(
        "zone_id",
        tables.PressRow,
        tables.LeaseRow,
        tables.EnergyEntryRow,
        tables.EnergyCoarseRow,
        tables.EnergyRolledRow,
        tables.MaintenanceLockRow,
    ),
)
CONTROLLER = Kind(
    "controller",
    controller,
    select(controller.c.id, controller.c.slug).where(controller.c.municipality_id == OF),
    _columns(
        "controller_id",
        tables.SentOrderRow,
        tables.SentPlanRow,
        tables.ControllerStateRow,
        tables.FaultRow,
        tables.MaintenanceLockRow,
        tables.OutputTestRow,
    ),
    _columns("controller_id", tables.SignalRow, tables.ClaimCodeRow),
)
OUTPUT = Kind(
    "output",
    output,
    select(output.c.id, controller.c.slug, output.c.n).join(controller).where(controller.c.municipality_id == OF),
    _columns(
        "output_id",
        tables.OutputStateRow,
        tables.EnergyEntryRow,
        tables.CoarseOutputRow,
        tables.BurntMonthRow,
        tables.FaultRow,
        tables.MaintenanceLockRow,
        tables.CommissionedRow,
    ),
    _columns("output_id", tables.SignalRow),
)
METER = Kind(
    "meter",
    meter,
    select(meter.c.id, controller.c.slug, meter.c.n).join(controller).where(controller.c.municipality_id == OF),
    _columns("meter_id", tables.MeterStateRow),
)
LAMP = Kind("lamp", lamp, select(lamp.c.id, lamp.c.slug).where(lamp.c.municipality_id == OF), ())
REMOVED_IN_THIS_ORDER = (LAMP, METER, OUTPUT, CONTROLLER, ZONE)
