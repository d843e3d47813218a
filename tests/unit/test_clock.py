"""The clock moves forward only, and whoever waits on it notices."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from service.clock import SystemClock

START = datetime(2026, 11, 22, 0, 0, tzinfo=UTC)


async def test_it_begins_where_it_is_told_and_runs_as_fast_as_it_is_told() -> None:
    clock = SystemClock(START, speed=3600)
    assert START <= clock.now() < START + timedelta(hours=3)
    assert await clock.wait(until=START + timedelta(minutes=1)) is False
    assert clock.now() >= START + timedelta(minutes=1)


async def test_an_event_ends_a_wait_before_its_time() -> None:
    clock, event = SystemClock(START), asyncio.Event()
    waiting = asyncio.create_task(clock.wait(event, until=START + timedelta(days=1)))
    event.set()
    async with asyncio.timeout(5):
        assert await waiting is True


async def test_an_event_that_is_set_already_needs_no_wait() -> None:
    clock, event = SystemClock(START), asyncio.Event()
    event.set()
    assert await clock.wait(event, until=START) is True


async def test_a_jump_wakes_whoever_waits() -> None:
    clock = SystemClock(START)
    waiting = asyncio.create_task(clock.wait(until=START + timedelta(hours=1)))
    await asyncio.wait([waiting], timeout=0)
    clock.move(forward=timedelta(hours=2))
    async with asyncio.timeout(5):
        assert await waiting is False


async def test_a_change_of_speed_keeps_the_time_and_wakes_whoever_waits() -> None:
    clock = SystemClock(START)
    waiting = asyncio.create_task(clock.wait(until=START + timedelta(minutes=2)))
    await asyncio.wait([waiting], timeout=0)
    before = clock.now()
    clock.move(speed=3600)
    assert clock.now() >= before
    async with asyncio.timeout(5):
        assert await waiting is False


async def test_it_never_goes_back() -> None:
    clock = SystemClock(START)
    with pytest.raises(ValueError, match="forward"):
        clock.move(forward=timedelta(seconds=-1))


async def test_it_tells_whole_milliseconds() -> None:
    assert SystemClock().now().microsecond % 1000 == 0
    assert SystemClock(START, 7.3).now().microsecond % 1000 == 0


async def test_a_cancelled_wait_leaves_nothing_behind() -> None:
    clock = SystemClock(START)
    before = asyncio.all_tasks()
    waiting = asyncio.create_task(clock.wait(asyncio.Event()))
    await asyncio.wait([waiting], timeout=0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.gather(*(asyncio.all_tasks() - before), return_exceptions=True)
    assert asyncio.all_tasks() == before
