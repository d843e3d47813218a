"""What happens when, of a scenario in a village: a stream that hangs on scenario, seed and village alone.

Nobody's clock is asked here, so a busy machine changes nothing. What lamps do by wear is not in the stream: it hangs
on how long they burnt, and `device_sim.lamps` sees to it.
"""

import heapq
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TypeVar

from device_sim.meters import Lie
from device_sim.scenario import Outage, Scenario, Span
from device_sim.villages import ControllerSpec, VillageError

_DAY_MS = 86_400_000
T = TypeVar("T")


class Kind(StrEnum):
    """What can happen to a controller. Each is told of one controller; of a crowd, in the village's order."""

    LAMP = "lamp failed"
    RELAY = "relay"
    METER = "meter"
    METER_RESET = "meter reset"
    POWER = "power"
    SUPPLY = "mains of the lamps"
    NETWORK = "network"
    DROP = "connection broke"


@dataclass(frozen=True, slots=True)
class Happening:
    """At a moment (ms since the village's start) something happens to a controller.

    `part` is the output's or meter's number, or empty. `value` depends on the kind: LAMP the lamp's place among its
    output's, RELAY a word or None (works again), METER a `Lie` or None (right again), POWER, SUPPLY and NETWORK whether
    it is there.
    """

    at_ms: int
    kind: Kind
    key: str
    part: str = ""
    value: int | str | bool | Lie | None = None

    def said(self) -> str:
        """In words, for people."""
        where = f"{self.key}/{self.part}" if self.part else self.key
        if self.kind is Kind.RELAY:
            return f"{where}: relay {self.value or 'works again'}"
        if self.kind is Kind.METER:
            return f"{where}: meter {'lies' if self.value else 'is right again'}"
        if isinstance(self.value, bool):
            return f"{where}: {self.kind} {'back' if self.value else 'gone'}"
        return f"{where}: {self.kind}"


def happenings(scenario: Scenario, specs: Sequence[ControllerSpec], seed: int) -> Iterator[Happening]:
    """All that happens, in order of time; without end where connections drop by a rate.

    VillageError, at once, where the scenario names what the village does not have.
    """
    village = _Directory(specs)
    fixed = [
        *_lamps(scenario, village),
        *_relays(scenario, village),
        *_meters(scenario, village),
        *_outages(scenario.power_cuts, Kind.POWER, village),
        *_outages(scenario.supply_losses, Kind.SUPPLY, village),
        *_outages(scenario.network_cuts, Kind.NETWORK, village),
    ]
    fixed += [Happening(storm.span.at_ms, Kind.DROP, key) for storm in scenario.storms for key in village.of(storm)]
    fixed.sort(key=lambda happening: happening.at_ms)
    rates = [(spec.key, scenario.net(spec.key).drops_per_day) for spec in specs]
    drops = [_drops(key, rate, seed) for key, rate in rates if rate]
    return heapq.merge(fixed, *drops, key=lambda happening: happening.at_ms)


def _drops(key: str, per_day: float, seed: int) -> Iterator[Happening]:
    """The moments at which a bad line breaks, at random."""
    rng = random.Random(f"{seed}/{key}/drops")  # noqa: S311 - a model's line, no secret
    at = 0.0
    while True:
        at += rng.expovariate(per_day / _DAY_MS)
        yield Happening(int(at), Kind.DROP, key)


class _Directory:
    """Who is who in the village."""

    def __init__(self, specs: Sequence[ControllerSpec]) -> None:
        self.keys = [spec.key for spec in specs]
        self.outputs = {f"{spec.key}/{output.n}" for spec in specs for output in spec.outputs}
        self.meters = {f"{spec.key}/{meter.n}" for spec in specs for meter in spec.meters}
        self.lamps = {
            f"{spec.municipality}/{lamp}": (spec.key, output.n, i)
            for spec in specs
            for output in spec.outputs
            for i, lamp in enumerate(output.lamp_ids)
            if lamp
        }
        self.behind: dict[str, list[str]] = {}
        for spec in specs:
            if spec.feeder is not None:
                feeder = f"{spec.municipality}/{spec.feeder.controller}/{spec.feeder.output}"
                self.behind.setdefault(feeder, []).append(spec.key)

    def of(self, outage: Outage) -> list[str]:
        """The controllers that an outage is about."""
        if outage.feeder is not None:
            found = self.behind.get(outage.feeder, [])
            missing = f"feeder: nothing hangs behind {outage.feeder}"
        else:
            found = [key for key in self.keys if fnmatchcase(key, outage.controllers)]
            missing = f"controllers: {outage.controllers} fits no controller of the village"
        if not found:
            raise VillageError(f"the scenario cannot be played here: {missing}")
        return found


def _known(name: str, field: str, known: Iterable[str]) -> tuple[str, str]:
    """Controller and number of an output or meter that exists."""
    if name not in known:
        raise VillageError(f"the scenario cannot be played here: {field}: there is no {name} in the village")
    key, _, part = name.rpartition("/")
    return key, part


def _while(span: Span, begins: T, ends: T) -> Iterator[tuple[int, T]]:
    yield span.at_ms, begins
    if span.for_ms is not None:
        yield span.at_ms + span.for_ms, ends


def _lamps(scenario: Scenario, village: _Directory) -> Iterator[Happening]:
    for failure in scenario.lamps:
        _known(failure.lamp, "lamp_failure: lamp", village.lamps)
        key, n, i = village.lamps[failure.lamp]
        yield Happening(failure.at_ms, Kind.LAMP, key, n, i)


def _relays(scenario: Scenario, village: _Directory) -> Iterator[Happening]:
    for relay in scenario.relays:
        key, n = _known(relay.output, "stuck_relay: output", village.outputs)
        for at, how in _while(relay.span, relay.how, None):
            yield Happening(at, Kind.RELAY, key, n, how)


def _meters(scenario: Scenario, village: _Directory) -> Iterator[Happening]:
    for bad in scenario.meters:
        key, n = _known(bad.meter, "bad_meter: meter", village.meters)
        if bad.lie is None:
            yield Happening(bad.span.at_ms, Kind.METER_RESET, key, n)
            continue
        for at, lie in _while(bad.span, bad.lie, None):
            yield Happening(at, Kind.METER, key, n, lie)


def _outages(outages: Iterable[Outage], kind: Kind, village: _Directory) -> Iterator[Happening]:
    for outage in outages:
        keys = village.of(outage)
        for at, there in _while(outage.span, False, True):
            for key in keys:
                yield Happening(at, kind, key, "", there)
