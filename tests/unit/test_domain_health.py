"""What a controller says, and does not say: silence, feeder, order, clock, and what it told of itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.domain.health import BOOTS_WITHIN, RESTS, examine
from service.domain.health_evidence import Evidence, Feeder
from service.domain.inventory import Output
from service.domain.lights import CONFIRM_WITHIN
from service.domain.reports import ControllerState, OutputState
from service.domain.words import Availability, Cause, FaultKind
from tests.unit.health_cases import (
    HOUR,
    MINUTE,
    NOW,
    ONLINE,
    SECOND,
    controller,
    evidence,
    found,
    luminaire,
    signal,
    sound,
)

KINDS = FaultKind
LAMP = luminaire()
CIRCUIT = controller((32, 25.0))
TWO = controller((32, 25.0), (10, 40.0))
ON, OFF, UNKNOWN = Availability.ONLINE, Availability.OFFLINE, Availability.UNKNOWN


def lamp(watts: float = 30.0, **more: Any) -> Evidence:
    return evidence(LAMP, {1: 100}, {1: watts}, **more)


def feeder(level: int | None, availability: Availability = ON, since: timedelta = HOUR) -> Feeder:
    state = None if level is None else OutputState(level, Cause.SCHEDULE, NOW - since, NOW)
    return Feeder(availability, state)


# silence


@pytest.mark.parametrize("silence", [OFF, UNKNOWN])
def test_of_a_silent_controller_only_its_silence_is_told(silence: Availability) -> None:
    silent = lamp(0.0, availability=silence, ordered_n=9, asked={LAMP.outputs[0].key: 100})
    assert found(silent) == {KINDS.COMMUNICATION_FAILURE: None}
    assert examine(silent).sound == frozenset()
    assert examine(silent).found[0].detail == {
        "availability": silence.value,
        "heard_at": ONLINE.heard_at.isoformat() if ONLINE.heard_at else None,
    }


def test_one_that_never_spoke_is_silent_too() -> None:
    never = lamp(availability=UNKNOWN, state=ControllerState())
    assert found(never) == {KINDS.COMMUNICATION_FAILURE: None}
    assert examine(never).found[0].detail["heard_at"] is None


def test_what_a_silent_controller_told_stands() -> None:
    silent = evidence(CIRCUIT, {1: 100}, {1: 0.0}, availability=OFF, signals=[signal(CIRCUIT, KINDS.CABINET_DOOR_OPEN)])
    assert found(silent) == {KINDS.COMMUNICATION_FAILURE: None, KINDS.CABINET_DOOR_OPEN: None}


def test_one_that_answers_communicates() -> None:
    assert sound(lamp(), KINDS.COMMUNICATION_FAILURE, None)


# behind a feeder


@pytest.mark.parametrize(
    ("behind", "here", "kinds"),
    [
        pytest.param(feeder(0), OFF, set(), id="off by day"),
        pytest.param(feeder(0), ON, set(), id="off, and its last word is not old enough"),
        pytest.param(feeder(100, since=BOOTS_WITHIN - SECOND), UNKNOWN, set(), id="just switched on"),
        pytest.param(feeder(100, since=BOOTS_WITHIN - SECOND), ON, set(), id="just switched on, and it answers"),
        pytest.param(feeder(100, since=BOOTS_WITHIN), UNKNOWN, {KINDS.COMMUNICATION_FAILURE}, id="should have booted"),
        pytest.param(feeder(100), OFF, {KINDS.COMMUNICATION_FAILURE}, id="has power and is silent"),
        pytest.param(feeder(100), ON, {KINDS.LAMP_FAILURE}, id="has power and answers"),
        pytest.param(feeder(100, OFF), OFF, set(), id="the feeder is silent"),
        pytest.param(feeder(100, UNKNOWN), UNKNOWN, set(), id="nobody knows of the feeder"),
        pytest.param(feeder(None), UNKNOWN, set(), id="the feeder never told its level"),
        pytest.param(feeder(0, UNKNOWN), ON, {KINDS.LAMP_FAILURE}, id="the feeder is silent, and this one answers"),
        pytest.param(None, OFF, {KINDS.COMMUNICATION_FAILURE}, id="no feeder"),
    ],
)
def test_behind_a_feeder(behind: Feeder | None, here: Availability, kinds: set[FaultKind]) -> None:
    case = lamp(0.0, feeder=behind, availability=here)
    assert set(found(case)) == kinds
    if not kinds:
        assert not examine(case).sound


def test_booting_takes_real_time() -> None:
    demo = lamp(feeder=feeder(100, since=60 * BOOTS_WITHIN - SECOND), availability=OFF, speed=60.0)
    assert found(demo) == {}
    assert found(replace(demo, speed=1.0)) == {KINDS.COMMUNICATION_FAILURE: None}


def test_a_village_behind_a_circuit_is_not_dead_in_the_morning() -> None:
    """From the report of the feeder that went off to its wills, to the evening's first words."""
    for minute, here, level, since in [
        (0, ON, 0, 0 * SECOND),
        (1, OFF, 0, MINUTE),
        (600, OFF, 0, 600 * MINUTE),
        (601, OFF, 100, 5 * SECOND),
        (602, UNKNOWN, 100, MINUTE),
    ]:
        case = lamp(0.0, feeder=feeder(level, since=since), availability=here)
        assert found(case) == {}, f"minute {minute}"


