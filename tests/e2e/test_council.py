"""A council at work over HTTP, with real lamps behind it: draft, findings, enact, exceptions, explain, simulate."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from service.usecases.policy_documents import PolicyDocument
from tests.e2e.waiting import until
from tests.e2e.world import API, AS_STAFF, World, opened
from tests.support.embedded_broker import embedded_broker
from tests.support.service_process import ROOT, clean
from tests.support.villages import LECK, LUETJENHOLM

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNCIL = f"{API}/luetjenholm/council"
DORF = f"{COUNCIL}/zones/dorf"
RELAY = "luetjenholm/cabinet-1/1"
Json = dict[str, Any]

DARK_FROM_ELEVEN: Json = {
    "valid_from": "2026-11-23",
    "schedule": {
        "steps": [
            {"at": "sunset", "level": 100},
            {"at": "23:00", "level": 0},
            {"at": "05:30", "level": 100},
            {"at": "sunrise", "level": 0},
        ],
        "rules": [
            {"when": {"weekdays": ["sat"]}, "steps": [{"at": "dusk", "level": 100}, {"at": "01:00", "level": 0}]}
        ],
    },
    "press": {"minutes": 12, "limits": {"zone_minutes": 120}},
}
RESOLUTION = {"number": "2026/7", "passed_on": "2026-11-01", "safety_note": "walked on 3 November"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def w(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Two villages, for all tests of this module."""
    with embedded_broker() as broker:
        async with opened(broker, [LUETJENHOLM, LECK], tmp_path_factory.mktemp("council")) as world:
            world.http.headers.update(AS_STAFF)
            yield world


async def drafted(w: World, policy: Json = DARK_FROM_ELEVEN) -> str:
    answer = await w.http.post(f"{DORF}/drafts", json=policy)
    assert answer.status_code == 201, answer.text
    name: str = answer.json()["id"]
    return name


def problem(answer: httpx.Response, status: int, reason: str) -> Json:
    assert answer.status_code == status, answer.text
    body: Json = answer.json()
    assert body["reason"] == reason
    return body


async def test_a_template_becomes_a_draft_and_the_draft_a_resolution(w: World) -> None:
    (await w.http.get(f"{COUNCIL}/policy-templates")).raise_for_status()
    policy = (await w.http.get(f"{COUNCIL}/policy-templates?lang=en")).json()["templates"][1]["policy"]
    draft = await drafted(w, policy)
    found = (await w.http.get(f"{DORF}/drafts/{draft}/findings?lang=en")).json()["findings"]
    assert {"level_not_kept"} <= {finding["code"] for finding in found}  # a relay knows no half light
    assert all(finding["sentence"] for finding in found)

    changed = await w.http.put(f"{DORF}/drafts/{draft}", json={**policy, "until": "2027-03-31"})
    assert changed.json()["policy"]["until"] == "2027-03-31"
    enacted = await w.http.post(f"{DORF}/drafts/{draft}/enact", json={"resolution": RESOLUTION})
    assert enacted.status_code == 200, enacted.text
    body = enacted.json()
    assert (body["version"], body["state"], body["resolution"], body["enacted_by"]) == (
        2,
        "enacted",
        RESOLUTION,
        "the clerk",
    )
    listed = (await w.http.get(f"{DORF}/policies")).json()
    assert [(one["version"], one["state"]) for one in listed["policies"]] == [(1, "in_force"), (2, "enacted")]
    assert draft not in {one["id"] for one in listed["drafts"]}
    refused = problem(await w.http.put(f"{DORF}/drafts/{draft}", json=policy), 409, "conflict")
    assert "version 2" in refused["detail"]
    problem(await w.http.put(f"{DORF}/drafts/draft-0", json=policy), 404, "unknown")


async def test_errors_block_and_say_what_to_do(w: World) -> None:
    draft = await drafted(w, {**DARK_FROM_ELEVEN, "valid_from": "2026-11-21"})
    refused = await w.http.post(f"{DORF}/drafts/{draft}/enact?lang=en", json={"resolution": RESOLUTION})
    body = problem(refused, 409, "findings")
    assert refused.headers["content-type"] == "application/problem+json"
    assert body["findings"][0]["code"] == "starts_in_the_past"
    assert "22 November 2026" in body["findings"][0]["sentence"]
    assert (await w.http.delete(f"{DORF}/drafts/{draft}")).status_code == 204


