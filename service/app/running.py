"""The running parts behind one app: loops, lamps and store, started and stopped together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from service.domain.words import AlertChannel
from service.errors import UnavailableError
from service.loops.alerter import Alerter
from service.loops.conductor import Conductor
from service.loops.housekeeping import Housekeeping
from service.loops.inspector import Inspector
from service.loops.listener import Listener
from service.loops.simulator import Simulator
from service.loops.timekeeper import Timekeeper
from service.loops.watch import LocalWatch
from service.ports import Clock, Lamps, Notify, Store
from service.wire.lamps import MqttLamps

log = logging.getLogger(__name__)

_RESTART = timedelta(seconds=1)


class Service:
    """The running parts behind one app: started and stopped by its lifespan."""

    def __init__(
        self,
        clock: Clock,
        store: Store,
        lamps: Lamps,
        *,
        keep_presses: timedelta,
        exact_nights: int,
        clock_file: Path | None,
        ways: Mapping[AlertChannel, Notify],
    ) -> None:
        """Connect the parts; nothing runs yet. Older presses than `keep_presses` are deleted, those older than
        `exact_nights` nights coarse; `clock_file` is where the demo notes its time; `ways` are those on which alerts go
        out."""
        self.clock, self.store, self.lamps = clock, store, lamps
        self.watch = LocalWatch()
        self.conductor = Conductor(store, lamps, clock, self.watch)
        self.timekeeper = Timekeeper(lamps, clock)
        self.listener = Listener(store, lamps, clock, self.watch, self.conductor, self.timekeeper)
        self.housekeeping = Housekeeping(store, clock, keep_presses, exact_nights)
        self.alerter = Alerter(store, clock, ways)
        self.inspector = Inspector(store, lamps, clock, self.watch, self.alerter.nudge)
        self.simulator = Simulator()
        self.stopping = asyncio.Event()
        self._clock_file = clock_file
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def alive(self) -> bool:
        """Whether the loops run and the conductor gets its rounds done."""
        return bool(self._tasks) and self.conductor.well and not any(task.done() for task in self._tasks.values())

    def moved(self) -> None:
        """Tell everybody that the clock was moved."""
        self.timekeeper.moved()
        self.inspector.nudge()
        self.alerter.nudge()
        self.rules_changed()

    def rules_changed(self) -> None:
        """Tell everybody that everything may be different now."""
        self.conductor.nudge_all()
        self.watch.ring_all()

    def rules_changed_in(self, municipality: str) -> None:
        """Tell everybody that everything in a municipality may be different now."""
        self.conductor.nudge_home(municipality)
        self.inspector.nudge()
        self.watch.ring_all()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loops for as long as the context lasts."""
        loops: dict[str, Callable[[], Awaitable[None]]] = {
            "listener": self.listener.run,
            "conductor": self.conductor.run,
            "timekeeper": self.timekeeper.run,
            "inspector": self.inspector.run,
            "alerter": self.alerter.run,
        }
        if isinstance(self.lamps, MqttLamps):
            loops["lamps"] = self.lamps.run
        if self._clock_file is not None:
            loops["clock"] = self._note_clock
        self._tasks = {name: asyncio.create_task(self._keep(name, loop)) for name, loop in loops.items()}
        self.housekeeping.start()
        try:
            yield
        finally:
            self.stopping.set()
            self.housekeeping.stop()
            await self.simulator.close()
            await _end(self._tasks.values())
            if self._clock_file is not None:
                _write_clock(self._clock_file, self.clock.now())
            await self.lamps.close()
            await self.store.close()

    async def _keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop; one that breaks is logged and starts again. Each derives anew what it was about to do."""
        while not self.stopping.is_set():
            try:
                await loop()
            except UnavailableError as error:
                log.warning("The %s waits for the store: %s", name, error)
            except Exception:
                log.exception("The %s broke; starting it again", name)
            await self.clock.wait(self.stopping, until=self.clock.now() + _RESTART * self.clock.speed)

    async def _note_clock(self) -> None:
        """Note a moment that the clock will not have passed by the next note, so that no kill turns it back."""
        while self._clock_file is not None and not self.stopping.is_set():
            _write_clock(self._clock_file, self.clock.now() + 2 * _RESTART * self.clock.speed)
            await self.clock.wait(self.stopping, until=self.clock.now() + _RESTART * self.clock.speed)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until all have ended: Python 3.11's wait_for loses a cancellation that comes with its result."""
    tasks = set(tasks)
    pending = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)
    await asyncio.gather(*tasks, return_exceptions=True)


def _write_clock(path: Path, now: datetime) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(now.isoformat(), "ascii")
    beside.replace(path)
