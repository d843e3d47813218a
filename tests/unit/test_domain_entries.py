"""Entries know the hours of local time, and are coarsened within them."""

import random
from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.entries import QUARTER, Entry, ZonedEntry, coarsen, local_hour_of, local_hours
from service.domain.inventory import OutputKey
from service.domain.words import Cause, Quality
from tests.unit.villages import BERLIN, utc

LAMP, OTHER = OutputKey("glasau", "lamp-01", 1), OutputKey("glasau", "lamp-02", 1)
TEN = utc("2026-11-20T22:00")
MINUTE, SECOND, ZERO = timedelta(minutes=1), timedelta(seconds=1), timedelta()
KOLKATA, KATHMANDU, LORD_HOWE = "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"
ZONES = [BERLIN, KOLKATA, KATHMANDU, LORD_HOWE]


def entry(start: datetime, minutes: float, energy: int, cause: Cause = Cause.SCHEDULE, **more: object) -> ZonedEntry:
    length = timedelta(minutes=minutes)
    ref = "a" if cause is Cause.PRESS else None
    made = Entry(LAMP, start, start + length, energy, cause, ref, 100, length)
    return ZonedEntry("am-see", made._replace(**more))  # type: ignore[arg-type]


def plain(entries: list[ZonedEntry]) -> list[tuple[datetime, datetime, int, Cause, timedelta]]:
    return [(e.start, e.end, e.energy_mwh, e.cause, e.lit) for _, e in entries]


# hours


def test_full_hours_are_local_ones() -> None:
    assert list(local_hours(TEN, TEN + 2 * 60 * MINUTE, BERLIN)) == [TEN + 60 * MINUTE], "borders are not within"
    assert list(local_hours(TEN, TEN + 60 * MINUTE, KOLKATA)) == [TEN + 30 * MINUTE]
    assert list(local_hours(TEN, TEN + 60 * MINUTE, KATHMANDU)) == [TEN + 15 * MINUTE]
    assert list(local_hours(TEN + 59 * MINUTE + 59 * SECOND, TEN + 61 * MINUTE, BERLIN)) == [TEN + 60 * MINUTE]
    assert list(local_hours(TEN, TEN, BERLIN)) == []


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-20", 24)])
def test_a_day_has_as_many_hours_as_its_clock_shows(day: str, hours: int) -> None:
    zone = ZoneInfo(BERLIN)
    midnight = datetime.fromisoformat(day).replace(tzinfo=zone)
    start, end = (moment.astimezone(utc(day).tzinfo) for moment in (midnight, midnight + timedelta(days=1)))
    assert len([start, *local_hours(start, end, BERLIN)]) == hours


@given(st.integers(0, 366 * 86_400), st.sampled_from(ZONES))
def test_the_hour_that_a_moment_lies_in_is_the_last_full_one(seconds: int, tz: str) -> None:
    moment = utc("2026-01-01T12:00") + timedelta(seconds=seconds)
    hour = local_hour_of(moment, tz)
    assert hour <= moment
    assert hour.astimezone(ZoneInfo(tz)).minute == 0
    assert list(local_hours(hour, moment, tz)) == []


# coarsening


def test_entries_are_widened_to_quarters_and_those_alike_become_one() -> None:
    found = coarsen(
        [
            entry(TEN, 4, 40),
            entry(TEN + 4 * MINUTE, 8, 80, Cause.PRESS),
            entry(TEN + 12 * MINUTE, 10, 100),
            entry(TEN + 22 * MINUTE, 2, 20, Cause.PRESS, ref="b"),
            entry(TEN + 24 * MINUTE, 36, 360),
        ],
        BERLIN,
    )
    assert plain(found) == [
        (TEN, TEN + 30 * MINUTE, 100, Cause.PRESS, 10 * MINUTE),
        (TEN, TEN + 60 * MINUTE, 500, Cause.SCHEDULE, 50 * MINUTE),
    ]
    assert {e.ref for _, e in found} == {None}


def test_a_walks_beginning_and_end_show_in_no_neighbour_either() -> None:
    lease = (TEN + 17 * MINUTE, TEN + 26 * MINUTE)
    found = coarsen(
        [
            entry(TEN, 17, 17),
            entry(lease[0], 9, 90, Cause.PRESS),
            entry(lease[0], 9, 9, lit=ZERO),
            entry(lease[1], 34, 34, Cause.EXCEPTION),
        ],
        BERLIN,
    )
    assert all(edge.minute % 15 == 0 and edge.second == 0 for _, e in found for edge in (e.start, e.end))


