"""Plans: steps, the rule after them, the sun and the clock, and what happens when nobody answers any more."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_mock.core import decode, planning
from firmware_mock.core.posix_tz import Zone
from firmware_mock.core.sun import Night
from service.domain import schedule, sun
from service.domain.curve import Curve
from service.wire.codec import posix_tz
from tests.support.poles import HOUR, MINUTE, Pole, T, plan, step

RULE = [
    {"anchor": "sunset", "level": 100},
    {"anchor": "clock", "clock": "00:30", "level": 0},
    {"anchor": "clock", "clock": "05:30", "level": 100},
    {"anchor": "sunrise", "offset_min": -10, "level": 0},
]
PLACES = [
    sun.Place(54.7, 9.05, "Europe/Berlin"),
    sun.Place(43.36, -1.68, "Europe/Paris"),
    sun.Place(69.65, 18.96, "Europe/Oslo"),
    sun.Place(64.15, -21.9, "Atlantic/Reykjavik"),
    sun.Place(53.35, -6.26, "Europe/Dublin"),
    sun.Place(-33.87, 151.2, "Australia/Sydney"),
    sun.Place(64.18, -51.7, "America/Nuuk"),
    sun.Place(0.0, 179.0, "Pacific/Tarawa"),
    sun.Place(1.98, -157.4, "Pacific/Kiritimati"),
    sun.Place(60.0, 11.0, "Europe/Oslo"),
    sun.Place(61.1, 10.5, "Europe/Oslo"),
    sun.Place(78.22, 15.65, "Europe/Oslo"),
]
SUN = ("sunset", "dusk", "dawn", "sunrise")


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def local(text: str, tz: str = "Europe/Berlin", fold: int = 0) -> int:
    return ms(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz), fold=fold))


def test_steps_hold_until_the_next_and_the_first_from_the_plans_start() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T + HOUR, 20), (T + 2 * HOUR, 60)]))
    seen = []
    for _ in range(4):
        seen.append(pole.now()[0])
        pole.wait(HOUR)
    assert seen == [20, 20, 60, 60]


def test_a_plan_with_a_lower_counter_is_ignored_an_equal_one_applied_again_and_each_is_answered() -> None:
    pole = Pole()
    for n, level, given_level in ((5, 50, 50), (4, 70, 50), (5, 30, 30), (6, 90, 90)):
        pole.plan(plan(n, [(T, level)]))
        assert pole.now()[0] == given_level
        assert pole.answered()
    assert pole.report()["plan_n"] == 6


def test_a_plan_outlives_power() -> None:
    pole = Pole()
    pole.plan(plan(3, [(T, 60)]))
    pole.power_cycle()
    pole.time(T)
    assert pole.now() == (60, "schedule")


def test_after_the_steps_the_rule_goes_on() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 55)], ends=T + HOUR, rule=RULE))
    pole.wait(HOUR - 1)
    assert pole.now()[0] == 55
    pole.wait(1)
    assert pole.now()[0] == 0, "02:00, the dark window of the rule"
    pole.wait(local("2026-11-22T05:30") - T - HOUR)
    assert pole.now()[0] == 100


@pytest.mark.parametrize(
    ("evening", "changes"),
    [
        ("2027-03-27", ["2027-03-28T00:30+01:00", "2027-03-28T05:30+02:00"]),
        ("2026-10-24", ["2026-10-25T00:30+02:00", "2026-10-25T05:30+01:00"]),
    ],
)
def test_the_rule_switches_once_each_on_the_nights_with_23_and_25_hours(evening: str, changes: list[str]) -> None:
    noon = local(f"{evening}T12:00")
    pole = Pole(clock=noon)
    pole.plan(plan(2, [(noon, 0)], ends=noon, rule=RULE))
    seen = {}
    level = pole.now()[0]
    for minute in range(25 * 60):
        if pole.now()[0] != level:
            level = pole.now()[0]
            seen[noon + minute * MINUTE] = level
        pole.wait(MINUTE)
    assert list(seen.values()) == [100, 0, 100, 0]
    assert list(seen)[1:3] == [ms(datetime.fromisoformat(change)) for change in changes]


@pytest.mark.parametrize(
    ("clock", "evening", "switches"),
    [
        ("02:30", "2027-03-27", "2027-03-28T03:00+02:00"),  # does not exist: the first moment after the gap
        ("02:30", "2026-10-24", "2026-10-25T02:30+02:00"),  # exists twice: the first
    ],
)
def test_a_clock_time_in_gap_or_fold_switches_once(clock: str, evening: str, switches: str) -> None:
    noon = local(f"{evening}T12:00")
    pole = Pole(clock=noon)
    pole.plan(plan(2, [(noon, 0)], ends=noon, rule=[{"anchor": "clock", "clock": clock, "level": 100}]))
    ups = 0
    for _ in range(24 * 60):
        before = pole.now()[0]
        pole.wait(MINUTE)
        if pole.now()[0] > before:
            ups += 1
            assert pole.report()["at"] == ms(datetime.fromisoformat(switches))
    assert ups == 1


STEPS = st.builds(
    lambda anchor, clock, offset, level: schedule.Step(
        anchor, level, clock if anchor is schedule.Anchor.CLOCK else None, offset
    ),
    st.sampled_from(schedule.Anchor),
    st.times().map(lambda t: t.replace(second=0, microsecond=0)),
    st.integers(-720, 720),
    st.integers(0, 100),
)


@given(
    st.sampled_from(PLACES), st.dates(date(2025, 1, 1), date(2036, 12, 31)), st.lists(STEPS, max_size=8), st.booleans()
)
def test_a_night_by_rule_is_the_night_that_the_service_plans(
    place: sun.Place, day: date, steps: list[schedule.Step], around_change: bool
) -> None:
    if around_change:
        day = day.replace(month=3 if day.day % 2 else 10, day=25 + day.day % 7)
    ours = Night((day - date(1970, 1, 1)).days, place.lat, place.lon, zone := Zone(posix_tz(place.tz)))
    theirs = sun.night(place, day)
    assert (ours.start, ours.end) == (ms(theirs.start), ms(theirs.end))
    dusk, dawn = sun.twilight(place, day)
    moments = dict(zip(SUN, map(ms, (theirs.sunset, dusk, dawn, theirs.sunrise)), strict=True))
    for name, moment in moments.items():
        assert abs(getattr(ours, name) - moment) <= 2_000, name
        setattr(ours, name, moment)  # then the rest must agree to the millisecond
    rule = [
        decode.RuleStep(
            str(s.anchor),
            (s.clock.hour * 60 + s.clock.minute) * MINUTE if s.clock else 0,
            s.offset_min * MINUTE,
            s.level,
        )
        for s in steps
    ]
    changes = planning.night_changes(rule, ours, zone)
    for stretch in Curve(schedule.Schedule(tuple(steps)), place).night(day):
        middle = ms(stretch.start + (stretch.end - stretch.start) / 2)
        for moment in (ms(stretch.start), middle, ms(stretch.end) - 1):
            assert max(enumerate(changes), key=lambda c: (c[1][0] <= moment, c[0]))[1][1] == stretch.level


@pytest.mark.parametrize("name", ["Europe/Berlin", "Europe/Dublin", "Australia/Sydney", "America/Nuuk", "Asia/Tehran"])
def test_posix_rules_give_the_local_time_of_three_years(name: str) -> None:
    zone, real = Zone(posix_tz(name)), ZoneInfo(name)
    moments = []
    for day in (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=n) for n in range(3 * 365)):
        after = day + timedelta(days=1)
        changes = day.astimezone(real).utcoffset() != after.astimezone(real).utcoffset()
        moments += [day + timedelta(minutes=30 * n) for n in (range(-48, 96) if changes else (0,))]
    for moment in moments:
        offset = moment.astimezone(real).utcoffset()
        assert offset is not None
        assert zone.offset(ms(moment)) == offset.total_seconds() * 1000, moment
        for wall in (moment.astimezone(real).replace(tzinfo=None), moment.replace(tzinfo=None)):
            assert zone.utc(ms(wall.replace(tzinfo=UTC))) == ms(schedule.first_occurrence(wall, name)), wall


def test_other_forms_of_posix_rules() -> None:
    assert Zone("<+0330>-3:30").offset(T) == 3.5 * HOUR
    by_day = Zone("AAA0BBB,J60/0,J300/0")  # day 60 is 1 March in every year
    assert by_day.offset(local("2028-03-01T00:00", "UTC")) == HOUR
    assert by_day.offset(local("2028-02-29T23:59", "UTC")) == 0
    counted = Zone("AAA0BBB,59/0,299/0")  # day 59 is 29 February in a leap year
    assert counted.offset(local("2028-02-29T00:00", "UTC")) == HOUR
    assert counted.offset(local("2027-02-28T23:59", "UTC")) == 0


def cut_off(fail_state: str, *, safety: bool = False) -> Pole:
    """A pole that was cut off for an hour, with a plan for 100 till 20:00, 40 till midnight, 0 till 05:00, then 100."""
    evening = local("2026-11-22T19:00")
    pole = Pole(clock=evening)
    changes = [
        ("22T12:00", 0),
        ("22T17:00", 100),
        ("22T20:00", 40),
        ("23T00:00", 0),
        ("23T05:00", 100),
        ("23T09:00", 0),
    ]
    steps = [(local(f"2026-11-{at}"), level) for at, level in changes]
    pole.plan(plan(2, steps, fail_state=fail_state, safety=safety))
    pole.core.on_link(False, pole.mono)
    pole.wait(HOUR - 1)
    assert pole.now() == (100, "safety" if safety else "schedule")
    pole.wait(1)
    return pole


def levels(pole: Pole) -> dict[str, tuple[int, str]]:
    """What it does at some hours of the night."""
    seen = {}
    for hour in ("22T20:00", "23T00:00", "23T05:00", "23T09:00", "23T15:00"):
        pole.wait(max(0, local(f"2026-11-{hour}") - pole.core.report(pole.mono)["at"]))  # type: ignore[operator]
        seen[hour] = pole.now()
    return seen


def test_cut_off_with_fail_state_plan_the_plan_goes_on() -> None:
    assert [level for level, _ in levels(cut_off("plan")).values()] == [40, 0, 100, 0, 0]


def test_cut_off_with_fail_state_lit_the_dark_windows_are_lit_and_the_day_is_not() -> None:
    seen = levels(cut_off("lit"))
    assert seen == {
        "22T20:00": (40, "schedule"),
        "23T00:00": (100, "failsafe"),
        "23T05:00": (100, "schedule"),
        "23T09:00": (0, "schedule"),
        "23T15:00": (0, "schedule"),
    }


def test_cut_off_with_fail_state_dark_all_is_dark_but_never_a_safety_output() -> None:
    assert [level for level, _ in levels(cut_off("dark")).values()] == [0, 0, 0, 0, 0]
    assert levels(cut_off("dark"))["23T05:00"] == (0, "failsafe")
    assert [level for level, _ in levels(cut_off("dark", safety=True)).values()] == [40, 0, 100, 0, 0]


def test_an_order_heard_before_the_cut_still_rules_over_the_fail_state() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 50)], fail_state="dark", cut_off_after_min=1))
    pole.order(1, step(T, T + 3 * MINUTE))
    pole.core.on_link(False, pole.mono)
    pole.wait(2 * MINUTE)
    assert pole.now() == (100, "press")
    pole.wait(MINUTE)
    assert pole.now() == (0, "failsafe")


def test_when_the_broker_is_back_the_plan_rules_again() -> None:
    pole = cut_off("dark")
    assert pole.now() == (0, "failsafe")
    pole.core.on_link(True, pole.mono)
    assert pole.now() == (40, "schedule")


def test_a_short_break_changes_nothing() -> None:
    pole = Pole()
    pole.plan(plan(2, [(T, 50)], fail_state="dark", cut_off_after_min=1))
    for _ in range(5):
        pole.core.on_link(False, pole.mono)
        pole.wait(MINUTE - 1)
        assert pole.now() == (50, "schedule")
        pole.core.on_link(True, pole.mono)


def test_noon_is_where_a_night_begins() -> None:
    noon = datetime.combine(date(2026, 6, 21), time(12), ZoneInfo("Europe/Berlin"))
    assert Night((noon.date() - date(1970, 1, 1)).days, 54.7, 9.05, Zone("CET-1CEST,M3.5.0,M10.5.0/3")).start == ms(
        noon
    )
