"""The link of one controller to its broker: up, down, messages; birth, last will, backoff with jitter.

The core decides, a `Device` keeps the journal and adds its meters to reports; the link only carries. Nothing polls:
it waits for messages and for one timer, set to the core's next change or the next heartbeat.
"""

import asyncio
import contextlib
import json
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import aiomqtt

from firmware_mock.connection import NO_DELAY, cut, enter, hang_up
from firmware_mock.core import Core
from firmware_mock.core.machine import ANNOUNCE, RECONNECT
from firmware_mock.timing import RealTiming, Timer, Timing

ROOT = "dorflicht/v1"
TIME_TOPIC = f"{ROOT}/time"
KEEP_ALIVE_S = 20
_REFUSED = 128
_STEADY_MS = 5000
"""A connection that held this long lets the backoff start anew."""

log = logging.getLogger("firmware")


class Device(Protocol):
    """What surrounds the core on the pole: meters and lasting memory."""

    core: Core

    def on_time(self, payload: bytes, mono_ms: int) -> None:
        """A live time message arrived; hand it to the core."""
        ...

    def settle(self, mono_ms: int) -> None:
        """Called after everything that may have moved the core: meter what burned until now."""
        ...

    def dress(self, report: dict[str, Any], mono_ms: int) -> None:
        """Add `meters` and `burn_s` to a report that is about to go out."""
        ...

    def keep(self) -> None:
        """Store journal and meters; on disk when this returns."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and who this controller is there. Backoff bounds in seconds."""

    municipality: str
    controller: str
    host: str
    port: int
    secret: str | None
    protocol: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V311
    backoff_first_s: float = 0.2
    backoff_most_s: float = 30.0

    @property
    def user(self) -> str:
        """User name and client id."""
        return f"{self.municipality}.{self.controller}"

    def topic(self, leaf: str) -> str:
        """A topic of this controller."""
        return f"{ROOT}/{self.municipality}/{self.controller}/{leaf}"


class _AgainError(Exception):
    """This connection cannot serve: hang up and connect again."""


