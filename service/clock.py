"""The clocks: the machine's, and the demo's, which starts at a chosen moment and may run faster."""

import asyncio
import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's own clock, or one that stands `offset` apart from it and runs `speed` times as fast.

    Moves forward only.
    """

    def __init__(self, start: datetime | None = None, speed: float = 1.0) -> None:
        """Begin at `start` (None: the machine's time) and run at `speed`."""
        self._speed = speed
        self._shifted = start is not None or speed != 1.0
        self._base = (start or datetime.now(UTC)).astimezone(UTC)
        self._base_monotonic = time.monotonic()
        self._moved = asyncio.Event()

    @property
    def speed(self) -> float:
        """Seconds of this clock per real second."""
        return self._speed

    def now(self) -> datetime:
        """The present moment, UTC, to the millisecond: what the wire can say."""
        moment = datetime.now(UTC)
        if self._shifted:
            moment = self._base + timedelta(seconds=(time.monotonic() - self._base_monotonic) * self._speed)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def machine_ms(self) -> int:
        """The machine's own UTC time in milliseconds."""
        return time.time_ns() // 1_000_000

    def move(self, *, forward: timedelta | None = None, speed: float | None = None) -> None:
        """Jump forward or change the speed; everybody who waits looks at the time again. For the demo."""
        if forward is not None and forward < timedelta():
            raise ValueError("forward: the clock moves forward only")
        self._base = self.now() + (forward or timedelta())
        self._base_monotonic = time.monotonic()
        self._speed = speed or self._speed
        self._shifted = True
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, *events: asyncio.Event, until: datetime | None = None) -> bool:
        """Wait until one of `events` is set (True) or `until` has come (False), whichever is first."""
        while not any(event.is_set() for event in events):
            moved = self._moved
            seconds = None if until is None else (until - self.now()).total_seconds() / self._speed
            if seconds is not None and seconds <= 0:
                return False
            waiters = [asyncio.ensure_future(event.wait()) for event in (*events, moved)]
            try:
                await asyncio.wait(waiters, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for waiter in waiters:
                    waiter.cancel()
        return True
