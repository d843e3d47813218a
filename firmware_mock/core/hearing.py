"""Which time messages the pole believes, by their `seq`: the service machine's own milliseconds."""

DAY = 86400000
LEAP = DAY
"""How far `seq` may run ahead of the pole's own monotonic counter, in milliseconds."""
FIRST_LEAP = 400 * DAY
"""How far it may lie ahead of the last one believed before power-off: nobody knows how long that was."""
AGREES_AFTER = 15000
"""A message that leaps further is believed once another that goes on from it came at least so much later (ms)."""
_LATE = 5000


class Hearing:
    """Remembers the last `seq` believed. One message from nowhere can neither set the clock nor deafen the pole:
    without this, a forged one from the far future would make every later one look old."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._mono = None  # type: int | None
        self._doubt = None  # type: tuple[int, int] | None

    def believes(self, seq: int, mono_ms: int) -> bool:
        """Whether a message is newer than the last, and not from a time that cannot have come yet."""
        if seq <= self.seq:
            return False
        if self._mono is None:
            if not self.seq or seq - self.seq <= FIRST_LEAP:
                return True
        elif seq - self.seq <= LEAP + mono_ms - self._mono:
            return True
        return self._agrees(seq, mono_ms, AGREES_AFTER)

    def _agrees(self, seq: int, mono_ms: int, after: int) -> bool:
        """Whether a message goes on from the doubtful one, at least `after` milliseconds later."""
        if self._doubt is None:
            return False
        passed = mono_ms - self._doubt[1]
        return passed >= after and abs(seq - self._doubt[0] - passed) <= _LATE + passed // 100

    def heard(self, seq: int, mono_ms: int) -> bool:
        """Remember a message; answers whether it is believed."""
        if self.believes(seq, mono_ms):
            self.seq = seq
            self._mono = mono_ms
            self._doubt = None
            return True
        if seq > self.seq and not self._agrees(seq, mono_ms, 0):
            self._doubt = (seq, mono_ms)
        return False
