"""Who has power: controllers lose it by power cuts, and behind a feeder that is off."""

import asyncio
from collections.abc import Mapping

from device_sim.device import SimDevice
from firmware_mock.timing import Timer, Timing

AT_ONCE = 250
"""So many controllers of a large fleet may be on their way to the broker at once when it is given power. All together
they would connect more slowly than a connection waits for its answer, and begin again and again."""
PAUSE_MS = 100


class Supply:
    """Switches the controllers of a village on and off as their feeders and a scenario's power cuts ask for it.

    A large fleet gets power bit by bit. Nothing is done before `open` and after `close`, so that a village can be
    started and stopped in its own order.
    """

    def __init__(self, devices: Mapping[str, SimDevice], timing: Timing) -> None:
        self._devices = devices
        self._timing = timing
        self._timer: Timer | None = None
        self._waiting: list[str] = []
        self._behind: dict[str, list[str]] = {}
        self._cut: set[str] = set()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._open = False
        for key, device in devices.items():
            if device.spec.feeder is not None:
                feeder = f"{device.spec.municipality}/{device.spec.feeder.controller}"
                self._behind.setdefault(feeder, []).append(key)

    def has(self, key: str) -> bool:
        """Whether a controller gets power now."""
        return key not in self._cut and self._fed(key)

    def _fed(self, key: str) -> bool:
        feeder = self._devices[key].spec.feeder
        source = self._feeder(key)
        return feeder is None or source is None or source.levels[feeder.output] > 0

    def _feeder(self, key: str) -> SimDevice | None:
        """The controller before this one; None also where it is not simulated."""
        spec = self._devices[key].spec
        return self._devices.get(f"{spec.municipality}/{spec.feeder.controller}") if spec.feeder is not None else None

    def open(self) -> None:
        """Give power to all that get it."""
        self._open = True
        self._waiting = [key for key in self._devices if self._feeder(key) is None][::-1]
        self._next()

    @property
    def opening(self) -> bool:
        """Whether some have not been given power for the first time yet."""
        return bool(self._waiting)

    def _next(self) -> None:
        """Let as many go on as there is room on the way; one at least, for the broker may be away."""
        under_way = sum(device.powered and not device.connected for device in self._devices.values())
        for _ in range(min(max(1, AT_ONCE - under_way), len(self._waiting))):
            key = self._waiting.pop()
            if key not in self._cut and not self._devices[key].powered:
                self._devices[key].start()
        self._timer = self._timing.call_later(PAUSE_MS, self._next) if self._waiting else None

    async def close(self) -> None:
        """Leave all as it is from now on."""
        self._open = False
        self._waiting = []
        if self._timer is not None:
            self._timer.cancel()
        tasks = list(self._busy.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def cut(self, key: str, there: bool) -> None:
        """Take the power from a controller, or give it back."""
        if there:
            self._cut.discard(key)
        else:
            self._cut.add(key)
        self._follow(key)

    def settled(self, key: str) -> None:
        """A controller's levels or its power may have changed: so may the power of those behind it."""
        for fed in self._behind.get(key, ()):
            self._follow(fed)

    def _follow(self, key: str) -> None:
        if self._open and key not in self._busy and self._devices[key].powered != self.has(key):
            self._busy[key] = asyncio.get_running_loop().create_task(self._switch(key))

    async def _switch(self, key: str) -> None:
        device = self._devices[key]
        try:
            while self._open and device.powered != self.has(key):
                if device.powered:
                    await device.kill()
                else:
                    device.start()
        finally:
            del self._busy[key]
