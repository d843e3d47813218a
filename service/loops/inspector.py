"""The inspector: looks every half minute at what is known, and finds what is broken.

It judges on a snapshot beside everything else, and writes only where something changed.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from service.domain.inventory import Municipality
from service.errors import UnavailableError
from service.ports import STAFF, Clock, Lamps, Store, Watch
from service.usecases.inspection import Inspected, after_absence, apply, judge, next_moment

EVERY = timedelta(seconds=30)
"""Real time from one look to the next, at least."""

REST = 20
"""And at least so many times what a look took: however large the municipalities, presses come first."""

log = logging.getLogger(__name__)


class Inspector:
    """Finds faults. `nudge` asks for a look now; `alert` is called where alerts were raised."""

    def __init__(self, store: Store, lamps: Lamps, clock: Clock, watch: Watch, alert: Callable[[], None]) -> None:
        """Prepare; nothing happens before `run`."""
        self._store, self._lamps, self._clock, self._watch, self._alert = store, lamps, clock, watch, alert
        self._nudged = asyncio.Event()
        self._gone_since: datetime | None = None
        self._was_away = False

    def nudge(self) -> None:
        """Look now."""
        self._nudged.set()

    async def run(self) -> None:
        """Inspect until cancelled."""
        await self._return()
        while True:
            self._nudged.clear()
            await self._clock.wait(self._nudged, until=await self._look(self._clock.now()))

    async def _look(self, now: datetime) -> datetime:
        """Inspect everything once; returns when to look again. What breaks in one municipality stops no other."""
        began = self._clock.machine_ms()
        self._gone_since = None if self._lamps.connected else self._gone_since or now
        await self._store.write(lambda tx: tx.keep_alive(now))
        for home in await self._store.read(lambda tx: tx.municipalities()):
            try:
                await self._inspect(home)
            except UnavailableError:
                raise
            except Exception:
                log.exception("The inspection of %s broke", home.id)
        due = await self._store.read(lambda tx: next_moment(tx, now))
        took = timedelta(milliseconds=max(0, self._clock.machine_ms() - began))
        round_ends = now + max(EVERY, REST * took) * self._clock.speed
        return round_ends if due is None else min(due, round_ends)

    async def _return(self) -> None:
        """Once per start: say for how long nobody looked."""
        if self._was_away:
            return
        now, speed = self._clock.now(), self._clock.speed
        seen = await self._store.read(lambda tx: tx.seen_alive())
        for home in await self._store.read(lambda tx: tx.municipalities()) if seen is not None else []:
            look = partial(after_absence, home=home, since=min(seen or now, now), now=now, speed=speed)
            self._tell(home, await self._store.write(look))
        self._was_away = True

    async def _inspect(self, home: Municipality) -> None:
        now, speed = self._clock.now(), self._clock.speed
        gone = self._gone_since
        judged = await self._store.read(lambda tx: judge(tx, home, gone, now, speed))
        if judged.news:
            self._tell(home, await self._store.write(lambda tx: apply(tx, home, judged, now, speed)))

    def _tell(self, home: Municipality, done: Inspected) -> None:
        if done.changed:
            self._watch.ring(home.id, [STAFF])
        if done.alerts:
            self._alert()
