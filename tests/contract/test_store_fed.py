"""What every Store keeps of buttons, feeders, alert rules and what meters say, and what of it keeps a controller."""

from collections.abc import Callable
from dataclasses import replace
from datetime import time

import pytest

from service.domain.faults import Fault, Subject
from service.domain.inventory import (
    AlertRules,
    Controller,
    ControllerKey,
    Inventory,
    Lamp,
    Meter,
    MeterKey,
    Output,
    OutputKey,
)
from service.domain.maintenance import Commissioned, Lock, OutputTest, Stage
from service.domain.reports import ControllerState, MeterState, Sample, Signal
from service.domain.words import FaultKind, FaultState
from service.errors import ConflictError, InvalidError
from service.ports import ClaimCode, Tx
from service.store import SqlStore
from tests.support.leck import CABINET, CROSSING, FIRST, METER, NOW, SECOND, STREET, later, leck
from tests.support.stores import query

INN = ControllerKey("leck", "inn")
DOOR = OutputKey(*INN, 1)
RULES = AlertRules(("work@leck.example", "utility@leck.example"), "https://x.example/ö", time(22), time(6, 30))


def fed() -> Inventory:
    """Leck with a lamp at the inn: it has a button, and no power while the street is off."""
    plain = leck()
    output = Output(DOOR, "hauptstrasse", watts=20.0, button=True)
    inn = Controller(INN, "luminaire", "Gasthof", (output,), (Meter(MeterKey(*INN, 1), (1,)),), FIRST)
    lamps = (Lamp("g-1", DOOR, 20.0, 54.77, 8.98, "G1"), *plain.lamps)
    return replace(
        plain,
        municipality=replace(plain.municipality, alerts=RULES),
        controllers=(*plain.controllers, inn),
        lamps=lamps,
    )


async def test_buttons_feeders_and_alert_rules_come_back_and_change(village: SqlStore) -> None:
    for wanted in (leck(), fed(), leck(), fed()):
        await village.write(lambda tx, wanted=wanted: tx.save_inventory(wanted, NOW))  # type: ignore[misc]
        assert await village.read(lambda tx: tx.municipality("leck")) == wanted.municipality
        assert await village.read(lambda tx: tx.municipalities()) == [wanted.municipality]
        assert await village.read(lambda tx: tx.controllers("leck")) == list(wanted.controllers)
        keys = [CABINET, INN]
        assert await village.read(lambda tx, keys=keys: tx.controllers_by_key(keys)) == list(wanted.controllers)  # type: ignore[misc]
    outputs = [output for one in fed().controllers for output in one.outputs]
    assert await village.read(lambda tx: tx.outputs([STREET, CROSSING])) == outputs
    assert [one.output for one in await village.read(lambda tx: tx.watched([STREET, CROSSING]))] == outputs


async def test_another_feeder_replaces_the_one_before(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(fed(), NOW))
    cabinet, inn = fed().controllers
    inn = replace(inn, feeder=SECOND)
    await village.write(lambda tx: tx.save_inventory(replace(fed(), controllers=(cabinet, inn)), NOW))
    assert await village.read(lambda tx: tx.controllers("leck")) == [cabinet, inn]


async def test_a_feeder_that_is_not_there_is_refused(village: SqlStore) -> None:
    cabinet, inn = fed().controllers
    wrong = replace(fed(), controllers=(cabinet, replace(inn, feeder=OutputKey(*CABINET, 5))))
    with pytest.raises(InvalidError, match="controller inn: feeder: output cabinet-1/5 is not in the inventory"):
        await village.write(lambda tx: tx.save_inventory(wrong, NOW))


async def test_feeder_and_fed_may_go_together(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(fed(), NOW))
    bare = replace(leck(), controllers=(), lamps=())
    await village.write(lambda tx: tx.save_inventory(bare, NOW))
    assert await village.read(lambda tx: tx.controllers("leck")) == []


async def test_what_meters_and_clocks_say_is_kept(village: SqlStore) -> None:
    samples = (Sample(NOW, 140.25, 141.0), Sample(later(seconds=60.000001), 0, 0.5))
    reading = MeterState(5, 0.0, later(seconds=61), 229.5, samples)
    for state in (MeterState(4, 1.0, NOW), reading):
        await village.write(lambda tx, state=state: tx.save_meter_states({METER: state}))  # type: ignore[misc]
        assert await village.read(lambda tx: tx.meter_states([METER])) == {METER: state}
    for valid in (True, False, None):
        said = ControllerState(online=True, clock_valid=valid)
        await village.write(lambda tx, said=said: tx.save_controller_states({CABINET: said}))  # type: ignore[misc]
        assert await village.read(lambda tx: tx.controller_states([CABINET])) == {CABINET: said}
        assert [one.controller for one in await village.read(lambda tx: tx.watched([STREET]))] == [said]


