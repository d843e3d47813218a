"""What every Store keeps of locks, commissioning tests, and what outputs drew in them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.clock import SystemClock
from service.domain.inventory import ControllerKey, OutputKey
from service.domain.maintenance import Commissioned, Lock, OutputTest, Reading, Stage
from service.errors import ConflictError, UnknownError
from service.loops.housekeeping import Housekeeping
from service.ports import Tx
from service.store import SqlStore
from tests.contract.test_store import moved
from tests.support.leck import CABINET, FIRST, NOW, SECOND, later, leck

LOCK = Lock("a" * 32, "leck", "hauptstrasse", None, None, "new ballast – Ö", "the technician", NOW, later(hours=2))
WHOLE = replace(LOCK, id="b" * 32, zone=None, controller="cabinet-1", start=later(minutes=-1), until=later(hours=1))
NARROW = replace(WHOLE, id="c" * 32, output=2, contact="work@leck.example", warned_at=later(minutes=45))


async def lock(store: SqlStore, *locks: Lock) -> None:
    """Save locks."""
    for one in locks:
        await store.write(lambda tx, one=one: tx.save_lock(one))  # type: ignore[misc]


async def test_locks_come_back_as_they_were_saved_by_start_and_id(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.locks("leck", NOW)) == []
    await lock(village, LOCK, NARROW, WHOLE)
    assert await village.read(lambda tx: tx.locks("leck", NOW)) == [WHOLE, NARROW, LOCK]
    assert await village.read(lambda tx: tx.lock("leck", NARROW.id)) == NARROW
    assert await village.read(lambda tx: tx.lock("leck", "nothing")) is None


async def test_locks_are_those_that_end_later(village: SqlStore) -> None:
    await lock(village, LOCK, WHOLE)
    assert await village.read(lambda tx: tx.locks("leck", later(hours=1, microseconds=-1))) == [WHOLE, LOCK]
    assert await village.read(lambda tx: tx.locks("leck", WHOLE.until)) == [LOCK]
    assert await village.read(lambda tx: tx.locks("leck", LOCK.until)) == []


async def test_a_lock_that_was_given_back_ends_then(village: SqlStore) -> None:
    ended = replace(LOCK, ended_at=later(minutes=10), ended_by="the technician")
    await lock(village, LOCK, ended)
    assert await village.read(lambda tx: tx.lock("leck", LOCK.id)) == ended
    assert await village.read(lambda tx: tx.locks("leck", later(minutes=9))) == [ended]
    assert await village.read(lambda tx: tx.locks("leck", later(minutes=10))) == []


STAGES = (Stage(1, NOW, later(seconds=30)), Stage(2, later(seconds=30), later(seconds=60.000001)))
TEST = OutputTest("d" * 32, CABINET, "the technician", later(seconds=-1), STAGES)
MEASURED = replace(TEST, readings=(Reading(later(seconds=10), 1, 80.25), Reading(later(seconds=40), 1, 60)))


async def test_commissioning_tests_come_back_as_they_were_saved(village: SqlStore) -> None:
    earlier = replace(TEST, id="e" * 32, stages=(Stage(2, later(seconds=-9), later(seconds=2)),), at=NOW)
    assert await village.read(lambda tx: tx.output_tests("leck", NOW)) == []
    for one in (TEST, MEASURED, earlier):
        await village.write(lambda tx, one=one: tx.save_output_test(one))  # type: ignore[misc]
    assert await village.read(lambda tx: tx.output_tests("leck", NOW)) == [earlier, MEASURED]
    assert await village.read(lambda tx: tx.output_test("leck", TEST.id)) == MEASURED
    assert await village.read(lambda tx: tx.output_test("leck", "nothing")) is None
    assert await village.read(lambda tx: tx.output_tests("leck", later(seconds=2))) == [MEASURED]
    assert await village.read(lambda tx: tx.output_tests("leck", MEASURED.until)) == []


async def test_a_test_that_was_stopped_ends_then(village: SqlStore) -> None:
    stopped = replace(TEST, ended_at=later(seconds=20))
    await village.write(lambda tx: tx.save_output_test(stopped))
    assert await village.read(lambda tx: tx.output_tests("leck", later(seconds=19))) == [stopped]
    assert await village.read(lambda tx: tx.output_tests("leck", later(seconds=20))) == []


async def test_what_an_output_drew_is_replaced_by_what_it_drew_last(village: SqlStore) -> None:
    first, second = Commissioned(FIRST, 80.25, NOW, "the technician"), Commissioned(SECOND, 60, NOW, "the technician")
    again = replace(first, watts=79, at=later(days=1), by="the utility")
    assert await village.read(lambda tx: tx.commissioned("leck")) == {}
    for one in (first, second, again):
        await village.write(lambda tx, one=one: tx.save_commissioned(one))  # type: ignore[misc]
    assert await village.read(lambda tx: tx.commissioned("leck")) == {FIRST: again, SECOND: second}


HEAVIER, OTHER = replace(leck().lamps[0], watts=40.3), replace(leck().lamps[0], id="h-3", watts=0.0)
LAMPS = {
    "the same": (leck().lamps, True),
    "a tenth of a watt": ((replace(HEAVIER, watts=40.1), *leck().lamps[1:]), True),
    "another place": ((replace(HEAVIER, watts=40.0, pole="H9", id="h-9"), *leck().lamps[1:]), True),
    "more watts": ((HEAVIER, *leck().lamps[1:]), False),
    "fewer watts": ((replace(HEAVIER, watts=39.8), *leck().lamps[1:]), False),
    "one lamp more": ((*leck().lamps, OTHER), False),
    "one lamp for two": ((replace(HEAVIER, watts=80.5), leck().lamps[2]), False),
}


@pytest.mark.parametrize("change", LAMPS)
async def test_what_an_output_drew_is_forgotten_when_it_gets_other_lamps(village: SqlStore, change: str) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    lamps, kept = LAMPS[change]
    drew = [
        Commissioned(key, 80.25, NOW, "the technician")
        for key in (FIRST, SECOND, FIRST._replace(municipality="glasau"))
    ]
    for one in drew:
        await village.write(lambda tx, one=one: tx.save_commissioned(one))  # type: ignore[misc]
    await village.write(lambda tx: tx.save_inventory(replace(leck(), lamps=lamps), later(days=1)))
    there = await village.read(lambda tx: tx.commissioned("leck"))
    assert there == {one.output: one for one in (drew[:2] if kept else drew[1:2])}
    assert await village.read(lambda tx: list(tx.commissioned("glasau").values())) == drew[2:]


async def test_work_is_forgotten_by_its_end(village: SqlStore) -> None:
    ended = replace(LOCK, id="f" * 32, ended_at=later(minutes=10), ended_by="the technician")
    await lock(village, LOCK, WHOLE, ended)
    early, late = replace(TEST, ended_at=later(seconds=20)), replace(MEASURED, id="e" * 32)
    for one in (early, late):
        await village.write(lambda tx, one=one: tx.save_output_test(one))  # type: ignore[misc]
    assert await village.write(lambda tx: tx.forget_maintenance(later(seconds=20))) == 0
    assert await village.write(lambda tx: tx.forget_maintenance(late.until)) == 1
    assert await village.read(lambda tx: tx.output_tests("leck", NOW)) == [late]
    assert await village.write(lambda tx: tx.forget_maintenance(WHOLE.until)) == 2
    assert await village.read(lambda tx: (tx.locks("leck", NOW), tx.output_tests("leck", NOW))) == ([WHOLE, LOCK], [])


async def test_what_was_worked_at_may_go_when_that_is_forgotten(village: SqlStore) -> None:
    await lock(village, LOCK, WHOLE, NARROW)
    await village.write(lambda tx: tx.save_output_test(TEST))
    other = ControllerKey("leck", "cabinet-2")
    moved_in = tuple(replace(one, key=OutputKey(*other, one.key.n)) for one in leck().controllers[0].outputs)
    bare = replace(
        leck(),
        controllers=(replace(leck().controllers[0], key=other, outputs=moved_in, meters=()),),
        lamps=tuple(replace(one, output=OutputKey(*other, one.output.n)) for one in leck().lamps),
    )
    with pytest.raises(ConflictError, match=r"controller cabinet-1, output cabinet-1/1, output cabinet-1/2: cannot"):
        await village.write(lambda tx: tx.save_inventory(bare, NOW))
    assert await village.write(lambda tx: tx.forget_maintenance(later(days=1))) == 4
    await village.write(lambda tx: tx.save_inventory(bare, NOW))
    assert [one.key for one in await village.read(lambda tx: tx.controllers("leck"))] == [other]


async def test_whom_to_warn_is_forgotten_when_the_lock_has_ended(village: SqlStore) -> None:
    early = replace(LOCK, contact="clerk@leck.example", ended_at=later(minutes=10), ended_by="the technician")
    await lock(village, early, NARROW, WHOLE)
    assert await village.write(lambda tx: tx.forget_contacts(later(minutes=10))) == 0
    assert await village.write(lambda tx: tx.forget_contacts(NARROW.until)) == 1
    assert await village.read(lambda tx: tx.locks("leck", NOW)) == [WHOLE, NARROW, replace(early, contact=None)]
    assert await village.write(lambda tx: tx.forget_contacts(later(days=1))) == 1
    assert await village.write(lambda tx: tx.forget_contacts(later(days=1))) == 0
    assert await village.read(lambda tx: tx.lock("leck", NARROW.id)) == replace(NARROW, contact=None)


async def test_housekeeping_forgets_contacts_after_a_day_and_work_after_800(village: SqlStore) -> None:
    await lock(village, NARROW)
    await village.write(lambda tx: tx.save_output_test(TEST))
    clock = SystemClock(NOW)
    housekeeping = Housekeeping(village, clock, timedelta(days=400))

    async def left_after(**more: float) -> tuple[list[Lock], list[OutputTest]]:
        clock.move(forward=timedelta(**more))
        await housekeeping.run_due()
        return await village.read(lambda tx: (tx.locks("leck", NOW), tx.output_tests("leck", NOW)))

    nobody = replace(NARROW, contact=None)
    assert await left_after(days=1) == ([NARROW], [TEST])
    assert await left_after(days=1) == ([nobody], [TEST])
    assert await left_after(days=797, hours=23) == ([nobody], [TEST])
    assert await left_after(days=1, hours=2) == ([], [])


async def test_work_in_another_municipality_is_not_told(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))

    def work(tx: Tx) -> None:
        tx.save_lock(LOCK)
        tx.save_output_test(TEST)
        tx.save_commissioned(Commissioned(FIRST, 1.0, NOW, "the technician"))

    await village.write(work)
    for home in ("glasau", "nowhere"):
        assert await village.read(lambda tx, home=home: tx.locks(home, NOW)) == []  # type: ignore[misc]
        assert await village.read(lambda tx, home=home: tx.lock(home, LOCK.id)) is None  # type: ignore[misc]
        assert await village.read(lambda tx, home=home: tx.output_tests(home, NOW)) == []  # type: ignore[misc]
        assert await village.read(lambda tx, home=home: tx.output_test(home, TEST.id)) is None  # type: ignore[misc]
        assert await village.read(lambda tx, home=home: tx.commissioned(home)) == {}  # type: ignore[misc]


UNKNOWN: dict[str, tuple[str, Callable[[Tx], Any]]] = {
    "municipality": ("other", lambda tx: tx.save_lock(replace(WHOLE, municipality="other"))),
    "zone": ("nowhere", lambda tx: tx.save_lock(replace(LOCK, zone="nowhere"))),
    "controller": ("other", lambda tx: tx.save_lock(replace(WHOLE, controller="other"))),
    "output": ("cabinet-1/7", lambda tx: tx.save_lock(replace(NARROW, output=7))),
    "test": ("other", lambda tx: tx.save_output_test(replace(TEST, controller=ControllerKey("leck", "other")))),
    "stage": ("cabinet-1/7", lambda tx: tx.save_output_test(replace(TEST, stages=(Stage(7, NOW, later(seconds=9)),)))),
    "commissioned": (
        "cabinet-1/7",
        lambda tx: tx.save_commissioned(Commissioned(OutputKey(*CABINET, 7), 1.0, NOW, "the technician")),
    ),
}


@pytest.mark.parametrize("what", UNKNOWN)
async def test_nobody_works_at_what_does_not_exist(village: SqlStore, what: str) -> None:
    says, work = UNKNOWN[what]
    with pytest.raises(UnknownError, match=says):
        await village.write(work)
    assert await village.read(lambda tx: (tx.locks("leck", NOW), tx.output_tests("leck", NOW))) == ([], [])
