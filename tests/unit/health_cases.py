"""Evidence of controllers, built by hand: a luminaire, a cabinet with one circuit, one with two."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from service.domain.faults import Subject
from service.domain.health import examine
from service.domain.health_evidence import Evidence, Matter
from service.domain.inventory import Controller, ControllerKey, Meter, MeterKey, Output, OutputKey
from service.domain.maintenance import Commissioned
from service.domain.reports import ControllerState, MeterState, OutputState, Sample, Signal
from service.domain.words import Availability, Cause, FaultKind
from tests.unit.villages import utc

NOW = utc("2026-11-20T22:00")
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ONLINE = ControllerState(online=True, heard_at=NOW - 10 * SECOND, reported_at=NOW - 10 * SECOND, clock_valid=True)


def controller(
    *outputs: tuple[int, float], name: str = "cabinet-1", meters: tuple[tuple[int, ...], ...] | None = None
) -> Controller:
    """A cabinet whose relays have so many lamps of so many W each; each with a meter unless `meters` says else."""
    key = ControllerKey("dorf", name)
    feeds = tuple(
        Output(OutputKey(*key, n), "strasse", step=100, lamps=lamps, watts=lamps * watts)
        for n, (lamps, watts) in enumerate(outputs, start=1)
    )
    covers = tuple((n,) for n in range(1, len(outputs) + 1)) if meters is None else meters
    return Controller(
        key, "cabinet", name, feeds, tuple(Meter(MeterKey(*key, n), c) for n, c in enumerate(covers, start=1))
    )


def luminaire(watts: float = 30.0) -> Controller:
    """One lamp with a dimmer and a meter."""
    key = ControllerKey("dorf", "lamp-01")
    output = Output(OutputKey(*key, 1), "strasse", min_level=10, watts=watts)
    return Controller(key, "luminaire", "Mast 1", (output,), (Meter(MeterKey(*key, 1), (1,)),))


def baselines(owner: Controller, *watts: float) -> dict[OutputKey, Commissioned]:
    """What each output drew when it was commissioned."""
    drew = zip(owner.outputs, watts, strict=True)
    return {output.key: Commissioned(output.key, w, NOW - 99 * HOUR, "the electrician") for output, w in drew}


def evidence(
    owner: Controller,
    levels: Mapping[int, int],
    watts: Mapping[int, float],
    *,
    volts: float | None = 231.0,
    since: timedelta = HOUR,
    samples: tuple[Sample, ...] = (),
    **more: Any,
) -> Evidence:
    """A controller online whose outputs have had their levels for an hour, and whose meters said so 10 s ago."""
    states = {
        output.key: OutputState(levels[output.key.n], Cause.SCHEDULE, NOW - since, NOW - 10 * SECOND)
        for output in owner.outputs
        if output.key.n in levels
    }
    meters = {
        meter.key: MeterState(1000, watts[meter.key.n], NOW - 10 * SECOND, volts, samples)
        for meter in owner.meters
        if meter.key.n in watts
    }
    fields = {"state": ONLINE, "availability": Availability.ONLINE, "now": NOW, "speed": 1.0, **more}
    return Evidence(owner, outputs=states, meters=meters, **fields)


def signal(owner: Controller, kind: FaultKind, output: int | None = None) -> Signal:
    """What a controller told an hour ago and has not taken back."""
    return Signal(owner.key, kind, output, NOW - HOUR)


def found(case: Evidence) -> dict[FaultKind, int | None]:
    """The kinds found, each with its output or None for the controller."""
    return {finding.kind: finding.subject.output for finding in examine(case).found}


def sound(case: Evidence, kind: FaultKind, output: int | None) -> bool:
    """Whether something is known to be right."""
    return Matter(Subject(case.controller.key.controller, output), kind) in examine(case).sound
