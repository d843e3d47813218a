"""The pole's clock: whom it believes, and what its jumps do to the light."""

import json

import pytest

from tests.support.poles import HOUR, MINUTE, Pole, T, plan, step, validator


def at_of(pole: Pole) -> int | None:
    """What the pole says that the time is."""
    at: int | None = pole.report()["at"]
    return at


def test_without_a_clock_safety_outputs_are_on_and_others_off() -> None:
    pole = Pole({"1": {}, "2": {"safety": True}}, clock=None, dark_plan=False)
    assert pole.now("1") == (0, "schedule")
    assert pole.now("2") == (100, "safety")
    report = pole.report()
    assert (report["clock"], report["at"]) == ("unset", None)


def test_a_plan_says_which_output_is_a_safety_output_and_that_survives_a_reboot() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 0)], safety=True))
    assert pole.now() == (0, "schedule")
    pole.power_cycle()
    assert pole.now() == (100, "safety")
    pole.time(T)
    assert pole.now() == (0, "schedule")


def test_no_plan_is_carried_out_before_the_clock_is_valid() -> None:
    pole = Pole(clock=None)
    pole.plan(plan(2, [(T, 100)]))
    assert pole.now() == (0, "schedule")
    pole.time(T)
    assert pole.now() == (100, "schedule")


def test_time_goes_on_by_the_monotonic_counter_at_its_speed() -> None:
    pole = Pole(demo=True)
    pole.wait(1_234)
    assert at_of(pole) == T + 1_234
    pole.time(T + HOUR, speed=600)
    pole.wait(1_000)
    assert at_of(pole) == T + HOUR + 600_000
    pole.time(T + 2 * HOUR, speed=0.5)
    pole.wait(1_001)
    assert at_of(pole) == T + 2 * HOUR + 500


@pytest.mark.parametrize("behind", [0, 1, 86_400_000])
def test_a_time_message_that_is_not_newer_than_the_last_is_ignored(behind: int) -> None:
    pole = Pole()
    pole.time(T + HOUR, seq=pole.seq - behind)
    assert at_of(pole) == T
    pole.time(T + HOUR, seq=pole.seq + behind + 1)
    assert at_of(pole) == T + HOUR


def test_a_time_message_replayed_after_a_reboot_is_ignored() -> None:
    pole = Pole()
    old = pole.seq
    pole.power_cycle()
    pole.time(T, seq=old)
    assert at_of(pole) is None
    pole.time(T, seq=old + 1)
    assert at_of(pole) == T


def test_a_retained_time_message_is_ignored() -> None:
    pole = Pole(clock=None)
    pole.core.on_time(json.dumps({"at": T, "speed": 1, "seq": T}).encode(), pole.mono, retained=True)
    assert at_of(pole) is None


def test_outside_a_demo_a_speed_other_than_1_is_refused() -> None:
    pole = Pole(demo=False)
    for speed in (0.5, 2, 600):
        pole.time(T + HOUR, speed=speed)
    assert at_of(pole) == T
    assert pole.core.bad["time"] == 3
    pole.time(T + HOUR, speed=1.0)
    assert at_of(pole) == T + HOUR


def test_the_clock_jumping_forward_ends_what_it_passes() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 0), (T + 4 * HOUR, 70)]))
    pole.order(1, step(T, T + HOUR))
    pole.time(T + 2 * HOUR)
    assert pole.now() == (0, "schedule")
    pole.time(T + 4 * HOUR)
    assert pole.now() == (70, "schedule")


def test_the_clock_jumping_back_lengthens_no_order_and_the_plan_follows_it() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T - HOUR, 40), (T - MINUTE, 0)]))
    pole.order(1, step(T, T + 10 * MINUTE))
    pole.wait(4 * MINUTE)
    pole.time(T - 30 * MINUTE)
    assert pole.now() == (100, "press")
    pole.wait(6 * MINUTE - 1)
    assert pole.now() == (100, "press")
    pole.wait(1)
    assert pole.now() == (40, "schedule")


def test_an_order_that_ended_stays_ended_when_the_clock_jumps_back() -> None:
    pole = Pole()
    pole.order(1, step(T, T + HOUR))
    pole.time(T + 2 * HOUR)
    pole.time(T + MINUTE)
    assert pole.now() == (0, "schedule")


def test_a_time_message_that_came_late_makes_no_lamp_flicker() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 100), (T + MINUTE, 0)]))
    pole.wait(MINUTE)
    assert pole.now() == (0, "schedule")
    pole.time(T + MINUTE - 150)
    assert pole.now() == (0, "schedule")
    assert at_of(pole) == T + MINUTE
    pole.wait(200)
    assert at_of(pole) == T + MINUTE + 50


def test_an_order_ends_by_the_running_time_at_the_speed_of_the_demo() -> None:
    pole = Pole(demo=True)
    pole.time(T, speed=60)
    pole.order(1, step(T, T + 10 * MINUTE))
    pole.time(T - HOUR, speed=60)
    pole.wait(9_999)
    assert pole.now() == (100, "press")
    pole.wait(1)
    assert pole.now() == (0, "schedule")


def test_a_report_tells_of_a_jump_but_not_of_every_time_message() -> None:
    pole = Pole()
    pole.wait(10_000)
    pole.time(T + 10_005)
    assert not pole.core.report_due
    pole.time(T + HOUR)
    assert pole.core.report_due


def test_a_report_tells_of_another_speed() -> None:
    pole = Pole(demo=True)
    pole.time(T, speed=60)
    pole.report()
    pole.time(T, speed=60)
    assert not pole.core.report_due
    pole.time(T, speed=1)
    assert pole.core.report_due


def test_counters_boot_and_session_outlive_power() -> None:
    pole = Pole()
    assert (pole.core.boot, pole.core.session) == (1, 0)
    assert pole.core.next_session() == 1
    pole.plan(plan(9))
    pole.power_cycle()
    assert pole.core.next_session() == 2
    first, second = pole.report(), pole.report()
    assert (first["boot"], first["plan_n"], first["session"]) == (2, 9, 2)
    assert (first["seq"], second["seq"]) == (1, 2)


def test_a_core_asks_to_announce_itself_where_it_reads_another_status() -> None:
    pole = Pole()
    session = pole.core.next_session()

    def read(online: bool, said: int) -> str | None:
        return pole.core.on_status(json.dumps({"online": online, "session": said}).encode())

    assert read(True, session) is None
    assert read(False, session) == "announce"
    assert read(True, session - 1) == "announce"
    assert pole.core.on_status(b"") == "announce"
    assert read(True, session + 5) == "reconnect"
    assert pole.core.next_session() == session + 6


def test_the_highest_session_that_can_be_said_is_never_passed() -> None:
    pole = Pole()
    highest = 2**31 - 1
    assert pole.core.on_status(json.dumps({"online": False, "session": highest}).encode()) == "reconnect"
    assert pole.core.next_session() == highest
    birth = pole.core.status(True)
    validator("status").validate(birth)
    assert pole.core.on_status(json.dumps(birth).encode()) is None
