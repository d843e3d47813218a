"""Controllers that were let in, one of them an attacker with a leaked secret, and what a test sees of it.

Where nothing must arrive, a message that must arrive is sent after it on the same way: brokers keep order.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiomqtt

from service.domain.inventory import ControllerKey
from service.wire.access import new_secret, user_name
from tests.support.broker_process import BrokerProcess
from tests.support.raw_mqtt import PUBLISH, RawClient, Will, publish, subscribe

PATIENCE_S = 20.0
_numbers = itertools.count(1)


class Enrolled(NamedTuple):
    """A controller that was let in."""

    key: ControllerKey
    secret: str

    @property
    def name(self) -> str:
        """User name and client id."""
        return user_name(self.key)

    def topic(self, leaf: str) -> str:
        """One of its topics."""
        return f"dorflicht/v1/{self.key.municipality}/{self.key.controller}/{leaf}"


async def enrol(broker: BrokerProcess) -> Enrolled:
    """Let a controller in that no other test knows."""
    one = Enrolled(ControllerKey("urrugne", f"mast-{next(_numbers)}"), new_secret())
    await broker.access.add({one.key: one.secret})
    return one


async def arrived(of: aiomqtt.Client, *, until: bytes) -> list[tuple[str, bytes]]:
    """What arrives up to the payload `until`, as topic and payload."""
    seen: list[tuple[str, bytes]] = []
    async with asyncio.timeout(PATIENCE_S):
        async for message in of.messages:
            seen.append((str(message.topic), bytes(message.payload)))
            if message.payload == until:
                break
    return seen


@asynccontextmanager
async def signed_in(broker: BrokerProcess, one: Enrolled, will: Will | None = None) -> AsyncIterator[RawClient]:
    """A controller's connection, by hand."""
    async with RawClient(broker) as raw:
        assert await raw.connect(one.name, one.name, one.secret, will) == 0
        yield raw


@asynccontextmanager
async def watching(broker: BrokerProcess) -> AsyncIterator[aiomqtt.Client]:
    """The service, subscribed to all that the contract knows; what tests before left there is taken off."""
    async with broker.service_client() as service:
        await service.subscribe("dorflicht/v1/#", qos=1)
        await service.publish("dorflicht/v1/echo", b"begun", qos=1)
        await arrived(service, until=b"begun")
        yield service


async def told_since(service: aiomqtt.Client) -> list[tuple[str, bytes]]:
    """All that reached the service up to now."""
    await service.publish("dorflicht/v1/echo", b"up to now", qos=1)
    return (await arrived(service, until=b"up to now"))[:-1]


class Victim:
    """A connected controller with a subscription and a will, which nobody may disturb."""

    def __init__(self, broker: BrokerProcess, one: Enrolled, raw: RawClient) -> None:
        self.broker, self.one, self._raw = broker, one, raw
        self._order = itertools.count(1)

    async def still_served(self, service: aiomqtt.Client) -> bool:
        """Whether its connection and its subscription live: an order reaches it."""
        order = b"order %d" % next(self._order)
        await service.publish(self.one.topic("desired"), order, qos=0)
        while (packet := await self._raw.receive()) is not None:
            if packet[0] == PUBLISH and packet[1].endswith(order):
                return True
        return False


@asynccontextmanager
async def victim(broker: BrokerProcess) -> AsyncIterator[Victim]:
    """A victim, connected."""
    one = await enrol(broker)
    async with signed_in(broker, one, Will(one.topic("status"), b"victim gone")) as raw:
        raw.send(subscribe(one.topic("desired")))
        assert await raw.receive() is not None
        yield Victim(broker, one, raw)


async def tries_to_publish(attacker: RawClient, one: Enrolled, topic: str | bytes, payload: bytes) -> None:
    """Publish, retained and not, at QoS 0 and 1, then an own event that shows that all of it was looked at."""
    attacker.send(publish(topic, payload, 0))
    attacker.send(publish(topic, payload, 0, retain=True))
    attacker.send(publish(topic, payload, 1, packet_id=1))
    attacker.send(publish(topic, payload, 1, retain=True, packet_id=2))
    attacker.send(publish(one.topic("event"), b"looked at", 1, packet_id=3))
