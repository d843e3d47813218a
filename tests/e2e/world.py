"""A whole Dorflicht on real parts: broker and service as processes of their own, a village on the test's loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiomqtt
import httpx

from device_sim import Village
from service.app import import_files
from service.settings import Settings
from tests.e2e.waiting import WITHIN, until
from tests.support.broker_process import BrokerProcess
from tests.support.ports import free_port
from tests.support.service_process import ServiceProcess

Json = dict[str, Any]

NIGHT = datetime(2026, 11, 22, 0, 12, tzinfo=UTC)
"""01:12 in Berlin: every village of these tests is dark by its plan."""
STAFF = "staff-token-for-tests"
AS_STAFF = {"Authorization": f"Bearer {STAFF}", "X-Acting-As": "the clerk"}
"""What staff sends with every request."""
API = "/api/v1/municipalities"


@dataclass
class World:
    """The running parts and short words for what tests do with them."""

    broker: BrokerProcess
    service: ServiceProcess
    village: Village
    http: httpx.AsyncClient
    files: Sequence[Path]
    folder: Path

    # the resident

    async def press(self, place: str, **headers: str) -> httpx.Response:
        """Press in `municipality/zone`."""
        municipality, zone = place.split("/")
        return await self.http.post(f"{API}/{municipality}/zones/{zone}/press", headers=headers)

    async def granted(self, place: str, **headers: str) -> Json:
        """Press, and return the lease that was granted."""
        answer = await self.press(place, **headers)
        assert answer.status_code == 201, answer.text
        lease: Json = answer.json()["lease"]
        return lease

    async def zone(self, place: str) -> Json:
        """What the API says of `municipality/zone`."""
        municipality, zone = place.split("/")
        answer = await self.http.get(f"{API}/{municipality}/zones/{zone}")
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    async def light(self, place: str, *states: str, within: float = WITHIN) -> Json:
        """Wait until a zone's light is in one of these states, and return the light."""
        seen = await until(
            lambda: self.zone(place), lambda zone: zone["light"]["state"] in states, f"{place} {states}", within
        )
        light: Json = seen["light"]
        return light

    async def lease(self, municipality: str, lease: str) -> Json:
        """What the API says of a lease."""
        answer = await self.http.get(f"{API}/{municipality}/leases/{lease}")
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()["lease"]
        return body

    async def lease_until(self, municipality: str, lease: str, *states: str) -> Json:
        """Wait until a lease is in one of these states."""
        return await until(
            lambda: self.lease(municipality, lease), lambda seen: seen["state"] in states, f"lease {states}"
        )

    # the clock

    async def clock(self, minutes: int = 0, speed: float | None = None) -> Json:
        """Move the demo's clock forward, change its speed, or both."""
        answer = await self.http.post("/api/v1/demo/clock", json={"forward_minutes": minutes, "speed": speed})
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    # the parts

    def lit(self, municipality: str = "") -> set[str]:
        """The outputs that give light right now, as `municipality/controller/n`."""
        return {
            f"{key}/{n}"
            for key, device in self.village.devices.items()
            for n, level in device.levels.items()
            if level and key.startswith(municipality)
        }

    async def lights(self, *outputs: str, municipality: str = "", within: float = WITHIN) -> None:
        """Wait until exactly these outputs of the village itself give light."""
        wanted = set(outputs)
        await until(lambda: self.lit(municipality), lambda seen: seen == wanted, f"light at {sorted(wanted)}", within)

    async def health(self) -> tuple[int, Json]:
        """Status and body of the readiness route."""
        answer = await self.http.get("/api/v1/health/ready")
        return answer.status_code, answer.json()

    async def ready(self) -> None:
        """Wait until the service is ready."""
        await until(self.health_or_nothing, lambda seen: seen[0] == 200, "the service is ready", within=60)

    async def health_or_nothing(self) -> tuple[int, Json]:
        """The same, with status 0 while it does not listen; AssertionError when it ended."""
        assert self.service.running, f"the service ended:\n{self.service.output()}"
        try:
            return await self.health()
        except httpx.TransportError as error:
            return 0, {"error": repr(error)}

    async def start_service(self) -> None:
        """Start the service and wait until it is ready."""
        self.service.start()
        await self.ready()

    async def kill_service(self) -> None:
        """Kill the service with SIGKILL."""
        await asyncio.to_thread(self.service.kill)

    async def restart_service(self) -> None:
        """Kill the service with SIGKILL, start it again and wait until it is ready."""
        await self.kill_service()
        await self.start_service()

    async def kill_broker(self) -> None:
        """Kill the broker with SIGKILL."""
        await asyncio.to_thread(self.broker.kill)

    async def stop_lamps(self) -> None:
        """Switch the village off in order."""
        await self.village.stop()

    async def start_lamps(self) -> None:
        """Switch the village on and wait until all controllers are connected and know the time."""
        self.village.start()
        await self.village.wait_connected()
        await until(
            lambda: [key for key, device in self.village.devices.items() if not device.core.clock.valid],
            lambda unset: not unset,
            "all clocks are set",
        )

    async def reconnect(self, key: str) -> None:
        """Cut a controller's connection and wait until it is back in a new session."""
        device = self.village[key]
        session = device.core.session
        device.drop()
        await until(lambda: device.core.session > session and device.connected, what=f"{key} is back")

    def kept_by_mosquitto(self, topic: str) -> bool:
        """Whether Mosquitto has saved something on a topic, named by its end."""
        path = self.broker.folder / "mosquitto.db"
        return path.exists() and topic.encode() in path.read_bytes()

    def forget_retained(self) -> None:
        """With the broker down: make it forget what it kept for its clients (the embedded one always does)."""
        (self.broker.folder / "mosquitto.db").unlink(missing_ok=True)

    async def start_broker(self) -> None:
        """Start the broker again, with what it kept."""
        await asyncio.to_thread(self.broker.start)

    async def restart_broker(self) -> None:
        """Kill the broker with SIGKILL, start it again, and wait until the village and the service are back."""
        await self.kill_broker()
        await until(self.health, lambda seen: seen[0] == 503, "the service misses the broker")
        await self.start_broker()
        await self.village.wait_connected()
        await self.ready()

    async def fresh_database(self) -> None:
        """With the service down: an empty database that knows the same villages."""
        for path in self.folder.glob("dorflicht.db*"):
            path.unlink()
        await asyncio.to_thread(import_files, settings(self.service.environment), self.files, None)

    @asynccontextmanager
    async def wiretap(self, *filters: str) -> AsyncIterator[aiomqtt.Client]:
        """A client that may read and write as the service may, subscribed to `filters`."""
        async with self.broker.service_client("service-wiretap") as client:
            for name in filters:
                await client.subscribe(name, qos=1)
            yield client


