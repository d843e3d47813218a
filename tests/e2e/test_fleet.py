"""A fleet with a scenario against a real service: what goes wrong goes wrong, all come back, and the energy agrees."""

import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from device_sim import Village, supply
from device_sim.happenings import Happening, Kind
from device_sim.many import Many
from device_sim.results import energy, results
from device_sim.scenario import Scenario, parse
from service.domain.inventory import ControllerKey
from tests.e2e.conftest import Open
from tests.e2e.waiting import until
from tests.support.broker_process import BrokerProcess
from tests.support.mosquitto import mosquitto

MINUTE = 60_000
FLEET = Many("flotte", 12, lamps=2)
STUCK, FAILED, RESET = "flotte/c-00002", "flotte/c-00001", "flotte/c-00003"
NIGHT = {
    "seed": 5,
    "lamp_failure": [{"lamp": "flotte/c-00001-2", "at": "3 min"}],
    "stuck_relay": [{"output": f"{STUCK}/1", "how": "welded", "at": "4 min", "for": "14 min"}],
    "bad_meter": [{"meter": f"{RESET}/1", "resets": True, "at": "6 min"}],
    "storm": [{"at": "8 min"}],
}


def booked_mwh(folder: Path) -> int:
    """What the service has booked in all."""
    with sqlite3.connect(folder / "dorflicht.db") as database:
        (sum_mwh,) = database.execute("SELECT COALESCE(SUM(energy_mwh), 0) FROM energy_entry").fetchone()
    return int(sum_mwh)


async def test_a_bad_night_ends_with_all_back_and_with_energy_that_adds_up(world: Open, tmp_path: Path) -> None:
    file = tmp_path / "flotte.toml"
    file.write_text(FLEET.text(), "utf-8")
    async with world(file, lamps=False) as w:
        w.village = fleet = Village(
            [file],
            json.loads((tmp_path / "credentials.json").read_text("utf-8")),
            port=w.broker.port,
            state_dir=tmp_path / "fleet",
            demo=True,
            heartbeat_ms=250,
            backoff_most_s=0.5,
            protocol=w.broker.protocol,
            scenario=parse(NIGHT, "night"),
        )
        happened: list[Happening] = []
        fleet.on_happening = happened.append
        try:
            await w.start_lamps()
            before = {key: device.core.session for key, device in fleet.devices.items()}
            await w.granted("flotte/street-001")
            await w.lights(*(f"{key}/1" for key in FLEET.keys))
            await w.clock(speed=60)
            await until(lambda: fleet.now_ms > 16 * MINUTE, what="the press is over")
            await w.lights(f"{STUCK}/1")
            assert fleet[STUCK].core.outputs["1"].level == 0, "the controller believes it dark"
            await until(lambda: fleet.now_ms > 19 * MINUTE, what="the relay works again")
            await w.lights()
            await fleet.wait_connected()

            assert {happening.kind for happening in happened} == {Kind.LAMP, Kind.RELAY, Kind.METER_RESET, Kind.DROP}
            assert all(device.core.session > before[key] for key, device in fleet.devices.items()), "a storm of all"
            found = results(list(fleet.devices.values()))
            assert (found["connected"], found["powered"], found["lamps_dark"]) == (12, 12, 1)
            assert found["reconnects"] >= 12
            assert found["orders"] >= 12
            assert found["energy"]["true_wh"] > 12 * 50 * 12 / 60 * 0.9
            assert found["energy"]["apart_percent"] < 0.5
            assert found["energy"]["lying_meters"] == 0
            true = found["energy"]["true_wh"] * 1000
            await until(lambda: booked_mwh(tmp_path), lambda mwh: abs(mwh - true) < 0.005 * true, "the service's books")
        finally:
            await fleet.stop()


TWIG = """
[municipality]
id = "twig"
[[controller]]
id = "cabinet"
outputs = [{ n = 1, step = 100 }]
"""
FED = """
[[controller]]
id = "lamp-{n}"
feeder = {{ controller = "cabinet", output = 1 }}
outputs = [{{ n = 1 }}]
meters = [{{ n = 1, outputs = [1] }}]
[[lamp]]
controller = "lamp-{n}"
output = 1
watts = 30
"""
TWIG_KEYS = ("twig/cabinet", "twig/lamp-1", "twig/lamp-2")


@pytest.fixture
def known() -> dict[str, str]:
    """Secrets of the controllers of `TWIG`."""
    return {key: key.replace("/", "-").ljust(40, "x") for key in TWIG_KEYS}


@asynccontextmanager
async def twig(
    known: dict[str, str], folder: Path, scenario: Scenario | None = None
) -> AsyncIterator[tuple[Village, BrokerProcess]]:
    """A cabinet with two luminaires behind its output, on Mosquitto and without a service."""
    file = folder / "twig.toml"
    file.write_text(TWIG + "".join(FED.format(n=n) for n in (1, 2)), "utf-8")
    with mosquitto({ControllerKey(*key.split("/")): secret for key, secret in known.items()}) as broker:
        village = Village([file], known, port=broker.port, state_dir=None, backoff_most_s=0.5, scenario=scenario)
        async with village:
            yield village, broker


