"""A controller's core on a bench: time, plans and orders by hand, every report checked against the contract."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from firmware_mock.core import Core

SCHEMAS = Path(__file__).parents[2] / "broker" / "schema"
T = 1795305600000
"""2026-11-22 00:00 UTC, 01:00 in Lütjenholm: deep in the dark window."""
MINUTE = 60_000
HOUR = 60 * MINUTE
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
DIMMER = {"1": {"min": 10, "max": 100, "step": 1}}
RELAY = {"1": {"step": 100}}


@cache
def validator(kind: str) -> jsonschema.Draft202012Validator:
    """The contract's schema of one kind of message."""
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{kind}.json").read_text("utf-8")))


def step(start: int, until: int, level: int = 100, cause: str = "press") -> dict[str, Any]:
    """A step of an order."""
    return {"from": start, "level": level, "until": until, "cause": cause}


def plan(n: int = 1, steps: list[tuple[int, int]] | None = None, **more: Any) -> dict[str, Any]:
    """A plan of one output, dark where no steps are given; `more` replaces fields of plan and output."""
    output: dict[str, Any] = {
        "safety": False,
        "ends": T + 200 * HOUR,
        "steps": steps or [(T - 12 * HOUR, 0)],
        "rule": [],
    }
    output |= {name: more.pop(name) for name in list(more) if name in output}
    output["steps"] = [{"at": at, "level": level} for at, level in output["steps"]]
    return {
        "plan_n": n,
        "at": T - 12 * HOUR,
        "position": {"lat": 54.7, "lon": 9.05},
        "tz": BERLIN,
        "fail_state": "plan",
        "cut_off_after_min": 60,
        "local_press": {"minutes": 12, "level": 100},
        "outputs": {"1": output},
        **more,
    }


class Pole:
    """A core with a monotonic counter that the test moves. `power_cycle` keeps the journal alone."""

    def __init__(
        self,
        outputs: dict[str, Any] | None = None,
        *,
        demo: bool = False,
        clock: int | None = T,
        dark_plan: bool = True,
        connected: bool = True,
    ) -> None:
        self.mono = 5_000
        self.config = {"outputs": outputs or DIMMER, "demo": demo}
        self.core = Core(self.config, None, self.mono)
        self.seq = T
        self.core.on_link(connected, self.mono)
        if dark_plan:
            self.plan(plan())
        if clock is not None:
            self.time(clock)
        self.core.report(self.mono)

    def time(self, at: int, speed: float = 1, seq: int | None = None) -> None:
        """Hear the time; `seq` goes on by itself where it is not given."""
        self.seq = self.seq + 10_000 if seq is None else seq
        self.core.on_time(json.dumps({"at": at, "speed": speed, "seq": self.seq}).encode(), self.mono)

    def plan(self, body: dict[str, Any], *, retained: bool = False) -> None:
        """Hear a plan."""
        self.core.on_plan(json.dumps(body).encode(), retained, self.mono)

    def order(self, n: int, *steps: dict[str, Any], at: int = T, retained: bool = False, output: str = "1") -> None:
        """Hear an order for one output."""
        body = {"desired_n": n, "at": at, "outputs": {output: list(steps)} if steps else {}}
        self.core.on_desired(json.dumps(body).encode(), retained, self.mono)

    def wait(self, ms: int) -> None:
        """Let real time pass, ticking exactly when the core asks for it."""
        end = self.mono + ms
        while self.mono < end:
            self.mono = min(end, self.mono + self.core.tick(self.mono))
        self.core.tick(self.mono)

    def power_cycle(self, *, connected: bool = False) -> None:
        """Lose all but the journal, as it stands on disk."""
        self.core = Core(self.config, json.loads(json.dumps(self.core.journal())), self.mono)
        self.core.on_link(connected, self.mono)

    def now(self, output: str = "1") -> tuple[int, str]:
        """Level and cause of an output."""
        return self.core.outputs[output].level, self.core.outputs[output].cause

    def report(self) -> dict[str, Any]:
        """The next report, held against its schema."""
        report = self.core.report(self.mono)
        validator("report").validate(report)
        return report

    def answered(self) -> bool:
        """Whether a report is due; takes it."""
        due = self.core.report_due
        self.report()
        return due
