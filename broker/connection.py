"""One client's connection to the embedded broker, from its CONNECT to its end."""

import asyncio
import itertools
import types
from collections.abc import Callable, Generator
from typing import Any, Protocol

from amqtt.adapters import BufferReader, StreamWriterAdapter
from amqtt.mqtt.connack import (
    CONNECTION_ACCEPTED,
    ConnackPacket,
)
from amqtt.mqtt.disconnect import DisconnectPacket
from amqtt.mqtt.packet import CONNECT
from amqtt.mqtt.pingreq import PingReqPacket
from amqtt.mqtt.pingresp import PingRespPacket
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.publish import PublishPacket
from amqtt.mqtt.suback import SubackPacket
from amqtt.mqtt.subscribe import SubscribePacket
from amqtt.mqtt.unsuback import UnsubackPacket
from amqtt.mqtt.unsubscribe import UnsubscribePacket
from amqtt.plugins.manager import PluginManager
from amqtt.session import Session

from broker.packets import MALFORMED, ProtocolError, read_packet, read_raw
from broker.rules import User, is_topic

CONNECT_WITHIN = 5.0
"""Seconds that a client has for its CONNECT."""

ANSWER_WITHIN = 30.0
"""Seconds that a client may take to accept what it asked for, retained messages above all."""

UNREAD_AT_MOST = 8 * 1024 * 1024
"""Bytes that may wait for a client that does not read; then it is disconnected."""

REFUSED = 0x80
"""SUBACK's code for a subscription that is not granted."""


@types.coroutine
def _others_first() -> Generator[None, None, None]:
    """Give all other connections a turn: reading what has arrived already would not, and a flood is always there."""
    yield


class Refusal(Exception):  # noqa: N818 - no error of the program: the answer to a CONNECT
    """A CONNECT that is not accepted: the CONNACK code, and for the log why and by which user."""

    def __init__(self, code: int, why: str, who: str) -> None:
        """Keep all three."""
        super().__init__(why)
        self.code = code
        self.why = why
        self.who = who


