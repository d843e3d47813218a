"""Open pages share their looks, and see a change at once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from service.api.views import Views
from service.clock import SystemClock
from service.domain.words import LightState
from service.errors import UnknownError
from service.loops.watch import LocalWatch
from service.ports import Store, Tx
from service.store import SqlStore
from tests.support.lamps import MemoryLamps
from tests.usecases.acting import Village

T = TypeVar("T")


class CountingStore:
    """A real store that counts its reads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads = 0

    async def read(self, work: Callable[[Tx], T]) -> T:
        self.reads += 1
        return await self._store.read(work)

    async def write(self, work: Callable[[Tx], T]) -> T:
        return await self._store.write(work)

    async def close(self) -> None:
        await self._store.close()


class Pages:
    """Views over the village's store, with a watch to ring."""

    def __init__(self, store: SqlStore, village: Village) -> None:
        self.store = CountingStore(store)
        self.clock = SystemClock(village.now, speed=0.001)  # stands, so that no second passes in a test
        self.watch = LocalWatch()
        self.lamps = MemoryLamps()
        self.views = Views(self.store, self.clock, self.lamps, self.watch)

    async def state(self) -> LightState:
        return (await self.views.of("luetjenholm", ["dorf"]))[0].light.state


@pytest.fixture
def pages(store: SqlStore, village: Village) -> Pages:
    return Pages(store, village)


async def test_a_hundred_pages_cost_one_look(pages: Pages) -> None:
    await asyncio.gather(*(pages.state() for _ in range(100)))
    await pages.state()
    assert pages.store.reads == 1


async def test_a_change_is_seen_at_once(pages: Pages, village: Village) -> None:
    assert await pages.state() is LightState.UNKNOWN
    await village.say(village.report("cabinet-1", {1: 100}))
    pages.watch.ring("luetjenholm", ["dorf"])
    assert await pages.state() is LightState.LIT


async def test_a_broker_that_goes_is_seen_at_once(pages: Pages) -> None:
    await pages.state()
    pages.lamps.connected = False
    view = (await pages.views.of("luetjenholm", ["dorf"]))[0]
    assert getattr(view.press, "reason", None) == "unreachable"


async def test_time_alone_makes_a_look_old(pages: Pages) -> None:
    await pages.state()
    pages.clock.move(forward=timedelta(seconds=1))
    await pages.state()
    assert pages.store.reads == 2


async def test_an_error_is_told_to_everybody_and_not_kept(pages: Pages) -> None:
    for _ in range(2):
        with pytest.raises(UnknownError):
            await pages.views.of("atlantis", None)
    assert pages.store.reads == 2
