"""The controller's decisions: plan, orders, clock and counters become a level and a cause for each output.

Levels: the highest of plan and order, a lock holds 0; equal levels take the cause of the higher rank. Nothing here
raises on what comes from outside: bad messages are counted in `bad` and dropped.
"""

from firmware_mock.core import decode
from firmware_mock.core.buttons import Buttons
from firmware_mock.core.clock import PoleClock
from firmware_mock.core.events import Outbox, signal
from firmware_mock.core.hearing import Hearing
from firmware_mock.core.orders import Orders, higher
from firmware_mock.core.planning import Planner
from firmware_mock.core.relays import Output

_LONGEST_WAIT = 3600000
_FAR = 1 << 60
ANNOUNCE = "announce"
"""Answer of `on_status`: publish the birth again."""
RECONNECT = "reconnect"
"""Answer of `on_status`: the session is not ahead of one used before; connect again with a new one."""


def _whole(holder: dict[str, object], name: str) -> int:
    value = holder.get(name)
    return value if isinstance(value, int) and value >= 0 else 0


class Core:
    """One controller from power-on to power-off.

    `config`: outputs {"1": {"min", "max", "step", "safety", and what `Output` names}}, demo (may run at another speed
    than 1), heartbeat_ms, fw; all but outputs may be missing. ValueError where it is wrong. `journal`: what `journal()`
    gave before power-off, or None. After any call `report_due` says whether a report must go out, and `outbox` holds
    the events to tell. `mono_ms` is a monotonic counter.
    """

    def __init__(self, config: dict, journal: dict | None = None, mono_ms: int = 0) -> None:  # type: ignore[type-arg]
        self.outputs = {n: Output(n, output) for n, output in config["outputs"].items()}
        self._numbers = sorted(self.outputs)  # MicroPython's dicts have no order, the stagger has
        self.demo = bool(config.get("demo", False))
        self.heartbeat_ms = int(config.get("heartbeat_ms", 60000))
        self.fw = str(config.get("fw", "mock-1.0"))
        self.clock = PoleClock(mono_ms)
        self.bad = {"plan": 0, "desired": 0, "time": 0, "status": 0, "event": 0}
        self.report_due = True
        self.next_change = _FAR
        self._started = mono_ms
        self._seq = 0
        self._planner = None  # type: Planner | None
        self._plan_text = ""
        self._cut_since = 0  # type: int | None
        kept = journal or {}  # type: dict[str, object]
        self.boot = _whole(kept, "boot") + 1
        self.session = _whole(kept, "session")
        self.plan_n = _whole(kept, "plan_n")
        self.desired_n = _whole(kept, "desired_n")
        self.outbox = Outbox(self.boot, kept.get("events"), mono_ms)
        self._hearing = Hearing(_whole(kept, "time_seq"))
        self._orders = Orders(kept.get("locks"))
        self._buttons = Buttons()
        self._last_on = 0
        plan = kept.get("plan")
        if isinstance(plan, str) and plan:
            self._take_plan(plan.encode())
        self.tick(mono_ms)

    def journal(self) -> dict[str, object]:
        """What must survive power-off. Orders do not: a power cycle lights only what the plan lights. Of locks so
        much is kept that no push-button lights against them."""
        return {
            "boot": self.boot,
            "session": self.session,
            "plan_n": self.plan_n,
            "desired_n": self.desired_n,
            "time_seq": self._hearing.seq,
            "plan": self._plan_text,
            "events": self.outbox.kept(),
            "locks": self._orders.locks(),
        }

    # what arrives

    def on_plan(self, payload: bytes, retained: bool, mono_ms: int) -> None:
        """Apply a plan unless its counter is lower than the last one's."""
        self._take_plan(payload)
        self.report_due = True
        if not retained:
            self.outbox.hear_plan()
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
            self._orders.take(desired, self.clock.run(mono_ms), not retained)
            if not retained:  # what the broker had kept answers no press
                self._buttons.answered(desired.n)
        self.tick(mono_ms)

    def on_time(self, payload: bytes, mono_ms: int, retained: bool = False) -> None:
        """Set the clock. A message that is retained, faster than life or not believed by `Hearing` is refused."""
        heard = self._time(payload)
        if heard is None or retained or not self._hearing.heard(heard[2], mono_ms):
            self.bad["time"] += 1
            return
        at, speed, _ = heard
        self.outbox.hear_time(mono_ms)
        if self.clock.set(at, speed, mono_ms):
            self.report_due = True
        self.tick(mono_ms)

    def _time(self, payload: bytes) -> tuple[int, int | float, int] | None:
        try:
            heard = decode.time(payload)
        except decode.MessageError:
            return None
        return heard if heard[1] == 1 or self.demo else None

    def ahead(self, payload: bytes, mono_ms: int) -> int:
        """By how many milliseconds a time message would move a valid clock forward; 0 where it would not."""
        heard = self._time(payload)
        if heard is None or not self.clock.valid or not self._hearing.believes(heard[2], mono_ms):
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

    # what happens at the pole

    def on_button(self, n: str, mono_ms: int) -> dict[str, object] | None:
        """The push-button of an output was pressed. Answers its event, or None where it is the same press still."""
        if n not in self.outputs:
            self.bad["event"] += 1
            return None
        if self._buttons.waits(n):
            return None
        event = self.outbox.new("button", self._moment(mono_ms), self.session)
        event["output"] = int(n)
        if self.connected:
            self.outbox.add(event, False, mono_ms)
        self._buttons.press(n, event, self.desired_n, mono_ms)
        self.tick(mono_ms)
        return event

    def on_signal(
        self, kind: str, mono_ms: int, on: bool = True, code: str | None = None, output: str | None = None
    ) -> dict[str, object] | None:
        """A `door`, the hand switch (`local_override`) or a `fault` with its code begins (`on`) or is over. Answers
        the event; None, and counted in `bad`, where there is no such thing."""
        said = signal(kind, on, code, output)
        if said is None or (output is not None and output not in self.outputs):
            self.bad["event"] += 1
            return None
        event = self.outbox.new(kind, self._moment(mono_ms), self.session)
        event.update(said)
        self.outbox.add(event, True, mono_ms)
        return event

    # what it does

    @property
    def connected(self) -> bool:
        """Whether the broker is there."""
        return self._cut_since is None

    def _moment(self, mono_ms: int) -> int | None:
        return min(self.clock.now(mono_ms), decode.LATEST) if self.clock.valid else None

    def tick(self, mono_ms: int) -> int:
        """Bring all outputs to their level now; returns the milliseconds until the next tick is due.

        `next_change` is that time in milliseconds of the pole's own time, uncapped.
        """
        for n, event in self._buttons.unanswered(self.connected, mono_ms):
            self._serve(n, event, mono_ms)
        self.next_change = _FAR
        run = self.clock.run(mono_ms)
        for n in self._numbers:
            output = self.outputs[n]
            level, cause, wait = self._wanted(n, output, mono_ms)
            before = output.level, output.cause
            delay = output.follow(level, cause, run, self._last_on)
            if (output.level, output.cause) != before:
                self.report_due = True
            if output.level and not before[0]:
                self._last_on = run
            self.next_change = min(self.next_change, wait, delay)
        return min(self.clock.wait_for(self.next_change), self._buttons.wait(mono_ms), _LONGEST_WAIT)

    def _wanted(self, n: str, output: Output, mono_ms: int) -> tuple[int, str, int]:
        """Level and cause by plan, order and button, and the pole's milliseconds for which they may hold."""
        level, cause, wait = self._planned(n, output, mono_ms)
        steps, until = self._orders.steps(n, self.clock, mono_ms)
        for step in steps:
            level, cause = higher(level, cause, output.keeps(step.level), step.cause)
        local, local_wait = self._buttons.level(n, output, self._planner, self.clock, mono_ms)
        level, cause = higher(level, cause, local, "local")
        return level, cause, min(wait, until, local_wait)

    def _serve(self, n: str, event: dict[str, object], mono_ms: int) -> None:
        """Nobody answered a press: light its output, as far as the plan lets a button, and tell that."""
        if self._orders.may_be_locked(n, self.clock, mono_ms):
            return
        if self._buttons.light(n, self.outputs[n], self._planner, self.clock, mono_ms):
            served = dict(event)
            served.update({"at": self._moment(mono_ms), "served": "local"})
            self.outbox.add(served, True, mono_ms)
            self.report_due = True

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
            "at": self._moment(mono_ms),
            "clock": "valid" if valid else "unset",
            "uptime_ms": mono_ms - self._started,
            "outputs": {n: {"level": o.level, "cause": o.cause} for n, o in self.outputs.items()},
            "meters": {},
            "fw": self.fw,
        }

    def status(self, online: bool) -> dict[str, object]:
        """Birth (online) or will (offline) of the present session."""
        return {"online": online, "session": self.session}
