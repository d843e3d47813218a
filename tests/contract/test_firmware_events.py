"""Events of a controller on a real broker: asked once, kept until the broker has them; and who else uses its name."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from device_sim import SimDevice, Village
from device_sim.memory import Memory
from service.domain.inventory import ControllerKey
from service.wire.access import new_secret
from tests.support.broker_process import ROOT, BrokerProcess
from tests.support.ear import PATIENCE_S, Ear, Listening
from tests.support.embedded_broker import embedded_broker
from tests.support.fake_timing import FakeTiming
from tests.support.poles import HOUR, T, plan, step

LECK = ROOT / "tests" / "fixtures" / "leck.toml"
KEY = ControllerKey("leck", "cabinet-1")
BASE = "dorflicht/v1/leck/cabinet-1"
DOOR = "door"


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
def timing() -> FakeTiming:
    """The controller's time, turned by the test."""
    return FakeTiming()


@pytest.fixture
async def secret(broker: BrokerProcess) -> str:
    """The controller's credential."""
    secret = new_secret()
    await broker.access.add({KEY: secret})
    return secret


@pytest.fixture
async def village(broker: BrokerProcess, secret: str, tmp_path: Path, timing: FakeTiming) -> AsyncIterator[Village]:
    village = Village([LECK], {"leck/cabinet-1": secret}, port=broker.port, state_dir=tmp_path, timing=timing)
    yield village
    await village.stop()


async def ready(ear: Ear, village: Village) -> SimDevice:
    """The controller with a dark plan and a valid clock, in deep night."""
    await ear.say("plan", plan(1))
    await ear.time(T)
    await ear.until("report", lambda report: report["plan_n"] == 1 and report["clock"] == "valid")
    return village["leck/cabinet-1"]


async def lost(device: SimDevice) -> None:
    """Wait until a controller knows that its connection is gone; it settles then."""
    async with asyncio.timeout(PATIENCE_S):
        while device.connected:
            device._moved.clear()
            await device._moved.wait()


async def again(village: Village, timing: FakeTiming) -> None:
    """Wait until a controller that lost its broker is connected once more."""
    while not village["leck/cabinet-1"].connected:
        timing.wait(60_000)  # its pause before the next try
        try:
            await village.wait_connected(0.2)
        except TimeoutError:
            continue


async def settled(ear: Ear) -> None:
    """Until the controller has handled all that the broker sent it before now: it answers an order."""
    since = len(ear.heard)
    await ear.say("desired", {"desired_n": 0, "at": T, "outputs": {}}, retain=False)
    await ear.until("report", lambda _: True, since)


async def test_a_press_is_asked_once_and_answered_with_light(
    broker: BrokerProcess, village: Village, timing: FakeTiming
) -> None:
    async with Listening(broker, BASE) as ear, village:
        device = await ready(ear, village)
        device.press_button("1")
        asked = await ear.until("event", lambda _: True)
        assert asked == {"id": asked["id"], "type": "button", "at": T, "output": 1}
        await ear.say("desired", {"desired_n": 1, "at": T, "outputs": {"1": [step(T, T + HOUR)]}})
        await device.wait_level("1", 100, PATIENCE_S)
        timing.wait(5_000)
        device.signal(DOOR)
        await ear.until("event", lambda event: event["type"] == DOOR)
        assert [event["type"] for event in ear.all("event")] == ["button", DOOR]
        assert device.core.outputs["1"].cause == "press"


async def test_a_refusal_leaves_it_dark_and_silence_lights_it(
    broker: BrokerProcess, village: Village, timing: FakeTiming
) -> None:
    async with Listening(broker, BASE) as ear, village:
        device = await ready(ear, village)
        device.press_button("1")
        await ear.until("event", lambda _: True)
        await ear.say("desired", {"desired_n": 1, "at": T, "outputs": {}})
        await ear.until("report", lambda report: report["desired_n"] == 1)
        timing.wait(5_000)
        assert device.levels["1"] == 0
        device.press_button("1")
        timing.wait(1_999)
        assert device.levels["1"] == 0
        timing.wait(1)
        served = await ear.until("event", lambda event: "served" in event)
        asked = ear.all("event")[1]
        assert served == {**asked, "at": T + 5_000 + 2_000, "served": "local"}
        report = await ear.until("report", lambda report: report["outputs"]["1"]["level"] == 100)
        assert report["outputs"]["1"]["cause"] == "local"


