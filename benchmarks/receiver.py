"""`python -m benchmarks.receiver`: takes reports from the broker until it has enough, and says how long that took.

As `bare` it only decodes the JSON, as `service` it is the service's own way in: codec, listener, transactions, store.
Both stand on the same client library. It prints how many reports it has got through, and its figures last.
"""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import aiomqtt

from service.clock import SystemClock
from service.loops.conductor import Conductor
from service.loops.listener import Listener
from service.loops.timekeeper import Timekeeper
from service.loops.watch import LocalWatch
from service.ports import Tx
from service.store import SqlStore, open_store
from service.wire.lamps import Broker, MqttLamps

T = TypeVar("T")
_NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)


@dataclass
class Count:
    """How many reports were got through, from the first to the last."""

    wanted: int
    got: int = 0
    began: float = 0.0
    cpu: float = 0.0
    delays: list[float] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """The first report is there."""
        if not self.began:
            self.began, self.cpu = time.perf_counter(), time.process_time()

    def add(self, more: int) -> None:
        """Got through some more."""
        self.got += more
        print(self.got, flush=True)
        if self.got >= self.wanted:
            self.enough.set()

    def told(self) -> str:
        """The figures as JSON."""
        return json.dumps(
            {
                "seconds": time.perf_counter() - self.began,
                "cpu_s": time.process_time() - self.cpu,
                "reports": self.got,
                "delays": self.delays,
            }
        )


class CountingStore:
    """Counts the reports of each batch once they are on disk, and how long ago they were said."""

    def __init__(self, store: SqlStore, count: Count) -> None:
        """Around a store."""
        self._store, self.count = store, count
        self.read, self.close = store.read, store.close

    async def write(self, work: Callable[[Tx], T]) -> T:
        """As the store's own."""
        messages: list[Any] = getattr(work, "keywords", {}).get("messages", [])
        if messages:
            self.count.begin()
        done = await self._store.write(work)
        if messages:
            now = time.time()
            reports = [one for one in messages if getattr(one, "seq", 0)]
            self.count.delays += [now - one.at.timestamp() for one in reports if one.at is not None]
            self.count.add(len(reports))
        return done


async def bare(port: int, secret: str, count: Count) -> None:
    """Decode and nothing else."""
    async with aiomqtt.Client(
        "127.0.0.1",
        port,
        username="service",
        password=secret,
        identifier="bare",
        protocol=aiomqtt.ProtocolVersion.V5,
        socket_options=_NO_DELAY,
    ) as client:
        await client.subscribe("dorflicht/v1/+/+/report", qos=1)
        print("ready", flush=True)
        async for message in client.messages:
            count.begin()
            if isinstance(message.payload, bytes):
                json.loads(message.payload)
            count.got += 1
            if count.got % 50 == 0:
                count.add(0)
            if count.enough.is_set():
                return


async def service(port: int, secret: str, url: str, count: Count) -> None:
    """The service's own way in."""
    clock, watch = SystemClock(), LocalWatch()
    store = CountingStore(open_store(url), count)
    lamps = MqttLamps(Broker("127.0.0.1", port, "service", secret, "5"), clock)
    conductor = Conductor(store, lamps, clock, watch)
    listener = Listener(store, lamps, clock, watch, conductor, Timekeeper(lamps, clock))
    tasks = [asyncio.create_task(lamps.run()), asyncio.create_task(listener.run())]
    while not lamps.connected:
        await lamps.changed.wait()
    print("ready", flush=True)
    await count.enough.wait()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.close()


def main() -> None:
    """Take what the command line says: kind, port, secret, how many, and the database."""
    kind, port, secret, wanted, url = sys.argv[1:6]
    count = Count(int(wanted))
    way = bare(int(port), secret, count) if kind == "bare" else service(int(port), secret, url, count)
    asyncio.run(way)
    print(count.told(), flush=True)


if __name__ == "__main__":
    main()