def test_entries_that_differ_or_do_not_touch_stay_apart() -> None:
    quarters = [
        entry(TEN, 5, 1),
        entry(TEN + 5 * MINUTE, 5, 2, level=50),
        entry(TEN + 5 * MINUTE, 5, 4, output=OTHER),
        entry(TEN + 5 * MINUTE, 5, 8, quality=Quality.INTERPOLATED),
        ZonedEntry("kirchweg", entry(TEN + 5 * MINUTE, 5, 16).entry),
        entry(TEN + 30 * MINUTE, 5, 32),
    ]
    assert sorted(e.energy_mwh for _, e in coarsen(quarters, BERLIN)) == [1, 2, 4, 8, 16, 32]


def test_no_entry_grows_over_a_full_local_hour() -> None:
    hour = [entry(TEN + n * 15 * MINUTE, 15, 10) for n in range(8)]
    assert [(e.start, e.end) for _, e in coarsen(hour, BERLIN)] == [
        (TEN, TEN + 60 * MINUTE),
        (TEN + 60 * MINUTE, TEN + 120 * MINUTE),
    ]
    assert [(e.end - TEN) // MINUTE for _, e in coarsen(hour, KOLKATA)] == [30, 90, 120]


def test_one_that_ends_earlier_shortens_none() -> None:
    found = coarsen([entry(TEN, 50, 500), entry(TEN + 16 * MINUTE, 2, 5, lit=ZERO)], BERLIN)
    assert plain(found) == [(TEN, TEN + 60 * MINUTE, 505, Cause.SCHEDULE, 50 * MINUTE)]


def test_a_point_becomes_the_quarter_that_it_lies_in() -> None:
    assert plain(coarsen([entry(TEN, 0, 7)], BERLIN)) == [(TEN, TEN + QUARTER, 7, Cause.SCHEDULE, ZERO)]
    assert plain(coarsen([entry(TEN + SECOND, 0, 7)], BERLIN)) == [(TEN, TEN + QUARTER, 7, Cause.SCHEDULE, ZERO)]


def test_nothing_stays_nothing() -> None:
    assert coarsen([], BERLIN) == []


SPANS = st.lists(
    st.tuples(
        st.integers(0, 3 * 3600),
        st.integers(0, 3600),
        st.integers(0, 10**6),
        st.sampled_from([Cause.SCHEDULE, Cause.PRESS]),
        st.sampled_from([LAMP, OTHER]),
        st.sampled_from([50, 100]),
        st.sampled_from(["am-see", "kirchweg"]),
        st.sampled_from([Quality.MEASURED, Quality.INTERPOLATED]),
    ),
    max_size=12,
)


def sums(entries: list[ZonedEntry], tz: str) -> Counter[object]:
    """Energy and lit time by output, zone, local hour, cause, level and quality."""
    found: Counter[object] = Counter()
    for zone, e in entries:
        alike = (zone, e.output, local_hour_of(e.start, tz), e.cause, e.level, e.quality)
        found["energy", alike] += e.energy_mwh
        found["lit", alike] += e.lit // timedelta(microseconds=1)
    return found


@given(SPANS, st.sampled_from(ZONES), st.randoms(use_true_random=False))
def test_coarsening_keeps_all_sums_and_does_nothing_twice(
    spans: list[tuple[int, int, int, Cause, OutputKey, int, str, Quality]], tz: str, shuffle: random.Random
) -> None:
    entries: list[ZonedEntry] = []
    for begin, seconds, energy, cause, output, level, zone, quality in spans:
        start = TEN + begin * SECOND
        end = min([start + seconds * SECOND, *local_hours(start, start + seconds * SECOND, tz)])
        ref = "a" if cause is Cause.PRESS else None
        entries.append(ZonedEntry(zone, Entry(output, start, end, energy, cause, ref, level, end - start, quality)))
    found = coarsen(entries, tz)
    assert sums(found, tz) == sums(entries, tz)
    assert coarsen(found, tz) == found
    shuffle.shuffle(entries)
    assert coarsen(entries, tz) == found, "in whatever order they come"
    for _, e in found:
        assert e.ref is None
        assert not list(local_hours(e.start, e.end, tz)), "within its hour"
        assert e.start < e.end
        assert all(edge.minute % 15 == edge.second == 0 for edge in (e.start, e.end))
