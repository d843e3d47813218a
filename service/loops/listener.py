"""The listener: records what arrives, one transaction for each batch that is there."""

import logging
from collections import Counter, defaultdict
from functools import partial

from service.domain.reports import Message, Status
from service.loops.conductor import Conductor
from service.loops.timekeeper import Timekeeper
from service.ports import Clock, Connected, Disconnected, Lamps, Store, Watch
from service.usecases.record import Recorded, record

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 200


class Listener:
    """Turns messages into recorded state, and tells those who wait for it."""

    def __init__(
        self, store: Store, lamps: Lamps, clock: Clock, watch: Watch, conductor: Conductor, timekeeper: Timekeeper
    ) -> None:
        """Prepare; nothing happens before `run`."""
        self._store, self._lamps, self._clock, self._watch = store, lamps, clock, watch
        self._conductor, self._timekeeper = conductor, timekeeper
        self._ignored: Counter[str] = Counter()

    async def run(self) -> None:
        """Listen until the lamps' messages end."""
        await self._forget_availability()
        async for batch in self._lamps.messages():
            waiting: list[Message] = []
            for message in batch:
                if isinstance(message, Connected | Disconnected):
                    await self._record(waiting)
                    waiting = []
                    await self._turn(message)
                else:
                    waiting.append(message)
            await self._record(waiting)

    async def _turn(self, message: Connected | Disconnected) -> None:
        if isinstance(message, Connected):
            self._timekeeper.nudge()
            self._conductor.nudge_all(again=True)
        else:
            await self._forget_availability()

    async def _forget_availability(self) -> None:
        await self._store.write(lambda tx: tx.forget_availability())
        self._watch.ring_all()

    async def _record(self, messages: list[Message]) -> None:
        for start in range(0, len(messages), _MOST_AT_ONCE):
            part = messages[start : start + _MOST_AT_ONCE]
            now, speed = self._clock.now(), self._clock.speed
            done = await self._store.write(partial(record, messages=part, now=now, speed=speed))
            self._tell(part, done)

    def _tell(self, messages: list[Message], done: Recorded) -> None:
        if any(isinstance(message, Status) and message.online for message in messages):
            self._timekeeper.nudge()
        if done.behind:
            self._conductor.nudge_all()
        changed: dict[str, set[str]] = defaultdict(set)
        for zone in done.changed:
            changed[zone.municipality].add(zone.zone)
        for municipality, zones in changed.items():
            self._watch.ring(municipality, zones)
        for kind, count in done.dropped.items():
            if kind not in self._ignored:
                log.warning("Ignored a message: %s. Further ones of this kind are only counted.", kind)
            self._ignored[kind] += count
