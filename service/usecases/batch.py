"""A batch of what controllers say: what is known is read once for all of it, and written once at its end."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from service.domain.curve import Curve
from service.domain.entries import Entry
from service.domain.inventory import (
    Controller,
    ControllerKey,
    MeterKey,
    Municipality,
    Output,
    OutputKey,
    Zone,
    ZoneKey,
    curve_of,
)
from service.domain.reports import ControllerState, MeterState, OutputState
from service.ports import Tx
from service.usecases.press import RECENT


@dataclass(slots=True)
class Recorded:
    """What a batch of messages changed.

    `changed` are zones that look different now, `pressed` those in which a button was pressed, `waiting` the
    controllers of these buttons, which wait for an order. `behind` are controllers that knew higher counters than we
    do and must get their order and plan anew, `dropped` counts messages that were ignored, by kind.
    """

    changed: set[ZoneKey] = field(default_factory=set)
    pressed: set[ZoneKey] = field(default_factory=set)
    waiting: set[ControllerKey] = field(default_factory=set)
    behind: set[ControllerKey] = field(default_factory=set)
    dropped: Counter[str] = field(default_factory=Counter)


class Batch:
    """What is known of the controllers that a batch is about. `save` writes what became of it."""

    def __init__(self, tx: Tx, keys: Iterable[ControllerKey], now: datetime, speed: float) -> None:
        """Read what is known of the controllers."""
        self.tx, self.now, self.speed = tx, now, speed
        self.done = Recorded()
        self.controllers = {one.key: one for one in tx.controllers_by_key(keys)}
        self.states: dict[ControllerKey, ControllerState] = {}
        self.outputs: dict[OutputKey, OutputState] = {}
        self.meters: dict[MeterKey, MeterState] = {}
        self.entries: list[Entry] = []
        self._zones: dict[ZoneKey, tuple[Zone | None, Municipality | None]] = {}
        self._homes: dict[str, Municipality | None] = {}
        self._new: tuple[dict[ControllerKey, ControllerState], dict[OutputKey, OutputState]] = ({}, {})
        self._new_meters: dict[MeterKey, MeterState] = {}
        self._read()

    def _read(self) -> None:
        found = self.controllers.values()
        self.states.update(self.tx.controller_states(self.controllers))
        self.outputs.update(self.tx.output_states(output.key for one in found for output in one.outputs))
        self.meters.update(self.tx.meter_states(meter.key for one in found for meter in one.meters))

    def set_state(self, key: ControllerKey, state: ControllerState) -> None:
        """What is known of a controller from now on."""
        self.states[key] = self._new[0][key] = state

    def set_output(self, key: OutputKey, state: OutputState) -> None:
        """What an output gives from now on."""
        self.outputs[key] = self._new[1][key] = state

    def set_meter(self, key: MeterKey, state: MeterState) -> None:
        """What a meter says from now on."""
        self.meters[key] = self._new_meters[key] = state

    def save(self) -> None:
        """Write what is not written yet: at the end, and before anything is asked that must know of it."""
        states, outputs = self._new
        if states:
            self.tx.save_controller_states(states)
        if outputs:
            self.tx.save_output_states(outputs)
        if self._new_meters:
            self.tx.save_meter_states(self._new_meters)
        if self.entries:
            self.tx.add_energy(self.entries)
        self._new, self._new_meters, self.entries = ({}, {}), {}, []

    def tz(self, municipality: str) -> str:
        """The time zone of a municipality."""
        home = self._home(municipality)
        return "UTC" if home is None else home.place.tz

    def _home(self, municipality: str) -> Municipality | None:
        if municipality not in self._homes:
            self._homes[municipality] = self.tx.municipality(municipality)
        return self._homes[municipality]

    def curve(self, output: Output) -> Curve | None:
        """The curve of an output's plan; its zone is read once."""
        key = ZoneKey(output.key.municipality, output.zone)
        if key not in self._zones:
            self._zones[key] = self.tx.zone(key, since=self.now - RECENT), self._home(key.municipality)
        zone, home = self._zones[key]
        return None if zone is None or home is None else curve_of(output, zone, home)


def zones_of(controller: Controller) -> set[ZoneKey]:
    """The zones that a controller's outputs belong to."""
    return {ZoneKey(controller.key.municipality, output.zone) for output in controller.outputs}
