"""What flows through one meter, and what that says about the outputs it covers."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from service.domain.faults import Detail, Finding, Subject
from service.domain.health_evidence import Evidence, Health, Matter
from service.domain.health_lamps import STANDBY_W, Estimate, Expected, added, estimate, expect
from service.domain.inventory import Meter, Output
from service.domain.reports import MeterState
from service.domain.words import FaultKind

TOLERANCE, TOLERANCE_NOMINAL = 0.15, 0.30
"""How far sound lamps may be from what was commissioned, or from their nominal watts, before their power is wrong."""

NEARLY_NOTHING = 0.05
"""The share of its power below which a circuit has no light at all."""

MOST_OF = 0.5
"""The share of its power that says that a circuit is on, whatever its controller reports."""

GLOWS, GLOWS_W = 0.1, 2.0
"""The share of its watts, and the W, from which on a luminaire is lit."""

CYCLES, CYCLES_WITHIN = 3, timedelta(hours=1)
"""A lamp that goes out and comes back this often within this time is cycling."""

_WHEN_LIT = (FaultKind.LAMP_FAILURE, FaultKind.LAMP_POWER_TOO_LOW, FaultKind.LAMP_POWER_TOO_HIGH)


@dataclass(frozen=True, slots=True)
class Load:
    """A meter's settled reading with the outputs it covers: those reported on with their levels, and those off."""

    meter: Meter
    state: MeterState
    lit: tuple[tuple[Output, int], ...]
    dark: tuple[Output, ...]
    expected: Expected

    @property
    def watts(self) -> float:
        """What flows, in W."""
        return self.state.watts

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All that the meter covers."""
        return (*(output for output, _ in self.lit), *self.dark)


def draw(evidence: Evidence, output: Output, level: int) -> Expected:
    """What an output should draw at a level, by all that is known of it."""
    baseline = evidence.baselines.get(output.key)
    measured = baseline.watts if baseline is not None and baseline.watts > 0 else None
    return expect(output, level, measured, evidence.lamps.get(output.key, ()))


def load_of(evidence: Evidence, meter: Meter, state: MeterState, levels: Sequence[tuple[Output, int]]) -> Load:
    """A meter's reading beside the reported levels of all that it covers."""
    lit = tuple((output, level) for output, level in levels if level > 0)
    dark = tuple(output for output, level in levels if level == 0)
    return Load(meter, state, lit, dark, added(draw(evidence, output, level) for output, level in lit))


def judge(evidence: Evidence, load: Load) -> Health:
    """What a meter's reading says about its outputs; of several causes the one that explains the others."""
    stuck = _stuck_on(evidence, load)
    if stuck is not None:
        return Health((stuck,))
    quiet = _dark_ones(evidence, load)
    if not load.lit or load.expected.watts <= 0:
        return Health(sound=quiet)
    about = _subject(evidence, tuple(output for output, _ in load.lit), load)
    finding = _wrong(load, about)
    if finding is not None:
        return Health((finding,), quiet)
    return Health(sound=quiet | _lit_ones(evidence, load))


def _subject(evidence: Evidence, outputs: Sequence[Output], load: Load) -> Subject:
    """The only output in question, or else the controller."""
    return evidence.about(outputs[0]) if len(outputs) == 1 or len(load.outputs) == 1 else evidence.subject


def _stuck_on(evidence: Evidence, load: Load) -> Finding | None:
    """Power that flows although an output is reported off: a luminaire that burns, or a circuit's welded relay."""
    off = [(output, draw(evidence, output, 100).watts) for output in load.dark if output.watts > 0]
    extra = load.watts - load.expected.watts
    slack = load.expected.slack(load.watts)
    if evidence.controller.kind == "luminaire":
        kind = FaultKind.LAMP_UNEXPECTED_ON
        burning = [output for output, full in off if extra >= max(GLOWS * full, GLOWS_W, slack)]
    else:
        kind = FaultKind.RELAY_FAILURE
        burning = [output for output, full in off if extra - slack >= MOST_OF * full]
    if not burning:
        return None
    detail: dict[str, str | float | int | None] = {"watts": round(load.watts, 1), **_against(load.expected)}
    if kind is FaultKind.RELAY_FAILURE:
        detail["stuck"] = "on"
    return Finding(_subject(evidence, load.dark, load), kind, detail)


