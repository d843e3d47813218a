"""The embedded broker alone: its program, the rules file at run time, and clients that break the protocol."""

import asyncio
import json
import random
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from broker.embedded import EmbeddedBroker
from broker.rules import RulesFile
from service.domain.inventory import ControllerKey
from service.wire.access import RulesFileAccess, new_secret
from tests.support.broker_process import ROOT, BrokerProcess
from tests.support.embedded_broker import embedded_broker
from tests.support.ports import free_port
from tests.support.raw_mqtt import (
    DISCONNECT,
    PINGREQ,
    PINGRESP,
    PUBACK,
    PUBLISH,
    SUBACK,
    RawClient,
    Will,
    connect,
    packet,
    publish,
    subscribe,
    text,
)

POLE = ControllerKey("glasau", "pole")
NAME = "glasau.pole"
OWN = "dorflicht/v1/glasau/pole"
STATUS, REPORT, DESIRED = f"{OWN}/status", f"{OWN}/report", f"{OWN}/desired"


@pytest.fixture
def broker() -> Iterator[BrokerProcess]:
    with embedded_broker() as running:
        yield running


@pytest.fixture
async def secret(broker: BrokerProcess) -> str:
    made = new_secret()
    await broker.access.add({POLE: made})
    return made


def access(broker: BrokerProcess) -> RulesFileAccess:
    assert isinstance(broker.access, RulesFileAccess)
    return broker.access


def write_rules(broker: BrokerProcess, content: str | None) -> None:
    """Write over the rules file in place, or take it away."""
    path = broker.folder / "access.json"
    if content is None:
        path.unlink()
    else:
        path.write_text(content, "utf-8")


def rules(broker: BrokerProcess) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((broker.folder / "access.json").read_text("utf-8"))
    return content


async def next_payload(client: aiomqtt.Client) -> bytes:
    async with asyncio.timeout(10):
        message = await anext(aiter(client.messages))
    assert isinstance(message.payload, bytes)
    return message.payload


async def serves(broker: BrokerProcess) -> bool:
    """Whether the broker still lets in and delivers."""
    async with broker.service_client("service-probe") as service:
        await service.subscribe("dorflicht/v1/probe")
        await service.publish("dorflicht/v1/probe", b"alive")
        return await next_payload(service) == b"alive"


# ---- the program


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "broker", *options], capture_output=True, text=True, timeout=20, cwd=ROOT
    )


def rules_at(folder: Path) -> str:
    RulesFileAccess(folder / "access.json").add_service(new_secret())
    return str(folder / "access.json")


def assert_one_sentence(ended: subprocess.CompletedProcess[str], *words: str) -> None:
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    for word in words:
        assert word in ended.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.org", ""])  # noqa: S104 - to be refused
def test_it_listens_beyond_loopback_by_name_only(tmp_path: Path, host: str) -> None:
    ended = run("--host", host, "--port", str(free_port()), "--rules", rules_at(tmp_path))
    assert_one_sentence(ended, "--allow-remote")


