"""Policies, schedules and exceptions as documents: nothing is lost on the way, and what is wrong is named."""

import copy
import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.domain.policy import LightException, Limits, Policy, PressRules
from service.domain.schedule import Moment, Schedule
from service.domain.words import Admission, FailState
from service.usecases.policy_documents import (
    ExceptionDocument,
    PolicyDocument,
    exception_document,
    policy_document,
    policy_from_json,
)
from service.usecases.schedule_documents import (
    ScheduleDocument,
    moment,
    moment_text,
    schedule_document,
    schedule_from_json,
)
from tests.unit.test_domain_curve import CAPS, EXCEPTIONS, MOMENTS, SCHEDULES, WINDOWS

LIMITS = st.builds(
    Limits,
    st.one_of(st.none(), st.integers(1, 1000)),
    st.one_of(st.none(), st.integers(1, 1440)),
    st.one_of(st.none(), st.integers(1, 10_000_000)),
    st.integers(0, 90),
)


@st.composite
def press_rules(draw: st.DrawFn) -> PressRules:
    """Any rules for presses."""
    minutes = draw(st.integers(1, 240))
    first = draw(st.one_of(st.none(), LIMITS))
    return PressRules(
        minutes,
        draw(st.integers(1, 100)),
        draw(st.integers(minutes, 1440)),
        draw(st.integers(0, 1440)),
        tuple(draw(st.lists(WINDOWS, max_size=3))),
        draw(st.sampled_from(Admission)),
        draw(LIMITS),
        first,
        0 if first is None else draw(st.integers(1, 366)),
        draw(st.booleans()),
    )


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any draft of a policy."""
    dates = st.dates(date(1970, 1, 1), date(2199, 12, 31))
    begins, ends = sorted((draw(dates), draw(dates)))
    return Policy(
        begins,
        draw(SCHEDULES),
        draw(press_rules()),
        draw(st.sampled_from([None, ends])),
        tuple(draw(st.lists(CAPS, max_size=3))),
        tuple(draw(st.lists(st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True), max_size=3))),
        draw(st.sampled_from(FailState)),
        draw(st.integers(1, 44_640)),
    )


@given(policies())
def test_a_policy_comes_back_from_its_document_as_it_was(policy: Policy) -> None:
    text = policy_document(policy).model_dump_json()
    assert policy_from_json(text) == policy
    assert PolicyDocument.model_validate(json.loads(text)).policy() == policy
    assert policy_document(policy_from_json(text)).model_dump_json() == text


@given(SCHEDULES)
def test_a_schedule_comes_back_from_its_document_as_it_was(schedule: Schedule) -> None:
    assert schedule_from_json(schedule_document(schedule).model_dump_json()) == schedule


@given(EXCEPTIONS)
def test_an_exception_comes_back_but_for_who_entered_it_when(exception: LightException) -> None:
    text = exception_document(exception).model_dump_json()
    again = ExceptionDocument.model_validate_json(text).exception(exception.id)
    assert (again.name, again.first, again.last) == (exception.name, exception.first, exception.last)
    assert (again.steps, again.end, again.resolution) == (exception.steps, exception.end, exception.resolution)


@given(MOMENTS)
def test_a_moment_comes_back_from_its_text(at: Moment) -> None:
    assert moment(moment_text(at)) == at


@pytest.mark.parametrize("text", ["sunset", "sunrise-10", "dusk+5", "dawn", "00:30", "23:59", "02:30+60", "12:00-720"])
def test_the_text_of_a_moment_is_written_as_it_was_read(text: str) -> None:
    assert moment_text(moment(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "noon",
        "Sunset",
        "sunset 10",
        "sunset+",
        "24:00",
        "1:30",
        "00:60",
        "00:30:00",
        "٠٠:٣٠",
        "sunset+1000",
        " dusk",
    ],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is neither a time"):
        moment(text)


GOOD: dict[str, Any] = {
    "valid_from": "2026-01-01",
    "until": "2026-03-31",
    "schedule": {
        "steps": [{"at": "sunset", "level": 100}, {"at": "23:00", "level": 0}],
        "rules": [
            {
                "when": {
                    "weekdays": ["fri"],
                    "months": [12],
                    "dates": [{"first": "12-24", "last": "01-06"}],
                    "nth": [{"n": -1, "weekday": "fri"}],
                    "holiday": False,
                },
                "steps": [{"at": "dusk", "level": 50, "fade_s": 10}],
            }
        ],
    },
    "press": {
        "minutes": 12,
        "windows": [{"start": "23:00", "end": "05:00"}],
        "limits": {"per_presser": 5},
        "first_limits": {"per_presser": 2},
        "first_nights": 14,
    },
    "quiet": [{"level": 30, "start": "22:00", "end": "sunrise", "output": {"controller": "cabinet-1", "n": 1}}],
    "along": ["kirchweg"],
}
RULE = "schedule.rules.0"


def test_the_document_that_the_bad_ones_are_made_of_is_good() -> None:
    assert PolicyDocument.model_validate(GOOD).policy().press.minutes == 12


def changed(path: str, value: object) -> dict[str, Any]:
    """The good document with one field set."""
    document: dict[str, Any] = copy.deepcopy(GOOD)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    target: Any = document
    for part in way:
        target = target[part]
    target[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "where", "field"),
    [
        ("until", "2025-12-31", "", "until"),
        ("valid_from", "2026-02-30", "valid_from", "valid_from"),
        ("valid_from", None, "valid_from", "valid_from"),
        ("press.minutes", -12, "press", "minutes"),
        ("press.minutes", "long", "press.minutes", "minutes"),
        ("press.minutes", 1.5, "press.minutes", "minutes"),
        ("press.rest_minutes", -1, "press", "rest_minutes"),
        ("press.longest_minutes", 5, "press", "longest_minutes"),
        ("press.level", 101, "press", "level"),
        ("press.first_nights", 0, "press", "first_nights"),
        ("press.limits.zone_minutes", -1, "press.limits", "zone_minutes"),
        ("press.limits.reserve_percent", 100, "press.limits", "reserve_percent"),
        ("press.admission", "friends", "press.admission", "admission"),
        ("press.windows.0.start", "06:00", "press.windows.0", "end"),
        ("press.windows.0.end", "noonish", "press.windows.0.end", "end"),
        ("press.windows", [{"start": "23:00", "end": "05:00"}] * 11, "press.windows", "windows"),
        ("schedule.steps.0.at", "moonrise", "schedule.steps.0.at", "at"),
        ("schedule.steps.0.at", 2300, "schedule.steps.0.at", "at"),
        ("schedule.steps.0.at", "sunset+721", "schedule.steps.0.at", "offset_min"),
        ("schedule.steps.0.level", 101, "schedule.steps.0.level", "level"),
        ("schedule.steps.0.level", -1, "schedule.steps.0.level", "level"),
        ("schedule.steps.0.fade_s", 601, "schedule.steps.0.fade_s", "fade_s"),
        ("schedule.steps.0.fade", 1, "schedule.steps.0.fade", "fade"),
        ("schedule.steps", [{"at": "sunset", "level": 1}] * 200, "schedule.steps", "steps"),
        ("schedule.rules", [{"when": {}, "steps": []}] * 51, "schedule.rules", "rules"),
        (f"{RULE}.steps", [{"at": "sunset", "level": 1}] * 21, f"{RULE}.steps", "steps"),
        (f"{RULE}.when.weekdays", ["fri", "someday"], f"{RULE}.when.weekdays.1", "weekdays"),
        (f"{RULE}.when.months", [13], f"{RULE}.when.months.0", "months"),
        (f"{RULE}.when.dates.0.first", "02-30", f"{RULE}.when.dates.0", "first"),
        (f"{RULE}.when.dates.0.first", "2-3", f"{RULE}.when.dates.0.first", "first"),
        (f"{RULE}.when.dates.0.first", "13-01", f"{RULE}.when.dates.0.first", "first"),
        (f"{RULE}.when.dates.0.first", "2026-12-24", f"{RULE}.when.dates.0", "dates"),
        (f"{RULE}.when.dates.0", {"first": "2027-02-29", "last": "2027-03-01"}, f"{RULE}.when.dates.0", "first"),
        (f"{RULE}.when.dates.0", {"first": "2027-03-01", "last": "2026-03-01"}, f"{RULE}.when.dates.0", "dates"),
        (f"{RULE}.when.dates.0", {"first": "0000-03-01", "last": "2026-03-01"}, f"{RULE}.when.dates.0", "first"),
        (f"{RULE}.when.nth.0.n", 6, f"{RULE}.when.nth.0.n", "n"),
        (f"{RULE}.when.nth.0.n", 0, f"{RULE}.when.nth.0.n", "n"),
        (f"{RULE}.when.holiday", "perhaps", f"{RULE}.when.holiday", "holiday"),
        (f"{RULE}.when.moon", "full", f"{RULE}.when.moon", "moon"),
        ("quiet.0.level", 100, "quiet.0.level", "level"),
        ("quiet.0.start", "sunrise", "quiet.0", "end"),
        ("quiet.0.output.n", 9, "quiet.0.output.n", "n"),
        ("along", ["Kirch Weg"], "along.0", "along"),
        ("fail_state", "bright", "fail_state", "fail_state"),
        ("cut_off_after_min", 0, "", "cut_off_after_min"),
        ("version", 3, "version", "version"),
    ],
)
def test_a_bad_policy_is_refused_by_the_name_of_its_field(path: str, value: object, where: str, field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        PolicyDocument.model_validate(changed(path, value))
    (error,) = refused.value.errors()
    assert ".".join(str(part) for part in error["loc"]) == where
    assert field in f"{where}: {error['msg']}"
    with pytest.raises(ValidationError):
        policy_from_json(json.dumps(changed(path, value)))


def test_what_is_left_out_is_named_too() -> None:
    with pytest.raises(ValidationError) as refused:
        PolicyDocument.model_validate({})
    assert [error["loc"] for error in refused.value.errors()] == [("valid_from",), ("schedule",), ("press",)]


FEST: dict[str, Any] = {
    "name": "Fest",
    "first": "2026-05-01",
    "last": "2026-05-02",
    "steps": [{"at": "22:00", "level": 100}],
}


@pytest.mark.parametrize(
    ("change", "where", "field"),
    [
        ({"last": "2026-04-30"}, "", "last"),
        ({"steps": []}, "steps", "steps"),
        ({"steps": [{"at": "22:00", "level": 1}] * 21}, "steps", "steps"),
        ({"end": "21:00"}, "", "end"),
        ({"end": "late"}, "end", "end"),
        ({"name": "  "}, "name", "name"),
        ({"name": "x" * 121}, "name", "name"),
        ({"resolution": ""}, "resolution", "resolution"),
        ({"until": "2026-05-03"}, "until", "until"),
    ],
)
def test_a_bad_exception_is_refused_by_the_name_of_its_field(change: dict[str, Any], where: str, field: str) -> None:
    assert ExceptionDocument.model_validate(FEST).exception("x").first == date(2026, 5, 1)
    with pytest.raises(ValidationError) as refused:
        ExceptionDocument.model_validate(FEST | change)
    (error,) = refused.value.errors()
    assert ".".join(str(part) for part in error["loc"]) == where
    assert field in f"{where}: {error['msg']}"


def test_a_schedule_needs_its_steps() -> None:
    with pytest.raises(ValidationError) as refused:
        ScheduleDocument.model_validate({"rules": []})
    assert [error["loc"] for error in refused.value.errors()] == [("steps",)]
