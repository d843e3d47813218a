"""Energy adds up: whatever a meter went on is booked, to the milliwatt-hour, and to what it was used for."""

import itertools
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.curve import Curve
from service.domain.energy import (
    ROLLS_OVER,
    Course,
    advance,
    book,
    compute,
    most_drawn,
    needs_curve,
    split,
)
from service.domain.entries import Entry
from service.domain.inventory import Output, OutputKey, curve_of
from service.domain.orders import Order, OrderStep
from service.domain.reports import MeterReading, MeterState, OutputState
from service.domain.words import Cause, Quality
from tests.unit.villages import BERLIN, glasau, leck, utc

NOW = utc("2026-11-20T00:00")
LAMP = glasau().controllers[0].outputs[0]
CIRCUIT, CROSSING = leck().controllers[0].outputs
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ZERO = timedelta()
INTERPOLATED = Quality.INTERPOLATED
EVENING = utc("2026-11-20T20:30")  # 21:30 in Berlin: half an hour before Glasau is dimmed, 90 minutes before it is dark
DIMMED, DARK = utc("2026-11-20T21:00"), utc("2026-11-20T22:00")


def plausible(before: MeterState, now: MeterReading, at: datetime, watts: float) -> bool:
    """Whether lamps of `watts` can have drawn a meter's advance since `before`."""
    most = most_drawn(before, at, watts)
    return advance(before, now, most) <= most


def meter(total: int, at: datetime = NOW) -> MeterState:
    return MeterState(total, 0.0, at)


def reading(total: int) -> MeterReading:
    return MeterReading(0.0, None, total, (1, 2))


def state(level: int, cause: Cause = Cause.SCHEDULE) -> OutputState:
    return OutputState(level, cause, NOW, NOW)


def course(output: Output, level: int, cause: Cause = Cause.SCHEDULE, curve: Curve | None = None) -> Course:
    """An output that gives the same all the time."""
    return Course(output, state(level, cause), level, curve=curve, cause=cause)


def lamp_curve() -> Curve:
    """Full from sunset, half from 22:00, dark from 23:00 to 05:00."""
    inventory = glasau()
    return curve_of(LAMP, inventory.zones[0], inventory.municipality)


def circuit_curve(output: Output = CIRCUIT) -> Curve:
    """Full from sunset, dark from 23:00 to 05:00; the crossing's is full all night."""
    inventory = leck()
    return curve_of(output, inventory.zones[0], inventory.municipality)


def press(start: datetime, until: datetime, ref: str = "a", level: int = 100) -> OrderStep:
    return OrderStep(start, level, until, Cause.PRESS, ref)


def total(entries: list[Entry]) -> int:
    return sum(entry.energy_mwh for entry in entries)


def shares(entries: list[Entry]) -> dict[OutputKey, int]:
    by_output = sorted(entries, key=lambda e: e.output)
    return {key: total(list(own)) for key, own in itertools.groupby(by_output, lambda e: e.output)}


def told(entries: list[Entry]) -> list[tuple[datetime, datetime, int, Cause, str | None, int]]:
    """Entries without their energy."""
    return [(e.start, e.end, e.level, e.cause, e.ref, round(e.lit / MINUTE)) for e in entries]


# what a meter says


def test_a_meter_that_shows_less_started_again_from_zero() -> None:
    assert advance(meter(1000), reading(1500), 10_000) == 500
    assert advance(meter(1000), reading(1000), 10_000) == 0
    assert advance(meter(1000), reading(300), 10_000) == 300


def test_a_meter_just_below_the_top_rolled_over_where_its_lamps_can_have_drawn_the_way() -> None:
    assert advance(meter(ROLLS_OVER - 400), reading(300), 700) == 700
    assert advance(meter(ROLLS_OVER - 400), reading(300), 699) == 300, "farther than its lamps can have come"
    assert advance(meter(ROLLS_OVER), reading(0), 700) == 0


