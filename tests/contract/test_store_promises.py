"""What every Store promises about transactions: whole or not at all, one after another, on disk when it says so."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from service.domain.leases import Lease
from service.domain.words import Channel
from service.errors import UnavailableError
from service.ports import PressRecord, SentPlan, Tx
from service.store import SqlStore, migrate, open_store
from tests.support.leck import CABINET, CROSSING, NOW, STREET, later, leck
from tests.support.postgres import running_postgres
from tests.support.stores import query

ROOT = Path(__file__).parents[2]
WAIT_S = 20


def lease(n: int) -> Lease:
    """Lease number `n`."""
    return Lease(f"{n:032x}", STREET, (STREET, CROSSING), NOW, later(minutes=10), 100)


async def bought(store: SqlStore) -> int:
    """How many leases there are."""
    return len(await store.read(lambda tx: tx.leases_running("leck", NOW)))


async def test_an_exception_leaves_nothing_and_reaches_the_caller(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        tx.add_lease(lease(1), 2)
        tx.keep_plan(CABINET, SentPlan(1, "digest"), NOW)
        raise LookupError("broken on purpose")

    with pytest.raises(LookupError, match="broken on purpose"):
        await village.write(work)
    assert await bought(village) == 0
    assert await village.read(lambda tx: tx.sent_plans("leck")) == {}


async def test_a_write_gives_back_what_its_work_returns_and_sees_what_it_wrote(village: SqlStore) -> None:
    def work(tx: Tx) -> int:
        tx.add_lease(lease(1), 2)
        return len(tx.leases_running("leck", NOW))

    assert await village.write(work) == 1


async def test_two_programs_write_one_after_another(village: SqlStore, store_url: str) -> None:
    """Both look before either writes, if the store lets them: then both would pass a limit of one lease."""
    other = open_store(store_url)
    meet = threading.Barrier(2)

    def press(n: int) -> Callable[[Tx], None]:
        def work(tx: Tx) -> None:
            free = not tx.leases_running("leck", NOW)
            with contextlib.suppress(threading.BrokenBarrierError):  # nobody else is inside, as it must be
                meet.wait(0.5)
            if free:
                tx.add_lease(lease(n), 2)

        return work

    await asyncio.gather(village.write(press(1)), other.write(press(2)))
    await other.close()
    assert await bought(village) == 1


async def test_many_presses_at_once_never_pass_a_limit(village: SqlStore, store_url: str) -> None:
    other = open_store(store_url)

    def press(n: int) -> Callable[[Tx], None]:
        def work(tx: Tx) -> None:
            if len(tx.leases_running("leck", NOW)) < 5:
                tx.add_lease(lease(n), 2)

        return work

    await asyncio.gather(*((village, other)[n % 2].write(press(n)) for n in range(40)))
    await other.close()
    assert await bought(village) == 5


async def test_a_read_sees_one_snapshot_and_holds_up_no_write(village: SqlStore) -> None:
    looked, written = threading.Event(), threading.Event()

    def look(tx: Tx) -> tuple[int, int]:
        before = len(tx.leases_running("leck", NOW))
        looked.set()
        assert written.wait(WAIT_S)
        return before, len(tx.leases_running("leck", NOW))

    reading = asyncio.create_task(village.read(look))
    assert await asyncio.to_thread(looked.wait, WAIT_S)
    await village.write(lambda tx: tx.add_lease(lease(1), 2))
    written.set()
    assert await reading == (0, 0)
    assert await bought(village) == 1


async def test_a_read_cannot_write(village: SqlStore) -> None:
    with pytest.raises(Exception, match=r"(?i)read-?only"):
        await village.read(lambda tx: tx.add_lease(lease(1), 2))
    assert await bought(village) == 0


async def test_a_cancelled_caller_leaves_the_writer_whole(village: SqlStore) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(tx: Tx) -> None:
        tx.add_lease(lease(1), 2)
        begun.set()
        assert go_on.wait(WAIT_S)
        tx.add_press(PressRecord("p", STREET, NOW, Channel.WEB, None, lease(1).id))

    running = asyncio.create_task(village.write(slow))
    assert await asyncio.to_thread(begun.wait, WAIT_S)
    queued = asyncio.create_task(village.write(lambda tx: tx.add_lease(lease(2), 2)))
    await asyncio.to_thread(lambda: None)  # lets the second one reach the queue
    for task in (running, queued):
        task.cancel()
    await asyncio.gather(running, queued, return_exceptions=True)
    assert running.cancelled()
    assert queued.cancelled()
    go_on.set()
    await village.write(lambda tx: tx.add_lease(lease(3), 2))
    ids = [one.id for one, _ in await village.read(lambda tx: tx.leases_running("leck", NOW))]
    assert ids == [lease(1).id, lease(3).id]  # the first ran to its end, the second never began


async def test_a_closed_store_says_so_and_has_no_threads(village: SqlStore) -> None:
    await bought(village)
    await village.close()
    with pytest.raises(UnavailableError, match="closed"):
        await village.write(lambda tx: tx.touch())
    await village.close()
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("store-")]


async def test_commits_reach_the_disk(village: SqlStore, store_url: str) -> None:
    def settings(tx: Tx) -> list[str]:
        ask = ("synchronous", "journal_mode", "secure_delete", "foreign_keys")
        connection = tx._connection  # type: ignore[attr-defined]
        if "sqlite" in store_url:
            return [str(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()) for name in ask]
        return [str(connection.exec_driver_sql("SHOW synchronous_commit").scalar_one())]

    if "postgresql" in store_url:  # whatever the database's owner thought of it
        query(store_url, "ALTER DATABASE migrated SET synchronous_commit = off")
    again = open_store(store_url)
    try:
        assert await again.write(settings) == (["2", "wal", "1", "1"] if "sqlite" in store_url else ["on"])
    finally:
        await again.close()
        if "postgresql" in store_url:
            query(store_url, "ALTER DATABASE migrated RESET synchronous_commit")


GRANTS = """
import asyncio, sys
from service.domain.words import Channel
from service.ports import PressRecord
from service.store import open_store
from tests.contract.test_store_promises import NOW, STREET, lease

