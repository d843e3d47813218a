"""What an order does on the pole, and when it ends."""

import pytest

from tests.support.poles import HOUR, MINUTE, RELAY, Pole, T, plan, step


def test_an_order_lights_until_its_end_and_then_the_plan_rules() -> None:
    pole = Pole()
    assert pole.now() == (0, "schedule")
    pole.order(1, step(T, T + 12 * MINUTE))
    assert pole.now() == (100, "press")
    pole.wait(12 * MINUTE - 1)
    assert pole.now() == (100, "press")
    pole.wait(1)
    assert pole.now() == (0, "schedule")


def test_at_the_end_of_an_order_the_output_takes_what_the_plan_says_then() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 0), (T + 10 * MINUTE, 30)]))
    pole.order(1, step(T, T + 12 * MINUTE))
    pole.wait(12 * MINUTE)
    assert pole.now() == (30, "schedule")


def test_light_ends_by_itself_with_no_broker_and_no_time_message() -> None:
    pole = Pole()
    pole.order(1, step(T, T + 12 * MINUTE))
    pole.core.on_link(False, pole.mono)
    pole.wait(12 * MINUTE)
    assert pole.now() == (0, "schedule")


@pytest.mark.parametrize("retained", [False, True])
def test_an_order_with_a_lower_counter_is_ignored_and_answered(retained: bool) -> None:
    pole = Pole()
    pole.order(5)
    assert pole.answered()
    pole.order(4, step(T, T + HOUR), retained=retained)
    assert pole.now() == (0, "schedule")
    assert pole.core.report_due
    assert pole.report()["desired_n"] == 5


def test_an_order_with_an_equal_counter_is_applied_again() -> None:
    pole = Pole()
    pole.order(5)
    pole.order(5, step(T, T + HOUR), at=T + 1)
    assert pole.now() == (100, "press")
    pole.order(5, step(T, T + HOUR), at=T + 1)
    assert pole.now() == (100, "press")
    assert pole.answered()


def test_an_order_that_ended_is_ignored_answered_and_replaces_the_one_before() -> None:
    pole = Pole()
    pole.order(1, step(T, T + HOUR))
    pole.answered()
    pole.order(2, step(T - HOUR, T - 1), at=T - HOUR)
    assert pole.now() == (0, "schedule")
    assert pole.core.report_due
    assert pole.report()["desired_n"] == 2


def test_an_empty_order_ends_all_early() -> None:
    pole = Pole()
    pole.order(1, step(T, T + HOUR))
    pole.order(2)
    assert pole.now() == (0, "schedule")


def test_the_same_order_again_buys_no_more_time_where_there_is_no_clock() -> None:
    pole = Pole(clock=None)
    pole.order(1, step(T, T + 10 * MINUTE))
    pole.wait(9 * MINUTE)
    pole.order(1, step(T, T + 10 * MINUTE))
    assert pole.now() == (100, "press")
    pole.wait(MINUTE)
    assert pole.now() == (0, "schedule")


def test_steps_follow_each_other() -> None:
    pole = Pole()
    pole.order(1, step(T, T + MINUTE, 40), step(T + MINUTE, T + 2 * MINUTE, 80), step(T + 3 * MINUTE, T + 4 * MINUTE))
    seen = []
    for _ in range(5):
        seen.append(pole.now()[0])
        pole.wait(MINUTE)
    assert seen == [40, 80, 0, 100, 0]


def test_a_pole_whose_clock_lags_lights_at_once_and_ends_on_time() -> None:
    pole = Pole(clock=T - 5_000)
    pole.order(1, step(T, T + MINUTE), at=T)
    assert pole.now() == (100, "press")
    pole.wait(MINUTE)
    assert pole.now() == (0, "schedule")


def test_the_higher_of_order_and_plan_rules_and_the_rank_names_the_cause_among_equals() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 50)]))
    pole.order(1, step(T, T + HOUR, 30))
    assert pole.now() == (50, "schedule")
    pole.order(2, step(T, T + HOUR, 50))
    assert pole.now() == (50, "press")
    pole.order(3, step(T, T + HOUR, 60, "test"), step(T, T + HOUR, 60, "rescue"), step(T, T + HOUR, 60))
    assert pole.now() == (60, "rescue")


