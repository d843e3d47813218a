"""Each transition happens once: on the nights with 23 and 25 hours, and where the sun does not set or rise."""

import itertools
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.conditions import Conditions, Dates
from service.domain.curve import Curve, Interval
from service.domain.schedule import (
    Anchor,
    Moment,
    NightRules,
    Program,
    QuietCap,
    Rule,
    Schedule,
    Step,
    Window,
    first_occurrence,
    never_after,
)
from service.domain.sun import Place, night, noon, twilight
from service.usecases.schedule_documents import ScheduleDocument
from tests.unit.villages import (
    ALL_NIGHT,
    BERLIN,
    DARK_AFTER_MIDNIGHT,
    DIMMED_THEN_DARK,
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


def programs_in(value: object) -> Iterator[Program]:
    """Every program anywhere in a village's file."""
    if isinstance(value, dict):
        for part in value.values():
            yield from programs_in(part)
    elif isinstance(value, list) and value and all(isinstance(step, dict) and "at" in step for step in value):
        yield ScheduleDocument(steps=value).schedule().steps
    elif isinstance(value, list):
        for part in value:
            yield from programs_in(part)


@pytest.mark.parametrize(
    ("name", "schedule"), [("luetjenholm.toml", DARK_AFTER_MIDNIGHT), ("glasau.toml", DIMMED_THEN_DARK)]
)
def test_the_demo_follows_the_schedules_that_are_tested_here(name: str, schedule: Schedule) -> None:
    assert schedule.steps in set(programs_in(tomllib.loads((VILLAGES / name).read_text("utf-8"))))


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


@pytest.mark.parametrize(
    ("tz", "evening", "clock_time", "expected"),
    [
        (BERLIN, "2026-03-28", "01:59", "2026-03-29T00:59"),
        (BERLIN, "2026-03-28", "02:00", "2026-03-29T01:00"),  # 02:00 to 03:00 does not exist
        (BERLIN, "2026-03-28", "02:59", "2026-03-29T01:00"),
        (BERLIN, "2026-03-28", "03:00", "2026-03-29T01:00"),
        (BERLIN, "2026-10-24", "02:00", "2026-10-25T00:00"),  # 02:00 to 03:00 comes twice
        (BERLIN, "2026-10-24", "02:59", "2026-10-25T00:59"),
        (BERLIN, "2026-10-24", "03:00", "2026-10-25T02:00"),
        (BERLIN, "2027-03-27", "02:30", "2027-03-28T01:00"),
        (BERLIN, "2027-10-30", "02:30", "2027-10-31T00:30"),
        (BERLIN, "2028-02-28", "00:30", "2028-02-28T23:30"),  # the morning of the leap day
        (BERLIN, "2028-02-29", "23:00", "2028-02-29T22:00"),
        ("Australia/Lord_Howe", "2026-10-03", "02:15", "2026-10-03T15:30"),  # half an hour is left out
        ("Australia/Lord_Howe", "2026-04-04", "01:45", "2026-04-04T14:45"),  # half an hour comes twice
        ("Australia/Lord_Howe", "2026-04-04", "02:00", "2026-04-04T15:30"),
        ("America/Sao_Paulo", "2018-11-03", "00:30", "2018-11-04T03:00"),  # midnight does not exist
        ("America/Sao_Paulo", "2019-02-16", "23:30", "2019-02-17T01:30"),  # the last hour of the evening comes twice
        ("America/Sao_Paulo", "2019-11-02", "00:30", "2019-11-03T03:30"),  # summer time was given up
        ("Europe/Istanbul", "2015-11-07", "03:30", "2015-11-08T00:30"),  # the change came two weeks late
        ("Europe/Istanbul", "2016-10-29", "03:30", "2016-10-30T00:30"),  # and the year after it came no more
        ("Africa/Casablanca", "2026-02-14", "02:30", "2026-02-15T01:30"),  # an hour back for Ramadan
        ("Africa/Casablanca", "2026-03-21", "02:30", "2026-03-22T02:00"),  # and forth again
    ],
)
def test_a_time_of_day_happens_once_in_a_night(tz: str, evening: str, clock_time: str, expected: str) -> None:
    at = Moment(Anchor.CLOCK, time.fromisoformat(clock_time))
    assert at.on(Place(0.0, 0.0, tz), date.fromisoformat(evening)) == utc(expected)


@pytest.mark.parametrize(
    ("tz", "evening", "hours"),
    [
        (BERLIN, "2026-03-28", 23),
        (BERLIN, "2026-10-24", 25),
        (BERLIN, "2027-03-27", 23),
        (BERLIN, "2027-10-30", 25),
        (BERLIN, "2028-02-28", 24),
        ("Australia/Lord_Howe", "2026-10-03", 23.5),
        ("Australia/Lord_Howe", "2026-04-04", 24.5),
        ("America/Sao_Paulo", "2018-11-03", 23),
        ("America/Sao_Paulo", "2019-02-16", 25),
        ("America/Sao_Paulo", "2019-11-02", 24),
        ("Europe/Istanbul", "2016-10-29", 24),
    ],
)
def test_the_stretches_of_odd_nights_tile_all_their_hours(tz: str, evening: str, hours: float) -> None:
    every_hour = Schedule(tuple(clock(hour % 24, 30, hour) for hour in range(14, 33)))
    stretches = Curve(every_hour, Place(40.0, 15.0, tz)).night(date.fromisoformat(evening))
    assert sum((s.end - s.start for s in stretches), timedelta(0)) == timedelta(hours=hours)
    assert all(a.end == b.start for a, b in itertools.pairwise(stretches))
    levels = [s.level for s in stretches]
    assert levels == sorted(set(levels))
    assert set(range(14, 33)) - set(levels) <= {24, 26}  # what the gap swallows: 00:30, 02:30


def test_each_anchor_is_its_moment_of_the_sun_and_an_offset_shifts_it() -> None:
    evening = date(2026, 11, 20)
    sun, (dusk, dawn) = night(LUETJENHOLM, evening), twilight(LUETJENHOLM, evening)
    moments = {Anchor.SUNSET: sun.sunset, Anchor.SUNRISE: sun.sunrise, Anchor.DUSK: dusk, Anchor.DAWN: dawn}
    for anchor, expected in moments.items():
        for offset in (-720, -15, 0, 30, 720):
            assert Moment(anchor, None, offset).on(LUETJENHOLM, evening) == expected + timedelta(minutes=offset)
    assert Moment(Anchor.CLOCK, time(1), 90).on(LUETJENHOLM, evening) == utc("2026-11-21T01:30")
    assert Moment(Anchor.CLOCK, time(12), 0).on(LUETJENHOLM, evening) == sun.start
    assert Moment(Anchor.CLOCK, time(11, 59), 0).on(LUETJENHOLM, evening) == sun.end - timedelta(minutes=1)


def test_an_offset_counts_minutes_that_pass_also_over_a_change_of_the_clocks() -> None:
    at = Moment(Anchor.CLOCK, time(1), 120)
    assert at.on(LUETJENHOLM, SPRING_26) == utc("2026-03-29T02:00")  # 04:00 local time
    assert at.on(LUETJENHOLM, AUTUMN_26) == utc("2026-10-25T01:00")  # 02:00 local time, the second one


def test_lamps_lit_from_dusk_to_dawn_stay_dark_where_it_never_gets_dark() -> None:
    twilit = Schedule((Step(Anchor.DUSK, 100), Step(Anchor.DAWN, 0)))
    june = date(2026, 6, 21)
    assert changes(twilit, Place(61.0, 10.75, "Europe/Oslo"), june) == []
    assert [level for _, level in changes(twilit, Place(60.0, 10.75, "Europe/Oslo"), june)] == [100, 0]
    assert [level for _, level in changes(twilit, LUETJENHOLM, june)] == [100, 0]


FRIDAYS, CHRISTMAS, EVERY = (clock(17, 0, 70),), (clock(17, 0, 90),), (clock(17, 0, 30),)
RULES = Schedule(
    EVERY,
    (
        Rule(Conditions(dates=(Dates((12, 24), (1, 1)),)), CHRISTMAS),
        Rule(Conditions(weekdays=(4,)), FRIDAYS),
        Rule(Conditions(dates=(Dates((2, 29), (2, 29)),)), ()),
    ),
)


@pytest.mark.parametrize(
    ("evening", "rule", "program"),
    [
        (date(2026, 12, 23), None, EVERY),
        (date(2026, 12, 24), 0, CHRISTMAS),
        (date(2026, 12, 25), 0, CHRISTMAS),  # a Friday, but the first rule that holds decides
        (date(2027, 1, 1), 0, CHRISTMAS),
        (date(2027, 1, 8), 1, FRIDAYS),
        (date(2027, 1, 9), None, EVERY),
        (date(2028, 2, 29), 2, ()),
        (date(2027, 2, 28), None, EVERY),
    ],
)
def test_the_first_rule_that_holds_gives_a_night_its_program(evening: date, rule: int | None, program: Program) -> None:
    assert RULES.rule_on(evening, "DE-SH") == rule
    assert RULES.rules_on(evening, "DE-SH") == NightRules(program)


def test_a_night_belongs_to_the_date_of_its_evening_to_its_last_minute() -> None:
    curve = Curve(RULES, LUETJENHOLM)
    assert curve.level_at(utc("2027-01-08T15:59")) == 0  # Friday 16:59
    assert curve.level_at(utc("2027-01-08T16:00")) == 70
    assert curve.level_at(utc("2027-01-09T10:59")) == 70  # Saturday 11:59
    assert curve.level_at(utc("2027-01-09T11:00")) == 0
    holidays = Schedule((), (Rule(Conditions(holiday=True), EVERY),))
    kept = Curve(holidays, Place(54.7, 9.05, BERLIN, "DE-SH"))
    assert kept.level_at(utc("2026-11-01T10:59")) == 30  # the morning after Reformation Day
    assert kept.level_at(utc("2026-10-31T10:59")) == 0  # its own morning belongs to the night before
    assert Curve(holidays, LUETJENHOLM).level_at(utc("2026-11-01T10:59")) == 0  # no region, no holidays


def at(text: str) -> Moment:
    """A time of day."""
    return Moment(Anchor.CLOCK, time.fromisoformat(text))


@pytest.mark.parametrize(
    ("start", "end", "evening", "expected"),
    [
        ("22:00", "05:00", date(2026, 11, 20), ("2026-11-20T21:00", "2026-11-21T04:00")),
        ("02:00", "03:00", SPRING_26, ("2026-03-29T01:00", "2026-03-29T01:00")),  # the hour that is left out
        ("02:00", "03:00", AUTUMN_26, ("2026-10-25T00:00", "2026-10-25T02:00")),  # the hour that comes twice
        ("02:30", "03:15", SPRING_27, ("2027-03-28T01:00", "2027-03-28T01:15")),
    ],
)
def test_a_window_on_nights_of_all_lengths(start: str, end: str, evening: date, expected: tuple[str, str]) -> None:
    assert Window(at(start), at(end)).on(LUETJENHOLM, evening) == (utc(expected[0]), utc(expected[1]))


def test_a_window_is_empty_where_its_end_comes_first_or_its_conditions_do_not_hold() -> None:
    june, november = date(2026, 6, 21), date(2026, 11, 20)
    before_sunrise = Window(at("05:30"), Moment(SUNRISE))
    start, end = before_sunrise.on(LUETJENHOLM, june)
    assert start == end
    start, end = before_sunrise.on(LUETJENHOLM, november)
    assert start < end
    summer = Window(at("22:00"), at("23:00"), Conditions(months=(6,)))
    start, end = summer.on(LUETJENHOLM, november)
    assert start == end
    start, end = summer.on(LUETJENHOLM, june)
    assert end - start == timedelta(hours=1)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (at("02:00"), at("23:00")),
        (at("23:00"), at("23:00")),
        (at("22:00"), at("12:00")),  # noon begins a night
        (Moment(Anchor.CLOCK, time(1), 60), Moment(Anchor.CLOCK, time(2), 0)),
        (Moment(SUNSET, None, 10), Moment(SUNSET)),
        (Moment(SUNRISE), Moment(SUNSET)),
        (Moment(Anchor.DAWN), Moment(Anchor.DUSK)),
        (Moment(SUNRISE), Moment(Anchor.DAWN)),
    ],
    ids=str,
)
def test_a_window_that_ends_before_it_starts_in_every_night_is_refused(start: Moment, end: Moment) -> None:
    with pytest.raises(ValueError, match=r"^end: "):
        Window(start, end)


