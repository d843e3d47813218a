"""Energy adds up: whatever a meter went on is booked, to the milliwatt-hour."""

import itertools
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from service.domain.energy import Entry, advance, book, plausible, split
from service.domain.inventory import Output, OutputKey, curve_of
from service.domain.reports import MeterReading, MeterState, OutputState
from service.domain.words import Cause
from tests.unit.villages import leck, utc

NOW = utc("2026-11-20T00:00")
CIRCUIT, CROSSING = leck().controllers[0].outputs
MINUTE = timedelta(minutes=1)


def meter(total: int, at: datetime = NOW) -> MeterState:
    return MeterState(total, 0.0, at)


def reading(total: int) -> MeterReading:
    return MeterReading(0.0, None, total, (1, 2))


def state(level: int, cause: Cause = Cause.SCHEDULE) -> OutputState:
    return OutputState(level, cause, NOW, NOW)


def total(entries: list[Entry]) -> int:
    return sum(entry.energy_mwh for entry in entries)


def shares(entries: list[Entry]) -> dict[OutputKey, int]:
    return {
        key: total(list(own))
        for key, own in itertools.groupby(sorted(entries, key=lambda e: e.output), lambda e: e.output)
    }


def test_a_meter_that_shows_less_started_again_from_zero() -> None:
    assert advance(meter(1000), reading(1500)) == 500
    assert advance(meter(1000), reading(1000)) == 0
    assert advance(meter(1000), reading(300)) == 300


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


def test_an_advance_goes_to_the_outputs_by_watts_and_level_with_their_causes() -> None:
    outputs = [(CIRCUIT, state(100, Cause.PRESS)), (CROSSING, state(50, Cause.SAFETY))]
    entries = book(meter(0), reading(11_000), NOW + 6 * MINUTE, outputs)
    assert entries == [
        Entry(CIRCUIT.key, NOW, NOW + 6 * MINUTE, 8_000, Cause.PRESS),
        Entry(CROSSING.key, NOW, NOW + 6 * MINUTE, 3_000, Cause.SAFETY),
    ]


def test_a_dark_output_beside_a_lit_one_used_nothing_and_dark_ones_share_what_ran() -> None:
    lit = [(CIRCUIT, state(0)), (CROSSING, state(100))]
    assert shares(book(meter(0), reading(500), NOW + MINUTE, lit)) == {CIRCUIT.key: 0, CROSSING.key: 500}
    dark = [(CIRCUIT, state(0)), (CROSSING, state(0))]
    assert shares(book(meter(0), reading(500), NOW + MINUTE, dark)) == {CIRCUIT.key: 250, CROSSING.key: 250}


def test_an_advance_over_full_hours_is_split_by_time() -> None:
    start, at = NOW - 15 * MINUTE, NOW + 75 * MINUTE
    entries = book(meter(0, start), reading(900), at, [(CROSSING, state(100))])
    assert [(entry.start, entry.end, entry.energy_mwh) for entry in entries] == [
        (start, NOW, 150),
        (NOW, NOW + 60 * MINUTE, 600),
        (NOW + 60 * MINUTE, at, 150),
    ]


def test_a_reading_that_comes_before_the_last_one_loses_nothing() -> None:
    assert total(book(meter(100), reading(130), NOW - MINUTE, [(CROSSING, state(100))])) == 30
    assert total(book(meter(100), reading(130), NOW, [(CROSSING, state(100))])) == 30


def test_without_outputs_there_is_nothing_to_book_to() -> None:
    assert book(meter(0), reading(500), NOW + MINUTE, []) == []


LEVELS = st.tuples(st.integers(0, 100), st.sampled_from([Cause.SCHEDULE, Cause.PRESS, Cause.LOCAL]))
READINGS = st.lists(
    st.tuples(st.integers(0, 30_000_000), st.integers(0, 4 * 3600), LEVELS, LEVELS, st.booleans()), max_size=12
)


