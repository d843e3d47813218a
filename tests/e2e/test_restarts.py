"""Restarts: nothing switches that the plan does not switch, and nobody is announced who has not spoken."""

from pathlib import Path

from tests.e2e.conftest import Open
from tests.e2e.witness import Witness
from tests.support.villages import LECK, LUETJENHOLM, pair

CABINET = "luetjenholm/cabinet-1/1"
CROSSING = "leck/cabinet-1/2"


async def test_restarts_switch_nothing(world: Open) -> None:
    async with world(LUETJENHOLM, LECK) as w:
        await w.lights(CROSSING)
        witness = Witness(w.village)
        await w.restart_service()
        await w.light("luetjenholm/dorf", "dark")
        await w.restart_broker()
        await w.light("luetjenholm/dorf", "dark")
        for key in ("luetjenholm/cabinet-1", "leck/cabinet-1"):
            await w.reconnect(key)
        await w.light("luetjenholm/dorf", "dark")
        assert witness.changes == []

        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        witness.changes.clear()
        await w.restart_service()
        await w.light("luetjenholm/dorf", "lit")
        await w.restart_broker()
        await w.light("luetjenholm/dorf", "lit")
        assert witness.changes == [], "a lit street stays lit"
        await w.clock(minutes=13)
        await w.lights(CROSSING)

        # A controller without a clock keeps its safety output on and the other off until it knows more.
        witness.changes.clear()
        for key in ("luetjenholm/cabinet-1", "leck/cabinet-1"):
            await w.village[key].power_cycle()
        await w.village.wait_connected()
        await w.light("leck/kreuzung", "lit")
        await w.light("luetjenholm/dorf", "dark")
        assert CABINET not in {change.output for change in witness.changes}
        assert all(change.level for change in witness.changes), "the crossing never went dark"


async def test_a_start_announces_nobody_who_has_not_spoken(world: Open, tmp_path: Path) -> None:
    async with world(pair(tmp_path)) as w:
        lease = await w.granted("pair/weg")
        await w.lease_until("pair", lease["id"], "lit")
        await w.kill_service()
        await w.stop_lamps()
        await w.kill_broker()
        w.forget_retained()
        await w.start_broker()
        await w.start_service()
        light = (await w.zone("pair/weg"))["light"]
        assert light["state"] == "unknown"
        assert (light["cause"], light["until"], light["lamps_lit"], light["lamps_unknown"]) == (None, None, None, 2)
        assert light["confirmed_at"] is not None, "the last word is told with its age"
        assert (await w.granted("pair/weg"))["outputs_total"] == 2, "unknown alone is granted"
