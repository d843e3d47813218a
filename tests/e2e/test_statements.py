"""Statements, burning times and readings over HTTP and from the command line, on a real store."""

import asyncio
import csv
import io
import json
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from service.app.web import create_app
from service.cli import app as commands
from service.clock import SystemClock
from service.domain.entries import Entry
from service.domain.inventory import OutputKey
from service.domain.words import Cause
from service.settings import Settings
from service.store import SqlStore, migrate, open_store
from tests.support.lamps import MemoryLamps
from tests.unit.villages import glasau, utc

STAFF = "staff-token-for-tests"
COUNCIL = "/api/v1/municipalities/glasau/council"
NOW = utc("2026-02-03T12:00:00")
Json = dict[str, Any]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated database file."""
    path = tmp_path_factory.mktemp("statements") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def url(migrated: Path, tmp_path: Path) -> str:
    """The address of a migrated database."""
    shutil.copy(migrated, tmp_path / "d.db")
    return f"sqlite:///{tmp_path / 'd.db'}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """Glasau, with one hour of light in January 2026."""
    opened = open_store(url)
    hour, start = timedelta(hours=1), utc("2026-01-10T20:00:00")
    entry = Entry(OutputKey("glasau", "lamp-01", 1), start, start + hour, 30_000, Cause.SCHEDULE, None, 100, hour)
    await opened.write(lambda tx: tx.save_inventory(glasau(), NOW))
    await opened.write(lambda tx: tx.add_energy([entry]))
    yield opened
    await opened.close()


@pytest.fixture
async def http(store: SqlStore, url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Staff at the API of a service without a broker, early in February."""
    settings = Settings(database_url=url, staff_token=STAFF, allowed_hosts=["test"])
    app = create_app(settings, clock=SystemClock(NOW), store=store, lamps=MemoryLamps())
    headers = [(b"Authorization", f"Bearer {STAFF}".encode()), (b"X-Acting-As", "Bürgerbüro".encode())]
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers) as client:
        yield client


async def test_a_statement_comes_as_json_csv_and_page_and_once(http: httpx.AsyncClient) -> None:
    for period in ("2026-01", "2026"):
        told: Json = (await http.get(f"{COUNCIL}/statements/{period}")).raise_for_status().json()
        assert told["total"]["kwh"] == "0.030000"
        table = await http.get(f"{COUNCIL}/statements/{period}?format=csv")
        assert table.headers["content-type"].startswith("text/csv")
        assert table.headers["content-disposition"] == f'attachment; filename="statement-glasau-{period}.csv"'
        assert next(csv.DictReader(io.StringIO(table.text)))["section"] == "statement"
        page = await http.get(f"{COUNCIL}/statements/{period}?format=html&lang=en")
        assert 'lang="en"' in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
        for form in ("json", "csv", "html"):
            address = f"{COUNCIL}/statements/{period}?format={form}"
            tag = (await http.get(address)).headers["etag"]
            again = await http.get(address, headers={"If-None-Match": tag})
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert again.headers["cache-control"] == "private, no-cache"
            assert (page.headers["vary"], again.headers.get("vary")) == (
                "Accept-Language",
                "Accept-Language" if form == "html" else None,
            )


async def test_no_cache_keeps_readings_and_savings_for_others(http: httpx.AsyncClient) -> None:
    for path in ("readings", "saving?from=2026-01-05&to=2026-01-15"):
        answer = (await http.get(f"{COUNCIL}/{path}")).raise_for_status()
        assert answer.headers["cache-control"] == "private, no-cache"


async def test_burning_times_are_signed_off_once_by_whoever_acts(http: httpx.AsyncClient) -> None:
    assert (await http.get(f"{COUNCIL}/burning/2026-01")).json()["signature"] is None
    for refused in (None, {"incomplete": False}):
        answer = await http.post(f"{COUNCIL}/burning/2026-01/sign-off", json=refused)
        assert answer.status_code == 409
        assert '{"incomplete": true}' in answer.json()["detail"]
    signed = await http.post(f"{COUNCIL}/burning/2026-01/sign-off", json={"incomplete": True})
    assert signed.json()["statement"]["recorded_from"] == "2026-01-10T20:00:00Z"
    assert (signed.status_code, signed.json()["signature"]["signed_by"]) == (201, "Bürgerbüro")
    again = await http.post(f"{COUNCIL}/burning/2026-01/sign-off")
    assert again.status_code == 409
    assert "Bürgerbüro" in again.json()["detail"]
    for month in ("2025-12", "2026-02"):
        assert (await http.post(f"{COUNCIL}/burning/{month}/sign-off")).status_code == 409
    table = (await http.get(f"{COUNCIL}/burning/2026-01?format=csv")).text
    assert [row["burning_minutes"] for row in csv.DictReader(io.StringIO(table)) if row["burning_minutes"] != "0"] == [
        "60.00"
    ]


