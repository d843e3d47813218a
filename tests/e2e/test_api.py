"""The API as everybody meets it: over HTTP, at a whole Dorflicht."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
import pytest_asyncio

from service.domain.entries import Entry
from service.domain.inventory import OutputKey
from service.domain.words import Cause
from service.store import open_store
from tests.e2e.stream import listening
from tests.e2e.world import API, AS_STAFF, STAFF, World, opened
from tests.support.embedded_broker import embedded_broker
from tests.support.villages import GLASAU, LUETJENHOLM

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENERGY = f"{API}/luetjenholm/council/energy?from=2026-11-20&to=2026-11-21&by=cause"
COUNCIL = "/api/v1/municipalities/{municipality}/council"
PATHS = {
    "/api/v1/municipalities": {"get"},
    "/api/v1/municipalities/{municipality}/zones": {"get"},
    "/api/v1/municipalities/{municipality}/zones/{zone}": {"get"},
    "/api/v1/municipalities/{municipality}/zones/{zone}/press": {"post"},
    "/api/v1/municipalities/{municipality}/zones/{zone}/plan": {"get"},
    "/api/v1/municipalities/{municipality}/leases/{lease_id}": {"get"},
    "/api/v1/municipalities/{municipality}/events": {"get"},
    "/api/v1/municipalities/{municipality}/energy": {"get"},
    f"{COUNCIL}/energy": {"get"},
    f"{COUNCIL}/policy-templates": {"get"},
    f"{COUNCIL}/zones/{{zone}}/policies": {"get"},
    f"{COUNCIL}/zones/{{zone}}/policies/{{version}}/copy": {"post"},
    f"{COUNCIL}/zones/{{zone}}/drafts": {"post"},
    f"{COUNCIL}/zones/{{zone}}/drafts/{{draft}}": {"get", "put", "delete"},
    f"{COUNCIL}/zones/{{zone}}/drafts/{{draft}}/copy": {"post"},
    f"{COUNCIL}/zones/{{zone}}/drafts/{{draft}}/findings": {"get"},
    f"{COUNCIL}/zones/{{zone}}/drafts/{{draft}}/enact": {"post"},
    f"{COUNCIL}/zones/{{zone}}/exceptions": {"get", "post"},
    f"{COUNCIL}/zones/{{zone}}/exceptions/{{exception}}": {"delete"},
    f"{COUNCIL}/zones/{{zone}}/explain": {"get"},
    f"{COUNCIL}/simulations": {"post"},
    f"{COUNCIL}/simulations/{{simulation}}": {"get"},
    f"{COUNCIL}/simulations/{{simulation}}/csv": {"get"},
    f"{COUNCIL}/simulations/{{simulation}}/motion": {"get"},
    "/api/v1/health/live": {"get"},
    "/api/v1/health/ready": {"get"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def w(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Both demo villages, for all tests of this module."""
    with embedded_broker() as broker:
        async with opened(broker, [LUETJENHOLM, GLASAU], tmp_path_factory.mktemp("api")) as world:
            yield world