def grant(n):
    def work(tx):
        tx.add_press(PressRecord(f"p{n}", STREET, NOW, Channel.WEB, None, lease(n).id))
        tx.add_lease(lease(n), 2)
    return work

async def main():
    store = open_store(sys.argv[1])
    for n in range(1000000):
        await store.write(grant(n))
        print(n, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("granted", [1, 37])
async def test_what_was_granted_survives_a_kill(village: SqlStore, store_url: str, granted: int) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", GRANTS, store_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    said = [await child.stdout.readline() for _ in range(granted)]
    child.kill()
    said += (await child.stdout.read()).splitlines(keepends=True)
    await child.wait()
    told = {int(line) for line in said if line.endswith(b"\n")}
    assert len(told) >= granted
    again = open_store(store_url)
    kept = await again.read(lambda tx: {n for n in told if tx.lease(lease(n).id) is not None})
    await again.close()
    assert kept == told
    [(leases,)] = query(store_url, "SELECT count(*) FROM lease")
    assert leases <= len(told) + 1  # at most the one that was being answered
    assert query(store_url, "SELECT count(*) FROM press") == [(leases,)]


async def test_a_postgresql_that_goes_down_loses_nothing_and_is_found_again() -> None:
    with running_postgres(durable=True) as server, server.database() as url:
        migrate(url)
        store = open_store(url)
        await store.write(lambda tx: tx.save_inventory(leck(), NOW))
        await store.write(lambda tx: tx.add_lease(lease(1), 2))
        server.crash()
        with pytest.raises(UnavailableError, match="the database is away"):
            await store.write(lambda tx: tx.add_lease(lease(2), 2))
        with pytest.raises(UnavailableError):
            await bought(store)
        server.start()
        await store.write(lambda tx: tx.add_lease(lease(3), 2))
        assert [one.id for one, _ in await store.read(lambda tx: tx.leases_running("leck", NOW))] == [
            lease(1).id,
            lease(3).id,
        ]
        await store.close()
