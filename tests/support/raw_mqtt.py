"""MQTT 3.1.1 by hand: for what a well-behaved client library does not do."""

import asyncio
import struct
from dataclasses import dataclass
from types import TracebackType

from tests.support.broker_process import BrokerProcess

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP = 2, 3, 4, 9, 13
PINGREQ = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


def text(value: str | bytes) -> bytes:
    """A string or bytes with its length before it."""
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("!H", len(raw)) + raw


def packet(kind_and_flags: int, body: bytes) -> bytes:
    """A packet with the length of its body in the fixed header."""
    return bytes([kind_and_flags]) + remaining(len(body)) + body


def remaining(length: int) -> bytes:
    """The variable-length number of the fixed header."""
    out = bytearray()
    while True:
        length, digit = divmod(length, 128)
        out.append(digit | (0x80 if length else 0))
        if not length:
            return bytes(out)


@dataclass(frozen=True)
class Will:
    """A last will, retained and of QoS 1."""

    topic: str
    payload: bytes = b"gone"


def connect(
    client_id: str, username: str, password: str, will: Will | None = None, keep_alive: int = 60, level: int = 4
) -> bytes:
    """A CONNECT with a clean session."""
    flags = 0xC2 | (0x2C if will else 0)
    body = text("MQTT") + bytes([level, flags]) + struct.pack("!H", keep_alive) + text(client_id)
    if will:
        body += text(will.topic) + text(will.payload)
    return packet(0x10, body + text(username) + text(password))


def publish(topic: str | bytes, payload: bytes, qos: int = 0, *, retain: bool = False, packet_id: int = 1) -> bytes:
    """A PUBLISH."""
    number = struct.pack("!H", packet_id) if qos else b""
    return packet(0x30 | qos << 1 | int(retain), text(topic) + number + payload)


def subscribe(*filters: str, packet_id: int = 1) -> bytes:
    """A SUBSCRIBE with QoS 1 for each filter."""
    return packet(0x82, struct.pack("!H", packet_id) + b"".join(text(name) + b"\x01" for name in filters))


class RawClient:
    """A socket that speaks packets. Leaving the context cuts the connection without a goodbye."""

    def __init__(self, broker: BrokerProcess) -> None:
        """Aim at a broker."""
        self._broker = broker

    async def __aenter__(self) -> "RawClient":
        self.reader, self.writer = await asyncio.open_connection(self._broker.host, self._broker.port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()

    def send(self, data: bytes) -> None:
        """Write bytes."""
        self.writer.write(data)

    def cut(self) -> None:
        """End the connection at once."""
        self.writer.transport.abort()

    async def connect(self, client_id: str, username: str, password: str, will: Will | None = None) -> int:
        """Connect; CONNACK's return code, or -1 when the broker hung up."""
        self.send(connect(client_id, username, password, will))
        answer = await self.receive()
        return -1 if answer is None else answer[1][1]

    async def receive(self, within: float = 10.0) -> tuple[int, bytes] | None:
        """The next packet's first byte >> 4 and its body; None when the broker hung up. TimeoutError
        after `within` seconds."""
        try:
            async with asyncio.timeout(within):
                kind = (await self.reader.readexactly(1))[0] >> 4
                length = shift = 0
                while True:
                    digit = (await self.reader.readexactly(1))[0]
                    length |= (digit & 0x7F) << shift
                    shift += 7
                    if not digit & 0x80:
                        return kind, await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    async def hung_up(self, within: float = 10.0) -> bool:
        """Whether the broker ends the connection within that many seconds, whatever else it sends before."""
        try:
            async with asyncio.timeout(within):
                while await self.receive(within) is not None:
                    continue
        except TimeoutError:
            return False
        return True
