"""What a commissioning test says: each output's meter must follow it, no other may, and by about its lamps' watts."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from service.domain.dimming import share
from service.domain.inventory import Controller, Output
from service.domain.maintenance import LONGEST_STAGE, SHORTEST_STAGE, Commissioned, OutputTest, Stage

SHORTEST_GAP, LONGEST_GAP = timedelta(seconds=2), timedelta(minutes=5)
"""Before each stage the meters must be seen to fall back."""

SKEW = timedelta(seconds=1)
"""How far a controller's clock may be behind ours: its readings are told by it, and it lights when it is asked."""

FAR_OFF = 0.25
"""By which share of its nominal watts an output may differ."""

FOLLOWS, FOLLOWS_W = 0.25, 2.0
"""The share of an output's nominal watts, and the W at least, by which a meter rises that follows it."""


class TestOutcome(StrEnum):
    """How an output fared in a commissioning test.

    `no_reading`: its meter told nothing while it was to be lit, because it has none or was not reached.
    """

    __test__ = False  # pytest collects classes by this name; this one is a word of the domain

    OK = "ok"
    NO_READING = "no_reading"
    ALREADY_LIT = "already_lit"
    METER_SILENT = "meter_silent"
    WRONG_METER = "wrong_meter"
    SEVERAL = "several"
    POWER_FAR_OFF = "power_far_off"


@dataclass(frozen=True, slots=True)
class OutputVerdict:
    """What was found of an output: by how many W its meter rose when it was lit (None without a reading), what its
    lamps should draw, which meters rose, and the baseline to keep where all is well."""

    output: int
    outcome: TestOutcome
    watts: float | None
    expected_watts: float
    followed: tuple[int, ...] = ()
    commissioned: Commissioned | None = None


def stages(controller: Controller, at: datetime, seconds: int, gap: int) -> tuple[Stage, ...]:
    """Each output alone for `seconds`, from `at` on, with `gap` seconds before each, in which all are dark.

    ValueError where a time is out of bounds, or there is nothing to light.
    """
    _within("seconds", seconds, SHORTEST_STAGE, LONGEST_STAGE)
    _within("gap", gap, SHORTEST_GAP, LONGEST_GAP)
    if not controller.outputs:
        raise ValueError(f"controller: {controller.key.controller} has no output to test; import its outputs first")
    lit, pause = timedelta(seconds=seconds), timedelta(seconds=gap)
    ordered = sorted(output.key.n for output in controller.outputs)
    starts = [at + pause + (lit + pause) * i for i in range(len(ordered))]
    return tuple(Stage(n, start, start + lit) for n, start in zip(ordered, starts, strict=True))


def _within(name: str, seconds: int, least: timedelta, most: timedelta) -> None:
    if not least <= timedelta(seconds=seconds) <= most:
        low, high = (int(bound.total_seconds()) for bound in (least, most))
        raise ValueError(f"{name}: {seconds} is not between {low} and {high} seconds")


def verdict(test: OutputTest, controller: Controller, lit_before: Collection[int] = ()) -> tuple[OutputVerdict, ...]:
    """What the meters said of each tested output that the controller has, in the test's order.

    A reading stands until the next of its meter, and each report of an output's change makes one of the meters that
    cover it. A meter's rise in a stage is its last reading there less the one before the stage: so a test beside lit
    outputs still tells. The readings begin with each meter's last one before the test. Of outputs that were lit
    themselves before their stage nothing can be told.
    """
    outputs = {output.key.n: output for output in controller.outputs}
    verdicts = []
    before: Stage | None = None
    for stage in sorted(test.stages, key=lambda stage: stage.start):
        if stage.output in outputs:
            judged = _judge(test, controller, outputs[stage.output], _rises(test, stage, before))
            lit = stage.output in lit_before
            verdicts.append(replace(judged, outcome=TestOutcome.ALREADY_LIT, commissioned=None) if lit else judged)
        before = stage
    return tuple(verdicts)


@dataclass(frozen=True, slots=True)
class _Rise:
    """By how many W a meter rose in a stage, and whether it was read there at all."""

    watts: float
    read: bool


def _rises(test: OutputTest, stage: Stage, before: Stage | None) -> dict[int, _Rise]:
    """The rise of each meter in a stage; left out where the meter was last read while another output was lit."""
    rises: dict[int, _Rise] = {}
    start, until = stage.start - SKEW, min(stage.until, test.until) - SKEW
    for meter in {reading.meter for reading in test.readings}:
        readings = sorted((r for r in test.readings if r.meter == meter and r.at < until), key=lambda r: r.at)
        earlier = [reading for reading in readings if reading.at < start]
        if earlier and not (before is not None and before.start - SKEW <= earlier[-1].at < before.until - SKEW):
            watts = readings[-1].watts - earlier[-1].watts
            rises[meter] = _Rise(watts, readings[-1].at >= start)
    return rises


def _judge(test: OutputTest, controller: Controller, output: Output, rises: Mapping[int, _Rise]) -> OutputVerdict:
    law = share(output.keeps(100))
    expected = output.watts * law
    covering = {meter.key.n for meter in controller.meters if output.key.n in meter.outputs}
    own = {n: rises[n].watts for n in covering if n in rises and rises[n].read}
    watts = min(own.values(), key=lambda rise: abs(rise - expected), default=None)
    rose = {n for n, rise in rises.items() if rise.watts >= max(FOLLOWS * expected, FOLLOWS_W)}
    outcome = _outcome(rose & covering, rose - covering, watts, expected)
    kept = None
    if outcome is TestOutcome.OK and watts is not None:
        kept = Commissioned(output.key, round(watts / law, 1), test.until, test.by)
    shown = None if watts is None else round(watts, 1)
    return OutputVerdict(output.key.n, outcome, shown, round(expected, 1), tuple(sorted(rose)), kept)


def _outcome(own: set[int], foreign: set[int], watts: float | None, expected: float) -> TestOutcome:
    if foreign:
        return TestOutcome.SEVERAL if own else TestOutcome.WRONG_METER
    if watts is None:
        return TestOutcome.NO_READING
    if not own:
        return TestOutcome.METER_SILENT
    far = expected > 0 and abs(watts - expected) > FAR_OFF * expected
    return TestOutcome.POWER_FAR_OFF if far else TestOutcome.OK
