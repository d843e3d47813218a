"""The real parts as child processes: Mosquitto, the service on SQLite, and a village of simulated lamps."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.browser import HOST, Connection
from tests.support.broker_process import ROOT, BrokerProcess
from tests.support.ports import free_port

MUNICIPALITY, ZONE, CONTROLLER = "luetjenholm", "dorf", "cabinet-1"
_PATIENCE_S = 30.0
_TZ = ZoneInfo("Europe/Berlin")


class BenchError(Exception):
    """The parts did not come up, or did not answer as they should."""


@dataclass(frozen=True, slots=True)
class Running:
    """The service under test; `start_s` from its first instruction until it was ready."""

    port: int
    process: subprocess.Popen[bytes]
    start_s: float
    first_page_ms: float

    def memory_mb(self) -> float:
        """What the service's process holds in memory now."""
        return int(self._ps("rss")) / 1024

    def cpu_s(self) -> float:
        """How long the service's process has computed so far, on all cores."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if stat.exists():
            ticks = stat.read_text("ascii").rpartition(")")[2].split()[11:13]  # utime and stime
            return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
        minutes, _, seconds = self._ps("time").rpartition(":")
        return 60 * float(minutes or 0) + float(seconds)

    def _ps(self, what: str) -> str:
        words = ["ps", "-o", f"{what}=", "-p", str(self.process.pid)]
        return subprocess.run(words, capture_output=True, check=True, text=True).stdout.strip()


def night() -> datetime:
    """01:00 of the coming night in the village: dark by its schedule all year round."""
    local = datetime.now(UTC).astimezone(_TZ)
    return local.replace(hour=1, minute=0, second=0, microsecond=0) + timedelta(days=1)


@contextmanager
def child(words: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child process of this Python, ended in order when the context ends."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], env={**os.environ, **environment}, stdout=output, stderr=output, cwd=ROOT
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def settings(broker: BrokerProcess, folder: Path, port: int) -> dict[str, str]:
    """The service's environment."""
    return {
        "DORFLICHT_DATABASE_URL": f"sqlite:///{folder / 'dorflicht.db'}",
        "DORFLICHT_HTTP_PORT": str(port),
        "DORFLICHT_MQTT_PORT": str(broker.port),
        "DORFLICHT_MQTT_USERNAME": broker.service_username,
        "DORFLICHT_MQTT_PASSWORD": broker.service_password,
        "DORFLICHT_MQTT_VERSION": "5",
        "DORFLICHT_ACCESS": "dynsec",
        "DORFLICHT_ACCESS_FILE": str(broker.folder / "access.json"),
        "DORFLICHT_DEMO": "true",
        "DORFLICHT_DEMO_START": night().isoformat(),
    }


@asynccontextmanager
async def village(broker: BrokerProcess, folder: Path) -> AsyncIterator[Running]:
    """Service and lamps at 01:00 at night, all in touch with each other. BenchError when they do not come up."""
    port = free_port()
    environment = settings(broker, folder, port)
    file, credentials = ROOT / "villages" / f"{MUNICIPALITY}.toml", folder / "credentials.json"
    words = [sys.executable, "-m", "service", "import", str(file), "--credentials", str(credentials)]
    done = await asyncio.to_thread(
        subprocess.run, words, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, check=False
    )
    if done.returncode:
        raise BenchError(f"The import failed: {done.stderr.decode()}")
    (folder / "lamps").mkdir()
    lamps = ["device_sim", "--villages", str(file), "--credentials", str(credentials)]
    lamps += ["--port", str(broker.port), "--state-dir", str(folder / "lamps"), "--demo"]
    began = time.perf_counter()
    with child(["service", "serve"], environment, folder / "service.log") as service:
        await _until(port, "/api/v1/health/ready", lambda body: bool(body["ready"]), folder)
        start_s = time.perf_counter() - began
        async with Connection(port) as browser:
            asked = time.perf_counter()
            page = await browser.ask("GET", f"/m/{MUNICIPALITY}")
            if page.status != 200:
                raise BenchError(f"The page answered {page.status}.")
        first_page_ms = (page.at - asked) * 1000
        with child(lamps, {}, folder / "lamps.log"):
            zone = f"/api/v1/municipalities/{MUNICIPALITY}/zones/{ZONE}"
            await _until(port, zone, lambda body: body["light"]["state"] == "dark", folder)
            yield Running(port, service, start_s, first_page_ms)


async def _until(port: int, path: str, well: Callable[[Any], bool], folder: Path) -> None:
    """Ask until the answer is as it should be."""
    ends = time.perf_counter() + _PATIENCE_S
    last: object = "nothing"
    while time.perf_counter() < ends:
        try:
            async with Connection(port) as browser:
                answer = await browser.ask("GET", path)
                last = answer.body
                if answer.status == 200 and well(answer.body):
                    return
        except (OSError, asyncio.IncompleteReadError) as error:
            last = error
        await asyncio.sleep(0.05)
    said = await asyncio.to_thread(_last_words, folder)
    raise BenchError(f"{HOST}:{port}{path} did not become well within {_PATIENCE_S:.0f} s, last: {last}\n{said}")


def _last_words(folder: Path) -> str:
    return "\n".join(f"{log.name}: {log.read_text('utf-8', 'replace')[-600:]}" for log in folder.glob("*.log"))