def test_a_taken_port_is_said_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_one_sentence(run("--port", port, "--rules", rules_at(tmp_path)), port)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (None, "access.json"),
        ("{", "JSON"),
        ("[]", "users"),
        ('{"users": {"a": {"secret": "plain", "publish": [], "subscribe": []}}}', "users.a.secret"),
        ('{"users": {"a": 3}}', "users.a"),
    ],
)
def test_an_unusable_rules_file_is_said_in_one_sentence(tmp_path: Path, content: str | None, word: str) -> None:
    path = tmp_path / "access.json"
    if content is not None:
        path.write_text(content, "utf-8")
    assert_one_sentence(run("--port", str(free_port()), "--rules", str(path)), word)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_says_what_it_is_for_and_ends_in_order_with_connections_open(
    broker: BrokerProcess, secret: str, how: signal.Signals
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(3):
            await stack.enter_async_context(RawClient(broker))  # never says anything
        pole = await stack.enter_async_context(RawClient(broker))
        assert await pole.connect(NAME, NAME, secret) == 0
        assert broker.process is not None
        broker.process.send_signal(how)
        assert await pole.hung_up(2)
        assert broker.process.wait(timeout=2) == 0
    lines = broker.output().splitlines()
    assert len(lines) == 1
    assert "ready" in lines[0]
    assert "demo" in lines[0]
    assert str(broker.port) in lines[0]


async def test_a_restart_serves_again_on_the_same_port(broker: BrokerProcess, secret: str) -> None:
    for end in (broker.kill, broker.stop):
        end()
        broker.start()
        async with broker.client(NAME, secret):
            assert await serves(broker)


# ---- the rules file at run time


async def test_a_revoked_or_replaced_user_leaves_with_its_will(broker: BrokerProcess, secret: str) -> None:
    async with broker.service_client() as service:
        await service.subscribe(STATUS, qos=1)
        async with RawClient(broker) as pole:
            assert await pole.connect(NAME, NAME, secret, Will(STATUS, b"revoked")) == 0
            await broker.access.revoke(POLE)
            assert await pole.hung_up()
            assert await next_payload(service) == b"revoked"
        await broker.access.add({POLE: secret})
        async with RawClient(broker) as pole:
            assert await pole.connect(NAME, NAME, secret, Will(STATUS, b"replaced")) == 0
            await broker.access.add({POLE: new_secret()})
            assert await pole.hung_up()
            assert await next_payload(service) == b"replaced"


async def test_changed_rights_end_a_connection_and_others_stay(broker: BrokerProcess, secret: str) -> None:
    async with broker.service_client() as service, RawClient(broker) as pole:
        assert await pole.connect(NAME, NAME, secret) == 0
        changed = rules(broker)
        changed["users"][NAME]["subscribe"] = []
        write_rules(broker, json.dumps(changed))
        assert await pole.hung_up()
        await service.subscribe(STATUS)
        await service.publish(STATUS, b"still here")
        assert await next_payload(service) == b"still here"


async def test_a_broken_rules_file_changes_nothing_until_it_is_mended(broker: BrokerProcess, secret: str) -> None:
    good = json.dumps(rules(broker))
    async with RawClient(broker) as pole:
        assert await pole.connect(NAME, NAME, secret) == 0
        for bad in ("{", '{"users": {"glasau.pole": {}}}'):
            write_rules(broker, bad)
            assert await serves(broker)
        write_rules(broker, None)
        assert await serves(broker)
        write_rules(broker, good)
        assert await serves(broker)
        pole.send(PINGREQ)
        answer = await pole.receive()
        assert answer is not None
        assert answer[0] == PINGRESP
    assert broker.output().count("stay in force") == 3


async def test_an_observer_reads_all_and_changes_nothing(broker: BrokerProcess, secret: str) -> None:
    eyes = new_secret()
    access(broker).add_observer(eyes)
    async with broker.client("observer", eyes) as observer, broker.service_client() as service:
        await observer.subscribe("dorflicht/v1/#")
        await service.subscribe("dorflicht/v1/#")
        await observer.publish(DESIRED, b"forged", qos=1, retain=True)
        await service.publish(DESIRED, b"real", qos=1)
        assert await next_payload(observer) == b"real"
        assert await next_payload(service) == b"real"


async def test_users_free_in_their_client_id_take_nobodys(broker: BrokerProcess, secret: str) -> None:
    eyes = new_secret()
    access(broker).add_observer(eyes)
    async with RawClient(broker) as pole, broker.service_client("service-1") as service:
        assert await pole.connect(NAME, NAME, secret, Will(STATUS)) == 0
        for user, its_secret, foreign in (
            ("observer", eyes, NAME),
            ("service", broker.service_password, NAME),
            ("observer", eyes, "service-1"),
        ):
            async with RawClient(broker) as thief:
                assert await thief.connect(foreign, user, its_secret) == 2
        pole.send(PINGREQ)
        assert await pole.receive() == (PINGRESP, b"")
        await service.subscribe(STATUS)
        await service.publish(STATUS, b"nobody left")
        assert await next_payload(service) == b"nobody left"


# ---- clients that vanish, dawdle or break the protocol


async def test_a_client_silent_for_longer_than_its_keep_alive_is_gone(broker: BrokerProcess, secret: str) -> None:
    async with broker.service_client() as service, RawClient(broker) as silent:
        await service.subscribe(STATUS, qos=1)
        silent.send(connect(NAME, NAME, secret, Will(STATUS, b"vanished"), keep_alive=1))
        assert await next_payload(service) == b"vanished"


async def test_half_a_packet_does_not_stretch_the_keep_alive(broker: BrokerProcess, secret: str) -> None:
    async with broker.service_client() as service, RawClient(broker) as slow:
        await service.subscribe(STATUS, qos=1)
        slow.send(connect(NAME, NAME, secret, Will(STATUS, b"too slow"), keep_alive=1))
        slow.send(publish(REPORT, b"never whole")[:-3])
        assert await next_payload(service) == b"too slow"


async def test_whoever_does_not_connect_within_five_seconds_is_closed(broker: BrokerProcess, secret: str) -> None:
    async with RawClient(broker) as mute, RawClient(broker) as slow, RawClient(broker) as pole:
        assert await pole.connect(NAME, NAME, secret) == 0
        slow.send(connect(NAME, NAME, secret)[:10])
        assert await mute.hung_up(8)
        assert await slow.hung_up(8)
        pole.send(PINGREQ)
        assert await pole.receive() == (PINGRESP, b"")


async def test_a_client_that_does_not_read_is_dropped_and_nobody_waits(broker: BrokerProcess, secret: str) -> None:
    async with RawClient(broker) as deaf, broker.service_client() as service:
        deaf.send(connect(NAME, NAME, secret, Will(STATUS, b"deaf")) + subscribe(DESIRED))
        for expected in (2, SUBACK):
            answer = await deaf.receive()
            assert answer is not None
            assert answer[0] == expected
        deaf.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport can
        await service.subscribe(STATUS, qos=1)
        sent = 0
        while "does not read" not in broker.output():
            assert sent < 2000
            await service.publish(DESIRED, b"x" * 60_000, qos=1)
            sent += 1
        assert await next_payload(service) == b"deaf"
        assert await serves(broker)


async def test_topics_with_wildcards_or_nul_end_the_connection(broker: BrokerProcess, secret: str) -> None:
    async with broker.service_client() as service:
        await service.subscribe("dorflicht/v1/#")
        for topic in ("dorflicht/v1/#", "dorflicht/v1/+/pole/report", f"{REPORT}\0", "", b"\xff\xfe"):
            async with RawClient(broker) as bad:
                assert await bad.connect("service-2", "service", broker.service_password) == 0
                bad.send(publish(topic, b"bad", 1))
                if topic != b"\xff\xfe":  # decodes to nothing that belongs to anybody
                    assert await bad.hung_up()
        await service.publish(REPORT, b"good")
        assert await next_payload(service) == b"good"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(connect(NAME, NAME, "again"), id="second CONNECT"),
        pytest.param(publish(REPORT, b"x", 2), id="QoS 2"),
        pytest.param(packet(0x36, text(REPORT) + b"\0\1x"), id="QoS 3"),
        pytest.param(packet(0x82, b"\0\1"), id="SUBSCRIBE without filter"),
        pytest.param(packet(0x82, b"\0\1" + text(DESIRED) + b"\3"), id="SUBSCRIBE with QoS 3"),
        pytest.param(packet(0x80, b"\0\1" + text(DESIRED) + b"\1"), id="SUBSCRIBE with wrong flags"),
        pytest.param(packet(0x00, b""), id="reserved packet"),
        pytest.param(packet(0xF0, b""), id="AUTH"),
        pytest.param(packet(0x20, b"\0\0"), id="CONNACK"),
        pytest.param(packet(0x30, b"\0\x50short"), id="topic longer than the packet"),
        pytest.param(packet(0x40, b"\0"), id="half a packet id"),
        pytest.param(b"\x30\xff\xff\xff\xff\x01", id="length of five bytes"),
    ],
)
async def test_whoever_breaks_the_protocol_is_dropped_with_its_will(
    broker: BrokerProcess, secret: str, broken: bytes
) -> None:
    async with broker.service_client() as service, RawClient(broker) as bad:
        await service.subscribe(f"{OWN}/#", qos=1)
        assert await bad.connect(NAME, NAME, secret, Will(STATUS, b"broke off")) == 0
        bad.send(broken)
        assert await bad.hung_up()
        assert await next_payload(service) == b"broke off"
    assert "Traceback" not in broker.output()


