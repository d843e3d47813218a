"""Where one MQTT packet ends and the next begins."""

PUBLISH = 3
_MOST_LENGTH_BYTES = 4


class PacketError(ValueError):
    """Bytes that are no MQTT."""


class Packets:
    """Cuts a stream of bytes into whole packets."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The packets that are complete now. PacketError."""
        self._rest += data
        found = []
        while (size := _size(self._rest)) is not None and len(self._rest) >= size:
            found.append(self._rest[:size])
            self._rest = self._rest[size:]
        return found


def _size(data: bytes) -> int | None:
    """How long the packet at the beginning is with its header; None where that is not said yet."""
    length = 0
    for i, byte in enumerate(data[1 : 1 + _MOST_LENGTH_BYTES]):
        length |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:
            return 2 + i + length
    if len(data) > _MOST_LENGTH_BYTES:
        raise PacketError("a packet's length has more than four bytes")
    return None


def kind(packet: bytes) -> int:
    """The packet's type."""
    return packet[0] >> 4
