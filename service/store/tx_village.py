"""Reading what stands in the village."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from sqlalchemy import bindparam, select

from service.domain.inventory import (
    Controller,
    ControllerKey,
    EmissionFactor,
    FixedPrice,
    Lamp,
    Meter,
    MeterKey,
    Municipality,
    Output,
    OutputKey,
    Price,
    ZoneKey,
)
from service.domain.sun import Place
from service.domain.words import RingSign
from service.store import tables
from service.store.codec import alert_rules_from_json, supply_points_from_json
from service.store.known import OutputId
from service.store.tables import table
from service.store.tx_base import (
    AnyRow,
    BaseTx,
    among,
    controller,
    meter,
    municipality,
    output,
    zone,
)
from service.usecases.schedule_documents import schedule_from_json

price = table(tables.PriceRow)
fixed_price = table(tables.FixedPriceRow)
emission_factor = table(tables.EmissionFactorRow)
meter_output = table(tables.MeterOutputRow)
lamp = table(tables.LampRow)
feeder = table(tables.FeederRow)

_of = municipality.c.slug == bindparam("municipality")

_MUNICIPALITIES = (
    select(municipality, price.c.valid_from, price.c.per_kwh, price.c.source)
    .select_from(municipality.outerjoin(price))
    .order_by(price.c.valid_from)
)
_MUNICIPALITY = _MUNICIPALITIES.where(_of)

_EVERY_FACTOR = (
    select(
        municipality.c.slug.label("municipality"),
        emission_factor.c.valid_from,
        emission_factor.c.g_per_kwh,
        emission_factor.c.source,
    )
    .select_from(municipality.join(emission_factor))
    .order_by(emission_factor.c.valid_from)
)
_FACTORS = _EVERY_FACTOR.where(_of)

_EVERY_FIXED = (
    select(municipality.c.slug.label("municipality"), fixed_price)
    .select_from(municipality.join(fixed_price))
    .order_by(fixed_price.c.valid_from)
)
_FIXED = _EVERY_FIXED.where(_of)

OUTPUT_COLUMNS = (
    output.c.id,
    output.c.zone_id,
    municipality.c.slug.label("municipality"),
    controller.c.slug.label("controller"),
    output.c.n,
    zone.c.slug.label("zone"),
    output.c.min_level,
    output.c.max_level,
    output.c.step,
    output.c.safety,
    output.c.lamps,
    output.c.watts,
    output.c.button,
)
_OUTPUTS = among(
    select(*OUTPUT_COLUMNS)
    .select_from(municipality)
    .join(zone)
    .join(output, output.c.zone_id == zone.c.id)
    .join(controller, controller.c.id == output.c.controller_id),
    zone.c.slug,
)
_feeding_output, _feeding = output.alias("feeding_output"), controller.alias("feeding")
_EVERY_CONTROLLER = (
    select(
        *OUTPUT_COLUMNS,
        controller.c.id.label("controller_id"),
        controller.c.kind,
        controller.c.name,
        _feeding.c.slug.label("feeding"),
        _feeding_output.c.n.label("feeding_n"),
    )
    .select_from(municipality)
    .join(controller)
    .outerjoin(output, output.c.controller_id == controller.c.id)
    .outerjoin(zone, zone.c.id == output.c.zone_id)
    .outerjoin(feeder, feeder.c.controller_id == controller.c.id)
    .outerjoin(_feeding_output, _feeding_output.c.id == feeder.c.output_id)
    .outerjoin(_feeding, _feeding.c.id == _feeding_output.c.controller_id)
    .order_by(output.c.n)
)
_CONTROLLERS = _EVERY_CONTROLLER.where(_of)
_CONTROLLERS_BY_KEY = among(_EVERY_CONTROLLER, controller.c.slug)
_EVERY_METER = (
    select(municipality.c.slug, controller.c.slug, meter.c.n, meter.c.id, output.c.n)
    .select_from(municipality)
    .join(controller)
    .join(meter, meter.c.controller_id == controller.c.id)
    .outerjoin(meter_output, meter_output.c.meter_id == meter.c.id)
    .outerjoin(output, output.c.id == meter_output.c.output_id)
    .order_by(meter.c.n, output.c.n)
)
_METERS = _EVERY_METER.where(_of)
_METERS_BY_KEY = among(_EVERY_METER, controller.c.slug)
_LAMPS = (
    select(controller.c.slug.label("controller"), output.c.n, lamp)
    .select_from(municipality)
    .join(lamp, lamp.c.municipality_id == municipality.c.id)
    .join(output, output.c.id == lamp.c.output_id)
    .join(controller, controller.c.id == output.c.controller_id)
    .where(_of)
)


class VillageTx(BaseTx):
    """Municipalities, zones, controllers, outputs."""

    def municipalities(self) -> list[Municipality]:
        """All municipalities."""
        rows = sorted(self._rows(_MUNICIPALITIES), key=lambda row: str(row.slug))
        dated = self._rows(_EVERY_FACTOR), self._rows(_EVERY_FIXED)
        return [
            _municipality(list(group), *([row for row in each if row.municipality == slug] for each in dated))
            for slug, group in groupby(rows, key=lambda row: row.slug)
        ]

    def municipality(self, municipality: str) -> Municipality | None:
        """One municipality with its prices, emission factors and safety schedule."""
        known = self._known.municipalities
        if municipality not in known:
            rows = self._rows(_MUNICIPALITY, municipality=municipality)
            if not rows:
                return None
            factors, fixed = (self._rows(statement, municipality=municipality) for statement in (_FACTORS, _FIXED))
            known[municipality] = _municipality(rows, factors, fixed)
        return known[municipality]

    def controllers(self, municipality: str) -> list[Controller]:
        """All controllers of a municipality with their outputs and meters."""
        meters = self._rows(_METERS, municipality=municipality)
        return self._controllers_of(self._rows(_CONTROLLERS, municipality=municipality), meters)

    def controllers_by_key(self, keys: Iterable[ControllerKey]) -> list[Controller]:
        """The controllers that exist among the given ones, with their outputs and meters."""
        wanted, known = set(keys), self._known.controllers
        missing = [key for key in wanted if key not in known]
        if missing:
            meters = self._among(_METERS_BY_KEY, missing)
            found = self._controllers_of(self._among(_CONTROLLERS_BY_KEY, missing), meters)
            known |= {controller.key: controller for controller in found}
        return [known[key] for key in sorted(wanted) if key in known]

    def _controllers_of(self, rows: Iterable[AnyRow], meters: Iterable[AnyRow]) -> list[Controller]:
        of: dict[ControllerKey, list[AnyRow]] = {}
        for row in rows:
            key = ControllerKey(row.municipality, row.controller)
            of.setdefault(key, []).append(row)
            self._known.controller_ids[key] = row.controller_id
        measured: dict[ControllerKey, list[Meter]] = {}
        for meter_key, outputs in self._covered(meters).items():
            measured.setdefault(ControllerKey(*meter_key[:2]), []).append(Meter(meter_key, outputs))
        return [
            Controller(
                key,
                mine[0].kind,
                mine[0].name,
                tuple(self._output(row) for row in mine if row.n is not None),
                tuple(measured.get(key, ())),
                _feeder(mine[0]),
            )
            for key, mine in sorted(of.items())
        ]

    def _covered(self, meters: Iterable[AnyRow]) -> dict[MeterKey, tuple[int, ...]]:
        """The numbers of the outputs that each meter covers."""
        covered: dict[MeterKey, tuple[int, ...]] = {}
        for home, slug, n, meter_id, output_n in meters:
            key = MeterKey(home, slug, n)
            covered[key] = covered.get(key, ()) + (() if output_n is None else (output_n,))
            self._known.meter_ids[key] = meter_id
        return covered

    def lamps(self, municipality: str) -> list[Lamp]:
        """All lamps of a municipality."""
        return sorted(
            (
                Lamp(
                    row.slug,
                    OutputKey(municipality, row.controller, row.n),
                    row.watts,
                    row.lat,
                    row.lon,
                    row.pole,
                    row.safety,
                    RingSign(row.ring),
                )
                for row in self._rows(_LAMPS, municipality=municipality)
            ),
            key=lambda lamp: lamp.id,
        )

    def outputs(self, zones: Iterable[ZoneKey]) -> list[Output]:
        """The outputs that belong to the given zones."""
        wanted = set(zones)
        found = {
            (row.municipality, row.controller, row.n): row
            for row in self._among(_OUTPUTS, wanted)
            if (row.municipality, row.zone) in wanted
        }
        return [self._output(found[key]) for key in sorted(found)]

    def _output(self, row: AnyRow) -> Output:
        key = OutputKey(row.municipality, row.controller, row.n)
        self._known.output_ids[key] = OutputId(row.id, row.zone_id)
        return Output(
            key, row.zone, row.min_level, row.max_level, row.step, row.safety, row.lamps, row.watts, row.button
        )


def _feeder(row: AnyRow) -> OutputKey | None:
    return None if row.feeding is None else OutputKey(row.municipality, row.feeding, row.feeding_n)


def _municipality(rows: Sequence[AnyRow], factors: Sequence[AnyRow], fixed: Sequence[AnyRow]) -> Municipality:
    row = rows[0]
    return Municipality(
        row.slug,
        row.name,
        Place(row.lat, row.lon, row.tz, row.region),
        row.language,
        row.currency,
        tuple(Price(r.valid_from, r.per_kwh, r.source) for r in rows if r.valid_from is not None),
        schedule_from_json(row.safety_schedule),
        tuple(EmissionFactor(factor.valid_from, factor.g_per_kwh, factor.source) for factor in factors),
        alert_rules_from_json(row.alerts),
        tuple(FixedPrice(one.valid_from, one.per_year, one.source) for one in fixed),
        supply_points_from_json(row.supply_points),
    )
