"""What every Store keeps of energy: nothing is lost, nothing is joined that differs, no local hour is crossed."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import pytest

from service.domain.entries import Entry, ZonedEntry
from service.domain.inventory import Inventory, OutputKey
from service.domain.words import Cause, Period, Quality
from service.errors import UnknownError
from service.ports import Burnt, EnergySum, LedgerState
from service.store import SqlStore
from service.store.columns import CAUSES, PERIODS, QUALITIES, Numbers
from tests.contract.test_store import moved
from tests.support.leck import CABINET, FIRST, NOW, SECOND, leck
from tests.support.stores import query

HOUR = datetime(2026, 11, 21, 22, tzinfo=UTC)
BIG = 2**53


def at(seconds: float) -> datetime:
    """Seconds after a full hour."""
    return HOUR + timedelta(seconds=seconds)


def entry(start: float, end: float, energy: int = 5, output: OutputKey = FIRST) -> Entry:
    """Light of a lease between two moments, in seconds after HOUR."""
    lit = timedelta(seconds=end) - timedelta(seconds=start)
    return Entry(output, at(start), at(end), energy, Cause.PRESS, "a" * 32, 80, lit, Quality.MEASURED)


async def book(store: SqlStore, *batches: Sequence[Entry]) -> None:
    """Book, batch by batch."""
    for batch in batches:
        await store.write(lambda tx, batch=batch: tx.add_energy(batch))  # type: ignore[misc]


async def booked(store: SqlStore, municipality: str = "leck", zone: str | None = None) -> list[ZonedEntry]:
    """All entries."""
    return await store.read(lambda tx: tx.entries(municipality, at(-99999), at(999999), zone))


async def stretches(store: SqlStore, municipality: str = "leck") -> list[tuple[float, float, int]]:
    """All entries as (start, end, mWh), in seconds after HOUR."""
    return [
        ((one.start - HOUR).total_seconds(), (one.end - HOUR).total_seconds(), one.energy_mwh)
        for _, one in await booked(store, municipality)
    ]


async def test_an_adjoining_entry_extends_the_last(village: SqlStore) -> None:
    await book(village, [entry(0, 60, 5)], [entry(60, 120, 7)], [entry(120, 180, 1), entry(180, 240, 1)])
    assert await booked(village) == [("hauptstrasse", entry(0, 240, 14))]


APART = {
    "a gap": entry(61, 120, 7),
    "an overlap": entry(59, 120, 7),
    "another output": entry(60, 120, 7, SECOND),
    "another cause": entry(60, 120, 7)._replace(cause=Cause.LOCAL),
    "another lease": entry(60, 120, 7)._replace(ref="b" * 32),
    "no lease": entry(60, 120, 7)._replace(ref=None),
    "another level": entry(60, 120, 7)._replace(level=79),
    "another quality": entry(60, 120, 7)._replace(quality=Quality.INTERPOLATED),
}


@pytest.mark.parametrize("why", APART)
async def test_what_differs_is_an_entry_of_its_own(village: SqlStore, why: str) -> None:
    zone = "kreuzung" if why == "another output" else "hauptstrasse"
    apart = [("hauptstrasse", entry(0, 60)), (zone, APART[why])]
    await book(village, [entry(0, 60), APART[why]])
    assert sorted(await booked(village)) == sorted(apart)
    await village.write(lambda tx: tx.delete_entries([FIRST, SECOND], at(9999)))
    await book(village, [entry(0, 60)], [APART[why]])
    assert sorted(await booked(village)) == sorted(apart)


async def test_light_of_the_plan_and_of_a_lease_go_on_side_by_side(village: SqlStore) -> None:
    plan = entry(0, 60, 3)._replace(cause=Cause.SCHEDULE, ref=None, level=30, lit=timedelta())
    more = plan._replace(start=at(60), end=at(120), energy_mwh=4)
    await book(village, [plan, entry(0, 60, 5)], [entry(60, 120, 6), more])
    both = [plan._replace(end=at(120), energy_mwh=7), entry(0, 120, 11)]
    assert [one for _, one in await booked(village)] == both


async def test_entries_of_one_moment_are_all_kept(village: SqlStore) -> None:
    same = [entry(0, seconds, seconds) for seconds in (0, 1, 1, 0, 2)]
    await book(village, same[:2], same[2:4], same[4:])
    assert sum(one.energy_mwh for _, one in await booked(village)) == 4
    assert sum((one.lit for _, one in await booked(village)), timedelta()) == timedelta(seconds=4)
    assert [one.start for _, one in await booked(village)] == [HOUR] * 5


async def test_what_comes_late_is_booked_where_it_belongs(village: SqlStore) -> None:
    await book(village, [entry(120, 180, 5)], [entry(0, 60, 7)], [entry(60, 90, 1)], [entry(180, 240, 2)])
    assert await stretches(village) == [(0, 90, 8), (120, 240, 7)]


async def test_lengths_are_exact_to_the_microsecond(village: SqlStore) -> None:
    odd = entry(0.000001, 3599.999999, BIG)._replace(lit=timedelta(microseconds=3_599_999_997))
    dark = Entry(SECOND, at(0), at(3600), 0, Cause.SCHEDULE, None, 0, timedelta(), Quality.COMPUTED)
    partly = entry(3600, 7200, -1)._replace(lit=timedelta(), level=1)
    stands = entry(7200, 7200, 1)
    await book(village, [odd, dark], [partly], [stands])
    assert [one for _, one in await booked(village)] == [dark, odd, partly, stands]


async def test_an_entry_from_before_1970_is_kept_as_well(village: SqlStore) -> None:
    old = Entry(FIRST, datetime(1969, 12, 31, 23, 50, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), 5, Cause.TEST)
    await book(village, [old])
    assert await village.read(lambda tx: tx.entries_of([FIRST], old.start, old.end)) == [("hauptstrasse", old)]


async def test_no_entry_goes_on_over_a_full_hour(village: SqlStore) -> None:
    await book(village, [entry(3500, 3600, 5)], [entry(3600, 3700, 7)], [entry(3700, 3800, 1), entry(3800, 7200, 2)])
    await book(village, [entry(7200, 7300, 1)])
    assert await stretches(village) == [(3500, 3600, 5), (3600, 7200, 10), (7200, 7300, 1)]
    await book(village, [entry(10799, 10800, 1), entry(10800, 10801, 1)])
    assert (await stretches(village))[3:] == [(10799, 10800, 1), (10800, 10801, 1)]


@pytest.mark.parametrize(("tz", "minute"), [("Asia/Kolkata", 30), ("Asia/Kathmandu", 15), ("Australia/Eucla", 15)])
async def test_the_full_hours_are_those_of_local_time(store: SqlStore, tz: str, minute: int) -> None:
    home = leck().municipality
    there = replace(leck(), municipality=replace(home, place=replace(home.place, tz=tz)))
    await store.write(lambda tx: tx.save_inventory(there, NOW))
    full = minute * 60
    await book(store, [entry(full - 60, full)], [entry(full, full + 60)])
    await book(store, [entry(full + 60, 3600)], [entry(3600, 3660)], [entry(3660, full + 3600)])
    await book(store, [entry(full + 3600, full + 3601)])
    assert await stretches(store) == [(full - 60, full, 5), (full, full + 3600, 20), (full + 3600, full + 3601, 5)]
    stale = await store.read(lambda tx: tx.stale_hours("leck"))
    assert stale == [HOUR, at(3600)]


async def test_each_municipality_has_its_own_local_time(village: SqlStore) -> None:
    there = moved(leck(), "there")
    there = replace(
        there, municipality=replace(there.municipality, place=replace(there.municipality.place, tz="Asia/Kolkata"))
    )
    await village.write(lambda tx: tx.save_inventory(there, NOW))
    far = FIRST._replace(municipality="there")
    await book(village, [entry(1700, 1800), entry(1700, 1800, 5, far)], [entry(1800, 1900), entry(1800, 1900, 5, far)])
    assert await stretches(village) == [(1700, 1900, 10)]
    assert await stretches(village, "there") == [(1700, 1800, 5), (1800, 1900, 5)]


def of_each_hour(entries: Sequence[Entry]) -> dict[tuple[object, ...], tuple[int, timedelta, timedelta]]:
    """Energy, length and burning time by hour, output, cause and level."""
    sums: dict[tuple[object, ...], tuple[int, timedelta, timedelta]] = {}
    for one in entries:
        of = one.start.replace(minute=0, second=0), one.output, one.cause, one.level
        energy, length, lit = sums.get(of, (0, timedelta(), timedelta()))
        sums[of] = energy + one.energy_mwh, length + (one.end - one.start), lit + one.lit
    return sums


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_comes_in_whatever_order_the_sums_are_those_of_what_came(village: SqlStore, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - no secret
    edges = [0, 1, 60, 899, 900, 901, 1800, 2700, 3540, 3600, 4500, 7200]
    come = []
    for _ in range(150):
        n = chance.randrange(len(edges) - 1)
        one = entry(edges[n], edges[n + 1], chance.randrange(10), chance.choice([FIRST, SECOND]))
        come.append(
            one._replace(
                cause=chance.choice([Cause.PRESS, Cause.SCHEDULE]),
                level=chance.choice([0, 80]),
                lit=chance.choice([timedelta(), one.lit]),
            )
        )
    await book(village, come[:1], come[1:3], come[3:50], come[50:])
    found = [one for _, one in await booked(village)]
    assert len(found) < len(come)
    assert of_each_hour(found) == of_each_hour(come)
    assert not [one for one in found if one.start < at(3600) < one.end]


def rolled_in(zone: str, start: float, energy: int, cause: Cause = Cause.PRESS) -> EnergySum:
    """A sum from a moment on, in seconds after HOUR."""
    return EnergySum(at(start), zone, cause, Quality.MEASURED, energy)


async def test_sums_are_by_zone_and_the_quarter_of_the_start(village: SqlStore) -> None:
    plan = entry(100, 200, 2)._replace(cause=Cause.SCHEDULE)
    guess = entry(10, 20, 9)._replace(quality=Quality.COMPUTED)
    await book(
        village, [entry(0, 890, BIG), entry(899, 950, BIG), entry(900, 1000, 3), entry(5, 15, 2, SECOND), plan, guess]
    )
    assert await village.read(lambda tx: tx.energy_sums("leck", at(0), at(3600))) == [
        EnergySum(at(0), "hauptstrasse", Cause.PRESS, Quality.COMPUTED, 9),
        rolled_in("hauptstrasse", 0, 2 * BIG),
        rolled_in("hauptstrasse", 0, 2, Cause.SCHEDULE),
        rolled_in("kreuzung", 0, 2),
        rolled_in("hauptstrasse", 900, 3),
    ]
    assert await village.read(lambda tx: tx.energy_sums("leck", at(5), at(100))) == [
        EnergySum(at(0), "hauptstrasse", Cause.PRESS, Quality.COMPUTED, 9),
        rolled_in("kreuzung", 0, 2),
    ]
    assert await village.read(lambda tx: tx.energy_sums("nowhere", at(0), at(3600))) == []


async def test_entries_are_those_of_a_zone_and_of_starts_in_a_stretch(village: SqlStore) -> None:
    batch = [entry(10, 20, 1), entry(5, 15, 2, SECOND), entry(30, 40, 3), entry(10, 15, 4, SECOND)]
    await book(village, batch)
    in_order = [batch[1], batch[0], batch[3], batch[2]]
    assert [one for _, one in await booked(village)] == in_order
    assert await booked(village, "leck", "kreuzung") == [("kreuzung", batch[1]), ("kreuzung", batch[3])]
    assert await booked(village, "leck", "nowhere") == await booked(village, "nowhere") == []
    middle = await village.read(lambda tx: tx.entries("leck", at(10), at(30)))
    assert [one for _, one in middle] == [batch[0], batch[3]]
    own = await village.read(lambda tx: tx.entries_of([SECOND, FIRST], at(10), at(30.000001)))
    assert [one for _, one in own] == [batch[0], batch[2], batch[3]]
    assert await village.read(lambda tx: tx.entries_of([OutputKey(*CABINET, 8)], at(0), at(99))) == []


async def test_energy_by_controller_is_by_zone_and_cause_as_well(village: SqlStore) -> None:
    plan = entry(60, 120, 2)._replace(cause=Cause.SCHEDULE)
    await book(village, [entry(0, 60, 1), plan, entry(300, 310, 8), entry(0, 60, 4, SECOND), entry(7200, 7201, 16)])
    assert await village.read(lambda tx: tx.energy_by_controller("leck", at(0), at(7200))) == [
        ("cabinet-1", "hauptstrasse", Cause.PRESS, 9),
        ("cabinet-1", "hauptstrasse", Cause.SCHEDULE, 2),
        ("cabinet-1", "kreuzung", Cause.PRESS, 4),
    ]


async def test_burning_times_are_by_output_and_level(village: SqlStore) -> None:
    dark = entry(0, 3600, 7, SECOND)._replace(level=0, lit=timedelta())
    share = entry(60, 120, 2)._replace(cause=Cause.SCHEDULE, lit=timedelta())
    whole = entry(3600, 7200, 4)
    await book(
        village, [entry(0, 60, 1), dark, share, entry(60, 90, 8)._replace(level=30), whole, entry(7200, 7260, 5)]
    )
    assert await village.read(lambda tx: tx.burnt([FIRST, SECOND], at(0), at(7200))) == [
        Burnt(FIRST, 30, timedelta(seconds=30), 8),
        Burnt(FIRST, 80, timedelta(seconds=3660), 7),
    ]
    assert await village.read(lambda tx: tx.burnt([SECOND], at(0), at(7200))) == []


@pytest.mark.parametrize("inventory", ["apart", "in one zone"])
async def test_energy_of_outputs_is_by_quality_whether_packed_or_not(village: SqlStore, inventory: str) -> None:
    if inventory == "in one zone":
        await village.write(lambda tx: tx.save_inventory(crossing(), NOW))
    chance, quarter = random.Random(5), timedelta(minutes=15)  # noqa: S311 - no secret
    entries = []
    for n in range(24):
        for output in (FIRST, SECOND):
            begun, energy, quality = HOUR + n * quarter, chance.randrange(10**6), chance.choice(list(Quality)[:3])
            entries.append(Entry(output, begun, begun + quarter, energy, Cause.PRESS, None, 80, quarter, quality))
    entries += [entry(60, 120, BIG, SECOND), entry(7200, 7201, 3)._replace(quality=Quality.COMPUTED)]
    await book(village, entries)
    kept = [one for _, one in await booked(village)]
    for coarse_until in (HOUR, at(7200), at(999999)):
        state = LedgerState(coarse_until)
        await village.write(lambda tx, state=state: tx.set_ledger_state("leck", state))  # type: ignore[misc]
        for start, end in ((-99999, 999999), (900, 7200), (901, 7201), (0, 0)):
            for outputs in ([FIRST], [SECOND], [FIRST, SECOND], []):
                expected: Counter[Quality] = Counter()
                for one in kept:
                    if one.output in outputs and at(start) <= one.start < at(end):
                        expected[one.quality] += one.energy_mwh
                assert await energy_of(village, outputs, start, end) == expected
    assert await energy_of(village, [FIRST._replace(municipality="unknown")], -99999, 999999) == {}


async def energy_of(store: SqlStore, outputs: list[OutputKey], start: float, end: float) -> dict[Quality, int]:
    return dict(await store.read(lambda tx: tx.energy_of(outputs, at(start), at(end))))


async def test_past_energy_stays_with_the_zone_of_its_time(village: SqlStore) -> None:
    await book(village, [entry(0, 60, 5)])
    await village.write(lambda tx: tx.save_inventory(crossing(), NOW))
    await book(village, [entry(60, 120, 7)])
    assert await booked(village) == [("hauptstrasse", entry(0, 60, 5)), ("kreuzung", entry(60, 120, 7))]


def crossing() -> Inventory:
    """Leck, whose first output belongs to the crossing."""
    [cabinet] = leck().controllers
    changed = replace(cabinet, outputs=(replace(cabinet.outputs[0], zone="kreuzung"), cabinet.outputs[1]))
    return replace(leck(), controllers=(changed,))


async def test_new_energy_makes_its_hours_stale(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.stale_hours("leck")) == []
    await book(village, [entry(3599, 3600), entry(7200, 7201)], [entry(7201, 7202)])
    assert await village.read(lambda tx: tx.stale_hours("leck")) == [HOUR, at(7200)]
    await village.write(lambda tx: tx.clear_stale("leck", [HOUR, at(7200)]))
    await book(village, [entry(7202, 7203)])
    assert await village.read(lambda tx: tx.stale_hours("leck")) == [at(7200)]


async def test_replaced_entries_are_those_of_the_outputs_and_the_stretch(village: SqlStore) -> None:
    other, before, after = entry(0, 900, 3, SECOND), entry(-60, 0, 1), entry(3600, 3601, 2)
    await book(village, [before, entry(0, 60, 5), entry(100, 160, 7), entry(100, 101, 1), after, other])
    stale = await village.read(lambda tx: tx.stale_hours("leck"))
    await village.write(lambda tx: tx.clear_stale("leck", stale))
    coarse = entry(0, 900, 12)._replace(ref=None, lit=timedelta(seconds=120))
    new = [
        ZonedEntry("hauptstrasse", coarse),
        ZonedEntry("kreuzung", coarse),
        ZonedEntry("hauptstrasse", entry(100, 160, 7)),
    ]
    for _ in range(2):
        await village.write(lambda tx: tx.replace_entries([FIRST], at(0), at(3600), new))
        found = await booked(village)
        assert found[1:3] == new[:2]
        assert sorted(found) == sorted([*new, *(("hauptstrasse", one) for one in (before, after)), ("kreuzung", other)])
    assert await village.read(lambda tx: tx.stale_hours("leck")) == []
    await village.write(lambda tx: tx.replace_entries([FIRST, SECOND], at(0), at(3600), []))
    assert await booked(village) == [("hauptstrasse", before), ("hauptstrasse", after)]


@pytest.mark.parametrize("other", [entry(0, 1, 1, SECOND), entry(-1, 0), entry(60, 61)])
async def test_what_is_put_in_place_must_belong_there(village: SqlStore, other: Entry) -> None:
    await book(village, [entry(0, 1)])
    with pytest.raises(ValueError, match="not among the entries"):
        await village.write(lambda tx: tx.replace_entries([FIRST], at(0), at(60), [ZonedEntry("kreuzung", other)]))
    assert await stretches(village) == [(0, 1, 5)]


async def test_old_entries_are_deleted_and_nothing_becomes_stale(village: SqlStore) -> None:
    await book(village, [entry(0, 60), entry(900.5, 910), entry(901, 902), entry(0, 60, 5, SECOND)])
    await village.write(lambda tx: tx.clear_stale("leck", [HOUR]))
    assert await village.write(lambda tx: tx.delete_entries([FIRST], at(901))) == 2
    assert sorted(one.output for _, one in await booked(village)) == [FIRST, SECOND]
    assert await village.read(lambda tx: tx.stale_hours("leck")) == []
    assert await village.write(lambda tx: tx.delete_entries([FIRST, SECOND], at(9999))) == 2


async def test_energy_of_an_unknown_output_is_refused_by_name(village: SqlStore, store_url: str) -> None:
    with pytest.raises(UnknownError, match="output: leck/other/1"):
        await book(village, [entry(0, 1), entry(0, 1, 1, OutputKey("leck", "other", 1))])
    await book(village, [])
    assert query(store_url, "SELECT count(*) FROM energy_entry") == [(0,)]


KEPT_FOR_GOOD: list[tuple[Numbers, type[StrEnum], dict[str, int]]] = [
    (
        CAUSES,
        Cause,
        {
            "lock": 1, "rescue": 2, "safety": 3, "test": 4, "override": 5,
            "press": 6, "local": 7, "exception": 8, "schedule": 9, "failsafe": 10,
        },
    ),
    (QUALITIES, Quality, {"measured": 1, "apportioned": 2, "interpolated": 3, "computed": 4}),
    (PERIODS, Period, {"hour": 1, "day": 2, "night": 3, "month": 4}),
]  # fmt: skip


@pytest.mark.parametrize(("numbers", "words", "since_0004"), KEPT_FOR_GOOD)
def test_every_word_has_a_number_that_never_changes(
    numbers: Numbers, words: type[StrEnum], since_0004: dict[str, int]
) -> None:
    found = {word.value: number for word, number in numbers}
    assert {**found, **since_0004} == found
    assert found.keys() == {word.value for word in words}
    assert len(set(found.values())) == len(numbers) == len(found)