@given(READINGS)
def test_entries_add_up_to_what_the_meter_ran_and_tile_the_time(
    readings: list[tuple[int, int, tuple[int, Cause], tuple[int, Cause], bool]],
) -> None:
    before, ran, entries = meter(7, NOW + timedelta(seconds=1234)), 0, list[Entry]()
    began = before.at
    for used, seconds, first, second, reset in readings:
        ran += used
        shown = reading(used if reset and used < before.total_mwh else before.total_mwh + used)
        at = before.at + timedelta(seconds=seconds)
        entries += book(before, shown, at, [(CIRCUIT, state(*first)), (CROSSING, state(*second))])
        before = meter(shown.total_mwh, at)

    assert total(entries) == ran
    for output in (CIRCUIT, CROSSING):
        own = [entry for entry in entries if entry.output == output.key]
        edges = [began, *(entry.end for entry in own)]
        assert [entry.start for entry in own] == edges[:-1]
        assert edges[-1] == before.at
    for entry in entries:
        hour = entry.start.replace(minute=0, second=0)
        assert entry.start <= entry.end <= hour + timedelta(hours=1)
        assert entry.energy_mwh >= 0


@given(READINGS)
def test_beside_a_plan_entries_add_up_all_the_same_and_the_plan_bears_no_more_than_its_level(
    readings: list[tuple[int, int, tuple[int, Cause], tuple[int, Cause], bool]],
) -> None:
    inventory = leck()
    curves = {o.key: curve_of(o, inventory.zones[0], inventory.municipality) for o in (CIRCUIT, CROSSING)}
    before = meter(7, NOW + timedelta(seconds=1234))
    for used, seconds, first, second, _ in readings:
        at = before.at + timedelta(seconds=seconds)
        measured = [(CIRCUIT, state(*first)), (CROSSING, state(*second))]
        entries = book(before, reading(before.total_mwh + used), at, measured, curves)
        assert total(entries) == used
        plain = shares(book(before, reading(before.total_mwh + used), at, measured))
        assert shares(entries) == plain, "only causes differ, not outputs"
        for entry in entries:
            assert before.at <= entry.start <= entry.end <= at
            assert entry.energy_mwh >= 0
            assert entry.end <= entry.start.replace(minute=0, second=0) + timedelta(hours=1)
        before = meter(before.total_mwh + used, at)


def test_the_plan_bears_its_own_part_between_its_changes() -> None:
    inventory = leck()
    curves = {CIRCUIT.key: curve_of(CIRCUIT, inventory.zones[0], inventory.municipality)}
    start, border = utc("2026-11-20T21:50"), utc("2026-11-20T22:00")  # dark from 23:00 in Leck
    entries = book(meter(0, start), reading(2_000), border + 10 * MINUTE, [(CIRCUIT, state(100, Cause.PRESS))], curves)
    assert entries == [
        Entry(CIRCUIT.key, start, border, 1_000, Cause.SCHEDULE),
        Entry(CIRCUIT.key, border, border + 10 * MINUTE, 1_000, Cause.PRESS),
    ]


def test_an_advance_is_plausible_up_to_what_lamps_can_draw_and_some() -> None:
    def can(advanced: int, minutes: int) -> bool:
        return plausible(meter(0), reading(advanced), NOW + minutes * MINUTE, 60.0)

    assert can(60 * 1500 + 100_000, 60)
    assert not can(60 * 1500 + 100_001, 60)
    assert can(1_500 + 100_000, 0), "at least a minute counts"
    assert can(60 * 1500 * 24 * 31 + 100_000, 60 * 24 * 365)
    assert not can(60 * 1500 * 24 * 31 + 100_001, 60 * 24 * 365), "and 31 days at most"


def test_a_long_silence_is_booked_to_its_end() -> None:
    at = NOW + timedelta(days=100)
    entries = book(meter(0), reading(10_000), at, [(CROSSING, state(100))])
    assert total(entries) == 10_000
    assert (entries[0].start, entries[-1].end, len(entries)) == (at - timedelta(days=31), at, 31 * 24)


@given(st.lists(st.tuples(st.floats(0, 500), st.integers(0, 100)), min_size=1, max_size=8), st.integers(0, 10**9))
def test_any_number_of_outputs_shares_an_advance_exactly(outputs: list[tuple[float, int]], used: int) -> None:
    measured = [
        (Output(OutputKey("leck", "cabinet-1", n), "hauptstrasse", watts=watts), state(level))
        for n, (watts, level) in enumerate(outputs, start=1)
    ]
    assert total(book(meter(0), reading(used), NOW + 200 * MINUTE, measured)) == used
