"""What every Store keeps of faults and signals, and when the service last ran."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from service.domain.faults import Fault, FaultEntry, Subject
from service.domain.inventory import ControllerKey
from service.domain.reports import Signal
from service.domain.words import FaultKind, FaultState, FaultStep
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import Tx
from service.store import SqlStore
from tests.contract.test_store import moved
from tests.support.leck import CABINET, NOW, later, leck

DARK = FaultKind.LAMP_FAILURE
DOOR = FaultKind.CABINET_DOOR_OPEN
BY_ITSELF = FaultEntry(NOW, FaultStep.OPENED)
FAULT = Fault(
    "f" * 32,
    "leck",
    Subject("cabinet-1", 2),
    DARK,
    FaultState.ACKNOWLEDGED,
    NOW,
    later(seconds=5.000001),
    {"watts": 41.5, "expected": 60, "lamps": 1, "said": "grün – 'x'", "known": None},
    (BY_ITSELF, FaultEntry(later(minutes=1), FaultStep.ACKNOWLEDGED, "the technician", "on it – Ö")),
)
SUSPECTED = Fault("a" * 32, "leck", Subject(), FaultKind.BROKER_OUTAGE, FaultState.SUSPECTED, NOW)
OPEN = Fault("b" * 32, "leck", Subject("cabinet-1"), DOOR, FaultState.OPEN, later(seconds=-1), history=(BY_ITSELF,))


def closed(name: str, *steps: FaultEntry) -> Fault:
    """A closed fault of the street's circuit."""
    return Fault(name, "leck", Subject("cabinet-1", 1), DARK, FaultState.CLOSED, NOW, history=steps)


async def keep(store: SqlStore, *faults: Fault) -> None:
    """Save faults, each in a transaction of its own."""
    for one in faults:
        await store.write(lambda tx, one=one: tx.save_fault(one))  # type: ignore[misc]


async def names(store: SqlStore, *states: FaultState) -> list[str]:
    """The first letters of the ids of Leck's faults in some states."""
    return [fault.id[0] for fault in await store.read(lambda tx: tx.faults("leck", states))]


async def test_faults_come_back_as_they_were_saved_by_since_and_id(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.faults("leck")) == []
    assert await village.read(lambda tx: tx.fault("leck", FAULT.id)) is None
    await keep(village, FAULT, SUSPECTED, OPEN)
    assert await village.read(lambda tx: tx.faults("leck")) == [OPEN, SUSPECTED, FAULT]
    found = await village.read(lambda tx: tx.fault("leck", FAULT.id))
    assert found == FAULT
    assert {name: type(value) for name, value in found.detail.items()} == {
        "watts": float, "expected": int, "lamps": int, "said": str, "known": type(None),
    }  # fmt: skip


async def test_faults_are_those_of_the_states_asked_for(village: SqlStore) -> None:
    await keep(village, FAULT, SUSPECTED, OPEN, closed("d" * 32, BY_ITSELF))
    assert await names(village) == []
    assert await names(village, FaultState.OPEN) == ["b"]
    assert await names(village, FaultState.ACKNOWLEDGED, FaultState.CLOSED) == ["d", "f"]
    assert await names(village, *FaultState) == ["b", "a", "d", "f"]


async def test_a_fault_is_replaced_by_its_id(village: SqlStore) -> None:
    await keep(village, FAULT)
    grown = replace(
        FAULT, state=FaultState.CLOSED, gone_since=None, detail={}, history=(*FAULT.history, closed_at(minutes=2))
    )
    await keep(village, grown)
    assert await village.read(lambda tx: tx.faults("leck")) == [grown]


