"""What the routers need; made once by the app."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from service.api.views import Views
from service.domain.inventory import ZoneKey
from service.ports import Clock, Lamps, Store, Watch
from service.usecases.simulating import Prepared
from service.usecases.simulation_report import Job


@dataclass(slots=True)
class Streams:
    """How many event streams are open."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """The parts behind the routes.

    `nudge` wakes the conductor for zones, `rules_changed` wakes everybody for everything, `rules_changed_in` for
    a municipality; `alive` tells whether the loops run; `stopping` is set when open streams must end.
    `begin_simulation` queues a simulation, `simulation` finds one of a municipality by its id. Presses older than
    `keep_presses` are gone, and what tells their time is coarse where it is older than `keep_exact`.
    """

    store: Store
    lamps: Lamps
    clock: Clock
    watch: Watch
    views: Views
    streams: Streams
    nudge: Callable[[tuple[ZoneKey, ...]], None]
    rules_changed: Callable[[], None]
    rules_changed_in: Callable[[str], None]
    alive: Callable[[], bool]
    stopping: asyncio.Event
    staff_token: str
    begin_simulation: Callable[[Prepared], Job]
    simulation: Callable[[str, str], Job | None]
    keep_presses: timedelta
    keep_exact: timedelta
