"""Nothing hoped is shown as fact: a zone's light, its lamps and a lease's progress come from reports alone."""

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.curve import Curve
from service.domain.inventory import Output, OutputKey
from service.domain.leases import Progress
from service.domain.lights import (
    CONFIRM_WITHIN,
    FRESH_FOR,
    Watched,
    availability,
    confirmed,
    light_of,
    progressed,
    until_of,
)
from service.domain.orders import OrderStep
from service.domain.reports import ControllerState, MeterState, OutputState
from service.domain.words import Availability, Basis, Cause, LeaseState, LightState
from tests.unit.villages import ALL_NIGHT, DARK_AFTER_ELEVEN, DIMMED_THEN_DARK, NEVER_LIT, glasau, luetjenholm, utc

NOW = utc("2026-11-20T00:00")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
LAMP = Output(OutputKey("glasau", "lamp-01", 1), "dorfstrasse", min_level=10, watts=30.0)
CIRCUIT = luetjenholm().controllers[0].outputs[0]
PLACE = glasau().municipality.place

NEVER_HEARD = ControllerState()
ONLINE = ControllerState(online=True, heard_at=NOW - 10 * SECOND, desired_n=3)
OFFLINE = ControllerState(online=False, heard_at=NOW - 10 * SECOND, desired_n=3)
STALE = ControllerState(online=True, heard_at=NOW - FRESH_FOR - SECOND, desired_n=3)
SILENT = ControllerState(online=None, heard_at=NOW - 10 * SECOND, desired_n=3)


def seen(
    controller: ControllerState,
    level: int | None,
    *,
    cause: Cause = Cause.SCHEDULE,
    output: Output = LAMP,
    meter: MeterState | None = None,
    confirmed_at: datetime = NOW - 10 * SECOND,
) -> Watched:
    """An output whose last report, if any, gave `level`."""
    state = None if level is None else OutputState(level, cause, confirmed_at - MINUTE, confirmed_at)
    return Watched(output, controller, state, meter, order=(), desired_n=3)


def state_of(*watched: Watched) -> LightState:
    return light_of(watched, None, NOW, 1).state


# availability


def test_a_controller_is_unknown_until_a_message_or_its_will_says_otherwise() -> None:
    assert availability(NEVER_HEARD, NOW, 1) is Availability.UNKNOWN
    assert availability(ONLINE, NOW, 1) is Availability.ONLINE
    assert availability(OFFLINE, NOW, 1) is Availability.OFFLINE
    assert availability(SILENT, NOW, 1) is Availability.UNKNOWN
    assert availability(ControllerState(online=True), NOW, 1) is Availability.UNKNOWN  # born, but no report yet


def test_an_old_report_makes_a_controller_unknown_but_never_offline() -> None:
    heard = ControllerState(online=True, heard_at=NOW)
    assert availability(heard, NOW + FRESH_FOR, 1) is Availability.ONLINE
    assert availability(heard, NOW + FRESH_FOR + SECOND, 1) is Availability.UNKNOWN
    assert availability(heard, NOW + 60 * FRESH_FOR, 60) is Availability.ONLINE  # a demo's hour in a minute
    assert availability(OFFLINE, NOW + FRESH_FOR + MINUTE, 1) is Availability.OFFLINE


# a zone's light


@pytest.mark.parametrize("controller", [NEVER_HEARD, STALE, SILENT, OFFLINE], ids=["never", "stale", "gone", "off"])
@pytest.mark.parametrize("level", [0, 100, None])
def test_what_no_live_report_confirms_is_neither_lit_nor_dark(controller: ControllerState, level: int | None) -> None:
    light = light_of([seen(controller, level)], NOW + MINUTE, NOW, 1)
    assert light.state is LightState.UNKNOWN
    assert (light.level, light.cause, light.until, light.lamps_lit) == (level, None, None, None)  # what was last heard
    assert light.lamps_unknown == light.lamps_total == 1


def test_an_unknown_light_says_what_was_heard_last_and_when() -> None:
    before = NOW - timedelta(hours=1)
    old = [seen(STALE, 0, confirmed_at=before - MINUTE), seen(STALE, 100, confirmed_at=before), seen(NEVER_HEARD, None)]
    light = light_of(old, None, NOW, 1)
    assert (light.level, light.confirmed_at) == (100, before)
    assert light_of([seen(NEVER_HEARD, None)], None, NOW, 1).confirmed_at is None


