"""The loops lose nothing when the store refuses for a while, and no message can stop them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from service.clock import SystemClock
from service.domain.inventory import ControllerKey, Municipality, ZoneKey
from service.domain.words import LeaseState
from service.errors import UnavailableError
from service.loops.conductor import Conductor
from service.loops.housekeeping import Housekeeping
from service.loops.inspector import Inspector
from service.loops.listener import Listener
from service.loops.timekeeper import Timekeeper
from service.loops.watch import LocalWatch
from service.ports import Connected, Disconnected, Store, Tx
from service.store import SqlStore
from service.usecases.inspection import Judged
from tests.support.lamps import MemoryLamps
from tests.unit.villages import utc
from tests.usecases.acting import Village

NIGHT = utc("2026-11-22T00:12:00")
CABINET = ControllerKey("luetjenholm", "cabinet-1")
DORF = ZoneKey("luetjenholm", "dorf")
T = TypeVar("T")


class RefusingStore:
    """A real store that is away for the next `refuse` writes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refuse = 0
        self.refused = asyncio.Event()

    async def read(self, work: Callable[[Tx], T]) -> T:
        return await self._store.read(work)

    async def write(self, work: Callable[[Tx], T]) -> T:
        if self.refuse:
            self.refuse -= 1
            self.refused.set()
            raise UnavailableError("the database is away")
        return await self._store.write(work)

    async def close(self) -> None:
        await self._store.close()


class Loops:
    """Conductor, listener and timekeeper over a store that may refuse, with a village to press in."""

    def __init__(self, store: SqlStore) -> None:
        self.store = RefusingStore(store)
        self.clock = SystemClock(NIGHT, speed=20)  # retries after a second of this clock come soon
        self.lamps = MemoryLamps()
        self.watch = LocalWatch()
        self.conductor = Conductor(self.store, self.lamps, self.clock, self.watch)
        self.timekeeper = Timekeeper(self.lamps, self.clock)
        self.listener = Listener(self.store, self.lamps, self.clock, self.watch, self.conductor, self.timekeeper)
        self.village = Village(store, "luetjenholm", NIGHT)

    async def start_conductor(self) -> None:
        """Run it as the app does: a run that breaks is followed by another."""
        while True:
            try:
                await self.conductor.run()
            except UnavailableError:
                await self.clock.wait(until=self.clock.now() + timedelta(seconds=1))

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something to become true, looking whenever something was published or a zone changed."""
        rung = self.watch.listen()
        async with asyncio.timeout(20):
            while not true():
                self.lamps.published.clear()
                rung.clear()
                await self.clock.wait(self.lamps.published, rung, until=self.clock.now() + timedelta(seconds=1))
        self.watch.ignore(rung)


@pytest.fixture
def no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks at unconfirmed leases again by himself."""
    monkeypatch.setattr("service.usecases.progress.CONFIRM_WITHIN", timedelta(days=1))


@pytest.fixture
async def loops(store: SqlStore) -> AsyncIterator[Loops]:
    """All loops, running; everything published once."""
    made = Loops(store)
    async with AsyncExitStack() as stack:
        tasks = [
            asyncio.create_task(made.start_conductor()),
            asyncio.create_task(made.listener.run()),
            asyncio.create_task(made.timekeeper.run()),
        ]

        async def end() -> None:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        stack.push_async_callback(end)
        await made.until(lambda: len(made.lamps.orders) >= 87)
        made.lamps.orders.clear()
        yield made


async def test_a_press_becomes_an_order(loops: Loops) -> None:
    granted = await loops.village.press("dorf")
    loops.conductor.nudge((DORF,))
    await loops.until(lambda: (CABINET, 2) in loops.lamps.orders)
    assert (await loops.village.progress(granted["lease"])).state is LeaseState.ORDERED


