"""First light: a press, real messages, modelled lamps, and the way back into the dark."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from device_sim import SimDevice
from tests.e2e.conftest import Open
from tests.e2e.stream import listening
from tests.e2e.waiting import until
from tests.e2e.witness import Witness
from tests.e2e.world import API, AS_STAFF, World, opened
from tests.support.broker_process import BrokerProcess
from tests.support.embedded_broker import embedded_broker
from tests.support.postgres import running_postgres
from tests.support.villages import GLASAU, LECK, LUETJENHOLM

CABINET = "luetjenholm/cabinet-1/1"
THE_NIGHT = {"from": "2026-11-21", "to": "2026-11-21"}
EVENING = datetime(2026, 11, 21, 21, 10, tzinfo=UTC)
"""22:10 in Berlin: Glasau is dimmed to half, and dark from 23:00 on."""


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def test_a_press_lights_the_village_and_the_light_ends_by_itself(world: Open) -> None:
    async with world(LUETJENHOLM) as w, listening(w.http, "luetjenholm") as stream:
        await stream.zone("dorf", lambda zone: zone["light"]["state"] == "dark")
        witness = Witness(w.village)
        async with w.wiretap("dorflicht/v1/luetjenholm/cabinet-1/desired") as wire:
            lease = await w.granted("luetjenholm/dorf")
            assert lease["state"] == "granted"
            assert (lease["outputs_confirmed"], lease["outputs_total"]) == (0, 1)
            assert _moment(lease["until"]) - _moment(lease["from"]) == timedelta(minutes=12)
            order = await _order_of(wire, lease["id"])
        assert order["level"] == 100
        assert order["cause"] == "press"
        assert datetime.fromtimestamp(order["until"] / 1000, UTC) == _moment(lease["until"])

        zone = await stream.zone("dorf", lambda zone: zone["light"]["state"] == "lit" and zone["light"]["lamps_lit"])
        assert w.lit() == {CABINET}
        light = zone["light"]
        assert (light["level"], light["cause"], light["basis"]) == (100, "press", "meter")
        assert (light["lamps_total"], light["lamps_unknown"]) == (32, 0)
        assert light["lamps_lit"] in (31, 32)
        assert light["until"] == lease["until"]
        done = await w.lease_until("luetjenholm", lease["id"], "lit")
        assert (done["outputs_confirmed"], done["outputs_total"]) == (1, 1)

        await w.clock(minutes=11)
        assert w.lit() == {CABINET}
        await w.clock(minutes=1)
        await stream.zone("dorf", lambda zone: zone["light"]["state"] == "dark")
        assert [(change.output, change.level) for change in witness.changes] == [(CABINET, 100), (CABINET, 0)]
        assert abs(witness.changes[1].at - _moment(lease["until"])) < timedelta(seconds=2)


async def _order_of(wire: aiomqtt.Client, lease: str) -> dict[str, Any]:
    """The step that a lease brought onto the wire."""
    async for message in wire.messages:
        for steps in json.loads(message.payload)["outputs"].values():
            for step in steps:
                if step.get("ref") == lease:
                    return dict(step)
    raise AssertionError("the wire ended")


async def test_the_night_s_energy_is_told_by_cause_to_staff_and_without_presses_to_all(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        device = w.village["luetjenholm/cabinet-1"]
        before = device.load.total_mwh("1")
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        await w.clock(minutes=13)
        await w.light("luetjenholm/dorf", "dark")
        told = await w.http.get(f"{API}/luetjenholm/council/energy", params=THE_NIGHT, headers=AS_STAFF)
        assert (told.status_code, "not over" in told.text) == (422, True), "nobody may see a press the same night"

        await w.clock(minutes=11 * 60)
        by_cause = await until(
            lambda: _energy(w, "/council", by="cause"),
            lambda found: found.get("schedule") and sum(found.values()) == pytest.approx(_burned(device, before)),
            "the meter's advance since the evening",
        )
        burned = _burned(device, before)
        assert by_cause["press"] == pytest.approx(32 * 25 * 12 / 60, rel=0.03)
        assert by_cause["schedule"] == pytest.approx(32 * 25 * 2.5, rel=0.1)
        public = await _energy(w, "", by="night")
        assert public == {"2026-11-21": pytest.approx(by_cause["schedule"], abs=50)}, "rounded to 100 Wh"
        assert await _energy(w, "/council", by="night") == {"2026-11-21": pytest.approx(burned, abs=0.01)}
        assert sum((await _energy(w, "/council", by="hour")).values()) == pytest.approx(by_cause["schedule"])


def _burned(device: SimDevice, before: int) -> float:
    """Wh by the meter since it stood at `before`."""
    return (device.load.total_mwh("1") - before) / 1000


async def _energy(w: World, whose: str, by: str) -> dict[str, float]:
    answer = await w.http.get(
        f"{API}/luetjenholm{whose}/energy",
        params={**THE_NIGHT, "by": by},
        headers=AS_STAFF if whose else {},
    )
    assert answer.status_code == 200, answer.text
    return {part["label"]: part["wh"] for part in answer.json()["energy"]}


async def test_only_the_pressed_zone_lights_and_dimmed_lamps_keep_their_level(world: Open) -> None:
    async with world(GLASAU, start=EVENING) as w:
        await until(lambda: _levels(w), lambda seen: set(seen.values()) == {50}, "all lamps dimmed")
        witness = Witness(w.village)
        lease = await w.granted("glasau/kirchweg")
        assert lease["outputs_total"] == 28
        done = await w.lease_until("glasau", lease["id"], "lit")
        assert done["outputs_confirmed"] == 28

        full = {output for output, level in _levels(w).items() if level == 100}
        assert len(full) == 28
        assert {change.output for change in witness.changes} == full
        light = (await w.zone("glasau/kirchweg"))["light"]
        assert (light["state"], light["level"], light["cause"], light["basis"]) == ("lit", 100, "press", "report")
        assert light["lamps_lit"] == 28
        other = (await w.zone("glasau/dorfstrasse"))["light"]
        assert (other["level"], other["cause"]) == (50, "schedule")

        await w.clock(minutes=16)
        await until(lambda: _levels(w), lambda seen: set(seen.values()) == {50}, "all lamps back at half")
        assert {(change.output, change.level) for change in witness.changes} == {
            (output, level) for output in full for level in (50, 100)
        }


def _levels(w: World) -> dict[str, int]:
    return {f"{key}/{n}": level for key, device in w.village.devices.items() for n, level in device.levels.items()}


async def test_a_press_lights_along_what_a_safety_output_gives_already(world: Open) -> None:
    async with world(LECK) as w:
        await w.lights("leck/cabinet-1/2")
        witness = Witness(w.village)
        listed = (await w.http.get(f"{API}/leck/zones")).json()["zones"]
        assert [zone["id"] for zone in listed] == ["hauptstrasse"]

        lease = await w.granted("leck/hauptstrasse")
        assert lease["zones"] == ["hauptstrasse", "kreuzung"]
        done = await w.lease_until("leck", lease["id"], "lit")
        assert (done["outputs_confirmed"], done["outputs_total"]) == (2, 2)
        crossing = (await w.zone("leck/kreuzung"))["light"]
        assert (crossing["level"], crossing["cause"]) == (100, "safety")
        street = (await w.zone("leck/hauptstrasse"))["light"]
        assert (street["level"], street["cause"]) == (100, "press")

        await w.clock(minutes=11)
        await w.lights("leck/cabinet-1/2")
        assert {change.output for change in witness.changes} == {"leck/cabinet-1/1"}, "the crossing never changed"


async def test_first_light_on_postgresql(tmp_path: Path) -> None:
    with embedded_broker() as broker, running_postgres(durable=False) as server, server.database() as database:
        await _first_light_on(broker, database, tmp_path)


async def _first_light_on(broker: BrokerProcess, database: str, folder: Path) -> None:
    async with opened(broker, [LUETJENHOLM, GLASAU], folder, database=database) as w:
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        assert w.lit() == {CABINET}
        await w.kill_service()
        await w.start_service()
        assert (await w.lease("luetjenholm", lease["id"]))["state"] == "lit"
        await w.clock(minutes=13)
        await w.light("luetjenholm/dorf", "dark")