def test_a_zone_is_lit_or_dark_when_every_output_says_so() -> None:
    assert state_of(seen(ONLINE, 100), seen(ONLINE, 50)) is LightState.LIT
    assert state_of(seen(ONLINE, 0), seen(ONLINE, 0)) is LightState.DARK
    assert state_of(seen(ONLINE, 100), seen(ONLINE, 0)) is LightState.PARTLY


@pytest.mark.parametrize("missing", [NEVER_HEARD, STALE, SILENT], ids=["never", "stale", "gone"])
def test_an_unknown_output_counts_as_missing(missing: ControllerState) -> None:
    assert state_of(seen(ONLINE, 100), seen(missing, 100)) is LightState.PARTLY
    assert state_of(seen(ONLINE, 0), seen(missing, 0)) is LightState.UNKNOWN
    assert state_of(seen(ONLINE, 100), seen(ONLINE, None)) is LightState.PARTLY  # online, but silent on this one
    assert state_of(seen(ONLINE, 0), seen(ONLINE, None)) is LightState.UNKNOWN


def test_a_known_offline_output_hides_no_darkness_and_vouches_for_no_light() -> None:
    assert state_of(seen(ONLINE, 100), seen(OFFLINE, 100)) is LightState.PARTLY
    assert state_of(seen(ONLINE, 0), seen(OFFLINE, 100)) is LightState.DARK
    light = light_of([seen(ONLINE, 100), seen(OFFLINE, 100)], None, NOW, 1)
    assert (light.lamps_lit, light.lamps_unknown, light.lamps_total) == (1, 1, 2)


def test_a_zone_without_outputs_is_unknown() -> None:
    assert state_of() is LightState.UNKNOWN


ANY_CONTROLLER = st.sampled_from([NEVER_HEARD, ONLINE, OFFLINE, STALE, SILENT])
ANY_OUTPUT = st.builds(
    seen, ANY_CONTROLLER, st.sampled_from([None, 0, 50, 100]), output=st.sampled_from([LAMP, CIRCUIT])
)


@given(st.lists(ANY_OUTPUT, max_size=6))
def test_lit_and_dark_are_said_only_where_live_reports_say_so(watched: list[Watched]) -> None:
    light = light_of(watched, NOW + MINUTE, NOW, 1)
    levels = [w.state.level for w in watched if w.controller is ONLINE and w.state is not None]
    others = [w for w in watched if w.controller is not OFFLINE]
    missing = any(w.controller is not ONLINE or w.state is None for w in others)
    assert (light.state is LightState.LIT) == (bool(levels) and all(levels) and len(levels) == len(watched))
    assert (light.state is LightState.DARK) == (bool(levels) and not any(levels) and not missing)
    assert (light.state is LightState.PARTLY) == (any(levels) and (len(levels) < len(watched) or not all(levels)))
    assert (light.until is not None) == any(levels)
    if light.state is not LightState.UNKNOWN:
        assert light.level == max(levels)
    assert light.lamps_total == sum(w.output.lamps for w in watched)
    assert (light.lamps_lit or 0) + light.lamps_unknown <= light.lamps_total
    assert light.lamps_lit is None or light.state is not LightState.UNKNOWN


def test_the_brightest_output_names_level_and_cause_and_rank_decides_among_equals() -> None:
    levels = [(50, Cause.RESCUE), (100, Cause.SCHEDULE), (100, Cause.PRESS), (100, Cause.LOCAL)]
    for order in itertools.permutations(levels):
        light = light_of([seen(ONLINE, level, cause=cause) for level, cause in order], None, NOW, 1)
        assert (light.level, light.cause) == (100, Cause.PRESS)


def test_a_confirmed_light_is_as_old_as_its_oldest_report() -> None:
    older = NOW - 100 * SECOND
    watched = [seen(ONLINE, 100, confirmed_at=older), seen(ONLINE, 100), seen(OFFLINE, 100, confirmed_at=NOW - MINUTE)]
    assert light_of(watched, None, NOW, 1).confirmed_at == older


