"""Rows brought together with what stands in the village: the inventory as it will be, and the rows that do not fit."""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from service.domain.inventory import Controller, ControllerKey, Inventory, Lamp, Meter, MeterKey, Output, OutputKey
from service.domain.words import RingSign
from service.errors import InvalidError
from service.usecases.importing_checks import feeder_faults
from service.usecases.rows_contradict import Faults, OutputName, contradictions, told
from service.usecases.rows_read import Bad, Row

_ROUNDS = 20
"""A row that is left out may leave another without its feeder, and so on; no real file goes on for so long."""


@dataclass(frozen=True, slots=True)
class Merged:
    """The inventory with all good rows, and the rows, good and bad, in the order of the files."""

    inventory: Inventory
    good: tuple[Row, ...]
    bad: tuple[Bad, ...]


def merge(before: Inventory, found: Sequence[Row | Bad], *, remove_missing: bool) -> Merged:
    """Bring the good rows into an inventory; lamps of bad ones stay as they are.

    With `remove_missing`, lamps that no row names are gone, and outputs and controllers that are left without lamps.
    """
    order = {row.at: n for n, row in enumerate(found)}
    bad = [row for row in found if isinstance(row, Bad)]
    village = _Village(before)
    rows = [row for row in found if isinstance(row, Row)]
    rows = _without(rows, contradictions(rows, village.output_of), bad)
    for _ in range(_ROUNDS):
        attempt = _Attempt(village, rows, {row.lamp for row in bad if row.lamp}, remove_missing)
        faults = attempt.faults()
        if not faults:
            bad.sort(key=lambda row: order[row.at])
            return Merged(attempt.inventory(), tuple(rows), tuple(bad))
        rows = _without(rows, faults, bad)
    raise InvalidError("too many rows hang on bad ones: mend those first that are told without --skip-bad")


def _without(rows: Iterable[Row], faults: Faults, bad: list[Bad]) -> list[Row]:
    left = []
    for row in rows:
        if row.at in faults:
            bad.append(Bad(row.at, tuple(faults[row.at]), row.lamp))
        else:
            left.append(row)
    return left


class _Village:
    """What stands there, by names within the municipality."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.lamps = {lamp.id: lamp for lamp in inventory.lamps}
        self.controllers = {controller.key.controller: controller for controller in inventory.controllers}
        self.outputs = {_name(o.key): o for c in inventory.controllers for o in c.outputs}
        self.meters = {
            (c.key.controller, n): meter.key.n
            for c in inventory.controllers
            for meter in c.meters
            for n in meter.outputs
        }
        self.used = {_name(lamp.output) for lamp in inventory.lamps}

    def output_of(self, row: Row) -> OutputName:
        """The output that a row's lamp hangs on: where it hung, if the file has no column for it; else the first."""
        lamp = self.lamps.get(row.lamp)
        if row.output is None and "output" not in row.given and lamp and lamp.output.controller == row.controller:
            return _name(lamp.output)
        return row.controller, row.output or 1


class _Together(NamedTuple):
    """The rows of one controller, or of one output."""

    rows: list[Row]

    def get(self, field: str, kept: Any, default: Any) -> Any:
        """What one of the rows says; else the default where the file has the column, and what was there where not."""
        for row in self.rows:
            if field in row.shared:
                return row.shared[field]
        return default if kept is None or any(field in row.given for row in self.rows) else kept


