"""A technician's live watch as server-sent events: everything at first, then what changed."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from service.api.context import Context
from service.api.events import KEEP_ALIVE, MOST_STREAMS
from service.api.technician_bodies import ControllerNow, WatchAnswer, controller_body, fault_body, lock_body
from service.domain.lights import FRESH_FOR
from service.errors import UnavailableError
from service.ports import Tx
from service.usecases.maintenance import recent_locks
from service.usecases.technician import STANDING, FaultFilter, list_faults, look_at_controllers

_APART = timedelta(seconds=0.5)
"""Changes that come closer together are told at once."""


class TechnicianWatch:
    """One stream: `open`, then `run`. It looks again at every change and when a silence becomes too long."""

    def __init__(self, context: Context, municipality: str) -> None:
        """Watch a municipality."""
        self._context, self._municipality = context, municipality
        self._shown: dict[str, ControllerNow] = {}
        self._rest = ""
        self._first: WatchAnswer | None = None

    async def open(self) -> None:
        """Look for the first time. UnknownError for a municipality that does not exist, UnavailableError when full."""
        if self._context.streams.count >= MOST_STREAMS:
            raise UnavailableError("Too many pages are open at once. This one asks again by itself.")
        self._first = await self._look()

    async def _look(self) -> WatchAnswer:
        now, speed = self._context.clock.now(), self._context.clock.speed
        return await self._context.store.read(lambda tx: self._answer(tx, now, speed))

    def _answer(self, tx: Tx, now: datetime, speed: float) -> WatchAnswer:
        views = look_at_controllers(tx, self._municipality, now, speed)
        faults = list_faults(tx, self._municipality, FaultFilter(STANDING))
        locks = [lock for lock in recent_locks(tx, self._municipality, now) if lock.ends > now]
        return WatchAnswer(
            controllers=[controller_body(view) for view in views],
            faults=[fault_body(fault) for fault in faults],
            locks=[lock_body(lock) for lock in locks],
            now=now,
            speed=speed,
        )

    async def run(self) -> AsyncIterator[str]:
        """The stream's text."""
        context, clock = self._context, self._context.clock
        rung = context.watch.listen()
        context.streams.count += 1
        try:
            version = context.watch.version(self._municipality)
            seen = self._first or await self._look()
            self._news(seen)
            yield _event("snapshot", seen)
            while not context.stopping.is_set():
                rung.clear()
                if context.watch.version(self._municipality) == version:
                    if not await clock.wait(rung, context.stopping, until=clock.now() + KEEP_ALIVE * clock.speed):
                        yield ": keep-alive\n\n"
                    elif context.watch.version(self._municipality) == version:
                        continue
                version = context.watch.version(self._municipality)
                if (news := self._news(await self._look())) is not None:
                    yield _event("changes", news)
                await clock.wait(context.stopping, until=clock.now() + _APART * clock.speed)
        finally:
            context.streams.count -= 1
            context.watch.ignore(rung)

    def _news(self, seen: WatchAnswer) -> WatchAnswer | None:
        """What differs from what was shown; None where nothing does. A heartbeat alone is no news."""
        differ = [one for one in seen.controllers if _differs(self._shown.get(one.id), one)]
        rest = "".join(part.model_dump_json() for part in (*seen.faults, *seen.locks))
        if not differ and rest == self._rest:
            return None
        self._shown.update({one.id: one for one in differ})
        self._rest = rest
        return seen.model_copy(update={"controllers": differ})


def _differs(before: ControllerNow | None, after: ControllerNow) -> bool:
    if before is None:
        return True
    if before.heard_at is not None and after.heard_at is not None and after.heard_at - before.heard_at > FRESH_FOR / 2:
        return True
    return _told(before) != _told(after)


def _told(one: ControllerNow) -> str:
    """Everything but what every heartbeat moves."""
    bare = one.model_copy(
        update={
            "heard_at": None,
            "outputs": [output.model_copy(update={"confirmed_at": None}) for output in one.outputs],
            "meters": [meter.model_copy(update={"at": None, "wh_total": None, "volts": None}) for meter in one.meters],
        }
    )
    return bare.model_dump_json()


def _event(name: str, answer: WatchAnswer) -> str:
    return f"event: {name}\ndata: {answer.model_dump_json()}\n\n"