def _wrong(load: Load, about: Subject) -> Finding | None:
    """What is wrong with what is reported on."""
    expected, watts = load.expected, load.watts
    dark = estimate(expected, watts)
    kind: FaultKind | None = None
    detail: dict[str, str | float | int | None] = {"watts": round(watts, 1), **_against(expected)}
    swings = cycles(load.state, expected)
    if swings >= CYCLES:
        kind, detail["cycles"] = FaultKind.CYCLING_FAILURE, swings
    elif _no_light(expected, watts, dark):
        kind, detail["stuck"] = FaultKind.RELAY_FAILURE, "off"
    elif 1 <= dark.least <= dark.most:
        kind = FaultKind.LAMP_FAILURE
        detail |= {"dark_lamps": dark.dark, "dark_lamps_least": dark.least, "dark_lamps_most": dark.most}
    elif watts - expected.watts > _tolerance(expected, watts):
        kind = FaultKind.LAMP_POWER_TOO_HIGH
    elif dark.least > dark.most and expected.watts - watts > _tolerance(expected, watts):
        kind = FaultKind.LAMP_POWER_TOO_LOW
    return None if kind is None else Finding(about, kind, detail)


def _no_light(expected: Expected, watts: float, dark: Estimate) -> bool:
    """Whether many lamps went out at once: that is no lamp's fault."""
    many = len(expected.lamps) > 1 and dark.least >= 1 and dark.most == len(expected.lamps)
    return many and watts <= max(NEARLY_NOTHING * expected.watts, STANDBY_W)


def _tolerance(expected: Expected, watts: float) -> float:
    part = TOLERANCE if expected.commissioned else TOLERANCE_NOMINAL
    return max(part * expected.watts, expected.slack(watts))


def _against(expected: Expected) -> Detail:
    return {
        "expected_watts": round(expected.watts, 1),
        "baseline": "commissioned" if expected.commissioned else "nominal",
    }


def _dark_ones(evidence: Evidence, load: Load) -> frozenset[Matter]:
    """What is right with outputs that are reported off: nothing flows there."""
    full = [draw(evidence, output, 100).watts for output in load.dark]
    extra = load.watts - load.expected.watts
    if not full or extra > max(GLOWS * min(full), STANDBY_W) or load.lit:
        return frozenset()
    sound = {Matter(evidence.about(output), FaultKind.LAMP_UNEXPECTED_ON) for output in load.dark}
    if len(load.outputs) == 1:
        shone = next((sample for sample in reversed(load.state.samples) if sample.nominal > 0), None)
        if shone is not None and shone.watts >= MOST_OF * shone.nominal:
            sound.add(Matter(evidence.about(load.dark[0]), FaultKind.RELAY_FAILURE))
    return frozenset(sound)


def _lit_ones(evidence: Evidence, load: Load) -> frozenset[Matter]:
    """What is right with outputs that are reported on: their lamps draw what they should.

    A relay switches only if it was seen to do both, so a meter of several outputs cannot tell. The controller is right
    where all that the meter covers is on.
    """
    if estimate(load.expected, load.watts).dark:
        return frozenset()
    subjects = [evidence.about(output) for output, _ in load.lit]
    if len(load.lit) > 1 and not load.dark:
        subjects.append(evidence.subject)
    kinds = list(_WHEN_LIT)
    if not cycles(load.state, load.expected):
        kinds.append(FaultKind.CYCLING_FAILURE)
    if len(load.outputs) == 1:
        off = next((sample for sample in reversed(load.state.samples) if sample.nominal == 0), None)
        if off is not None and off.watts < max(GLOWS * load.expected.watts, STANDBY_W):
            kinds.append(FaultKind.RELAY_FAILURE)
    return frozenset(Matter(subject, kind) for subject in subjects for kind in kinds)


def cycles(state: MeterState, expected: Expected) -> int:
    """How often power went down and came back up at unchanged levels, within CYCLES_WITHIN before the reading.

    A swing is at least half a lamp and more than what a meter's own error makes.
    """
    recent = [sample for sample in state.samples if state.at - sample.at <= CYCLES_WITHIN]
    if not recent:
        return 0
    lamp = max(expected.lamps, default=0.0)
    count, low = 0, False
    high = recent[0].watts
    bottom = high
    for before, sample in itertools.pairwise(recent):
        if sample.nominal <= 0 or abs(sample.nominal - before.nominal) > 0.01 * sample.nominal:
            low, high, bottom = False, sample.watts, sample.watts
            continue
        swing = max(lamp / 2, 0.03 * sample.nominal, GLOWS_W)
        if low:
            bottom = min(bottom, sample.watts)
            if sample.watts - bottom >= swing:
                count, low, high = count + 1, False, sample.watts
        else:
            high = max(high, sample.watts)
            if high - sample.watts >= swing:
                low, bottom = True, sample.watts
    return count
