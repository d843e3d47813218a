"""Controllers come and go: offline by their last will, back without a false word, unreachable when all are gone."""

import asyncio
import json
from pathlib import Path

from tests.e2e.conftest import Open
from tests.e2e.stream import listening
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.support.villages import pair


async def _status(w: World, controller: str) -> dict[str, object]:
    """What the broker keeps of a controller's status."""
    async with w.wiretap(f"dorflicht/v1/{controller}/status") as wire, asyncio.timeout(10):
        async for message in wire.messages:
            kept: dict[str, object] = json.loads(message.payload)
            return kept
    raise AssertionError("the wire ended")


async def test_a_dead_controller_is_offline_and_the_zone_says_so(world: Open, tmp_path: Path) -> None:
    async with world(pair(tmp_path)) as w, listening(w.http, "pair") as stream:
        await stream.zone("weg", lambda zone: zone["light"]["state"] == "dark" and not zone["light"]["lamps_unknown"])
        await w.village["pair/lamp-1"].kill()
        zone = await stream.zone("weg", lambda zone: zone["light"]["lamps_unknown"] == 1)
        assert zone["light"]["state"] == "dark"
        assert zone["press"]["allowed"]
        assert (await _status(w, "pair/lamp-1"))["online"] is False

        lease = await w.granted("pair/weg")
        assert lease["outputs_total"] == 1, "a lamp known to be offline is not waited for"
        await w.lease_until("pair", lease["id"], "lit")
        light = await w.light("pair/weg", "partly")
        assert (light["lamps_total"], light["lamps_lit"], light["lamps_unknown"]) == (2, 1, 1)
        assert w.lit() == {"pair/lamp-2/1"}

        w.village["pair/lamp-1"].start()
        await w.lights("pair/lamp-1/1", "pair/lamp-2/1")
        await stream.zone("weg", lambda zone: zone["light"]["lamps_lit"] == 2 and not zone["light"]["lamps_unknown"])

        await asyncio.gather(*(device.kill() for device in w.village.devices.values()))
        zone = await stream.zone("weg", lambda zone: zone["press"]["reason"] == "unreachable")
        assert zone["light"]["state"] == "unknown"
        refused = await w.press("pair/weg")
        assert (refused.status_code, refused.json()["reason"]) == (503, "unreachable")
        assert int(refused.headers["retry-after"]) >= 1


async def test_a_controller_that_died_with_the_broker_is_not_online_by_what_was_kept(
    world: Open, tmp_path: Path
) -> None:
    async with world(pair(tmp_path)) as w:
        lease = await w.granted("pair/weg")
        await w.lease_until("pair", lease["id"], "lit")
        if w.broker.name == "Mosquitto":  # the embedded one keeps nothing
            await until(lambda: w.kept_by_mosquitto("pair/lamp-1/status"), what="Mosquitto has saved the birth")
        await w.kill_broker()  # a broker that dies sends no wills
        await w.village["pair/lamp-1"].kill()
        await w.start_broker()
        await w.village.wait_connected()
        await w.ready()
        light = (await until(lambda: w.zone("pair/weg"), lambda zone: zone["light"]["lamps_unknown"] == 1))["light"]
        assert light["state"] == "partly"
        assert light["lamps_lit"] == 1


async def test_a_quick_reconnect_leaves_nobody_falsely_offline(world: Open, tmp_path: Path) -> None:
    async with world(pair(tmp_path)) as w, listening(w.http, "pair") as stream:
        device = w.village["pair/lamp-1"]
        await stream.zone("weg", lambda zone: zone["light"]["state"] == "dark" and not zone["light"]["lamps_unknown"])
        session = device.core.session
        await w.reconnect("pair/lamp-1")
        # The will of the connection before may come late, by any way: it speaks of an older session.
        async with w.wiretap() as wire:
            will = json.dumps({"online": False, "session": session})
            await wire.publish("dorflicht/v1/pair/lamp-1/status", will, qos=1, retain=True)
        await until(
            lambda: _status(w, "pair/lamp-1"),
            lambda kept: kept == {"online": True, "session": device.core.session},
            "the controller announces itself again",
        )
        lease = await w.granted("pair/weg")
        assert lease["outputs_total"] == 2
        await stream.zone("weg", lambda zone: zone["light"]["lamps_lit"] == 2)
        assert (await w.zone("pair/weg"))["light"]["lamps_unknown"] == 0
        assert "older session" in w.service.output()
