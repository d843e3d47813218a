"""What open pages see of zones, looked up once for all who want to see the same."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.ports import Clock, Lamps, Store, Watch
from service.usecases.look import ZoneView, look_at_zones

FRESH_FOR = timedelta(seconds=1)
_MOST_KEPT = 500

Key = tuple[str, tuple[str, ...] | None]


@dataclass(frozen=True, slots=True)
class _Look:
    at: datetime
    version: int
    connected: bool
    views: "asyncio.Task[list[ZoneView]]"


class Views:
    """Zones as they are now; looks of the same zones at the same state and second are shared."""

    def __init__(self, store: Store, clock: Clock, lamps: Lamps, watch: Watch) -> None:
        """Begin with nothing looked at."""
        self._store, self._clock, self._lamps, self._watch = store, clock, lamps, watch
        self._looks: dict[Key, _Look] = {}

    async def of(self, municipality: str, zones: Iterable[str] | None) -> list[ZoneView]:
        """The named zones, or all listed ones. UnknownError names what does not exist."""
        key = (municipality, None if zones is None else tuple(dict.fromkeys(zones)))
        now, version = self._clock.now(), self._watch.version(*key)
        look = self._looks.get(key)
        if look is None or not self._still_true(look, now, version):
            if len(self._looks) >= _MOST_KEPT:
                self._looks.clear()
            task = asyncio.ensure_future(self._look(key, now))
            look = self._looks[key] = _Look(now, version, self._lamps.connected, task)
        return await asyncio.shield(look.views)

    def _still_true(self, look: _Look, now: datetime, version: int) -> bool:
        if (look.version, look.connected) != (version, self._lamps.connected):
            return False
        if not look.views.done():
            return True
        if look.views.cancelled() or look.views.exception() is not None:
            return False
        again = min((view.look_again for view in look.views.result()), default=now)
        return look.at <= now < min(again, look.at + FRESH_FOR * self._clock.speed)

    async def _look(self, key: Key, now: datetime) -> list[ZoneView]:
        speed, connected = self._clock.speed, self._lamps.connected
        return await self._store.read(lambda tx: look_at_zones(tx, *key, now, speed, connected))
