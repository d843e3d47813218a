"""The conductor: the only one who publishes orders and plans.

It recomputes them from stored state and publishes what differs from the last ones recorded, so a crash at any
moment heals by planning again. It sleeps until a nudge, the next noon or the next deadline, and polls nothing.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from service.domain.inventory import ControllerKey, Municipality, ZoneKey
from service.loops.flights import Flights
from service.ports import Clock, Lamps, Store, Watch
from service.usecases.conduct import Conducted, conduct, conduct_zones, next_noon

log = logging.getLogger(__name__)

_RETRY = timedelta(seconds=5)
_ANSWER = timedelta(seconds=1)
"""How long a longer order of a zone waits for the controllers to answer the last one."""

_LONGEST_ROUND_MS = 15_000


class Conductor:
    """Derives and publishes. `nudge` asks for zones, `nudge_all` for everything; both return at once."""

    def __init__(self, store: Store, lamps: Lamps, clock: Clock, watch: Watch) -> None:
        """Prepare; nothing happens before `run`."""
        self._store, self._lamps, self._clock, self._watch = store, lamps, clock, watch
        self._nudged = asyncio.Event()
        self._zones: dict[str, set[ZoneKey]] = defaultdict(set)
        self._homes: set[str] = set()
        self._answers: set[ControllerKey] = set()
        self._everything = True
        self._again = False
        self._flights = Flights()
        self._look_again: dict[str, datetime] = {}
        self._noon: dict[str, datetime] = {}
        self._began: int | None = 1  # long ago: not well before the first round has ended

    def nudge(self, zones: Iterable[ZoneKey], *, answer: Iterable[ControllerKey] = ()) -> None:
        """Look at the outputs of these zones now; controllers in them that wait for an `answer` get one."""
        for zone in zones:
            self._zones[zone.municipality].add(zone)
        self._answers.update(answer)
        self._nudged.set()

    def nudge_home(self, municipality: str) -> None:
        """Look at all of a municipality now: unlike presses, nothing waits for the answer to the last order."""
        self._homes.add(municipality)
        self._nudged.set()

    def nudge_all(self, *, again: bool = False) -> None:
        """Look at everything; with `again`, publish unchanged orders and plans too."""
        self._everything = True
        self._again = self._again or again
        self._nudged.set()

    def answered(self, controller: ControllerKey, desired_n: int) -> None:
        """A controller said which order it follows."""
        if self._flights.arrive(controller, desired_n) and self._zones:
            self._nudged.set()

    @property
    def well(self) -> bool:
        """Whether the last round ended well, or a first one began no longer ago than a round may take."""
        return self._began is None or self._clock.machine_ms() - self._began < _LONGEST_ROUND_MS

    async def run(self) -> None:
        """Conduct until cancelled. What an error interrupted is done by the next run, which looks at everything."""
        self._everything = self._again = True
        while True:
            self._nudged.clear()
            self._began = self._began or self._clock.machine_ms()
            if self._everything:
                await self._conduct_all()
            else:
                await self._conduct_some()
            self._began = None
            held = self._flights.next_end(zone for zones in self._zones.values() for zone in zones)
            moments = [*self._look_again.values(), *self._noon.values(), *([held] if held else [])]
            until = min(moments, default=None)
            await self._clock.wait(self._nudged, until=until)

    async def _conduct_all(self) -> None:
        again, self._everything, self._again = self._again, False, False
        self._zones.clear()
        self._homes.clear()
        self._flights.forget()
        for municipality in await self._store.read(lambda tx: tx.municipalities()):
            await self._conduct_municipality(municipality, again=again)

    async def _conduct_municipality(self, municipality: Municipality, *, again: bool) -> None:
        now, speed = self._clock.now(), self._clock.speed
        self._noon[municipality.id] = next_noon(municipality, now)
        answer = self._answers_in(municipality.id)
        done = await self._store.write(lambda tx: conduct(tx, municipality.id, now, speed, again=again, answer=answer))
        self._answers -= answer
        await self._publish(municipality.id, done)

    async def _conduct_some(self) -> None:
        nudged, self._zones = self._zones, defaultdict(set)
        now, speed = self._clock.now(), self._clock.speed
        for municipality, zones in nudged.items():
            away = self._flights.away(zones, now)
            if away:  # all of them again later: a lease is handled with all the zones that it lights
                self._zones[municipality] |= zones
            free = frozenset(zones - away)
            if not free:
                continue
            answer = self._answers_in(municipality)
            look = partial(conduct_zones, municipality=municipality, zones=free, now=now, speed=speed, answer=answer)
            done = await self._store.write(look)
            self._answers -= {order.controller for order in done.orders}
            orders = ((order.controller, order.desired_n) for order in done.orders)
            self._flights.depart(free, orders, now + _ANSWER * speed)
            await self._publish(municipality, done)
        due = {m for moments in (self._look_again, self._noon) for m, at in moments.items() if at <= now} | self._homes
        self._homes.clear()
        if due:
            for home in await self._store.read(lambda tx: tx.municipalities()):
                if home.id in due:
                    await self._conduct_municipality(home, again=False)

    def _answers_in(self, municipality: str) -> frozenset[ControllerKey]:
        """The controllers of a municipality that wait for an answer."""
        return frozenset(controller for controller in self._answers if controller.municipality == municipality)

    async def _publish(self, municipality: str, done: Conducted) -> None:
        at = self._clock.now()
        taking = asyncio.gather(
            *(self._lamps.order(order.controller, order.desired_n, at, order.orders) for order in done.orders),
            *(self._lamps.plan(plan.controller, plan.plan_n, at, plan.plan) for plan in done.plans),
        )
        if done.changed:  # after the orders are on their way: pages look while they travel
            self._watch.ring(municipality, {zone.zone for zone in done.changed})
        taken = await taking
        self._look_again.pop(municipality, None)
        if done.look_again is not None:
            self._look_again[municipality] = done.look_again
        if not all(taken) and self._lamps.connected:
            log.warning("The broker did not take %d of %d messages; publishing again", taken.count(False), len(taken))
            self._everything = self._again = True
            self._look_again[municipality] = at + _RETRY * self._clock.speed
