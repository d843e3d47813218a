"""The link of a controller on a real broker: birth, will, return, orders and reports; and the village as a program."""

import asyncio
import functools
import json
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from device_sim import Village
from device_sim.memory import Memory
from service.domain.inventory import ControllerKey
from service.wire.access import new_secret
from tests.support.broker_process import ROOT, BrokerProcess
from tests.support.ear import PATIENCE_S, Listening
from tests.support.embedded_broker import embedded_broker
from tests.support.poles import HOUR, MINUTE, T, plan, step

LECK = ROOT / "tests" / "fixtures" / "leck.toml"
KEY = ControllerKey("leck", "cabinet-1")
BASE = "dorflicht/v1/leck/cabinet-1"


@pytest.fixture(scope="module")
def lasting_broker() -> Iterator[BrokerProcess]:
    with embedded_broker() as broker:
        yield broker


@pytest.fixture
async def broker(lasting_broker: BrokerProcess) -> BrokerProcess:
    """A broker that runs and has kept nothing, whatever the test before did to it."""
    if lasting_broker.process is None:
        await asyncio.to_thread(lasting_broker.start)
    async with lasting_broker.service_client("broom") as broom:
        for leaf in ("plan", "desired", "status", "report"):
            await broom.publish(f"{BASE}/{leaf}", b"", qos=1, retain=True)
    return lasting_broker


@pytest.fixture
async def village(broker: BrokerProcess, tmp_path: Path) -> AsyncIterator[Village]:
    secret = new_secret()
    await broker.access.add({KEY: secret})
    village = Village(
        [LECK], {"leck/cabinet-1": secret}, port=broker.port, state_dir=tmp_path, demo=True, backoff_most_s=0.5
    )
    yield village
    await village.stop()


def of_session(session: int, report: dict[str, Any]) -> bool:
    """Whether a report belongs to a session."""
    return bool(report["session"] == session)


def kept(tmp_path: Path) -> dict[str, Any]:
    """The journal on disk."""
    return Memory(tmp_path, "leck.cabinet-1").load()[0]


async def test_birth_report_and_a_clean_end(broker: BrokerProcess, village: Village) -> None:
    async with Listening(broker, BASE) as ear:
        async with village:
            await ear.until("report", lambda report: report["session"] == 1)
        await ear.until("status", lambda status: not status["online"])
        assert ear.all("status") == [{"online": True, "session": 1}, {"online": False, "session": 1}]
        first = ear.all("report")[0]
        assert (first["clock"], first["at"], first["boot"]) == ("unset", None, 1)
        assert first["outputs"] == {"1": {"level": 0, "cause": "schedule"}, "2": {"level": 100, "cause": "safety"}}
        assert first["meters"]["1"]["outputs"] == ["1", "2"]


async def test_a_killed_controller_is_offline_by_its_will_and_returns_with_a_new_session_and_boot(
    broker: BrokerProcess, village: Village
) -> None:
    async with Listening(broker, BASE) as ear, village:
        await ear.until("status", lambda status: status["online"])
        await village["leck/cabinet-1"].kill()
        await ear.until("status", lambda status: status == {"online": False, "session": 1})
        assert village["leck/cabinet-1"].levels == {"1": 0, "2": 0}
        village["leck/cabinet-1"].start()
        await village.wait_connected()
        await ear.until("status", lambda status: status == {"online": True, "session": 2})
        await ear.until("report", lambda report: (report["boot"], report["session"]) == (2, 2))


async def test_a_quick_reconnect_leaves_no_false_offline(broker: BrokerProcess, village: Village) -> None:
    async with Listening(broker, BASE) as ear, village:
        for session in (2, 3, 4):
            village["leck/cabinet-1"].drop()
            birth = {"online": True, "session": session}
            await ear.until("status", birth.__eq__)
            await ear.until("report", functools.partial(of_session, session))
        assert {report["boot"] for report in ear.all("report")} == {1}
        async with broker.service_client("late") as late:
            await late.subscribe(f"{BASE}/status", qos=1)
            async with asyncio.timeout(PATIENCE_S):
                retained = await anext(late.messages)
        assert isinstance(retained.payload, bytes)
        assert json.loads(retained.payload) == {"online": True, "session": 4}