def test_an_advance_is_plausible_up_to_what_lamps_can_draw_and_some() -> None:
    def can(advanced: int, minutes: int) -> bool:
        return plausible(meter(0), reading(advanced), NOW + minutes * MINUTE, 60.0)

    assert can(60 * 1500 + 100_000, 60)
    assert not can(60 * 1500 + 100_001, 60)
    assert can(1_500 + 100_000, 0), "at least a minute counts"
    assert can(60 * 1500 * 24 * 31 + 100_000, 60 * 24 * 365)
    assert not can(60 * 1500 * 24 * 31 + 100_001, 60 * 24 * 365), "and 31 days at most"


def test_what_lamps_can_have_drawn_decides_between_a_roll_over_and_a_new_beginning() -> None:
    before, later = meter(ROLLS_OVER - 90_000), NOW + HOUR
    most = most_drawn(before, later, 60.0)
    assert most == 190_000
    assert advance(before, reading(100_000), most) == 190_000
    assert plausible(before, reading(100_000), later, 60.0)
    assert advance(before, reading(100_001), most) == 100_001
    assert plausible(before, reading(100_001), later, 60.0), "as a meter that began again"


# shares


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=20))
def test_shares_add_up_exactly_and_none_is_a_whole_unit_off(amount: int, weights: list[int]) -> None:
    found = split(amount, weights)
    assert sum(found) == amount
    weighed = weights if sum(weights) else [1] * len(weights)
    for share, weight in zip(found, weighed, strict=True):
        assert abs(share * sum(weighed) - amount * weight) < sum(weighed)


def test_the_largest_remainder_gets_what_is_left() -> None:
    assert split(10, [1, 1, 1]) == [4, 3, 3]
    assert split(10, [1, 5, 4]) == [1, 5, 4]
    assert split(1, [1, 2]) == [0, 1]
    assert split(5, [0, 0]) == [3, 2]
    assert split(5, [0, 1]) == [0, 5]
    assert split(0, []) == []


# between two consecutive reports


def test_an_advance_goes_to_the_outputs_by_watts_and_level_with_their_causes() -> None:
    end = NOW + 6 * MINUTE
    entries = book(13_400, NOW, end, [course(CIRCUIT, 100, Cause.PRESS), course(CROSSING, 50, Cause.SAFETY)], BERLIN)
    apportioned = Quality.APPORTIONED
    assert entries == [  # a LED lamp at half its light draws 54 %: 80 W beside 32.4 W
        Entry(CIRCUIT.key, NOW, end, 9_537, Cause.PRESS, None, 100, 6 * MINUTE, apportioned),
        Entry(CROSSING.key, NOW, end, 3_863, Cause.SAFETY, None, 50, 6 * MINUTE, apportioned),
    ]


def test_the_only_output_of_a_meter_is_measured() -> None:
    end = NOW + MINUTE
    expected = [Entry(LAMP.key, NOW, end, 270, Cause.SCHEDULE, None, 50, MINUTE, Quality.MEASURED)]
    assert book(270, NOW, end, [course(LAMP, 50)], BERLIN) == expected
    before = NOW - 30 * SECOND  # midnight UTC is a full hour
    halves = book(270, before, before + MINUTE, [course(LAMP, 50)], BERLIN)
    assert [(e.start, e.end, e.energy_mwh, e.lit, e.quality) for e in halves] == [
        (before, NOW, 135, 30 * SECOND, Quality.MEASURED),
        (NOW, before + MINUTE, 135, 30 * SECOND, Quality.MEASURED),
    ]
    quarter = NOW + 15 * MINUTE - 30 * SECOND  # not a full hour: one entry by the long way, too
    assert book(270, quarter, quarter + MINUTE, [course(LAMP, 50)], BERLIN) == [
        expected[0]._replace(start=quarter, end=quarter + MINUTE)
    ]


@pytest.mark.parametrize("length", [MINUTE, 40 * MINUTE])
def test_what_says_nothing_is_left_out(length: timedelta) -> None:
    assert book(0, NOW, NOW + length, [course(LAMP, 0)], BERLIN) == []
    dark = Entry(LAMP.key, NOW, NOW + length, 3, Cause.SCHEDULE, None, 0, ZERO, Quality.MEASURED)
    assert book(3, NOW, NOW + length, [course(LAMP, 0)], BERLIN) == [dark]
    lit = Entry(LAMP.key, NOW, NOW + length, 0, Cause.SCHEDULE, None, 10, length, Quality.MEASURED)
    assert book(0, NOW, NOW + length, [course(LAMP, 10)], BERLIN) == [lit], "a lamp that burns is a lamp that burns"


