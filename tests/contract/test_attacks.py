"""What somebody with one leaked secret, or with none, can do to others: nothing. One suite against both brokers.

Floods are in test_attacks_flood.py; what reaches the running service is in tests/e2e/test_attacks.py.
"""

import struct
from collections.abc import Iterator

import aiomqtt
import pytest

from service.domain.inventory import ControllerKey
from service.errors import InvalidError
from service.wire.access import new_secret
from tests.support.attackers import (
    Enrolled,
    arrived,
    enrol,
    signed_in,
    told_since,
    tries_to_publish,
    victim,
    watching,
)
from tests.support.broker_process import BrokerProcess
from tests.support.embedded_broker import embedded_broker
from tests.support.mosquitto import mosquitto
from tests.support.raw_mqtt import CONNACK, PUBLISH, SUBACK, RawClient, Will, connect, packet, subscribe, text

LEAVES = ("plan", "desired", "report", "status", "event")
FORGED = b"forged"


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> Iterator[BrokerProcess]:
    with embedded_broker() if request.param == "embedded" else mosquitto() as running:
        yield running


async def kept(broker: BrokerProcess, *topics: str) -> list[bytes]:
    """What the broker has kept on some topics."""
    async with broker.service_client("service-late") as late:
        await late.subscribe("dorflicht/v1/echo", qos=1)
        for topic in topics:
            await late.subscribe(topic, qos=1)
        await late.publish("dorflicht/v1/echo", b"all of it", qos=1)
        return [body for _, body in (await arrived(late, until=b"all of it"))[:-1]]


# ---- what is published


@pytest.mark.parametrize("leaf", LEAVES)
async def test_nothing_can_be_published_or_kept_on_a_foreign_topic(broker: BrokerProcess, leaf: str) -> None:
    thief = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service, signed_in(broker, thief) as attacker:
        await tries_to_publish(attacker, thief, other.one.topic(leaf), FORGED)
        assert await arrived(service, until=b"looked at") == [(thief.topic("event"), b"looked at")]
        assert await other.still_served(service)
        assert await kept(broker, other.one.topic(leaf)) == []


@pytest.mark.parametrize("leaf", ["plan", "desired"])
async def test_nothing_can_be_injected_where_only_the_service_writes(broker: BrokerProcess, leaf: str) -> None:
    thief = await enrol(broker)
    async with watching(broker) as service, signed_in(broker, thief) as attacker:
        await service.publish(thief.topic(leaf), b"genuine", qos=1, retain=True)
        await arrived(service, until=b"genuine")
        for body in (FORGED, b""):  # an empty one would clear what is kept
            await tries_to_publish(attacker, thief, thief.topic(leaf), body)
            assert await arrived(service, until=b"looked at") == [(thief.topic("event"), b"looked at")]
        assert await kept(broker, thief.topic(leaf)) == [b"genuine"]


@pytest.mark.parametrize(
    "topic",
    [
        "dorflicht/v1/time",
        "dorflicht/v1/echo",
        "dorflicht/v2/time",
        "dorflicht/v1/urrugne",
        "$SYS/broker/uptime",
        "$CONTROL/dynamic-security/v1",
        "elsewhere",
    ],
)
async def test_nothing_can_be_published_to_everybody(broker: BrokerProcess, topic: str) -> None:
    thief = await enrol(broker)
    async with watching(broker) as service, signed_in(broker, thief) as attacker:
        await tries_to_publish(attacker, thief, topic, FORGED)
        assert await arrived(service, until=b"looked at") == [(thief.topic("event"), b"looked at")]
    assert await kept(broker, "dorflicht/v1/time", "dorflicht/v1/urrugne") == []


# ---- what is read


def foreign_filters(thief: Enrolled, other: Enrolled) -> list[str]:
    return [
        *(other.topic(leaf) for leaf in LEAVES),
        thief.topic("report"),
        thief.topic("event"),
        thief.topic("#"),
        thief.topic("+"),
        "dorflicht/v1/urrugne/+/desired",
        "dorflicht/v1/urrugne/#",
        "dorflicht/v1/+",
        "dorflicht/v1/time/#",
        "dorflicht/v1/#",
        "dorflicht/#",
        "+/+/+/+/desired",
        "+/#",
        "#",
        "$SYS/#",
        "$CONTROL/#",
        f"$share/all/{other.topic('desired')}",
        f"$share/all/{thief.topic('#')}",
    ]


