"""What every Store keeps of locks, commissioning tests, and what outputs drew in them."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.domain.inventory import ControllerKey, OutputKey
from service.domain.maintenance import Commissioned, Lock, OutputTest, Reading, Stage
from service.errors import UnknownError
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
