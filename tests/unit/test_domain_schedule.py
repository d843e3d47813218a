"""Each transition happens once: on the nights with 23 and 25 hours, and where the sun does not set or rise."""

import itertools
import tomllib
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.schedule import Anchor, Curve, Interval, Schedule, Step, first_occurrence, night_levels
from service.domain.sun import Place, night, noon
from tests.unit.villages import (
    ALL_NIGHT,
    BERLIN,
    DARK_AFTER_MIDNIGHT,
    DIMMED_THEN_DARK,
    NEVER_LIT,
    SUNRISE,
    SUNSET,
    clock,
    glasau,
    luetjenholm,
    utc,
)

LUETJENHOLM = luetjenholm().municipality.place
GLASAU = glasau().municipality.place
VILLAGES = Path(__file__).parents[2] / "villages"
SPRING_26, AUTUMN_26 = date(2026, 3, 28), date(2026, 10, 24)
SPRING_27, AUTUMN_27 = date(2027, 3, 27), date(2027, 10, 30)
SECOND = timedelta(seconds=1)

Changes = list[tuple[datetime, int]]


def tonight(schedule: Schedule, place: Place, evening: date) -> list[Interval]:
    """The stretches of one night, noon to noon."""
    start, end = noon(evening, place.tz), noon(evening + timedelta(days=1), place.tz)
    return list(Curve(schedule, place).intervals(start, end))


def changes(schedule: Schedule, place: Place, evening: date) -> Changes:
    """Every transition of one night and the level it leads to."""
    return [(stretch.start, stretch.level) for stretch in tonight(schedule, place, evening)][1:]


def in_file(name: str) -> list[Schedule]:
    """The schedules of a village's file."""
    described: dict[str, Any] = tomllib.loads((VILLAGES / name).read_text("utf-8"))
    return [Schedule(tuple(_step(step) for step in steps)) for steps in described["schedules"].values()]


def _step(step: dict[str, Any]) -> Step:
    if step["at"] in set(Anchor):
        return Step(Anchor(step["at"]), step["level"])
    return Step(Anchor.CLOCK, step["level"], time.fromisoformat(step["at"]))


def test_the_demo_follows_the_schedules_that_are_tested_here() -> None:
    assert in_file("luetjenholm.toml") == [DARK_AFTER_MIDNIGHT]
    assert in_file("glasau.toml") == [DIMMED_THEN_DARK]


@pytest.mark.parametrize(
    ("evening", "expected"),
    [
        (SPRING_26, ["2026-03-28T17:52:41", "2026-03-28T23:30", "2026-03-29T03:30", "2026-03-29T05:03:42"]),
        (AUTUMN_26, ["2026-10-24T16:04:47", "2026-10-24T22:30", "2026-10-25T04:30", "2026-10-25T06:12:18"]),
        (SPRING_27, ["2027-03-27T17:50:18", "2027-03-27T23:30", "2027-03-28T03:30", "2027-03-28T05:06:50"]),
        (AUTUMN_27, ["2027-10-30T15:52:16", "2027-10-30T22:30", "2027-10-31T04:30", "2027-10-31T06:23:51"]),
    ],
)
def test_luetjenholm_changes_each_once_on_the_nights_with_23_and_25_hours(evening: date, expected: list[str]) -> None:
    found = changes(DARK_AFTER_MIDNIGHT, LUETJENHOLM, evening)
    assert [level for _, level in found] == [100, 0, 100, 0]
    _same([at for at, _ in found], expected)


@pytest.mark.parametrize(
    ("evening", "expected"),
    [
        (SPRING_26, ["17:46:16", "21:00", "22:00", "03:00", "04:58:23"]),
        (AUTUMN_26, ["16:00:33", "20:00", "21:00", "04:00", "06:04:45"]),
        (SPRING_27, ["17:43:56", "21:00", "22:00", "03:00", "05:01:27"]),
        (AUTUMN_27, ["15:48:21", "20:00", "21:00", "04:00", "06:15:58"]),
    ],
)
def test_glasau_changes_each_once_on_the_nights_with_23_and_25_hours(evening: date, expected: list[str]) -> None:
    found = changes(DIMMED_THEN_DARK, GLASAU, evening)
    assert [level for _, level in found] == [100, 50, 0, 50, 0]
    morning = evening + timedelta(days=1)
    days = [evening, evening, evening, morning, morning]
    _same([at for at, _ in found], [f"{day}T{text}" for day, text in zip(days, expected, strict=True)])


