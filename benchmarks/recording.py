"""How fast reports are recorded, beside a bare subscriber that only decodes the same JSON; and what a batch delays."""

import asyncio
import json
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.village import BenchError
from device_sim.many import Many
from service.clock import SystemClock
from service.domain.inventory import ControllerKey
from service.store import migrate, open_store
from service.usecases.importing import read_inventory
from tests.support.broker_process import ROOT, BrokerProcess
from tests.support.mosquitto import mosquitto

CONTROLLERS, ROUNDS = 1000, 15
STEADY_PER_S, STEADY_S = 500, 10
_AHEAD = 600
_PATIENCE_S = 120.0
LEAST = 0.5
MOST_DELAY_MS = 50.0


@dataclass(frozen=True, slots=True)
class Recording:
    """Reports a second from the first to the last, and what the receiver computed for one, in microseconds."""

    bare_per_s: float
    bare_us: float
    recorded_per_s: float
    recorded_us: float
    delay_p50_ms: float
    delay_p99_ms: float

    @property
    def ratio(self) -> float:
        """Recorded reports beside bare ones."""
        return self.recorded_per_s / self.bare_per_s


class _Stream:
    """Reports of a whole village, as fast as the receiver takes them, or at a steady pace."""

    def __init__(self, broker: BrokerProcess, keys: list[str]) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "stream", protocol=paho.MQTTv5)
        self._client.username_pw_set("service", broker.service_password)
        self._client.max_inflight_messages_set(_AHEAD)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()
        self._keys = keys
        self._got, self._moved = 0, threading.Condition()

    def tell(self, got: int) -> None:
        """The receiver has got through so many."""
        with self._moved:
            self._got = got
            self._moved.notify()

    def flood(self, rounds: int) -> None:
        """Publish all reports, never more than some ahead of the receiver."""
        for n, (topic, body) in enumerate(self._reports(rounds)):
            with self._moved:
                if not self._moved.wait_for(lambda n=n: n - self._got < _AHEAD, _PATIENCE_S):  # type: ignore[misc]
                    raise BenchError("the receiver stopped")
            self._client.publish(topic, body(), qos=1)

    def steady(self, rounds: int) -> None:
        """Publish at a steady pace, in small bursts as villages do."""
        began = time.perf_counter()
        for n, (topic, body) in enumerate(self._reports(rounds)):
            wait = began + n / STEADY_PER_S - time.perf_counter()
            if n % 5 == 0 and wait > 0:
                time.sleep(wait)
            self._client.publish(topic, body(), qos=1)

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _reports(self, rounds: int) -> Iterator[tuple[str, "_Body"]]:
        for seq in range(1, rounds + 1):
            for n, key in enumerate(self._keys):
                yield f"dorflicht/v1/{key}/report", _Body(seq, n)


@dataclass(frozen=True, slots=True)
class _Body:
    """A heartbeat of one luminaire: lit, a little more energy each time."""

    seq: int
    n: int

    def __call__(self) -> str:
        return json.dumps(
            {
                "plan_n": 0,
                "desired_n": 0,
                "session": 1,
                "boot": 1,
                "seq": self.seq,
                "at": int(time.time() * 1000),
                "clock": "valid",
                "uptime_ms": self.seq * 60_000,
                "outputs": {"1": {"level": 100, "cause": "schedule"}},
                "meters": {
                    "1": {"w": 24.0 + self.n % 10 / 10, "v": 230.1, "wh_total": self.seq * 0.4, "outputs": ["1"]}
                },
                "burn_s": {"1": self.seq * 60},
                "fw": "mock-1.0",
            }
        )


def measure() -> Recording:
    """One run on Mosquitto."""
    many = Many("many", CONTROLLERS)
    (ROOT / "data").mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "data") as name,
        mosquitto({ControllerKey("many", "nobody"): "x" * 43}) as broker,
    ):
        url = f"sqlite:///{name}/a.db"
        asyncio.run(_village(url, many))
        bare = asyncio.run(_run(broker, many, "bare", url, CONTROLLERS * ROUNDS))
        flood = asyncio.run(_run(broker, many, "service", url, CONTROLLERS * ROUNDS))
        url = f"sqlite:///{name}/b.db"
        asyncio.run(_village(url, many))
        steady = asyncio.run(_run(broker, many, "service", url, STEADY_PER_S * STEADY_S, steady=True))
    delays = sorted(steady["delays"][CONTROLLERS:])
    return Recording(
        bare["reports"] / bare["seconds"],
        bare["cpu_s"] / bare["reports"] * 1e6,
        flood["reports"] / flood["seconds"],
        flood["cpu_s"] / flood["reports"] * 1e6,
        delays[len(delays) // 2] * 1000,
        delays[int(len(delays) * 0.99)] * 1000,
    )


async def _village(url: str, many: Many) -> None:
    migrate(url)
    store = open_store(url)
    inventory = read_inventory(many.text())
    now = SystemClock().now()
    await store.write(lambda tx: tx.save_inventory(inventory, now))
    await store.close()


async def _run(
    broker: BrokerProcess, many: Many, kind: str, url: str, wanted: int, *, steady: bool = False
) -> dict[str, Any]:
    words = [sys.executable, "-m", "benchmarks.receiver", kind, str(broker.port), broker.service_password]
    process = await asyncio.create_subprocess_exec(
        *words, str(wanted), url, stdout=asyncio.subprocess.PIPE, cwd=ROOT, limit=10_000_000
    )
    if process.stdout is None or (await process.stdout.readline()).strip() != b"ready":
        raise BenchError("the receiver did not come up")
    stream = _Stream(broker, many.keys)
    work = stream.steady if steady else stream.flood
    publishing = asyncio.create_task(asyncio.to_thread(work, -(-wanted // CONTROLLERS)))
    try:
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                line = await process.stdout.readline()
                if line.startswith(b"{"):
                    found: dict[str, Any] = json.loads(line)
                    return found
                if not line:
                    raise BenchError("the receiver ended")
                stream.tell(int(line))
    finally:
        await asyncio.gather(publishing, return_exceptions=True)
        stream.close()
        if process.returncode is None:
            await process.wait()


def table(found: Recording) -> str:
    """As text."""
    enough = "met" if found.ratio >= LEAST else "missed"
    soon = "met" if found.delay_p99_ms < MOST_DELAY_MS else "missed"
    return "\n".join(
        [
            f"bare subscriber, decoding only {found.bare_per_s:8.0f} reports/s {found.bare_us:6.0f} us of CPU each",
            f"recorded                       {found.recorded_per_s:8.0f} reports/s {found.recorded_us:6.0f} us",
            f"ratio {found.ratio:.2f}   at least {LEAST}: {enough}",
            f"said to recorded, at {STEADY_PER_S} reports/s: p50 {found.delay_p50_ms:.1f} ms, "
            f"p99 {found.delay_p99_ms:.1f} ms   < {MOST_DELAY_MS:.0f}: {soon}",
        ]
    )


if __name__ == "__main__":
    print(table(measure()))
