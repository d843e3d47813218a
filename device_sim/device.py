"""One simulated controller: the firmware with modelled lamps and meters around it, and a lasting memory."""

import asyncio
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from device_sim.lamps import Load
from device_sim.memory import Memory, NoMemory
from device_sim.surroundings import ALONE, Surroundings
from device_sim.tally import CountedCore, Tally
from device_sim.timings import DriftingTiming
from device_sim.villages import ControllerSpec
from firmware_mock.core import Core
from firmware_mock.link import Address, Link
from firmware_mock.timing import RealTiming, Timer, Timing

LIVE_THROUGH_MS = 26 * 3_600_000
"""The longest stretch of skipped demo time that is lived through; of a longer one, its end."""
JUMP_MS = 2000
"""A clock that moves forward by less was not moved on purpose."""
LONGEST_TIMER_MS = 3_600_000


def _quartz(timing: Timing, ppm: int) -> Timing:
    return DriftingTiming(timing, ppm) if ppm else timing


class SimDevice:
    """A controller that can be switched on and off, killed, and cut from its broker.

    Journal and meters are kept before a report goes out, so that no meter ever falls behind what was said, whatever
    ends the process. In the demo, skipped time is lived through at once, with its reports.
    """

    def __init__(
        self,
        spec: ControllerSpec,
        address: Address,
        state_dir: Path | None,
        *,
        demo: bool = False,
        seed: int = 1,
        heartbeat_ms: int = 60_000,
        timing: Timing | None = None,
        on_change: Callable[[bool], None] = lambda up: None,
        protection: Mapping[str, Mapping[str, int]] | None = None,
        around: Surroundings = ALONE,
    ) -> None:
        """Without `state_dir` nothing outlives the process.

        `protection` gives outputs their `min_on_s`, `min_off_s`, `restrike_s` and `stagger_ms`. ValueError."""
        self.spec = spec
        self.address = address
        self._memory = Memory(state_dir, address.user) if state_dir is not None else NoMemory()
        self._rng = random.Random(f"{seed}/{spec.key}")  # noqa: S311 - lamps of a model, no secret
        self._timing = _quartz(timing or RealTiming(), around.wear.drift_ppm)
        self._around = around
        self._on_change = on_change
        self._config = {
            "outputs": {
                o.n: {
                    "min": o.least,
                    "max": o.most,
                    "step": o.step,
                    "safety": o.safety,
                    **(protection or {}).get(o.n, {}),
                }
                for o in spec.outputs
            },
            "demo": demo,
            "heartbeat_ms": heartbeat_ms,
            "fw": "mock-1.0",
        }
        self._moved = asyncio.Event()
        self._journal, meters = self._memory.load()
        self.load = Load(spec, self._rng, meters, around.wear)
        self.tally = Tally()
        self.core: Core = CountedCore(self.tally, self._config, self._journal, self._timing.mono_ms())
        self.link: Link | None = None
        self._wear_timer: Timer | None = None

    # switches for the village and for tests

    @property
    def powered(self) -> bool:
        """Whether it has power."""
        return self.link is not None

    @property
    def connected(self) -> bool:
        """Whether it has introduced itself to the broker and is still there."""
        return self.link is not None and self.link.connected

    @property
    def levels(self) -> dict[str, int]:
        """What its outputs' lamps get now, by number; all 0 without power."""
        return {n: self.load.gives(n, output.level) if self.powered else 0 for n, output in self.core.outputs.items()}

    async def wait_level(self, n: str, level: int, timeout_s: float = 30.0) -> None:
        """Wait until an output gives a level. TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self.levels[n] != level:
                self._moved.clear()
                await self._moved.wait()

    def start(self) -> None:
        """Power on: a new boot from the journal, and connect."""
        if self.link is not None:
            raise RuntimeError(f"{self.spec.key} has power already")
        mono_ms = self._timing.mono_ms()
        self.core = CountedCore(self.tally, self._config, self._journal, mono_ms)
        self.load.power_on()
        self.link = Link(self, self.address, rng=self._rng, timing=self._timing, on_change=self._on_change)
        self.keep()
        self.link.start()

    async def stop(self) -> None:
        """End in order: say offline, disconnect, keep the meters."""
        if self.link is not None:
            await self.link.stop()
            self._power_off()

    async def kill(self) -> None:
        """Power off at once: the connection closes without DISCONNECT, all in memory is lost."""
        if self.link is not None:
            await self.link.kill()
            self._power_off()

    async def power_cycle(self) -> None:
        """Power off and on again."""
        await self.kill()
        self.start()

    def drop(self) -> None:
        """Lose the connection but not the power; it connects again by itself."""
        if self.link is not None:
            self.link.drop()

    def press_button(self, n: str) -> None:
        """Press the push-button of an output. RuntimeError without power."""
        self._powered().press_button(n)

    def signal(self, kind: str, *, on: bool = True, code: str | None = None, output: str | None = None) -> None:
        """Open or close the door (`door`), turn the hand switch (`local_override`), find a `fault`. RuntimeError."""
        self._powered().signal(kind, on=on, code=code, output=output)

    def _powered(self) -> Link:
        if self.link is None:
            raise RuntimeError(f"{self.spec.key} has no power")
        return self.link

    def _power_off(self) -> None:
        self.settle(self._timing.mono_ms())
        self.keep()
        self.link = None
        if self._wear_timer is not None:
            self._wear_timer.cancel()
            self._wear_timer = None
        self._around.settled()

    def look(self) -> None:
        """Something about its lamps, relays or meters changed: meter up to now, and tell what must be told."""
        if self.link is not None:
            self.link.look()

    # what the link asks of it

    def on_time(self, payload: bytes, mono_ms: int) -> None:
        """Take the time; in a demo, live through what it skips."""
        ahead = self.core.ahead(payload, mono_ms)
        if self.core.demo and ahead > JUMP_MS * max(1, self.core.clock.speed):
            self._live_through(ahead, mono_ms)
        self.core.on_time(payload, mono_ms)
        if self.core.clock.valid:
            self._around.heard(self.core.clock.now(mono_ms), self.core.clock.speed)
            self._expect_wear()

    def _live_through(self, ahead: int, mono_ms: int) -> None:
        if ahead > LIVE_THROUGH_MS:
            self.core.skip(ahead - LIVE_THROUGH_MS, mono_ms)
            self.load.forget_time(self.core.clock.run(mono_ms))
            ahead = LIVE_THROUGH_MS
        while ahead > 0:
            self.core.tick(mono_ms)
            step = min(self.core.next_change, ahead)
            self.core.skip(step, mono_ms)
            self.settle(mono_ms)
            if self.core.report_due and self.link is not None:
                self.link.tell(mono_ms)
            ahead -= step
        self.core.report_due = True

    def settle(self, mono_ms: int) -> None:
        """Meter what burned until now, then follow the core's levels."""
        levels = {n: output.level for n, output in self.core.outputs.items()}
        if self.load.settle(self.core.clock.run(mono_ms), levels):
            self._expect_wear()
            self._around.settled()
        self._moved.set()

    def _expect_wear(self) -> None:
        """Be there when the next lamp goes dark."""
        if self._wear_timer is not None:
            self._wear_timer.cancel()
            self._wear_timer = None
        wait = self.load.until_failure()
        if wait is not None:
            due = min(self.core.clock.wait_for(wait + 1), LONGEST_TIMER_MS)
            self._wear_timer = self._timing.call_later(due, self._worn)

    def _worn(self) -> None:
        self._wear_timer = None
        self.look()
        if self._wear_timer is None and self.powered:
            self._expect_wear()

    def watts(self) -> dict[str, float]:
        """What each meter's outputs draw now, in W."""
        return self.load.watts()

    def dress(self, report: dict[str, Any], mono_ms: int) -> None:
        """Add meters and burning time to a report."""
        self.load.book()
        report["meters"] = self.load.readings()
        report["burn_s"] = self.load.burn_s()

    def keep(self) -> None:
        """Keep journal and meters."""
        self._journal = self.core.journal()
        self._memory.keep(self._journal, self.load.kept())
