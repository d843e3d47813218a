"""The listener: records what arrives, one transaction for each batch that is there."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

from service.domain.reports import Message, Report, Status
from service.errors import UnavailableError
from service.loops.conductor import Conductor
from service.loops.timekeeper import Timekeeper
from service.ports import Clock, Connected, Disconnected, Lamps, Store, Tx, Watch
from service.usecases.record import Recorded, record

log = logging.getLogger(__name__)

_MOST_AT_ONCE = 100
_CROWD = 8
_GATHER = timedelta(milliseconds=10)
"""After so many messages at once the next wait so long for others: a transaction costs as much as six reports."""
_RETRY = timedelta(seconds=1)

T = TypeVar("T")


class Listener:
    """Turns messages into recorded state, and tells those who wait for it."""

    def __init__(
        self, store: Store, lamps: Lamps, clock: Clock, watch: Watch, conductor: Conductor, timekeeper: Timekeeper
    ) -> None:
        """Prepare; nothing happens before `run`."""
        self._store, self._lamps, self._clock, self._watch = store, lamps, clock, watch
        self._conductor, self._timekeeper = conductor, timekeeper
        self.ignored: Counter[str] = Counter()

    async def run(self) -> None:
        """Listen until the lamps' messages end. A store that is away is waited for; nothing that came is lost."""
        if not self._lamps.connected:
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
            if len(batch) >= _CROWD:
                await self._clock.wait(until=self._clock.now() + _GATHER * self._clock.speed)

    async def _turn(self, message: Connected | Disconnected) -> None:
        if isinstance(message, Connected):
            self._timekeeper.ask()
            self._conductor.nudge_all(again=True)
        else:
            await self._forget_availability()

    async def _forget_availability(self) -> None:
        await self._write(lambda tx: tx.forget_availability())
        self._watch.ring_all()

    async def _record(self, messages: list[Message]) -> None:
        for start in range(0, len(messages), _MOST_AT_ONCE):
            await self._record_batch(messages[start : start + _MOST_AT_ONCE])

    async def _record_batch(self, messages: list[Message]) -> None:
        now, speed = self._clock.now(), self._clock.speed
        try:
            done = await self._write(partial(record, messages=messages, now=now, speed=speed))
        except Exception as error:  # noqa: BLE001 - counted and logged; a message that breaks us must not stop the rest
            if len(messages) > 1:  # one of them is at fault, the others must not pay for it
                for message in messages:
                    await self._record_batch([message])
                return
            self._ignore(f"unrecordable {type(error).__name__}", error)
            return
        self._tell(messages, done)

    async def _write(self, work: Callable[[Tx], T]) -> T:
        said = False
        while True:
            try:
                return await self._store.write(work)
            except UnavailableError as error:
                if not said:
                    log.warning("What controllers say waits for the store: %s", error)
                said = True
            await self._clock.wait(until=self._clock.now() + _RETRY * self._clock.speed)

    def _tell(self, messages: list[Message], done: Recorded) -> None:
        if done.changed and any(isinstance(message, Status) and message.online for message in messages):
            self._timekeeper.ask()
        for message in messages:
            if isinstance(message, Report):
                self._conductor.answered(message.controller, message.desired_n)
        if done.pressed:
            self._conductor.nudge(done.pressed, answer=done.waiting)
        if done.behind:
            self._conductor.nudge_all()
        changed: dict[str, set[str]] = defaultdict(set)
        for zone in done.changed:
            changed[zone.municipality].add(zone.zone)
        for municipality, zones in changed.items():
            self._watch.ring(municipality, zones)
        for kind, count in done.dropped.items():
            self._ignore(kind, count=count)

    def _ignore(self, kind: str, error: Exception | None = None, count: int = 1) -> None:
        if kind not in self.ignored:
            log.warning("Ignored a message: %s. Further ones of this kind are only counted.", kind, exc_info=error)
        self.ignored[kind] += count
