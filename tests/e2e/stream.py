"""A reader of server-sent events, as a page is one."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.waiting import WITHIN

Json = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """One event: its id, its name and its data."""

    id: str
    name: str
    data: Json


class Stream:
    """What a stream has said so far, and a wait for more."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.events: list[Event] = []
        self.comments: list[str] = []
        self.zones: dict[str, Json] = {}
        self.ended = False
        self._news = asyncio.Event()

    async def read(self, response: httpx.Response) -> None:
        """Read until the stream ends."""
        fields: dict[str, str] = {}
        with contextlib.suppress(httpx.HTTPError):  # the service was killed: the stream ends there
            async for line in response.aiter_lines():
                if line.startswith(":"):
                    self.comments.append(line[1:].strip())
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields:
                    self._take(Event(fields.get("id", ""), fields["event"], json.loads(fields["data"])))
                    fields = {}
                self._news.set()
        self.ended = True
        self._news.set()

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self.zones.update({zone["id"]: zone for zone in event.data.get("zones", ())})

    async def zone(self, zone: str, right: Callable[[Json], object], within: float = WITHIN) -> Json:
        """Wait until the stream's last word on a zone is right, and return it."""
        await self.until(lambda: zone in self.zones and right(self.zones[zone]), f"{zone} on the stream", within)
        return self.zones[zone]

    async def until(self, so: Callable[[], object], what: str, within: float = WITHIN) -> None:
        """Wait until something is so; looked at after each word from the stream."""
        try:
            async with asyncio.timeout(within):
                while not so():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            last = [(event.name, event.data) for event in self.events[-2:]]
            raise AssertionError(f"{what}: not so within {within:g} s; seen last: {last!r}") from None


@asynccontextmanager
async def listening(
    http: httpx.AsyncClient, municipality: str, *zones: str, last_event_id: str | None = None
) -> AsyncIterator[Stream]:
    """An open event stream of a municipality's zones (none named: all)."""
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    path = f"/api/v1/municipalities/{municipality}/events"
    async with watching(http, path, headers, zone=list(zones)) as stream:
        yield stream


@asynccontextmanager
async def watching(
    http: httpx.AsyncClient, path: str, headers: dict[str, str] | None = None, **query: list[str]
) -> AsyncIterator[Stream]:
    """An open event stream."""
    stream = Stream()
    async with http.stream("GET", path, params=query, headers=headers, timeout=None) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        reading = asyncio.create_task(stream.read(response))
        try:
            yield stream
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