def test_a_dark_output_beside_a_lit_one_used_nothing_and_dark_ones_share_what_ran() -> None:
    lit = [course(CIRCUIT, 0), course(CROSSING, 100)]
    assert shares(book(500, NOW, NOW + MINUTE, lit, BERLIN)) == {CROSSING.key: 500}
    dark = [course(CIRCUIT, 0), course(CROSSING, 0)]
    assert shares(book(500, NOW, NOW + MINUTE, dark, BERLIN)) == {CIRCUIT.key: 250, CROSSING.key: 250}


def test_an_advance_over_full_hours_is_split_by_time() -> None:
    start, end = NOW - 15 * MINUTE, NOW + 75 * MINUTE
    for level in (100, 0):
        entries = book(900, start, end, [course(CROSSING, level)], BERLIN)
        assert [(entry.start, entry.end, entry.energy_mwh) for entry in entries] == [
            (start, NOW, 150),
            (NOW, NOW + HOUR, 600),
            (NOW + HOUR, end, 150),
        ]


def test_full_hours_are_those_of_local_time() -> None:
    entries = book(900, NOW, NOW + HOUR, [course(CROSSING, 100)], "Asia/Kolkata")
    assert [(entry.start, entry.end) for entry in entries] == [
        (NOW, NOW + 30 * MINUTE),
        (NOW + 30 * MINUTE, NOW + HOUR),
    ]


def test_a_reading_that_comes_before_the_last_one_loses_nothing() -> None:
    point = Entry(CROSSING.key, NOW, NOW, 30, Cause.SCHEDULE, None, 100, ZERO, Quality.MEASURED)
    for gap in (False, True):
        assert book(30, NOW, NOW - MINUTE, [course(CROSSING, 100)], BERLIN, gap=gap) == [point]
        assert book(30, NOW, NOW, [course(CROSSING, 100)], BERLIN, gap=gap) == [point]
    leased = book(30, NOW, NOW, [course(CIRCUIT, 100, Cause.PRESS, circuit_curve())], BERLIN)
    assert leased == [point._replace(output=CIRCUIT.key, cause=Cause.PRESS)]


@pytest.mark.parametrize("gap", [False, True])
def test_where_no_time_passed_light_is_weighed_all_the_same(gap: bool) -> None:
    courses = [course(CIRCUIT, 0), course(CROSSING, 100, Cause.SAFETY)]
    assert shares(book(30, NOW, NOW - MINUTE, courses, BERLIN, gap=gap)) == {CROSSING.key: 30}


def test_without_outputs_there_is_nothing_to_book_to() -> None:
    assert book(500, NOW, NOW + MINUTE, [], BERLIN) == []


@pytest.mark.parametrize("gap", [False, True])
def test_a_long_silence_is_booked_to_its_end(gap: bool) -> None:
    end = NOW + timedelta(days=100)
    entries = book(10_000, NOW, end, [course(CROSSING, 100)], BERLIN, gap=gap)
    assert total(entries) == 10_000
    assert (entries[0].start, entries[-1].end, len(entries)) == (end - timedelta(days=31), end, 31 * 24)


# light beyond the plan


def test_light_for_other_causes_than_the_plan_needs_its_curve() -> None:
    plan_side = {Cause.SCHEDULE, Cause.EXCEPTION, Cause.SAFETY, Cause.FAILSAFE}
    assert {cause for cause in Cause if not needs_curve(state(100, cause))} == plan_side
    assert not needs_curve(state(0, Cause.LOCK))


def test_the_plan_bears_its_own_part_between_its_changes() -> None:
    start, end = DARK - 10 * MINUTE, DARK + 10 * MINUTE
    leased = course(CIRCUIT, 100, Cause.PRESS, circuit_curve())
    assert book(2_000, start, end, [leased], BERLIN) == [
        Entry(CIRCUIT.key, start, DARK, 1_000, Cause.SCHEDULE, None, 100, ZERO),
        Entry(CIRCUIT.key, start, DARK, 0, Cause.PRESS, None, 100, 10 * MINUTE),
        Entry(CIRCUIT.key, DARK, end, 1_000, Cause.PRESS, None, 100, 10 * MINUTE),
    ]


