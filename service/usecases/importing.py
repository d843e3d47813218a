"""Import: a municipality's TOML file becomes an inventory, or a list of everything that is wrong with it."""

import tomllib
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, StringConstraints, ValidationError

from service.domain.conditions import known_region
from service.domain.inventory import (
    Controller,
    ControllerKey,
    EmissionFactor,
    Inventory,
    Lamp,
    Meter,
    MeterKey,
    Municipality,
    Output,
    OutputKey,
    Price,
    Zone,
    ZoneKey,
)
from service.domain.policy import Policy, Resolution, Rulebook
from service.domain.schedule import Schedule
from service.domain.sun import Place
from service.domain.words import FailState, RingSign
from service.errors import InvalidError
from service.usecases.alert_documents import AlertRulesDocument
from service.usecases.policy_documents import Id, Name, PressDocument, QuietDocument
from service.usecases.schedule_documents import Day, Level, Part, ScheduleDocument, StepDocument

Number = Annotated[int, Field(ge=1, le=8)]


def _as_schedule(value: object) -> object:
    return {"steps": value} if isinstance(value, list) else value


_Schedule = Annotated[ScheduleDocument, BeforeValidator(_as_schedule)]
"""A schedule with rules, or only the steps of every night."""


_ALL_NIGHT = ScheduleDocument(steps=(StepDocument(at="sunset", level=100), StepDocument(at="sunrise", level=0)))


class _Price(Part):
    valid_from: date
    per_kwh: Annotated[Decimal, Field(ge=0, le=10)]
    source: Name


class _EmissionFactor(Part):
    valid_from: date
    g_per_kwh: Annotated[int, Field(ge=0, le=5000)]
    source: Name


class _Municipality(Part):
    id: Id
    name: Name
    timezone: str
    region: str = ""
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2}$")] = "de"
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = "EUR"
    prices: tuple[_Price, ...] = ()
    emission_factors: tuple[_EmissionFactor, ...] = ()
    safety_schedule: _Schedule = _ALL_NIGHT
    alerts: AlertRulesDocument = AlertRulesDocument()


class _Resolution(Part):
    number: Name
    passed_on: Day | None = None
    safety_note: str = ""


class _Zone(Part):
    id: Id
    name: Name
    listed: bool = True
    schedule: str
    press: PressDocument
    valid_from: Day = date(2000, 1, 1)
    until: Day | None = None
    quiet: tuple[QuietDocument, ...] = ()
    along: tuple[Id, ...] = ()
    fail_state: FailState = FailState.PLAN
    cut_off_after_min: int = 1440
    resolution: _Resolution | None = None


class _Output(Part):
    n: Number
    zone: Id
    min: Level = 0
    max: Annotated[int, Field(ge=1, le=100)] = 100
    step: Annotated[int, Field(ge=1, le=100)] = 1
    button: Annotated[bool, Field(strict=True)] = False


class _Meter(Part):
    n: Number
    outputs: Annotated[list[Number], Field(min_length=1)]


class _Feeder(Part):
    controller: Id
    output: Number


class _Controller(Part):
    id: Id
    kind: Annotated[str, StringConstraints(pattern="^(luminaire|cabinet)$")]
    name: Name
    outputs: Annotated[list[_Output], Field(min_length=1, max_length=8)]
    meters: Annotated[tuple[_Meter, ...], Field(max_length=8)] = ()
    feeder: _Feeder | None = None