# lamps


def test_luminaires_are_counted_by_their_own_reports() -> None:
    light = light_of([seen(ONLINE, 100), seen(ONLINE, 0), seen(ONLINE, 30)], None, NOW, 1)
    assert (light.lamps_lit, light.lamps_total, light.basis) == (2, 3, Basis.REPORT)


@pytest.mark.parametrize(
    ("level", "watts", "lamps"), [(100, 800.0, 32), (100, 750.0, 30), (50, 400.0, 32), (100, 0.0, 0), (100, 900.0, 32)]
)
def test_a_circuit_s_lamps_are_estimated_by_its_meter(level: int, watts: float, lamps: int) -> None:
    meter = MeterState(0, watts, NOW)
    light = light_of([seen(ONLINE, level, output=CIRCUIT, meter=meter)], None, NOW, 1)
    assert (light.lamps_lit, light.lamps_total, light.basis) == (lamps, 32, Basis.METER)


def test_a_lit_circuit_without_a_meter_of_its_own_has_no_number_of_lamps() -> None:
    light = light_of([seen(ONLINE, 100, output=CIRCUIT)], None, NOW, 1)
    assert (light.state, light.lamps_lit, light.lamps_unknown) == (LightState.LIT, None, 0)
    assert light_of([seen(ONLINE, 0, output=CIRCUIT)], None, NOW, 1).lamps_lit == 0


# until


def step(start: datetime, until: datetime, level: int = 100) -> OrderStep:
    return OrderStep(start, level, until, Cause.PRESS, "lease")


def test_a_light_falls_where_its_order_ends_or_its_plan_goes_down() -> None:
    street = Curve(DARK_AFTER_ELEVEN, PLACE)
    press = (step(NOW, NOW + 12 * MINUTE),)
    assert until_of([(street, ())], NOW) is None  # dark
    assert until_of([(street, press)], NOW) == NOW + 12 * MINUTE
    assert until_of([(street, ())], utc("2026-11-20T20:00")) == utc("2026-11-20T22:00")
    dimmed = Curve(DIMMED_THEN_DARK, PLACE)
    assert until_of([(dimmed, ())], utc("2026-11-20T20:00")) == utc("2026-11-20T21:00")


def test_a_press_over_the_end_of_the_plan_lights_on() -> None:
    late = utc("2026-11-20T21:55")
    press = (step(late, late + 12 * MINUTE),)
    assert until_of([(Curve(DARK_AFTER_ELEVEN, PLACE), press)], late) == late + 12 * MINUTE


def test_adjoining_steps_of_one_level_are_one_light() -> None:
    press = (step(NOW, NOW + 5 * MINUTE), step(NOW + 5 * MINUTE, NOW + 12 * MINUTE))
    assert until_of([(Curve(NEVER_LIT, PLACE), press)], NOW) == NOW + 12 * MINUTE
    dimmer = (step(NOW, NOW + 5 * MINUTE), step(NOW + 5 * MINUTE, NOW + 12 * MINUTE, level=50))
    assert until_of([(Curve(NEVER_LIT, PLACE), dimmer)], NOW) == NOW + 5 * MINUTE


def test_the_dimmer_last_minute_is_still_the_light_that_was_ordered() -> None:
    bright = OrderStep(NOW, 100, NOW + 11 * MINUTE, Cause.PRESS, "a")
    warning = OrderStep(NOW + 11 * MINUTE, 50, NOW + 12 * MINUTE, Cause.PRESS, "a")
    dark = Curve(NEVER_LIT, PLACE)
    assert until_of([(dark, (bright, warning))], NOW) == NOW + 12 * MINUTE
    assert until_of([(dark, (bright, warning))], NOW + 11.5 * MINUTE) == NOW + 12 * MINUTE
    dimmer = OrderStep(NOW + 11 * MINUTE, 50, NOW + 20 * MINUTE, Cause.PRESS, "b")
    assert until_of([(dark, (bright, dimmer))], NOW) == NOW + 11 * MINUTE