def test_the_plan_bears_what_its_own_level_would_have_drawn() -> None:
    end = DIMMED + 10 * MINUTE
    leased = course(LAMP, 100, Cause.PRESS, lamp_curve())
    assert book(5_000, DIMMED, end, [leased], BERLIN) == [
        Entry(LAMP.key, DIMMED, end, 2_700, Cause.SCHEDULE, None, 50, ZERO),  # at half its light it draws 54 %
        Entry(LAMP.key, DIMMED, end, 2_300, Cause.PRESS, None, 100, 10 * MINUTE),
    ]


def test_a_safety_outputs_plan_is_safety() -> None:
    end = NOW + 5 * MINUTE
    entries = book(100, NOW, end, [course(CROSSING, 100, Cause.RESCUE, circuit_curve(CROSSING))], BERLIN)
    assert [(e.cause, e.energy_mwh, e.lit) for e in entries] == [
        (Cause.SAFETY, 100, ZERO),
        (Cause.RESCUE, 0, 5 * MINUTE),
    ]


def test_light_belongs_to_the_lease_whose_step_runs() -> None:
    start, end = NOW + MINUTE, NOW + 11 * MINUTE
    order = (press(NOW, NOW + 4 * MINUTE, "a"), press(NOW + 4 * MINUTE, end, "b"))
    leased = Course(CIRCUIT, state(100, Cause.PRESS), 100, order, curve=circuit_curve())
    assert [(e.start, e.end, e.energy_mwh, e.ref) for e in book(1_000, start, end, [leased], BERLIN)] == [
        (start, NOW + 4 * MINUTE, 300, "a"),
        (NOW + 4 * MINUTE, end, 700, "b"),
    ]


def test_a_stretch_may_begin_in_a_later_lease() -> None:
    start = NOW + 5 * MINUTE
    order = (press(NOW, NOW + 4 * MINUTE, "a"), press(NOW + 4 * MINUTE, NOW + 9 * MINUTE, "b"))
    leased = Course(CIRCUIT, state(100, Cause.PRESS), 100, order, curve=circuit_curve())
    assert [e.ref for e in book(1_000, start, start + MINUTE, [leased], BERLIN)] == ["b"]


def test_a_relay_that_switches_late_still_lights_for_the_lease_that_ended() -> None:
    order = (press(NOW, NOW + 4 * MINUTE, "a"),)
    leased = Course(CIRCUIT, state(100, Cause.PRESS), 0, order, curve=circuit_curve())
    entries = book(1_000, NOW + 3 * MINUTE, NOW + 4 * MINUTE + SECOND, [leased], BERLIN)
    assert [(e.end, e.ref) for e in entries] == [(NOW + 4 * MINUTE + SECOND, "a")]


def test_other_causes_belong_to_no_lease() -> None:
    order = (press(NOW, NOW + 9 * MINUTE),)
    for cause in (Cause.SCHEDULE, Cause.LOCAL):
        lit = Course(CIRCUIT, state(100, cause), 100, order, curve=circuit_curve())
        assert [entry.ref for entry in book(1_000, NOW, NOW + MINUTE, [lit], BERLIN)] == [None]


# over a gap


def gap_of(before: OutputState, level: int, cause: Cause, *orders: Order, at: datetime | None = None) -> Course:
    followed, following = (*orders, (), ())[:2]
    return Course(LAMP, before, level, followed, following, at, lamp_curve(), cause)


def test_a_gap_over_changes_of_the_plan_is_split_by_watts() -> None:
    dark = gap_of(state(100), 0, Cause.SCHEDULE)
    entries = book(46_200, EVENING, DARK + 30 * MINUTE, [dark], BERLIN, gap=True)
    assert entries == [  # 15 Wh at 30 W, then 16.2 Wh at 16.2 W, and half as much again
        Entry(LAMP.key, EVENING, DIMMED, 22_212, Cause.SCHEDULE, None, 100, 30 * MINUTE, INTERPOLATED),
        Entry(LAMP.key, DIMMED, DARK, 23_988, Cause.SCHEDULE, None, 50, HOUR, INTERPOLATED),
    ]