ANCHORED = st.one_of(
    st.builds(Moment, st.sampled_from([SUNSET, SUNRISE, Anchor.DUSK, Anchor.DAWN]), st.none(), st.integers(-720, 720)),
    st.builds(
        Moment, st.just(Anchor.CLOCK), st.builds(time, st.integers(0, 23), st.integers(0, 59)), st.integers(-720, 720)
    ),
)


@given(ANCHORED, ANCHORED, st.sampled_from([LUETJENHOLM, Place(69.0, 20.0, "Europe/Oslo")]))
def test_no_window_is_refused_that_could_be_open_in_some_night(start: Moment, end: Moment, place: Place) -> None:
    if never_after(start, end):
        for day in (date(2026, 6, 21), date(2026, 12, 21), SPRING_26 + timedelta(days=7), date(2026, 9, 21)):
            assert end.on(place, day) <= start.on(place, day)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Step(SUNSET, 101), "level"),
        (lambda: Step(SUNSET, -1), "level"),
        (lambda: Step(Anchor.CLOCK, 50), "clock"),
        (lambda: Step(SUNSET, 50, time(1)), "clock"),
        (lambda: Step(Anchor.CLOCK, 50, time(1, 0, 30)), "clock"),
        (lambda: Step(Anchor.CLOCK, 50, time(1, tzinfo=UTC)), "clock"),
        (lambda: Step(SUNSET, 50, None, 721), "offset_min"),
        (lambda: Step(SUNSET, 50, None, -721), "offset_min"),
        (lambda: Step(SUNSET, 50, fade_s=-1), "fade_s"),
        (lambda: Step(SUNSET, 50, fade_s=601), "fade_s"),
        (lambda: Moment(SUNSET, time(1)), "clock"),
        (lambda: Rule(Conditions(), (Step(SUNSET, 1),) * 21), "steps"),
        (lambda: Schedule((), (Rule(Conditions(), ()),) * 51), "rules"),
        (lambda: QuietCap(100, Window(Moment(SUNSET), Moment(SUNRISE))), "level"),
        (lambda: QuietCap(-1, Window(Moment(SUNSET), Moment(SUNRISE))), "level"),
        (lambda: Schedule((Step(SUNSET, 1),) * 21), "steps"),
    ],
)
def test_a_step_that_means_nothing_is_refused_by_the_name_of_its_field(make: Any, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        make()
