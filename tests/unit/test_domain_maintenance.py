"""Locks hold what they name; a commissioning test tells which meter follows which output, and by how much."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.inventory import Controller, ControllerKey, Meter, MeterKey
from service.domain.maintenance import Commissioned, Lock, OutputTest, Reading, lock_on, locked_until
from service.domain.maintenance_verdict import OutputVerdict, TestOutcome, stages, verdict
from tests.unit.health_cases import controller, luminaire
from tests.unit.villages import utc

AT = utc("2026-11-20T10:00")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
SHARED = controller((32, 25.0), (10, 40.0), meters=((1, 2),))
APART = controller((32, 25.0), (10, 40.0))
OK, SILENT, WRONG, SEVERAL = TestOutcome.OK, TestOutcome.METER_SILENT, TestOutcome.WRONG_METER, TestOutcome.SEVERAL
FAR, NONE = TestOutcome.POWER_FAR_OFF, TestOutcome.NO_READING

# stages


def test_each_output_has_its_stage_after_a_pause() -> None:
    first, second = stages(APART, AT, 20, 5)
    assert (first.output, first.start, first.until) == (1, AT + 5 * SECOND, AT + 25 * SECOND)
    assert (second.output, second.start, second.until) == (2, AT + 30 * SECOND, AT + 50 * SECOND)
    shuffled = replace(APART, outputs=APART.outputs[::-1])
    assert stages(shuffled, AT, 20, 5) == (first, second)


@pytest.mark.parametrize(
    ("seconds", "gap", "words"),
    [
        (4, 5, "seconds: 4 is not between 5 and 300"),
        (301, 5, "seconds: 301"),
        (20, 1, "gap: 1 is not between 2 and 300"),
        (20, 301, "gap: 301"),
    ],
)
def test_stages_refuse_what_meters_cannot_follow(seconds: int, gap: int, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        stages(APART, AT, seconds, gap)


def test_there_is_nothing_to_test_without_outputs() -> None:
    with pytest.raises(ValueError, match="import its outputs first"):
        stages(controller(), AT, 20, 5)


# the verdict


def run(owner: Controller, follows: dict[int, dict[int, float]], before: dict[int, float] | None = None) -> OutputTest:
    """A test in which meter m rises by `follows[output][m]` W while the output is lit, from what it read `before`.

    As the store keeps them: a reading for each change of power, and for each change of an output that the meter covers.
    """
    base = {meter.key.n: 0.0 for meter in owner.meters} | (before or {})
    made = stages(owner, AT, 20, 5)
    readings = [Reading(AT - MINUTE, n, watts) for n, watts in base.items()]
    covers = {meter.key.n: meter.outputs for meter in owner.meters}
    for stage in made:
        rises = follows.get(stage.output)
        if rises is None:
            continue
        for n, watts in base.items():
            if rises.get(n) or stage.output in covers[n]:
                readings.append(Reading(stage.start + SECOND, n, watts + rises.get(n, 0.0)))
                readings.append(Reading(stage.until + SECOND, n, watts))
    return OutputTest("t1", owner.key, "the electrician", AT, made, tuple(readings))


def outcomes(test: OutputTest, owner: Controller, lit: tuple[int, ...] = ()) -> list[TestOutcome]:
    return [one.outcome for one in verdict(test, owner, lit)]


@pytest.mark.parametrize(
    ("owner", "follows", "said"),
    [
        pytest.param(APART, {1: {1: 800.0}, 2: {2: 400.0}}, [OK, OK], id="each its own"),
        pytest.param(APART, {1: {1: 640.0}, 2: {2: 480.0}}, [OK, OK], id="within a quarter"),
        pytest.param(APART, {1: {2: 800.0}, 2: {1: 400.0}}, [WRONG, WRONG], id="swapped"),
        pytest.param(APART, {1: {1: 800.0, 2: 400.0}, 2: {2: 400.0}}, [SEVERAL, OK], id="both circuits on one relay"),
        pytest.param(APART, {1: {}, 2: {2: 400.0}}, [SILENT, OK], id="no light on the first"),
        pytest.param(APART, {1: {1: 590.0}, 2: {2: 510.0}}, [FAR, FAR], id="other lamps than in the list"),
        pytest.param(APART, {1: {1: 150.0}, 2: {2: 400.0}}, [SILENT, OK], id="too little to follow"),
        pytest.param(APART, {2: {2: 400.0}}, [NONE, OK], id="the first was not reached"),
        pytest.param(APART, {}, [NONE, NONE], id="nothing was reached"),
        pytest.param(SHARED, {1: {1: 800.0}, 2: {1: 400.0}}, [OK, OK], id="one meter for both"),
        pytest.param(SHARED, {1: {1: 800.0}, 2: {1: 800.0}}, [OK, FAR], id="one meter, the other circuit's lamps"),
    ],
)
def test_what_a_test_says(owner: Controller, follows: dict[int, dict[int, float]], said: list[TestOutcome]) -> None:
    test = run(owner, follows)
    assert outcomes(test, owner) == said
    for one in verdict(test, owner):
        assert (one.commissioned is not None) == (one.outcome is OK)


def test_the_verdict_says_what_followed_and_what_to_keep() -> None:
    test = run(APART, {1: {1: 812.34}, 2: {1: 400.0}})
    first, second = verdict(test, APART)
    kept = Commissioned(APART.outputs[0].key, 812.3, test.until, "the electrician")
    assert first == OutputVerdict(1, OK, 812.3, 800.0, (1,), kept)
    assert second == OutputVerdict(2, WRONG, 0.0, 400.0, (1,), None)


def test_beside_lit_outputs_the_rise_counts() -> None:
    test = run(SHARED, {1: {1: 800.0}, 2: {1: 400.0}}, before={1: 5000.0})
    assert [one.watts for one in verdict(test, SHARED)] == [800.0, 400.0]
    assert outcomes(test, SHARED) == [OK, OK]


def test_of_an_output_that_was_lit_already_nothing_is_told() -> None:
    test = run(APART, {1: {1: 800.0}, 2: {2: 400.0}})
    assert outcomes(test, APART, (1,)) == [TestOutcome.ALREADY_LIT, OK]
    assert verdict(test, APART, (1,))[0].commissioned is None


def test_a_reading_from_the_stage_before_is_no_beginning() -> None:
    test = run(SHARED, {1: {1: 800.0}, 2: {1: 400.0}})
    lost = tuple(r for r in test.readings if r.at != test.stages[0].until + SECOND)  # the report of its end
    assert outcomes(replace(test, readings=lost), SHARED) == [OK, NONE]


def test_a_slow_meter_is_read_at_the_end_of_its_stage() -> None:
    test = run(APART, {1: {1: 800.0}, 2: {2: 400.0}})
    slow = (Reading(test.stages[0].start, 1, 30.0), Reading(test.stages[0].start + SECOND / 2, 1, 400.0))
    assert outcomes(replace(test, readings=(*slow, *test.readings)), APART) == [OK, OK]


@pytest.mark.parametrize("milliseconds", [-990, -6, 0, 6, 990])
def test_a_clock_that_is_a_little_off_changes_no_verdict(milliseconds: int) -> None:
    test = run(APART, {1: {1: 800.0}, 2: {2: 400.0}})
    off = timedelta(milliseconds=milliseconds) - SECOND  # readings of `run` come a second after each switch
    readings = [replace(reading, at=reading.at + off) for reading in test.readings]
    assert outcomes(replace(test, readings=tuple(readings)), APART) == [OK, OK]


def test_without_a_reading_from_before_nothing_is_told() -> None:
    test = run(APART, {1: {1: 800.0}, 2: {2: 400.0}})
    late = tuple(r for r in test.readings if r.at >= AT)
    assert outcomes(replace(test, readings=late), APART) == [NONE, NONE]


def test_a_test_that_was_broken_off_tells_of_what_it_lit() -> None:
    test = run(APART, {1: {1: 800.0}, 2: {2: 400.0}})
    ended = replace(test, ended_at=test.stages[1].start)
    assert outcomes(ended, APART) == [OK, NONE]


def test_an_output_that_is_gone_since_is_left_out() -> None:
    test = run(APART, {1: {1: 800.0}, 2: {2: 400.0}})
    less = replace(APART, outputs=APART.outputs[:1])
    assert [one.output for one in verdict(test, less)] == [1]


def test_an_output_without_a_meter_has_no_reading() -> None:
    unmetered = replace(APART, meters=())
    assert outcomes(run(unmetered, {1: {}, 2: {}}), unmetered) == [NONE, NONE]


def test_a_meter_of_all_beside_one_of_each_is_no_stranger() -> None:
    whole = Meter(MeterKey(*APART.key, 3), (1, 2))
    both = replace(APART, meters=(*APART.meters, whole))
    assert outcomes(run(both, {1: {1: 800.0, 3: 801.0}, 2: {2: 400.0, 3: 399.0}}), both) == [OK, OK]


def test_a_baseline_is_what_level_100_would_draw() -> None:
    lamp = luminaire(30.0)
    capped = replace(lamp, outputs=(replace(lamp.outputs[0], max_level=50),))
    (said,) = verdict(run(capped, {1: {1: 16.2}}), capped)
    assert said.outcome is OK
    assert said.commissioned is not None
    assert said.commissioned.watts == 30.0


@given(
    watts=st.lists(st.floats(10, 2000), min_size=1, max_size=8),
    data=st.data(),
    shared=st.booleans(),
    beside=st.floats(0, 5000),
)
def test_a_rightly_wired_cabinet_always_passes(
    watts: list[float], data: st.DataObject, shared: bool, beside: float
) -> None:
    numbers = tuple(range(1, len(watts) + 1))
    owner = controller(*((1, w) for w in watts), meters=(numbers,) if shared else None)
    drawn = {n: w * data.draw(st.floats(0.8, 1.2)) for n, w in zip(numbers, watts, strict=True)}
    test = run(owner, {n: {1 if shared else n: drawn[n]} for n in numbers}, {1: beside})
    for one in verdict(test, owner):
        assert one.outcome is OK
        assert one.commissioned is not None
        assert one.commissioned.watts == pytest.approx(drawn[one.output], abs=0.06)


# locks


def lock(**fields: object) -> Lock:
    wanted: dict[str, object] = {"zone": None, "controller": None, "output": None, **fields}
    return Lock("l1", "dorf", reason="lamp", by="the electrician", start=AT, until=AT + 60 * MINUTE, **wanted)  # type: ignore[arg-type] # fields by name


@pytest.mark.parametrize(
    ("fields", "held"),
    [
        ({"zone": "strasse"}, [True, True]),
        ({"zone": "platz"}, [False, False]),
        ({"controller": "cabinet-1"}, [True, True]),
        ({"controller": "cabinet-1", "output": 2}, [False, True]),
        ({"controller": "cabinet-2"}, [False, False]),
    ],
)
def test_a_lock_holds_what_it_names(fields: dict[str, object], held: list[bool]) -> None:
    locks = [lock(**fields)]
    assert [lock_on(output, locks, AT) is not None for output in APART.outputs] == held
    elsewhere = replace(locks[0], municipality="stadt")
    assert [lock_on(output, [elsewhere], AT) for output in APART.outputs] == [None, None]


def test_a_lock_holds_from_its_start_to_its_end_or_until_it_is_given_back() -> None:
    (output, _), one = APART.outputs, lock(controller="cabinet-1")
    moments = [AT - SECOND, AT, AT + 60 * MINUTE - SECOND, AT + 60 * MINUTE]
    assert [lock_on(output, [one], at) is not None for at in moments] == [False, True, True, False]
    back = replace(one, ended_at=AT + MINUTE, ended_by="the electrician")
    assert lock_on(output, [back], AT + MINUTE) is None
    assert replace(one, ended_at=AT + 90 * MINUTE).ends == AT + 60 * MINUTE


def test_of_several_locks_the_one_that_ends_last_holds() -> None:
    short, long = lock(controller="cabinet-1"), replace(lock(zone="strasse"), id="l2", until=AT + 90 * MINUTE)
    assert lock_on(APART.outputs[0], [long, short], AT) == long
    assert locked_until([long, short], APART.outputs, AT) == AT + 90 * MINUTE
    only_second = lock(controller="cabinet-1", output=2)
    assert locked_until([only_second], APART.outputs, AT) is None
    assert locked_until([only_second], (), AT) is None


def test_a_test_ends_when_its_last_stage_does() -> None:
    test = run(APART, {})
    assert test.until == AT + 50 * SECOND
    assert replace(test, ended_at=AT + 7 * SECOND).until == AT + 7 * SECOND
    assert replace(test, ended_at=AT + 9 * MINUTE).until == AT + 50 * SECOND
    assert test.controller == ControllerKey("dorf", "cabinet-1")
