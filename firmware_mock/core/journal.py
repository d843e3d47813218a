"""The lasting memory's format: records with a length and a checksum in slots that are written in turn.

Two slots hold the state (boot, session, counters, events, meters), two the plan, which is large and changes seldom. A
state names the plan that belongs to it. What is being written never touches what is in force, so power may go at any
moment: what is read back is the state before or the state after. Bytes in, bytes out; whoever has a flash or a file
writes them, each record safe on it before the next is begun.
"""

import json
import struct
from binascii import crc32

STATE_BYTES = 4096
"""Room for one state."""
PLAN_BYTES = 36864
"""Room for one plan: the largest message and more."""
SLOTS = ((0, STATE_BYTES), (STATE_BYTES, STATE_BYTES), (8192, PLAN_BYTES), (8192 + PLAN_BYTES, PLAN_BYTES))
"""Where each slot begins in a memory of one piece, and its size in bytes."""
_PLAN = 2
_MAGIC = b"DJ1\n"
_HEAD = 16
_BLANK = b"\x00\xff"


class JournalError(ValueError):
    """A memory that was written once and holds nothing whole any more, or a state that has no room in it."""


def pack(turn: int, body: bytes) -> bytes:
    """A record: mark, turn, length, checksum, body."""
    numbers = struct.pack(">II", turn, len(body))
    return _MAGIC + numbers + struct.pack(">I", crc32(numbers + body)) + body


def unpack(slot: bytes) -> tuple[int, bytes] | None:
    """Turn and body of the record at the start of a slot; None where it is not whole."""
    if len(slot) < _HEAD or slot[:4] != _MAGIC:
        return None
    turn, length, checksum = struct.unpack(">III", slot[4:_HEAD])
    if length > len(slot) - _HEAD:  # also where it is garbage, and no number that MicroPython can slice by
        return None
    body = slot[_HEAD : _HEAD + length]
    return (turn, body) if crc32(slot[4:12] + body) == checksum else None


def _untouched(slots: list[bytes]) -> bool:
    """Whether the first record of all (it goes into the second slot) can never have been finished: the slots hold
    nothing, as erased flash or a hole in a file, or no more than the beginning of that record."""
    begun = slots[1][: len(_MAGIC)].rstrip(_BLANK)
    return slots[0].strip(_BLANK) == b"" and _MAGIC.startswith(begun)


class Journal:
    """What a memory holds, and how to change it. `slots` are its four slots as read, b"" where nothing was written.

    JournalError where it held something once and nothing of that is whole.
    """

    def __init__(self, slots: list[bytes]) -> None:
        self._turn = 0
        self._plan_turn = 0
        self._plan = ""
        self._writing = (0, 0, "")
        self.state = None  # type: dict[str, object] | None
        states = [record for record in (unpack(slot) for slot in slots[:_PLAN]) if record is not None]
        if states:
            self._load(max(states), slots)
        elif not _untouched(slots):
            raise JournalError("nothing in this memory is whole")

    def _load(self, last: tuple[int, bytes], slots: list[bytes]) -> None:
        self._turn, body = last
        state = json.loads(body.decode())
        self._plan_turn = state.pop("plan_turn")
        plan = unpack(slots[_PLAN + self._plan_turn % 2])
        if plan is not None and plan[0] == self._plan_turn:
            self._plan = plan[1].decode()
        state["plan"] = self._plan
        self.state = state

    def writes(self, state: dict[str, object]) -> list[tuple[int, bytes]]:
        """The slots to write, in this order, so that the memory holds `state`; then say `written`.

        `state` is JSON with the plan's text in `plan`. JournalError where it has no room.
        """
        plan = str(state.get("plan", ""))
        records = []
        plan_turn = self._plan_turn
        if plan != self._plan:
            plan_turn += 1
            records.append((_PLAN + plan_turn % 2, pack(plan_turn, plan.encode())))
        rest = {name: value for name, value in state.items() if name != "plan"}
        rest["plan_turn"] = plan_turn
        self._writing = self._turn + 1, plan_turn, plan
        records.append(((self._turn + 1) % 2, pack(self._turn + 1, json.dumps(rest).encode())))
        for slot, record in records:
            if len(record) > SLOTS[slot][1]:
                raise JournalError(f"slot {slot} has room for {SLOTS[slot][1]} bytes, not for {len(record)}")
        return records

    def written(self) -> None:
        """The records of the last `writes` are safe. Where they are not, the next ones take the same slots."""
        self._turn, self._plan_turn, self._plan = self._writing
