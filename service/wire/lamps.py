"""The way to the controllers: one MQTT connection that heals itself."""

import asyncio
import contextlib
import logging
import random
import re
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from secrets import token_hex
from typing import Any

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from service.domain.inventory import ID_PATTERN, ControllerKey
from service.domain.orders import Order
from service.domain.reports import Message, Nonsense
from service.ports import Clock, Connected, Disconnected, Plan
from service.wire.codec import (
    DecodeError,
    read_counter,
    read_event,
    read_report,
    read_status,
    write_desired,
    write_plan,
    write_time,
)
from service.wire.rates import Rates

ROOT = "dorflicht/v1"
TIME = f"{ROOT}/time"
ECHO = f"{ROOT}/echo"

_LEAVES = ("report", "status", "event")
_SAID = tuple(f"/{leaf}" for leaf in _LEAVES)
_OWN_LEAVES = ("plan", "desired")
_TOO_MUCH = "too many messages"
_MOST_WAITING = 20_000
_PUBLISH_SECONDS = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how the service signs in; `version` is "3.1.1" or "5", `tls` None for plain TCP."""

    host: str
    port: int
    username: str
    password: str
    version: str = "3.1.1"
    tls: ssl.SSLContext | None = None


class MqttLamps:
    """`service.ports.Lamps` over MQTT. `run` keeps the connection until it is cancelled."""

    def __init__(self, broker: Broker, clock: Clock, *, echo_within_s: float = 30.0) -> None:
        """Prepare; nothing is opened before `run`. `echo_within_s`: how long the broker may keep our own word."""
        self._broker = broker
        self._echo_within_s = echo_within_s
        self._clock = clock
        self._client: aiomqtt.Client | None = None
        self._waiting: list[Message | Connected | Disconnected] = []
        self._arrived = asyncio.Event()
        self._closing = asyncio.Event()
        self._connected = False
        self.changed = asyncio.Event()
        self._dropped: Counter[str] = Counter()
        self._rates = Rates()

    @property
    def connected(self) -> bool:
        """Whether the broker is there right now."""
        return self._connected

    @property
    def dropped(self) -> Mapping[str, int]:
        """Messages dropped so far, by kind of fault."""
        return self._dropped

    async def run(self) -> None:
        """Connect, and connect again with growing pauses whenever the broker goes away."""
        pause = _FIRST_PAUSE
        said: set[str] = set()
        while not self._closing.is_set():
            try:
                await self._session()
            except (aiomqtt.MqttError, OSError, TimeoutError) as error:
                if self._connected:
                    pause = _FIRST_PAUSE
                    said.clear()
                if str(error) not in said:
                    log.warning("The broker at %s:%s is away: %s", self._broker.host, self._broker.port, error)
                    said.add(str(error))
            finally:
                self._gone()
            jitter = random.uniform(0.8, 1.2)  # noqa: S311 - spreads reconnects, protects nothing
            with contextlib.suppress(TimeoutError):  # real seconds: the network does not run at the demo's speed
                async with asyncio.timeout(pause * jitter):
                    await self._closing.wait()
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _gone(self) -> None:
        self._client = None
        if self._connected:
            self._connected = False
            self._put(Disconnected())
            self.changed.set()

    async def _session(self) -> None:
        broker = self._broker
        five = broker.version == "5"
        async with aiomqtt.Client(
            broker.host,
            broker.port,
            username=broker.username,
            password=broker.password,
            identifier=f"{broker.username}-{token_hex(4)}",
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            tls_context=broker.tls,
            keepalive=20,
            timeout=_PUBLISH_SECONDS,
            max_inflight_messages=200,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        ) as client:
            client.pending_calls_threshold = _MOST_WAITING  # the conductor publishes to a whole village at once
            await client.subscribe([(f"{ROOT}/+/+/{leaf}", 1) for leaf in _LEAVES] + [(ECHO, 1)])
            await client.subscribe([(f"{ROOT}/+/+/{leaf}", 1) for leaf in _OWN_LEAVES])
            echo = token_hex(8).encode()
            await client.publish(ECHO, echo, qos=1)
            try:
                async with asyncio.timeout(self._echo_within_s) as patience:
                    await self._listen(client, echo, patience)
            except TimeoutError:
                raise TimeoutError(f"{ECHO} did not come back within {self._echo_within_s:g} s") from None

    async def _listen(self, client: aiomqtt.Client, echo: bytes, patience: asyncio.Timeout) -> None:
        """Take what arrives, until the connection ends; be patient once the echo is there."""
        async for message in client.messages:
            if str(message.topic) != ECHO:
                self._take(message)
            elif message.payload == echo and self._client is None:
                patience.reschedule(None)
                await client.unsubscribe([f"{ROOT}/+/+/{leaf}" for leaf in _OWN_LEAVES])
                self._ready(client)

    def _ready(self, client: aiomqtt.Client) -> None:
        """The echo came back, so all that the broker had kept for us is here."""
        self._client = client
        self._connected = True
        self._put(Connected())
        self.changed.set()
        log.info("Connected to the broker at %s:%s", self._broker.host, self._broker.port)

    def _take(self, message: aiomqtt.Message) -> None:
        topic, retained = str(message.topic), bool(message.retain)
        if not retained and self._is_too_much(topic):
            return
        try:
            decoded = decode(topic, message.payload, retained=retained)
        except DecodeError as fault:
            self._drop(str(fault))
            controller = _controller(topic)
            if fault.about_meters and controller is not None and not retained:
                self._put(Nonsense(controller))
        else:
            if decoded is not None:
                self._put(decoded)

    def _is_too_much(self, topic: str) -> bool:
        """Whether a controller says more than it may. What the broker had kept is not asked about: that is one message
        for each topic; neither is what the service said itself."""
        controller = _controller(topic)
        if controller is None or not topic.endswith(_SAID):
            return False
        now_ms = self._clock.machine_ms()
        if self._rates.allow(controller, now_ms, status=topic.endswith("/status")):
            return False
        self._dropped[_TOO_MUCH] += 1
        if self._rates.first(controller, now_ms):
            log.warning("Dropped a message: %s of %s/%s. Further ones are only counted.", _TOO_MUCH, *controller)
        return True

    def _put(self, message: Message | Connected | Disconnected) -> None:
        if len(self._waiting) >= _MOST_WAITING and not isinstance(message, Connected | Disconnected):
            self._drop("overflow")
            return
        self._waiting.append(message)
        self._arrived.set()

    def _drop(self, kind: str) -> None:
        self._dropped[kind] += 1
        if self._dropped[kind] == 1:
            log.warning("Dropped a message: %s. Further ones of this kind are only counted.", kind)

    async def messages(self) -> AsyncIterator[list[Message | Connected | Disconnected]]:
        """Everything that arrives, in batches of what is there."""
        while not self._closing.is_set():
            await self._arrived.wait()
            self._arrived.clear()
            batch, self._waiting = self._waiting, []
            if batch:
                yield batch

    async def order(self, controller: ControllerKey, desired_n: int, at: datetime, orders: Mapping[int, Order]) -> bool:
        """Publish an order; in MQTT 5 it expires with its last step."""
        ends = [step.until for order in orders.values() for step in order]
        properties = None
        if self._broker.version == "5" and ends:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call] # paho's own lack
            seconds = (max(ends) - at).total_seconds() / self._clock.speed
            properties.MessageExpiryInterval = max(1, round(seconds))
        return await self._publish(_topic(controller, "desired"), write_desired(desired_n, at, orders), properties)

    async def plan(self, controller: ControllerKey, plan_n: int, at: datetime, plan: Plan) -> bool:
        """Publish a plan."""
        return await self._publish(_topic(controller, "plan"), write_plan(plan_n, at, plan))

    async def time(self, at: datetime, speed: float, seq: int) -> bool:
        """Tell all controllers the time."""
        return await self._publish(TIME, write_time(at, speed, seq), qos=0, retain=False)

    async def _publish(
        self, topic: str, payload: bytes, properties: Any = None, *, qos: int = 1, retain: bool = True
    ) -> bool:
        client = self._client
        if client is None:
            return False
        try:
            await client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        except aiomqtt.MqttError:
            return False  # whoever asked publishes everything again once the broker is back
        return True

    async def close(self) -> None:
        """End `messages` and `run`."""
        self._closing.set()
        self._arrived.set()


def _topic(controller: ControllerKey, leaf: str) -> str:
    return f"{ROOT}/{controller.municipality}/{controller.controller}/{leaf}"


@lru_cache(maxsize=65536)
def _controller(topic: str) -> ControllerKey | None:
    """Whose topic this is; None where it has another shape than the contract's."""
    parts = topic.split("/")
    if len(parts) != 5 or not all(re.fullmatch(ID_PATTERN, part) for part in parts[2:4]):
        return None
    return ControllerKey(parts[2], parts[3])


def decode(topic: str, payload: object, *, retained: bool) -> Message | None:
    """A message from its topic and payload; None for the service's own words. Raises DecodeError."""
    controller, leaf = _controller(topic), topic.rsplit("/", 1)[-1]
    if controller is None:
        raise DecodeError("foreign topic")
    if not isinstance(payload, bytes):
        raise DecodeError("malformed body")
    if not payload:
        return None
    if leaf in _OWN_LEAVES:
        return read_counter(controller, leaf, payload) if retained else None
    if leaf == "report":
        return read_report(controller, payload, retained)
    if leaf == "status":
        return read_status(controller, payload, retained)
    if leaf == "event":
        if retained:
            raise DecodeError("retained event")
        return read_event(controller, payload)
    raise DecodeError("foreign topic")