async def test_nothing_foreign_can_be_read_by_any_filter(broker: BrokerProcess) -> None:
    thief = await enrol(broker)
    async with victim(broker) as other, broker.service_client() as service, signed_in(broker, thief) as attacker:
        wanted = foreign_filters(thief, other.one)
        await service.publish(other.one.topic("plan"), b"foreign, kept", qos=1, retain=True)
        for number, topic_filter in enumerate(wanted, start=2):
            attacker.send(subscribe(topic_filter, packet_id=number))
            answer = await attacker.receive()
            assert answer == (SUBACK, struct.pack("!H", number) + b"\x80"), topic_filter
        attacker.send(subscribe(thief.topic("desired")))
        assert await attacker.receive() == (SUBACK, b"\0\1\1")
        for topic in (*(other.one.topic(leaf) for leaf in LEAVES), thief.topic("report"), "dorflicht/v1/time"):
            await service.publish(topic, b"not for you", qos=0)
        await service.publish(thief.topic("desired"), b"for you", qos=0)
        assert await attacker.receive() == (PUBLISH, text(thief.topic("desired")) + b"for you")
        assert await other.still_served(service)


# ---- whose id it is


async def test_a_take_over_with_wrong_or_foreign_credentials_leaves_the_victim_alone(broker: BrokerProcess) -> None:
    thief = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service:
        name = other.one.name
        attempts = [
            (name, name, new_secret()),
            (name, name, ""),
            (name, name, thief.secret),
            (name, thief.name, thief.secret),
            (name, "urrugne.nobody", thief.secret),
            (name, "", ""),
            (name, "service", new_secret()),
        ]
        for client_id, user, secret in attempts:
            for will in (None, Will(other.one.topic("status"), FORGED)):
                async with RawClient(broker) as attacker:
                    assert await attacker.connect(client_id, user, secret, will) != 0, (client_id, user)
                    assert await attacker.hung_up()
        assert await other.still_served(service)
        seen = await told_since(service)
        assert {topic for topic, _ in seen} == {other.one.topic("desired")}, seen


async def test_a_take_over_without_the_secret_takes_nothing_from_an_absent_victim(broker: BrokerProcess) -> None:
    """Its session, where the broker keeps one (Mosquitto does), and the order that waits for it."""
    one, thief = await enrol(broker), await enrol(broker)
    persistent = bytearray(connect(one.name, one.name, one.secret))
    persistent[9] &= 0xFD  # no clean session
    async with RawClient(broker) as raw, broker.service_client() as service:
        raw.send(bytes(persistent))
        assert await raw.receive() == (CONNACK, b"\0\0")
        raw.send(subscribe(one.topic("desired")))
        assert await raw.receive() == (SUBACK, b"\0\1\1")
        raw.cut()
        await service.publish(one.topic("desired"), b"waits for you", qos=1, retain=True)
        for user, secret in ((one.name, new_secret()), (thief.name, thief.secret)):
            async with RawClient(broker) as attacker:  # with a clean session, which would end the other
                assert await attacker.connect(one.name, user, secret) != 0
    async with RawClient(broker) as again:
        again.send(bytes(persistent))
        answer = await again.receive()
        if broker.name == "Mosquitto":
            assert answer == (CONNACK, b"\1\0"), "its session was ended"
        else:
            again.send(subscribe(one.topic("desired")))
        while (packet_ := await again.receive()) is not None and packet_[0] != PUBLISH:
            continue
        assert packet_ is not None
        assert packet_[1].endswith(b"waits for you")


@pytest.mark.parametrize("which", ["other status", "own desired", "own plan", "time", "echo", "wildcard", "control"])
async def test_a_will_reaches_the_own_topics_alone(broker: BrokerProcess, which: str) -> None:
    thief = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service:
        topic = {
            "other status": other.one.topic("status"),
            "own desired": thief.topic("desired"),
            "own plan": thief.topic("plan"),
            "time": "dorflicht/v1/time",
            "echo": "dorflicht/v1/echo",
            "wildcard": "dorflicht/v1/urrugne/+/status",
            "control": "$CONTROL/dynamic-security/v1",
        }[which]
        async with RawClient(broker) as attacker:
            await attacker.connect(thief.name, thief.name, thief.secret, Will(topic, FORGED))
            attacker.cut()
        async with signed_in(broker, thief, Will(thief.topic("status"), b"own will")) as honest:
            honest.cut()
        assert await arrived(service, until=b"own will") == [(thief.topic("status"), b"own will")]
        assert FORGED not in await kept(broker, thief.topic("+"), other.one.topic("+"), "dorflicht/v1/time")
        assert await other.still_served(service)


# ---- ids that are more than ids


ODD = ["#", "+", "urrugne.#", "urrugne.+", "+.+", "urrugne/mast", "../service", "$CONTROL", "\0", "service\0", "a\0b"]


