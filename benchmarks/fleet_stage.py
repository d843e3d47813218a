"""The service's part in the measure of a fleet: tells time and plans, orders light, hears reports."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiomqtt

from benchmarks.village import BenchError
from firmware_mock.connection import NO_DELAY
from tests.support.broker_process import BrokerProcess

_REPORT_WITHIN_S = 240.0
_BATCH = 100
_HOUR = 3_600_000


@dataclass
class Stage:
    """The service's part: tells time and plans, orders light and hears reports."""

    broker: BrokerProcess
    keys: Sequence[str]
    _desired_n: int = 0
    _heard: dict[str, int] = field(default_factory=dict)
    _alive: set[str] = field(default_factory=set)
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def on(self) -> AsyncIterator[aiomqtt.Client]:
        """Connect, tell the time every 10 s, and listen."""
        async with self.broker.service_client("service-fleet", socket_options=NO_DELAY) as client:
            client.pending_calls_threshold = 100_000
            await client.subscribe("dorflicht/v1/+/+/report", qos=1)
            tasks = [asyncio.create_task(self._tell(client)), asyncio.create_task(self._listen(client))]
            try:
                yield client
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, client: aiomqtt.Client) -> None:
        while True:
            now = _now()
            await client.publish("dorflicht/v1/time", json.dumps({"at": now, "speed": 1, "seq": now}))
            await asyncio.sleep(10)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            key = "/".join(str(message.topic).split("/")[2:4])
            if not message.retain and isinstance(message.payload, bytes):
                self._heard[key] = int(json.loads(message.payload)["desired_n"])
                self._alive.add(key)
                self._moved.set()

    def forget(self) -> None:
        """Nobody has been heard yet."""
        self._alive.clear()

    async def all_heard(self, within_s: float) -> float:
        """Wait until every controller has reported; how long it took. BenchError."""
        return await self._until(lambda: len(self._alive) == len(self.keys), within_s, lambda: len(self._alive))

    async def plan(self, client: aiomqtt.Client) -> None:
        """Give each controller a plan of eight dark nights."""
        for key in self.keys:
            await client.publish(f"dorflicht/v1/{key}/plan", json.dumps(_plan()), qos=1, retain=True)

    async def order(self, client: aiomqtt.Client, keys: Sequence[str]) -> float:
        """Order light for a minute at each, and wait for all their reports; seconds. BenchError."""
        self._desired_n += 1
        n, began = self._desired_n, time.perf_counter()
        for start in range(0, len(keys), _BATCH):  # aiomqtt looks through all pending calls at each new one
            part = [f"dorflicht/v1/{key}/desired" for key in keys[start : start + _BATCH]]
            calls = (client.publish(topic, _order(n), qos=1, retain=True, timeout=_REPORT_WITHIN_S) for topic in part)
            await asyncio.gather(*calls)
        left = set(keys)

        def answered() -> bool:
            left.difference_update([key for key in left if self._heard.get(key, 0) >= n])
            return not left

        await self._until(answered, _REPORT_WITHIN_S, lambda: len(keys) - len(left))
        return time.perf_counter() - began

    async def _until(self, right: Callable[[], bool], within_s: float, count: Callable[[], int]) -> float:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(within_s):
                while not right():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError as error:
            raise BenchError(f"{count()} of {len(self.keys)} answered within {within_s:.0f} s") from error
        return time.perf_counter() - began


def _now() -> int:
    return time.time_ns() // 1_000_000


def _plan() -> dict[str, object]:
    """Eight nights of four steps, as the service makes them, dark now; and the rule after them."""
    now = _now()
    steps: list[dict[str, int]] = [{"at": now - 12 * _HOUR, "level": 0}]
    for night in range(8):
        begin = now + night * 24 * _HOUR
        steps += [{"at": begin + h * _HOUR, "level": level} for h, level in ((12, 100), (15, 0), (18, 100), (22, 0))]
    rule = [{"anchor": "sunset", "level": 100}, {"anchor": "clock", "clock": "23:00", "level": 0}]
    return {
        "plan_n": 1,
        "at": now,
        "position": {"lat": 54.7, "lon": 9.05},
        "tz": "CET-1CEST,M3.5.0,M10.5.0/3",
        "fail_state": "plan",
        "cut_off_after_min": 60,
        "local_press": {"minutes": 12, "level": 100},
        "outputs": {"1": {"safety": False, "ends": now + 192 * _HOUR, "steps": steps, "rule": rule}},
    }


def _order(n: int) -> str:
    now = _now()
    step = {"from": now, "level": 100, "until": now + 60_000, "cause": "press"}
    return json.dumps({"desired_n": n, "at": now, "outputs": {"1": [step]}})
