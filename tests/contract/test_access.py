"""What a credential opens, and that it opens nothing else: one suite for the embedded broker and Mosquitto.

Where nothing must arrive, a message that must arrive is sent after it on the same way: brokers keep order.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import aiomqtt
import pytest

from service.domain.inventory import ControllerKey
from service.errors import InvalidError
from service.wire.access import new_secret, user_name
from tests.support.broker_process import BrokerProcess
from tests.support.embedded_broker import embedded_broker
from tests.support.mosquitto import mosquitto
from tests.support.raw_mqtt import PINGREQ, PINGRESP, RawClient, Will, packet, publish, remaining

PATIENCE = 10.0
numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> Iterator[BrokerProcess]:
    with embedded_broker() if request.param == "embedded" else mosquitto() as running:
        yield running


class Enrolled(NamedTuple):
    """A controller that was let in."""

    key: ControllerKey
    secret: str

    @property
    def name(self) -> str:
        return user_name(self.key)

    def topic(self, leaf: str) -> str:
        return f"dorflicht/v1/{self.key.municipality}/{self.key.controller}/{leaf}"


async def enrol(broker: BrokerProcess) -> Enrolled:
    one = Enrolled(ControllerKey("urrugne", f"pole-{next(numbers)}"), new_secret())
    await broker.access.add({one.key: one.secret})
    return one


def client(broker: BrokerProcess, one: Enrolled) -> aiomqtt.Client:
    will = aiomqtt.Will(one.topic("status"), b"gone", qos=1, retain=True)
    return broker.client(one.name, one.secret, will=will)


async def arrived(of: aiomqtt.Client, *, until: bytes) -> list[tuple[str, bytes]]:
    """What arrives up to the payload `until`, as topic and payload."""
    seen: list[tuple[str, bytes]] = []
    async with asyncio.timeout(PATIENCE):
        async for message in of.messages:
            assert isinstance(message.payload, bytes)
            seen.append((str(message.topic), message.payload))
            if message.payload == until:
                break
    return seen


@asynccontextmanager
async def listening_service(broker: BrokerProcess, *controllers: Enrolled) -> AsyncIterator[aiomqtt.Client]:
    """The service, subscribed to everything of some controllers."""
    async with broker.service_client() as service:
        for one in controllers:
            await service.subscribe(one.topic("#"), qos=1)
        yield service


async def refused(attempt: AbstractAsyncContextManager[aiomqtt.Client]) -> bool:
    try:
        async with attempt:
            return False
    except aiomqtt.MqttError:
        return True


async def still_served(service: aiomqtt.Client, connected: aiomqtt.Client, one: Enrolled) -> bool:
    """Whether an order reaches a connected controller."""
    await connected.subscribe(one.topic("desired"), qos=1)
    await service.publish(one.topic("desired"), b"are you there?", qos=1)
    return (one.topic("desired"), b"are you there?") in await arrived(connected, until=b"are you there?")


async def test_the_right_secret_opens_and_no_other(broker: BrokerProcess) -> None:
    one, other = await enrol(broker), await enrol(broker)
    async with client(broker, one):
        pass
    assert await refused(broker.client(one.name, new_secret()))
    assert await refused(broker.client(one.name, other.secret))
    assert await refused(broker.client(one.name, ""))
    assert await refused(broker.client("urrugne.nobody", one.secret))
    async with RawClient(broker) as anonymous:
        anonymous.send(packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a"))
        answer = await anonymous.receive()
        assert answer is None or answer[1][1] != 0


async def test_own_topics_work_both_ways(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with client(broker, one) as controller:
        await controller.publish(one.topic("report"), b"a report", qos=1, retain=True)
        await controller.publish(one.topic("event"), b"an event", qos=1)
        async with listening_service(broker, one) as service:
            assert await arrived(service, until=b"a report") == [(one.topic("report"), b"a report")]
            await service.publish(one.topic("plan"), b"a plan", qos=1, retain=True)
            for leaf in ("plan", "desired", "status"):
                await controller.subscribe(one.topic(leaf), qos=1)
            await controller.subscribe("dorflicht/v1/time", qos=0)
            await service.publish(one.topic("desired"), b"an order", qos=1, retain=True)
            await service.publish("dorflicht/v1/time", b"now", qos=0)
            seen = await arrived(controller, until=b"now")
    assert seen == [
        (one.topic("plan"), b"a plan"),
        (one.topic("desired"), b"an order"),
        ("dorflicht/v1/time", b"now"),
    ]


@pytest.mark.parametrize("leaf", ["report", "status", "event", "desired", "plan"])
async def test_a_message_to_a_foreign_topic_is_neither_delivered_nor_retained(broker: BrokerProcess, leaf: str) -> None:
    one, other = await enrol(broker), await enrol(broker)
    async with listening_service(broker, one, other) as service, RawClient(broker) as thief:
        assert await thief.connect(one.name, one.name, one.secret) == 0
        thief.send(publish(other.topic(leaf), b"forged", 1, retain=True))
        thief.send(publish(one.topic("report"), b"own", 1, packet_id=2))
        assert await arrived(service, until=b"own") == [(one.topic("report"), b"own")]
    async with listening_service(broker, other) as late:
        await late.publish(other.topic("desired"), b"first", qos=1)
        assert await arrived(late, until=b"first") == [(other.topic("desired"), b"first")]


async def test_a_controller_gives_itself_no_orders_and_tells_nobody_the_time(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with broker.service_client() as service, client(broker, one) as controller:
        await service.subscribe("dorflicht/v1/time")
        await service.subscribe(one.topic("#"))
        for topic in (one.topic("desired"), one.topic("plan"), "dorflicht/v1/time", one.topic("report")):
            await controller.publish(topic, b"end" if topic.endswith("report") else b"forged")
        assert await arrived(service, until=b"end") == [(one.topic("report"), b"end")]


async def test_foreign_and_wildcard_subscriptions_give_nothing(broker: BrokerProcess) -> None:
    one, other = await enrol(broker), await enrol(broker)
    wanted = [
        other.topic("desired"),
        other.topic("report"),
        one.topic("#"),
        one.topic("+"),
        "dorflicht/v1/urrugne/+/desired",
        "dorflicht/v1/#",
        "+/+/+/+/desired",
        "#",
        "$SYS/#",
        "$CONTROL/dynamic-security/v1/response",
        f"$share/all/{other.topic('desired')}",
    ]
    async with broker.service_client() as service, client(broker, one) as controller:
        await service.publish(other.topic("report"), b"foreign, kept", qos=1, retain=True)
        for topic_filter in wanted:
            [code] = await controller.subscribe(topic_filter, qos=1)
            assert (code if isinstance(code, int) else code.value) >= 0x80, topic_filter
        await controller.subscribe(one.topic("desired"), qos=1)
        await service.publish(other.topic("desired"), b"foreign", qos=1)
        await service.publish(one.topic("report"), b"own, unasked", qos=1)
        await service.publish(one.topic("desired"), b"own", qos=1)
        assert await arrived(controller, until=b"own") == [(one.topic("desired"), b"own")]


async def test_a_will_on_a_foreign_topic_has_no_effect(broker: BrokerProcess) -> None:
    one, other = await enrol(broker), await enrol(broker)
    async with listening_service(broker, one, other) as service:
        for topic in (other.topic("status"), one.topic("desired"), "dorflicht/v1/time"):
            async with RawClient(broker) as thief:
                await thief.connect(one.name, one.name, one.secret, Will(topic, b"forged"))
        async with RawClient(broker) as honest:
            assert await honest.connect(one.name, one.name, one.secret, Will(one.topic("status"))) == 0
        assert await arrived(service, until=b"gone") == [(one.topic("status"), b"gone")]


async def test_nobody_takes_over_a_client_id_without_its_secret(broker: BrokerProcess) -> None:
    victim, thief = await enrol(broker), await enrol(broker)
    async with listening_service(broker, victim) as service, client(broker, victim) as connected:
        assert await refused(broker.client(victim.name, new_secret()))
        assert await refused(broker.client(thief.name, thief.secret, victim.name))
        assert await refused(broker.client("urrugne.nobody", thief.secret, victim.name))
        assert await still_served(service, connected, victim)
        await service.publish(victim.topic("desired"), b"end", qos=1)
        topics = {topic for topic, _ in await arrived(service, until=b"end")}
        assert topics == {victim.topic("desired")}, "the victim's will was published"


async def test_a_controller_is_bound_to_its_own_client_id(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    assert await refused(broker.client(one.name, one.secret, "service"))
    assert await refused(broker.client(one.name, one.secret, f"{one.name}-2"))
    async with RawClient(broker) as nameless:
        assert await nameless.connect("", one.name, one.secret) != 0


async def test_a_replaced_secret_closes_what_the_old_one_opened(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    replaced = one._replace(secret=new_secret())
    async with RawClient(broker) as live:
        assert await live.connect(one.name, one.name, one.secret) == 0
        await broker.access.add({one.key: replaced.secret})
        assert await live.hung_up(2)
    assert await refused(client(broker, one))
    async with client(broker, replaced) as controller, broker.service_client() as service:
        assert await still_served(service, controller, one)


async def test_revocation_closes_the_live_connection_and_the_door(broker: BrokerProcess) -> None:
    one, other = await enrol(broker), await enrol(broker)
    assert {one.key, other.key} <= await broker.access.known()
    async with broker.service_client() as service, client(broker, other) as untouched:
        async with RawClient(broker) as live:
            assert await live.connect(one.name, one.name, one.secret) == 0
            await broker.access.revoke(one.key)
            assert await live.hung_up(2)
        assert await refused(client(broker, one))
        assert await still_served(service, untouched, other)
    assert one.key not in await broker.access.known()
    assert other.key in await broker.access.known()
    await broker.access.revoke(one.key)
    await broker.access.add({one.key: one.secret})
    async with client(broker, one):
        pass


async def test_many_are_let_in_at_once_and_all_or_none(broker: BrokerProcess) -> None:
    many = [Enrolled(ControllerKey("glasau", f"lamp-{next(numbers)}"), new_secret()) for _ in range(100)]
    bad = {one.key: one.secret for one in many} | {ControllerKey("glasau", "lamp-#"): new_secret()}
    with pytest.raises(InvalidError, match="controller"):
        await broker.access.add(bad)
    with pytest.raises(InvalidError, match="secret"):
        await broker.access.add({one.key: one.secret for one in many} | {many[0].key: "short"})
    assert not {one.key for one in many} & await broker.access.known()
    await broker.access.add({one.key: one.secret for one in many})
    assert {one.key for one in many} <= await broker.access.known()
    for one in (many[0], many[-1]):
        async with client(broker, one):
            pass


async def test_a_retained_message_comes_on_subscription_only(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with broker.service_client() as service:
        await service.subscribe("dorflicht/v1/#")
        await service.publish(one.topic("desired"), b"kept", qos=1, retain=True)
        async with RawClient(broker) as raw:
            assert await raw.connect(one.name, one.name, one.secret) == 0
            raw.send(PINGREQ)
            answer = await raw.receive()
            assert answer is not None
            assert answer[0] == PINGRESP, "something came that was not subscribed to"
    async with client(broker, one) as controller:
        await controller.subscribe(one.topic("desired"), qos=1)
        assert await arrived(controller, until=b"kept") == [(one.topic("desired"), b"kept")]


async def test_what_was_kept_is_marked_and_what_comes_now_is_not(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with broker.service_client() as service, client(broker, one) as controller:
        await service.publish(one.topic("desired"), b"kept", qos=1, retain=True)
        await controller.subscribe(one.topic("desired"), qos=1)
        async with asyncio.timeout(PATIENCE):
            kept = await anext(aiter(controller.messages))
            await service.publish(one.topic("desired"), b"now", qos=1, retain=True)
            now = await anext(aiter(controller.messages))
    assert [(kept.payload, kept.retain), (now.payload, now.retain)] == [(b"kept", True), (b"now", False)]


async def test_a_retained_message_is_replaced_and_cleared(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with broker.service_client() as service:
        for body in (b"first", b"second", b"third"):
            await service.publish(one.topic("desired"), body, qos=1, retain=True)
        await service.publish(one.topic("plan"), b"a plan", qos=1, retain=True)
        await service.publish(one.topic("plan"), b"", qos=1, retain=True)
    async with client(broker, one) as controller:
        await controller.subscribe(one.topic("plan"), qos=1)
        await controller.subscribe(one.topic("desired"), qos=1)
        assert await arrived(controller, until=b"third") == [(one.topic("desired"), b"third")]


async def test_a_town_of_retained_messages_reaches_the_service(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with broker.service_client("service-filling") as service:
        for n in range(3000):
            await service.publish(f"dorflicht/v1/town/pole-{n}/report", b"kept" * 100, qos=1, retain=True)
    async with broker.service_client() as service:
        await service.subscribe("dorflicht/v1/town/#", qos=1)
        seen = set()
        async with asyncio.timeout(60):
            async for message in service.messages:
                seen.add(str(message.topic))
                if len(seen) == 3000:
                    break
        for topic in seen:
            await service.publish(topic, b"", retain=True)
        async with client(broker, one) as controller:
            assert await still_served(service, controller, one)


async def test_an_oversized_packet_drops_its_sender_and_nobody_else(broker: BrokerProcess) -> None:
    one, other = await enrol(broker), await enrol(broker)
    async with listening_service(broker, one, other) as service, client(broker, other) as untouched:
        async with RawClient(broker) as raw:
            assert await raw.connect(one.name, one.name, one.secret) == 0
            raw.send(publish(one.topic("report"), b"x" * 32 * 1024, 1))
            assert len((await arrived(service, until=b"x" * 32 * 1024))[0][1]) == 32 * 1024
            # The announcement is enough: the broker must not wait for, or buffer, what was announced.
            raw.send(b"\x32" + remaining(1_000_000) + b"x" * 100)
            assert await raw.hung_up()
        assert await still_served(service, untouched, other)


async def test_a_killed_controllers_will_is_published_and_kept(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with listening_service(broker, one) as service:
        async with RawClient(broker) as raw:
            assert await raw.connect(one.name, one.name, one.secret, Will(one.topic("status"))) == 0
            raw.cut()
        assert await arrived(service, until=b"gone") == [(one.topic("status"), b"gone")]
    async with listening_service(broker, one) as late:
        assert await arrived(late, until=b"gone") == [(one.topic("status"), b"gone")]


async def test_a_goodbye_publishes_no_will(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with listening_service(broker, one) as service:
        async with client(broker, one):
            pass
        async with client(broker, one) as again:
            await again.publish(one.topic("report"), b"end", qos=1)
            assert await arrived(service, until=b"end") == [(one.topic("report"), b"end")]


async def test_a_quick_reconnect_takes_over_and_the_old_will_comes_first(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with listening_service(broker, one) as service:
        old = RawClient(broker)
        await old.__aenter__()
        assert await old.connect(one.name, one.name, one.secret, Will(one.topic("status"), b"gone 0")) == 0
        for turn in range(1, 11):
            new = RawClient(broker)
            await new.__aenter__()
            will = Will(one.topic("status"), b"gone %d" % turn)
            assert await new.connect(one.name, one.name, one.secret, will) == 0
            new.send(publish(one.topic("status"), b"here %d" % turn, 1, retain=True))
            assert await old.hung_up()
            old.cut()
            seen = await arrived(service, until=b"here %d" % turn)
            assert [body for _, body in seen] == [b"gone %d" % (turn - 1), b"here %d" % turn]
            old = new
        old.cut()
        await arrived(service, until=b"gone 10")


async def test_a_refused_thief_does_not_hide_the_old_connection_from_a_take_over(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with RawClient(broker) as old, RawClient(broker) as new:
        assert await old.connect(one.name, one.name, one.secret) == 0
        async with RawClient(broker) as thief:
            assert await thief.connect(one.name, one.name, new_secret()) != 0
        assert await new.connect(one.name, one.name, one.secret) == 0
        assert await old.hung_up()


async def test_messages_keep_their_order_under_load(broker: BrokerProcess) -> None:
    one = await enrol(broker)
    async with listening_service(broker, one) as service, RawClient(broker) as raw:
        assert await raw.connect(one.name, one.name, one.secret) == 0
        for n in range(1, 1001):
            raw.send(publish(one.topic("event"), b"%d" % n, 1, packet_id=n))
        seen = await arrived(service, until=b"1000")
    assert [int(body) for _, body in seen] == list(range(1, 1001))
