"""What every Store keeps of claim codes, and what it forgets when another device takes a controller's place."""

from dataclasses import replace

import pytest

from service.domain.entries import Entry
from service.domain.faults import Fault, Subject
from service.domain.inventory import ControllerKey
from service.domain.reports import ControllerState, MeterState, OutputState, Signal
from service.domain.words import Cause, FaultKind, FaultState
from service.errors import ConflictError, UnknownError
from service.ports import ClaimCode, SentOrder, SentPlan, Tx
from service.store import SqlStore
from tests.contract.test_store import moved
from tests.support.leck import CABINET, FIRST, METER, NOW, SECOND, later, leck

THERE = ControllerKey("glasau", "cabinet-1")
CODE = ClaimCode(CABINET, "d" * 64, NOW, later(days=7))


async def test_a_claim_code_is_found_by_its_hash(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.claim_code(CODE.digest)) is None
    await village.write(lambda tx: tx.save_claim_code(CODE))
    assert await village.read(lambda tx: tx.claim_code(CODE.digest)) == CODE
    used = replace(CODE, used_at=later(hours=1))
    await village.write(lambda tx: tx.save_claim_code(used))
    assert await village.read(lambda tx: tx.claim_code(CODE.digest)) == used


async def test_a_controller_has_one_claim_code_at_most(village: SqlStore) -> None:
    second = replace(CODE, digest="e" * 64, made_at=later(days=1))
    await village.write(lambda tx: tx.save_claim_code(CODE))
    await village.write(lambda tx: tx.save_claim_code(second))
    assert await village.read(lambda tx: tx.claim_code(CODE.digest)) is None
    assert await village.read(lambda tx: tx.claim_codes("leck")) == [second]


async def test_a_hash_is_that_of_one_controller(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    await village.write(lambda tx: tx.save_claim_code(CODE))
    with pytest.raises(ConflictError):
        await village.write(lambda tx: tx.save_claim_code(replace(CODE, controller=THERE)))
    assert await village.read(lambda tx: tx.claim_codes("glasau")) == []
    with pytest.raises(UnknownError, match="other"):
        await village.write(lambda tx: tx.save_claim_code(replace(CODE, controller=ControllerKey("leck", "other"))))


def say(tx: Tx, home: str) -> None:
    """All that a controller says of itself."""
    cabinet = ControllerKey(home, "cabinet-1")
    tx.save_controller_states({cabinet: ControllerState(True, 5, 6, 7, 8, 9, NOW, NOW, "1.0", True)})
    for n in (1, 2):
        tx.save_output_states({FIRST._replace(municipality=home, n=n): OutputState(100, Cause.PRESS, NOW, NOW)})
    tx.save_meter_states({METER._replace(municipality=home): MeterState(1000, 140.0, NOW, 230.0)})
    tx.set_signal(Signal(cabinet, FaultKind.CABINET_DOOR_OPEN, None, NOW), on=True)
    tx.set_signal(Signal(cabinet, FaultKind.CIRCUIT_BREAKER_TRIPPED, 2, NOW), on=True)


def heard(tx: Tx, home: str) -> tuple[bool, int, int, int]:
    """Whether a state is known, and how many levels, readings and signals."""
    cabinet = ControllerKey(home, "cabinet-1")
    return (
        tx.controller_states([cabinet])[cabinet] != ControllerState(),
        len(tx.output_states([FIRST._replace(municipality=home), SECOND._replace(municipality=home)])),
        len(tx.meter_states([METER._replace(municipality=home)])),
        len(tx.signals(home)),
    )


async def test_what_a_controller_said_is_forgotten_and_nothing_else(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    fault = Fault("f" * 32, "leck", Subject("cabinet-1"), FaultKind.SUPPLY_LOSS, FaultState.OPEN, NOW)

    def work(tx: Tx) -> None:
        say(tx, "leck")
        say(tx, "glasau")
        tx.keep_order(CABINET, SentOrder(3, {}), NOW)
        tx.keep_plan(CABINET, SentPlan(4, "digest"), NOW)
        tx.add_energy([Entry(FIRST, NOW, later(seconds=1), 5, Cause.PRESS)])
        tx.save_fault(fault)
        tx.save_claim_code(CODE)
        tx.forget_controller(CABINET)

    await village.write(work)
    assert await village.read(lambda tx: heard(tx, "leck")) == (False, 0, 0, 0)
    assert await village.read(lambda tx: heard(tx, "glasau")) == (True, 2, 1, 2)
    assert await village.read(lambda tx: tx.sent_orders([CABINET])) == {CABINET: SentOrder(3, {})}
    assert await village.read(lambda tx: tx.sent_plans("leck")) == {CABINET: SentPlan(4, "digest")}
    assert len(await village.read(lambda tx: tx.entries("leck", NOW, later(days=1)))) == 1
    assert await village.read(lambda tx: tx.faults("leck")) == [fault]
    assert await village.read(lambda tx: tx.claim_codes("leck")) == [CODE]


async def test_a_controller_that_does_not_exist_cannot_be_forgotten(village: SqlStore) -> None:
    with pytest.raises(UnknownError, match="other"):
        await village.write(lambda tx: tx.forget_controller(ControllerKey("leck", "other")))