def _problem(answer: httpx.Response, status: int, reason: str) -> dict[str, object]:
    """The problem of an answer, with all that every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert body["status"] == status
    assert body["reason"] == reason
    assert body["type"] == f"urn:dorflicht:problem:{reason}"
    assert body["title"]
    assert body["detail"]
    assert {"now", "speed"} <= body.keys()
    return body


async def test_the_same_key_gets_the_same_answer_and_buys_one_lease(w: World) -> None:
    key = {"Idempotency-Key": "walk-home-1"}
    first = await w.press("glasau/kirchweg", **key)
    again = await w.press("glasau/kirchweg", **key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    other_zone = await w.press("glasau/am-see", **key)
    assert other_zone.json()["lease"]["id"] != first.json()["lease"]["id"], "a key belongs to its zone"
    other_key = await w.press("glasau/kirchweg", **{"Idempotency-Key": "walk-home-2"})
    assert other_key.json()["lease"]["id"] != first.json()["lease"]["id"]


async def test_the_same_key_twenty_times_at_once_buys_one_lease(w: World) -> None:
    key = {"Idempotency-Key": "trembling-finger"}
    answers = await asyncio.gather(*(w.press("glasau/am-see", **key) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1


async def test_twenty_presses_at_once_are_twenty_leases_that_all_come_on(w: World) -> None:
    leases = await asyncio.gather(*(w.granted("luetjenholm/dorf") for _ in range(20)))
    assert len({lease["id"] for lease in leases}) == 20
    for lease in leases:
        await w.lease_until("luetjenholm", lease["id"], "lit")
    light = (await w.zone("luetjenholm/dorf"))["light"]
    assert light["until"] == max(lease["until"] for lease in leases)


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_press_from_a_foreign_page_is_refused(w: World, headers: dict[str, str]) -> None:
    _problem(await w.press("glasau/dorfstrasse", **headers), 403, "forbidden")


async def test_a_press_from_the_own_page_is_taken(w: World) -> None:
    answer = await w.press("glasau/dorfstrasse", **{"Origin": w.service.url, "Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", f"{API}/nowhere/zones", 404, "unknown"),
        ("GET", f"{API}/glasau/zones/nowhere", 404, "unknown"),
        ("GET", f"{API}/glasau/zones/nowhere/plan", 404, "unknown"),
        ("POST", f"{API}/glasau/zones/nowhere/press", 404, "unknown"),
        ("POST", f"{API}/nowhere/zones/dorf/press", 404, "unknown"),
        ("GET", f"{API}/glasau/events?zone=nowhere", 404, "unknown"),
        ("GET", f"{API}/nowhere/events", 404, "unknown"),
        ("GET", f"{API}/glasau/leases/{'0' * 32}", 404, "unknown"),
        ("GET", f"{API}/nowhere/energy?from=2026-11-20&to=2026-11-21", 404, "unknown"),
        ("GET", "/api/v1/elsewhere", 404, "not_found"),
        ("GET", f"{API}/glasau/zones/dorfstrasse/press", 405, "method_not_allowed"),
        ("DELETE", f"{API}/glasau/zones", 405, "method_not_allowed"),
        ("GET", f"{API}/Glasau/zones", 422, "invalid"),
        ("GET", f"{API}/glasau/leases/short", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?from=yesterday&to=2026-11-21", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?from=2026-11-21&to=2026-11-20", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?from=2024-11-21&to=2026-11-20", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?page=2", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?page=0", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?per_page=1001", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?unit=joule", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?by=hour", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?by=zone", 422, "invalid"),
        ("GET", f"{API}/glasau/energy?by=cause", 422, "invalid"),
    ],
)
async def test_what_cannot_be_answered_is_a_problem(w: World, method: str, path: str, status: int, reason: str) -> None:
    _problem(await w.http.request(method, path), status, reason)


async def test_bad_json_a_wrong_host_and_a_large_body_are_problems(w: World) -> None:
    press = f"{API}/glasau/zones/dorfstrasse/press"
    json = {"Content-Type": "application/json"}
    _problem(await w.http.post(press, content=b"{", headers=json), 422, "invalid")
    _problem(await w.http.post(press, content=b"[1]", headers=json), 422, "invalid")
    _problem(await w.http.post(press, headers={"Idempotency-Key": "x"}), 422, "invalid")
    _problem(await w.http.get(API, headers={"Host": "evil.example"}), 400, "unknown_host")
    _problem(await w.http.post(press, content=b"x" * 70_000, headers=json), 413, "too_large")


async def test_staff_paths_open_with_the_token_alone(w: World) -> None:
    refused = await w.http.get(ENERGY)
    _problem(refused, 401, "unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"
    for wrong in ("Bearer wrong", f"Basic {STAFF}", "Bearer", f"Bearer {STAFF}x"):
        _problem(await w.http.get(ENERGY, headers={"Authorization": wrong}), 401, "unauthorized")
    _problem(await w.http.get(ENERGY, headers={"Authorization": f"Bearer {STAFF}"}), 422, "invalid")
    answer = await w.http.get(ENERGY, headers=AS_STAFF)
    assert answer.status_code == 200
    assert answer.json()["by"] == "cause"


LAST_WEEK = "from=2026-11-10&to=2026-11-12"
"""Three nights before the village was switched on: nothing but what a test books is in them."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def booked(w: World) -> None:
    """In each of these nights an hour at 2 W of each of three lamps in three zones."""
    store = open_store(f"sqlite:///{w.folder / 'dorflicht.db'}")
    hour = timedelta(hours=1)
    entries = [
        Entry(OutputKey("glasau", f"lamp-{lamp}", 1), at, at + hour, 2_000_500, Cause.SCHEDULE, None, 10, hour)
        for at in (datetime(2026, 11, day, 20, tzinfo=UTC) for day in (10, 11, 12))
        for lamp in ("01", "40", "80")
    ]
    await store.write(lambda tx: tx.add_energy(entries))
    await store.close()