@pytest.mark.usefixtures("no_failure")
async def test_a_second_press_waits_for_the_answer_to_the_first(loops: Loops, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.loops.conductor._ANSWER", timedelta(hours=1))  # the machine may be slow
    leases = []
    loops.lamps.say(loops.village.status("cabinet-1"), loops.village.report("cabinet-1", {1: 0}))
    for _ in range(2):
        leases.append((await loops.village.press("dorf"))["lease"])
        loops.village.later(seconds=1)
        loops.conductor.nudge((DORF,))
        await loops.until(lambda: (CABINET, 2) in loops.lamps.orders)
    await Village(loops.store, "glasau", NIGHT).press("dorfstrasse")
    loops.conductor.nudge((ZoneKey("glasau", "dorfstrasse"),))  # comes after the second press in dorf
    await loops.until(lambda: len(loops.lamps.orders) > 1)
    assert (CABINET, 3) not in loops.lamps.orders

    loops.lamps.say(loops.village.report("cabinet-1", {1: 100}, desired_n=2))
    await loops.until(lambda: (CABINET, 3) in loops.lamps.orders)
    assert (await loops.village.progress(leases[0])).state is LeaseState.LIT
    assert (await loops.village.progress(leases[1])).state is LeaseState.ORDERED


@pytest.mark.usefixtures("no_failure")
async def test_a_button_is_answered_while_another_zone_is_waited_for(
    loops: Loops, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.loops.conductor._ANSWER", timedelta(hours=1))
    glasau = Village(loops.store, "glasau", NIGHT)
    lamp = ControllerKey("glasau", "lamp-32")  # the first of Kirchweg
    await glasau.press("dorfstrasse")
    loops.conductor.nudge((ZoneKey("glasau", "dorfstrasse"),))
    await loops.until(lambda: len(loops.lamps.orders) >= 31)
    loops.lamps.orders.clear()
    loops.conductor.nudge((ZoneKey("glasau", "dorfstrasse"), ZoneKey("glasau", "kirchweg")), answer=[lamp])
    await loops.until(lambda: (lamp, 2) in loops.lamps.orders)
    assert [order for order in loops.lamps.orders if order[0] == lamp] == [(lamp, 2)], "answered once"


async def test_what_breaks_in_one_municipality_stops_the_inspection_of_no_other(
    store: SqlStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SystemClock(NIGHT)
    seen: list[str] = []

    def breaks(tx: Tx, home: Municipality, *rest: object) -> Judged:
        seen.append(home.id)
        if home.id == "glasau":
            raise ZeroDivisionError
        return Judged()

    monkeypatch.setattr("service.loops.inspector.judge", breaks)
    inspector = Inspector(store, MemoryLamps(), clock, LocalWatch(), lambda: None)
    again = await inspector._look(clock.now())
    assert seen == ["glasau", "leck", "luetjenholm"]
    assert "The inspection of glasau broke" in caplog.text
    assert again >= clock.now() + timedelta(seconds=20)
    assert await store.read(lambda tx: tx.seen_alive()) is not None


@pytest.mark.usefixtures("no_failure")
async def test_no_press_waits_long_for_an_answer(loops: Loops) -> None:
    for n in (2, 3):
        await loops.village.press("dorf")
        loops.village.later(seconds=1)
        loops.conductor.nudge((DORF,))
        await loops.until(lambda n=n: (CABINET, n) in loops.lamps.orders)  # type: ignore[misc]


async def test_a_granted_press_is_ordered_although_the_store_refused(loops: Loops) -> None:
    await loops.village.press("dorf")
    loops.store.refuse = 2
    loops.conductor.nudge((DORF,))
    await loops.until(lambda: (CABINET, 2) in loops.lamps.orders)
    assert loops.store.refused.is_set()


async def test_everything_is_published_again_after_a_reconnect_although_the_store_refused(loops: Loops) -> None:
    loops.store.refuse = 2
    loops.lamps.say(Disconnected(), Connected())
    await loops.until(lambda: len(loops.lamps.orders) >= 87)
    assert loops.store.refused.is_set()


async def test_reports_wait_for_the_store(loops: Loops) -> None:
    loops.store.refuse = 2
    before = loops.watch.version("luetjenholm")
    loops.lamps.say(loops.village.status("cabinet-1"), loops.village.report("cabinet-1", {1: 100}))
    await loops.until(lambda: loops.watch.version("luetjenholm") > before)
    states = await loops.store.read(lambda tx: tx.controller_states([CABINET]))
    assert states[CABINET].seq == 1


async def test_a_message_that_breaks_us_costs_the_others_nothing(loops: Loops) -> None:
    broken = replace(loops.village.report("cabinet-1", {1: 100}), boot=2**70)  # no database takes that
    before = loops.watch.version("glasau")
    glasau = Village(loops.store, "glasau", NIGHT)
    loops.lamps.say(broken, glasau.report("lamp-01", {1: 100}))
    await loops.until(lambda: loops.watch.version("glasau") > before)
    assert sum(loops.listener.ignored.values()) == 1
    states = await loops.store.read(lambda tx: tx.controller_states([ControllerKey("glasau", "lamp-01"), CABINET]))
    assert (states[ControllerKey("glasau", "lamp-01")].seq, states[CABINET].seq) == (1, 0)


async def test_the_conductor_is_not_well_before_its_first_round(store: SqlStore) -> None:
    assert not Loops(store).conductor.well


async def test_the_conductor_is_well_while_it_works(loops: Loops) -> None:
    assert loops.conductor.well


async def test_a_storm_of_births_shares_broadcasts(loops: Loops) -> None:
    loops.lamps.times.clear()
    births = [loops.village.status("cabinet-1", session=n) for n in range(1, 150)]
    for birth in births:
        loops.lamps.say(birth)
    await loops.until(lambda: len(loops.lamps.times) >= 1)
    session = 0
    while session < 149:
        states = await loops.store.read(lambda tx: tx.controller_states([CABINET]))
        session = states[CABINET].session
    seconds = (loops.clock.now() - NIGHT).total_seconds() / loops.clock.speed
    assert len(loops.lamps.times) <= 2 * seconds + 2


async def test_a_moved_clock_is_told_at_once(loops: Loops) -> None:
    loops.clock.move(forward=timedelta(hours=1))
    loops.timekeeper.moved()
    await loops.until(lambda: any(at >= NIGHT + timedelta(hours=1) for at, _, _ in loops.lamps.times))


async def test_housekeeping_deletes_presses_that_are_old_enough(village: Village) -> None:
    clock = SystemClock(NIGHT)
    await village.press("dorf")
    housekeeping = Housekeeping(village.store, clock, timedelta(days=400))
    clock.move(forward=timedelta(days=399))
    await housekeeping.run_due()
    start, end = NIGHT - timedelta(days=1), NIGHT + timedelta(days=1)
    assert len(await village.store.read(lambda tx: tx.presses("luetjenholm", start, end))) == 1
    clock.move(forward=timedelta(days=2))
    await housekeeping.run_due()
    assert await village.store.read(lambda tx: tx.presses("luetjenholm", start, end)) == []
    assert await village.store.read(lambda tx: tx.light_given(DORF, start, end)) == []
