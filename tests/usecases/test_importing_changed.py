"""An import while others change what it is about: it holds nobody up, and takes into account what they did."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from service.domain.inventory import ZoneKey
from service.errors import ConflictError
from service.ports import Enactment, Tx
from service.store import SqlStore
from service.usecases.enroll import Enrolled, enroll_files
from service.usecases.inventory_bring import MOST_TRIES, Asked
from service.usecases.inventory_files import Files
from service.usecases.look import municipality_of
from service.usecases.policies import inventory_of
from service.usecases.rows import Record
from service.usecases.rows_csv import read_csv
from service.wire.access import replace_file
from tests.unit.villages import ALL_NIGHT, policy
from tests.usecases.test_importing_rows import GLASAU, HEAD, NOW, counts, row, tally

T = TypeVar("T")
Work = Callable[[Tx], None]


class Shared:
    """A store in which somebody else writes before each of the first writes that it is asked for."""

    def __init__(self, store: SqlStore, *others: Work) -> None:
        self.store, self.others = store, list(others)

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Read as ever."""
        return await self.store.read(work)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Write after somebody else."""
        if self.others:
            await self.store.write(self.others.pop(0))
        return await self.store.write(work)

    async def close(self) -> None:
        """Whose store it is closes it."""


class Watched(tuple[Record, ...]):
    """Rows of a table that call somebody whenever they are read."""

    called: Callable[[], None]

    def __iter__(self) -> Iterator[Record]:
        self.called()
        return super().__iter__()


def files(*rows: str) -> Files:
    """A CSV file with these rows."""
    return Files(tables=(("rows.csv", read_csv("\n".join((HEAD, *rows)).encode(), HEAD.split(";"), None)),))


async def bring(store: SqlStore | Shared, given: Files, asked: Asked = GLASAU) -> Enrolled:
    """Import files."""
    return await enroll_files(store, None, given, asked, None, replace_file, NOW)


def another_lamp(n: int = 1) -> Work:
    """Somebody adds a lamp with an id of its own to the first lamp's output, and makes all of its lamps 20 W."""

    def work(tx: Tx) -> None:
        there = inventory_of(tx, municipality_of(tx, "glasau"))
        first = replace(there.lamps[0], watts=20.0)
        lamps = (first, replace(first, id=f"other-{n}"), *there.lamps[1:])
        tx.save_inventory(replace(there, lamps=lamps), NOW)

    return work


def all_night(tx: Tx) -> None:
    """The council lights a zone all night."""
    tx.enact(ZoneKey("glasau", "dorfstrasse"), Enactment(policy(ALL_NIGHT, 15, version=2), "the clerk", NOW))


async def lamps(store: SqlStore) -> dict[str, float]:
    """The watts of all lamps of Glasau."""
    there = await store.read(lambda tx: inventory_of(tx, municipality_of(tx, "glasau")))
    return {lamp.id: lamp.watts for lamp in there.lamps}


async def test_what_another_added_meanwhile_stays_and_is_what_changes_are_told_from(store: SqlStore) -> None:
    given = files(row(1, "40"), row(2, "50"))
    dry = await bring(Shared(store, another_lamp()), given, replace(GLASAU, dry_run=True))
    assert (await lamps(store))["m02-01"] == 30
    wet = await bring(Shared(store, another_lamp(2)), given)
    found = await lamps(store)
    assert [found[name] for name in ("m01-01", "m02-01", "other-1", "other-2")] == [40, 50, 20, 20]
    for done, kept in ((dry, 84), (wet, 85)):
        assert counts(done, "lamp") == (0, 2, 0, kept)
        assert [change.old for change in tally(done, "lamp").changes if change.field == "watts"] == ["20.0", "30.0"]


async def test_what_another_added_meanwhile_is_removed_by_who_asks_for_it(store: SqlStore) -> None:
    asked = replace(GLASAU, remove_missing=True)
    zones = ["dorfstrasse"] * 31 + ["kirchweg"] * 28 + ["am-see"] * 26
    every = files(*(row(n, zone=zone) for n, zone in enumerate(zones, start=1)))
    done = await bring(Shared(store, another_lamp()), every, asked)
    assert tally(done, "lamp").removed == ("other-1",)
    assert len(await lamps(store)) == 85


async def test_costs_are_told_by_rules_that_were_enacted_meanwhile(store: SqlStore) -> None:
    before, after = [
        (await bring(one, files(row(1, safety="yes")), replace(GLASAU, dry_run=True))).brought.changes[0].safety[0].kwh
        for one in (store, Shared(store, all_night))
    ]
    assert before > 0 == after


@pytest.mark.parametrize("dry_run", [False, True])
async def test_it_gives_up_where_others_change_the_inventory_again_and_again(store: SqlStore, dry_run: bool) -> None:
    shared = Shared(store, *(another_lamp(n) for n in range(MOST_TRIES + 1)))
    with pytest.raises(ConflictError, match="glasau: somebody else changed the inventory"):
        await bring(shared, files(row(2, "50")), replace(GLASAU, dry_run=dry_run))
    assert len(shared.others) == 1
    assert (await lamps(store))["m02-01"] == 30


async def test_others_may_write_while_rows_are_read_and_merged(store: SqlStore, tmp_path: Path) -> None:
    given = files(row(2, "50"))
    ((name, table),) = given.tables
    wrote: list[bool] = []

    def write() -> None:
        with closing(sqlite3.connect(tmp_path / "store.db", timeout=0, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            wrote.append(other.in_transaction)
            other.execute("ROLLBACK")

    watched = Watched(table.records)
    watched.called = write
    await bring(store, Files(tables=((name, replace(table, records=watched)),)))
    assert wrote == [True]
    assert (await lamps(store))["m02-01"] == 50