async def test_noise_ends_connections_and_nothing_else(broker: BrokerProcess, secret: str) -> None:
    noise = random.Random(20)  # noqa: S311 - the same noise at each run
    whole = connect(NAME, NAME, secret) + publish(REPORT, b"x" * 20, 1) + subscribe(DESIRED) + PINGREQ
    async with broker.service_client() as service:
        for turn in range(300):
            data = bytearray(whole if turn % 3 else noise.randbytes(40))
            for _ in range(turn % 5):
                data[noise.randrange(len(data))] = noise.randrange(256)
            async with RawClient(broker) as bad:
                bad.send(bytes(data[: noise.randrange(1, len(data) + 1)]))
                bad.writer.write_eof()
                assert await bad.hung_up()
        await service.subscribe(REPORT)
        await service.publish(REPORT, b"alive")
        while await next_payload(service) != b"alive":
            continue
    assert "Traceback" not in broker.output(), broker.output()


async def test_another_protocol_version_is_told_so(broker: BrokerProcess, secret: str) -> None:
    async with RawClient(broker) as modern:
        modern.send(connect(NAME, NAME, secret, level=5))
        assert await modern.receive() == (2, b"\0\x01")


async def test_what_was_sent_before_a_goodbye_is_delivered(broker: BrokerProcess, secret: str) -> None:
    async with broker.service_client() as service, RawClient(broker) as pole:
        await service.subscribe(f"{OWN}/#", qos=1)
        reports = b"".join(publish(REPORT, b"%d" % n, 1, packet_id=n) for n in range(1, 51))
        pole.send(connect(NAME, NAME, secret, Will(STATUS)) + reports + DISCONNECT)
        assert [await next_payload(service) for _ in range(50)] == [b"%d" % n for n in range(1, 51)]


