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
from typing import Any

import aiomqtt

from firmware_mock.address import TIME_TOPIC, Address
from firmware_mock.connection import NO_DELAY, cut, enter, hang_up
from firmware_mock.core.machine import ANNOUNCE, RECONNECT
from firmware_mock.core.metering import moved
from firmware_mock.device import Device
from firmware_mock.timing import RealTiming, Timer, Timing

__all__ = ["Address", "Device", "Link"]

KEEP_ALIVE_S = 20
_REFUSED = 128
_STEADY_MS = 5000
"""A connection that held this long lets the backoff start anew."""
_BLINK_MS = 1000
"""A power that moves all the time is not told more often than this."""

log = logging.getLogger("firmware")


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
        self._connected_at = 0
        self._rng = rng or random.Random()  # noqa: S311 - jitter, no secret
        self._timing = timing or RealTiming()
        self._on_change = on_change
        self._client: aiomqtt.Client | None = None
        self._group: asyncio.TaskGroup | None = None
        self._timer: Timer | None = None
        self._task: asyncio.Task[None] | None = None
        self._heartbeat_at = 0
        self._told_at = 0
        self._told_watts: dict[str, float] = {}
        self._sent: set[int] = set()
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
            self.device.core.next_session()
            self.device.keep()
            try:
                await self._connection()
            except* (aiomqtt.MqttError, _AgainError) as errors:
                log.debug("%s: %s", self.address.user, errors.exceptions[0])
            if self._stopping:
                return
            if self.connected and self._timing.mono_ms() - self._connected_at > _STEADY_MS:
                failures = 0
            self._down()
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
            tls_context=self.address.tls,
        )
        client.pending_calls_threshold = 1000
        try:
            await enter(client)
            self._client = client
            self._sent.clear()  # what the last connection did not see acknowledged goes out again
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
        self._connected_at = self._timing.mono_ms()
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

    # what happens on the pole

    def press_button(self, n: str) -> None:
        """The push-button of an output was pressed."""
        self.device.core.on_button(n, self._timing.mono_ms())
        self._step()

    def signal(self, kind: str, *, on: bool = True, code: str | None = None, output: str | None = None) -> None:
        """A `door`, the hand switch (`local_override`) or a `fault` begins (`on`) or is over."""
        self.device.core.on_signal(kind, self._timing.mono_ms(), on, code, output)
        self._step()

    def look(self) -> None:
        """Something may have changed that the core did not do, such as a lamp that went out: report it where due."""
        self._step()

    # reports and events

    def _step(self) -> None:
        """Bring core and meters up to now, tell what is due, and set the timer for the next time."""
        if self._timer is not None:
            self._timer.cancel()
        mono_ms = self._timing.mono_ms()
        wait = self.device.core.tick(mono_ms)
        try:
            self.device.settle(mono_ms)
            blinked = self.connected and moved(self._told_watts, self.device.watts())
            calm = mono_ms - self._told_at >= _BLINK_MS
            if self.device.core.report_due or (self.connected and mono_ms >= self._heartbeat_at) or (blinked and calm):
                self.tell(mono_ms)
            elif blinked:
                wait = min(wait, self._told_at + _BLINK_MS - mono_ms)
            self._tell_events(mono_ms)
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
        self._told_at, self._told_watts = mono_ms, self.device.watts()
        self.device.keep()
        self._publish("report", report)

    def _tell_events(self, mono_ms: int) -> None:
        """Keep what happened, and send what this connection has not sent yet."""
        outbox = self.device.core.outbox
        if outbox.changed:
            outbox.changed = False
            self.device.keep()
        if not self.connected or self._client is None or self._group is None or self._stopping:
            return
        for number, event in outbox.pending(mono_ms):
            if number not in self._sent:
                self._sent.add(number)
                self._group.create_task(self._event(self._client, number, event))

    async def _event(self, client: aiomqtt.Client, number: int, event: dict[str, object]) -> None:
        """Send an event, and let it go only when the broker has it."""
        await client.publish(self.address.topic("event"), json.dumps(event, separators=(",", ":")), qos=1)
        self.device.core.outbox.acknowledged(number)
        self._tell_events(self._timing.mono_ms())

    def _publish(self, leaf: str, body: dict[str, Any]) -> None:
        """Hand over without waiting for the broker's word; a publish that fails ends the connection.

        Nothing follows the goodbye: the broker's echo of it would bring forth another birth.
        """
        if self._client is not None and self._group is not None and not self._stopping:
            payload = json.dumps(body, separators=(",", ":"))
            self._group.create_task(self._client.publish(self.address.topic(leaf), payload, qos=1, retain=True))