def test_a_zone_s_light_falls_where_its_first_output_does() -> None:
    press = (step(NOW, NOW + 12 * MINUTE),)
    crossing = (Curve(ALL_NIGHT, PLACE), press)
    assert until_of([crossing, (Curve(NEVER_LIT, PLACE), press)], NOW) == NOW + 12 * MINUTE
    assert until_of([crossing, (Curve(NEVER_LIT, PLACE), ())], NOW) == until_of([crossing], NOW)


# leases


def test_an_output_confirms_only_with_the_last_order_and_the_level_it_can_give() -> None:
    assert confirmed(seen(ONLINE, 100), 100, NOW, 1)
    assert not confirmed(seen(ONLINE, 99), 100, NOW, 1)
    assert confirmed(seen(ONLINE, 10), 5, NOW, 1)
    assert not confirmed(seen(ONLINE, 9), 5, NOW, 1)  # the output gives no less than 10
    assert not confirmed(seen(ONLINE, 50, output=CIRCUIT), 50, NOW, 1)  # a relay knows 0 and 100
    behind = ControllerState(online=True, heard_at=NOW, desired_n=2)
    assert not confirmed(seen(behind, 100), 100, NOW, 1)


@pytest.mark.parametrize("controller", [NEVER_HEARD, STALE, SILENT, OFFLINE], ids=["never", "stale", "gone", "off"])
def test_what_is_not_online_confirms_nothing(controller: ControllerState) -> None:
    assert not confirmed(seen(controller, 100), 100, NOW, 1)
    assert not confirmed(seen(ONLINE, None), 100, NOW, 1)


ORDERED = Progress(LeaseState.ORDERED, 0, 3, NOW)


@pytest.mark.parametrize(
    ("done", "total", "age", "expected"),
    [
        (3, 3, 0, LeaseState.LIT),
        (3, 3, 60, LeaseState.LIT),
        (1, 3, 0, LeaseState.PARTLY),
        (2, 3, 60, LeaseState.PARTLY),
        (0, 3, 9, LeaseState.ORDERED),
        (0, 3, 10, LeaseState.FAILED),
        (0, 0, 0, LeaseState.ORDERED),
        (0, 0, 10, LeaseState.FAILED),
    ],
)
def test_a_lease_is_lit_when_all_confirmed_partly_when_some_and_failed_when_none(
    done: int, total: int, age: int, expected: LeaseState
) -> None:
    after = progressed(ORDERED, done, total, NOW + age * SECOND, 1)
    assert after == Progress(expected, done, total, NOW if expected is LeaseState.ORDERED else None)


def test_a_lease_waits_in_real_time_however_fast_the_clock_runs() -> None:
    assert progressed(ORDERED, 0, 1, NOW + 60 * CONFIRM_WITHIN - SECOND, 60).state is LeaseState.ORDERED
    assert progressed(ORDERED, 0, 1, NOW + 60 * CONFIRM_WITHIN, 60).state is LeaseState.FAILED


@pytest.mark.parametrize("state", [LeaseState.PARTLY, LeaseState.LIT])
@pytest.mark.parametrize(("done", "total"), [(0, 3), (1, 3), (1, 2), (0, 0)])
def test_what_was_confirmed_stays_when_less_is_known(state: LeaseState, done: int, total: int) -> None:
    before = Progress(state, 2, 3 if state is LeaseState.PARTLY else 2)
    assert progressed(before, done, total, NOW + 60 * SECOND, 1) == before


@pytest.mark.parametrize(
    ("done", "total", "expected"), [(3, 3, LeaseState.LIT), (2, 2, LeaseState.LIT), (2, 4, LeaseState.PARTLY)]
)
def test_a_partly_lit_lease_goes_on(done: int, total: int, expected: LeaseState) -> None:
    before = Progress(LeaseState.PARTLY, 2, 3)
    assert progressed(before, done, total, NOW, 1) == Progress(expected, done, total)


def test_a_failed_lease_is_lit_by_a_late_report_and_by_nothing_else() -> None:
    failed = Progress(LeaseState.FAILED, 0, 3)
    assert progressed(failed, 3, 3, NOW, 1).state is LeaseState.LIT
    assert progressed(failed, 1, 3, NOW, 1).state is LeaseState.PARTLY
    assert progressed(failed, 0, 3, NOW, 1) == failed
