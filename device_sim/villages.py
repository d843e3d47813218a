"""What a municipality's TOML file says about controllers, outputs, meters and lamps; the rest is the service's."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_Lamps = dict[tuple[str, int], list[tuple[str, float, bool]]]
"""Id, watts and safety of the lamps on each output of each controller."""


class VillageError(ValueError):
    """A file that cannot be used; says which one and which field."""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One switchable feed with the nominal watts of each of its lamps, and their ids in the same order.

    With `button` a push-button at its controller asks for its light.
    """

    n: str
    least: int
    most: int
    step: int
    safety: bool
    lamps: tuple[float, ...]
    lamp_ids: tuple[str, ...] = ()
    button: bool = False


@dataclass(frozen=True, slots=True)
class MeterSpec:
    """A meter and the outputs that it covers."""

    n: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Feeder:
    """The output behind which a controller hangs."""

    controller: str
    output: str


@dataclass(frozen=True, slots=True)
class ControllerSpec:
    """One controller of a municipality. It has power only while its `feeder` is on, if it has one."""

    municipality: str
    controller: str
    outputs: tuple[OutputSpec, ...]
    meters: tuple[MeterSpec, ...]
    feeder: Feeder | None = None

    @property
    def key(self) -> str:
        """municipality/controller."""
        return f"{self.municipality}/{self.controller}"

    @property
    def lamps(self) -> int:
        """How many lamps hang on its outputs."""
        return sum(len(output.lamps) for output in self.outputs)


def read_villages(files: Iterable[Path]) -> list[ControllerSpec]:
    """All controllers of the given files, in their order. VillageError where a file cannot be used."""
    found = [spec for file in files for spec in _read(file)]
    seen: set[str] = set()
    for spec in found:
        if spec.key in seen:
            raise VillageError(f"{spec.key}: this controller is described twice")
        seen.add(spec.key)
    return found


def _read(file: Path) -> list[ControllerSpec]:
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise VillageError(f"{file}: {error}") from error
    municipality = _field(_field(document, "municipality", dict, str(file)), "id", str, f"{file}: municipality")
    lamps: _Lamps = {}
    for i, lamp in enumerate(document.get("lamp", [])):
        where = f"{file}: lamp[{i}]"
        place = _field(lamp, "controller", str, where), _field(lamp, "output", int, where)
        watts = lamp.get("watts")
        if isinstance(watts, bool) or not isinstance(watts, (int, float)) or not 0 < watts <= 10_000:
            raise VillageError(f"{where}: watts is no number above 0 and up to 10000")
        found = str(lamp.get("id", "")), float(watts), bool(lamp.get("safety", False))
        lamps.setdefault(place, []).append(found)
    controllers = [
        _controller(municipality, entry, lamps, f"{file}: controller[{i}]")
        for i, entry in enumerate(document.get("controller", []))
    ]
    if lamps:
        place = next(iter(lamps))
        raise VillageError(f"{file}: a lamp hangs on output {place[1]} of {place[0]}, which does not exist")
    _check_feeders(controllers, str(file))
    return controllers


def _check_feeders(controllers: list[ControllerSpec], file: str) -> None:
    """Refuse a feeder that does not exist, or that has a feeder itself."""
    known = {spec.controller: spec for spec in controllers}
    for i, spec in enumerate(controllers):
        if spec.feeder is None:
            continue
        where = f"{file}: controller[{i}]: feeder"
        source = known.get(spec.feeder.controller)
        if source is None or spec.feeder.output not in [output.n for output in source.outputs]:
            raise VillageError(f"{where}: there is no output {spec.feeder.output} of {spec.feeder.controller}")
        if source.feeder is not None:
            raise VillageError(
                f"{where}: {spec.feeder.controller} hangs behind a feeder itself; one such step is allowed"
            )


def _controller(
    municipality: str,
    entry: Mapping[str, Any],
    lamps: _Lamps,
    where: str,
) -> ControllerSpec:
    name = _field(entry, "id", str, where)
    outputs = []
    for i, output in enumerate(_field(entry, "outputs", list, where)):
        n = _between(output, "n", 1, 8, f"{where}: outputs[{i}]")
        hanging = lamps.pop((name, n), [])
        least = _between(output, "min", 0, 100, f"{where}: outputs[{i}]", 0)
        most = _between(output, "max", 1, 100, f"{where}: outputs[{i}]", 100)
        step = _between(output, "step", 1, 100, f"{where}: outputs[{i}]", 1)
        safety = any(safe for _, _, safe in hanging)
        watts = tuple(watts for _, watts, _ in hanging)
        ids = tuple(lamp for lamp, _, _ in hanging)
        button = _flag(output, "button", f"{where}: outputs[{i}]")
        outputs.append(OutputSpec(str(n), least, most, step, safety, watts, ids, button))
    known = [output.n for output in outputs]
    if not known or len(set(known)) != len(known):
        raise VillageError(f"{where}: outputs need numbers of their own, and at least one of them")
    meters = []
    for i, meter in enumerate(entry.get("meters", [])):
        n = _between(meter, "n", 1, 8, f"{where}: meters[{i}]")
        covered = tuple(str(o) for o in _field(meter, "outputs", list, f"{where}: meters[{i}]"))
        if not set(covered) <= set(known):
            raise VillageError(f"{where}: meters[{i}]: outputs names one that does not exist")
        meters.append(MeterSpec(str(n), covered))
    return ControllerSpec(municipality, name, tuple(outputs), tuple(meters), _feeder(entry, where))


def _feeder(entry: Mapping[str, Any], where: str) -> Feeder | None:
    if "feeder" not in entry:
        return None
    feeder = _field(entry, "feeder", dict, where)
    controller = _field(feeder, "controller", str, f"{where}: feeder")
    return Feeder(controller, str(_between(feeder, "output", 1, 8, f"{where}: feeder")))


def _flag(holder: Mapping[str, Any], name: str, where: str) -> bool:
    value = holder.get(name, False)
    if not isinstance(value, bool):
        raise VillageError(f"{where}: {name} is neither true nor false")
    return value


def _field(holder: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    value = holder.get(name)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise VillageError(f"{where}: {name} is missing or of the wrong type")
    return value


def _between(holder: Mapping[str, Any], name: str, low: int, high: int, where: str, default: int | None = None) -> int:
    value = holder.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise VillageError(f"{where}: {name} is no whole number from {low} to {high}")
    return value