def test_a_gap_without_a_change_is_measured_like_any_stretch() -> None:
    end = EVENING + 20 * MINUTE
    assert book(500, EVENING, end, [gap_of(state(100), 100, Cause.SCHEDULE)], BERLIN, gap=True) == [
        Entry(LAMP.key, EVENING, end, 500, Cause.SCHEDULE, None, 100, 20 * MINUTE)
    ]
    local = gap_of(state(80, Cause.LOCAL), 80, Cause.LOCAL)
    assert told(book(500, DARK, DARK + 20 * MINUTE, [local], BERLIN, gap=True)) == [
        (DARK, DARK + 20 * MINUTE, 80, Cause.LOCAL, None, 20)
    ]


def test_a_lease_that_came_and_went_in_a_gap_is_booked_to_it() -> None:
    lit, out = DARK + 10 * MINUTE, DARK + 25 * MINUTE
    leased = gap_of(state(0), 0, Cause.SCHEDULE, (), (press(DARK + 5 * MINUTE, out),), at=lit)
    entries = book(7_500, DARK, DARK + 40 * MINUTE, [leased], BERLIN, gap=True)
    assert entries == [Entry(LAMP.key, lit, out, 7_500, Cause.PRESS, "a", 100, 15 * MINUTE, INTERPOLATED)]


