"""On which nights a rule applies: weekdays, months, ranges of dates, public holidays, nth weekdays."""

import calendar
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.conditions import ALWAYS, Conditions, Dates, NthWeekday, is_holiday, known_region

SH = "DE-SH"
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)
DAYS = st.dates(date(2020, 1, 1), date(2032, 12, 31))


def holding(when: Conditions, year: int, region: str = SH) -> list[str]:
    """The nights of a year on which conditions hold, as month and day."""
    days = (date(year, 1, 1) + timedelta(days=n) for n in range(366))
    return [f"{day:%m-%d}" for day in days if day.year == year and when.hold(day, region)]


@given(DAYS, st.sampled_from(["", SH, "FR"]))
def test_no_conditions_hold_always(day: date, region: str) -> None:
    assert ALWAYS.hold(day, region)


@pytest.mark.parametrize(
    ("when", "year", "nights"),
    [
        (Conditions(weekdays=(FRI, SAT), months=(2,)), 2026, "02-06 02-07 02-13 02-14 02-20 02-21 02-27 02-28"),
        (Conditions(weekdays=(TUE,), months=(2,)), 2028, "02-01 02-08 02-15 02-22 02-29"),
        (Conditions(dates=(Dates((12, 30), (1, 2)),)), 2026, "01-01 01-02 12-30 12-31"),
        (Conditions(dates=(Dates((12, 31), (1, 1), 2026, 2027),)), 2026, "12-31"),
        (Conditions(dates=(Dates((12, 31), (1, 1), 2026, 2027),)), 2027, "01-01"),
        (Conditions(dates=(Dates((12, 31), (1, 1), 2026, 2027),)), 2028, ""),
        (Conditions(dates=(Dates((2, 28), (3, 1)),)), 2027, "02-28 03-01"),
        (Conditions(dates=(Dates((2, 28), (3, 1)),)), 2028, "02-28 02-29 03-01"),
        (Conditions(dates=(Dates((2, 29), (2, 29)),)), 2027, ""),
        (Conditions(dates=(Dates((2, 29), (2, 29)),)), 2028, "02-29"),
        (Conditions(dates=(Dates((2, 29), (3, 1)),)), 2027, "03-01"),
        (Conditions(dates=(Dates((2, 27), (2, 29)),)), 2027, "02-27 02-28"),
        (Conditions(dates=(Dates((2, 29), (2, 29), 2028, 2028),)), 2028, "02-29"),
        (Conditions(dates=(Dates((5, 1), (5, 1)), Dates((6, 1), (6, 2)))), 2026, "05-01 06-01 06-02"),
        (Conditions(nth=(NthWeekday(1, SUN),), months=(1, 2, 3)), 2026, "01-04 02-01 03-01"),
        (Conditions(nth=(NthWeekday(-1, FRI),), months=(1, 2, 3)), 2026, "01-30 02-27 03-27"),
        (Conditions(nth=(NthWeekday(-1, FRI),), months=(7,)), 2026, "07-31"),  # not the twenty-fourth too
        (Conditions(nth=(NthWeekday(5, SAT),), months=(1, 2, 3, 4, 5)), 2026, "01-31 05-30"),
        (Conditions(nth=(NthWeekday(5, TUE),), months=(2,)), 2028, "02-29"),
        (Conditions(nth=(NthWeekday(2, MON), NthWeekday(-1, MON)), months=(2,)), 2027, "02-08 02-22"),
        (Conditions(weekdays=(SAT,), dates=(Dates((12, 24), (12, 26)),)), 2026, "12-26"),
        (Conditions(holiday=True, months=(10, 11)), 2026, "10-03 10-31"),
        (Conditions(holiday=False, dates=(Dates((12, 24), (12, 27)),)), 2026, "12-24 12-27"),
    ],
    ids=str,
)
def test_conditions_hold_on_exactly_these_nights(when: Conditions, year: int, nights: str) -> None:
    assert holding(when, year) == nights.split()


def test_the_public_holidays_of_schleswig_holstein_in_2026() -> None:
    nights = "01-01 04-03 04-06 05-01 05-14 05-25 10-03 10-31 12-25 12-26"  # Easter Sunday is the fifth of April
    assert holding(Conditions(holiday=True), 2026) == nights.split()


