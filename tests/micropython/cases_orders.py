"""Orders that come twice, late, in the wrong order or from before a reboot."""

from tests.micropython.bench import HOUR, MINUTE, Pole, T, plan, step

TEN = [step(T, T + 10 * MINUTE)]


def case_an_order_lights_and_ends_by_itself() -> None:
    pole = Pole()
    pole.order(1, TEN)
    assert pole.now() == (100, "press")
    pole.link(False)
    pole.wait(10 * MINUTE - 1)
    assert pole.now() == (100, "press")
    pole.wait(1)
    assert pole.now() == (0, "schedule")


def case_a_duplicate_is_applied_again_and_buys_no_more_time() -> None:
    for clock in (T, None):
        pole = Pole(clock=clock)
        pole.order(1, TEN)
        pole.wait(9 * MINUTE)
        pole.answered()
        pole.order(1, TEN)
        assert pole.answered(), "a duplicate is answered"
        assert pole.now() == (100, "press")
        pole.wait(MINUTE)
        assert pole.now() == (0, "schedule")


def case_a_duplicate_after_its_end_does_not_light_again() -> None:
    pole = Pole(clock=None)
    pole.order(1, TEN)
    pole.wait(10 * MINUTE)
    pole.order(1, TEN)
    assert pole.now() == (0, "schedule")


def case_of_reordered_orders_the_higher_counter_rules() -> None:
    pole = Pole()
    pole.order(7, [step(T, T + HOUR, 40)])
    pole.order(6, [step(T, T + HOUR, 90)])
    assert pole.now() == (40, "press")
    pole.order(8)
    pole.order(7, [step(T, T + HOUR, 40)])
    assert pole.now() == (0, "schedule")
    assert pole.core.report(pole.mono)["desired_n"] == 8


def case_a_stale_order_is_ignored_and_answered_with_the_counter_in_force() -> None:
    pole = Pole()
    pole.order(5, TEN)
    pole.answered()
    for n in (0, 1, 4):
        pole.order(n)
        assert pole.core.report_due
        assert pole.core.report(pole.mono)["desired_n"] == 5
        assert pole.now() == (100, "press")


def case_an_expired_order_lights_nothing_and_ends_the_one_before() -> None:
    pole = Pole()
    pole.order(1, [step(T, T + HOUR)])
    pole.order(2, [step(T - HOUR, T - 1)], at=T - HOUR)
    assert pole.now() == (0, "schedule")
    pole.order(3, [step(T - HOUR, T)], at=T - HOUR, retained=True)
    assert pole.now() == (0, "schedule")


def case_a_retained_order_replayed_after_a_reboot_waits_for_the_clock_and_counts_by_it() -> None:
    pole = Pole()
    pole.order(3, TEN)
    pole.wait(MINUTE)
    pole.power_cycle(connected=True)
    pole.order(3, TEN, retained=True)
    assert pole.now() == (0, "schedule"), "nobody knows what time it is"
    pole.time(T + 4 * MINUTE)
    assert pole.now() == (100, "press")
    pole.wait(6 * MINUTE)
    assert pole.now() == (0, "schedule")


def case_a_retained_order_that_ended_or_was_replaced_stays_ended_after_a_reboot() -> None:
    pole = Pole()
    pole.order(7, TEN)
    pole.power_cycle(connected=True)
    pole.order(6, [step(T, T + 5 * HOUR)], retained=True)
    pole.time(T + 20 * MINUTE)
    assert pole.now() == (0, "schedule")
    pole.order(7, TEN, retained=True)
    assert pole.now() == (0, "schedule")
    assert pole.core.report(pole.mono)["desired_n"] == 7


def case_a_power_cycle_lights_no_lease_again_and_goes_on_with_the_plan() -> None:
    pole = Pole(body=plan(1, [(T - HOUR, 30)]))
    pole.order(1, TEN)
    assert pole.now() == (100, "press")
    pole.power_cycle()
    assert pole.now() == (0, "schedule")
    pole.time(T)
    assert pole.now() == (30, "schedule")


def case_a_lock_holds_whatever_is_ordered_and_a_safety_output_too() -> None:
    pole = Pole(body=plan(1, [(T - HOUR, 100)], safety=True))
    pole.order(1, [step(T, T + HOUR, 100, "rescue"), step(T, T + MINUTE, 0, "lock")])
    assert pole.now() == (0, "lock")
    pole.wait(MINUTE)
    assert pole.now() == (100, "rescue")


def case_bad_messages_are_counted_and_change_nothing() -> None:
    pole = Pole()
    pole.order(1, TEN)
    bodies = (b"", b"{", b"[]", b"\xff\xfe", b"[" * 20000, b"1" * 5000, b'{"desired_n": -1, "at": 0, "outputs": {}}')
    for body in bodies:
        pole.core.on_desired(body, False, pole.mono)
        pole.core.on_plan(body, False, pole.mono)
        pole.core.on_time(body, pole.mono)
        pole.core.on_status(body)
    assert pole.core.bad == {"plan": 7, "desired": 7, "time": 7, "status": 7, "event": 0}
    assert pole.now() == (100, "press")