async def test_who_watches_sees_a_meters_voltage_but_not_its_samples(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(fed(), NOW))
    state = MeterState(5, 19.5, NOW, 229.5, (Sample(NOW, 19.5, 20.0),))
    await village.write(lambda tx: tx.save_meter_states({MeterKey(*INN, 1): state}))
    seen = {one.output.key: one.meter for one in await village.read(lambda tx: tx.watched([STREET]))}
    assert seen == {FIRST: None, DOOR: replace(state, samples=())}


WORK = Lock("l" * 32, "leck", None, "inn", None, "new lamp", "the technician", NOW, later(hours=1))
FAULT = Fault("f" * 32, "leck", Subject("inn"), FaultKind.SUPPLY_LOSS, FaultState.CLOSED, NOW)
TEST = OutputTest("t" * 32, INN, "the technician", NOW, (Stage(1, NOW, later(seconds=30)),))
KEEPS: dict[str, tuple[str, Callable[[Tx], object]]] = {
    "fault of the controller": ("controller inn:", lambda tx: tx.save_fault(FAULT)),
    "fault of the output": (
        "controller inn, output inn/1:",
        lambda tx: tx.save_fault(replace(FAULT, subject=Subject("inn", 1))),
    ),
    "lock of the controller": ("controller inn:", lambda tx: tx.save_lock(WORK)),
    "lock of the output": ("controller inn, output inn/1:", lambda tx: tx.save_lock(replace(WORK, output=1))),
    "test": ("controller inn, output inn/1:", lambda tx: tx.save_output_test(TEST)),
    "commissioned": ("output inn/1:", lambda tx: tx.save_commissioned(Commissioned(DOOR, 1.0, NOW, "the technician"))),
}


@pytest.mark.parametrize("what", KEEPS)
async def test_what_was_recorded_at_a_controller_keeps_it(village: SqlStore, what: str) -> None:
    says, work = KEEPS[what]
    await village.write(lambda tx: tx.save_inventory(fed(), NOW))
    await village.write(work)
    with pytest.raises(ConflictError, match=f"^{says} cannot be removed"):
        await village.write(lambda tx: tx.save_inventory(leck(), NOW))
    assert await village.read(lambda tx: tx.controllers("leck")) == list(fed().controllers)


async def test_a_lock_keeps_its_zone(village: SqlStore) -> None:
    bare = replace(leck(), zones=(), controllers=(), lamps=())
    await village.write(lambda tx: tx.save_lock(replace(WORK, zone="kreuzung", controller=None)))
    with pytest.raises(ConflictError, match=r"^zone kreuzung: cannot be removed"):
        await village.write(lambda tx: tx.save_inventory(bare, NOW))


async def test_an_output_that_no_test_lit_may_go(village: SqlStore) -> None:
    [cabinet] = leck().controllers
    one = replace(cabinet, outputs=cabinet.outputs[:1], meters=(Meter(METER, (1,)),))
    bare = replace(leck(), controllers=(one,), lamps=leck().lamps[:2])
    await village.write(lambda tx: tx.save_output_test(replace(TEST, controller=CABINET)))
    await village.write(lambda tx: tx.save_inventory(bare, NOW))
    assert await village.read(lambda tx: tx.controllers("leck")) == [one]


async def test_signals_and_claim_codes_go_with_their_controller(village: SqlStore, store_url: str) -> None:
    def work(tx: Tx) -> None:
        tx.save_inventory(fed(), NOW)
        for controller in (CABINET, INN):
            tx.set_signal(Signal(controller, FaultKind.LOCAL_OVERRIDE, 1, NOW), on=True)
            tx.set_signal(Signal(controller, FaultKind.LOCAL_OVERRIDE, None, NOW), on=True)
            tx.save_claim_code(ClaimCode(controller, controller.controller, NOW, later(days=1)))
        tx.save_inventory(leck(), NOW)

    await village.write(work)
    assert {one.controller for one in await village.read(lambda tx: tx.signals("leck"))} == {CABINET}
    assert query(store_url, "SELECT count(*) FROM signal") == [(2,)]
    assert query(store_url, "SELECT digest FROM claim_code") == [("cabinet-1",)]
