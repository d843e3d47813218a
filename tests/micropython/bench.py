"""A core on a bench: time, plans, orders and power by hand, with a lasting memory that can be cut at any byte.

Written for MicroPython, as the core is. `tests/unit/test_firmware_cases.py` runs the cases on both interpreters.
"""

import json

from firmware_mock.core import Core
from firmware_mock.core.journal import SLOTS, Journal

T = 1795305600000
"""2026-11-22 00:00 UTC, 01:00 in Lütjenholm: deep in the dark window."""
SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
RULE = [
    {"anchor": "sunset", "level": 100},
    {"anchor": "clock", "clock": "00:30", "level": 0},
    {"anchor": "clock", "clock": "05:30", "level": 100},
    {"anchor": "sunrise", "level": 0},
]
"""Dark from 00:30 to 05:30 local time. In Lütjenholm on 2026-11-22 the sun sets at 15:08 and rises at 07:07 UTC."""


def step(start: int, until: int, level: int = 100, cause: str = "press") -> dict:  # type: ignore[type-arg] # no Any there
    """A step of an order."""
    return {"from": start, "level": level, "until": until, "cause": cause}


def plan(n: int = 1, steps: object = None, **more: object) -> dict:  # type: ignore[type-arg] # no Any there
    """A plan of output 1, dark where no steps are given; `more` replaces fields of plan and output."""
    output = {"safety": False, "ends": T + 200 * HOUR, "steps": steps or [(T - 12 * HOUR, 0)], "rule": []}
    body = {
        "plan_n": n,
        "at": T - 12 * HOUR,
        "position": {"lat": 54.7, "lon": 9.05},
        "tz": "CET-1CEST,M3.5.0,M10.5.0/3",
        "fail_state": "plan",
        "cut_off_after_min": 60,
        "local_press": {"minutes": 12, "level": 100},
    }
    for name, value in more.items():
        (output if name in ("safety", "ends", "rule", "local") else body)[name] = value
    output["steps"] = [{"at": at, "level": level} for at, level in output["steps"]]  # type: ignore[attr-defined] # ours
    body["outputs"] = dict.fromkeys(more.get("numbers", ("1",)), output)  # type: ignore[call-overload] # a tuple
    return body


class Flash:
    """A memory of four slots."""

    def __init__(self) -> None:
        self.slots = [b""] * len(SLOTS)

    def load(self) -> Journal:
        """What is in it."""
        return Journal(self.slots)

    def write(self, slot: int, record: bytes) -> None:
        """Write a record over what is there."""
        self.slots[slot] = record + self.slots[slot][len(record) :]

    def keep(self, state: dict) -> None:  # type: ignore[type-arg] # no Any there
        """Write a state as a whole."""
        journal = self.load()
        for slot, record in journal.writes(state):
            self.write(slot, record)
        journal.written()


class Pole:
    """A core with a monotonic counter that the case moves, and a flash that outlives `power_cycle`."""

    def __init__(
        self,
        outputs: object = None,
        demo: bool = False,
        clock: int | None = T,
        body: object = True,
        connected: bool = True,
    ) -> None:
        self.mono = 5000
        self.config = {"outputs": outputs or {"1": {"min": 10}}, "demo": demo}
        self.flash = Flash()
        self.seq = T
        self.core = Core(self.config, None, self.mono)
        self.core.on_link(connected, self.mono)
        if body:
            self.plan(plan() if body is True else body)
        if clock is not None:
            self.time(clock)
        self.core.report(self.mono)

    def time(self, at: int, speed: float = 1, seq: int | None = None) -> bool:
        """Hear the time; `seq` goes on with the counter where it is not given. Answers whether it was believed."""
        self.seq = max(self.seq + 1, T + self.mono) if seq is None else seq
        bad = self.core.bad["time"]
        self.core.on_time(json.dumps({"at": at, "speed": speed, "seq": self.seq}).encode(), self.mono)
        return bool(self.core.bad["time"] == bad)

    def plan(self, body: object) -> None:
        """Hear a plan."""
        self.core.on_plan(json.dumps(body).encode(), False, self.mono)

    def order(self, n: int, steps: object = None, at: int = T, retained: bool = False, output: str = "1") -> None:
        """Hear an order for one output, or one for none."""
        body = {"desired_n": n, "at": at, "outputs": {output: steps} if steps else {}}
        self.core.on_desired(json.dumps(body).encode(), retained, self.mono)

    def wait(self, ms: int) -> None:
        """Let real time pass, ticking exactly when the core asks for it."""
        end = self.mono + ms
        while self.mono < end:
            self.mono = min(end, self.mono + self.core.tick(self.mono))
        self.core.tick(self.mono)

    def now(self, output: str = "1") -> tuple[int, str]:
        """Level and cause of an output."""
        return self.core.outputs[output].level, self.core.outputs[output].cause

    def link(self, up: bool) -> None:
        """The broker comes or goes."""
        self.core.on_link(up, self.mono)

    def keep(self) -> None:
        """Bring the core's journal into the flash."""
        self.flash.keep(self.core.journal())

    def power_cycle(self, connected: bool = False) -> None:
        """Lose all but what is in the flash."""
        self.keep()
        self.core = Core(self.config, self.flash.load().state, self.mono)
        self.core.on_link(connected, self.mono)

    def answered(self) -> bool:
        """Whether a report is due; takes it."""
        due = self.core.report_due
        self.core.report(self.mono)
        return due

    def told(self) -> list:  # type: ignore[type-arg] # no Any there
        """The events that wait to be told."""
        return [event for _, event in self.core.outbox.pending(self.mono)]

    def tell(self) -> list:  # type: ignore[type-arg] # no Any there
        """The same; the broker acknowledges them."""
        pending = self.core.outbox.pending(self.mono)
        for number, _ in pending:
            self.core.outbox.acknowledged(number)
        return [event for _, event in pending]
