"""The push-button at a cabinet: judged like any press while somebody answers, and never left without an answer."""

from datetime import UTC, datetime, timedelta

from tests.e2e.conftest import Open
from tests.e2e.waiting import until
from tests.e2e.witness import Witness
from tests.e2e.world import API, AS_STAFF, NIGHT, World
from tests.support.villages import LUETJENHOLM

KEY, RELAY = "luetjenholm/cabinet-1", "luetjenholm/cabinet-1/1"
DAY = datetime(2026, 11, 22, 11, 30, tzinfo=UTC)


async def ordered(w: World, n: int) -> None:
    """Wait until the cabinet has taken an order beyond the `n`-th."""
    await until(lambda: w.village[KEY].core.desired_n, lambda seen: seen > n, "an answer to the button")


async def test_a_button_is_judged_like_any_press(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        device = w.village[KEY]
        device.press_button("1")
        await w.lights(RELAY, within=2)
        assert device.core.outputs["1"].cause == "press"
        light = await w.light("luetjenholm/dorf", "lit")
        assert light["cause"] == "press"
        before = device.core.desired_n
        device.press_button("1")  # again, for longer light
        await ordered(w, before)
        assert device.core.outputs["1"].cause == "press"


async def test_a_refusal_is_an_answer_too(world: Open) -> None:
    async with world(LUETJENHOLM, start=DAY) as w:
        device, witness = w.village[KEY], Witness(w.village)
        before = device.core.desired_n
        device.press_button("1")
        await ordered(w, before)
        assert not device.core._buttons.waits("1"), "it knows that it was heard"
        await w.clock(minutes=1)
        await w.light("luetjenholm/dorf", "dark")
        assert witness.changes == []


async def test_with_the_service_away_the_button_lights_its_own_output_and_tells_later(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        device = w.village[KEY]
        await w.kill_service()
        device.press_button("1")
        await w.lights(RELAY)
        assert device.core.outputs["1"].cause == "local"
        await w.start_service()
        light = await w.light("luetjenholm/dorf", "lit")
        assert light["cause"] == "local", "it was served and is not judged again"
        await w.clock(minutes=13)
        await w.lights()


async def test_with_the_broker_away_the_button_helps_itself_at_once(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        device = w.village[KEY]
        await w.kill_broker()
        await until(lambda: device.connected, lambda up: not up, "the cabinet misses the broker")
        device.press_button("1")
        await device.wait_level("1", 100, timeout_s=2)
        assert device.core.outputs["1"].cause == "local"


async def test_nobody_lights_what_is_locked(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        device = w.village[KEY]
        await w.granted("luetjenholm/dorf")
        await w.lights(RELAY)
        asked = {
            "zone": "dorf",
            "reason": "a lamp is mended",
            "until": (NIGHT + timedelta(minutes=30)).isoformat(),
        }
        begun = await w.http.post(f"{API}/luetjenholm/technician/locks", json=asked, headers=AS_STAFF)
        assert begun.status_code == 201, begun.text
        assert "no electrical isolation" in begun.json()["notice"]
        await w.lights(within=2)
        assert device.core.outputs["1"].cause == "lock"
        refused = await w.press("luetjenholm/dorf")
        assert (refused.status_code, refused.json()["reason"]) == (503, "locked")
        await w.kill_service()
        device.press_button("1")
        await until(lambda: device.core.outputs["1"].cause, lambda cause: cause == "lock", "the lock holds")
        assert w.lit() == set()
        await w.start_service()
        lock = begun.json()["lock"]["id"]
        ended = await w.http.post(f"{API}/luetjenholm/technician/locks/{lock}/end", headers=AS_STAFF)
        assert ended.status_code == 200, ended.text
        await until(lambda: device.core.outputs["1"].cause, lambda cause: cause != "lock", "the lock is over")


async def test_a_door_that_opens_while_only_the_service_is_away_is_told_when_it_is_back(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        device = w.village[KEY]
        await w.kill_service()
        device.signal("door", on=True)
        await until(lambda: device.core.outbox.pending(0), lambda waiting: not waiting, "the broker has it")
        await w.start_service()

        async def a_minute_later() -> set[str]:
            await w.clock(minutes=1)
            answer = await w.http.get(f"{API}/luetjenholm/technician/faults", headers=AS_STAFF)
            return {fault["kind"] for fault in answer.json()["faults"]}

        await until(a_minute_later, lambda kinds: "cabinetDoorOpen" in kinds, "the open door is a fault")