class Hub(Protocol):
    """What a connection needs of the broker."""

    plugins_manager: PluginManager[Any]

    def admit(self, connection: "Connection") -> User:
        """The user of a connection whose CONNECT was read, now the only one of its client id; else Refusal."""
        ...

    def publish(self, user: User, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        """Deliver and retain a message, if the user may."""
        ...

    def subscribe(self, connection: "Connection", topic_filter: str, qos: int) -> int:
        """The granted QoS, or REFUSED."""
        ...

    def unsubscribe(self, connection: "Connection", topic_filter: str) -> None:
        """End a subscription, if there is one."""
        ...

    def kept(self, topic_filter: str) -> list[str]:
        """The topics with a retained message that a filter matches."""
        ...

    def retained(self, topic: str) -> tuple[bytes, int] | None:
        """A topic's retained message and its QoS."""
        ...

    def left(self, connection: "Connection") -> None:
        """The connection ended: forget it and its subscriptions."""
        ...

    def note(self, kind: str, who: str) -> None:
        """Count something that was refused and log it once per kind and user."""
        ...


class Connection:
    """Reads a client's packets in order and writes to it. Everything but reading and waiting happens at once,
    without giving the event loop away, so that order is kept and an end is complete when `close` returns."""

    def __init__(
        self, hub: Hub, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, let_in: Callable[[], None]
    ) -> None:
        """Take over an accepted stream. The hub calls `let_in` when it admits the client."""
        self.let_in = let_in
        self._hub = hub
        self._reader = reader
        self._writer = writer
        self._closed = False
        self._unacknowledged: set[int] = set()
        self._ids = itertools.cycle(range(1, 65536))
        self.session = Session()
        self.user: User | None = None

    @property
    def client_id(self) -> str:
        """The client id, empty before the CONNECT was read."""
        return self.session.client_id or ""

    async def serve(self) -> None:
        """Serve the client until either side ends it. The will is published unless the client said goodbye."""
        said_goodbye = False
        try:
            if await self._connect():
                said_goodbye = await self._serve_packets()
        except TimeoutError:
            self._hub.note("silent for longer than its keep-alive, or too slow", self._name)
        except ProtocolError as error:
            self._hub.note(str(error), self._name)
        except ConnectionError:
            pass  # the peer is gone: that is an end like any other
        except MALFORMED:
            self._hub.note("a malformed packet", self._name)
        finally:
            self.close(with_will=not said_goodbye)

    @property
    def _name(self) -> str:
        return self.user.name if self.user is not None else ""

    async def _connect(self) -> bool:
        """Read the CONNECT and answer it; whether the client is in."""
        async with asyncio.timeout(CONNECT_WITHIN):
            raw = await read_raw(self._reader)
            if raw is None:
                return False
            header, body = raw
            if header.packet_type != CONNECT:
                raise ProtocolError("a packet before CONNECT")
            # Checks the protocol's name and version too, and answers a wrong one itself.
            _, self.session = await BrokerProtocolHandler.init_from_connect(
                BufferReader(header.to_bytes() + body),
                StreamWriterAdapter(self._writer),
                self._hub.plugins_manager,
            )
        try:
            self.user = self._hub.admit(self)
        except Refusal as refusal:
            self._hub.note(refusal.why, refusal.who)
            self._send(ConnackPacket.build(0, refusal.code))
            return False
        self._send(ConnackPacket.build(0, CONNECTION_ACCEPTED))
        return True

    async def _serve_packets(self) -> bool:
        """Serve packets in order; whether the end was a DISCONNECT."""
        patience = 1.5 * self.session.keep_alive or None
        while True:
            async with asyncio.timeout(patience):
                packet = await read_packet(self._reader)
            if packet is None or self._closed:
                return False
            if isinstance(packet, DisconnectPacket):
                return True
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._answer(packet)
            await _others_first()

    async def _answer(self, packet: Any) -> None:
        if isinstance(packet, PublishPacket):
            self._on_publish(packet)
        elif isinstance(packet, PubackPacket):
            self._unacknowledged.discard(packet.packet_id)
        elif isinstance(packet, PingReqPacket):
            self._send(PingRespPacket.build())
        elif isinstance(packet, SubscribePacket):
            await self._on_subscribe(packet)
        elif isinstance(packet, UnsubscribePacket):
            for topic_filter in packet.payload.topics:
                self._hub.unsubscribe(self, topic_filter)
            self._send(UnsubackPacket.build(packet.variable_header.packet_id))
        else:
            raise ProtocolError("a second CONNECT")
        await self._writer.drain()

    def _on_publish(self, packet: Any) -> None:
        if packet.qos > 1:
            raise ProtocolError("a message of QoS 2, which this broker does not serve")
        if not is_topic(packet.topic_name):
            raise ProtocolError("a topic with a wildcard or NUL, or without a name")
        assert self.user is not None  # noqa: S101 - packets are served after `admit` only
        self._hub.publish(self.user, packet.topic_name, packet.data, packet.qos, retain=packet.retain_flag)
        if packet.qos == 1:
            self._send(PubackPacket.build(packet.packet_id))

    async def _on_subscribe(self, packet: Any) -> None:
        wanted: list[tuple[str, int]] = packet.payload.topics
        if not wanted or any(qos > 2 for _, qos in wanted):
            raise ProtocolError("a SUBSCRIBE without a filter or with a wrong QoS")
        granted = [self._hub.subscribe(self, topic_filter, qos) for topic_filter, qos in wanted]
        self._send(SubackPacket.build(packet.variable_header.packet_id, granted))
        for (topic_filter, _), qos in zip(wanted, granted, strict=True):
            for topic in self._hub.kept(topic_filter) if qos != REFUSED else ():
                # Asked again for each: while this waits, a newer message may have taken the place.
                message = self._hub.retained(topic)
                if message is not None:
                    self.deliver(topic, message[0], min(qos, message[1]), retain=True)
                    await self._writer.drain()

    def deliver(self, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        """Send a message. A client that does not read is disconnected soon after."""
        if self._closed:
            return
        packet_id = self._free_id() if qos else None
        self._send(PublishPacket.build(topic, data, packet_id, False, qos, retain))
        if self._writer.transport.get_write_buffer_size() > UNREAD_AT_MOST or len(self._unacknowledged) > 65000:
            self._hub.note("does not read what it subscribed to", self._name)
            asyncio.get_running_loop().call_soon(self.close)

    def _free_id(self) -> int:
        packet_id = next(candidate for candidate in self._ids if candidate not in self._unacknowledged)
        self._unacknowledged.add(packet_id)
        return packet_id

    def _send(self, packet: Any) -> None:
        if not self._writer.transport.is_closing():
            self._writer.write(packet.to_bytes())

    def close(self, *, with_will: bool = True) -> None:
        """End the connection: forgotten by the broker and its will delivered when this returns."""
        if self._closed:
            return
        self._closed = True
        self._hub.left(self)
        session, user = self.session, self.user
        if user is not None and with_will and session.will_flag and session.will_topic is not None:
            self._hub.publish(
                user,
                session.will_topic,
                bytes(session.will_message or b""),
                session.will_qos or 0,
                retain=bool(session.will_retain),
            )
        # What was written went to the kernel at once, unless the client does not read: then it is not waited for.
        if user is None:
            self._writer.close()
        else:
            self._writer.transport.abort()