def test_in_a_gap_a_lease_pays_for_the_light_above_plan_alone() -> None:
    leased = gap_of(state(50), 50, Cause.SCHEDULE, (press(DIMMED + 10 * MINUTE, DIMMED + 25 * MINUTE),))
    entries = book(14_250, DIMMED, DIMMED + 40 * MINUTE, [leased], BERLIN, gap=True)
    assert [(e.energy_mwh, e.level, e.cause, e.lit // MINUTE) for e in entries] == [
        (2_700, 50, Cause.SCHEDULE, 10),
        (4_050, 50, Cause.SCHEDULE, 0),
        (3_450, 100, Cause.PRESS, 15),
        (4_050, 50, Cause.SCHEDULE, 15),
    ]


def test_a_lock_in_a_gap_is_dark() -> None:
    order = (OrderStep(EVENING + 10 * MINUTE, 0, EVENING + 20 * MINUTE, Cause.LOCK, None),)
    entries = book(10_000, EVENING, DIMMED, [gap_of(state(100), 100, Cause.SCHEDULE, order)], BERLIN, gap=True)
    assert told(entries) == [
        (EVENING, EVENING + 10 * MINUTE, 100, Cause.SCHEDULE, None, 10),
        (EVENING + 20 * MINUTE, DIMMED, 100, Cause.SCHEDULE, None, 10),
    ]


def test_of_equal_levels_the_higher_rank_names_the_cause() -> None:
    order = (press(EVENING + 10 * MINUTE, DIMMED + 10 * MINUTE),)
    leased = gap_of(state(100), 50, Cause.SCHEDULE, order)
    entries = book(10_000, EVENING, DIMMED + 20 * MINUTE, [leased], BERLIN, gap=True)
    assert told(entries) == [
        (EVENING, EVENING + 10 * MINUTE, 100, Cause.SCHEDULE, None, 10),
        (EVENING + 10 * MINUTE, DIMMED, 100, Cause.SCHEDULE, None, 0),
        (EVENING + 10 * MINUTE, DIMMED, 100, Cause.PRESS, "a", 20),
        (DIMMED, DIMMED + 10 * MINUTE, 50, Cause.SCHEDULE, None, 0),
        (DIMMED, DIMMED + 10 * MINUTE, 100, Cause.PRESS, "a", 10),
        (DIMMED + 10 * MINUTE, DIMMED + 20 * MINUTE, 50, Cause.SCHEDULE, None, 10),
    ]
    assert entries[2].energy_mwh == 0, "a lease costs only the light above plan"


def test_of_equal_levels_a_safety_outputs_plan_comes_before_a_press() -> None:
    lit, locked, out = (DARK + n * MINUTE for n in (5, 10, 20))
    order = (press(lit, locked), OrderStep(locked, 0, out, Cause.LOCK, None))
    crossing = Course(CROSSING, state(100, Cause.SAFETY), 100, order, (), None, circuit_curve(CROSSING), Cause.SAFETY)
    assert told(book(30_000, DARK, DARK + 40 * MINUTE, [crossing], BERLIN, gap=True)) == [
        (DARK, locked, 100, Cause.SAFETY, None, 10),
        (out, DARK + 40 * MINUTE, 100, Cause.SAFETY, None, 20),
    ]


def test_what_was_reported_holds_until_the_first_change_that_was_to_come() -> None:
    cut_off = gap_of(state(100, Cause.FAILSAFE), 0, Cause.SCHEDULE)
    entries = book(40_000, DIMMED + 10 * MINUTE, DARK + 10 * MINUTE, [cut_off], BERLIN, gap=True)
    assert told(entries) == [(DIMMED + 10 * MINUTE, DARK, 100, Cause.FAILSAFE, None, 50)]


def test_light_that_went_out_unseen_burnt_as_long_as_its_energy_lasted() -> None:
    local = gap_of(state(100, Cause.LOCAL), 0, Cause.SCHEDULE)
    entries = book(5_000, DARK, DARK + 50 * MINUTE, [local], BERLIN, gap=True)
    assert entries == [
        Entry(LAMP.key, DARK, DARK + 10 * MINUTE, 5_000, Cause.LOCAL, None, 100, 10 * MINUTE, INTERPOLATED)
    ]


def test_light_that_came_on_unseen_burnt_as_long_as_its_energy_lasted() -> None:
    local = gap_of(state(0), 100, Cause.LOCAL)
    end = DARK + 50 * MINUTE
    entries = book(5_000, DARK, end, [local], BERLIN, gap=True)
    assert entries == [
        Entry(LAMP.key, end - 10 * MINUTE, end, 5_000, Cause.LOCAL, None, 100, 10 * MINUTE, INTERPOLATED)
    ]
    assert told(book(10**6, DARK, end, [local], BERLIN, gap=True)) == [(DARK, end, 100, Cause.LOCAL, None, 50)]
    assert book(0, DARK, end, [local], BERLIN, gap=True) == []


def test_an_unseen_change_of_a_presss_light_belongs_to_the_lease_that_is_followed_now() -> None:
    end = DARK + 50 * MINUTE
    order = (press(end - 20 * MINUTE, end + 5 * MINUTE),)
    dimmed = gap_of(state(0), 50, Cause.PRESS, (), order, at=end - 20 * MINUTE)
    entries = book(7_700, DARK, end, [dimmed], BERLIN, gap=True)
    assert told(entries) == [
        (end - 20 * MINUTE, end - 10 * MINUTE, 100, Cause.PRESS, "a", 10),
        (end - 10 * MINUTE, end, 50, Cause.PRESS, "a", 10),
    ]


def test_light_of_several_leases_may_have_gone_out_unseen_in_any_of_them() -> None:
    order = (press(DARK, DARK + 20 * MINUTE, "a"), press(DARK + 20 * MINUTE, DARK + 55 * MINUTE, "b"))
    broken = gap_of(state(100, Cause.PRESS), 0, Cause.SCHEDULE, order)
    for minutes, last in ((10, "a"), (30, "b")):
        entries = book(500 * minutes, DARK, DARK + 40 * MINUTE, [broken], BERLIN, gap=True)
        assert (entries[-1].end, entries[-1].ref) == (DARK + minutes * MINUTE, last)


def test_a_lease_that_was_followed_by_another_in_a_gap_pays_until_its_end() -> None:
    first, second = press(DARK, DARK + 15 * MINUTE, "a"), press(DARK + 15 * MINUTE, DARK + 22 * MINUTE, "b")
    leased = gap_of(state(100, Cause.PRESS), 100, Cause.PRESS, (first,), (first, second), at=DARK + 7 * MINUTE)
    entries = book(9_000, DARK + 2 * MINUTE, DARK + 20 * MINUTE, [leased], BERLIN, gap=True)
    assert [(e.end, e.ref, e.energy_mwh, e.quality) for e in entries] == [
        (DARK + 15 * MINUTE, "a", 6_500, Quality.MEASURED),
        (DARK + 20 * MINUTE, "b", 2_500, Quality.MEASURED),
    ]


def test_a_change_that_the_plan_makes_at_the_end_is_no_riddle() -> None:
    start = DARK - 30 * MINUTE
    weak = gap_of(state(50), 0, Cause.SCHEDULE)
    assert book(4_000, start, DARK, [weak], BERLIN, gap=True) == [
        Entry(LAMP.key, start, DARK, 4_000, Cause.SCHEDULE, None, 50, 30 * MINUTE)
    ]


def test_a_cause_alone_that_changes_at_the_end_explains_no_other_level() -> None:
    end = DARK + 50 * MINUTE
    lock = (OrderStep(end, 0, end + MINUTE, Cause.LOCK, None),)
    local = Course(LAMP, state(100, Cause.LOCAL), 0, lock, curve=lamp_curve(), cause=Cause.LOCK)
    assert told(book(5_000, DARK, end, [local], BERLIN, gap=True)) == [
        (DARK, DARK + 10 * MINUTE, 100, Cause.LOCAL, None, 10)
    ]


def test_unseen_changes_of_several_outputs_come_at_the_same_part_of_the_gap() -> None:
    curve, end = circuit_curve(), DARK + 40 * MINUTE
    courses = [
        Course(CIRCUIT, state(100, Cause.LOCAL), 0, curve=curve, cause=Cause.SCHEDULE),
        Course(CROSSING, state(100, Cause.SAFETY), 100, curve=circuit_curve(CROSSING), cause=Cause.SAFETY),
    ]
    entries = book(40_000 + 26_667, DARK, end, courses, BERLIN, gap=True)
    assert [(e.cause, round(e.lit / MINUTE), e.quality) for e in entries] == [
        (Cause.LOCAL, 20, INTERPOLATED),
        (Cause.SAFETY, 40, Quality.APPORTIONED),
    ]
    assert shares(entries) == {CIRCUIT.key: 26_667, CROSSING.key: 40_000}


def test_without_a_curve_a_gap_is_what_was_reported() -> None:
    lit = course(LAMP, 100, Cause.LOCAL)
    assert told(book(5_000, DARK, DARK + 10 * MINUTE, [lit], BERLIN, gap=True)) == [
        (DARK, DARK + 10 * MINUTE, 100, Cause.LOCAL, None, 10)
    ]


# without a meter


def test_light_without_a_meter_is_computed_by_watts_and_level() -> None:
    computed = Quality.COMPUTED
    assert compute(DARK, DARK + 10 * MINUTE, course(LAMP, 50), BERLIN) == [
        Entry(LAMP.key, DARK, DARK + 10 * MINUTE, 2_700, Cause.SCHEDULE, None, 50, 10 * MINUTE, computed)
    ]
    assert compute(DARK, DARK + HOUR, course(LAMP, 0), BERLIN) == []
    assert compute(DARK, DARK - HOUR, course(LAMP, 100), BERLIN) == []
    leased = course(LAMP, 100, Cause.PRESS, lamp_curve())
    assert compute(DIMMED, DIMMED + 10 * MINUTE, leased, BERLIN) == [
        Entry(LAMP.key, DIMMED, DIMMED + 10 * MINUTE, 2_700, Cause.SCHEDULE, None, 50, ZERO, computed),
        Entry(LAMP.key, DIMMED, DIMMED + 10 * MINUTE, 2_300, Cause.PRESS, None, 100, 10 * MINUTE, computed),
    ]


def test_without_a_meter_a_gap_follows_plan_and_orders_and_what_nobody_told_changed_at_the_end() -> None:
    entries = compute(EVENING, DARK + 30 * MINUTE, gap_of(state(100), 0, Cause.SCHEDULE), BERLIN, gap=True)
    assert [(e.energy_mwh, e.level, e.quality) for e in entries] == [
        (15_000, 100, Quality.COMPUTED),
        (16_200, 50, Quality.COMPUTED),
    ]
    local = gap_of(state(0), 100, Cause.LOCAL)
    assert compute(DARK, DARK + HOUR, local, BERLIN, gap=True) == []


def test_a_long_silence_without_a_meter_counts_its_last_31_days() -> None:
    end = NOW + timedelta(days=100)
    assert total(compute(NOW, end, course(LAMP, 100), BERLIN)) == 30_000 * 24 * 31