async def test_readings_are_entered_compared_and_withdrawn(http: httpx.AsyncClient) -> None:
    ids = []
    for at, kwh in (("2026-01-10T12:00:00", "7"), ("2026-01-20T12:00:00+01:00", "7.03")):
        body = {"supply_point": "all", "at": at, "kwh": kwh, "note": "read by hand"}
        answer = await http.post(f"{COUNCIL}/readings", json=body)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
    told: Json = (await http.get(f"{COUNCIL}/readings")).json()
    assert [(one["deviation_kwh"], one["warning"]) for one in told["comparison"]] == [("0.000000", False)]
    assert told["supply_points"] == [{"id": "all", "name": "all", "controllers": []}]
    assert (await http.delete(f"{COUNCIL}/readings/{ids[0]}")).status_code == 204
    assert (await http.delete(f"{COUNCIL}/readings/{ids[0]}")).status_code == 409
    assert (await http.get(f"{COUNCIL}/readings")).json()["comparison"] == []


async def test_bad_input_names_its_field(http: httpx.AsyncClient) -> None:
    for kwh in ("-1", "NaN", "1e400", "many", None):
        body = {"supply_point": "all", "at": "2026-01-10T12:00:00", "kwh": kwh}
        answer = await http.post(f"{COUNCIL}/readings", json=body)
        assert answer.status_code == 422
        assert "kwh: " in answer.json()["detail"]
    for path, field in (
        ("statements/2026-13", "period"),
        ("statements/2027", "year"),
        ("statements/2025", "period"),
        ("burning/x", "month"),
    ):
        answer = await http.get(f"{COUNCIL}/{path}")
        assert (answer.status_code, answer.json()["detail"].partition(":")[0]) == (422, field)


async def test_it_is_for_staff_who_say_who_acts(http: httpx.AsyncClient) -> None:
    paths = ("GET statements/2026-01", "GET burning/2026-01", "POST burning/2026-01/sign-off", "GET readings")
    for method, _, path in (words.partition(" ") for words in (*paths, "POST readings", "DELETE readings/r1")):
        answer = await http.request(method, f"{COUNCIL}/{path}", headers={"Authorization": "Bearer another"})
        assert answer.status_code == 401
        answer = await http.request(method, f"{COUNCIL}/{path}", headers={"X-Acting-As": ""})
        assert (answer.status_code, "X-Acting-As" in answer.text) == (422, True)
    assert (await http.get(f"{COUNCIL}/burning/2026-01")).json()["signature"] is None


async def ran(*words: str) -> Result:
    """A command in a thread of its own, for it makes its own loop."""
    return await asyncio.to_thread(CliRunner().invoke, commands, words)


async def test_the_command_line_tells_the_same(
    http: httpx.AsyncClient, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = (await http.get(f"{COUNCIL}/statements/2026-01?format=csv")).text
    monkeypatch.setenv("DORFLICHT_DATABASE_URL", url)
    words = ["energy", "statement", "glasau", "2026-01", "--format"]
    file = tmp_path / "statement.csv"
    assert (await ran(*words, "csv", "--out", str(file))).exit_code == 0
    assert [
        line for line in file.read_text("utf-8").splitlines() if ",total," in line or line.startswith("energy")
    ] == [line for line in told.splitlines() if ",total," in line or line.startswith("energy")]
    assert json.loads((await ran(*words, "json")).stdout)["period"] == "2026-01"
    assert 'lang="en"' in (await ran(*words, "html", "--language", "en")).stdout
    refused = await ran("energy", "statement", "glasau", "2026-14")
    assert "period: write a month like 2026-11" in str(refused.exception)