@pytest.mark.usefixtures("booked")
async def test_energy_comes_by_pages_in_one_unit_that_its_name_says(w: World) -> None:
    path = f"{API}/glasau/council/energy?{LAST_WEEK}&by=night&unit=kwh&per_page=2"
    first = await w.http.get(path, headers=AS_STAFF)
    body = first.json()
    assert first.status_code == 200, body
    assert (body["page"], body["pages"], body["per_page"], body["of"], body["unit"]) == (1, 2, 2, 3, "kwh")
    assert [(part["label"], part["kwh"]) for part in body["energy"]] == [
        ("2026-11-10", 6.0015),
        ("2026-11-11", 6.0015),
    ]
    assert body["total"]["kwh"] == 18.0045, "of all pages"
    assert not any("wh" in part or "name" in part for part in (*body["energy"], body["total"])), "no other unit"
    assert first.headers["link"] == f'<{body["next"]}>; rel="next"'
    second = (await w.http.get(str(first.url.join(body["next"])), headers=AS_STAFF)).json()
    assert ([part["label"] for part in second["energy"]], second["next"]) == (["2026-11-12"], None)
    in_wh = (await w.http.get(path.replace("kwh", "wh"), headers=AS_STAFF)).json()
    assert (in_wh["total"]["wh"], "kwh" in in_wh["total"]) == (18004.5, False)
    public = (await w.http.get(f"{API}/glasau/energy?{LAST_WEEK}&per_page=1&page=3")).json()
    assert [(part["label"], part["wh"]) for part in public["energy"]] == [("2026-11-12", 6000)]
    assert (public["presses_until"], public["next"], public["pages"]) == (None, None, 3)


@pytest.mark.usefixtures("booked")
async def test_energy_by_zone_has_names_and_says_what_it_was_counted_by(w: World) -> None:
    body = (await w.http.get(f"{API}/glasau/council/energy?{LAST_WEEK}&by=zone", headers=AS_STAFF)).json()
    assert {part["label"]: part["wh"] for part in body["energy"]} == dict.fromkeys(
        ("am-see", "dorfstrasse", "kirchweg"), 6001.5
    )
    assert all(part["name"] for part in body["energy"])
    (price,) = body["prices"]
    assert price["start"] == "2026-11-10T11:00:00Z"
    assert price["source"].startswith("assumed")
    assert body["total"]["money"] == str((Decimal(price["per_kwh"]) * Decimal("18.0045")).quantize(Decimal("0.0001")))