@pytest.mark.parametrize("lie", [b'{"online": false, "session": 1}', b'{"online": true, "session": 0}', b""])
async def test_a_status_that_is_not_its_own_makes_it_announce_itself_again(
    broker: BrokerProcess, village: Village, lie: bytes
) -> None:
    async with Listening(broker, BASE) as ear, village:
        await ear.until("status", lambda status: status["online"])
        since = len(ear.heard)
        await ear.client.publish(f"{BASE}/status", lie, qos=1, retain=True)
        await ear.until("status", lambda status: status == {"online": True, "session": 1}, since)


async def test_a_session_that_was_used_before_makes_it_connect_with_a_higher_one(
    broker: BrokerProcess, village: Village
) -> None:
    async with Listening(broker, BASE) as ear:
        await ear.say("status", {"online": False, "session": 40})
        async with village:
            await ear.until("status", lambda status: status == {"online": True, "session": 41})
            await ear.until("report", lambda report: report["session"] == 41)


async def test_it_subscribes_again_after_the_broker_restarted(broker: BrokerProcess, village: Village) -> None:
    async with village:
        await asyncio.to_thread(broker.kill)
        await asyncio.to_thread(broker.start)
        await village.wait_connected()
        async with Listening(broker, BASE) as ear:
            now = T
            await ear.time(now)
            await ear.until("report", lambda report: report["clock"] == "valid")
            await ear.say("desired", {"desired_n": 1, "at": now, "outputs": {"1": [step(now, now + HOUR)]}})
            await ear.until("report", lambda report: report["outputs"]["1"] == {"level": 100, "cause": "press"})


async def test_every_order_and_plan_is_answered_ignored_ones_too(broker: BrokerProcess, village: Village) -> None:
    async with Listening(broker, BASE) as ear, village:
        await ear.time(T)
        await ear.say("plan", plan(3))
        await ear.until("report", lambda report: report["plan_n"] == 3)
        lit = {"desired_n": 5, "at": T, "outputs": {"1": [step(T, T + HOUR)]}}
        await ear.say("desired", lit)
        await ear.until("report", lambda report: report["outputs"]["1"]["cause"] == "press")
        for body in (lit, {**lit, "desired_n": 4}, {"desired_n": "x"}):
            since = len(ear.heard)
            await ear.say("desired", body, retain=False)
            answer = await ear.until("report", lambda _: True, since)
            assert (answer["desired_n"], answer["outputs"]["1"]["level"]) == (5, 100)
        reports = [report["seq"] for report in ear.all("report")]
        assert reports == sorted(set(reports))


async def test_light_ends_by_itself_after_the_broker_died(broker: BrokerProcess, village: Village) -> None:
    async with village:
        device = village["leck/cabinet-1"]
        async with Listening(broker, BASE) as ear:
            await ear.time(T, speed=600)
            await ear.say("plan", plan(1, ends=T + 100 * HOUR))
            await ear.say("desired", {"desired_n": 1, "at": T, "outputs": {"1": [step(T, T + 20 * MINUTE)]}})
            await ear.until("report", lambda report: report["outputs"]["1"]["level"] == 100)
        await asyncio.to_thread(broker.kill)
        await device.wait_level("1", 0, PATIENCE_S)


async def test_the_session_is_on_disk_before_connect(tmp_path: Path) -> None:
    seen: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect = await reader.read(1000)
        seen.put_nowait((connect, kept(tmp_path)["session"]))
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    village = Village([LECK], None, port=server.sockets[0].getsockname()[1], state_dir=tmp_path)
    village.start()
    async with asyncio.timeout(PATIENCE_S):
        connect, session = await seen.get()
    await village.stop()
    server.close()
    assert session == 1
    assert b'{"online": false, "session": 1}' in connect


