"""Simulated poles without a network: the firmware's core with modelled lamps and meters, and time that a test turns.

Messages pass as the wire's own bytes; what is lost, doubled or cut is the caller's to say.
"""

import json
import random
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from device_sim.lamps import Load
from device_sim.villages import ControllerSpec
from firmware_mock.core import Core
from service.domain.inventory import ControllerKey
from service.domain.orders import Order
from service.domain.reports import Report
from service.ports import Plan
from service.wire.codec import milliseconds, read_report, write_desired, write_plan, write_time

_CLOCK_BEGINS = 5_000


class PoleInProcess:
    """One controller on its pole. Its monotonic clock counts the milliseconds since `start`."""

    def __init__(self, spec: ControllerSpec, start: datetime, rng: random.Random, heartbeat_ms: int) -> None:
        self.spec = spec
        self.key = ControllerKey(spec.municipality, spec.controller)
        outputs = {o.n: {"min": o.least, "max": o.most, "step": o.step, "safety": o.safety} for o in spec.outputs}
        self._config = {"outputs": outputs, "heartbeat_ms": heartbeat_ms}
        self._heartbeat_ms = heartbeat_ms
        self._start = start
        self.load = Load(spec, rng, {})
        self.core: Any = None
        self._on = _CLOCK_BEGINS
        self._last = _CLOCK_BEGINS
        self._journal: dict[str, Any] | None = None
        self.due = _CLOCK_BEGINS
        self.power_on(start)

    def _mono(self, now: datetime) -> int:
        return _CLOCK_BEGINS + milliseconds(now) - milliseconds(self._start)

    def power_on(self, now: datetime) -> None:
        """Boot from the journal, and hear the time as soon as the broker is there."""
        mono = self._mono(now)
        self.core = Core(self._config, self._journal, mono)
        self.load.power_on()
        self._on = self.due = mono
        self.core.on_link(True, mono)
        self.hear_time(now)

    def power_cycle(self, now: datetime) -> None:
        """Lose all but the journal and the meters."""
        self._settle(self._mono(now))
        self._journal = json.loads(json.dumps(self.core.journal()))
        self.power_on(now)

    def hear_time(self, now: datetime) -> None:
        """A time message."""
        self.core.on_time(write_time(now, 1, milliseconds(now)), self._mono(now))

    def hear_plan(self, n: int, now: datetime, plan: Plan) -> None:
        """A plan."""
        self.core.on_plan(write_plan(n, now, plan), False, self._mono(now))

    def hear_order(self, n: int, now: datetime, orders: dict[int, Order]) -> None:
        """An order."""
        self.core.on_desired(write_desired(n, now, orders), False, self._mono(now))

    def pass_to(self, now: datetime) -> list[Report]:
        """Live until `now`, switching exactly when the core asks for it; what it reported meanwhile."""
        said, end = [], self._mono(now)
        while True:
            wait = self.core.tick(self.due)
            self._settle(self.due)
            if self.core.report_due or self.due - self._last >= self._heartbeat_ms:
                said.append(self._report())
            following = min(self.due + max(1, wait), self._last + self._heartbeat_ms)
            if following > end:
                break
            self.due = following
        self.due = end
        self._settle(end)
        return said

    def _settle(self, mono: int) -> None:
        self.load.settle(mono - self._on, {n: output.level for n, output in self.core.outputs.items()})

    def _report(self) -> Report:
        self._last = self.due
        body = self.core.report(self.due)
        self.load.book()
        body["meters"] = self.load.readings()
        body["burn_s"] = self.load.burn_s()
        return read_report(self.key, json.dumps(body).encode(), False)


def true_mwh(poles: Iterable[PoleInProcess]) -> int:
    """What all lamps have really drawn."""
    return sum(pole.load.true_mwh(output.n) for pole in poles for output in pole.spec.outputs)
