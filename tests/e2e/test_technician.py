"""A technician at work over HTTP, with real lamps behind it: faults, tests, locks, and a live watch."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.e2e.stream import watching
from tests.e2e.waiting import until
from tests.e2e.world import API, World, opened
from tests.e2e.world import AS_STAFF as AS_CLERK
from tests.support.embedded_broker import embedded_broker
from tests.support.villages import LECK, LUETJENHOLM

pytestmark = pytest.mark.asyncio(loop_scope="module")

AS_STAFF = {**AS_CLERK, "X-Acting-As": "the technician"}
EVENING = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
"""18:00 in Berlin: everything is lit."""
DORF, LECK_HOME = f"{API}/luetjenholm/technician", f"{API}/leck/technician"
CABINET = "luetjenholm/cabinet-1"
Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def w(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Two villages, for all tests of this module."""
    with embedded_broker() as broker:
        folder = tmp_path_factory.mktemp("technician")
        async with opened(broker, [LUETJENHOLM, LECK], folder, start=EVENING) as world:
            world.http.headers.update(AS_STAFF)
            yield world


async def asked(w: World, path: str, status: int = 200, **more: Any) -> Json:
    answer = await w.http.get(path, **more)
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    return body


async def told(w: World, path: str, body: Json | None = None, status: int = 200) -> Json:
    answer = await w.http.post(path, json=body)
    assert answer.status_code == status, answer.text
    found: Json = answer.json()
    return found


async def faults(w: World, **query: str) -> list[Json]:
    found: list[Json] = (await asked(w, f"{DORF}/faults", params=query))["faults"]
    return found


async def faults_in_time(w: World) -> Json:
    """The one open fault, while demo time passes: the inspector looks at each move of the clock."""

    async def a_minute_later() -> list[Json]:
        await w.clock(minutes=1)
        return await faults(w)

    [fault] = await until(a_minute_later, lambda seen: len(seen) == 1, "a fault is open")
    found: Json = fault
    return found


async def test_nobody_gets_in_without_the_token_or_a_name(w: World) -> None:
    async with httpx.AsyncClient(base_url=w.http.base_url) as stranger:
        assert (await stranger.get(f"{DORF}/faults")).status_code == 401
        bearer = {"Authorization": AS_STAFF["Authorization"]}
        nameless = await stranger.get(f"{DORF}/faults", headers=bearer)
        assert (nameless.status_code, "X-Acting-As" in nameless.text) == (422, True)


async def test_a_commissioning_test_says_that_each_meter_follows_its_output(w: World) -> None:
    await w.clock(minutes=60 * 17)  # 11:00, by day
    await w.lights()
    await until(lambda: w.village[CABINET].core.clock.valid, what="clocks are set")
    begun = (await told(w, f"{DORF}/controllers/cabinet-1/tests", {"seconds": 5}, 201))["test"]
    conflict = await told(w, f"{DORF}/controllers/cabinet-1/tests", {"seconds": 5}, 409)
    assert "runs already" in conflict["detail"]
    await w.lights("luetjenholm/cabinet-1/1", municipality="luetjenholm")
    await w.lights(municipality="luetjenholm")
    done = await until(
        lambda: asked(w, f"{DORF}/tests/{begun['id']}"), lambda seen: seen["test"]["over"], "the test is over", 30
    )
    [stage] = done["test"]["stages"]
    assert (stage["verdict"], stage["meters"]) == ("ok", [1])
    assert stage["watts"] == pytest.approx(800, rel=0.03)
    [cabinet] = await until(
        lambda: controllers(w),
        lambda seen: seen[0]["outputs"][0]["commissioned_watts"] is not None,
        "what it drew is kept",
        40,
    )
    assert cabinet["outputs"][0]["commissioned_watts"] == stage["watts"]


async def controllers(w: World) -> list[Json]:
    found: list[Json] = (await asked(w, f"{DORF}/controllers"))["controllers"]
    return found


