"""Whatever arrives by MQTT: counted, logged once per kind, dropped, and the next press works."""

import json

from tests.e2e.conftest import Open
from tests.e2e.world import World
from tests.support.villages import LUETJENHOLM

ROOT = "dorflicht/v1/luetjenholm/cabinet-1"
REPORT = {
    "plan_n": 1,
    "desired_n": 1,
    "session": 10**9,
    "boot": 10**9,
    "seq": 1,
    "at": None,
    "clock": "unset",
    "uptime_ms": 1,
    "outputs": {"1": {"level": 100, "cause": "press"}},
    "meters": {},
    "fw": "x",
}


def _report(**fields: object) -> bytes:
    return json.dumps(REPORT | fields).encode()


BAD: list[tuple[str, bytes]] = [
    (f"{ROOT}/report", b"no json"),
    (f"{ROOT}/report", b"\xff\xfe\x00"),
    (f"{ROOT}/report", b"[" * 20_000),
    (f"{ROOT}/report", b'{"plan_n": 1e999}'),
    (f"{ROOT}/report", _report(outputs={"1": {"level": 101, "cause": "press"}})),
    (f"{ROOT}/report", _report(outputs={"9": {"level": 1, "cause": "press"}})),
    (f"{ROOT}/report", _report(seq=-1)),
    (f"{ROOT}/report", _report(session=2**63)),
    (f"{ROOT}/report", _report(at=10**18, clock="valid")),
    (f"{ROOT}/report", _report(meters={"1": {"w": -1, "v": 1, "wh_total": 1, "outputs": ["1"]}})),
    (f"{ROOT}/report", _report(fw="x" * 40_000)),
    (f"{ROOT}/status", b'"offline"'),
    (f"{ROOT}/status", b'{"online": 0, "session": 5}'),
    ("dorflicht/v1/luetjenholm/nobody/report", _report()),
    ("dorflicht/v1/luetjenholm/nobody/status", b'{"online": true, "session": 1}'),
    ("dorflicht/v1/nowhere/cabinet-1/report", _report()),
    ("dorflicht/v1/Lutjenholm/cabinet-1/report", _report()),
    ("dorflicht/v1/luetjenholm/../report", _report()),
]


async def _send_bad(w: World, *, retain: bool = False) -> None:
    async with w.wiretap() as wire:
        for topic, payload in BAD:
            await wire.publish(topic, payload, qos=1, retain=retain)


async def test_bad_messages_are_told_once_and_dropped(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        await w.light("luetjenholm/dorf", "dark")
        before = await w.zone("luetjenholm/dorf")
        for _ in range(3):
            await _send_bad(w)
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        await w.clock(minutes=13)
        after = await w.light("luetjenholm/dorf", "dark")
        assert after["lamps_total"] == before["light"]["lamps_total"]

        log = w.service.output()
        for kind in ("oversized", "foreign topic", "malformed body", "unknown controller", "malformed outputs.level"):
            assert log.count(f": {kind}.") == 1, f"{kind} is told once:\n{log}"
        assert "Traceback" not in log
        assert "broke; starting it again" not in log


async def test_bad_messages_that_the_broker_kept_stop_no_start(world: Open) -> None:
    async with world(LUETJENHOLM) as w:
        await w.kill_service()
        await _send_bad(w, retain=True)
        async with w.wiretap() as wire:
            for leaf in ("plan", "desired"):
                await wire.publish(f"{ROOT}/{leaf}", b'{"plan_n": "x", "desired_n": []}', qos=1, retain=True)
        await w.start_service()
        await w.reconnect("luetjenholm/cabinet-1")
        await w.light("luetjenholm/dorf", "dark")
        lease = await w.granted("luetjenholm/dorf")
        await w.lease_until("luetjenholm", lease["id"], "lit")
        assert w.lit() == {"luetjenholm/cabinet-1/1"}
        assert "Traceback" not in w.service.output()
