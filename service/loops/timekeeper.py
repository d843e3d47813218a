"""The timekeeper: tells the controllers what time it is."""

import asyncio
from datetime import timedelta

from service.ports import Clock, Lamps

EVERY = timedelta(seconds=10)
APART = timedelta(seconds=0.5)
"""Births that come closer together share one broadcast."""


class Timekeeper:
    """Publishes the time every 10 real seconds, within a second of a birth, and at once when the clock was moved."""

    def __init__(self, lamps: Lamps, clock: Clock) -> None:
        """Prepare; nothing happens before `run`."""
        self._lamps, self._clock = lamps, clock
        self._asked = asyncio.Event()
        self._moved = asyncio.Event()
        self._seq = 0

    def ask(self) -> None:
        """Somebody wants to know the time."""
        self._asked.set()

    def moved(self) -> None:
        """The clock was moved."""
        self._moved.set()

    async def run(self) -> None:
        """Keep the time until cancelled."""
        while True:
            self._asked.clear()
            self._moved.clear()
            self._seq = max(self._seq + 1, self._clock.machine_ms())
            now, speed = self._clock.now(), self._clock.speed
            await self._lamps.time(now, speed, self._seq)
            await self._clock.wait(self._moved, until=now + APART * speed)
            await self._clock.wait(self._asked, self._moved, until=now + EVERY * speed)
