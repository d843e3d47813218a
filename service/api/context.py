"""What the routers need; made once by the app."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from service.api.views import Views
from service.domain.inventory import ZoneKey
from service.ports import Clock, Lamps, Store, Watch


@dataclass(slots=True)
class Streams:
    """How many event streams are open."""

    count: int = 0


@dataclass(frozen=True, slots=True)
class Context:
    """The parts behind the routes.

    `nudge` wakes the conductor for zones; `alive` tells whether the loops run; `stopping` is set when open
    streams must end.
    """

    store: Store
    lamps: Lamps
    clock: Clock
    watch: Watch
    views: Views
    streams: Streams
    nudge: Callable[[tuple[ZoneKey, ...]], None]
    alive: Callable[[], bool]
    stopping: asyncio.Event
    staff_token: str