@pytest.mark.usefixtures("booked")
async def test_energy_that_did_not_change_is_not_sent_again(w: World) -> None:
    for path, headers, keeping in (
        (f"{API}/glasau/energy?{LAST_WEEK}", {}, "public, max-age=60"),
        (f"{API}/glasau/council/energy?{LAST_WEEK}", AS_STAFF, "private, no-cache"),
        (f"{API}/glasau/council/energy?{LAST_WEEK}&format=csv", AS_STAFF, "private, no-cache"),
    ):
        first = await w.http.get(path, headers=headers)
        tag = first.headers["etag"]
        assert re.fullmatch(r'"[0-9a-f]{32}"', tag)
        assert (first.status_code, first.headers["cache-control"]) == (200, keeping)
        again = await w.http.get(path, headers={**headers, "If-None-Match": f'"other", {tag}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        other = await w.http.get(f"{path}&unit=kwh", headers={**headers, "If-None-Match": tag})
        assert other.status_code == 200, "another unit is another answer"


@pytest.mark.usefixtures("booked")
async def test_energy_comes_as_csv_with_units_in_its_header(w: World) -> None:
    path = f"{API}/glasau/council/energy?{LAST_WEEK}&unit=kwh&per_page=1"
    asked = await w.http.get(path, headers={**AS_STAFF, "Accept": "text/csv"})
    assert asked.headers["content-type"] == "text/csv; charset=utf-8"
    head, *lines = asked.text.splitlines()
    assert head == "night,energy_kwh,money_EUR,co2_kg"
    assert [line.split(",")[:2] for line in lines] == [[f"2026-11-{day}", "6.0015"] for day in (10, 11, 12)]
    named = await w.http.get(f"{path}&by=zone&format=csv", headers=AS_STAFF)
    assert named.text.splitlines()[0] == "zone,name,energy_kwh,money_EUR,co2_kg"
    assert (await w.http.get(f"{path}&format=json", headers={**AS_STAFF, "Accept": "text/csv"})).json()["of"] == 3


async def test_every_answer_says_what_time_it_is_and_how_fast_it_goes(w: World) -> None:
    lease = await w.granted("glasau/dorfstrasse")
    paths = [
        API,
        f"{API}/glasau/zones",
        f"{API}/glasau/zones/dorfstrasse",
        f"{API}/glasau/zones/dorfstrasse/plan",
        f"{API}/glasau/leases/{lease['id']}",
        f"{API}/glasau/energy?from=2026-11-20&to=2026-11-21",
    ]
    for path in paths:
        body = (await w.http.get(path)).json()
        assert body["speed"] == 1, path
        assert datetime.fromisoformat(body["now"]).tzinfo is not None, path
    async with listening(w.http, "glasau") as stream:
        await stream.until(lambda: stream.events, "a snapshot")
    assert {"now", "speed", "zones"} <= stream.events[0].data.keys()


async def test_a_stream_begins_with_a_snapshot_and_a_page_that_missed_nothing_gets_none(w: World) -> None:
    async with listening(w.http, "glasau", "kirchweg", "am-see") as stream:
        await stream.until(lambda: stream.events, "a snapshot")
    first = stream.events[0]
    assert first.name == "snapshot"
    assert {zone["id"] for zone in first.data["zones"]} == {"kirchweg", "am-see"}

    async with listening(w.http, "glasau", "kirchweg", "am-see", last_event_id=first.id) as stream:
        await stream.until(lambda: stream.comments or stream.events, "a first word")
        assert stream.comments, "nothing was missed, so there is no snapshot"

    lease = await w.granted("glasau/kirchweg")
    await w.lease_until("glasau", lease["id"], "lit")
    async with listening(w.http, "glasau", "kirchweg", "am-see", last_event_id=first.id) as stream:
        await stream.until(lambda: stream.events, "a snapshot again")
        assert stream.events[0].name == "snapshot"
        assert stream.events[0].id != first.id
    async with listening(w.http, "glasau", last_event_id="another-run-7") as stream:
        await stream.until(lambda: stream.events, "a snapshot after the service's restart")
        assert stream.events[0].name == "snapshot"


async def test_the_description_names_every_path_and_its_problems(w: World) -> None:
    document = (await w.http.get("/api/openapi.json")).json()
    assert document["openapi"].startswith("3.")
    described = {path: set(about) for path, about in document["paths"].items()}
    for path, methods in PATHS.items():
        assert described.get(path) == methods, path
    press = document["paths"][f"{API}/{{municipality}}/zones/{{zone}}/press"]["post"]
    assert {"201", "403", "404", "409", "422", "429", "503"} <= press["responses"].keys()
    for code in ("403", "409", "429", "503"):
        assert "application/problem+json" in press["responses"][code]["content"]
    assert ("header", "idempotency-key") in {(about["in"], about["name"].lower()) for about in press["parameters"]}
    operations = [about[m]["operationId"] for about in document["paths"].values() for m in about]
    assert len(operations) == len(set(operations))
    for reference in re.findall(r'"#/components/schemas/(\w+)"', str(document).replace("'", '"')):
        assert reference in document["components"]["schemas"], reference


async def test_the_documentation_page_loads_only_own_files(w: World) -> None:
    page = await w.http.get("/api/docs")
    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links
    for link in links:
        assert link.startswith("/api/"), link
        assert (await w.http.get(link)).status_code == 200, link


async def test_pages_carry_a_strict_policy(w: World) -> None:
    for path in ("/", "/m/glasau", "/m/glasau/z/kirchweg", "/m/luetjenholm"):
        page = await w.http.get(path)
        assert page.status_code == 200, path
        assert "default-src 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
