"""The broker dies: the service stays up and says what it does not know; all heals when the broker is back."""

from tests.e2e.conftest import Open
from tests.e2e.stream import listening
from tests.e2e.waiting import until
from tests.e2e.witness import Witness
from tests.support.villages import LUETJENHOLM

CABINET = "luetjenholm/cabinet-1/1"


async def test_nothing_is_claimed_while_the_broker_is_away_and_all_heals(world: Open) -> None:
    async with world(LUETJENHOLM) as w, listening(w.http, "luetjenholm") as stream:
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        witness = Witness(w.village)

        await w.kill_broker()
        zone = await stream.zone("dorf", lambda zone: zone["light"]["state"] == "unknown")
        light = zone["light"]
        assert (light["cause"], light["until"], light["lamps_lit"]) == (None, None, None)
        assert light["lamps_unknown"] == 32
        assert light["confirmed_at"] is not None, "the last word is told with its age"
        assert (zone["press"]["allowed"], zone["press"]["reason"]) == (False, "unreachable")
        status, health = await w.health()
        assert (status, health) == (503, {"ready": False, "store": True, "broker": False, "conductor": True})
        refused = await w.press("luetjenholm/dorf")
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["reason"] == "unreachable"
        assert int(refused.headers["retry-after"]) >= 1

        await w.start_broker()
        await w.village.wait_connected()
        await stream.zone("dorf", lambda zone: zone["light"]["state"] == "lit" and zone["light"]["lamps_lit"])
        assert w.service.running
        await w.ready()
        assert witness.changes == [], "the lamps never noticed"
        again = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", again["id"], "lit")
        assert not stream.ended


async def test_a_broker_that_comes_late_is_found(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        await w.kill_service()
        await w.kill_broker()
        w.service.start()
        await until(w.health_or_nothing, lambda seen: seen[0] == 503, "the service is up without a broker", within=60)
        assert (await w.zone("luetjenholm/dorf"))["light"]["state"] == "unknown"
        await w.start_broker()
        await w.village.wait_connected()
        await w.ready()
        await w.light("luetjenholm/dorf", "dark")
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        assert w.lit() == {CABINET}