class _Lamp(Part):
    id: Id
    controller: Id
    output: Number
    watts: Annotated[float, Field(gt=0, le=2000)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    pole: Name
    safety: bool = False
    ring: RingSign = RingSign.UNKNOWN


class _File(Part):
    note: str = ""
    municipality: _Municipality
    schedules: dict[str, _Schedule]
    zone: Annotated[list[_Zone], Field(min_length=1)]
    controller: Annotated[list[_Controller], Field(min_length=1)]
    lamp: Annotated[list[_Lamp], Field(min_length=1)]


def read_inventory(text: str) -> Inventory:
    """Read a municipality's TOML file. Raises InvalidError that names every wrong field, one a line."""
    try:
        return _inventory(_File.model_validate(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise InvalidError(f"not a TOML file: {error}") from error
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InvalidError("\n".join(lines)) from error


def _inventory(file: _File) -> Inventory:
    faults = _faults(file)
    if faults:
        raise InvalidError("\n".join(faults))
    home = file.municipality
    municipality = Municipality(
        id=home.id,
        name=home.name,
        place=Place(home.lat, home.lon, home.timezone, home.region),
        language=home.language,
        currency=home.currency,
        prices=tuple(Price(price.valid_from, price.per_kwh, price.source) for price in home.prices),
        safety_schedule=home.safety_schedule.schedule(),
        emission_factors=tuple(EmissionFactor(f.valid_from, f.g_per_kwh, f.source) for f in home.emission_factors),
        alerts=home.alerts.rules(),
    )
    schedules = {name: document.schedule() for name, document in file.schedules.items()}
    zones = tuple(_zone(home.id, zone, schedules) for zone in file.zone)
    lamps = tuple(_lamp(home.id, lamp) for lamp in file.lamp)
    controllers = tuple(_controller(home.id, controller, lamps) for controller in file.controller)
    return Inventory(municipality, zones, controllers, lamps, file.note)


def _faults(file: _File) -> list[str]:
    """Everything that does not fit together, though each part is right by itself."""
    zones = {zone.id for zone in file.zone}
    outputs = {(c.id, o.n): o.zone for c in file.controller for o in c.outputs}
    faults = []
    if file.municipality.timezone not in available_timezones():
        faults.append(f"municipality.timezone: unknown time zone {file.municipality.timezone!r}")
    if file.municipality.region and not known_region(file.municipality.region):
        faults.append(f"municipality.region: no holidays are known for {file.municipality.region!r}; write DE-SH")
    for kind, ids in (
        ("zone", [zone.id for zone in file.zone]),
        ("controller", [controller.id for controller in file.controller]),
        ("lamp", [lamp.id for lamp in file.lamp]),
    ):
        faults += [f"{kind}: id {name!r} stands there {n} times" for name, n in Counter(ids).items() if n > 1]
    for zone in file.zone:
        if zone.schedule not in file.schedules:
            faults.append(f"zone {zone.id}: schedule {zone.schedule!r} is not under [schedules]")
        faults += [
            f"zone {zone.id}: along: no zone {other!r}" for other in zone.along if other not in zones - {zone.id}
        ]
        if zone.id not in outputs.values():
            faults.append(f"zone {zone.id}: no output belongs to it")
    for controller in file.controller:
        faults += _controller_faults(controller, zones)
    faults += _feeder_faults(file.controller)
    used = {(lamp.controller, lamp.output) for lamp in file.lamp}
    faults += [
        f"lamp {lamp.id}: no output {lamp.output} at controller {lamp.controller!r}"
        for lamp in file.lamp
        if (lamp.controller, lamp.output) not in outputs
    ]
    faults += [f"controller {c}: output {n}: no lamp hangs on it" for c, n in outputs if (c, n) not in used]
    return faults


def _controller_faults(controller: _Controller, zones: set[str]) -> list[str]:
    numbers = [output.n for output in controller.outputs]
    where = f"controller {controller.id}"
    faults = [f"{where}: output {o.n}: no zone {o.zone!r}" for o in controller.outputs if o.zone not in zones]
    faults += [f"{where}: output {o.n}: min is above max" for o in controller.outputs if o.min > o.max]
    if len(set(numbers)) < len(numbers):
        faults.append(f"{where}: two outputs have the same n")
    if len({meter.n for meter in controller.meters}) < len(controller.meters):
        faults.append(f"{where}: two meters have the same n")
    measured = Counter(n for meter in controller.meters for n in set(meter.outputs))
    faults += [f"{where}: meter: no output {n}" for n in measured if n not in numbers]
    faults += [f"{where}: output {n} is measured by {times} meters" for n, times in measured.items() if times > 1]
    return faults


def _feeder_faults(controllers: list[_Controller]) -> list[str]:
    """A feeder must be there and have power by itself, so that no two can wait for each other."""
    outputs = {(controller.id, output.n) for controller in controllers for output in controller.outputs}
    fed = {controller.id: controller.feeder for controller in controllers if controller.feeder is not None}
    faults = []
    for name, feeder in fed.items():
        where, other = f"controller {name}: feeder", feeder.controller
        if other == name:
            faults.append(f"{where}: it is its own; name the cabinet that it hangs behind, or leave feeder out")
        elif (other, feeder.output) not in outputs:
            faults.append(f"{where}: no output {feeder.output} at controller {other!r}")
        elif other in fed:
            faults.append(f"{where}: {other} has a feeder itself; name the cabinet that both hang behind")
    return faults


def _zone(municipality: str, zone: _Zone, schedules: dict[str, Schedule]) -> Zone:
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


def _lamp(municipality: str, lamp: _Lamp) -> Lamp:
    where: dict[str, Any] = {"lat": lamp.lat, "lon": lamp.lon, "pole": lamp.pole}
    output = OutputKey(municipality, lamp.controller, lamp.output)
    return Lamp(lamp.id, output, lamp.watts, **where, safety=lamp.safety, ring=lamp.ring)


def _controller(municipality: str, controller: _Controller, lamps: tuple[Lamp, ...]) -> Controller:
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
