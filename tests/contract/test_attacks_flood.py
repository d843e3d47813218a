"""Whoever sends too much, reads too little or says nothing harms itself only. One suite against both brokers.

The rate at which the service takes a controller's messages is in tests/unit/test_rates.py and in
tests/e2e/test_attacks.py.
"""

import asyncio
import re
import resource
import signal
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest

from service.wire.access import new_secret
from tests.support.attackers import PATIENCE_S, Enrolled, Victim, arrived, enrol, signed_in, victim, watching
from tests.support.broker_process import BrokerProcess
from tests.support.certificates import Tls, certificates
from tests.support.embedded_broker import embedded_broker
from tests.support.mosquitto import mosquitto
from tests.support.raw_mqtt import (
    SUBACK,
    RawClient,
    connect,
    publish,
    remaining,
    subscribe,
)

MANY = 1000
MEGABYTE = 1024 * 1024


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> Iterator[BrokerProcess]:
    with embedded_broker() if request.param == "embedded" else mosquitto() as running:
        yield running


@pytest.fixture(autouse=True)
def many_files() -> Iterator[None]:
    """Room for a thousand connections, in this process and in the brokers that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * MANY:
        pytest.skip(f"only {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3 * MANY), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def memory(broker: BrokerProcess) -> int:
    """Bytes that a broker's process holds."""
    assert broker.process is not None
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{broker.process.pid}/status").read_text("ascii"))
    assert found is not None
    return int(found[1]) * 1024


async def all_is_well(broker: BrokerProcess, other: Victim) -> bool:
    """Whether a victim is still served, and a newcomer is let in and heard."""
    async with watching(broker) as service:
        newcomer = await enrol(broker)
        async with signed_in(broker, newcomer) as raw:
            raw.send(publish(newcomer.topic("report"), b"here I am", 1))
            await arrived(service, until=b"here I am")
        return await other.still_served(service)


async def taken(attacker: RawClient, within: float = PATIENCE_S) -> bool:
    """Whether the broker reads all that was sent; if not, it has hung up or reads no more."""
    attacker.writer.transport.set_write_buffer_limits(0)
    try:
        async with asyncio.timeout(within):
            await attacker.writer.drain()
    except (ConnectionError, TimeoutError):
        return False
    return True


# ---- too much


@pytest.mark.parametrize("first", [b"\x10", b"\x82", b"\x32"], ids=["CONNECT", "SUBSCRIBE", "PUBLISH"])
async def test_a_stranger_is_not_waited_for_to_send_200_megabytes(broker: BrokerProcess, first: bytes) -> None:
    async with victim(broker) as other:
        before = memory(broker)
        async with RawClient(broker) as stranger:
            stranger.send(first + remaining(200 * MEGABYTE) + b"x" * 1000)
            assert await stranger.hung_up()
        assert memory(broker) - before < 50 * MEGABYTE
        assert await all_is_well(broker, other)


