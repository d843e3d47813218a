"""The controller's decisions: plan, orders, clock and counters become a level and a cause for each output.

Levels: the highest of plan and order, a lock holds 0; equal levels take the cause of the higher rank. Nothing here
raises on what comes from outside: bad messages are counted in `bad` and dropped.
"""

from firmware_mock.core import decode
from firmware_mock.core.clock import PoleClock
from firmware_mock.core.planning import Planner

_LONGEST_WAIT = 3600000
_FAR = 1 << 60
ANNOUNCE = "announce"
"""Answer of `on_status`: publish the birth again."""
RECONNECT = "reconnect"
"""Answer of `on_status`: the session is not ahead of one used before; connect again with a new one."""


class Output:
    """One switchable feed. A relay has step 100; `safety` counts until a plan says otherwise."""

    def __init__(self, least: int, most: int, step: int, safety: bool) -> None:
        self.least = least
        self.most = most
        self.step = step
        self.safety = safety
        self.level = 0
        self.cause = "schedule"

    def keeps(self, level: int) -> int:
        """The level that it takes when told `level`: never darker than asked, 0 stays 0."""
        if level <= 0:
            return 0
        return min(max(-(-level // self.step) * self.step, self.least), self.most)


class _Order:
    """The order in force: when it was heard on the pole's running time, and whether it came live."""

    def __init__(self, desired: decode.Desired, heard: int, live: bool) -> None:
        self.n = desired.n
        self.at = desired.at
        self.outputs = desired.outputs
        self.heard = heard
        self.live = live


def _whole(holder: dict[str, object], name: str) -> int:
    value = holder.get(name)
    return value if isinstance(value, int) and value >= 0 else 0


class Core:
    """One controller from power-on to power-off.

    `config`: outputs {"1": {"min", "max", "step", "safety"}}, demo (may run at another speed than 1),
    heartbeat_ms, fw; all but outputs may be missing. `journal`: what `journal()` gave before power-off, or None.
    After any call `report_due` says whether a report must go out. `mono_ms` is a monotonic counter.
    """

    def __init__(self, config: dict, journal: dict | None = None, mono_ms: int = 0) -> None:  # type: ignore[type-arg]
        self.outputs = {
            n: Output(o.get("min", 0), o.get("max", 100), o.get("step", 1), o.get("safety", False))
            for n, o in config["outputs"].items()
        }
        self.demo = bool(config.get("demo", False))
        self.heartbeat_ms = int(config.get("heartbeat_ms", 60000))
        self.fw = str(config.get("fw", "mock-1.0"))
        self.clock = PoleClock(mono_ms)
        self.bad = {"plan": 0, "desired": 0, "time": 0, "status": 0}
        self.report_due = True
        self.next_change = _FAR
        self._started = mono_ms
        self._seq = 0
        self._order = None  # type: _Order | None
        self._planner = None  # type: Planner | None
        self._plan_text = ""
        self._cut_since = 0  # type: int | None
        kept = journal or {}  # type: dict[str, object]
        self.boot = _whole(kept, "boot") + 1
        self.session = _whole(kept, "session")
        self.plan_n = _whole(kept, "plan_n")
        self.desired_n = _whole(kept, "desired_n")
        self._time_seq = _whole(kept, "time_seq")
        plan = kept.get("plan")
        if isinstance(plan, str) and plan:
            self._take_plan(plan.encode())
        self.tick(mono_ms)

    def journal(self) -> dict[str, object]:
        """What must survive power-off. Orders do not: a power cycle lights only what the plan lights."""
        return {
            "boot": self.boot,
            "session": self.session,
            "plan_n": self.plan_n,
            "desired_n": self.desired_n,
            "time_seq": self._time_seq,
            "plan": self._plan_text,
        }

    # what arrives

    def on_plan(self, payload: bytes, retained: bool, mono_ms: int) -> None:
        """Apply a plan unless its counter is lower than the last one's."""
        self._take_plan(payload)
        self.report_due = True
        self.tick(mono_ms)

    def _take_plan(self, payload: bytes) -> None:
        try:
            plan = decode.plan(payload)
        except decode.MessageError:
            self.bad["plan"] += 1
            return
        if plan.n >= self.plan_n:
            self.plan_n = plan.n
            self._planner = Planner(plan)
            self._plan_text = payload.decode()
            for n in self.outputs:
                if n in plan.outputs:
                    self.outputs[n].safety = plan.outputs[n].safety

    def on_desired(self, payload: bytes, retained: bool, mono_ms: int) -> None:
        """Apply an order unless its counter is lower than the last one's. Each is answered by a report."""
        self.report_due = True
        try:
            desired = decode.desired(payload)
        except decode.MessageError:
            self.bad["desired"] += 1
            return
        if desired.n >= self.desired_n:
            self.desired_n = desired.n
            order = _Order(desired, self.clock.run(mono_ms), not retained)
            last = self._order
            if last is not None and (last.n, last.at) == (order.n, order.at):
                order.heard = last.heard  # the same message again buys no more time
                order.live = order.live or last.live
            self._order = order
        self.tick(mono_ms)

    def on_time(self, payload: bytes, mono_ms: int, retained: bool = False) -> None:
        """Set the clock. A message that is retained, not newer than the last, or faster than life is refused."""
        heard = self._time(payload)
        if heard is None or retained:
            self.bad["time"] += 1
            return
        at, speed, seq = heard
        self._time_seq = seq
        if self.clock.set(at, speed, mono_ms):
            self.report_due = True
        self.tick(mono_ms)

    def _time(self, payload: bytes) -> tuple[int, int | float, int] | None:
        try:
            heard = decode.time(payload)
        except decode.MessageError:
            return None
        if heard[2] <= self._time_seq or (heard[1] != 1 and not self.demo):
            return None
        return heard

    def ahead(self, payload: bytes, mono_ms: int) -> int:
        """By how many milliseconds a time message would move a valid clock forward; 0 where it would not."""
        heard = self._time(payload)
        if heard is None or not self.clock.valid:
            return 0
        return max(0, heard[0] - self.clock.now(mono_ms))

    def skip(self, ms: int, mono_ms: int) -> None:
        """Let `ms` of the pole's own time pass at once: how a demo lives through a jump of its clock."""
        self.clock.skip(ms)
        self.tick(mono_ms)

    def on_status(self, payload: bytes) -> str | None:
        """Judge what stands in the own status topic: ANNOUNCE, RECONNECT, or None where it is our own."""
        try:
            online, session = decode.status(payload)
        except decode.MessageError:
            self.bad["status"] += 1
            return ANNOUNCE
        if session > self.session:
            self.session = session
            return RECONNECT
        return None if online and session == self.session else ANNOUNCE

    def on_link(self, up: bool, mono_ms: int) -> None:
        """The broker is there, or it is not."""
        if up:
            self._cut_since = None
        elif self._cut_since is None:
            self._cut_since = self.clock.run(mono_ms)
        self.tick(mono_ms)

    def next_session(self) -> int:
        """Count the session up; must be kept before CONNECT. At the highest that can be said it stays."""
        self.session = min(self.session + 1, decode.MAX_COUNTER)
        return self.session

    # what it does

    def tick(self, mono_ms: int) -> int:
        """Bring all outputs to their level now; returns the milliseconds until the next tick is due.

        `next_change` is that time in milliseconds of the pole's own time, uncapped.
        """
        self.next_change = _FAR
        for n, output in self.outputs.items():
            level, cause, wait = self._planned(n, output, mono_ms)
            steps, until = self._ordered(n, mono_ms)
            for step in steps:
                level, cause = _higher(level, cause, output.keeps(step.level), step.cause)
            if (level, cause) != (output.level, output.cause):
                output.level, output.cause = level, cause
                self.report_due = True
            self.next_change = min(self.next_change, wait, until)
        return min(self.clock.wait_for(self.next_change), _LONGEST_WAIT)

    def _planned(self, n: str, output: Output, mono_ms: int) -> tuple[int, str, int]:
        """Level and cause by the plan side, and the pole's milliseconds for which they may hold."""
        planner = self._planner
        if planner is None or not self.clock.valid or n not in planner.plan.outputs:
            return (output.keeps(100), "safety", _FAR) if output.safety else (0, "schedule", _FAR)
        plan = planner.plan.outputs[n]
        now = self.clock.now(mono_ms)
        level, cause, until = planner.level(plan, now)
        wait = until - now
        if output.safety and level > 0:
            cause = "safety"
        if self._cut_since is not None:
            left = planner.plan.cut_off - (self.clock.run(mono_ms) - self._cut_since)
            if left > 0:
                wait = min(wait, left)
            else:
                instead, until = planner.failsafe(plan, now)
                wait = min(wait, until - now)
                if instead != level:
                    level, cause = instead, "failsafe"
        return output.keeps(level), cause, wait

    def _ordered(self, n: str, mono_ms: int) -> tuple[list[decode.OrderStep], int]:
        """The steps of the order in force now, and the pole's milliseconds for which that may hold.

        An order's time is the later of the valid clock and its own `at` plus what ran since it was heard. So a
        step starts at once where the pole's clock lags, and ends at the earlier of both, for good.
        """
        order = self._order
        if order is None or n not in order.outputs:
            return [], _FAR
        moment = order.at + self.clock.run(mono_ms) - order.heard
        if self.clock.valid:
            moment = max(moment, self.clock.now(mono_ms))
        order.outputs[n] = [step for step in order.outputs[n] if step.until > moment]
        active, wait = [], _FAR
        for step in order.outputs[n] if self.clock.valid or order.live else []:
            if step.start <= moment:
                active.append(step)
            wait = min(wait, (step.until if step.start <= moment else step.start) - moment)
        return active, wait

    def report(self, mono_ms: int) -> dict[str, object]:
        """The next report. The caller adds its meters and `burn_s`."""
        self._seq += 1
        self.report_due = False
        valid = self.clock.valid
        return {
            "plan_n": self.plan_n,
            "desired_n": self.desired_n,
            "session": self.session,
            "boot": self.boot,
            "seq": self._seq,
            "at": min(self.clock.now(mono_ms), decode.LATEST) if valid else None,
            "clock": "valid" if valid else "unset",
            "uptime_ms": mono_ms - self._started,
            "outputs": {n: {"level": o.level, "cause": o.cause} for n, o in self.outputs.items()},
            "meters": {},
            "fw": self.fw,
        }

    def status(self, online: bool) -> dict[str, object]:
        """Birth (online) or will (offline) of the present session."""
        return {"online": online, "session": self.session}


def _higher(level: int, cause: str, other: int, other_cause: str) -> tuple[int, str]:
    """The one of two that rules: a lock, then the higher level, then the higher rank."""
    if "lock" in (cause, other_cause):
        return 0, "lock"
    ranked = decode.CAUSES.index(other_cause) < decode.CAUSES.index(cause)
    if other > level or (other == level > 0 and ranked):
        return other, other_cause
    return level, cause
