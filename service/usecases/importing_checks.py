"""What does not fit together in an inventory, though each part is right by itself."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol
from zoneinfo import available_timezones

from service.domain.conditions import known_region
from service.usecases.importing_parts import ControllerPart, MunicipalityFile, MunicipalityPart

OutputName = tuple[str, int]
"""An output within its municipality: its controller's id and its number."""


class Named(Protocol):
    """A supply point, as a value or as a part of a file."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def controllers(self) -> Sequence[str]:
        """The ids of the controllers behind it."""
        ...


def faults_of(file: MunicipalityFile) -> list[str]:
    """Everything that is wrong with a file as a whole; one without controllers and lamps says nothing of them."""
    faults = _place_faults(file.municipality)
    for kind, ids in (
        ("zone", [zone.id for zone in file.zone]),
        ("controller", [controller.id for controller in file.controller]),
        ("lamp", [lamp.id for lamp in file.lamp]),
    ):
        faults += [f"{kind}: id {name!r} stands there {n} times" for name, n in _repeated(ids)]
    faults += _zone_faults(file)
    faults += _tariff_faults(file.municipality)
    if file.bare:
        return faults
    faults += supply_point_faults(file.municipality.supply_points, {controller.id for controller in file.controller})
    for controller in file.controller:
        faults += _controller_faults(controller, {zone.id for zone in file.zone})
    outputs = {(controller.id, output.n) for controller in file.controller for output in controller.outputs}
    fed = {c.id: (c.feeder.controller, c.feeder.output) for c in file.controller if c.feeder is not None}
    faults += [f"controller {name}: feeder: {fault}" for name, fault in feeder_faults(outputs, fed).items()]
    return faults + _lamp_faults(file)


def _repeated(ids: Iterable[str]) -> list[tuple[str, int]]:
    return [(name, times) for name, times in Counter(ids).items() if times > 1]


def _place_faults(home: MunicipalityPart) -> list[str]:
    faults = []
    if home.timezone not in available_timezones():
        faults.append(f"municipality.timezone: unknown time zone {home.timezone!r}")
    if home.region and not known_region(home.region):
        faults.append(f"municipality.region: no holidays are known for {home.region!r}; write DE-SH")
    return faults


def _tariff_faults(home: MunicipalityPart) -> list[str]:
    days = [price.valid_from.isoformat() for price in home.fixed_prices]
    faults = [
        f"municipality.fixed_prices: {day} stands there {times} times; one price holds from a date on"
        for day, times in _repeated(days)
    ]
    faults += [
        f"municipality.supply_points: id {name!r} stands there {times} times"
        for name, times in _repeated(point.id for point in home.supply_points)
    ]
    return faults + [
        f"municipality.supply_points: {point.id}: controller {name!r} stands there {times} times"
        for point in home.supply_points
        for name, times in _repeated(point.controllers)
    ]


def supply_point_faults(points: Iterable[Named], controllers: Collection[str]) -> list[str]:
    """Which supply points name controllers that there are not."""
    return [
        f"municipality.supply_points: {point.id}: no controller {name!r}"
        for point in points
        for name in dict.fromkeys(point.controllers)
        if name not in controllers
    ]


def idle_zone_faults(zones: Iterable[str], lit: Collection[str]) -> list[str]:
    """Which zones no output belongs to: a press there would light nothing."""
    return [f"zone {zone}: no output belongs to it" for zone in zones if zone not in lit]


def _zone_faults(file: MunicipalityFile) -> list[str]:
    zones = {zone.id for zone in file.zone}
    faults = []
    for zone in file.zone:
        if zone.schedule not in file.schedules:
            faults.append(f"zone {zone.id}: schedule {zone.schedule!r} is not under [schedules]")
        faults += [
            f"zone {zone.id}: along: no zone {other!r}" for other in zone.along if other not in zones - {zone.id}
        ]
    lit = {output.zone for controller in file.controller for output in controller.outputs}
    return faults if file.bare else faults + idle_zone_faults((zone.id for zone in file.zone), lit)


def _lamp_faults(file: MunicipalityFile) -> list[str]:
    outputs = [(controller.id, output.n) for controller in file.controller for output in controller.outputs]
    there, used = set(outputs), {(lamp.controller, lamp.output) for lamp in file.lamp}
    faults = [
        f"lamp {lamp.id}: no output {lamp.output} at controller {lamp.controller!r}"
        for lamp in file.lamp
        if (lamp.controller, lamp.output) not in there
    ]
    return faults + [f"controller {c}: output {n}: no lamp hangs on it" for c, n in outputs if (c, n) not in used]


def _controller_faults(controller: ControllerPart, zones: Collection[str]) -> list[str]:
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


def feeder_faults(outputs: Collection[OutputName], fed: Mapping[str, OutputName]) -> dict[str, str]:
    """What is wrong with the feeders (by the controllers that hang behind them): each must be there and have power by
    itself, so that no two can wait for each other."""
    faults = {}
    for name, (other, n) in fed.items():
        if other == name:
            faults[name] = "it is its own; name the cabinet that it hangs behind, or leave feeder out"
        elif (other, n) not in outputs:
            faults[name] = f"no output {n} at controller {other!r}"
        elif other in fed:
            faults[name] = f"{other} has a feeder itself; name the cabinet that both hang behind"
    return faults
