"""What a controller's meters say: supply, circuits on the wrong meter, and what flows to its lamps."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import combinations

from service.domain.faults import Detail, Finding
from service.domain.health_circuits import Load, judge, load_of
from service.domain.health_evidence import SETTLES, Evidence, Health, Matter, together
from service.domain.inventory import Meter, Output
from service.domain.lights import FRESH_FOR
from service.domain.reports import MeterState
from service.domain.words import FaultKind

MAINS_V = 230.0
SUPPLY_LOST = 0.5
"""The share of the mains voltage below which there is no supply."""

FOLLOWS, FOLLOWS_W = 0.25, 3.0
"""How near a meter must be to what an output should draw, to say that it follows that output."""

_UNFIT = frozenset({FaultKind.SUPPLY_LOSS, FaultKind.CIRCUIT_BREAKER_TRIPPED, FaultKind.LOCAL_OVERRIDE})
"""What explains any power: told of an output, it makes its meter say nothing about lamps and relays."""


def judge_power(evidence: Evidence) -> Health:
    """What the meters say. Where the supply is lost, or circuits are swapped, that explains all the rest."""
    readings = [(meter, state) for meter in evidence.controller.meters if (state := _fresh(evidence, meter))]
    supply = _supply(evidence, readings)
    lost = {meter.key for meter, state in readings if _lost(state)}
    loads = [load for meter, state in readings if meter.key not in lost and (load := _load(evidence, meter, state))]
    alone = sorted((load for load in loads if len(load.outputs) == 1), key=lambda load: load.outputs[0].key)
    swapped, crossed = _swapped(evidence, alone)
    parts = [supply, swapped]
    judged: set[Output] = set()
    for load in sorted(loads, key=lambda load: (len(load.outputs), load.meter.key)):
        if not crossed.intersection(load.outputs) and not judged.issuperset(load.outputs):
            parts.append(judge(evidence, load))
            judged.update(load.outputs)
    return _agreed(evidence, loads, together(parts))


def _fresh(evidence: Evidence, meter: Meter) -> MeterState | None:
    """A meter's reading, if it came with one of the last reports."""
    state, last = evidence.meters.get(meter.key), evidence.state.reported_at
    if state is None or (last is not None and last - state.at > FRESH_FOR * evidence.speed):
        return None
    return state


def _lost(state: MeterState) -> bool:
    return state.volts is not None and state.volts < SUPPLY_LOST * MAINS_V


def _supply(evidence: Evidence, readings: Sequence[tuple[Meter, MeterState]]) -> Health:
    """Supply by the meters' volts: lost for the whole controller, or for the outputs of some meters."""
    volts = [(meter, state) for meter, state in readings if state.volts is not None]
    lost = [(meter, state) for meter, state in volts if _lost(state)]
    kind = FaultKind.SUPPLY_LOSS
    if not lost:
        return Health(sound=frozenset({Matter(evidence.subject, kind)} if volts else ()) | _each(evidence, volts, kind))
    if len(lost) == len(volts):
        worst = min(state.volts or 0.0 for _, state in lost)
        return Health((Finding(evidence.subject, kind, {"volts": round(worst, 1)}),))
    outputs = {output.key.n: output for output in evidence.controller.outputs}
    found = tuple(
        Finding(evidence.about(outputs[n]), kind, {"volts": round(state.volts or 0.0, 1)})
        for meter, state in lost
        for n in meter.outputs
        if n in outputs
    )
    return Health(found, _each(evidence, [one for one in volts if one not in lost], kind))


def _each(evidence: Evidence, readings: Iterable[tuple[Meter, MeterState]], kind: FaultKind) -> frozenset[Matter]:
    covered = {n for meter, _ in readings for n in meter.outputs}
    return frozenset(
        Matter(evidence.about(output), kind) for output in evidence.controller.outputs if output.key.n in covered
    )


def _load(evidence: Evidence, meter: Meter, state: MeterState) -> Load | None:
    """A meter's reading beside its outputs; None where one is unknown, has just changed, or is not automatic."""
    covered = [output for output in evidence.controller.outputs if output.key.n in meter.outputs]
    unfit = {signal.output for signal in evidence.told if signal.kind in _UNFIT}
    if any(output.key in evidence.feeds for output in covered):
        return None
    if not covered or None in unfit or unfit.intersection(output.key.n for output in covered):
        return None
    levels = []
    for output in covered:
        known = evidence.outputs.get(output.key)
        if known is None or not _settled(evidence, output, state, known.since):
            return None
        levels.append((output, known.level))
    return load_of(evidence, meter, state, levels)


def _settled(evidence: Evidence, output: Output, meter: MeterState, since: datetime) -> bool:
    fading = evidence.fading.get(output.key, timedelta(0))
    return meter.at - since >= SETTLES * evidence.speed + fading


def _swapped(evidence: Evidence, alone: Sequence[Load]) -> tuple[Health, set[Output]]:
    """Two circuits of which each meter follows the other one's output; and those outputs."""
    kind, told = FaultKind.CIRCUITS_SWAPPED, []
    for one, other in combinations(alone, 2):
        a, b = one.expected.watts, other.expected.watts
        own = (_follows(one, a), _follows(other, b))
        cross = (_follows(one, b), _follows(other, a))
        if all(cross) and not any(own):
            first, second = one.outputs[0], other.outputs[0]
            detail: Detail = {
                "outputs": f"{first.key.n}, {second.key.n}",
                "watts": round(one.watts, 1),
                "expected_watts": round(a, 1),
                "other_watts": round(other.watts, 1),
                "other_expected_watts": round(b, 1),
            }
            return Health((Finding(evidence.subject, kind, detail),)), {first, second}
        told.append(all(own) and not any(cross))
    outputs = len(evidence.controller.outputs)
    every = len(told) == outputs * (outputs - 1) // 2 and all(told) and told
    return Health(sound=frozenset({Matter(evidence.subject, kind)} if every else ())), set()


def _follows(load: Load, watts: float) -> bool:
    return abs(load.watts - watts) <= max(FOLLOWS * watts, FOLLOWS_W)


def _agreed(evidence: Evidence, loads: Sequence[Load], health: Health) -> Health:
    """Of the controller as a whole only what all meters of several outputs can agree to is right."""
    several = [meter for meter in evidence.controller.meters if len(meter.outputs) > 1]
    lit = {load.meter for load in loads if not load.dark}
    if len(several) <= 1 or lit.issuperset(several):
        return health
    whole = {FaultKind.SUPPLY_LOSS, FaultKind.CIRCUITS_SWAPPED}
    sound = {matter for matter in health.sound if matter.subject != evidence.subject or matter.kind in whole}
    return Health(health.found, frozenset(sound))