class _Attempt:
    """The inventory that would come of some rows."""

    def __init__(
        self, village: _Village, rows: Sequence[Row], bad_lamps: Collection[str], remove_missing: bool
    ) -> None:
        self._village, self._rows, self._remove = village, rows, remove_missing
        self._home = village.inventory.municipality.id
        named = {row.lamp for row in rows}
        self._lamps = [self._lamp(row) for row in rows]
        self._lamps += [
            lamp
            for lamp in village.lamps.values()
            if lamp.id not in named and (not remove_missing or lamp.id in bad_lamps)
        ]
        self._hanging: dict[OutputName, list[Lamp]] = {}
        for lamp in self._lamps:
            self._hanging.setdefault(_name(lamp.output), []).append(lamp)
        self._by_output: dict[OutputName, _Together] = {}
        self._by_controller: dict[str, _Together] = {}
        for row in rows:
            self._by_output.setdefault(village.output_of(row), _Together([])).rows.append(row)
            self._by_controller.setdefault(row.controller, _Together([])).rows.append(row)
        kept = (name for name in village.outputs if not remove_missing or name in self._hanging)
        self._names = sorted({*self._by_output, *kept})
        self._numbers: dict[str, list[int]] = {}
        for controller, n in self._names:
            self._numbers.setdefault(controller, []).append(n)
        there = {*self._numbers, *(() if remove_missing else village.controllers)}
        self._controllers = {name: self._controller(name) for name in sorted(there)}

    def inventory(self) -> Inventory:
        """The inventory as it will be."""
        before = self._village.inventory
        lamps = tuple(sorted(self._lamps, key=lambda lamp: lamp.id))
        return Inventory(before.municipality, before.zones, tuple(self._controllers.values()), lamps, before.note)

    def faults(self) -> Faults:
        """What is wrong with rows whose neighbours are not as they need."""
        faults: Faults = {}
        for name, together in self._by_output.items():
            levels = next(output for output in self._controllers[name[0]].outputs if output.key.n == name[1])
            if levels.min_level > levels.max_level:
                for row in together.rows:
                    faults.setdefault(row.at, []).append(
                        f"min: {levels.min_level} is above max, which is {levels.max_level}"
                    )
        self._feeder_faults(faults)
        if not self._remove:
            self._left_alone(faults)
        return faults

    def _feeder_faults(self, faults: Faults) -> None:
        fed = {name: _name(c.feeder) for name, c in self._controllers.items() if c.feeder is not None}
        for name, fault in feeder_faults(self._names, fed).items():
            other = fed[name][0]
            together = self._by_controller.get(name) or self._by_controller.get(other)
            if together is None:
                raise InvalidError(f"controller {name}: feeder: {fault}; give a row for it, too")
            for row in together.rows:
                told = "feeder" if row.controller == name else f"feeder of {name}"
                faults.setdefault(row.at, []).append(f"{told}: {fault}")

    def _left_alone(self, faults: Faults) -> None:
        """An output without a lamp would be left behind by lamps that move."""
        for row in self._rows:
            lamp = self._village.lamps.get(row.lamp)
            if lamp is not None and _name(lamp.output) not in self._hanging:
                faults.setdefault(row.at, []).append(
                    f"controller, output: {row.lamp} is the last lamp of {told(_name(lamp.output))}: give a "
                    "row for another one there, or say --remove-missing with a file that names all lamps"
                )

    def _lamp(self, row: Row) -> Lamp:
        old = self._village.lamps.get(row.lamp)

        def kept(field: str, default: Any) -> Any:
            """What it was where the file has no such column."""
            return default if old is None or field in row.given else getattr(old, field)

        return Lamp(
            row.lamp,
            OutputKey(self._home, *self._village.output_of(row)),
            row.watts,
            row.lat,
            row.lon,
            row.pole or kept("pole", row.lamp_text),
            kept("safety", False) if row.safety is None else row.safety,
            kept("ring", RingSign.UNKNOWN) if row.ring is None else row.ring,
        )

    def _controller(self, name: str) -> Controller:
        old = self._village.controllers.get(name)
        key = ControllerKey(self._home, name)
        together = self._by_controller.get(name)
        numbers = self._numbers.get(name, [])
        if together is None and old is not None:
            kind, called, feeder = old.kind, old.name, old.feeder
        else:
            assert together is not None, "a controller without rows was there before"  # noqa: S101 - for mypy
            several = len(numbers) > 1 or sum(len(self._hanging.get((name, n), ())) for n in numbers) > 1
            kind = together.get("kind", old and old.kind, "cabinet" if several else "luminaire")
            called = together.get("controller_name", old and old.name, together.rows[0].controller_text)
            said = together.get("feeder", old and old.feeder, None)
            feeder = said if said is None or isinstance(said, OutputKey) else OutputKey(self._home, *said)
        outputs = tuple(self._output(key, n, kind) for n in numbers)
        return Controller(key, kind, called, outputs, self._meters(key, numbers), feeder)

    def _output(self, key: ControllerKey, n: int, kind: str) -> Output:
        name = (key.controller, n)
        old, together = self._village.outputs.get(name), self._by_output.get(name, _Together([]))
        lamps = self._hanging.get(name, [])

        def get(field: str, kept: str, default: Any) -> Any:
            return together.get(field, None if old is None else getattr(old, kept), default)

        return Output(
            OutputKey(*key, n),
            get("zone", "zone", None),
            get("min", "min_level", 0),
            get("max", "max_level", 100),
            get("step", "step", 100 if kind == "cabinet" else 1),
            any(lamp.safety for lamp in lamps),
            len(lamps),
            math.fsum(lamp.watts for lamp in lamps),
            get("button", "button", False),
        )

    def _meters(self, key: ControllerKey, numbers: Iterable[int]) -> tuple[Meter, ...]:
        measured: dict[int, list[int]] = {}
        for n in numbers:
            together = self._by_output.get((key.controller, n), _Together([]))
            meter = together.get("meter", self._village.meters.get((key.controller, n)), None)
            if meter is not None:
                measured.setdefault(meter, []).append(n)
        return tuple(Meter(MeterKey(*key, meter), tuple(measured[meter])) for meter in sorted(measured))


def _name(key: OutputKey) -> OutputName:
    return key.controller, key.n
