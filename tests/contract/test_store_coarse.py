"""What every Store tells of energy that is coarse already, and so kept packed: the same as before."""

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.domain.entries import QUARTER, Entry, ZonedEntry
from service.domain.inventory import OutputKey
from service.domain.words import Cause, Quality
from service.errors import ConflictError
from service.ports import LedgerState, Tx
from service.store import SqlStore
from tests.contract.test_store import moved
from tests.contract.test_store_ledger import HOUR, at, book, booked, entry
from tests.support.leck import FIRST, NOW, SECOND, leck
from tests.support.stores import query

LATER = HOUR + timedelta(days=2)
EARLY, LATE = at(-999_999), at(999_999)


def coarse(quarter: int, quarters: int, output: OutputKey = FIRST, energy: int = 5) -> Entry:
    """An entry of whole quarters of an hour, counted from HOUR."""
    start, length = HOUR + quarter * QUARTER, quarters * QUARTER
    return Entry(output, start, start + length, energy, Cause.PRESS, None, 80, length, Quality.MEASURED)


def some(seed: int) -> list[Entry]:
    """Coarse entries, and a few that are not, of two outputs."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    found = []
    for hour in range(40):
        for output in (FIRST, SECOND):
            for _ in range(chance.randrange(3)):
                first = chance.randrange(4)
                one = coarse(4 * hour + first, chance.randint(1, 4 - first), output, chance.randrange(10**6))
                lit = chance.choice([timedelta(), one.lit, timedelta(microseconds=chance.randrange(10**9))])
                dark = one._replace(level=0, lit=timedelta(), cause=Cause.SCHEDULE, quality=Quality.COMPUTED)
                odd = one._replace(start=one.start + timedelta(seconds=1))
                found.append(chance.choice([one, one, one._replace(lit=lit), dark, odd]))
    return [*found, found[0], entry(0, 900), coarse(8, 1, energy=2**53), coarse(-1, 1, energy=-3), coarse(1, 1)]


def told(tx: Tx, start: datetime = EARLY, end: datetime = LATE) -> tuple[object, ...]:
    """All that can be asked of the energy of a stretch."""
    both = [FIRST, SECOND]
    return (
        sorted(tx.entries("leck", start, end), key=repr),
        sorted(tx.entries("leck", start, end, "kreuzung"), key=repr),
        sorted(tx.entries_of([FIRST], start, end), key=repr),
        tx.energy_sums("leck", start, end),
        tx.energy_by_controller("leck", start, end),
        tx.burnt(both, start, end),
        tx.burnt([SECOND], start, end),
        tx.stale_hours("leck"),
    )


async def reached(store: SqlStore, until: datetime) -> None:
    """Entries before a moment have become coarse."""
    await store.write(lambda tx: tx.set_ledger_state("leck", LedgerState(until)))


@pytest.mark.parametrize("seed", range(2))
async def test_packing_changes_nothing_that_is_told(village: SqlStore, store_url: str, seed: int) -> None:
    entries = some(seed)
    await village.write(lambda tx: tx.replace_entries([FIRST, SECOND], EARLY, LATE, zoned(entries)))
    stretches = [(EARLY, LATE), (at(900), at(7200)), (at(901), at(7201)), (at(0), at(0))]
    before = [await village.read(lambda tx, cut=cut: told(tx, *cut)) for cut in stretches]  # type: ignore[misc]
    rows = query(store_url, "SELECT count(*) FROM energy_entry")
    for until in (at(3600), LATER):
        await reached(village, until)
        assert [await village.read(lambda tx, cut=cut: told(tx, *cut)) for cut in stretches] == before  # type: ignore[misc]
    fine = sum(one.start.second > 0 or one.ref is not None for one in entries)
    assert query(store_url, "SELECT count(*) FROM energy_entry") == [(fine,)] < rows


def zoned(entries: list[Entry]) -> list[ZonedEntry]:
    """Entries in the zones of their outputs."""
    return [ZonedEntry("hauptstrasse" if one.output == FIRST else "kreuzung", one) for one in entries]


async def test_entries_come_in_order_whether_packed_or_not(village: SqlStore) -> None:
    entries = [coarse(0, 4), coarse(0, 4, SECOND), coarse(5, 1), entry(4500, 4501), coarse(8, 4, SECOND)]
    await book(village, entries)
    await reached(village, LATER)
    assert [one for _, one in await booked(village)] == entries
    by_output = await village.read(lambda tx: tx.entries_of([SECOND, FIRST], EARLY, LATE))
    assert by_output == sorted(zoned(entries), key=lambda one: (one.entry.output, one.entry.start))


async def test_only_what_has_become_coarse_in_that_municipality_is_packed(village: SqlStore, store_url: str) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    there = FIRST._replace(municipality="glasau")
    await book(village, [coarse(0, 4), coarse(4, 4), coarse(0, 4, there), entry(1, 2)])
    await reached(village, at(3600))
    assert query(store_url, "SELECT count(*) FROM energy_coarse") == [(1,)]
    assert query(store_url, "SELECT count(*) FROM energy_entry") == [(3,)]


async def test_what_comes_late_is_told_with_what_was_packed(village: SqlStore, store_url: str) -> None:
    await book(village, [coarse(0, 4), coarse(0, 4, SECOND)])
    await reached(village, LATER)
    await book(village, [coarse(0, 4, energy=7), coarse(4, 1)])
    assert sorted(one.energy_mwh for _, one in await booked(village)) == [5, 5, 5, 7]
    merged = coarse(0, 4, energy=12)._replace(lit=timedelta(hours=2))
    await village.write(lambda tx: tx.replace_entries([FIRST], at(0), at(3600), zoned([merged])))
    assert [one for _, one in await booked(village)] == [merged, coarse(0, 4, SECOND), coarse(4, 1)]
    assert query(store_url, "SELECT count(*) FROM energy_entry") == [(1,)]


async def test_replacing_packed_entries_leaves_those_of_others(village: SqlStore) -> None:
    await book(village, [coarse(0, 4), coarse(0, 4, SECOND), coarse(4, 4)])
    await reached(village, LATER)
    fine = entry(10, 20)
    await village.write(lambda tx: tx.replace_entries([FIRST], at(0), at(3600), zoned([fine])))
    assert sorted(await booked(village)) == sorted(zoned([coarse(0, 4, SECOND), fine, coarse(4, 4)]))
    await village.write(lambda tx: tx.replace_entries([FIRST, SECOND], at(0), at(3600), []))
    assert await booked(village) == zoned([coarse(4, 4)])


async def test_what_is_packed_later_joins_others_of_its_kind(village: SqlStore, store_url: str) -> None:
    there = [ZonedEntry("hauptstrasse", coarse(0, 4, output)) for output in (SECOND, FIRST)]
    await village.write(lambda tx: tx.replace_entries([SECOND], at(0), at(1), there[:1]))
    await reached(village, LATER)
    await village.write(lambda tx: tx.replace_entries([FIRST], at(0), at(1), there[1:]))
    assert await booked(village) == sorted(there)
    assert query(store_url, "SELECT energy_mwh FROM energy_coarse") == [(10,)]
    assert await village.write(lambda tx: tx.delete_entries([SECOND], LATE)) == 1
    assert await booked(village) == there[1:]
    assert query(store_url, "SELECT energy_mwh FROM energy_coarse") == [(5,)]


async def test_packed_entries_are_deleted_by_output_and_time(village: SqlStore, store_url: str) -> None:
    await book(village, [coarse(0, 4), coarse(0, 4, SECOND), coarse(4, 4), coarse(5, 1)])
    await reached(village, LATER)
    await book(village, [entry(1, 2)])
    assert await village.write(lambda tx: tx.delete_entries([FIRST], at(3600))) == 2
    assert [one for _, one in await booked(village)] == [coarse(0, 4, SECOND), coarse(4, 4), coarse(5, 1)]
    assert await village.write(lambda tx: tx.delete_entries([FIRST, SECOND], at(4501))) == 3
    assert query(store_url, "SELECT count(*) FROM energy_coarse") == [(0,)]


async def test_an_output_with_packed_entries_is_not_removed(village: SqlStore) -> None:
    await book(village, [coarse(0, 4)])
    await reached(village, LATER)
    bare = replace(leck(), controllers=(), lamps=())
    with pytest.raises(ConflictError, match="output cabinet-1/1"):
        await village.write(lambda tx: tx.save_inventory(bare, NOW))
    assert [one for _, one in await booked(village)] == [coarse(0, 4)]
