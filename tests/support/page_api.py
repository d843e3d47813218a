"""A hand-written stand-in for the JSON API, for tests of the pages alone: tests script every word it says."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from service.errors import UnknownError
from service.web.pages import MunicipalityPage, build

Json = dict[str, Any]

MIDNIGHT = datetime(2026, 11, 22, 0, 12, tzinfo=UTC)
"""01:12 in Berlin."""


def iso(moment: datetime) -> str:
    """A moment as the API writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def dark_zone(zone: str, name: str, lamps: int, **light: object) -> Json:
    """A zone as the API tells it: dark, confirmed two minutes ago, pressable for 12 minutes."""
    dark: Json = {"state": "dark", "level": 0, "cause": "schedule", "until": None}
    heard: Json = {"confirmed_at": iso(MIDNIGHT - timedelta(minutes=2, seconds=5)), "basis": "report"}
    counts: Json = {"lamps_total": lamps, "lamps_lit": 0, "lamps_unknown": 0}
    return {
        "id": zone,
        "name": name,
        "light": {**dark, **heard, **counts, **light},
        "press": {
            "allowed": True,
            "reason": None,
            "sentence": None,
            "retry_at": None,
            "minutes": 12,
            "cost": {"wh": 160, "money": "0.05", "currency": "EUR"},
        },
        "next_change": {"at": "2026-11-22T04:30:00Z", "level": 100},
        "timezone": "Europe/Berlin",
    }


class PageApi:
    """The API of one municipality. Set `answer` and `lease` before the page asks for them."""

    def __init__(self, municipality: str, zones: list[Json]) -> None:
        """Start with the given zones, the stream open, presses answered at once."""
        self.municipality = municipality
        self.zones = {zone["id"]: zone for zone in zones}
        self.now = MIDNIGHT
        self.speed = 1.0
        self.answer: tuple[int, Json] | None = None
        self.lease: Json = {}
        self.hold = asyncio.Event()
        self.hold.set()
        self.pressed: list[tuple[str, str]] = []
        self.asked_languages: list[str] = []
        self.moved: list[Json] = []
        self._streams: set[asyncio.Queue[str | None]] = set()
        self._broken = False
        self.refused = asyncio.Event()
        self.resumed = asyncio.Event()
        self._version = 0

    def stamp(self, body: Json) -> Json:
        """A body with the clock's word."""
        return {**body, "now": iso(self.now), "speed": self.speed}

    def light(self, zone: str, **light: object) -> None:
        """Change what a zone's light is said to be, and tell all streams."""
        self.zones[zone]["light"].update(light)
        self.tell(zone)

    def press(self, zone: str, **press: object) -> None:
        """Change what a press is said to do, and tell all streams."""
        self.zones[zone]["press"].update(press)
        self.tell(zone)

    def tell(self, *zones: str) -> None:
        """Send the named zones to all streams."""
        self._version += 1
        for queue in self._streams:
            queue.put_nowait(self._event("zones", [self.zones[zone] for zone in zones]))

    def break_stream(self) -> None:
        """End all streams and refuse new ones; `refused` is set when one was."""
        self._broken = True
        self.end_streams()

    def end_streams(self) -> None:
        """End all streams; new ones are taken."""
        for queue in self._streams:
            queue.put_nowait(None)

    def mend_stream(self) -> None:
        """Take streams again. One that missed nothing gets a comment instead of the snapshot; `resumed` is set then."""
        self._broken = False

    def grant(self, zone: str) -> None:
        """Answer the next press with a lease of 12 minutes."""
        self.lease = {
            "id": "5f" * 16,
            "zones": [zone],
            "from": iso(self.now),
            "until": iso(self.now + timedelta(minutes=12)),
            "state": "granted",
            "outputs_confirmed": 0,
            "outputs_total": 14,
        }
        self.answer = (201, {"lease": self.lease})

    def app(self, page: MunicipalityPage, *, demo: bool) -> FastAPI:
        """The pages and this API on one origin."""
        app = FastAPI()
        root = f"/api/v1/municipalities/{self.municipality}"

        async def look(m: str) -> MunicipalityPage | None:
            return page if m == page.id else None

        async def listing() -> list[MunicipalityPage]:
            return [page]

        async def unknown(request: Request, error: Exception) -> Response:
            return JSONResponse({"detail": str(error)}, 404, media_type="application/problem+json")

        app.add_exception_handler(UnknownError, unknown)
        app.include_router(build(look, listing, demo=demo))
        app.add_api_route(f"{root}/zones", self._zones)
        app.add_api_route(f"{root}/zones/{{zone}}/press", self._press, methods=["POST"])
        app.add_api_route(f"{root}/leases/{{lease}}", self._lease)
        app.add_api_route(f"{root}/events", self._events)
        app.add_api_route("/api/v1/demo/clock", self._clock, methods=["POST"])
        return app

    async def _zones(self) -> Response:
        return JSONResponse(self.stamp({"zones": list(self.zones.values())}))

    async def _press(self, zone: str, request: Request) -> Response:
        self.pressed.append((zone, request.headers["idempotency-key"]))
        self.asked_languages.append(request.headers["accept-language"])
        await self.hold.wait()
        if self.answer is None:
            return Response("gone", 502)
        status, body = self.answer
        kind = "application/json" if status == 201 else "application/problem+json"
        return JSONResponse(self.stamp(body), status, media_type=kind)

    async def _lease(self, lease: str) -> Response:
        return JSONResponse(self.stamp({"lease": self.lease}))

    async def _clock(self, request: Request) -> Response:
        change: Json = await request.json()
        self.moved.append(change)
        self.now += timedelta(minutes=change.get("forward_minutes", 0))
        self.speed = change.get("speed", self.speed)
        return JSONResponse(self.stamp({}))

    async def _events(self, request: Request) -> Response:
        if self._broken:
            self.refused.set()
            return Response(status_code=503)
        wanted = request.query_params.getlist("zone")
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        if request.headers.get("last-event-id") == str(self._version):
            queue.put_nowait(": nothing changed\n\n")
            self.resumed.set()
        else:
            queue.put_nowait(self._event("snapshot", [self.zones[zone] for zone in wanted]))
        self._streams.add(queue)
        return StreamingResponse(self._stream(queue), media_type="text/event-stream")

    async def _stream(self, queue: asyncio.Queue[str | None]) -> AsyncIterator[str]:
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._streams.discard(queue)

    def _event(self, name: str, zones: list[Json]) -> str:
        return f"id: {self._version}\nevent: {name}\ndata: {json.dumps(self.stamp({'zones': zones}))}\n\n"


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The app on a free loopback port; gives its origin."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            task.result()
        await asyncio.wait([task], timeout=0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
