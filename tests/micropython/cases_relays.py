"""Relay protection: late where it must be, never lost, and a lock at once."""

from firmware_mock.core import Core
from tests.micropython.bench import MINUTE, SECOND, Pole, T, plan, step


def relay(**more: int) -> Pole:
    """A pole with one protected output; the pause that counts from power-on is over."""
    output = {"step": 100}
    output.update(more)
    pole = Pole({"1": output})
    pole.wait(20 * MINUTE)
    pole.time(T)
    return pole


def case_a_relay_that_was_just_switched_on_stays_on_for_its_shortest_time() -> None:
    pole = relay(min_on_s=60)
    pole.order(1, [step(T, T + 10 * SECOND)])
    assert pole.now() == (100, "press")
    pole.wait(10 * SECOND)
    assert pole.now() == (100, "press"), "the level that is reported is the one that it gives"
    pole.wait(50 * SECOND - 1)
    assert pole.now() == (100, "press")
    pole.wait(1)
    assert pole.now() == (0, "schedule")
    assert pole.answered()


def case_a_lock_switches_off_at_once() -> None:
    pole = relay(min_on_s=180)
    pole.order(1, [step(T, T + MINUTE)])
    pole.wait(SECOND)
    pole.order(2, [step(T, T + MINUTE, 0, "lock")])
    assert pole.now() == (0, "lock")


def case_an_order_that_comes_too_soon_is_late_and_not_lost() -> None:
    for name in ("min_off_s", "restrike_s"):
        pole = relay(**{name: 120})
        pole.order(1, [step(T, T + MINUTE)])
        pole.wait(MINUTE)
        assert pole.now() == (0, "schedule")
        pole.wait(10 * SECOND)
        pole.order(2, [step(T, T + 10 * MINUTE)], at=T + 70 * SECOND)
        assert pole.now() == (0, "schedule"), "dark is reported as dark"
        pole.wait(110 * SECOND - 1)
        assert pole.now() == (0, "schedule")
        pole.wait(1)
        assert pole.now() == (100, "press")
        assert pole.answered()
        pole.wait(7 * MINUTE)
        assert pole.now() == (0, "schedule"), "it ends when it was to end"


def case_of_two_pauses_the_longer_one_counts() -> None:
    pole = relay(min_off_s=30, restrike_s=90)
    pole.order(1, [step(T, T + SECOND), step(T + 2 * SECOND, T + 10 * MINUTE)])
    pole.wait(SECOND)
    pole.wait(90 * SECOND - 1)
    assert pole.now()[0] == 0
    pole.wait(1)
    assert pole.now()[0] == 100


def case_a_level_that_changes_while_lit_is_no_switching() -> None:
    pole = Pole({"1": {"min_on_s": 60, "restrike_s": 60}}, connected=True)
    pole.wait(2 * MINUTE)
    pole.order(1, [step(T, T + 10 * MINUTE, 80)])
    pole.order(2, [step(T, T + 10 * MINUTE, 20)])
    assert pole.now() == (20, "press")
    pole.order(3, [step(T, T + 10 * MINUTE, 90)])
    assert pole.now() == (90, "press")


def case_after_a_power_cut_the_pause_counts_from_power_on() -> None:
    pole = Pole({"1": {"safety": True, "restrike_s": 300}}, clock=None, body=False)
    assert pole.now() == (0, "schedule")
    pole.wait(5 * MINUTE - 1)
    assert pole.now()[0] == 0
    pole.wait(1)
    assert pole.now() == (100, "safety")


def case_after_power_returns_outputs_go_on_one_by_one() -> None:
    outputs = {n: {"stagger_ms": 500} for n in ("1", "2", "3")}
    pole = Pole(outputs, clock=None, body=plan(1, [(T - MINUTE, 100)], numbers=("1", "2", "3")))
    pole.wait(10 * SECOND)
    pole.time(T)  # the clock comes late: they are as many then, and must not go on together
    seen = []
    for _ in range(4):
        seen.append([pole.now(n)[0] for n in ("1", "2", "3")])
        pole.wait(500)
    assert seen == [[100, 0, 0], [100, 100, 0], [100, 100, 100], [100, 100, 100]]
    pole.order(1, [step(T, T + MINUTE, 0, "lock")])
    pole.wait(2 * MINUTE)
    assert [pole.now(n)[0] for n in ("1", "2", "3")] == [100, 100, 100]


def case_outputs_that_were_on_since_power_on_are_staggered_no_more() -> None:
    outputs = {n: {"stagger_ms": 500} for n in ("1", "2")}
    pole = Pole(outputs, body=plan(1, [(T - MINUTE, 100), (T + MINUTE, 0), (T + 2 * MINUTE, 100)], numbers=("1", "2")))
    pole.wait(500)
    pole.wait(500)
    pole.wait(59 * SECOND)
    assert [pole.now(n)[0] for n in ("1", "2")] == [0, 0]
    pole.wait(MINUTE)
    assert [pole.now(n)[0] for n in ("1", "2")] == [100, 100]


def case_a_single_lamp_waits_for_its_own_stagger() -> None:
    pole = Pole({"1": {"safety": True, "stagger_ms": 700}}, clock=None, body=False)
    pole.wait(699)
    assert pole.now()[0] == 0
    pole.wait(1)
    assert pole.now()[0] == 100


def case_protection_out_of_its_range_is_refused_by_name() -> None:
    for name, most in (("min_on_s", 180), ("min_off_s", 300), ("restrike_s", 900), ("stagger_ms", 10000)):
        Core({"outputs": {"1": {name: most}}})
        for value in (most + 1, -1, 1.5, "1", True, None):
            said = ""
            try:
                Core({"outputs": {"1": {name: value}}})
            except ValueError as error:
                said = str(error)
            assert "output 1: " + name in said, (name, value)
