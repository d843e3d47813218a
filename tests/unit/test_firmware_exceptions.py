"""Steps of an exception, and steps that fade, in a pole's plan."""

from typing import Any

import pytest

from tests.support.poles import HOUR, MINUTE, Pole, T, plan, step


def with_steps(n: int, steps: list[dict[str, object]], **more: Any) -> dict[str, Any]:
    body = plan(n, **more)
    body["outputs"]["1"]["steps"] = steps
    return body


EXCEPTION: list[dict[str, object]] = [
    {"at": T, "level": 60},
    {"at": T + HOUR, "level": 60, "cause": "exception"},
    {"at": T + 2 * HOUR, "level": 0, "cause": "exception", "fade_s": 600},
    {"at": T + 3 * HOUR, "level": 60, "cause": "schedule", "fade_s": 600},
]


def hourly(pole: Pole, hours: int = 4) -> list[tuple[int, str]]:
    """What it does in each hour; where that changes a report must be due."""
    seen = [pole.now()]
    pole.report()
    for _ in range(hours - 1):
        pole.wait(HOUR)
        assert pole.answered() == (pole.now() != seen[-1])
        seen.append(pole.now())
    return seen


def test_a_step_of_an_exception_reports_it_also_where_only_the_cause_changes() -> None:
    pole = Pole()
    pole.plan(with_steps(2, EXCEPTION))
    assert hourly(pole) == [(60, "schedule"), (60, "exception"), (0, "exception"), (60, "schedule")]


def test_a_lit_safety_output_reports_safety_whatever_its_step_says() -> None:
    pole = Pole()
    pole.plan(with_steps(2, EXCEPTION, safety=True))
    assert hourly(pole) == [(60, "safety"), (60, "safety"), (0, "exception"), (60, "safety")]


def test_a_step_that_fades_reports_its_level_at_once() -> None:
    pole = Pole()
    pole.plan(with_steps(2, [{"at": T, "level": 100}, {"at": T + HOUR, "level": 20, "fade_s": 600}]))
    pole.wait(HOUR)
    assert pole.report()["outputs"] == {"1": {"level": 20, "cause": "schedule"}}


def test_a_press_rules_over_an_exception_and_ends_in_it() -> None:
    pole = Pole()
    pole.plan(with_steps(2, EXCEPTION))
    pole.wait(2 * HOUR)
    pole.order(1, step(T + 2 * HOUR, T + 2 * HOUR + MINUTE), at=T + 2 * HOUR)
    assert pole.now() == (100, "press")
    pole.wait(MINUTE)
    assert pole.now() == (0, "exception")


def test_a_pole_that_is_cut_off_lights_an_exceptions_dark_window_by_its_fail_state() -> None:
    pole = Pole()
    pole.plan(with_steps(2, EXCEPTION, fail_state="lit"))
    pole.core.on_link(False, pole.mono)
    assert hourly(pole) == [(60, "schedule"), (60, "exception"), (100, "failsafe"), (60, "schedule")]


@pytest.mark.parametrize(
    "wrong",
    [
        {"cause": "press"},
        {"cause": "safety"},
        {"cause": None},
        {"cause": ""},
        {"cause": ["exception"]},
        {"fade_s": -1},
        {"fade_s": 601},
        {"fade_s": 1.5},
        {"fade_s": True},
        {"fade_s": None},
    ],
    ids=str,
)
def test_a_plan_with_a_wrong_cause_or_fade_changes_nothing(wrong: dict[str, object]) -> None:
    pole = Pole()
    pole.plan(with_steps(2, EXCEPTION))
    pole.plan(with_steps(3, [{"at": T, "level": 10, **wrong}]))
    assert (pole.now(), pole.core.plan_n, pole.core.bad["plan"]) == ((60, "schedule"), 2, 1)
    assert pole.answered()
    if "fade_s" in wrong:
        pole.plan(plan(4, [(T, 10)], rule=[{"anchor": "dusk", "level": 10, **wrong}]))
        assert (pole.now(), pole.core.plan_n, pole.core.bad["plan"]) == ((60, "schedule"), 2, 2)


def test_a_plan_with_exceptions_outlives_power() -> None:
    pole = Pole()
    pole.plan(with_steps(2, EXCEPTION))
    pole.power_cycle()
    pole.time(T + HOUR)
    assert pole.now() == (60, "exception")