@pytest.mark.parametrize("odd", ODD)
async def test_names_with_signs_of_topics_open_nothing(broker: BrokerProcess, odd: str) -> None:
    thief = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service:
        for client_id, user in ((odd, odd), (thief.name, odd), (odd, thief.name), (f"{thief.name}{odd}", thief.name)):
            async with RawClient(broker) as attacker:
                assert await attacker.connect(client_id, user, thief.secret) != 0, (client_id, user)
        assert await other.still_served(service)


@pytest.mark.parametrize("odd", [*ODD, "", "Urrugne", "mast.1", "x" * 65])
async def test_nobody_is_let_in_under_such_a_name(broker: BrokerProcess, odd: str) -> None:
    before = await broker.access.known()
    for key in (ControllerKey(odd, "mast"), ControllerKey("urrugne", odd)):
        with pytest.raises(InvalidError):
            await broker.access.add({key: new_secret()})
    assert await broker.access.known() == before


@pytest.mark.parametrize("odd", ["#", "+", "\0", "/", "mast\0", "mast/+", "mast/#"])
async def test_topics_with_such_signs_reach_nobody(broker: BrokerProcess, odd: str) -> None:
    thief = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service:
        for topic in (f"dorflicht/v1/urrugne/{odd}/report", f"{thief.topic('report')}{odd}", odd):
            async with signed_in(broker, thief) as attacker:
                await tries_to_publish(attacker, thief, topic, FORGED)
        async with signed_in(broker, thief) as attacker:
            await tries_to_publish(attacker, thief, thief.topic("report"), b"own")
        seen = await arrived(service, until=b"own")
        assert FORGED not in {body for _, body in seen}
        for topic_filter in (f"{odd}\0", "dorflicht/v1/\0/#", "dorflicht/v1/urrugne/a#/desired", "a+/b"):
            async with signed_in(broker, thief) as attacker:
                attacker.send(subscribe(topic_filter))
                answer = await attacker.receive()
                assert answer is None or answer == (SUBACK, b"\0\1\x80"), topic_filter
        assert await other.still_served(service)


# ---- what was captured


async def test_what_was_captured_cannot_be_sent_again(broker: BrokerProcess) -> None:
    """By the controller that captured it; what the firmware does where a broker lets it happen is in
    tests/e2e/test_attacks.py."""
    thief = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service, signed_in(broker, thief) as attacker:
        attacker.send(subscribe(thief.topic("desired"), "dorflicht/v1/time"))
        assert await attacker.receive() == (SUBACK, b"\0\1\1\1")
        await service.publish("dorflicht/v1/time", b"a moment", qos=0)
        await service.publish(thief.topic("desired"), b"an order", qos=0)
        captured = []
        for _ in range(2):
            got = await attacker.receive()
            assert got is not None
            captured.append(got[1])
        await arrived(service, until=b"an order")
        for body in captured:  # as they came, byte by byte
            attacker.send(packet(0x30, body))
            attacker.send(packet(0x31, body))
        await tries_to_publish(attacker, thief, other.one.topic("desired"), b"an order")
        assert await arrived(service, until=b"looked at") == [(thief.topic("event"), b"looked at")]
        assert await kept(broker, "dorflicht/v1/time", thief.topic("desired"), other.one.topic("desired")) == []
        assert await other.still_served(service)


async def test_mqtt_5_opens_no_other_door(broker: BrokerProcess) -> None:
    """Where the broker speaks it: aliases, response topics and delayed wills are bound by the same rights."""
    if broker.protocol is not aiomqtt.ProtocolVersion.V5:
        async with RawClient(broker) as raw:
            raw.send(connect("service-1", "service", broker.service_password, level=5))
            assert await raw.receive() == (CONNACK, b"\0\x01")
        return
    thief = await enrol(broker)
    async with victim(broker) as other, watching(broker) as service:
        async with RawClient(broker) as attacker:
            head = text("MQTT") + bytes([5, 0xC2]) + struct.pack("!H", 60) + b"\0"
            attacker.send(packet(0x10, head + text(thief.name) + text(thief.name) + text(thief.secret)))
            answer = await attacker.receive()
            assert answer is not None
            assert answer[1][1] == 0
            alias = b"\x03\x23\x00\x01"
            attacker.send(packet(0x30, text(other.one.topic("desired")) + alias + FORGED))
            attacker.send(packet(0x30, text("") + alias + FORGED))
            attacker.send(packet(0x30, text(thief.topic("event")) + b"\0" + b"looked at"))
            assert await arrived(service, until=b"looked at") == [(thief.topic("event"), b"looked at")]
        assert await other.still_served(service)