def changed(path: str, value: object) -> Json:
    """The policy with one thing changed; numbers in the path count from 0."""
    policy = deepcopy(DARK_FROM_ELEVEN)
    *way, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    holder: Any = policy
    for part in way:
        holder = holder.setdefault(part, {}) if isinstance(holder, dict) else holder[part]
    holder[last] = value
    return policy


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("until", "2026-11-01", "until"),
        ("press.minutes", -5, "minutes"),
        ("press.limits.zone_minutes", -1, "zone_minutes"),
        ("schedule.steps.0.at", "moonrise", "schedule.steps.0.at"),
        ("schedule.steps.1.level", 101, "schedule.steps.1.level"),
        ("schedule.steps", [{"at": "sunset", "level": 100}] * 200, "schedule.steps"),
        ("press.windows", [{"start": "05:00", "end": "23:00"}], "press.windows.0"),
        ("along", ["nowhere"], "along.0"),
        ("quiet", [{"level": 30, "start": "23:00", "end": "05:00", "output": {"controller": "x", "n": 1}}], "quiet.0"),
        ("press.longest_minutes", 5, "longest_minutes"),
        ("colour", "amber", "colour"),
        ("valid_from", "9999-99-99", "valid_from"),
        ("valid_from", "9999-12-31", "valid_from"),
        ("schedule.steps.0.level", True, "schedule.steps.0.level"),
    ],
)
async def test_a_bad_policy_names_its_field_and_stores_nothing(w: World, path: str, value: object, named: str) -> None:
    before = (await w.http.get(f"{DORF}/policies")).json()["drafts"]
    body = problem(await w.http.post(f"{DORF}/drafts", json=changed(path, value)), 422, "invalid")
    assert named in body["detail"]
    assert (await w.http.get(f"{DORF}/policies")).json()["drafts"] == before


async def test_staff_says_who_acts(w: World) -> None:
    token = {"Authorization": AS_STAFF["Authorization"]}
    async with httpx.AsyncClient(base_url=w.service.url, headers=token) as nobody:
        assert "X-Acting-As" in problem(await nobody.get(f"{DORF}/policies"), 422, "invalid")["detail"]
        problem(await nobody.get(f"{DORF}/policies", headers={b"X-Acting-As": "\u00a0".encode()}), 422, "invalid")
        answer = await nobody.post(
            f"{DORF}/drafts", json=DARK_FROM_ELEVEN, headers={b"X-Acting-As": "Gemeindebüro Süd".encode()}
        )
        assert answer.json()["changed_by"] == "Gemeindebüro Süd"
    async with httpx.AsyncClient(base_url=w.service.url) as stranger:
        problem(await stranger.get(f"{DORF}/policies", headers={"X-Acting-As": "a stranger"}), 401, "unauthorized")


async def test_a_copy_goes_to_other_zones_of_the_same_village_alone(w: World) -> None:
    leck = f"{API}/leck/council/zones"
    made = await w.http.post(f"{leck}/hauptstrasse/policies/1/copy", json={"zones": ["kreuzung"]})
    assert made.status_code == 201, made.text
    (copy,) = made.json()["drafts"]
    assert (copy["zone"], copy["policy"]["along"], copy["policy"]["valid_from"]) == ("kreuzung", [], "2026-11-22")
    problem(await w.http.post(f"{leck}/hauptstrasse/policies/1/copy", json={"zones": ["dorf"]}), 404, "unknown")


async def test_an_exception_lights_the_street_at_once_and_withdrawn_leaves_it_dark(w: World) -> None:
    festival = {
        "name": "Dorffest",
        "first": "2026-11-21",
        "last": "2026-11-21",
        "steps": [{"at": "sunset", "level": 100}],
        "end": "sunrise",
    }
    await w.lights(municipality="luetjenholm")
    entered = await w.http.post(f"{DORF}/exceptions", json=festival)
    assert entered.status_code == 201, entered.text
    await w.lights(RELAY, municipality="luetjenholm")
    light = await w.light("luetjenholm/dorf", "lit")
    assert light["cause"] == "exception"
    now = (await w.http.get(f"{DORF}/explain?lang=en")).json()
    assert (now["present"], now["exception"]["name"], now["chain"][0]["cause"]) == (True, "Dorffest", "exception")
    assert [link["cause"] for link in now["reported"]] == ["exception"]
    before = (await w.http.get(f"{DORF}/explain", params={"at": "2026-11-22T01:00"})).json()
    assert (before["exception"], before["level"]) == (None, 0)

    name = entered.json()["id"]
    gone = await w.http.delete(f"{DORF}/exceptions/{name}")
    assert (gone.json()["entered_by"], gone.json()["withdrawn_by"]) == ("the clerk", "the clerk")
    await w.lights(municipality="luetjenholm")
    problem(await w.http.delete(f"{DORF}/exceptions/{name}"), 409, "conflict")
    (kept,) = (await w.http.get(f"{DORF}/exceptions")).json()["exceptions"]
    assert kept["withdrawn_at"] is not None


def question(**changes: object) -> Json:
    drafts = [{"name": "Dunkel ab 23 Uhr", "changes": [{"zone": "dorf", "policy": DARK_FROM_ELEVEN}]}]
    return {"from": "2026-12-01", "to": "2027-01-31", "drafts": drafts, "presses": {"seed": 3}, **changes}


