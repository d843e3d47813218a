"""What a municipality's TOML file says about controllers, outputs, meters and lamps; the rest is the service's."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class VillageError(ValueError):
    """A file that cannot be used; says which one and which field."""


@dataclass(frozen=True, slots=True)
class OutputSpec:
    """One switchable feed with the nominal watts of each of its lamps."""

    n: str
    least: int
    most: int
    step: int
    safety: bool
    lamps: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MeterSpec:
    """A meter and the outputs that it covers."""

    n: str
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ControllerSpec:
    """One controller of a municipality."""

    municipality: str
    controller: str
    outputs: tuple[OutputSpec, ...]
    meters: tuple[MeterSpec, ...]

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
    lamps: dict[tuple[str, int], list[tuple[float, bool]]] = {}
    for i, lamp in enumerate(document.get("lamp", [])):
        where = f"{file}: lamp[{i}]"
        place = _field(lamp, "controller", str, where), _field(lamp, "output", int, where)
        watts = lamp.get("watts")
        if isinstance(watts, bool) or not isinstance(watts, (int, float)) or not 0 < watts <= 10_000:
            raise VillageError(f"{where}: watts is no number above 0 and up to 10000")
        lamps.setdefault(place, []).append((float(watts), bool(lamp.get("safety", False))))
    controllers = [
        _controller(municipality, entry, lamps, f"{file}: controller[{i}]")
        for i, entry in enumerate(document.get("controller", []))
    ]
    if lamps:
        place = next(iter(lamps))
        raise VillageError(f"{file}: a lamp hangs on output {place[1]} of {place[0]}, which does not exist")
    return controllers


def _controller(
    municipality: str,
    entry: Mapping[str, Any],
    lamps: dict[tuple[str, int], list[tuple[float, bool]]],
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
        safety = any(safe for _, safe in hanging)
        outputs.append(OutputSpec(str(n), least, most, step, safety, tuple(watts for watts, _ in hanging)))
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
    return ControllerSpec(municipality, name, tuple(outputs), tuple(meters))


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
