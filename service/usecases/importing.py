"""Import: a municipality's TOML file becomes an inventory, or a list of everything that is wrong with it."""

import tomllib
from typing import Any

from pydantic import ValidationError

from service.domain.inventory import (
    Controller,
    ControllerKey,
    EmissionFactor,
    FixedPrice,
    Inventory,
    Lamp,
    Meter,
    MeterKey,
    Municipality,
    Output,
    OutputKey,
    Price,
    SupplyPoint,
    Zone,
    ZoneKey,
)
from service.domain.policy import Policy, Resolution, Rulebook
from service.domain.schedule import Schedule
from service.domain.sun import Place
from service.errors import InvalidError
from service.usecases.importing_checks import faults_of
from service.usecases.importing_parts import ControllerPart, LampPart, MunicipalityFile, MunicipalityPart, ZonePart


def read_inventory(text: str) -> Inventory:
    """Read a municipality's TOML file. Raises InvalidError that names every wrong field, one a line."""
    try:
        return _inventory(MunicipalityFile.model_validate(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise InvalidError(f"not a TOML file: {error}") from error
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InvalidError("\n".join(lines)) from error


def _inventory(file: MunicipalityFile) -> Inventory:
    faults = faults_of(file)
    if faults:
        raise InvalidError("\n".join(faults))
    home = file.municipality
    municipality = _municipality(home)
    schedules = {name: document.schedule() for name, document in file.schedules.items()}
    zones = tuple(_zone(home.id, zone, schedules) for zone in file.zone)
    lamps = tuple(_lamp(home.id, lamp) for lamp in file.lamp)
    controllers = tuple(_controller(home.id, controller, lamps) for controller in file.controller)
    return Inventory(municipality, zones, controllers, lamps, file.note)


def _municipality(home: MunicipalityPart) -> Municipality:
    return Municipality(
        id=home.id,
        name=home.name,
        place=Place(home.lat, home.lon, home.timezone, home.region),
        language=home.language,
        currency=home.currency,
        prices=tuple(Price(price.valid_from, price.per_kwh, price.source) for price in home.prices),
        safety_schedule=home.safety_schedule.schedule(),
        emission_factors=tuple(EmissionFactor(f.valid_from, f.g_per_kwh, f.source) for f in home.emission_factors),
        alerts=home.alerts.rules(),
        fixed_prices=tuple(FixedPrice(price.valid_from, price.per_year, price.source) for price in home.fixed_prices),
        supply_points=tuple(SupplyPoint(point.id, point.name, point.controllers) for point in home.supply_points),
    )


def _zone(municipality: str, zone: ZonePart, schedules: dict[str, Schedule]) -> Zone:
    resolution = zone.resolution
    try:
        policy = Policy(
            valid_from=zone.valid_from,
            schedule=schedules[zone.schedule],
            press=zone.press.rules(),
            until=zone.until,
            quiet=tuple(cap.cap() for cap in zone.quiet),
            along=tuple(zone.along),
            fail_state=zone.fail_state,
            cut_off_after_min=zone.cut_off_after_min,
            version=1,
            resolution=None
            if resolution is None
            else Resolution(resolution.number, resolution.passed_on, resolution.safety_note),
        )
    except ValueError as error:
        raise InvalidError(f"zone {zone.id}: {error}") from error
    return Zone(ZoneKey(municipality, zone.id), zone.name, Rulebook((policy,)), zone.listed)


def _lamp(municipality: str, lamp: LampPart) -> Lamp:
    where: dict[str, Any] = {"lat": lamp.lat, "lon": lamp.lon, "pole": lamp.pole}
    output = OutputKey(municipality, lamp.controller, lamp.output)
    return Lamp(lamp.id, output, lamp.watts, **where, safety=lamp.safety, ring=lamp.ring)


def _controller(municipality: str, controller: ControllerPart, lamps: tuple[Lamp, ...]) -> Controller:
    key = ControllerKey(municipality, controller.id)
    outputs = []
    for part in controller.outputs:
        own = [lamp for lamp in lamps if lamp.output == OutputKey(*key, part.n)]
        outputs.append(
            Output(
                key=OutputKey(*key, part.n),
                zone=part.zone,
                min_level=part.min,
                max_level=part.max,
                step=part.step,
                safety=any(lamp.safety for lamp in own),
                lamps=len(own),
                watts=sum(lamp.watts for lamp in own),
                button=part.button,
            )
        )
    meters = tuple(Meter(MeterKey(*key, meter.n), tuple(sorted(set(meter.outputs)))) for meter in controller.meters)
    fed = controller.feeder
    feeder = None if fed is None else OutputKey(municipality, fed.controller, fed.output)
    return Controller(key, controller.kind, controller.name, tuple(outputs), meters, feeder)
