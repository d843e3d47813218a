"""A leaked secret against the running service, and a broker that lets a replay through against the firmware."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiomqtt

from tests.e2e.conftest import Open
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.support.raw_mqtt import RawClient, publish
from tests.support.villages import LUETJENHOLM, pair

LEAKED = "pair/lamp-1"
VICTIM = "dorflicht/v1/luetjenholm/cabinet-1"
PATIENCE_S = 30.0

HOSTILE = [
    b"[" * 32_000,
    b'{"a":' * 6000,
    b'{"outputs":' + b'{"1":' * 5000 + b"1" + b"}" * 5001,
    b"[" + b"[]," * 10_000 + b"[]]",
    b'{"session": ' + b"9" * 32_000 + b"}",
    b'{"fw": "' + b"\\u0000" * 5000 + b'"}',
    b'"' + b"x" * 32_000,
    b"\xff" * 32_000,
    b"\0" * 1000,
    b"NaN",
    b'{"session": 1e400, "online": true}',
]


def secret(w: World, key: str) -> str:
    """A controller's secret, as the import wrote it down."""
    found: str = json.loads((w.folder / "credentials.json").read_text("utf-8"))[key]
    return found


async def test_a_leaked_secret_neither_stops_nor_slows_what_others_are_served(world: Open, tmp_path: Path) -> None:
    async with world(LUETJENHOLM, pair(tmp_path)) as w:
        await w.light("luetjenholm/dorf", "dark")
        await w.village[LEAKED].kill()
        name, own = LEAKED.replace("/", "."), f"dorflicht/v1/{LEAKED}"
        async with RawClient(w.broker) as attacker:
            assert await attacker.connect(name, name, secret(w, LEAKED)) == 0
            numbers = iter(range(1, 60_000))
            for body in HOSTILE:
                for leaf in ("report", "status", "event"):
                    attacker.send(publish(f"{own}/{leaf}", body, 1, packet_id=next(numbers)))
                    attacker.send(publish(f"{own}/{leaf}", body, 1, retain=True, packet_id=next(numbers)))
            for _ in range(4000):
                attacker.send(publish(f"{own}/report", b'{"no": "report"}', 1, packet_id=next(numbers)))
            lease = await w.granted("luetjenholm/dorf")
            await w.lease_until("luetjenholm", lease["id"], "lit")
            assert "luetjenholm/cabinet-1/1" in w.lit()
            await until(
                lambda: asyncio.to_thread(w.service.output),
                lambda log: f"too many messages of {LEAKED}." in log,
                "the flood is told",
            )
        w.village[LEAKED].start()  # its own, honest again
        await w.village.wait_connected()
        log = w.service.output()
        assert log.count(f"too many messages of {LEAKED}.") == 1
        assert log.count(": malformed body.") == 1
        assert "too many messages of luetjenholm" not in log
        assert "Traceback" not in log
        assert "broke; starting it again" not in log
        await w.restart_service()  # what the attacker left in the broker stops no start
        await w.ready()
        assert "Traceback" not in w.service.output()


async def heard(wire: aiomqtt.Client, topic: str) -> dict[str, Any]:
    """The next message on a topic."""
    async with asyncio.timeout(PATIENCE_S):
        async for message in wire.messages:
            if str(message.topic) == topic and message.payload:
                body: dict[str, Any] = json.loads(bytes(message.payload))
                return body
    raise AssertionError("the broker went away")


async def test_a_captured_order_and_a_captured_moment_light_nothing_again(world: Open) -> None:
    """No controller can publish them; this is a broker that lets somebody do so."""
    async with world(LUETJENHOLM) as w:
        await w.light("luetjenholm/dorf", "dark")
        async with w.wiretap(f"{VICTIM}/desired", "dorflicht/v1/time") as wire:
            moment = await heard(wire, "dorflicht/v1/time")
            lease = await w.granted("luetjenholm/dorf")
            order = await heard(wire, f"{VICTIM}/desired")
            assert order["outputs"]["1"]
            await w.lease_until("luetjenholm", lease["id"], "lit")
        await w.clock(minutes=13)
        await w.lights()
        async with w.wiretap(f"{VICTIM}/report") as wire:
            await heard(wire, f"{VICTIM}/report")  # the one that the broker had kept
            for retain in (False, True):
                await wire.publish("dorflicht/v1/time", json.dumps(moment), qos=1)
                await wire.publish(f"{VICTIM}/desired", json.dumps(order), qos=1, retain=retain)
                answer = await heard(wire, f"{VICTIM}/report")
                assert answer["outputs"]["1"]["level"] == 0
                assert answer["at"] > order["outputs"]["1"][-1]["until"], "its clock went back"
                assert w.lit() == set()
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        async with w.wiretap(f"{VICTIM}/report") as wire:
            current = await heard(wire, f"{VICTIM}/report")
            await wire.publish(f"{VICTIM}/desired", json.dumps(order | {"outputs": {}}), qos=1)
            answer = await heard(wire, f"{VICTIM}/report")
            assert answer["desired_n"] == current["desired_n"] > order["desired_n"]
            assert answer["outputs"]["1"] == {"level": 100, "cause": "press"}, "a lower counter ended the light"
