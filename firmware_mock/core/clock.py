"""The pole's clock: a moment heard, carried on by a monotonic counter at the speed that came with it."""


class PoleClock:
    """Unset until a time message was heard; never steps back by less than `JITTER` times the speed.

    `run` counts the pole's own time since power-on, also while the clock is unset, and never steps back.
    """

    JITTER = 2000
    """Milliseconds by which a time message may come late: the clock then stands until it is caught up with."""

    def __init__(self, mono_ms: int) -> None:
        self.valid = False
        self.speed = 1  # type: int | float
        self._mono = mono_ms
        self._run = 0
        self._at = 0
        self._shown = 0

    def run(self, mono_ms: int) -> int:
        """Milliseconds of the pole's time since power-on."""
        return self._run + self._passed(mono_ms)

    def now(self, mono_ms: int) -> int:
        """The present moment; meaningless while not `valid`."""
        self._shown = max(self._shown, self._at + self._passed(mono_ms))
        return self._shown

    def set(self, at: int, speed: int | float, mono_ms: int) -> bool:
        """Go on from `at` at `speed`; True where the clock was unset before, moved by more than the jitter, or runs
        at another speed: then the last report's age means something else, and a new one is due."""
        self._run = self.run(mono_ms)
        shown = self.now(mono_ms)
        jumped = not self.valid or abs(at - shown) > self.JITTER * max(speed, 1)
        other_speed = speed != self.speed
        self._shown = at if jumped else max(shown, at)
        self._at = at
        self._mono = mono_ms
        self.speed = speed
        self.valid = True
        return jumped or other_speed

    def skip(self, ms: int) -> None:
        """Let `ms` of the pole's time pass at once."""
        self._at += ms
        self._run += ms

    def wait_for(self, ms: int) -> int:
        """Real milliseconds until `ms` of the pole's time have passed."""
        return max(1, -int(-ms // self.speed))

    def _passed(self, mono_ms: int) -> int:
        return int(max(0, mono_ms - self._mono) * self.speed)
