"""The outermost layer: foreign hosts and origins, large bodies, and the headers that every answer carries."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.responses import HTMLResponse

from service.api import problems
from service.api.edge import MAX_BODY, SECURITY_HEADERS, Edge
from service.api.origin import own_origin
from service.clock import SystemClock
from service.errors import ConflictError


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """An app with a press of its own behind the edge."""
    clock = SystemClock(datetime(2026, 11, 22, tzinfo=UTC))
    app = FastAPI()
    problems.install(app, clock, lambda _: HTMLResponse("<p>Nothing here.</p>", 404))

    @app.post("/press", dependencies=[Depends(own_origin)])
    async def press(body: dict[str, int] | None = None) -> str:
        return "pressed"

    @app.get("/broken")
    async def broken() -> str:
        raise RuntimeError("secret words")

    @app.get("/conflict")
    async def conflict() -> str:
        raise ConflictError("That does not fit.")

    app.add_middleware(Edge, clock=clock, allowed_hosts=["village.example", "[::1]"])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://village.example:8080") as opened:
        yield opened


def is_problem(answer: httpx.Response, status: int, reason: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["reason"], body["speed"]) == (status, reason, 1.0)
    assert body["now"].startswith("2026-11-22T")
    assert body["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://village.example:8080"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://village.example:8080"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_our_own_pages_and_programs_may_press(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await client.post("/press", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[x"},
        {"Origin": "http://village.example:8081"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://village.example:8080"},
    ],
)
async def test_other_sites_may_not_press_for_their_visitors(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    is_problem(await client.post("/press", headers=headers), 403, "forbidden")


@pytest.mark.parametrize("host", ["evil.example", "village.example.evil.example", "", "village.example@evil"])
async def test_a_foreign_host_name_is_refused(client: httpx.AsyncClient, host: str) -> None:
    is_problem(await client.get("/conflict", headers={"Host": host}), 400, "unknown_host")


@pytest.mark.parametrize("host", ["village.example", "VILLAGE.example:99", "[::1]", "[::1]:8080"])
async def test_our_own_host_names_are_taken(client: httpx.AsyncClient, host: str) -> None:
    is_problem(await client.get("/conflict", headers={"Host": host}), 409, "conflict")


async def test_large_bodies_are_refused_unread(client: httpx.AsyncClient) -> None:
    is_problem(await client.post("/press", content=b"x" * (MAX_BODY + 1)), 413, "too_large")


async def test_a_body_of_unknown_length_is_refused(client: httpx.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    is_problem(await client.post("/press", content=endless()), 411, "length_required")


async def test_errors_of_every_kind_are_problems(client: httpx.AsyncClient) -> None:
    is_problem(await client.get("/api/nowhere"), 404, "not_found")
    is_problem(await client.delete("/press"), 405, "method_not_allowed")
    bad = await client.post("/press", content=b"{x", headers={"Content-Type": "application/json"})
    is_problem(bad, 422, "invalid")
    broken = await client.get("/broken")
    is_problem(broken, 500, "internal")
    assert "secret words" not in broken.text


async def test_a_wrong_address_of_a_page_gets_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nowhere")
    assert (answer.status_code, answer.text) == (404, "<p>Nothing here.</p>")


async def test_every_answer_carries_the_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/press", "/nowhere", "/conflict", "/broken"):
        answer = await client.get(path)
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value