async def test_a_press_without_broker_is_told_once_when_it_is_back_even_after_a_power_cut(
    broker: BrokerProcess, village: Village, timing: FakeTiming
) -> None:
    async with village:
        async with Listening(broker, BASE) as ear:
            device = await ready(ear, village)
        await asyncio.to_thread(broker.kill)
        await lost(device)
        device.press_button("1")
        assert device.levels["1"] == 100
        await device.power_cycle()
        assert device.levels["1"] == 0
        await asyncio.to_thread(broker.start)
        async with Listening(broker, BASE) as ear:
            await again(village, timing)
            told = await ear.until("event", lambda _: True)
            assert told == {"id": "1-1-1", "type": "button", "at": T, "output": 1, "served": "local"}
            await settled(ear)
            device.drop()
            await lost(device)
            await again(village, timing)
            device.signal(DOOR)
            await ear.until("event", lambda event: event["type"] == DOOR)
            assert len(ear.all("event")) == 2, "what the broker has is not told again to the same service"
    kept = village["leck/cabinet-1"].core.outbox.kept()
    assert [event["type"] for event in kept] == ["button", "door"], "and kept until the service has it for sure"


async def test_an_event_that_the_broker_did_not_acknowledge_is_on_disk_and_told_again(
    broker: BrokerProcess, village: Village, timing: FakeTiming, tmp_path: Path
) -> None:
    async with village:
        async with Listening(broker, BASE) as ear:
            device = await ready(ear, village)
        broker.freeze()
        device.signal(DOOR)
        assert [event["type"] for event in Memory(tmp_path, "leck.cabinet-1").load()[0]["events"]] == [DOOR]
        await asyncio.to_thread(broker.kill)
        await lost(device)
        await asyncio.to_thread(broker.start)
        async with Listening(broker, BASE) as ear:
            await again(village, timing)
            assert (await ear.until("event", lambda _: True))["type"] == DOOR


async def test_an_event_is_not_kept_by_the_broker(broker: BrokerProcess, village: Village) -> None:
    async with Listening(broker, BASE) as ear, village:
        device = await ready(ear, village)
        device.signal("fault", on=True, code="relayFailure", output="2")
        said = await ear.until("event", lambda _: True)
        assert (said["code"], said["output"], said["on"]) == ("relayFailure", 2, True)
        async with broker.service_client("late") as late:
            await late.subscribe(f"{BASE}/event", qos=1)
            await late.publish(f"{BASE}/event", b"mark", qos=1)
            async with asyncio.timeout(PATIENCE_S):
                first = await anext(late.messages)
            assert first.payload == b"mark"


async def test_a_lamp_that_goes_out_is_reported_without_any_change_of_level(
    broker: BrokerProcess, village: Village, timing: FakeTiming
) -> None:
    def watts(report: dict[str, Any]) -> float:
        return float(report["meters"]["1"]["w"])

    async with Listening(broker, BASE) as ear, village:
        device = await ready(ear, village)
        await ear.say("desired", {"desired_n": 1, "at": T, "outputs": {"1": [step(T, T + HOUR)]}})
        lit = await ear.until("report", lambda report: report["outputs"]["1"]["level"] == 100)
        await settled(ear)
        timing.wait(1_000)
        since = len(ear.heard)
        device.load.fail("1", 0)
        assert device.link is not None
        device.link.look()
        dark = await ear.until("report", lambda _: True, since)
        assert 35 < watts(lit) - watts(dark) < 45
        assert dark["outputs"] == lit["outputs"]
        told = device.core._seq
        device.load.fail("1", 1)
        device.link.look()
        assert device.core._seq == told, "one that blinks is told once a second at most"
        timing.wait(1_000)
        assert device.core._seq == told + 1


async def test_who_takes_over_its_client_id_is_put_out_again(
    broker: BrokerProcess, village: Village, timing: FakeTiming, secret: str
) -> None:
    async with Listening(broker, BASE) as ear, village:
        device = await ready(ear, village)
        async with broker.client("leck.cabinet-1", secret):
            await lost(device)
            await ear.until("status", lambda status: status == {"online": False, "session": 1})
            await again(village, timing)
            await ear.until("status", lambda status: status == {"online": True, "session": 2})
            await ear.until("report", lambda report: (report["session"], report["boot"]) == (2, 1))
            await ear.say("desired", {"desired_n": 1, "at": T, "outputs": {"1": [step(T, T + HOUR)]}})
            await device.wait_level("1", 100, PATIENCE_S)
        async with broker.service_client("late") as late:
            await late.subscribe(f"{BASE}/status", qos=1)
            async with asyncio.timeout(PATIENCE_S):
                kept = await anext(late.messages)
            assert isinstance(kept.payload, bytes)
            assert json.loads(kept.payload) == {"online": True, "session": 2}
