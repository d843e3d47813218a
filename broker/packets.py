"""Whole MQTT packets from a stream: measured before they are buffered, decoded by amqtt from their own bytes.

amqtt itself decodes straight from the stream: it has no size cap, and a wrong inner length makes it read on
into the next packet.
"""

import asyncio
import struct
from typing import Any

from amqtt.adapters import BufferReader, StreamReaderAdapter
from amqtt.errors import AMQTTError, CodecError, MQTTError, NoDataError
from amqtt.mqtt import packet_class
from amqtt.mqtt.packet import (
    CONNECT,
    DISCONNECT,
    PINGREQ,
    PUBACK,
    PUBLISH,
    SUBSCRIBE,
    UNSUBSCRIBE,
    MQTTFixedHeader,
)

LARGEST = 64 * 1024
"""Bytes of a packet behind its fixed header; a larger one ends the connection before it is buffered."""

FLAGS = {CONNECT: 0, PUBACK: 0, SUBSCRIBE: 2, UNSUBSCRIBE: 2, PINGREQ: 0, DISCONNECT: 0}
"""The fixed header's flags that the standard demands; PUBLISH has its own. Other packets are not for a broker."""

MALFORMED = (
    AMQTTError,
    MQTTError,
    NoDataError,
    CodecError,
    asyncio.IncompleteReadError,
    struct.error,
    ValueError,
    TypeError,
    IndexError,
)
"""What amqtt's decoding may raise on bytes that are no packet."""


class ProtocolError(Exception):
    """A client broke the protocol; the connection ends."""


async def read_raw(reader: asyncio.StreamReader) -> tuple[MQTTFixedHeader, bytes] | None:
    """The next packet's header and body, or None at the stream's end. ProtocolError when it is too large or
    no packet that a client may send."""
    header = await MQTTFixedHeader.from_stream(StreamReaderAdapter(reader))
    if header is None:
        return None
    if header.packet_type != PUBLISH and FLAGS.get(header.packet_type) != header.flags:
        raise ProtocolError("a packet that clients do not send")
    if header.remaining_length > LARGEST:
        raise ProtocolError("a packet that is too large")
    return header, await reader.readexactly(header.remaining_length)


async def read_packet(reader: asyncio.StreamReader) -> Any | None:
    """The next packet, decoded, or None at the stream's end. ProtocolError or one of MALFORMED when it is none."""
    raw = await read_raw(reader)
    if raw is None:
        return None
    header, body = raw
    return await packet_class(header).from_stream(BufferReader(body), fixed_header=header)