async def test_a_subscribe_is_answered_filter_by_filter(broker: BrokerProcess, secret: str) -> None:
    async with RawClient(broker) as pole:
        assert await pole.connect(NAME, NAME, secret) == 0
        pole.send(subscribe(DESIRED, "dorflicht/v1/glasau/other/desired", "#", STATUS, "a/#/b", ""))
        assert await pole.receive() == (SUBACK, b"\0\1" + b"\x01\x80\x80\x01\x80\x80")


async def test_refused_messages_are_acknowledged_dropped_and_logged_once(broker: BrokerProcess, secret: str) -> None:
    async with RawClient(broker) as pole:
        assert await pole.connect(NAME, NAME, secret) == 0
        for n in range(1, 6):
            pole.send(publish("dorflicht/v1/glasau/other/report", b"forged", 1, packet_id=n))
            assert await pole.receive() == (PUBACK, struct.pack("!H", n))
    assert broker.output().count("foreign topic") == 1


async def test_a_message_has_the_lower_qos_of_sender_and_receiver(broker: BrokerProcess, secret: str) -> None:
    async with RawClient(broker) as pole, broker.service_client() as service:
        assert await pole.connect(NAME, NAME, secret) == 0
        pole.send(subscribe(DESIRED))
        assert await pole.receive() == (SUBACK, b"\0\1\1")
        await service.publish(DESIRED, b"qos 0", qos=0)
        await service.publish(DESIRED, b"qos 1", qos=1)
        assert await pole.receive() == (PUBLISH, text(DESIRED) + b"qos 0")
        assert await pole.receive() == (PUBLISH, text(DESIRED) + b"\0\1qos 1")


async def test_overlapping_subscriptions_give_one_message_and_end_on_request(broker: BrokerProcess) -> None:
    async with broker.service_client() as service:
        for topic_filter in ("dorflicht/v1/#", "dorflicht/v1/+/pole/report", REPORT):
            await service.subscribe(topic_filter, qos=1)
        await service.publish(REPORT, b"one")
        await service.publish(REPORT, b"two")
        assert [await next_payload(service) for _ in range(2)] == [b"one", b"two"]
        for topic_filter in ("dorflicht/v1/#", "dorflicht/v1/+/pole/report", REPORT):
            await service.unsubscribe(topic_filter)
        await service.publish(REPORT, b"unheard")
        await service.subscribe(DESIRED)
        await service.publish(DESIRED, b"heard")
        assert await next_payload(service) == b"heard"


async def test_a_will_on_a_foreign_topic_is_refused_at_the_door(broker: BrokerProcess, secret: str) -> None:
    for topic in (DESIRED, "dorflicht/v1/glasau/other/status", "dorflicht/v1/#", ""):
        async with RawClient(broker) as pole:
            assert await pole.connect(NAME, NAME, secret, Will(topic)) == 5


# ---- from inside


@asynccontextmanager
async def inside(folder: Path) -> AsyncIterator[tuple[Any, BrokerProcess]]:
    """A broker in this process, and what a client needs to reach it."""
    path, port, password = folder / "access.json", free_port(), new_secret()
    access = RulesFileAccess(path)
    access.add_service(password)
    running = EmbeddedBroker("127.0.0.1", port, RulesFile(path))
    await running.start()
    version = aiomqtt.ProtocolVersion.V311
    try:
        yield running, BrokerProcess([], folder, port, access, password, version, "The broker in this process")
    finally:
        await running.shutdown()


async def test_accepted_sockets_send_at_once(tmp_path: Path) -> None:
    async with inside(tmp_path) as (running, reach), reach.service_client():
        [accepted] = running._open
        raw = accepted._writer.get_extra_info("socket")
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


async def test_nothing_is_left_of_a_client_that_went(tmp_path: Path) -> None:
    async with inside(tmp_path) as (running, reach), reach.service_client("service-1") as service:
        async with reach.service_client("service-2") as other:
            await other.subscribe("dorflicht/v1/#")
            await other.subscribe(REPORT)
        await service.subscribe(STATUS)
        await service.publish(STATUS, b"after")
        assert await next_payload(service) == b"after"
        assert (len(running._open), len(running._clients)) == (1, 1)
        assert (set(running._exact), set(running._wild)) == ({STATUS}, set())
