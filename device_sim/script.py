"""Plays happenings at their moments by the village's clock."""

from collections.abc import Callable, Iterator

from device_sim.happenings import Happening
from firmware_mock.core.clock import PoleClock
from firmware_mock.timing import Timer, Timing

_JUMP_MS = 2000
"""A clock that moves forward by less was not moved on purpose."""
_LONGEST_WAIT_MS = 3_600_000


class Script:
    """Hands each happening to `play` when its moment has come, all of one moment together, in their order.

    The village's clock counts from the start, at the speed of the demo where there is one. What a demo skips counts,
    too: happenings in there come one after the other at its end.
    """

    def __init__(self, happenings: Iterator[Happening], play: Callable[[Happening], None], timing: Timing) -> None:
        self._happenings = happenings
        self._play = play
        self._timing = timing
        self._clock = PoleClock(timing.mono_ms())
        self._next: Happening | None = None
        self._timer: Timer | None = None

    @property
    def now_ms(self) -> int:
        """Milliseconds of the village's time since the start."""
        return self._clock.run(self._timing.mono_ms())

    def start(self) -> None:
        """Begin now."""
        self._clock = PoleClock(self._timing.mono_ms())
        self._next = next(self._happenings, None)
        self._go_on()

    def stop(self) -> None:
        """Play nothing more."""
        self._next = None
        self._go_on()

    def heard(self, at: int, speed: float) -> None:
        """A controller heard that it is `at` (ms since 1970), going on at `speed`."""
        mono_ms = self._timing.mono_ms()
        ahead = at - self._clock.now(mono_ms) if self._clock.valid else 0
        if ahead > _JUMP_MS * max(1, speed):
            self._clock.skip(ahead)
        elif self._clock.valid and speed == self._clock.speed:
            return
        self._clock.set(at, speed, mono_ms)
        self._go_on()

    def _go_on(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._next is not None and self._next.at_ms <= self.now_ms:
            happening, self._next = self._next, next(self._happenings, None)
            self._play(happening)
        if self._next is not None:
            wait = self._clock.wait_for(self._next.at_ms - self.now_ms)
            self._timer = self._timing.call_later(min(wait, _LONGEST_WAIT_MS), self._go_on)