# the order


@pytest.mark.parametrize(
    ("ordered_n", "ago", "speed", "kinds"),
    [
        (3, HOUR, 1.0, {}),
        (4, CONFIRM_WITHIN, 1.0, {}),
        (4, CONFIRM_WITHIN + SECOND, 1.0, {KINDS.ORDER_NOT_CONFIRMED: None}),
        (4, 30 * CONFIRM_WITHIN, 60.0, {}),
        (4, None, 1.0, {KINDS.ORDER_NOT_CONFIRMED: None}),
        (2, HOUR, 1.0, {}),
    ],
)
def test_an_order_is_confirmed_in_time(
    ordered_n: int, ago: timedelta | None, speed: float, kinds: dict[FaultKind, int | None]
) -> None:
    state = replace(ONLINE, desired_n=3)
    at = None if ago is None else NOW - ago
    case = lamp(state=state, ordered_n=ordered_n, ordered_at=at, speed=speed)
    assert found(case) == kinds
    assert sound(case, KINDS.ORDER_NOT_CONFIRMED, None) == (ordered_n <= 3)


KEY = CIRCUIT.outputs[0].key


def dark(asked: int | None, since: timedelta = HOUR, **more: Any) -> Evidence:
    levels = {} if asked is None else {KEY: asked}
    return evidence(CIRCUIT, {1: 0}, {1: 0.0}, since=since, asked=levels, **{"ordered_at": NOW - HOUR, **more})


@pytest.mark.parametrize(
    ("case", "kinds"),
    [
        pytest.param(dark(0), {}, id="dark as asked"),
        pytest.param(dark(100), {KINDS.ORDER_NOT_CONFIRMED: 1}, id="dark though asked for light"),
        pytest.param(dark(1), {KINDS.ORDER_NOT_CONFIRMED: 1}, id="a relay gives 100 for any light"),
        pytest.param(dark(100, RESTS - SECOND), {}, id="its relay or its lamps may be resting"),
        pytest.param(dark(None), {}, id="nobody knows what is asked"),
        pytest.param(dark(100, ordered_at=NOW - SECOND), {}, id="asked a second ago"),
        pytest.param(
            dark(100, ordered_n=1), {KINDS.ORDER_NOT_CONFIRMED: None}, id="not acknowledged: told of the controller"
        ),
        pytest.param(
            dark(100, signals=[signal(CIRCUIT, KINDS.LOCAL_OVERRIDE)]), {KINDS.LOCAL_OVERRIDE: None}, id="by hand"
        ),
        pytest.param(dark(100, locked=frozenset({KEY})), {}, id="locked, and dark"),
    ],
)
def test_an_output_gives_what_is_asked(case: Evidence, kinds: dict[FaultKind, int | None]) -> None:
    assert found(case) == kinds