async def test_dark_lamps_become_a_fault_that_people_take_care_of(w: World) -> None:
    await w.clock(minutes=60 * 7)  # 18:00 and something again
    await w.lights("luetjenholm/cabinet-1/1", municipality="luetjenholm")
    device = w.village[CABINET]
    for lamp in range(3):
        device.load.fail("1", lamp)
    assert device.link is not None
    device.link.look()
    fault = await faults_in_time(w)
    assert (fault["kind"], fault["controller"], fault["output"]) == ("lampFailure", "cabinet-1", 1)
    assert fault["detail"]["dark_lamps_least"] <= 3 <= fault["detail"]["dark_lamps_most"]
    assert fault["detail"]["dark_lamps"] == 3

    path = f"{DORF}/faults/{fault['id']}"
    taken = await told(w, f"{path}/acknowledge", {"text": "we come on Tuesday"})
    assert taken["fault"]["history"][-1]["by"] == "the technician"
    assert (await told(w, f"{path}/acknowledge", None, 409))["reason"] == "conflict"
    await told(w, f"{path}/notes", {"text": "three drivers ordered"})
    await told(w, f"{path}/notes", {"text": "  "}, 422)
    closed = await told(w, f"{path}/close")
    steps = [entry["step"] for entry in closed["fault"]["history"]]
    assert steps == ["opened", "acknowledged", "noted", "closed"]
    assert await faults(w) == []
    assert [one["id"] for one in await faults(w, state="closed")] == [fault["id"]]

    again = await faults_in_time(w)  # nobody mended anything
    assert (again["id"], again["history"][-1]["step"]) == (fault["id"], "reopened")
    assert await faults(w, kind="supplyLoss") == []
    await asked(w, f"{DORF}/faults", 404, params={"zone": "nowhere"})
    await asked(w, f"{DORF}/faults/none", 404)


async def test_a_lock_is_seen_by_everybody_and_given_back(w: World) -> None:
    now = datetime.fromisoformat((await asked(w, f"{DORF}/locks"))["now"])
    wrong = await told(w, f"{DORF}/locks", {"zone": "dorf", "reason": "x", "until": "2026-11-22T18:00:00"}, 422)
    assert "until" in wrong["detail"], "a moment without its time zone"
    for body, word in (
        ({"reason": "x", "until": (now + timedelta(hours=1)).isoformat()}, "zone, controller"),
        ({"zone": "dorf", "reason": "x", "until": (now + timedelta(hours=25)).isoformat()}, "until"),
        ({"zone": "dorf", "reason": " ", "until": (now + timedelta(hours=1)).isoformat()}, "reason"),
        ({"zone": "dorf", "reason": "x", "contact": "a@b, c@d", "until": now.isoformat()}, "contact"),
    ):
        assert word in (await told(w, f"{DORF}/locks", body, 422))["detail"]
    wanted = {"controller": "cabinet-1", "output": 1, "reason": "a driver is changed"}
    begun = await told(w, f"{DORF}/locks", {**wanted, "until": (now + timedelta(hours=1)).isoformat()}, 201)
    await w.lights(municipality="luetjenholm")
    [cabinet] = await controllers(w)
    assert cabinet["outputs"][0]["lock"] == begun["lock"]["id"]
    await told(w, f"{DORF}/locks/{begun['lock']['id']}/end")
    assert (await told(w, f"{DORF}/locks/{begun['lock']['id']}/end", None, 409))["reason"] == "conflict"
    await w.lights("luetjenholm/cabinet-1/1", municipality="luetjenholm")
    assert [lock["ended_by"] for lock in (await asked(w, f"{DORF}/locks"))["locks"]] == ["the technician"]


async def test_a_live_watch_tells_what_changes(w: World) -> None:
    async with watching(w.http, f"{LECK_HOME}/watch") as stream:
        await stream.until(lambda: stream.events, "a snapshot")
        first = stream.events[0].data
        assert stream.events[0].name == "snapshot"
        assert [one["id"] for one in first["controllers"]] == ["cabinet-1"]
        assert first["controllers"][0]["availability"] == "online"
        await w.village["leck/cabinet-1"].kill()

        def offline() -> bool:
            last = stream.events[-1]
            return last.name == "changes" and [c["availability"] for c in last.data["controllers"]] == ["offline"]

        await stream.until(offline, "the cabinet is told to be offline")
        lock = {"zone": "hauptstrasse", "reason": "a lamp is mended", "until": first["now"]}
        lock["until"] = (datetime.fromisoformat(first["now"]) + timedelta(hours=2)).isoformat()
        begun = await told(w, f"{LECK_HOME}/locks", lock, 201)
        await stream.until(
            lambda: [one["id"] for one in stream.events[-1].data["locks"]] == [begun["lock"]["id"]], "the lock is told"
        )
        w.village["leck/cabinet-1"].start()
