"""What meters say of lamps, relays, supply and wiring."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.health import examine
from service.domain.health_evidence import Evidence
from service.domain.reports import Sample
from service.domain.words import FaultKind
from tests.unit.health_cases import (
    MINUTE,
    NOW,
    SECOND,
    baselines,
    controller,
    evidence,
    found,
    luminaire,
    signal,
    sound,
)

LAMP = luminaire()
CIRCUIT = controller((32, 25.0))
TWO = controller((32, 25.0), (10, 40.0))
SHARED = controller((32, 25.0), (10, 40.0), meters=((1, 2),))
KINDS = FaultKind
LAW = {0: 0.0, 10: 0.172, 50: 0.54, 100: 1.0}
"""What a LED lamp draws at a level, of its full watts."""


def of_lamp(level: int, watts: float) -> Evidence:
    return evidence(LAMP, {1: level}, {1: watts}, baselines=baselines(LAMP, 30.0))


def of_circuit(level: int, watts: float) -> Evidence:
    return evidence(CIRCUIT, {1: level}, {1: watts}, baselines=baselines(CIRCUIT, 800.0))


def of_two(levels: tuple[int, int], watts: tuple[float, float]) -> Evidence:
    return evidence(TWO, dict(enumerate(levels, 1)), dict(enumerate(watts, 1)), baselines=baselines(TWO, 800.0, 400.0))


def of_shared(levels: tuple[int, int], watts: float) -> Evidence:
    return evidence(SHARED, dict(enumerate(levels, 1)), {1: watts}, baselines=baselines(SHARED, 800.0, 400.0))


@pytest.mark.parametrize(
    ("case", "faults"),
    [
        pytest.param(of_lamp(100, 30.0), {}, id="a sound lamp"),
        pytest.param(of_lamp(50, 16.2), {}, id="a dimmed lamp"),
        pytest.param(of_lamp(0, 0.6), {}, id="a dark lamp with a driver on standby"),
        pytest.param(of_lamp(100, 0.0), {KINDS.LAMP_FAILURE: 1}, id="low power while on is the lamp's fault"),
        pytest.param(of_lamp(10, 0.4), {KINDS.LAMP_FAILURE: 1}, id="also when dimmed to the lowest"),
        pytest.param(of_lamp(100, 15.0), {KINDS.LAMP_POWER_TOO_LOW: 1}, id="half its power"),
        pytest.param(of_lamp(100, 45.0), {KINDS.LAMP_POWER_TOO_HIGH: 1}, id="half as much again"),
        pytest.param(of_lamp(0, 29.0), {KINDS.LAMP_UNEXPECTED_ON: 1}, id="a day burner"),
        pytest.param(of_lamp(0, 5.2), {KINDS.LAMP_UNEXPECTED_ON: 1}, id="a dimmed day burner"),
        pytest.param(of_circuit(100, 800.0), {}, id="a sound circuit"),
        pytest.param(of_circuit(0, 0.0), {}, id="a dark circuit"),
        pytest.param(of_circuit(100, 775.0), {KINDS.LAMP_FAILURE: 1}, id="one of 32"),
        pytest.param(of_circuit(100, 0.0), {KINDS.RELAY_FAILURE: 1}, id="no light at all"),
        pytest.param(of_circuit(100, 25.0), {KINDS.RELAY_FAILURE: 1}, id="as good as no light at all"),
        pytest.param(of_circuit(100, 100.0), {KINDS.LAMP_FAILURE: 1}, id="four lamps left: the relay is closed"),
        pytest.param(of_circuit(0, 790.0), {KINDS.RELAY_FAILURE: 1}, id="welded"),
        pytest.param(of_circuit(0, 420.0), {KINDS.RELAY_FAILURE: 1}, id="welded, and most lamps left"),
        pytest.param(of_circuit(100, 1000.0), {KINDS.LAMP_POWER_TOO_HIGH: 1}, id="something else hangs on it"),
        pytest.param(of_shared((100, 100), 1200.0), {}, id="both sound on one meter"),
        pytest.param(of_shared((100, 0), 800.0), {}, id="one of both lit"),
        pytest.param(of_shared((0, 0), 0.0), {}, id="none of both lit"),
        pytest.param(of_shared((100, 100), 1100.0), {KINDS.LAMP_FAILURE: None}, id="somewhere behind this meter"),
        pytest.param(of_shared((100, 0), 700.0), {KINDS.LAMP_FAILURE: 1}, id="only this one is lit"),
        pytest.param(of_shared((0, 100), 0.0), {KINDS.RELAY_FAILURE: 2}, id="only this one was to be lit"),
        pytest.param(of_shared((100, 100), 0.0), {KINDS.RELAY_FAILURE: None}, id="neither gives light"),
        pytest.param(of_shared((100, 0), 1190.0), {KINDS.RELAY_FAILURE: 2}, id="the other one is welded"),
        pytest.param(of_shared((0, 0), 390.0), {KINDS.RELAY_FAILURE: None}, id="one of both is welded"),
        pytest.param(of_two((100, 0), (0.0, 800.0)), {KINDS.CIRCUITS_SWAPPED: None}, id="swapped, one lit"),
        pytest.param(of_two((0, 100), (400.0, 0.0)), {KINDS.CIRCUITS_SWAPPED: None}, id="swapped, the other lit"),
        pytest.param(of_two((100, 100), (400.0, 800.0)), {KINDS.CIRCUITS_SWAPPED: None}, id="swapped, both lit"),
        pytest.param(of_two((100, 0), (0.0, 0.0)), {KINDS.RELAY_FAILURE: 1}, id="open, not swapped"),
        pytest.param(of_two((100, 0), (800.0, 400.0)), {KINDS.RELAY_FAILURE: 2}, id="welded, not swapped"),
        pytest.param(of_two((0, 0), (0.0, 0.0)), {}, id="both dark"),
    ],
)
def test_what_meters_say(case: Evidence, faults: dict[FaultKind, int | None]) -> None:
    assert found(case) == faults


def test_dark_lamps_are_told_with_their_uncertainty() -> None:
    finding = examine(of_circuit(100, 750.0)).found[0]
    assert finding.detail == {
        "watts": 750.0,
        "expected_watts": 800.0,
        "baseline": "commissioned",
        "dark_lamps": 2,
        "dark_lamps_least": 2,
        "dark_lamps_most": 3,
    }


def test_without_a_baseline_less_is_found_and_it_says_so() -> None:
    assert found(evidence(CIRCUIT, {1: 100}, {1: 775.0})) == {}
    finding = examine(evidence(CIRCUIT, {1: 100}, {1: 500.0})).found[0]
    assert finding.kind is FaultKind.LAMP_FAILURE
    assert finding.detail["baseline"] == "nominal"
    least, most = finding.detail["dark_lamps_least"], finding.detail["dark_lamps_most"]
    assert isinstance(least, int)
    assert isinstance(most, int)
    assert least <= 12 <= most
    assert most - least >= 6


def test_lamps_of_different_watts_are_counted_by_their_own() -> None:
    mixed = {CIRCUIT.outputs[0].key: (200.0, *(600 / 31,) * 31)}
    case = evidence(CIRCUIT, {1: 100}, {1: 600.0}, baselines=baselines(CIRCUIT, 800.0), lamps=mixed)
    detail = examine(case).found[0].detail
    assert detail["dark_lamps_least"] == 1  # the big one alone may be it
    alike = evidence(CIRCUIT, {1: 100}, {1: 600.0}, baselines=baselines(CIRCUIT, 800.0))
    assert examine(alike).found[0].detail["dark_lamps_least"] == 7


@pytest.mark.parametrize(
    ("since", "speed", "faults"),
    [(14 * SECOND, 1.0, set()), (15 * SECOND, 1.0, {FaultKind.LAMP_FAILURE}), (300 * SECOND, 60.0, set())],
)
def test_a_reading_just_after_a_change_proves_nothing(since: timedelta, speed: float, faults: set[FaultKind]) -> None:
    case = evidence(LAMP, {1: 100}, {1: 0.0}, since=since, speed=speed)  # the meter spoke 10 s ago
    assert set(found(case)) == faults
    assert not sound(case, FaultKind.LAMP_FAILURE, 1)


def test_while_an_output_fades_its_power_proves_nothing() -> None:
    key = LAMP.outputs[0].key
    fading = evidence(LAMP, {1: 100}, {1: 12.0}, since=5 * MINUTE, fading={key: 10 * MINUTE})
    assert found(fading) == {}
    assert not sound(fading, FaultKind.LAMP_POWER_TOO_LOW, 1)
    assert found(evidence(LAMP, {1: 100}, {1: 12.0}, since=5 * MINUTE, fading={key: MINUTE})) != {}


def test_an_output_of_which_nobody_heard_makes_its_meter_say_nothing() -> None:
    assert found(evidence(SHARED, {1: 100}, {1: 0.0})) == {}


def test_a_meter_that_came_with_no_report_for_long_says_nothing() -> None:
    case = evidence(LAMP, {1: 100}, {1: 0.0})
    late = {key: replace(state, at=NOW - 10 * MINUTE) for key, state in case.meters.items()}
    assert found(case) == {FaultKind.LAMP_FAILURE: 1}
    assert found(replace(case, meters=late)) == {}


@pytest.mark.parametrize(("volts", "lost"), [(0.0, True), (114.9, True), (115.1, False), (207.0, False), (None, False)])
def test_a_lost_supply_explains_dark_lamps(volts: float | None, lost: bool) -> None:
    case = evidence(CIRCUIT, {1: 100}, {1: 0.0}, volts=volts)
    assert found(case) == ({FaultKind.SUPPLY_LOSS: None} if lost else {FaultKind.RELAY_FAILURE: 1})
    assert sound(case, FaultKind.SUPPLY_LOSS, None) == (volts is not None and not lost)


def test_a_lost_phase_is_its_own_outputs_matter() -> None:
    case = of_two((100, 100), (0.0, 400.0))
    phase = {key: replace(state, volts=0.0 if key.n == 1 else 231.0) for key, state in case.meters.items()}
    assert found(replace(case, meters=phase)) == {FaultKind.SUPPLY_LOSS: 1}


@pytest.mark.parametrize("kind", [KINDS.SUPPLY_LOSS, KINDS.CIRCUIT_BREAKER_TRIPPED, KINDS.LOCAL_OVERRIDE])
@pytest.mark.parametrize("output", [None, 1])
def test_what_the_controller_told_explains_what_its_meters_say(kind: FaultKind, output: int | None) -> None:
    case = evidence(CIRCUIT, {1: 100}, {1: 0.0}, signals=[signal(CIRCUIT, kind, output)])
    assert found(case) == {kind: output}
    other = evidence(CIRCUIT, {1: 100}, {1: 0.0}, signals=[signal(LAMP, kind, output)])
    assert found(other) == {FaultKind.RELAY_FAILURE: 1}


def samples(*watts: float, nominal: float = 800.0, apart: timedelta = 4 * MINUTE) -> tuple[Sample, ...]:
    first = NOW - 10 * SECOND - apart * (len(watts) - 1)
    return tuple(Sample(first + apart * i, w, nominal) for i, w in enumerate(watts))


@pytest.mark.parametrize(
    ("seen", "cycling"),
    [
        (samples(800, 740, 800, 740, 800, 740, 800), True),
        (samples(800, 0, 800, 0, 800, 0, 800), True),
        (samples(800, 740, 800, 740, 800), False),
        (samples(800, 792, 800, 792, 800, 792, 800, 792, 800), False),
        (samples(800, 775, 750, 725, 700, 675, 650), False),
        (samples(650, 700, 750, 800), False),
        (samples(800, 740, 800, 740, 800, 740, 800, apart=30 * MINUTE), False),
        ((), False),
    ],
)
def test_power_that_goes_down_and_up_again_at_one_level_is_cycling(seen: tuple[Sample, ...], cycling: bool) -> None:
    case = evidence(CIRCUIT, {1: 100}, {1: 800.0}, baselines=baselines(CIRCUIT, 800.0), samples=seen)
    assert found(case) == ({FaultKind.CYCLING_FAILURE: 1} if cycling else {})


def test_switching_is_not_cycling() -> None:
    on_and_off = tuple(
        Sample(NOW - (14 - i) * 2 * MINUTE, 800.0 if i % 2 else 0.0, 800.0 if i % 2 else 0.0) for i in range(14)
    )
    assert found(evidence(CIRCUIT, {1: 100}, {1: 800.0}, samples=on_and_off)) == {}


def test_cycling_explains_the_lamp_that_is_out_just_now_and_is_over_an_hour_after() -> None:
    seen = samples(800, 740, 800, 740, 800, 740, 800, 740)
    now_out = evidence(CIRCUIT, {1: 100}, {1: 740.0}, baselines=baselines(CIRCUIT, 800.0), samples=seen)
    assert found(now_out) == {FaultKind.CYCLING_FAILURE: 1}
    old = tuple(Sample(sample.at - 61 * MINUTE, sample.watts, sample.nominal) for sample in seen)
    later = evidence(CIRCUIT, {1: 100}, {1: 740.0}, baselines=baselines(CIRCUIT, 800.0), samples=old)
    assert found(later) == {FaultKind.LAMP_FAILURE: 1}


# what is known to be right


@pytest.mark.parametrize(
    ("case", "kind", "output", "right"),
    [
        (of_lamp(100, 30.0), KINDS.LAMP_FAILURE, 1, True),
        (of_lamp(0, 0.0), KINDS.LAMP_FAILURE, 1, False),
        (of_lamp(0, 0.0), KINDS.LAMP_UNEXPECTED_ON, 1, True),
        (of_lamp(100, 30.0), KINDS.LAMP_UNEXPECTED_ON, 1, False),
        (of_lamp(100, 30.0), KINDS.LAMP_POWER_TOO_LOW, 1, True),
        (of_lamp(100, 30.0), KINDS.LAMP_POWER_TOO_HIGH, 1, True),
        (of_circuit(100, 800.0), KINDS.LAMP_FAILURE, 1, True),
        (of_circuit(100, 780.0), KINDS.LAMP_FAILURE, 1, False),
        (of_circuit(100, 800.0), KINDS.RELAY_FAILURE, 1, False),
        (of_circuit(0, 0.0), KINDS.RELAY_FAILURE, 1, False),
        (of_shared((100, 100), 1200.0), KINDS.LAMP_FAILURE, None, True),
        (of_shared((100, 100), 1200.0), KINDS.LAMP_FAILURE, 2, True),
        (of_shared((100, 0), 800.0), KINDS.LAMP_FAILURE, None, False),
        (of_shared((100, 0), 800.0), KINDS.LAMP_FAILURE, 2, False),
        (of_two((100, 0), (800.0, 0.0)), KINDS.CIRCUITS_SWAPPED, None, True),
        (of_two((100, 100), (800.0, 400.0)), KINDS.CIRCUITS_SWAPPED, None, True),
        (of_two((0, 0), (0.0, 0.0)), KINDS.CIRCUITS_SWAPPED, None, False),
    ],
)
def test_only_what_was_seen_to_be_right_is_called_so(
    case: Evidence, kind: FaultKind, output: int | None, right: bool
) -> None:
    assert sound(case, kind, output) == right


@pytest.mark.parametrize(
    ("level", "watts", "before", "right"),
    [
        (100, 800.0, Sample(NOW - MINUTE, 0.0, 0.0), True),
        (100, 800.0, Sample(NOW - MINUTE, 800.0, 0.0), False),
        (0, 0.0, Sample(NOW - MINUTE, 800.0, 800.0), True),
        (0, 0.0, Sample(NOW - MINUTE, 0.0, 800.0), False),
    ],
)
def test_a_relay_is_right_only_when_it_was_seen_to_do_both(
    level: int, watts: float, before: Sample, right: bool
) -> None:
    here = Sample(NOW - 10 * SECOND, watts, 8.0 * level)
    case = evidence(CIRCUIT, {1: level}, {1: watts}, samples=(before, here), baselines=baselines(CIRCUIT, 800.0))
    assert sound(case, FaultKind.RELAY_FAILURE, 1) == right


@given(
    lamps=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    watts=st.sampled_from([10.0, 25.0, 40.0, 70.0]),
    data=st.data(),
    shared=st.booleans(),
    commissioned=st.booleans(),
    volts=st.floats(200, 253),
)
def test_nothing_is_ever_found_at_sound_circuits(
    lamps: list[int], watts: float, data: st.DataObject, shared: bool, commissioned: bool, volts: float
) -> None:
    """Lamps within 2 % of their watts, meters within 1 %, half a percent by voltage, any level."""
    every = tuple(range(1, len(lamps) + 1))
    owner = controller(*((count, watts) for count in lamps), meters=(every,) if shared else tuple((n,) for n in every))
    true = {n: count * watts * (1 + data.draw(st.floats(-0.02, 0.02))) for n, count in enumerate(lamps, 1)}
    levels = {n: data.draw(st.sampled_from([0, 0, 100, 100, 50, 10])) for n in every}
    error = st.floats(-0.01, 0.01)
    read = {
        meter.key.n: sum(true[n] * LAW[levels[n]] * (1 + data.draw(st.floats(-0.005, 0.005))) for n in meter.outputs)
        * (1 + data.draw(error))
        for meter in owner.meters
    }
    known = baselines(owner, *(true[n] * (1 + data.draw(error)) for n in every)) if commissioned else {}
    case = evidence(owner, levels, read, baselines=known, volts=volts, asked={o.key: 0 for o in owner.outputs})
    assert found(case) == {}
