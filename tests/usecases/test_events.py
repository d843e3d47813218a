"""Events: a push-button is judged like any press and answered by an order; doors and faults are noted."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.domain.inventory import ControllerKey, ZoneKey
from service.domain.maintenance import Lock
from service.domain.reports import Event
from service.domain.words import Admission, Channel, EventKind, FaultKind, Reason
from service.ports import Enactment, PressRecord
from service.store import SqlStore
from service.usecases.conduct import Conducted, conduct_zones
from service.usecases.record import Recorded
from tests.unit.villages import luetjenholm, utc
from tests.usecases.acting import Village

NIGHT = utc("2026-11-22T00:12:00")
DAY = utc("2026-11-22T11:30:00")
CABINET = ControllerKey("luetjenholm", "cabinet-1")
DORF = ZoneKey("luetjenholm", "dorf")


@pytest.fixture
async def inn(store: SqlStore) -> Village:
    """Lütjenholm at night, with a push-button at the inn, and its cabinet online with the first order confirmed."""
    plain = luetjenholm()
    [cabinet] = plain.controllers
    [output] = cabinet.outputs
    buttoned = replace(plain, controllers=(replace(cabinet, outputs=(replace(output, button=True),)),))
    await store.write(lambda tx: tx.save_inventory(buttoned, NIGHT))
    village = Village(store, "luetjenholm", NIGHT)
    await village.conduct()
    await village.say(village.status("cabinet-1"), village.report("cabinet-1", {1: 0}))
    return village


def button(village: Village, at: datetime | None = None, **more: object) -> Event:
    event = Event(CABINET, "1-1", EventKind.BUTTON, at or village.now, output=1)
    return replace(event, **more)  # type: ignore[arg-type] # fields of an event


async def answered(village: Village, done: Recorded) -> Conducted:
    """What the conductor does with a button's press."""
    zones, waiting = frozenset(done.pressed), done.waiting
    return await village.store.write(
        lambda tx: conduct_zones(tx, village.id, zones, village.now, village.speed, answer=waiting)
    )


async def presses(village: Village) -> list[PressRecord]:
    hour = timedelta(hours=12)
    return await village.store.read(lambda tx: tx.presses(village.id, village.now - hour, village.now + hour))


async def test_a_button_is_judged_and_answered_with_light(inn: Village) -> None:
    done = await inn.say(button(inn))
    [press] = await presses(inn)
    assert (press.channel, press.refused, press.lease is None) == (Channel.BUTTON, None, False)
    [order] = (await answered(inn, done)).orders
    assert (order.controller, order.desired_n) == (CABINET, 2)
    assert [(step.level, step.until) for step in order.orders[1]] == [(100, NIGHT + timedelta(minutes=12))]


async def test_a_refused_button_is_answered_with_the_next_counter_and_unchanged_outputs(inn: Village) -> None:
    inn.now = DAY
    done = await inn.say(button(inn))
    [press] = await presses(inn)
    assert press.refused is Reason.DAYLIGHT
    [order] = (await answered(inn, done)).orders
    assert (order.desired_n, order.orders) == (2, {})


async def test_a_button_that_changes_nothing_is_answered_too(inn: Village) -> None:
    await answered(inn, await inn.say(button(inn)))
    done = await inn.say(button(inn, id="1-2"))
    [order] = (await answered(inn, done)).orders
    assert order.desired_n == 3


async def test_an_event_told_twice_buys_light_once(inn: Village) -> None:
    await inn.say(button(inn))
    done = await inn.say(button(inn))
    assert done.dropped == {"button event told before": 1}
    assert len(await presses(inn)) == 1


@pytest.mark.parametrize("seconds", [-31, 31])
async def test_a_stale_button_is_refused(inn: Village, seconds: int) -> None:
    done = await inn.say(button(inn, inn.now + timedelta(seconds=seconds)))
    assert done.dropped == {"stale button event": 1}
    assert await presses(inn) == []


@pytest.mark.parametrize("seconds", [-30, 30])
async def test_a_button_within_half_a_minute_is_judged(inn: Village, seconds: int) -> None:
    done = await inn.say(button(inn, inn.now + timedelta(seconds=seconds)))
    assert done.dropped == {}
    assert len(await presses(inn)) == 1


async def test_what_was_served_locally_is_kept_and_not_judged(inn: Village) -> None:
    earlier = inn.now - timedelta(hours=3)
    done = await inn.say(button(inn, earlier, served=True))
    [press] = await presses(inn)
    assert (press.at, press.channel, press.refused, press.lease) == (earlier, Channel.BUTTON, None, None)
    assert (done.waiting, (await answered(inn, done)).orders) == (set(), ())


async def test_a_press_that_was_judged_too_late_counts_once(inn: Village) -> None:
    await inn.say(button(inn))
    done = await inn.say(button(inn, served=True))
    assert done.dropped == {}
    assert len(await presses(inn)) == 1


