"""Local hours, days, nights and months as stretches of UTC."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.periods import label, midnight, month_of, months_on, period_of, periods
from service.domain.words import Period

BERLIN, KOLKATA, KATHMANDU, ADELAIDE = "Europe/Berlin", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Adelaide"
LORD_HOWE = "Australia/Lord_Howe"  # sets its clocks by half an hour
HAVANA, BEIRUT = "America/Havana", "Asia/Beirut"  # set theirs at midnight
ZONES = (BERLIN, KOLKATA, KATHMANDU, ADELAIDE, LORD_HOWE, HAVANA, BEIRUT, "UTC", "Antarctica/Troll")


def at(text: str, tz: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(tz)).astimezone(UTC)


@pytest.mark.parametrize(
    ("kind", "moment", "tz", "start", "end"),
    [
        (Period.HOUR, "2026-11-05 22:10", BERLIN, "2026-11-05 22:00", "2026-11-05 23:00"),
        (Period.HOUR, "2026-11-05 22:10", KOLKATA, "2026-11-05 21:30", "2026-11-05 22:30"),
        (Period.HOUR, "2026-11-05 22:10", KATHMANDU, "2026-11-05 21:15", "2026-11-05 22:15"),
        (Period.DAY, "2026-11-05 22:59", BERLIN, "2026-11-04 23:00", "2026-11-05 23:00"),
        (Period.DAY, "2026-11-05 23:00", BERLIN, "2026-11-05 23:00", "2026-11-06 23:00"),
        (Period.NIGHT, "2026-11-05 10:59", BERLIN, "2026-11-04 11:00", "2026-11-05 11:00"),
        (Period.NIGHT, "2026-11-05 11:00", BERLIN, "2026-11-05 11:00", "2026-11-06 11:00"),
        (Period.MONTH, "2026-10-31 22:59", BERLIN, "2026-09-30 22:00", "2026-10-31 23:00"),
        (Period.MONTH, "2026-12-31 23:00", BERLIN, "2026-12-31 23:00", "2027-01-31 23:00"),
    ],
)
def test_the_period_of_a_moment(kind: Period, moment: str, tz: str, start: str, end: str) -> None:
    assert period_of(kind, at(moment), tz) == (at(start), at(end))


@pytest.mark.parametrize(
    ("kind", "noon", "tz", "hours"),
    [
        (Period.DAY, "2026-03-29 12:00", BERLIN, 23),
        (Period.DAY, "2026-10-25 12:00", BERLIN, 25),
        (Period.NIGHT, "2026-03-28 12:00", BERLIN, 23),
        (Period.NIGHT, "2026-10-24 12:00", BERLIN, 25),
        (Period.DAY, "2026-10-24 12:00", BERLIN, 24),
        (Period.DAY, "2026-03-29 12:00", BEIRUT, 23),
        (Period.DAY, "2026-11-01 12:00", HAVANA, 25),
        (Period.DAY, "2026-04-05 12:00", LORD_HOWE, 24.5),
    ],
)
def test_days_and_nights_have_as_many_hours_as_clocks_give_them(kind: Period, noon: str, tz: str, hours: float) -> None:
    start, end = period_of(kind, at(noon, tz), tz)
    assert end - start == timedelta(hours=hours)
    assert len(list(periods(Period.HOUR, start, end, tz))) == int(hours)


def test_the_hour_that_comes_twice_has_two_names() -> None:
    night = period_of(Period.NIGHT, at("2026-10-25 01:30"), BERLIN)
    names = [label(Period.HOUR, start, BERLIN) for start, _ in periods(Period.HOUR, *night, BERLIN)]
    assert names[14:16] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]
    assert len(set(names)) == 25


def test_a_night_is_named_by_its_evening_and_a_month_by_its_number() -> None:
    moment = at("2026-11-01 03:00", BERLIN)
    names = {kind: label(kind, period_of(kind, moment, BERLIN)[0], BERLIN) for kind in Period}
    assert names == {
        Period.HOUR: "2026-11-01T03:00:00+01:00",
        Period.DAY: "2026-11-01",
        Period.NIGHT: "2026-10-31",
        Period.MONTH: "2026-11",
    }


@settings(max_examples=50)
@given(
    kind=st.sampled_from(Period),
    tz=st.sampled_from(ZONES),
    quarter=st.integers(0, 7 * 365 * 96),
)
def test_periods_tile_the_time_and_smaller_ones_the_larger(kind: Period, tz: str, quarter: int) -> None:
    moment = datetime(2024, 1, 2, tzinfo=UTC) + quarter * timedelta(minutes=15)
    start, end = period_of(kind, moment, tz)
    assert start <= moment < end
    assert period_of(kind, end - timedelta(microseconds=1), tz) == (start, end)
    assert period_of(kind, end, tz)[0] == end
    assert next(periods(kind, moment, moment + timedelta(seconds=1), tz)) == (start, end)
    if kind is not Period.HOUR:
        hours = list(periods(Period.HOUR, start, end, tz))
        assert [hours[0][0], *(to for _, to in hours)] == [*(begun for begun, _ in hours), end]
        assert hours[0][0] == start


def test_nothing_touches_an_empty_stretch() -> None:
    moment = at("2026-11-01 03:00")
    assert list(periods(Period.DAY, moment, moment, BERLIN)) == []


def test_months_are_counted_over_years() -> None:
    assert months_on(date(2026, 11, 1), 2) == date(2027, 1, 1)
    assert months_on(date(2026, 11, 1), -12) == date(2025, 11, 1)
    assert months_on(date(2026, 12, 1), 0) == date(2026, 12, 1)
    assert month_of(at("2026-10-31 23:30"), BERLIN) == date(2026, 11, 1)
    assert midnight(date(2026, 11, 1), BERLIN) == at("2026-10-31 23:00")