def _same(found: list[datetime], expected: list[str]) -> None:
    """The clock's moments exactly; the sun's to a minute of the model in the sun's own test."""
    for at, text in zip(found, expected, strict=True):
        slack = timedelta(seconds=60) if text.count(":") == 2 else timedelta(0)
        assert abs(at - utc(text)) <= slack, (at, text)


@pytest.mark.parametrize(("evening", "gap"), [(SPRING_26, "2026-03-29"), (SPRING_27, "2027-03-28")])
def test_a_step_in_the_gap_runs_once_at_the_first_moment_after_it(evening: date, gap: str) -> None:
    schedule = Schedule((Step(SUNSET, 100), clock(2, 30, 0), Step(SUNRISE, 0)))
    assert changes(schedule, GLASAU, evening)[1:] == [(utc(f"{gap}T01:00"), 0)]
    both = Schedule((Step(SUNSET, 100), clock(2, 15, 50), clock(2, 30, 0)))
    assert changes(both, GLASAU, evening)[1:] == [(utc(f"{gap}T01:00"), 0)]


@pytest.mark.parametrize(("evening", "fold"), [(AUTUMN_26, "2026-10-25"), (AUTUMN_27, "2027-10-31")])
def test_a_step_in_the_fold_runs_once_at_its_first_occurrence(evening: date, fold: str) -> None:
    schedule = Schedule((Step(SUNSET, 100), clock(2, 30, 0), clock(2, 45, 50), clock(3, 0, 0)))
    assert changes(schedule, GLASAU, evening)[1:] == [
        (utc(f"{fold}T00:30"), 0),
        (utc(f"{fold}T00:45"), 50),
        (utc(f"{fold}T02:00"), 0),
    ]


ZONES = [BERLIN, "Europe/Lisbon", "Australia/Lord_Howe", "America/Santiago", "America/New_York"]