async def test_a_button_that_nobody_built_presses_nothing(village: Village) -> None:
    done = await village.say(button(village))
    assert done.dropped == {"button that is not there": 1}
    assert await presses(village) == []


async def test_doors_and_faults_are_noted_until_they_are_taken_back(inn: Village) -> None:
    opened = Event(CABINET, "1-5", EventKind.DOOR, inn.now)
    tripped = Event(CABINET, "1-6", EventKind.FAULT, inn.now, output=1, code=FaultKind.CIRCUIT_BREAKER_TRIPPED)
    await inn.say(opened, tripped)
    signals = await inn.store.read(lambda tx: tx.signals(inn.id))
    assert {(s.kind, s.output, s.since) for s in signals} == {
        (FaultKind.CABINET_DOOR_OPEN, None, NIGHT),
        (FaultKind.CIRCUIT_BREAKER_TRIPPED, 1, NIGHT),
    }
    await inn.say(replace(opened, id="1-7", on=False))
    signals = await inn.store.read(lambda tx: tx.signals(inn.id))
    assert [s.kind for s in signals] == [FaultKind.CIRCUIT_BREAKER_TRIPPED]


# what the plan lets a button do by itself


async def test_a_plan_carries_what_a_button_may_do_by_itself(inn: Village) -> None:
    done = await inn.conduct(again=True)
    [plan] = done.plans
    assert [level for _, level in plan.plan.outputs[1].local] == [100]


async def test_a_plan_without_a_button_says_nothing_of_it(village: Village) -> None:
    [plan] = (await village.conduct()).plans
    assert plan.plan.outputs[1].local == ()


# locks


def lock(village: Village, **more: object) -> Lock:
    until = village.now + timedelta(hours=1)
    made = Lock("l1", village.id, "dorf", None, None, "a lamp is mended", "the technician", village.now, until)
    return replace(made, **more)  # type: ignore[arg-type] # fields of a lock


async def test_a_lock_holds_outputs_dark_and_refuses_presses_until_it_ends(inn: Village) -> None:
    held = lock(inn)
    await inn.store.write(lambda tx: tx.save_lock(held))
    [order] = (await inn.conduct()).orders
    [step] = order.orders[1]
    assert (step.level, step.cause.value, step.until, step.ref) == (0, "lock", held.until, "l1")
    assert await inn.press("dorf") == {"status": 409, "reason": "locked", "retry_at": held.until.isoformat()}
    await inn.store.write(lambda tx: tx.save_lock(replace(held, ended_at=inn.now, ended_by="the technician")))
    [order] = (await inn.conduct()).orders
    assert order.orders == {}
    assert (await inn.press("dorf"))["status"] == 201


async def test_a_locked_lamp_is_not_waited_for(store: SqlStore) -> None:
    village = Village(store, "glasau", NIGHT)
    controllers = await store.read(lambda tx: tx.controllers("glasau"))
    first = controllers[0]
    zone = first.outputs[0].zone
    in_zone = sum(output.zone == zone for c in controllers for output in c.outputs)
    held = lock(village, zone=None, controller=first.key.controller, output=1)
    await store.write(lambda tx: tx.save_lock(held))
    assert (await village.press(zone))["total"] == in_zone - 1


async def test_a_zone_for_admitted_pressers_gives_its_button_nothing_by_itself(inn: Village) -> None:
    zone = await inn.store.read(lambda tx: tx.zone(DORF))
    assert zone is not None
    policy = zone.rulebook.policies[0]
    admitted = replace(policy, version=2, press=replace(policy.press, admission=Admission.ADMITTED))
    enactment = Enactment(admitted, "the clerk", NIGHT)
    await inn.store.write(lambda tx: tx.enact(DORF, enactment))
    [plan] = (await inn.conduct()).plans
    assert {level for _, level in plan.plan.outputs[1].local} == {0}


async def test_a_fault_of_an_output_that_is_not_there_is_only_counted(inn: Village) -> None:
    event = Event(CABINET, "1-6", EventKind.FAULT, inn.now, output=7, code=FaultKind.CIRCUIT_BREAKER_TRIPPED)
    done = await inn.say(event)
    assert done.dropped == {"unknown output": 1}
    assert await inn.store.read(lambda tx: tx.signals(inn.id)) == []


async def test_another_device_that_counts_anew_is_heard(inn: Village) -> None:
    await inn.say(button(inn))
    await inn.store.write(lambda tx: tx.forget_controller(CABINET))
    inn.later(minutes=20)
    done = await inn.say(button(inn))
    assert done.dropped == {}
    assert len(await presses(inn)) == 2


async def test_served_presses_are_believed_for_as_long_as_a_plan_reaches_and_once_a_second(inn: Village) -> None:
    week = inn.now - timedelta(days=8)
    done = await inn.say(button(inn, week - timedelta(seconds=1), id="1-1", served=True))
    assert done.dropped == {"stale button event": 1}
    for n in range(2, 6):
        await inn.say(button(inn, inn.now, id=f"1-{n}", served=True))
    assert len(await presses(inn)) == 1