def environment(broker: BrokerProcess, database: str, folder: Path, start: datetime = NIGHT) -> dict[str, str]:
    """The settings of a demo service on a free port beside a broker, its clock beginning at `start`."""
    dynsec = broker.protocol is aiomqtt.ProtocolVersion.V5
    return {
        "DORFLICHT_DATABASE_URL": database,
        "DORFLICHT_HTTP_PORT": str(free_port()),
        "DORFLICHT_MQTT_PORT": str(broker.port),
        "DORFLICHT_MQTT_PASSWORD": broker.service_password,
        "DORFLICHT_MQTT_VERSION": "5" if dynsec else "3.1.1",
        "DORFLICHT_ACCESS": "dynsec" if dynsec else "rules",
        "DORFLICHT_ACCESS_FILE": str(broker.folder / "access.json"),
        "DORFLICHT_STAFF_TOKEN": STAFF,
        "DORFLICHT_DEMO": "true",
        "DORFLICHT_DEMO_START": start.isoformat(),
        "DORFLICHT_DEMO_CLOCK_FILE": str(folder / "clock.txt"),
    }


def settings(variables: Mapping[str, str]) -> Settings:
    """The same settings as an object."""
    return Settings.model_validate(
        {name.removeprefix("DORFLICHT_").lower(): value for name, value in variables.items()}
    )


@asynccontextmanager
async def opened(
    broker: BrokerProcess,
    files: Sequence[Path],
    folder: Path,
    *,
    database: str | None = None,
    start: datetime = NIGHT,
    lamps: bool = True,
) -> AsyncIterator[World]:
    """Import villages, start the service and connect the village; without `lamps` it is left without power."""
    variables = environment(broker, database or f"sqlite:///{folder / 'dorflicht.db'}", folder, start)
    credentials = folder / "credentials.json"
    await asyncio.to_thread(import_files, settings(variables), files, credentials)
    service = ServiceProcess(variables, folder)
    village = Village(
        files,
        json.loads(credentials.read_text("utf-8")),
        port=broker.port,
        state_dir=folder / "lamps",
        demo=True,
        backoff_most_s=0.5,
        protocol=broker.protocol,
    )
    async with httpx.AsyncClient(base_url=service.url, timeout=15) as http:
        world = World(broker, service, village, http, files, folder)
        try:
            await world.start_service()
            if lamps:
                await world.start_lamps()
            yield world
        finally:
            await village.stop()
            await asyncio.to_thread(service.kill)
