"""Server-sent events: a page's zones, whole at first, then those that changed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from hashlib import blake2b
from secrets import token_bytes

from service.api.context import Context
from service.api.schemas import ZoneBody, ZonesAnswer, zone_body
from service.errors import UnavailableError

KEEP_ALIVE = timedelta(seconds=15)
MOST_STREAMS = 1000
_RUN_KEY = token_bytes(16)


class Stream:
    """One page's stream: `open`, then `run`.

    Event ids tell only whether the watched zones changed since; how often, or whether they did before, is nobody's
    business.
    """

    def __init__(self, context: Context, municipality: str, zones: list[str], language: str) -> None:
        """Watch `zones` of a municipality; none named means all that are listed."""
        self._context, self._municipality, self._language = context, municipality, language
        self._zones = zones or None
        self._shown: dict[str, ZoneBody] = {}
        self._look_again = context.clock.now()
        self._seen = 0
        self._first: list[ZoneBody] = []

    async def open(self) -> None:
        """Look for the first time. UnknownError for a zone that does not exist, UnavailableError when full."""
        if self._context.streams.count >= MOST_STREAMS:
            raise UnavailableError("Too many pages are open at once. This one asks again by itself.")
        self._seen = self._version()
        self._first = await self._look()

    async def _look(self) -> list[ZoneBody]:
        now = self._context.clock.now()
        views = await self._context.views.of(self._municipality, self._zones)
        self._look_again = min((view.look_again for view in views), default=now + KEEP_ALIVE)
        return [zone_body(view, self._language, now) for view in views]

    def _version(self) -> int:
        return self._context.watch.version(self._municipality, self._zones)

    def _epoch(self) -> int:
        return self._context.watch.version(self._municipality, ())

    def _id(self, version: int) -> str:
        text = f"{self._municipality}/{self._zones}/{version}"
        return blake2b(text.encode(), key=_RUN_KEY, digest_size=8).hexdigest()

    def _event(self, name: str, zones: list[ZoneBody], version: int) -> str:
        clock = self._context.clock
        body = ZonesAnswer(zones=zones, now=clock.now(), speed=clock.speed).model_dump_json()
        return f"id: {self._id(version)}\nevent: {name}\ndata: {body}\n\n"

    async def run(self, last_event_id: str | None) -> AsyncIterator[str]:
        """The stream's text. A page that comes back and missed nothing gets a comment instead of the snapshot."""
        context = self._context
        rung = context.watch.listen()
        context.streams.count += 1
        try:
            version, first = self._seen, self._first
            epoch = self._epoch()
            self._shown = {zone.id: zone for zone in first}
            missed_nothing = last_event_id == self._id(version)
            yield ": nothing changed\n\n" if missed_nothing else self._event("snapshot", first, version)
            while not context.stopping.is_set():
                rung.clear()
                if self._version() == version and await self._wait(rung):
                    yield ": keep-alive\n\n"
                version = self._version()
                news = self._news(await self._look())
                if news or epoch != self._epoch():  # a clock that was moved is news by itself
                    epoch = self._epoch()
                    yield self._event("zones", news, version)
        finally:
            context.streams.count -= 1
            context.watch.ignore(rung)

    async def _wait(self, rung: asyncio.Event) -> bool:
        """Wait for a change, or for the moment at which time alone changes the view; True when nothing came."""
        clock = self._context.clock
        keep_alive: datetime = clock.now() + KEEP_ALIVE * clock.speed
        return not await clock.wait(rung, self._context.stopping, until=min(keep_alive, self._look_again))

    def _news(self, zones: list[ZoneBody]) -> list[ZoneBody]:
        news = [zone for zone in zones if self._shown.get(zone.id) != zone]
        self._shown.update({zone.id: zone for zone in news})
        return news