async def test_faults_of_another_municipality_are_not_told(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    there = replace(FAULT, id="e" * 32, municipality="glasau")
    await keep(village, FAULT, there)
    assert await village.read(lambda tx: tx.faults("glasau")) == [there]
    assert await village.read(lambda tx: tx.fault("glasau", FAULT.id)) is None
    assert await village.read(lambda tx: tx.faults("nowhere")) == []
    await village.write(lambda tx: tx.delete_fault("glasau", FAULT.id))
    assert await village.read(lambda tx: tx.faults("leck")) == [FAULT]


@pytest.mark.parametrize("one", [FAULT, SUSPECTED, OPEN], ids=["output", "all of it", "controller"])
async def test_only_one_fault_of_a_subject_and_kind_is_not_closed(village: SqlStore, one: Fault) -> None:
    second = replace(one, id="9" * 32, state=FaultState.OPEN)
    await keep(village, one)
    with pytest.raises(ConflictError):
        await keep(village, second)
    assert await village.read(lambda tx: tx.faults("leck")) == [one]
    await keep(village, replace(second, state=FaultState.CLOSED))
    await keep(village, replace(one, state=FaultState.CLOSED), second)
    assert await names(village, FaultState.OPEN) == ["9"]


async def test_faults_of_other_kinds_and_subjects_stand_beside_each_other(village: SqlStore) -> None:
    subjects = (Subject(), Subject("cabinet-1"), Subject("cabinet-1", 1), Subject("cabinet-1", 2))
    kinds = (DARK, DOOR)
    many = [
        Fault(f"{i}{j}", "leck", subject, kind, FaultState.OPEN, NOW)
        for i, subject in enumerate(subjects)
        for j, kind in enumerate(kinds)
    ]
    await keep(village, *many)
    assert await village.read(lambda tx: tx.faults("leck")) == many


async def test_a_suspicion_is_deleted(village: SqlStore) -> None:
    await keep(village, SUSPECTED, OPEN)
    await village.write(lambda tx: tx.delete_fault("leck", SUSPECTED.id))
    await village.write(lambda tx: tx.delete_fault("leck", "nothing"))
    assert await village.read(lambda tx: tx.faults("leck")) == [OPEN]


def closed_at(**more: float) -> FaultEntry:
    """A closing, some time after NOW."""
    return FaultEntry(later(**more), FaultStep.CLOSED, "the clerk", "done")


async def test_closed_faults_are_forgotten_by_their_last_entry(village: SqlStore) -> None:
    noted = FaultEntry(later(hours=2), FaultStep.NOTED, "the clerk", "seen again")
    await keep(
        village,
        OPEN,
        closed("1" * 32, BY_ITSELF, closed_at(minutes=1)),
        closed("2" * 32, BY_ITSELF, closed_at(hours=1)),
        closed("3" * 32, BY_ITSELF, closed_at(minutes=1), noted),
        closed("4" * 32),
    )
    assert await village.write(lambda tx: tx.forget_faults(NOW)) == 0
    assert await village.write(lambda tx: tx.forget_faults(later(hours=1))) == 2
    assert await names(village, *FaultState) == ["b", "2", "3"]


async def test_faults_known_are_those_not_closed_and_those_with_a_late_last_entry(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    noted = FaultEntry(later(hours=2), FaultStep.NOTED, "the clerk", "seen again")
    before = closed("1" * 32, BY_ITSELF, closed_at(hours=1, microseconds=-1))
    then, after = closed("2" * 32, BY_ITSELF, closed_at(hours=1)), closed("3" * 32, closed_at(minutes=1), noted)
    there = replace(then, id="4" * 32, municipality="glasau")
    await keep(village, FAULT, SUSPECTED, before, then, after, there, OPEN)
    since = later(hours=1)
    assert await village.read(lambda tx: tx.faults_known("leck", since)) == [OPEN, then, after, SUSPECTED, FAULT]
    assert await village.read(lambda tx: tx.faults_known("leck", later(days=30))) == [OPEN, SUSPECTED, FAULT]
    assert await village.read(lambda tx: tx.faults_known("glasau", since)) == [there]


WHOLE = Signal(CABINET, DOOR, None, NOW)
CIRCUIT = Signal(CABINET, FaultKind.CIRCUIT_BREAKER_TRIPPED, 2, later(seconds=1))
SIGNALS = [WHOLE, replace(CIRCUIT, output=1), CIRCUIT, Signal(CABINET, FaultKind.LOCAL_OVERRIDE, None, NOW)]


async def test_signals_are_kept_until_they_are_taken_back(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.signals("leck")) == []
    for one in reversed(SIGNALS):
        await village.write(lambda tx, one=one: tx.set_signal(one, on=True))  # type: ignore[misc]
    assert await village.read(lambda tx: tx.signals("leck")) == sorted(
        SIGNALS, key=lambda one: (one.kind, one.output or 0)
    )
    assert await village.read(lambda tx: tx.signals("other")) == []
    for off in (replace(WHOLE, since=later(hours=1)), CIRCUIT, CIRCUIT):
        await village.write(lambda tx, off=off: tx.set_signal(off, on=False))  # type: ignore[misc]
    assert await village.read(lambda tx: tx.signals("leck")) == [SIGNALS[1], SIGNALS[3]]


async def test_old_signals_of_one_kind_are_forgotten(village: SqlStore) -> None:
    kind = FaultKind.METER_NOT_PLAUSIBLE
    old, other = Signal(CABINET, kind, None, NOW), Signal(CABINET, FaultKind.CABINET_DOOR_OPEN, None, NOW)
    for one in (old, other):
        await village.write(lambda tx, one=one: tx.set_signal(one, on=True))  # type: ignore[misc]
    assert await village.write(lambda tx: tx.forget_signals(kind, NOW)) == 0
    assert await village.write(lambda tx: tx.forget_signals(kind, later(seconds=1))) == 1
    assert await village.read(lambda tx: tx.signals("leck")) == [other]


@pytest.mark.parametrize("one", [WHOLE, CIRCUIT], ids=["controller", "output"])
async def test_a_signal_that_is_told_again_keeps_its_beginning(village: SqlStore, one: Signal) -> None:
    again = replace(one, since=later(hours=1))
    await village.write(lambda tx: tx.set_signal(one, on=True))
    await village.write(lambda tx: tx.set_signal(again, on=True))
    assert await village.read(lambda tx: tx.signals("leck")) == [one]
    await village.write(lambda tx: tx.set_signal(one, on=False))
    await village.write(lambda tx: tx.set_signal(again, on=True))
    assert await village.read(lambda tx: tx.signals("leck")) == [again]


async def test_the_service_was_last_seen_alive_when_it_said_so(store: SqlStore) -> None:
    assert await store.read(lambda tx: tx.seen_alive()) is None
    for at in (NOW, later(seconds=10)):
        await store.write(lambda tx, at=at: tx.keep_alive(at))  # type: ignore[misc]
        assert await store.read(lambda tx: tx.seen_alive()) == at


REFUSED: dict[str, tuple[type[Exception], str, Callable[[Tx], Any]]] = {
    "municipality": (UnknownError, "other", lambda tx: tx.save_fault(replace(FAULT, municipality="other"))),
    "controller": (UnknownError, "other", lambda tx: tx.save_fault(replace(FAULT, subject=Subject("other")))),
    "output": (UnknownError, "cabinet-1/7", lambda tx: tx.save_fault(replace(FAULT, subject=Subject("cabinet-1", 7)))),
    "nobody's": (InvalidError, "its controller", lambda tx: tx.save_fault(replace(FAULT, subject=Subject(None, 1)))),
    "deleting": (UnknownError, "other", lambda tx: tx.delete_fault("other", FAULT.id)),
    "signal": (
        UnknownError,
        "other",
        lambda tx: tx.set_signal(replace(WHOLE, controller=ControllerKey("leck", "other")), on=False),
    ),
    "its output": (UnknownError, "cabinet-1/7", lambda tx: tx.set_signal(replace(CIRCUIT, output=7), on=True)),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_does_not_exist_has_no_faults_and_no_signals(village: SqlStore, what: str) -> None:
    error, says, work = REFUSED[what]
    with pytest.raises(error, match=says):
        await village.write(work)
    assert await village.read(lambda tx: (tx.faults("leck"), tx.signals("leck"))) == ([], [])
