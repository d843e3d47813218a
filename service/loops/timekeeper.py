"""The timekeeper: tells the controllers what time it is."""

import asyncio
from datetime import timedelta

from service.ports import Clock, Lamps

EVERY = timedelta(seconds=10)


class Timekeeper:
    """Publishes the time every 10 real seconds, and at once after a nudge: a birth, or a clock that was moved."""

    def __init__(self, lamps: Lamps, clock: Clock) -> None:
        """Prepare; nothing happens before `run`."""
        self._lamps, self._clock = lamps, clock
        self._nudged = asyncio.Event()
        self._seq = 0

    def nudge(self) -> None:
        """Tell the time now."""
        self._nudged.set()

    async def run(self) -> None:
        """Keep the time until cancelled."""
        while True:
            self._nudged.clear()
            self._seq = max(self._seq + 1, self._clock.machine_ms())
            await self._lamps.time(self._clock.now(), self._clock.speed, self._seq)
            await self._clock.wait(self._nudged, until=self._clock.now() + EVERY * self._clock.speed)
