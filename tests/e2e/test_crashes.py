"""Power cuts and kill -9: no grant is lost, no light stays on, no order is disobeyed for an old counter."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Open
from tests.e2e.test_first_light import EVENING
from tests.e2e.waiting import until
from tests.e2e.witness import Witness
from tests.e2e.world import NIGHT, Json, World
from tests.support.villages import LUETJENHOLM, pair

CABINET = "luetjenholm/cabinet-1/1"
PAIR = {"pair/lamp-1/1", "pair/lamp-2/1"}


async def test_no_granted_press_is_lost_by_a_kill_at_any_moment(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        granted: dict[str, Json] = {}
        for answers in (1, 3):
            granted |= await _killed_after(w, answers)
            await w.start_service()
        assert len(granted) >= 4
        for key, lease in granted.items():
            kept = await w.lease_until("luetjenholm", lease["id"], "lit")
            assert (kept["from"], kept["until"]) == (lease["from"], lease["until"])
            again = await w.granted("luetjenholm/dorf", **{"Idempotency-Key": key})
            assert again == lease, "the answer was kept with the lease"
        assert w.lit() == {CABINET}


async def _killed_after(w: World, answers: int) -> dict[str, Json]:
    """Press many times at once and kill the service as soon as so many were granted; what was granted, by key."""
    process = w.service.process
    assert process is not None
    granted: dict[str, Json] = {}

    async def one(key: str) -> None:
        try:
            answer = await w.press("luetjenholm/dorf", **{"Idempotency-Key": key})
        except httpx.TransportError:
            return  # killed before it could answer
        assert answer.status_code == 201
        granted[key] = answer.json()["lease"]
        if len(granted) == answers:
            process.kill()

    await asyncio.gather(*(one(f"press-{answers}-{n}") for n in range(8)))
    await w.kill_service()
    return granted


async def test_a_grant_whose_order_never_went_out_is_carried_out_after_the_restart(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        await w.light("luetjenholm/dorf", "dark")
        # A broker that hangs takes no order; killed together with the service, it never passes one on.
        w.broker.freeze()
        lease = await w.granted("luetjenholm/dorf")
        await w.kill_service()
        await w.kill_broker()
        assert w.lit() == set()

        await w.start_broker()
        await w.start_service()
        kept = await w.lease_until("luetjenholm", lease["id"], "lit")
        assert kept["until"] == lease["until"]
        assert w.lit() == {CABINET}
        await w.clock(minutes=12)
        await w.lights()


@pytest.mark.parametrize(("start", "plan"), [(NIGHT, 0), (EVENING, 50)], ids=["night", "evening"])
async def test_light_ends_with_broker_and_service_dead(world: Open, tmp_path: Path, start: datetime, plan: int) -> None:
    async with world(pair(tmp_path), start=start) as w:
        await until(lambda: _levels(w), lambda seen: seen == {plan}, "the plan's level")
        await w.clock(speed=10)
        witness = Witness(w.village)
        lease = await w.granted("pair/weg")
        await until(lambda: _levels(w), lambda seen: seen == {100}, "lit")
        await w.kill_service()
        await w.kill_broker()

        await until(lambda: _levels(w), lambda seen: seen == {plan}, "back to the plan without anybody")
        ended = [change for change in witness.changes if change.level == plan]
        assert {change.output for change in ended} == PAIR
        for change in ended:
            assert abs(change.at - datetime.fromisoformat(lease["until"])) < timedelta(seconds=5)
        assert len(witness.changes) == 4, "each lamp was lit once and went back once"


def _levels(w: World) -> set[int]:
    return {level for device in w.village.devices.values() for level in device.levels.values()}


async def test_a_power_cut_in_a_lit_street_lights_nothing_again_by_itself(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        device = w.village["luetjenholm/cabinet-1"]
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        await w.kill_service()
        await asyncio.to_thread(w.broker.stop)  # in order, so that Mosquitto surely keeps what was retained
        await device.power_cycle()
        assert w.lit() == set()
        witness = Witness(w.village)

        # Back comes the broker alone, and Mosquitto has kept the order. Without a clock it is not believed.
        await w.start_broker()
        await w.village.wait_connected()
        if w.broker.name == "Mosquitto":  # the embedded one keeps nothing
            await until(lambda: device.core._orders._last is not None, what="the kept order has arrived")
        assert witness.changes == []

        # The lease still runs: who knows the time may light it again, and it ends when it was to end.
        await w.start_service()
        await w.lights(CABINET)
        await w.clock(minutes=12)
        await w.lights()
        assert abs(witness.changes[-1].at - datetime.fromisoformat(lease["until"])) < timedelta(seconds=5)


@pytest.mark.parametrize("lamps", ["online", "later"])
async def test_a_fresh_database_is_obeyed_by_old_controllers(world: Open, lamps: str) -> None:
    async with world(LUETJENHOLM) as w:
        device = w.village["luetjenholm/cabinet-1"]
        for _ in range(3):
            lease = await w.granted("luetjenholm/dorf")
            await w.lease_until("luetjenholm", lease["id"], "lit")
        await w.clock(minutes=13)
        await w.lights()
        old = device.core.desired_n
        assert old >= 3

        await w.kill_service()
        if lamps == "later":  # neither the broker nor the service knows how far the controller has counted
            await w.stop_lamps()
            await w.kill_broker()
            w.forget_retained()
            await w.start_broker()
        await w.fresh_database()
        await w.start_service()
        if lamps == "later":
            await w.start_lamps()
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        assert device.core.desired_n > old
        assert w.lit() == {CABINET}
        await w.clock(minutes=12)
        await w.light("luetjenholm/dorf", "dark")
