"""Whatever arrives in whatever order: the core never raises, and no light burns that nothing bought."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from firmware_mock.core import decode
from tests.support.poles import HOUR, MINUTE, Pole, T, plan, step, validator

PLAN_SIDE = ("schedule", "exception", "safety", "failsafe")


def planned(n: int, steps: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A plan whose steps stand as they are to stand in it."""
    body = plan(n, **more)
    body["outputs"]["1"]["steps"] = steps
    return body


MOMENTS = st.integers(T - 2 * HOUR, T + 30 * HOUR)
LEVELS = st.integers(0, 100)
CAUSES = st.sampled_from(["lock", "rescue", "safety", "test", "override", "press"])
ORDERS = st.tuples(
    st.just("desired"),
    st.builds(
        lambda n, at, steps: {
            "desired_n": n,
            "at": at,
            "outputs": {
                "1": [step(at + start, at + start + length, level, cause) for start, length, level, cause in steps]
            },
        },
        st.integers(0, 6),
        MOMENTS,
        st.lists(st.tuples(st.integers(-HOUR, HOUR), st.integers(0, 25 * HOUR), LEVELS, CAUSES), max_size=4),
    ),
)
PLAN_STEPS = st.lists(
    st.fixed_dictionaries(
        {"at": MOMENTS, "level": LEVELS},
        optional={"cause": st.sampled_from(["schedule", "exception"]), "fade_s": st.integers(0, 600)},
    ),
    min_size=1,
    max_size=4,
)
RULES = st.lists(
    st.fixed_dictionaries(
        {
            "anchor": st.sampled_from(["sunset", "dusk", "dawn", "sunrise", "clock"]),
            "clock": st.sampled_from(["00:30", "02:30", "12:00", "23:59"]),
            "offset_min": st.integers(-720, 720),
            "level": LEVELS,
        },
        optional={"fade_s": st.integers(0, 600)},
    ),
    max_size=3,
)
PLANS = st.tuples(
    st.just("plan"),
    st.builds(
        lambda n, steps, rule, place, ends, safety, state, cut: planned(
            n,
            steps,
            rule=rule,
            position=place,
            ends=ends,
            safety=safety,
            fail_state=state,
            cut_off_after_min=cut,
        ),
        st.integers(0, 6),
        PLAN_STEPS,
        RULES,
        st.fixed_dictionaries({"lat": st.floats(-90, 90), "lon": st.floats(-180, 180)}),
        MOMENTS,
        st.booleans(),
        st.sampled_from(["plan", "lit", "dark"]),
        st.integers(1, 600),
    ),
)
TIMES = st.tuples(
    st.just("time"),
    st.builds(
        lambda at, speed, seq: {"at": at, "speed": speed, "seq": seq},
        MOMENTS,
        st.sampled_from([1, 1, 0.3, 600]),
        st.integers(T, T + 100),
    ),
)
JUNK = st.tuples(st.sampled_from(["plan", "desired", "time", "status"]), st.one_of(st.binary(max_size=40), st.none()))
WAITS = st.tuples(st.just("wait"), st.integers(0, 3 * HOUR))
LINKS = st.tuples(st.just("link"), st.booleans())
POWER = st.tuples(st.just("power"), st.booleans())
BUTTONS = st.tuples(st.just("button"), st.sampled_from(["1", "2"]))
SIGNALS = st.tuples(st.just("signal"), st.sampled_from(["door", "fault", "local_override"]))
STORY: st.SearchStrategy[list[tuple[str, Any]]] = st.lists(
    st.one_of(ORDERS, PLANS, TIMES, JUNK, WAITS, LINKS, POWER, BUTTONS, SIGNALS), max_size=25
)


def happen(pole: Pole, what: str, body: Any) -> None:
    """One thing happens to a pole."""
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    if what == "wait":
        pole.wait(body)
    elif what == "link":
        pole.core.on_link(body, pole.mono)
    elif what == "power":
        pole.power_cycle(connected=body)
    elif what == "time":
        pole.core.on_time(payload, pole.mono)
    elif what == "button":
        pole.core.on_button(body, pole.mono)
    elif what == "signal":
        pole.core.on_signal(body, pole.mono, code="lampFailure" if body == "fault" else None)
    elif what == "status":
        pole.core.on_status(payload)
    else:
        (pole.core.on_plan if what == "plan" else pole.core.on_desired)(payload, len(payload) % 2 == 0, pole.mono)


def ordered(bodies: list[Any]) -> int:
    """The highest level that any valid order of the story asked for."""
    highest = 0
    for body in bodies:
        try:
            desired = decode.desired(json.dumps(body).encode())
        except decode.MessageError:
            continue
        highest = max([highest, *(s.level for s in desired.outputs["1"])])
    return highest


@settings(max_examples=80)
@given(STORY, st.booleans())
def test_nothing_raises_and_no_level_exceeds_what_plan_or_order_gives(story: list[tuple[str, Any]], demo: bool) -> None:
    pole = Pole(demo=demo, clock=None)
    heard: list[Any] = []
    plans: list[Any] = [plan()]  # what a pole of these tests begins with
    for what, body in story:
        happen(pole, what, body)
        if what == "desired" and body is not None and not isinstance(body, bytes):
            heard.append(body)
        if what == "plan" and isinstance(body, dict):
            assert decode.plan(json.dumps(body).encode()).n == body["plan_n"], "all its values are right ones"
            plans.append(body)
        level, cause = pole.now()
        if cause in PLAN_SIDE:
            by_plan = pole.core._planned("1", pole.core.outputs["1"], pole.mono)
            assert (level, cause) in (by_plan[:2], (level, "safety"))
        elif cause == "local":
            assert any(level <= pole.core.outputs["1"].keeps(told["local_press"]["level"]) for told in plans)
        else:
            assert level <= max(pole.core.outputs["1"].keeps(ordered(heard)), 0)
        if cause == "exception":
            assert any(s.get("cause") == cause for told in plans for s in told["outputs"]["1"]["steps"])
        if cause == "lock":
            assert level == 0
        pole.report()
        for _, event in pole.core.outbox.pending(pole.mono):
            validator("event").validate(event)


@settings(max_examples=80)
@given(STORY)
def test_a_day_after_the_last_message_no_order_rules_any_more(story: list[tuple[str, Any]]) -> None:
    pole = Pole(clock=None)
    for what, body in story:
        happen(pole, what, body)
    pole.wait(24 * HOUR + MINUTE)
    pole.wait(HOUR)
    assert pole.now()[1] in PLAN_SIDE


@settings(max_examples=60)
@given(ORDERS, st.integers(0, 4 * HOUR), st.integers(-HOUR, HOUR))
def test_light_burns_no_longer_than_it_was_ordered_for(order: tuple[str, Any], late: int, drift: int) -> None:
    pole = Pole(clock=order[1]["at"] + drift)
    pole.wait(late)
    at = order[1]["at"]
    longest = max([s["until"] - at for s in order[1]["outputs"]["1"]], default=0)
    happen(pole, *order)
    pole.wait(max(0, longest))
    assert pole.now() == (0, "schedule")