async def test_a_simulation_says_what_a_draft_would_save(w: World) -> None:
    answer = await w.http.post(f"{COUNCIL}/simulations", json=question())
    assert answer.status_code == 200, answer.text
    body = answer.json()
    today, draft, all_night = body["report"]["scenarios"]
    kwh = [float(one["different_pressers"]["kwh"]) for one in (draft, today, all_night)]
    assert kwh == sorted(kwh)
    assert kwh[0] < kwh[1] < kwh[2]
    (change,) = draft["changes"]
    assert change["zone"] == "dorf"
    assert PolicyDocument.model_validate(change["policy"]) == PolicyDocument.model_validate(DARK_FROM_ELEVEN)

    csv = await w.http.get(f"{COUNCIL}/simulations/{body['id']}/csv")
    assert csv.headers["content-type"].startswith("text/csv")
    assert len(csv.text.splitlines()) == 1 + 3 * 2  # three scenarios, two months
    motion = await w.http.get(f"{COUNCIL}/simulations/{body['id']}/motion?lang=de")
    assert "Dunkel ab 23 Uhr" in motion.text
    assert "style-src 'sha256-" in motion.headers["content-security-policy"]
    problem(await w.http.get(f"{API}/leck/council/simulations/{body['id']}"), 404, "unknown")


async def test_a_long_simulation_is_a_job_to_poll_and_holds_up_no_press(w: World) -> None:
    years = question(**{"from": "2026-12-01", "to": "2031-11-30", "presses": {"seed": 3, "per_night": 20}})
    answer = await w.http.post(f"{COUNCIL}/simulations", json=years)
    assert answer.status_code == 202, answer.text
    where = answer.headers["location"]
    problem(await w.http.get(f"{where}/csv"), 409, "conflict")
    async with asyncio.timeout(5):
        await w.granted("luetjenholm/dorf")
    short = await w.http.post(f"{COUNCIL}/simulations", json=question(to="2026-12-02"))
    assert short.json()["state"] == "done", "a short one waited for a long one"

    async def poll() -> Json:
        body: Json = (await w.http.get(where)).json()
        return body

    halfway = await until(poll, lambda body: body["nights"] > 0, "some nights are done")
    assert halfway["of"] == 1826
    done = await until(poll, lambda body: body["state"] == "done", "the simulation is done", within=90)
    assert (done["nights"], done["report"]["presses"]["count"] > 10_000) == (1826, True)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"to": "2026-11-01"}, "to"),
        ({"to": "2036-11-01"}, "to"),
        ({"presses": None}, "to"),  # nobody has pressed yet in nights to come
        ({"drafts": []}, "drafts"),
        ({"drafts": [{"name": "today", "changes": [{"zone": "dorf", "policy": DARK_FROM_ELEVEN}]}]}, "drafts"),
        ({"drafts": [{"name": "x", "changes": [{"zone": "dorf"}]}]}, "drafts.0.changes.0"),
        ({"presses": {"seed": 1, "per_night": 1e6}}, "per_night"),
    ],
)
async def test_a_bad_question_names_its_field(w: World, changes: Json, named: str) -> None:
    body = problem(await w.http.post(f"{COUNCIL}/simulations", json=question(**changes)), 422, "invalid")
    assert named in body["detail"]


async def test_the_command_line_gives_the_same_figures(w: World, tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    file.write_text(json.dumps(DARK_FROM_ELEVEN), "utf-8")
    by_api = (await w.http.post(f"{COUNCIL}/simulations", json=question())).json()["report"]
    words = ("--draft", f"dorf={file}", "--from", "2026-12-01", "--to", "2027-01-31", "--seed", "3")
    done = await asyncio.to_thread(_simulate, w, *words)
    assert done.returncode == 0, done.stderr
    by_hand = json.loads(done.stdout)
    by_hand["scenarios"][1]["name"] = "Dunkel ab 23 Uhr"
    assert by_hand == by_api
    page = tmp_path / "motion.html"
    done = await asyncio.to_thread(_simulate, w, *words, "--format", "html", "--out", str(page))
    assert done.returncode == 0, done.stderr
    assert "Lütjenholm" in page.read_text("utf-8")


async def test_the_command_line_says_in_a_sentence_what_is_wrong(w: World, tmp_path: Path) -> None:
    file = tmp_path / "draft.toml"
    file.write_text("valid_from = 2026-12-01\n", "utf-8")
    for words, named in (
        (("--draft", f"dorf={file}"), "press"),
        (("--draft", "dorf"), "ZONE="),
        (("--draft", f"dorf={file}", "--draft", f"dorf={file}"), "something else of dorf already"),
        (("--draft", "dorf=draft-nobody-has"), "draft-nobody-has"),
        (("--draft", f"dorf={tmp_path / 'missing.toml'}"), "missing.toml"),
    ):
        done = await asyncio.to_thread(_simulate, w, *words)
        assert done.returncode != 0
        assert named in done.stderr
        assert "Traceback" not in done.stderr


def _simulate(w: World, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "service", "simulate-policy", "luetjenholm", *words]
    environ = clean(os.environ) | dict(w.service.environment)
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=60)