@given(
    st.sampled_from(ZONES),
    st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    st.integers(0, 23 * 60 + 59),
    st.sampled_from([SPRING_26, AUTUMN_26, SPRING_27, AUTUMN_27, None]),
)
def test_a_local_time_happens_at_the_first_moment_that_reaches_it(
    tz: str, day: date, minute: int, near: date | None
) -> None:
    if near is not None:
        day, minute = near + timedelta(days=1), minute % 240
    local = datetime.combine(day, time(minute // 60, minute % 60))
    moment = first_occurrence(local, tz)

    def wall(at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(tz)).replace(tzinfo=None)

    assert wall(moment) >= local
    for earlier in (SECOND, timedelta(minutes=29), timedelta(minutes=59), timedelta(hours=1), timedelta(hours=2)):
        assert wall(moment - earlier) < local


@pytest.mark.parametrize("schedule", [DARK_AFTER_MIDNIGHT, DIMMED_THEN_DARK], ids=["luetjenholm", "glasau"])
@pytest.mark.parametrize("lat", [54.7, 60.0, 69.0])
def test_nights_all_through_a_year_go_by_without_a_crash_and_never_repeats_itself(
    schedule: Schedule, lat: float
) -> None:
    place = Place(lat, 10.0, BERLIN)
    for day in range(0, 365, 3):
        evening = date(2026, 1, 1) + timedelta(days=day)
        levels = [stretch.level for stretch in tonight(schedule, place, evening)]
        steps = iter([0, *(step.level for step in schedule.steps)])
        assert all(level in steps for level in levels), evening  # in the order of the steps, each once at most


def test_in_a_white_night_the_light_keeps_to_the_order_of_its_steps() -> None:
    north = Place(69.0, 20.0, "Europe/Oslo")
    evening = date(2026, 6, 21)
    assert changes(ALL_NIGHT, north, evening) == []
    assert changes(DARK_AFTER_MIDNIGHT, north, evening) == []


def test_in_a_polar_night_the_light_burns_through_noon_without_a_flicker() -> None:
    north = Place(69.0, 20.0, "Europe/Oslo")
    start, end = noon(date(2026, 12, 20), north.tz), noon(date(2026, 12, 23), north.tz)
    assert list(Curve(ALL_NIGHT, north).intervals(start, end)) == [Interval(start, end, 100)]


def test_a_step_waits_for_the_one_before_it() -> None:
    june = date(2026, 6, 21)  # sunrise 04:46 comes before 05:30, and no lamp burns into the day
    assert [level for _, level in changes(DARK_AFTER_MIDNIGHT, LUETJENHOLM, june)] == [100, 0]
    early = Schedule((Step(SUNSET, 100), clock(20, 0, 50), Step(SUNRISE, 0)))  # sunset 22:05 comes after 20:00
    assert changes(early, LUETJENHOLM, june)[0] == (night(LUETJENHOLM, june).sunset, 50)


STEPS = st.one_of(
    st.builds(Step, st.sampled_from([SUNSET, SUNRISE]), st.integers(0, 100), st.none(), st.integers(-720, 720)),
    st.builds(Step, st.just(Anchor.CLOCK), st.sampled_from([0, 50, 100]), st.times(), st.integers(-60, 60)),
    st.builds(clock, st.integers(0, 23), st.sampled_from([0, 15, 30]), st.sampled_from([0, 50, 100])),
)
SCHEDULES = st.lists(STEPS, max_size=8).map(lambda steps: Schedule(tuple(steps)))
PLACES = st.builds(
    Place,
    st.floats(-80, 80),
    st.floats(-10, 30),
    st.sampled_from([BERLIN, "Europe/Lisbon", "Europe/Oslo", "Africa/Johannesburg"]),
)
MOMENTS = st.integers(0, 2 * 365 * 86_400).map(lambda s: utc("2026-01-01T00:00") + timedelta(seconds=s))


@given(SCHEDULES, PLACES, MOMENTS, st.timedeltas(timedelta(seconds=1), timedelta(days=3)))
def test_level_intervals_and_next_change_agree_at_every_moment(
    schedule: Schedule, place: Place, start: datetime, length: timedelta
) -> None:
    curve, end = Curve(schedule, place), start + length
    stretches = list(curve.intervals(start, end))

    assert (stretches[0].start, stretches[-1].end) == (start, end)
    for before, after in itertools.pairwise(stretches):
        assert before.end == after.start
        assert before.level != after.level
    for stretch in stretches:
        assert stretch.start < stretch.end
        last = stretch.end - timedelta(microseconds=1)
        middle = stretch.start + (stretch.end - stretch.start) / 2
        assert {curve.level_at(at) for at in (stretch.start, middle, last)} == {stretch.level}
        following = curve.next_change(middle, end - middle) if stretch.end < end else None
        if following is not None:
            assert following == (stretch.end, curve.level_at(stretch.end))
    assert curve.next_change(stretches[-1].start, end - stretches[-1].start) is None


@given(SCHEDULES, PLACES, MOMENTS)
def test_a_night_follows_its_steps_in_their_order_and_each_at_most_once(
    schedule: Schedule, place: Place, moment: datetime
) -> None:
    levels = [stretch.level for stretch in tonight(schedule, place, moment.date())]
    steps = iter([0, *(step.level for step in schedule.steps)])
    assert all(level in steps for level in levels)


def test_a_curve_that_never_changes_has_no_next_change() -> None:
    assert Curve(NEVER_LIT, GLASAU).next_change(utc("2026-11-20T12:00"), timedelta(days=30)) is None
    always = Schedule((clock(12, 0, 100),))
    assert Curve(always, GLASAU).next_change(utc("2026-03-01T12:00"), timedelta(days=60)) is None
    assert Curve(always, GLASAU).level_at(utc("2026-03-01T12:00")) == 100


@given(SCHEDULES, PLACES, MOMENTS)
def test_the_stretches_of_a_night_tile_it_without_empty_or_equal_neighbours(
    schedule: Schedule, place: Place, moment: datetime
) -> None:
    dark = night(place, moment.date())
    stretches = night_levels(schedule, dark, place.tz)
    assert (stretches[0].start, stretches[-1].end) == (dark.start, dark.end)
    assert all(stretch.start < stretch.end for stretch in stretches)
    assert all(a.end == b.start and a.level != b.level for a, b in itertools.pairwise(stretches))


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Step(SUNSET, 101), "level"),
        (lambda: Step(SUNSET, -1), "level"),
        (lambda: Step(Anchor.CLOCK, 50), "clock"),
        (lambda: Step(SUNSET, 50, time(1)), "clock"),
        (lambda: Step(SUNSET, 50, None, 721), "offset_min"),
        (lambda: Schedule((Step(SUNSET, 1),) * 21), "steps"),
    ],
)
def test_a_step_that_means_nothing_is_refused_by_the_name_of_its_field(make: Any, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        make()