async def test_what_is_larger_than_a_body_may_be_ends_its_sender(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service:
        async with signed_in(broker, one) as attacker:
            attacker.send(publish(one.topic("report"), b"x" * 70_000, 1))
            assert await attacker.hung_up()
        async with signed_in(broker, one) as attacker:
            attacker.send(publish(one.topic("report"), b"after it", 1))
            assert await arrived(service, until=b"after it") == [(one.topic("report"), b"after it")]
        assert await other.still_served(service)


async def test_messages_without_end_and_without_reading_the_answers(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with victim(broker) as other:
        before = memory(broker)
        async with signed_in(broker, one) as attacker:
            attacker.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can
            for n in range(20_000):
                attacker.send(publish(one.topic("event"), b"x" * 1000, 1, packet_id=n % 65_000 + 1))
            assert await all_is_well(broker, other)
            assert memory(broker) - before < 64 * MEGABYTE
        assert await all_is_well(broker, other)


async def test_a_flood_that_has_arrived_already_does_not_go_first(broker: BrokerProcess) -> None:
    one, other = await enrol(broker), await enrol(broker)
    async with watching(broker) as service, signed_in(broker, one) as attacker, signed_in(broker, other) as honest:
        broker.freeze()
        assert broker.process is not None
        try:
            for n in range(1, 1001):
                attacker.send(publish(one.topic("event"), b"%d" % n, 1, packet_id=n))
            assert await taken(attacker)  # by the system, which keeps it for the broker
            honest.send(publish(other.topic("report"), b"one report", 1))
        finally:
            broker.process.send_signal(signal.SIGCONT)
        before = await arrived(service, until=b"one report")
        assert len(before) < 500, "the report waited for the flood"


async def test_messages_that_are_never_released(broker: BrokerProcess) -> None:
    """QoS 2 without the PUBREL that would let them go on: the embedded broker serves none, Mosquitto a few."""
    one = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service:
        before = memory(broker)
        async with signed_in(broker, one) as attacker:
            for n in range(2000):
                attacker.send(publish(one.topic("report"), b"never" * 4000, 2, packet_id=n + 1))
            await taken(attacker)
            assert memory(broker) - before < 64 * MEGABYTE
        async with signed_in(broker, one) as attacker:
            attacker.send(publish(one.topic("report"), b"after it", 1))
            assert await arrived(service, until=b"after it") == [(one.topic("report"), b"after it")]
        assert await other.still_served(service)


async def test_subscriptions_without_end(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with victim(broker) as other:
        before = memory(broker)
        async with signed_in(broker, one) as attacker:
            for n in range(500):
                filters = (f"dorflicht/v1/urrugne/{n}-{m}/#" for m in range(50))
                attacker.send(subscribe(*filters, packet_id=n + 1))
            for _ in range(500):
                answer = await attacker.receive()
                assert answer is not None
                assert answer[0] == SUBACK
                assert answer[1][2:] == b"\x80" * 50
        assert memory(broker) - before < 32 * MEGABYTE
        assert await all_is_well(broker, other)


async def test_secrets_without_end(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with victim(broker) as other:
        for _ in range(10):
            async with AsyncExitStack() as stack:
                guesses = [await stack.enter_async_context(RawClient(broker)) for _ in range(50)]
                codes = await asyncio.gather(*(guess.connect(one.name, one.name, new_secret()) for guess in guesses))
            assert 0 not in codes
        assert await all_is_well(broker, other)
    assert broker.output().count(one.name) <= 50, "guesses fill the log"


# ---- too little


@pytest.mark.parametrize(("qos", "size", "count"), [(0, 3000, 60_000), (1, 45_000, 5000)], ids=["QoS 0", "QoS 1"])
async def test_who_feeds_itself_and_does_not_read(broker: BrokerProcess, qos: int, size: int, count: int) -> None:
    """A controller may write its own status and read it: what it does not read does not stay in the broker."""
    one = await enrol(broker)
    async with victim(broker) as other:
        before = memory(broker)
        async with signed_in(broker, one) as deaf:
            deaf.send(subscribe(one.topic("status")))
            assert await deaf.receive() == (SUBACK, b"\0\1\1")
            deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can
            for n in range(count):
                deaf.send(publish(one.topic("status"), b"x" * size, qos, packet_id=n + 1))
                if n % 100 == 99 and not await taken(deaf, within=2):
                    break
            assert memory(broker) - before < (100 if qos == 0 else 180) * MEGABYTE
            assert await all_is_well(broker, other)
        assert await all_is_well(broker, other)


async def test_orders_reach_others_while_one_does_not_read(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with victim(broker) as other, broker.service_client() as service, signed_in(broker, one) as deaf:
        deaf.send(subscribe(one.topic("desired")))
        assert await deaf.receive() == (SUBACK, b"\0\1\1")
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can
        async with asyncio.timeout(2 * PATIENCE_S):
            for _ in range(1000):
                await service.publish(one.topic("desired"), b"x" * 30_000, qos=1, retain=True)
        assert await other.still_served(service)
    await _forget(broker, one)


async def _forget(broker: BrokerProcess, one: Enrolled) -> None:
    async with broker.service_client() as service:
        for leaf in ("desired", "status"):
            await service.publish(one.topic(leaf), b"", qos=1, retain=True)


# ---- nothing at all


@asynccontextmanager
async def strangers(port: int, begin: bytes) -> AsyncIterator[list[asyncio.StreamReader]]:
    """A thousand connections that say no more than how they begin."""
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(MANY):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.transport.abort)
            if begin:
                writer.write(begin)
            readers.append(reader)
        yield readers


async def ended(readers: list[asyncio.StreamReader], within: float) -> int:
    """How many of these connections the broker has closed after so many seconds."""

    async def end(reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while await reader.read(1000):
                continue

    waiting = [asyncio.ensure_future(end(reader)) for reader in readers]
    done, late = await asyncio.wait(waiting, timeout=within)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    return len(done)


HALF = {"silence": b"", "half a CONNECT": connect("urrugne.mast-1", "urrugne.mast-1", "secret")[:12]}


@pytest.mark.parametrize("begin", HALF.values(), ids=list(HALF))
async def test_a_thousand_half_open_connections_keep_nobody_out(broker: BrokerProcess, begin: bytes) -> None:
    async with victim(broker) as other, strangers(broker.port, begin) as silent:
        assert await all_is_well(broker, other)
        if broker.name == "Mosquitto":  # it closes them after 90 s: see the slow test below
            return
        assert await ended(silent, 8) == MANY
        assert "when there were too many of them" in broker.output()
        assert await all_is_well(broker, other)
    assert "Traceback" not in broker.output()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificates(tmp_path_factory.mktemp("certs"))


@pytest.mark.parametrize("which", ["embedded", "mosquitto"])
async def test_a_thousand_half_open_handshakes_keep_nobody_out(which: str, tls: Tls) -> None:
    with embedded_broker(tls=tls) if which == "embedded" else mosquitto(tls=tls) as broker:
        one = await enrol(broker)
        hello = ssl.MemoryBIO()
        with suppress(ssl.SSLWantReadError):
            tls.client().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1").do_handshake()
        async with strangers(broker.tls_port, hello.read()[:100]) as silent:
            context = tls.client()
            reader, writer = await asyncio.open_connection("127.0.0.1", broker.tls_port, ssl=context)
            writer.write(connect(one.name, one.name, one.secret) + publish(one.topic("report"), b"x", 1))
            async with asyncio.timeout(PATIENCE_S):
                assert await reader.readexactly(8) == b"\x20\x02\0\0\x40\x02\0\1"
            writer.transport.abort()
            if which == "embedded":
                assert await ended(silent, 8) == MANY
        assert "Traceback" not in broker.output()