def test_a_lock_holds_at_zero_whatever_else_is_ordered_and_safety_outputs_too() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 100)], safety=True))
    assert pole.now() == (100, "safety")
    pole.order(1, step(T, T + HOUR, 100, "rescue"), step(T, T + MINUTE, 0, "lock"))
    assert pole.now() == (0, "lock")
    pole.wait(MINUTE)
    assert pole.now() == (100, "rescue")


def test_no_order_but_a_lock_darkens_a_safety_output() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 100)], safety=True))
    for n, cause in enumerate(("rescue", "safety", "test", "override", "press")):
        pole.order(n, step(T, T + HOUR, 0, cause))
        assert pole.now() == (100, "safety")


@pytest.mark.parametrize(("asked", "given"), [(0, 0), (1, 100), (50, 100), (100, 100)])
def test_a_relay_rounds_any_light_up(asked: int, given: int) -> None:
    pole = Pole(RELAY)
    pole.order(1, step(T, T + HOUR, asked))
    assert pole.now()[0] == given


@pytest.mark.parametrize(("asked", "given"), [(0, 0), (1, 10), (10, 10), (11, 15), (61, 65), (99, 80)])
def test_a_dimmer_rounds_up_to_its_step_and_keeps_within_its_bounds(asked: int, given: int) -> None:
    pole = Pole({"1": {"min": 10, "max": 80, "step": 5}})
    pole.plan(plan(2, [(T, asked)]))
    assert pole.now()[0] == given


def test_without_a_clock_only_a_live_order_is_believed_and_only_for_its_length() -> None:
    pole = Pole(clock=None)
    pole.order(1, step(T, T + 10 * MINUTE), retained=True)
    assert pole.now() == (0, "schedule")
    pole.order(2, step(T, T + 10 * MINUTE), retained=False)
    assert pole.now() == (100, "press")
    pole.wait(10 * MINUTE)
    assert pole.now() == (0, "schedule")


def test_a_retained_order_waits_for_the_clock_and_counts_by_it() -> None:
    pole = Pole(clock=None)
    pole.order(1, step(T, T + 10 * MINUTE), retained=True)
    pole.time(T + 4 * MINUTE)
    assert pole.now() == (100, "press")
    pole.wait(6 * MINUTE)
    assert pole.now() == (0, "schedule")


def test_an_order_that_was_retained_replayed_after_a_reboot_does_not_light_again() -> None:
    pole = Pole()
    pole.order(7, step(T, T + 10 * MINUTE))
    pole.wait(20 * MINUTE)
    pole.power_cycle(connected=True)
    pole.order(7, step(T, T + 10 * MINUTE), retained=True)
    assert pole.now() == (0, "schedule")
    pole.time(T + 20 * MINUTE)
    assert pole.now() == (0, "schedule")
    pole.order(6, step(T, T + 5 * HOUR), retained=True)
    assert pole.now() == (0, "schedule")
    assert pole.report()["desired_n"] == 7


def test_a_power_cycle_while_lit_with_no_broker_lights_no_lease_again() -> None:
    pole = Pole()
    pole.order(1, step(T, T + HOUR))
    assert pole.now() == (100, "press")
    pole.power_cycle()
    pole.wait(5 * MINUTE)
    assert pole.now() == (0, "schedule")


def test_bad_messages_are_counted_answered_and_change_nothing() -> None:
    pole = Pole()
    pole.order(1, step(T, T + HOUR))
    pole.answered()
    pole.core.on_desired(b"{", False, pole.mono)
    assert pole.answered()
    pole.core.on_plan(b"[]", False, pole.mono)
    assert pole.answered()
    pole.core.on_time(b"\xff", pole.mono)
    assert pole.core.bad == {"plan": 1, "desired": 1, "time": 1, "status": 0, "event": 0}
    assert pole.now() == (100, "press")