async def order(broker: BrokerProcess, key: str, n: int, level: int) -> None:
    """Order light for an hour, or none."""
    now = time.time_ns() // 1_000_000  # noqa: TID251 - the controllers of this test live in real time
    step = {"from": now, "level": level, "until": now + 60 * MINUTE, "cause": "press"}
    body: dict[str, Any] = {"desired_n": n, "at": now, "outputs": {"1": [step]} if level else {}}
    async with broker.service_client() as service:
        await service.publish(f"dorflicht/v1/{key}/desired", json.dumps(body), qos=1, retain=True)


async def test_luminaires_behind_a_feeder_live_and_die_with_it(known: dict[str, str], tmp_path: Path) -> None:
    async with twig(known, tmp_path) as (village, broker):
        fed = [village[key] for key in TWIG_KEYS[1:]]
        assert [device.powered for device in fed] == [False, False]
        await order(broker, "twig/cabinet", 1, 100)
        await until(lambda: [device.connected for device in fed], all, "both have power and the broker")
        boots = [device.core.boot for device in fed]
        await village["twig/cabinet"].kill()
        await until(lambda: [device.powered for device in fed], lambda seen: not any(seen), "the feeder is dead")
        village["twig/cabinet"].start()
        await village.wait_connected()
        assert not any(device.powered for device in fed), "an order does not outlive a power cut"
        await order(broker, "twig/cabinet", 2, 100)
        await until(lambda: [device.connected for device in fed], all, "power is back")
        assert [device.core.boot for device in fed] == [boot + 1 for boot in boots]
        await order(broker, "twig/cabinet", 3, 0)
        await until(lambda: [device.powered for device in fed], lambda seen: not any(seen), "the feeder is off")


async def test_power_cuts_of_a_circuit_and_a_silent_network_are_over_when_they_are_over(
    known: dict[str, str], tmp_path: Path
) -> None:
    scenario = parse(
        {
            "power_cut": [{"feeder": "twig/cabinet/1", "at": 3, "for": 2}],
            "network_cut": [{"controllers": "twig/cabinet", "at": 4, "for": 3}],
            "stuck_relay": [{"output": "twig/cabinet/1", "how": "welded", "at": 0}],
        },
        "cuts",
    )
    async with twig(known, tmp_path, scenario) as (village, broker):
        fed = [village[key] for key in TWIG_KEYS[1:]]
        network: list[bool] = []
        village.on_happening = lambda h: network.append(bool(h.value)) if h.kind is Kind.NETWORK else None
        await until(lambda: [device.connected for device in fed], all, "the feeder is welded")
        await until(lambda: [device.powered for device in fed], lambda on: not any(on), "the circuit is cut")
        await until(lambda: [device.connected for device in fed], all, "the circuit is back")
        cabinet = village["twig/cabinet"]
        session = cabinet.core.session
        await until(lambda: network, lambda there: there == [False], what="silence")
        await order(broker, "twig/cabinet", 1, 100)
        assert cabinet.core.outputs["1"].level == 0
        await until(lambda: network, lambda there: there == [False, True], what="the network is back")
        await until(lambda: cabinet.core.outputs["1"].level, lambda level: level == 100, "the order arrives late")
        assert (cabinet.connected, cabinet.core.session) == (True, session), "three seconds break no connection"


async def test_a_slow_and_lossy_way_repeats_and_breaks_and_everything_arrives(
    known: dict[str, str], tmp_path: Path
) -> None:
    scenario = parse(
        {
            "seed": 2,
            "net": [{"controllers": "*/cabinet", "median_ms": 30, "p99_ms": 200, "loss": 0.2, "duplicates": 0.2}],
        },
        "lossy",
    )
    async with twig(known, tmp_path, scenario) as (village, broker):
        cabinet = village["twig/cabinet"]
        for n in range(1, 21):
            await order(broker, "twig/cabinet", n, 100 * (n % 2))
            await until(lambda n=n: cabinet.core.desired_n == n, what=f"order {n} arrives at last")  # type: ignore[misc]
        assert cabinet.core.session > 1, "a lost message broke its connection"
        assert cabinet.tally.orders > 20, "some came twice"
        assert energy([cabinet])["true_wh"] == 0


async def test_a_large_fleet_gets_power_bit_by_bit_and_is_waited_for_to_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "AT_ONCE", 2)
    many = Many("gross", 12)
    file, secrets = tmp_path / "gross.toml", many.credentials()
    file.write_text(many.text(), "utf-8")
    with mosquitto({ControllerKey(*key.split("/")): secret for key, secret in secrets.items()}) as broker:
        fleet = Village([file], secrets, port=broker.port, state_dir=None)
        try:
            fleet.start()
            assert results(list(fleet.devices.values()))["powered"] == 2
            await fleet.wait_connected()
            assert results(list(fleet.devices.values()))["connected"] == 12
        finally:
            await fleet.stop()
