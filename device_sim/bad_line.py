"""A slow and lossy way to the broker: a small TCP line before one controller, as on a bad mobile network."""

import asyncio
import socket
from collections import deque
from collections.abc import Coroutine
from typing import Any

from device_sim.line_faults import Fate, LineFaults
from device_sim.packets import PUBLISH, PacketError, Packets, kind
from device_sim.scenario import Net
from firmware_mock.timing import Timer, Timing

_CALM = Fate(0.0, lost=False, twice=False)
_BACKLOG = 16


class BadLine:
    """Listens on loopback for one controller and carries its packets to the broker and back.

    Each message has a fate of its own (`LineFaults`), everything else takes the median time; nothing overtakes. A lost
    message takes the connection along. While `silent` nothing passes in either direction, and nobody is told: what was
    sent arrives when it is over, if its connection still lives.
    """

    def __init__(self, net: Net, name: str, broker: tuple[str, int], timing: Timing) -> None:
        self.net = net
        self.timing = timing
        self.broker = broker
        self.silent = False
        self.port = 0
        self._faults = {way: LineFaults(net, f"{name}/{way}") for way in ("up", "down")}
        self._ends: set[_End] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._listening: socket.socket | None = None

    def start(self) -> None:
        """Listen; from now on `port` is where."""
        if self._listening is not None:
            return
        self._listening = socket.create_server(("127.0.0.1", self.port), backlog=_BACKLOG)
        self.port = self._listening.getsockname()[1]
        self._spawn(self._serve(self._listening))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, listening: socket.socket) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._controller, sock=listening)

    def _controller(self) -> "_End":
        """A controller connects: so does its other end, to the broker."""
        near, far = _End(self, self._faults["up"]), _End(self, self._faults["down"])
        near.other, far.other = far, near
        self._ends |= {near, far}
        self._spawn(self._connect(near, far))
        return near

    async def _connect(self, near: "_End", far: "_End") -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: far, *self.broker)
        except OSError:
            near.send(None, _CALM)
            self._ends -= {near, far}

    def hush(self, silent: bool) -> None:
        """Let nothing pass, or let it pass again."""
        self.silent = silent
        for end in list(self._ends):
            end.pump()

    def forget(self, end: "_End") -> None:
        """A connection is gone."""
        self._ends.discard(end)

    async def stop(self) -> None:
        """Close everything."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            self._server.close()
        elif self._listening is not None:
            self._listening.close()
        self._server = self._listening = None
        for end in list(self._ends):
            end.abort()


class _End(asyncio.Protocol):
    """One TCP connection of a line: to the controller or to the broker. What is due to it waits in order."""

    other: "_End"

    def __init__(self, line: BadLine, faults: LineFaults) -> None:
        self._line = line
        self._faults = faults
        self._packets = Packets()
        self._waiting: deque[tuple[float, bytes | None, bool]] = deque()
        self._transport: asyncio.Transport | None = None
        self._timer: Timer | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there: what waited may go."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - asyncio gives TCP protocols no other
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pump()

    def data_received(self, data: bytes) -> None:
        """Hand packets over, each with its fate."""
        try:
            packets = self._packets.feed(data)
        except PacketError:
            self.abort()
            return
        calm = Fate(self._line.net.median_ms, lost=False, twice=False)
        for packet in packets:
            self.other.send(packet, self._faults.next() if kind(packet) == PUBLISH else calm)

    def connection_lost(self, error: Exception | None) -> None:
        """Let the other end know, after all that was sent before."""
        self._transport = None
        self._line.forget(self)
        self.other.send(None, _CALM)

    def send(self, packet: bytes | None, fate: Fate) -> None:
        """Give this end a packet, or (None) its end, when it is due and all before it have gone."""
        due = self._line.timing.mono_ms() + fate.delay_ms
        if self._waiting:
            due = max(due, self._waiting[-1][0])
        self._waiting.append((due, packet, fate.lost))
        if fate.twice and not fate.lost:
            self._waiting.append((due, packet, False))
        self.pump()

    def pump(self) -> None:
        """Write what is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is None or self._line.silent:
            return
        now = self._line.timing.mono_ms()
        while self._waiting and self._waiting[0][0] <= now:
            _, packet, lost = self._waiting.popleft()
            if lost:
                self.abort()
                self.other.abort()
                return
            if packet is None:
                self._transport.close()
                return
            self._transport.write(packet)
        if self._waiting:
            self._timer = self._line.timing.call_later(self._waiting[0][0] - now, self.pump)

    def abort(self) -> None:
        """Break the connection."""
        self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()
