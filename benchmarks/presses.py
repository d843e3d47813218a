"""Presses, and what became of each: sent, granted, lit."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from secrets import token_hex

import aiomqtt

from benchmarks.browser import Connection
from benchmarks.village import CONTROLLER, MUNICIPALITY, ZONE, BenchError

_ROOT = f"/api/v1/municipalities/{MUNICIPALITY}"
_TOPIC = f"dorflicht/v1/{MUNICIPALITY}/{CONTROLLER}"
_PATIENCE_S = 15.0
_LONGEST_S = 25.0
"""A pace ends by then with the presses it has, so that a run on a busy machine ends, too."""


@dataclass(frozen=True, slots=True)
class Event:
    """What one event of the stream said of the zone; milliseconds since 1970."""

    at: float
    lit: bool
    until: int
    confirmed: int


@dataclass(slots=True)
class Press:
    """One press. `seen` is how many orders, reports and events had been seen when it was sent."""

    sent: float
    seen: tuple[int, int, int]
    granted: float = 0.0
    until: int = 0
    lit: float | None = None


@dataclass(slots=True)
class Witness:
    """Follows the stream as a page does, and the wire besides, to know which event shows whose report.

    A press is lit at the first event that shows the zone lit until the end of the press or later, confirmed by the
    report to an order that came after the press: the wire tells which order holds its end, which report answers
    it, and the report's time tells it from the one before.
    """

    orders: list[tuple[int, int]] = field(default_factory=list)
    reports: list[tuple[int, int]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def press(self) -> Press:
        """A press that is sent now."""
        return Press(time.perf_counter(), (len(self.orders), len(self.reports), len(self.events)))

    def look(self, press: Press) -> bool:
        """Whether the press is lit; notes since when."""
        orders, reports, events = press.seen
        order = next((n for n, until in self.orders[orders:] if until >= press.until), None)
        if order is None:
            return False
        answered = (i for i in range(reports, len(self.reports)) if self.reports[i][0] >= order)
        report = next(answered, None)
        if report is None:
            return False
        before = self.reports[report - 1][1] if report else 0
        shown = (e.at for e in self.events[events:] if e.lit and e.until >= press.until and e.confirmed > before)
        press.lit = next(shown, None)
        return press.lit is not None

    async def lit(self, press: Press) -> None:
        """Wait until a press is lit. BenchError after a while."""
        await self._until(lambda: self.look(press), "A press was not lit")

    async def ready(self) -> None:
        """Wait until stream and wire have spoken: both tell at once what they know. BenchError after a while."""
        await self._until(lambda: bool(self.orders and self.reports and self.events), "Stream or wire kept silent")

    async def _until(self, well: Callable[[], bool], otherwise: str) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not well():
                    self.stirred.clear()
                    await self.stirred.wait()
        except TimeoutError:
            raise BenchError(f"{otherwise} within {_PATIENCE_S:.0f} s.") from None

    async def follow_stream(self, stream: Connection) -> None:
        """Note every event."""
        while True:
            line = await stream.line()
            at = time.perf_counter()
            if line.startswith(b"data: "):
                light = json.loads(line[6:])["zones"][0]["light"]
                until, confirmed = (_ms(light[name]) for name in ("until", "confirmed_at"))
                self.events.append(Event(at, light["state"] == "lit", until, confirmed))
                self.stirred.set()

    async def follow_wire(self, wire: aiomqtt.Client) -> None:
        """Note every order and report of the village's cabinet."""
        async for message in wire.messages:
            body = json.loads(bytes(message.payload))
            if str(message.topic).endswith("desired"):
                ends = [step["until"] for steps in body["outputs"].values() for step in steps]
                self.orders.append((body["desired_n"], max(ends, default=0)))
            else:
                self.reports.append((body["desired_n"], body["at"] or 0))
            self.stirred.set()


def _ms(moment: str | None) -> int:
    return 0 if moment is None else round(datetime.fromisoformat(moment).timestamp() * 1000)


@asynccontextmanager
async def witness(wire: aiomqtt.Client, port: int) -> AsyncIterator[Witness]:
    """A witness that follows both for as long as the context lasts."""
    found = Witness()
    async with Connection(port) as stream, wire:
        await wire.subscribe([(f"{_TOPIC}/desired", 1), (f"{_TOPIC}/report", 1)])
        stream.send("GET", f"{_ROOT}/events?zone={ZONE}")
        status, _ = await stream.head()
        if status != 200:
            raise BenchError(f"The stream answered {status}.")
        tasks = [asyncio.create_task(found.follow_stream(stream)), asyncio.create_task(found.follow_wire(wire))]
        try:
            await found.ready()
            yield found
        finally:
            for task in tasks:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks)


async def press(browser: Connection, witness: Witness) -> Press:
    """Press, and wait until it is granted."""
    one = witness.press()
    key = f"Idempotency-Key: {token_hex(16)}\r\nContent-Type: application/json\r\n"
    answer = await browser.ask("POST", f"{_ROOT}/zones/{ZONE}/press", b"{}", key)
    if answer.status != 201:
        raise BenchError(f"A press was refused: {answer.body}")
    one.granted, one.until = answer.at, _ms(answer.body["lease"]["until"])
    return one


async def back_to_back(port: int, witness: Witness, count: int) -> list[Press]:
    """Each press as soon as the one before is lit."""
    done: list[Press] = []
    async with Connection(port) as browser:
        ends = time.perf_counter() + _LONGEST_S
        while len(done) < count and time.perf_counter() < ends:
            one = await press(browser, witness)
            await witness.lit(one)
            done.append(one)
    return done


async def apart(port: int, witness: Witness, count: int, seconds: float) -> list[Press]:
    """A press every `seconds`, by the clock, whatever became of the one before (but for its 201)."""
    done: list[Press] = []
    async with Connection(port) as browser:
        begun = time.perf_counter()
        while len(done) < count and time.perf_counter() < begun + _LONGEST_S:
            await asyncio.sleep(max(0.0, begun + len(done) * seconds - time.perf_counter()))
            done.append(await press(browser, witness))
    for one in done:
        await witness.lit(one)
    return done


async def at_once(port: int, witness: Witness, crowd: int, rounds: int) -> list[Press]:
    """A crowd of residents who press in the same moment, each in a browser of his own; several rounds of it."""
    done: list[Press] = []
    ends = time.perf_counter() + _LONGEST_S
    while rounds and time.perf_counter() < ends:
        rounds -= 1
        async with AsyncExitStack() as open_ones:
            browsers = [await open_ones.enter_async_context(Connection(port)) for _ in range(crowd)]
            presses = await asyncio.gather(*(press(browser, witness) for browser in browsers))
            for one in presses:
                await witness.lit(one)
            done += presses
    return done


def granted(presses: list[Press]) -> list[float]:
    """Seconds from sending a press until its 201 was here."""
    return [one.granted - one.sent for one in presses]


def lit(presses: list[Press]) -> Iterator[float]:
    """Seconds from sending a press until the stream showed its light."""
    for one in presses:
        if one.lit is not None:
            yield one.lit - one.sent