async def test_a_power_cycle_without_broker_lights_no_lease_again(
    broker: BrokerProcess, village: Village, tmp_path: Path
) -> None:
    async with village:
        device = village["leck/cabinet-1"]
        async with Listening(broker, BASE) as ear:
            await ear.time(T)
            await ear.say("desired", {"desired_n": 9, "at": T, "outputs": {"1": [step(T, T + HOUR)]}})
            await ear.until("report", lambda report: report["outputs"]["1"]["level"] == 100)
        await asyncio.to_thread(broker.kill)
        await device.power_cycle()
        assert device.levels["1"] == 0
        assert kept(tmp_path)["desired_n"] == 9
        await asyncio.to_thread(broker.start)
        await village.wait_connected()
        assert kept(tmp_path)["session"] >= 2


async def test_skipped_demo_time_is_reported_at_each_change_with_its_own_moment(
    broker: BrokerProcess, village: Village
) -> None:
    async with Listening(broker, BASE) as ear, village:
        await ear.say("plan", plan(1, [(T, 0), (T + 2 * HOUR, 100), (T + 5 * HOUR, 0)]))
        await ear.until("report", lambda report: report["plan_n"] == 1)
        await ear.time(T)
        await ear.until("report", lambda report: report["at"] is not None)
        since = len(ear.heard)
        await ear.time(T + 8 * HOUR)
        last = await ear.until("report", lambda report: report["at"] >= T + 8 * HOUR, since)
        lived = [report for leaf, report in ear.heard[since:] if leaf == "report"]
        assert [(report["at"] - T) // HOUR for report in lived] == [2, 5, 8]
        assert [report["outputs"]["1"]["level"] for report in lived] == [100, 0, 0]
        totals = [report["meters"]["1"]["wh_total"] for report in lived]
        assert totals == sorted(totals)
        assert 2.8 * 80 <= (totals[1] - totals[0]) - 3 * 60 <= 3.2 * 80, "three hours of two lamps, and the safety lamp"
        assert last["burn_s"]["1"] == 3 * 3600


async def test_a_heartbeat_comes_without_any_change(broker: BrokerProcess, tmp_path: Path) -> None:
    secret = new_secret()
    await broker.access.add({KEY: secret})
    credentials = {"leck/cabinet-1": secret}
    village = Village([LECK], credentials, port=broker.port, state_dir=tmp_path, heartbeat_ms=100)
    async with Listening(broker, BASE) as ear, village:
        await ear.until("report", lambda report: report["seq"] == 5)


async def test_the_program_tells_what_matters_and_ends_in_order(broker: BrokerProcess, tmp_path: Path) -> None:
    secret = new_secret()
    await broker.access.add({KEY: secret})
    (tmp_path / "credentials.json").write_text(json.dumps({"leck/cabinet-1": secret}), "utf-8")
    words = ["--villages", LECK, "--credentials", tmp_path / "credentials.json", "--state-dir", tmp_path / "state"]
    async with Listening(broker, BASE) as ear:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "device_sim",
            *map(str, words),
            "--port",
            str(broker.port),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            assert await process.stdout.readline() == b"3 lamps on 1 controllers connected\n"
            await asyncio.to_thread(broker.kill)
            assert b"broker is gone" in await process.stdout.readline()
            await asyncio.to_thread(broker.start)
            assert await process.stdout.readline() == b"3 lamps on 1 controllers connected\n"
    async with Listening(broker, BASE) as ear:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE_S):
            assert await process.stdout.read() == b""
            assert await process.wait() == 0
        await ear.until("status", lambda status: not status["online"])


async def test_the_program_says_in_one_sentence_what_it_cannot_use(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "device_sim",
        "--villages",
        str(tmp_path / "none.toml"),
        "--state-dir",
        str(tmp_path),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 2
    assert said.count(b"\n") == 1
    assert b"none.toml" in said