def test_a_holiday_is_one_where_it_is_kept() -> None:
    reformation, corpus_christi = date(2026, 10, 31), date(2026, 6, 4)
    assert [is_holiday(day, SH) for day in (reformation, corpus_christi)] == [True, False]
    assert [is_holiday(day, "DE-BY") for day in (reformation, corpus_christi)] == [False, True]
    assert [is_holiday(day, "DE") for day in (reformation, corpus_christi)] == [False, False]
    assert is_holiday(date(2026, 7, 14), "FR")
    assert not is_holiday(date(2026, 12, 25), "")


def test_without_a_region_no_night_is_a_holiday() -> None:
    christmas = date(2026, 12, 25)
    assert not Conditions(holiday=True).hold(christmas, "")
    assert Conditions(holiday=False).hold(christmas, "")


@given(st.integers(1, 5), st.integers(1, 12), st.integers(2024, 2032), st.integers(0, 6))
def test_an_nth_weekday_is_the_nth_of_those_in_its_month(n: int, month: int, year: int, weekday: int) -> None:
    days = [date(year, month, d) for d in range(1, calendar.monthrange(year, month)[1] + 1)]
    alike = [day for day in days if day.weekday() == weekday]
    assert [day for day in days if NthWeekday(n, weekday).holds(day)] == alike[n - 1 : n]
    assert [day for day in days if NthWeekday(-1, weekday).holds(day)] == alike[-1:]


@given(DAYS, DAYS, DAYS)
def test_a_range_with_years_holds_from_its_first_day_to_its_last(a: date, b: date, day: date) -> None:
    first, last = min(a, b), max(a, b)
    dates = Dates((first.month, first.day), (last.month, last.day), first.year, last.year)
    assert dates.hold(day) == (first <= day <= last)


@given(DAYS, DAYS, DAYS)
def test_two_yearly_ranges_between_the_same_ends_make_up_the_year(a: date, b: date, day: date) -> None:
    one, other, at = (a.month, a.day), (b.month, b.day), (day.month, day.day)
    there, back = Dates(one, other).hold(day), Dates(other, one).hold(day)
    if one == other:
        assert there == back == (at == one)
    else:
        assert there or back
        assert (there and back) == (at in (one, other))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Conditions(weekdays=(7,)), "weekdays: 7 is not between 0 and 6"),
        (lambda: Conditions(weekdays=(0, -1)), "weekdays: -1 is not"),
        (lambda: Conditions(months=(0,)), "months: 0 is not between 1 and 12"),
        (lambda: Conditions(months=(13,)), "months: 13 is not"),
        (lambda: NthWeekday(0, MON), "nth.n: 0 is not"),
        (lambda: NthWeekday(6, MON), "nth.n: 6 is not"),
        (lambda: NthWeekday(-2, MON), "nth.n: -2 is not"),
        (lambda: NthWeekday(1, 7), "nth.weekday: 7 is not"),
        (lambda: Dates((2, 30), (3, 1)), "dates.first: 2-30 is no date"),
        (lambda: Dates((1, 1), (13, 1)), "dates.last: 13-1 is no date"),
        (lambda: Dates((2, 29), (3, 1), 2027, 2027), "dates.first: 2-29 is no date"),
        (lambda: Dates((1, 1), (2, 1), 2026, None), "dates: give a year at both ends or at none"),
        (lambda: Dates((1, 1), (2, 1), None, 2026), "dates: give a year at both ends or at none"),
        (lambda: Dates((2, 1), (1, 1), 2026, 2026), "dates: the range ends before it begins"),
        (lambda: Dates((1, 1), (2, 1), 2027, 2026), "dates: the range ends before it begins"),
    ],
)
def test_what_no_calendar_has_is_refused_by_the_name_of_its_field(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_which_regions_have_known_holidays() -> None:
    assert known_region(SH)
    assert known_region("FR")
    assert not known_region("XX")
    assert not known_region("DE-XX")
    assert not known_region("")
    assert not known_region("DE-")