class Link:
    """Runs one device until stopped. `on_change` is called with True and False as the broker comes and goes."""

    def __init__(
        self,
        device: Device,
        address: Address,
        *,
        rng: random.Random | None = None,
        timing: Timing | None = None,
        on_change: Callable[[bool], None] = lambda up: None,
    ) -> None:
        self.device = device
        self.address = address
        self.connected = False
        self._rng = rng or random.Random()  # noqa: S311 - jitter, no secret
        self._timing = timing or RealTiming()
        self._on_change = on_change
        self._client: aiomqtt.Client | None = None
        self._group: asyncio.TaskGroup | None = None
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._heartbeat_at = 0
        self._stopping = False
        self._handlers = {
            address.topic("plan"): self._plan,
            address.topic("desired"): self._desired,
            address.topic("status"): self._status,
            TIME_TOPIC: self._time,
        }

    # up and down

    def start(self) -> None:
        """Begin to switch and to connect."""
        self._step()
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("%s: the link broke", self.address.user, exc_info=error)

    async def stop(self) -> None:
        """Say offline, disconnect in order and end."""
        self._stopping = True
        client = self._client if self.connected else None
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError):  # a broker that is going away has our last will
                body = json.dumps(self.device.core.status(False))
                await client.publish(self.address.topic("status"), body, qos=1, retain=True, timeout=1)
                client._client.disconnect()  # noqa: SLF001 - aiomqtt disconnects only by leaving its context
                await asyncio.wait([client._disconnected], timeout=1)  # noqa: SLF001 - nothing else tells
        await self.kill()

    async def kill(self) -> None:
        """End at once, without a word to the broker: its connection just closes."""
        self._stopping, self.connected = True, False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        if self._timer is not None:
            self._timer.cancel()

    def drop(self) -> None:
        """Lose the TCP connection, as by a broken cable; a running link connects again by itself."""
        if self._client is not None:
            cut(self._client)

    async def _run(self) -> None:
        failures = 0
        while not self._stopping:
            began = self._timing.mono_ms()
            self.device.core.next_session()
            self.device.keep()
            try:
                await self._connection()
            except* (aiomqtt.MqttError, _AgainError) as errors:
                log.debug("%s: %s", self.address.user, errors.exceptions[0])
            if self._stopping:
                return
            self._down()
            failures = 0 if self._timing.mono_ms() - began > _STEADY_MS else failures
            longest = min(self.address.backoff_first_s * 2 ** min(failures, 16), self.address.backoff_most_s)
            failures += 1
            await self._timing.sleep(1000 * longest * self._rng.uniform(0.5, 1))

    async def _connection(self) -> None:
        client = aiomqtt.Client(
            self.address.host,
            self.address.port,
            identifier=self.address.user,
            username=self.address.user,
            password=self.address.secret,
            protocol=self.address.protocol,
            keepalive=KEEP_ALIVE_S,
            will=aiomqtt.Will(
                self.address.topic("status"), json.dumps(self.device.core.status(False)), qos=1, retain=True
            ),
            socket_options=NO_DELAY,
        )
        client.pending_calls_threshold = 1000
        try:
            await enter(client)
            self._client = client
            async with asyncio.TaskGroup() as group:
                self._group = group
                group.create_task(self._introduce(client))
                async for message in client.messages:
                    self._receive(message)
        finally:
            self._client = self._group = None
            await hang_up(client)

    async def _introduce(self, client: aiomqtt.Client) -> None:
        """Subscribe, give birth, and only then listen to the own status, which is our birth by now."""
        first = [(topic, 1) for topic in self._handlers if topic != self.address.topic("status")]
        await self._subscribe(client, first)
        self._publish("status", self.device.core.status(True))
        await self._subscribe(client, [(self.address.topic("status"), 1)])
        self.connected = True
        self.device.core.on_link(True, self._timing.mono_ms())
        self.device.core.report_due = True
        self._step()
        self._on_change(True)

    async def _subscribe(self, client: aiomqtt.Client, topics: list[tuple[str, int]]) -> None:
        granted = await client.subscribe(topics)
        if any((code if isinstance(code, int) else code.value) >= _REFUSED for code in granted):
            raise _AgainError("the broker refused a subscription")

    def _down(self) -> None:
        was, self.connected = self.connected, False
        self.device.core.on_link(False, self._timing.mono_ms())
        self._step()
        if was:
            self._on_change(False)

    # messages

    def _receive(self, message: aiomqtt.Message) -> None:
        handler = self._handlers.get(str(message.topic))
        payload = message.payload
        if handler is not None and isinstance(payload, (bytes, bytearray)):
            handler(bytes(payload), message.retain)
            self._step()

    def _plan(self, payload: bytes, retained: bool) -> None:
        self.device.core.on_plan(payload, retained, self._timing.mono_ms())

    def _desired(self, payload: bytes, retained: bool) -> None:
        self.device.core.on_desired(payload, retained, self._timing.mono_ms())

    def _time(self, payload: bytes, retained: bool) -> None:
        if not retained:  # a moment that was kept for us is over
            self.device.on_time(payload, self._timing.mono_ms())

    def _status(self, payload: bytes, retained: bool) -> None:
        answer = self.device.core.on_status(payload)
        if answer == RECONNECT:
            raise _AgainError("the session was used before")
        if answer == ANNOUNCE:
            self._publish("status", self.device.core.status(True))

    # reports

    def _step(self) -> None:
        """Bring core and meters up to now, report where it is due, and set the timer for the next time."""
        if self._timer is not None:
            self._timer.cancel()
        mono_ms = self._timing.mono_ms()
        wait = self.device.core.tick(mono_ms)
        try:
            self.device.settle(mono_ms)
            if self.device.core.report_due or (self.connected and mono_ms >= self._heartbeat_at):
                self.tell(mono_ms)
        finally:
            until_heartbeat = self._heartbeat_at - mono_ms if self.connected else wait
            self._timer = self._timing.call_later(max(1, min(wait, until_heartbeat)), self._step)

    def tell(self, mono_ms: int) -> None:
        """Publish a report. Without a broker the change is kept, and told when it is back."""
        core = self.device.core
        if not self.connected:
            core.report_due = False
            self.device.keep()
            return
        self._heartbeat_at = mono_ms + int(core.heartbeat_ms * self._rng.uniform(0.9, 1.1))
        report: dict[str, Any] = core.report(mono_ms)
        self.device.dress(report, mono_ms)
        self.device.keep()
        self._publish("report", report)

    def _publish(self, leaf: str, body: dict[str, Any]) -> None:
        """Hand over without waiting for the broker's word; a publish that fails ends the connection.

        Nothing follows the goodbye: the broker's echo of it would bring forth another birth.
        """
        if self._client is not None and self._group is not None and not self._stopping:
            payload = json.dumps(body, separators=(",", ":"))
            self._group.create_task(self._client.publish(self.address.topic(leaf), payload, qos=1, retain=True))
