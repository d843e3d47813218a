"""Reading what stands in the village."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, func, select

from service.domain.inventory import (
    Controller,
    ControllerKey,
    Lamp,
    Meter,
    MeterKey,
    Municipality,
    Output,
    OutputKey,
    Policy,
    Price,
    Zone,
    ZoneKey,
)
from service.domain.sun import Place
from service.domain.words import FailState, RingSign
from service.store import tables
from service.store.codec import schedule_from_json
from service.store.columns import UtcTime
from service.store.tables import table
from service.store.tx_base import (
    AnyRow,
    AnySelect,
    BaseTx,
    OutputId,
    among,
    controller,
    meter,
    municipality,
    output,
    zone,
)

price = table(tables.PriceRow)
policy = table(tables.PolicyRow)
zone_along = table(tables.ZoneAlongRow)
meter_output = table(tables.MeterOutputRow)
lamp = table(tables.LampRow)

_along = zone.alias("along")
_at = bindparam("at", type_=UtcTime)
_of = municipality.c.slug == bindparam("municipality")


def _policy_in_force() -> Any:
    """The key of the policy in force at `at`, else of the first one; of equal moments the later version."""
    version = policy.alias("version")
    mine = select(version.c.id).where(version.c.zone_id == zone.c.id).limit(1)
    in_force = mine.where(version.c.valid_from <= _at).order_by(version.c.valid_from.desc(), version.c.id.desc())
    first = mine.order_by(version.c.valid_from, version.c.id.desc())
    return func.coalesce(in_force.scalar_subquery(), first.scalar_subquery())


_MUNICIPALITIES = (
    select(municipality, price.c.valid_from, price.c.per_kwh, price.c.source)
    .select_from(municipality.outerjoin(price))
    .order_by(price.c.valid_from)
)
_MUNICIPALITY = _MUNICIPALITIES.where(_of)

_ZONES: AnySelect = (
    select(
        zone.c.id.label("zone_id"),
        municipality.c.slug.label("municipality"),
        zone.c.slug.label("zone"),
        zone.c.name,
        zone.c.listed,
        policy,
        _along.c.slug.label("along"),
    )
    .select_from(municipality)
    .join(zone)
    .join(policy, policy.c.id == _policy_in_force())
    .outerjoin(zone_along, zone_along.c.zone_id == zone.c.id)
    .outerjoin(_along, _along.c.id == zone_along.c.along_id)
    .where(_of)
    .order_by(zone_along.c.position)
)
_ZONE = _ZONES.where(zone.c.slug == bindparam("zone"))

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
)
_OUTPUTS = among(
    select(*OUTPUT_COLUMNS)
    .select_from(municipality)
    .join(zone)
    .join(output, output.c.zone_id == zone.c.id)
    .join(controller, controller.c.id == output.c.controller_id),
    zone.c.slug,
)
_EVERY_CONTROLLER = (
    select(*OUTPUT_COLUMNS, controller.c.id.label("controller_id"), controller.c.kind, controller.c.name)
    .select_from(municipality)
    .join(controller)
    .outerjoin(output, output.c.controller_id == controller.c.id)
    .outerjoin(zone, zone.c.id == output.c.zone_id)
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
        return [_municipality(list(group)) for _, group in groupby(rows, key=lambda row: row.slug)]

    def municipality(self, municipality: str) -> Municipality | None:
        """One municipality with its prices and safety schedule."""
        rows = self._rows(_MUNICIPALITY, municipality=municipality)
        return _municipality(rows) if rows else None

    def zones(self, municipality: str, at: datetime) -> list[Zone]:
        """All zones with the policy in force at `at`."""
        return self._zones_of(self._rows(_ZONES, municipality=municipality, at=at))

    def zone(self, key: ZoneKey, at: datetime) -> Zone | None:
        """One zone with the policy in force at `at`."""
        found = self._zones_of(self._rows(_ZONE, municipality=key.municipality, zone=key.zone, at=at))
        return found[0] if found else None

    def _zones_of(self, rows: Sequence[AnyRow]) -> list[Zone]:
        along: dict[ZoneKey, list[str]] = {}
        first: dict[ZoneKey, AnyRow] = {}
        for row in rows:
            key = ZoneKey(row.municipality, row.zone)
            first.setdefault(key, row)
            along.setdefault(key, []).extend([] if row.along is None else [row.along])
            self._zone_ids[key] = row.zone_id
        return [Zone(key, row.name, _policy(row), row.listed, tuple(along[key])) for key, row in sorted(first.items())]

    def controllers(self, municipality: str) -> list[Controller]:
        """All controllers of a municipality with their outputs and meters."""
        meters = self._rows(_METERS, municipality=municipality)
        return self._controllers_of(self._rows(_CONTROLLERS, municipality=municipality), meters)

    def controllers_by_key(self, keys: Iterable[ControllerKey]) -> list[Controller]:
        """The controllers that exist among the given ones, with their outputs and meters."""
        wanted = set(keys)
        meters = self._among(_METERS_BY_KEY, wanted)
        found = self._controllers_of(self._among(_CONTROLLERS_BY_KEY, wanted), meters)
        return [controller for controller in found if controller.key in wanted]

    def _controllers_of(self, rows: Iterable[AnyRow], meters: Iterable[AnyRow]) -> list[Controller]:
        of: dict[ControllerKey, list[AnyRow]] = {}
        for row in rows:
            key = ControllerKey(row.municipality, row.controller)
            of.setdefault(key, []).append(row)
            self._controller_ids[key] = row.controller_id
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
            )
            for key, mine in sorted(of.items())
        ]

    def _covered(self, meters: Iterable[AnyRow]) -> dict[MeterKey, tuple[int, ...]]:
        """The numbers of the outputs that each meter covers."""
        covered: dict[MeterKey, tuple[int, ...]] = {}
        for home, slug, n, meter_id, output_n in meters:
            key = MeterKey(home, slug, n)
            covered[key] = covered.get(key, ()) + (() if output_n is None else (output_n,))
            self._meter_ids[key] = meter_id
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
        self._output_ids[key] = OutputId(row.id, row.zone_id)
        self._zone_ids[ZoneKey(row.municipality, row.zone)] = row.zone_id
        return Output(key, row.zone, row.min_level, row.max_level, row.step, row.safety, row.lamps, row.watts)


def _municipality(rows: Sequence[AnyRow]) -> Municipality:
    row = rows[0]
    return Municipality(
        row.slug,
        row.name,
        Place(row.lat, row.lon, row.tz),
        row.language,
        row.currency,
        tuple(Price(r.valid_from, r.per_kwh, r.source) for r in rows if r.valid_from is not None),
        schedule_from_json(row.safety_schedule),
    )


def _policy(row: AnyRow) -> Policy:
    return Policy(
        valid_from=row.valid_from,
        schedule=schedule_from_json(row.schedule),
        minutes=row.minutes,
        level=row.level,
        longest_minutes=row.longest_minutes,
        rest_minutes=row.rest_minutes,
        fail_state=FailState(row.fail_state),
        cut_off_after_min=row.cut_off_after_min,
        resolution=row.resolution,
    )
