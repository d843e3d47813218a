"""The service's way to the broker heals itself in real seconds, and says what keeps it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import pytest

from service.clock import SystemClock
from service.wire.lamps import Broker, MqttLamps
from tests.support.embedded_broker import embedded_broker

PATIENCE_S = 20
NIGHT = datetime(2026, 11, 22, 0, 12, tzinfo=UTC)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[Broker]:
    """A broker of our own making."""
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as opened:
        yield Broker("127.0.0.1", opened.sockets[0].getsockname()[1], "service", "secret")


@asynccontextmanager
async def running(lamps: MqttLamps) -> AsyncIterator[None]:
    """Lamps that try to connect."""
    task = asyncio.create_task(lamps.run())
    yield
    await lamps.close()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


class Told(logging.Handler):
    """An event that is set by the first line of a log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.event = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.event.set()


@pytest.fixture
def told() -> Iterator[Told]:
    """What the lamps say."""
    handler = Told()
    logging.getLogger("service.wire.lamps").addHandler(handler)
    yield handler
    logging.getLogger("service.wire.lamps").removeHandler(handler)


async def test_the_next_try_comes_in_real_seconds_though_the_demo_slowed_down(told: Told) -> None:
    clock = SystemClock(NIGHT, speed=3600)
    tries = asyncio.Semaphore(0)

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tries.release()
        writer.close()

    async with server(hang_up) as broker, running(MqttLamps(broker, clock)), asyncio.timeout(PATIENCE_S):
        await tries.acquire()
        await told.event.wait()  # by then it pauses
        clock.move(speed=1)
        await tries.acquire()


async def test_a_broker_that_withholds_the_echo_is_told_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    """It answers everything that must be answered, and passes nothing on."""
    answers = {1: b"\x20\x02\x00\x00", 12: b"\xd0\x00"}
    connections = asyncio.Semaphore(0)

    async def withhold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first, length = await reader.readexactly(2)  # all packets here are shorter than 128 bytes
                body = await reader.readexactly(length)
                if first >> 4 == 1:
                    connections.release()
                if first >> 4 == 8:
                    filters = sum(
                        body.count(leaf) for leaf in (b"/report", b"/status", b"/plan", b"/desired", b"/echo")
                    )
                    writer.write(bytes([0x90, 2 + filters]) + body[:2] + b"\x01" * filters)
                elif first >> 4 == 3:
                    at = 2 + int.from_bytes(body[:2], "big")
                    writer.write(b"\x40\x02" + body[at : at + 2])
                else:
                    writer.write(answers.get(first >> 4, b""))
        writer.close()

    caplog.set_level(logging.WARNING, logger="service.wire.lamps")
    async with server(withhold) as broker, asyncio.timeout(PATIENCE_S):
        lamps = MqttLamps(broker, SystemClock(), echo_within_s=0.3)
        async with running(lamps):
            for _ in range(3):
                await connections.acquire()
            assert not lamps.connected
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if "dorflicht/v1/echo" in line]) == 1, lines


async def test_a_broker_that_echoes_is_kept_beyond_the_limit() -> None:
    with embedded_broker() as process:
        broker = Broker(process.host, process.port, process.service_username, process.service_password)
        lamps = MqttLamps(broker, SystemClock(), echo_within_s=3.0)
        async with running(lamps):
            async with asyncio.timeout(PATIENCE_S):
                await lamps.changed.wait()
            assert lamps.connected
            lamps.changed.clear()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(lamps.changed.wait(), timeout=4.0)
