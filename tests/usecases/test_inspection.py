"""Inspection: evidence becomes faults, faults become alerts, and an outage is one fault for itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from service.domain.fault_life import acknowledge, close
from service.domain.faults import Fault, Subject
from service.domain.inventory import AlertRules, ControllerKey, Inventory, OutputKey
from service.domain.maintenance import Lock
from service.domain.reports import Event, MeterReading, OutputReport
from service.domain.words import AlertKind, Cause, EventKind, FaultKind, FaultState, FaultStep
from service.errors import ConflictError, InvalidError, UnknownError
from service.store import SqlStore
from service.usecases.inspection import Inspected, after_absence, apply, judge, next_moment
from service.usecases.maintenance import (
    NewLock,
    begin_lock,
    begin_test,
    end_lock,
    end_test,
    find_test,
    is_dark,
    verdicts_of,
)
from service.usecases.technician import (
    STANDING,
    FaultFilter,
    change_fault,
    find_fault,
    list_faults,
    look_at_controllers,
)
from tests.unit.villages import glasau, leck, luetjenholm, utc
from tests.usecases.acting import Village

EVENING = utc("2026-11-22T19:00:00")
"""20:00 in Berlin: everything is lit."""
DAY = utc("2026-11-22T11:30:00")


@dataclass
class Care(Village):
    """A village that is inspected."""

    broker_gone_since: datetime | None = None

    async def inspect(self) -> Inspected:
        """One look."""

        def look(tx):  # type: ignore[no-untyped-def] # a Tx in
            home = tx.municipality(self.id)
            judged = judge(tx, home, self.broker_gone_since, self.now, self.speed)
            return apply(tx, home, judged, self.now, self.speed) if judged.news else Inspected()

        done: Inspected = await self.store.write(look)
        return done

    async def inspect_for(self, minutes: int, meanwhile: Callable[[], object] | None = None) -> None:
        """Look every half minute, while controllers go on to say the same."""
        for _ in range(minutes * 2):
            self.later(seconds=30)
            if meanwhile is not None:
                await meanwhile()  # type: ignore[misc] # a coroutine function
            await self.inspect()

    async def faults(self, *states: FaultState) -> list[Fault]:
        """The faults that are told."""
        return await self.store.read(lambda tx: list_faults(tx, self.id, FaultFilter(states)))


def alerted(inventory: Inventory) -> Inventory:
    """The same, with somebody to tell."""
    rules = AlertRules(emails=("bauhof@example.org",))
    return replace(inventory, municipality=replace(inventory.municipality, alerts=rules))


@pytest.fixture
async def cabinet(store: SqlStore) -> Care:
    """Lütjenholm in the evening, told that its circuit is on and draws what it should."""
    await store.write(lambda tx: tx.save_inventory(alerted(luetjenholm()), EVENING))
    care = Care(store, "luetjenholm", EVENING)
    await care.conduct()
    await care.say(care.status("cabinet-1"))
    return care


async def says(care: Care, watts: float, level: int = 100, *, seconds: float = 0) -> None:
    """The cabinet reports, `seconds` later."""
    care.later(seconds=seconds)
    await care.say(care.report("cabinet-1", {1: level}, wh=1000 + care.now.timestamp() / 1e4, watts=watts))


async def test_a_sound_circuit_has_no_faults(cabinet: Care) -> None:
    await cabinet.inspect_for(30, lambda: says(cabinet, 801))
    assert await cabinet.store.read(lambda tx: tx.faults(cabinet.id)) == []


async def test_missing_watts_become_one_fault_with_its_figures_and_one_alert(cabinet: Care) -> None:
    await cabinet.inspect_for(2, lambda: says(cabinet, 801))
    await cabinet.inspect_for(10, lambda: says(cabinet, 700))
    [fault] = await cabinet.faults()
    assert (fault.kind, fault.subject) == (FaultKind.LAMP_FAILURE, Subject("cabinet-1", 1))
    least, most = fault.detail["dark_lamps_least"], fault.detail["dark_lamps_most"]
    assert isinstance(least, int)
    assert isinstance(most, int)
    assert 1 <= least <= 4 <= most, "100 of 800 W are missing, 25 W each"
    assert [entry.step for entry in fault.history] == [FaultStep.OPENED]
    alerts = await cabinet.store.read(lambda tx: tx.alerts_due(cabinet.now + timedelta(days=2)))
    assert [(alert.kind, alert.about) for alert in alerts] == [(AlertKind.FAULT_OPENED, fault.id)]


async def test_a_mended_fault_closes_and_a_closed_one_that_is_not_mended_opens_again(cabinet: Care) -> None:
    await says(cabinet, 0, 0)  # a relay works that was seen to do both
    await cabinet.inspect_for(10, lambda: says(cabinet, 0))
    [fault] = await cabinet.faults(*STANDING)

    async def change(act: Callable[[Fault, str, datetime], Fault]) -> Fault:
        now = cabinet.now
        return await cabinet.store.write(
            lambda tx: change_fault(tx, cabinet.id, fault.id, lambda f: act(f, "the technician", now))
        )

    await change(acknowledge)
    await change(close)
    assert (await cabinet.store.read(lambda tx: find_fault(tx, cabinet.id, fault.id))).state is FaultState.CLOSED
    await cabinet.inspect_for(10, lambda: says(cabinet, 0))
    [again] = await cabinet.faults()
    assert (again.id, again.state) == (fault.id, FaultState.OPEN)
    assert again.history[-1].step is FaultStep.REOPENED
    await change(acknowledge)
    with pytest.raises(ConflictError, match="acknowledged already"):
        await change(acknowledge)
    await cabinet.inspect_for(60, lambda: says(cabinet, 800))
    [mended] = await cabinet.faults()
    assert (mended.state, mended.history[-1].by) == (FaultState.CLOSED, None)


async def test_a_silent_controller_is_a_fault_after_five_minutes_and_not_before(cabinet: Care) -> None:
    await says(cabinet, 800)
    await cabinet.say(cabinet.status("cabinet-1", online=False))
    await cabinet.inspect_for(4)
    assert await cabinet.faults() == []
    await cabinet.inspect_for(3)
    [fault] = await cabinet.faults()
    assert (fault.kind, fault.subject) == (FaultKind.COMMUNICATION_FAILURE, Subject("cabinet-1"))


async def test_a_broker_that_is_away_is_one_fault_and_no_lamp_is_blamed(store: SqlStore) -> None:
    await store.write(lambda tx: tx.save_inventory(alerted(glasau()), EVENING))
    care = Care(store, "glasau", EVENING, broker_gone_since=EVENING)
    await care.store.write(lambda tx: tx.forget_availability())
    await care.inspect_for(20)
    [fault] = await care.faults()
    assert (fault.kind, fault.subject) == (FaultKind.BROKER_OUTAGE, Subject())


async def test_a_service_that_was_away_is_one_fault_for_itself(cabinet: Care) -> None:
    def back(tx):  # type: ignore[no-untyped-def] # a Tx in
        return after_absence(tx, tx.municipality("luetjenholm"), EVENING - timedelta(hours=2), EVENING, 1.0)

    done: Inspected = await cabinet.store.write(back)
    assert (done.changed, done.alerts > 0) == (True, True)
    [fault] = await cabinet.faults()
    assert (fault.kind, fault.state) == (FaultKind.SERVICE_OUTAGE, FaultState.CLOSED)


async def test_a_luminaire_behind_a_feeder_that_is_off_is_not_dead(store: SqlStore) -> None:
    inventory = fed()
    await store.write(lambda tx: tx.save_inventory(inventory, DAY))
    care = Care(store, "leck", DAY)
    await care.conduct()

    async def day() -> None:
        levels = {n: OutputReport(0, Cause.SCHEDULE) for n in (1, 2)}
        said = care.report("cabinet-1", {1: 0, 2: 0})
        await care.say(replace(said, outputs=levels, meters={1: MeterReading(0, 230.0, 5000, (1, 2))}))

    await care.say(care.status("cabinet-1"), care.status("mast-1", online=False))
    await care.inspect_for(30, day)
    assert await care.faults() == []

    async def night() -> None:
        said = care.report("cabinet-1", {1: 100, 2: 100})
        await care.say(replace(said, meters={1: MeterReading(300, 230.0, 5000, (1, 2))}))

    care.now = EVENING
    await care.inspect_for(30, night)
    [silent] = await care.faults()  # and that a feeder draws more than its own lamps is no fault
    assert (silent.kind, silent.subject) == (FaultKind.COMMUNICATION_FAILURE, Subject("mast-1"))


def fed() -> Inventory:
    """Leck, with one luminaire of Glasau's kind behind the cabinet's first output."""
    inventory = leck()
    mast = glasau().controllers[0]
    key = ControllerKey("leck", "mast-1")
    [output], [meter] = mast.outputs, mast.meters
    fed_mast = replace(
        mast,
        key=key,
        outputs=(replace(output, key=OutputKey(*key, 1), zone="hauptstrasse"),),
        meters=(replace(meter, key=type(meter.key)(*key, 1)),),
        feeder=OutputKey("leck", "cabinet-1", 1),
    )
    lamp = replace(inventory.lamps[0], id="mast-1-lamp", output=OutputKey(*key, 1))
    return replace(inventory, controllers=(*inventory.controllers, fed_mast), lamps=(*inventory.lamps, lamp))


async def test_an_open_door_is_told_until_it_is_shut(cabinet: Care) -> None:
    key = ControllerKey("luetjenholm", "cabinet-1")
    await says(cabinet, 800)
    await cabinet.say(Event(key, "1-1", EventKind.DOOR, cabinet.now))
    await cabinet.inspect_for(3, lambda: says(cabinet, 800))
    [fault] = await cabinet.faults(*STANDING)
    assert fault.kind is FaultKind.CABINET_DOOR_OPEN
    await cabinet.say(Event(key, "1-2", EventKind.DOOR, cabinet.now, on=False))
    await cabinet.inspect_for(20, lambda: says(cabinet, 800))
    assert await cabinet.faults(*STANDING) == []


# locks and tests


async def test_the_holder_of_a_lock_is_warned_once(cabinet: Care) -> None:
    now = cabinet.now
    wanted = NewLock("dorf", None, None, "a lamp is mended", now + timedelta(hours=1), "worker@example.org")
    lock: Lock = await cabinet.store.write(lambda tx: begin_lock(tx, cabinet.id, wanted, "the technician", now))
    assert await cabinet.store.read(lambda tx: next_moment(tx, now)) == now + timedelta(minutes=45)
    await cabinet.inspect_for(44, lambda: says(cabinet, 0, 0))
    assert await warnings(cabinet) == []
    await cabinet.inspect_for(5, lambda: says(cabinet, 0, 0))
    assert await warnings(cabinet) == [(lock.id, "worker@example.org")]


async def warnings(care: Care) -> list[tuple[str, str | None]]:
    alerts = await care.store.read(lambda tx: tx.alerts_due(care.now + timedelta(days=1)))
    return [(alert.about, alert.contact) for alert in alerts if alert.kind is AlertKind.LOCK_ENDING]


@pytest.mark.parametrize(
    ("changes", "error", "word"),
    [
        ({"zone": None}, InvalidError, "zone, controller"),
        ({"controller": "cabinet-1"}, InvalidError, "zone, controller"),
        ({"output": 1}, InvalidError, "output"),
        ({"zone": "nowhere"}, UnknownError, "nowhere"),
        ({"zone": None, "controller": "nothing"}, UnknownError, "nothing"),
        ({"zone": None, "controller": "cabinet-1", "output": 7}, UnknownError, "output"),
        ({"until": EVENING}, InvalidError, "until"),
        ({"until": EVENING + timedelta(hours=24, seconds=1)}, InvalidError, "until"),
    ],
)
async def test_a_lock_that_makes_no_sense_is_refused(
    cabinet: Care, changes: dict[str, object], error: type[Exception], word: str
) -> None:
    whole = NewLock("dorf", None, None, "a lamp is mended", EVENING + timedelta(hours=1), None)
    wanted = replace(whole, **changes)  # type: ignore[arg-type] # fields of a lock
    with pytest.raises(error, match=word):
        await cabinet.store.write(lambda tx: begin_lock(tx, cabinet.id, wanted, "the technician", EVENING))
    assert await cabinet.store.read(lambda tx: tx.locks(cabinet.id, EVENING)) == []


async def test_a_lock_is_given_back_once(cabinet: Care) -> None:
    wanted = NewLock("dorf", None, None, "a lamp is mended", EVENING + timedelta(hours=1), None)
    lock: Lock = await cabinet.store.write(lambda tx: begin_lock(tx, cabinet.id, wanted, "the technician", EVENING))
    ended: Lock = await cabinet.store.write(
        lambda tx: end_lock(tx, cabinet.id, lock.id, "the clerk", EVENING, of_another=True)
    )
    assert (ended.ends, ended.ended_by) == (EVENING, "the clerk")
    with pytest.raises(ConflictError, match="over already"):
        await cabinet.store.write(lambda tx: end_lock(tx, cabinet.id, lock.id, "the technician", EVENING))


async def test_nobody_ends_the_lock_of_another_by_mistake(cabinet: Care) -> None:
    wanted = NewLock("dorf", None, None, "a lamp is mended", EVENING + timedelta(hours=1), None)
    lock: Lock = await cabinet.store.write(lambda tx: begin_lock(tx, cabinet.id, wanted, "the technician", EVENING))
    with pytest.raises(ConflictError, match="the lock of the technician"):
        await cabinet.store.write(lambda tx: end_lock(tx, cabinet.id, lock.id, "the clerk", EVENING))
    [held] = await cabinet.store.read(lambda tx: tx.locks(cabinet.id, EVENING))
    assert held.ended_at is None


async def test_a_lock_is_dark_when_its_outputs_said_so(cabinet: Care) -> None:
    wanted = NewLock("dorf", None, None, "a lamp is mended", EVENING + timedelta(hours=1), None)
    lock: Lock = await cabinet.store.write(lambda tx: begin_lock(tx, cabinet.id, wanted, "the technician", EVENING))

    async def dark() -> bool:
        return await cabinet.store.read(lambda tx: is_dark(tx, lock, cabinet.now, 1.0))

    await says(cabinet, 800)
    assert not await dark()
    await cabinet.say(cabinet.report("cabinet-1", {1: 0}, cause=Cause.LOCK))
    assert await dark()
    cabinet.later(minutes=10)
    assert not await dark(), "nothing was heard for long"


async def test_a_test_beside_a_press_says_that_it_was_lit_already(cabinet: Care) -> None:
    cabinet.now = utc("2026-11-22T00:12:00")
    await says(cabinet, 0, 0)
    assert (await cabinet.press("dorf"))["status"] == 201
    began = cabinet.now
    test = await cabinet.store.write(
        lambda tx: begin_test(tx, cabinet.id, "cabinet-1", 20, "the technician", began, 1.0)
    )
    [verdict] = await cabinet.store.read(lambda tx: verdicts_of(tx, test))
    assert verdict.outcome.value == "already_lit"


async def test_a_test_lights_each_output_alone_and_keeps_what_it_drew(cabinet: Care) -> None:
    cabinet.now = DAY
    await says(cabinet, 0, 0)
    cabinet.later(seconds=1)
    began = cabinet.now
    test = await cabinet.store.write(
        lambda tx: begin_test(tx, cabinet.id, "cabinet-1", 20, "the technician", began, 1.0)
    )
    [stage] = test.stages
    [order] = (await cabinet.conduct()).orders
    [step] = order.orders[1]
    assert (step.cause, step.level, step.start, step.until) == (Cause.TEST, 100, stage.start, stage.until)
    cabinet.now = stage.start
    await says(cabinet, 790, 100, seconds=1)
    cabinet.now = stage.until
    await says(cabinet, 0, 0, seconds=1)
    cabinet.later(seconds=10)
    assert (await cabinet.inspect()).changed
    commissioned = await cabinet.store.read(lambda tx: tx.commissioned(cabinet.id))
    [drawn] = commissioned.values()
    assert (drawn.watts, drawn.by) == (790, "the technician")
    kept = await cabinet.store.read(lambda tx: find_test(tx, cabinet.id, test.id))
    [verdict] = await cabinet.store.read(lambda tx: verdicts_of(tx, kept))
    assert (verdict.outcome.value, verdict.followed) == ("ok", (1,))
    assert not (await cabinet.inspect()).changed, "a test is kept once"


async def test_a_test_is_refused_beside_another_and_under_a_lock(cabinet: Care) -> None:
    def begin(tx):  # type: ignore[no-untyped-def] # a Tx in
        return begin_test(tx, cabinet.id, "cabinet-1", 20, "the technician", cabinet.now, 1.0)

    test = await cabinet.store.write(begin)
    with pytest.raises(ConflictError, match="runs already"):
        await cabinet.store.write(begin)
    await cabinet.store.write(lambda tx: end_test(tx, cabinet.id, test.id, cabinet.now + timedelta(seconds=1)))
    cabinet.later(seconds=2)
    wanted = NewLock(None, "cabinet-1", 1, "a lamp is mended", cabinet.now + timedelta(hours=1), None)
    await cabinet.store.write(lambda tx: begin_lock(tx, cabinet.id, wanted, "the technician", cabinet.now))
    with pytest.raises(ConflictError, match="locked"):
        await cabinet.store.write(begin)


async def test_a_test_is_refused_where_nothing_can_be_measured(cabinet: Care) -> None:
    with pytest.raises(ConflictError, match="speed"):
        await cabinet.store.write(
            lambda tx: begin_test(tx, cabinet.id, "cabinet-1", 20, "the technician", cabinet.now, 60.0)
        )
    plain = luetjenholm()
    bare = replace(plain, controllers=(replace(plain.controllers[0], meters=()),))
    await cabinet.store.write(lambda tx: tx.save_inventory(bare, EVENING))
    with pytest.raises(ConflictError, match="no meter"):
        await cabinet.store.write(
            lambda tx: begin_test(tx, cabinet.id, "cabinet-1", 20, "the technician", cabinet.now, 1.0)
        )


async def test_a_controller_that_nobody_has_fitted_yet_is_no_fault(store: SqlStore) -> None:
    care = Care(store, "glasau", EVENING)
    await care.conduct()
    await care.inspect_for(10)
    assert await store.read(lambda tx: tx.faults("glasau")) == []


async def test_locks_have_an_end_in_number(cabinet: Care) -> None:
    wanted = NewLock("dorf", None, None, "a lamp is mended", EVENING + timedelta(hours=1), None)

    async def begin() -> Lock:
        return await cabinet.store.write(lambda tx: begin_lock(tx, cabinet.id, wanted, "the technician", EVENING))

    for _ in range(100):
        await begin()
    with pytest.raises(ConflictError, match="100 locks"):
        await begin()


async def test_technicians_see_what_is_known_of_controllers(cabinet: Care) -> None:
    await says(cabinet, 800)
    wanted = NewLock("dorf", None, None, "a lamp is mended", cabinet.now + timedelta(hours=1), None)
    lock: Lock = await cabinet.store.write(lambda tx: begin_lock(tx, cabinet.id, wanted, "the technician", cabinet.now))
    [view] = await cabinet.store.read(lambda tx: look_at_controllers(tx, cabinet.id, cabinet.now, 1.0))
    [output], [(_, meter)] = view.outputs, view.meters
    assert (view.availability.value, view.order_confirmed, view.open_faults) == ("online", True, 0)
    assert output.state is not None
    assert meter is not None
    assert (output.state.level, output.lock, meter.watts, meter.volts) == (100, lock, 800, 230.0)


async def test_faults_are_found_by_zone_and_kind(cabinet: Care) -> None:
    await cabinet.inspect_for(10, lambda: says(cabinet, 0))
    for wanted, expected in (
        (FaultFilter(zones=("dorf",)), 1),
        (FaultFilter(kinds=(FaultKind.SUPPLY_LOSS,)), 0),
        (FaultFilter(controllers=("cabinet-1",)), 1),
    ):
        found = await cabinet.store.read(lambda tx, w=wanted: list_faults(tx, "luetjenholm", w))  # type: ignore[misc]
        assert len(found) == expected, wanted
    with pytest.raises(UnknownError):
        await cabinet.store.read(lambda tx: list_faults(tx, "nowhere", FaultFilter()))
    for slip in (FaultFilter(controllers=("cabinet-2",)), FaultFilter(zones=("nowhere",))):
        with pytest.raises(UnknownError):
            await cabinet.store.read(lambda tx, w=slip: list_faults(tx, "luetjenholm", w))  # type: ignore[misc]