def test_light_where_somebody_works_is_told() -> None:
    lit = evidence(CIRCUIT, {1: 100}, {1: 800.0}, asked={KEY: 100}, locked=frozenset({KEY}), ordered_at=NOW - HOUR)
    assert found(lit) == {KINDS.ORDER_NOT_CONFIRMED: 1}
    assert examine(lit).found[0].detail == {"asked_level": 0, "level": 100}


def test_a_brighter_output_is_fine() -> None:
    lit = evidence(CIRCUIT, {1: 100}, {1: 800.0}, asked={KEY: 0})
    assert found(lit) == {}
    assert sound(lit, KINDS.ORDER_NOT_CONFIRMED, 1)


# its clock, and what it told


@pytest.mark.parametrize(("valid", "kinds"), [(True, {}), (False, {KINDS.CLOCK_NOT_VALID: None}), (None, {})])
def test_a_clock_that_is_not_valid(valid: bool | None, kinds: dict[FaultKind, int | None]) -> None:
    case = lamp(state=replace(ONLINE, clock_valid=valid))
    assert found(case) == kinds
    assert sound(case, KINDS.CLOCK_NOT_VALID, None) == (valid is True)


@pytest.mark.parametrize(
    "kind",
    [
        KINDS.CABINET_DOOR_OPEN,
        KINDS.LOCAL_OVERRIDE,
        KINDS.CIRCUIT_BREAKER_TRIPPED,
        KINDS.LAMP_FAILURE,
        KINDS.RELAY_FAILURE,
        KINDS.SUPPLY_LOSS,
    ],
)
@pytest.mark.parametrize("output", [None, 2])
def test_what_a_controller_tells_is_found_until_it_takes_it_back(kind: FaultKind, output: int | None) -> None:
    unmetered = replace(TWO, meters=())
    told = evidence(unmetered, {1: 100, 2: 100}, {}, signals=[signal(TWO, kind, output)])
    assert found(told) == {kind: output}
    assert not sound(told, kind, output)
    assert sound(evidence(unmetered, {1: 100, 2: 100}, {}), kind, output)


def test_what_a_meter_can_judge_is_not_right_because_nothing_was_told() -> None:
    dark_circuit = evidence(CIRCUIT, {1: 0}, {1: 0.0}, volts=None)
    for kind in (KINDS.LAMP_FAILURE, KINDS.RELAY_FAILURE, KINDS.SUPPLY_LOSS):
        assert not sound(dark_circuit, kind, 1)


def test_a_told_and_measured_fault_is_one() -> None:
    both = lamp(0.0, signals=[signal(LAMP, KINDS.LAMP_FAILURE)])
    assert [(f.subject.output, f.kind) for f in examine(both).found] == [(1, KINDS.LAMP_FAILURE)]
    assert "expected_watts" in examine(both).found[0].detail


def test_of_two_causes_at_one_output_the_deeper_is_told() -> None:
    case = evidence(CIRCUIT, {1: 100}, {1: 100.0}, signals=[signal(CIRCUIT, KINDS.RELAY_FAILURE, 1)])
    assert found(case) == {KINDS.RELAY_FAILURE: 1}


def test_what_another_controller_told_does_not_count() -> None:
    assert found(lamp(signals=[signal(CIRCUIT, KINDS.CABINET_DOOR_OPEN)])) == {}


def test_nothing_is_found_and_right_at_once() -> None:
    cases = [
        lamp(0.0),
        lamp(45.0),
        dark(100),
        evidence(TWO, {1: 100, 2: 0}, {1: 0.0, 2: 800.0}),
        lamp(signals=[signal(LAMP, kind) for kind in KINDS]),
    ]
    for case in cases:
        health = examine(case)
        assert health.found
        assert not health.sound & {(finding.subject, finding.kind) for finding in health.found}


def test_an_output_without_lamps_is_never_at_fault() -> None:
    spare: Output = replace(CIRCUIT.outputs[0], lamps=0, watts=0.0)
    for level in (0, 100):
        assert found(evidence(replace(CIRCUIT, outputs=(spare,)), {1: level}, {1: 3.0})) == {}
