"""Record: what controllers report becomes state, energy and the progress of leases."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.domain.curve import Curve
from service.domain.energy import beyond_plan, book, plausible
from service.domain.inventory import (
    Controller,
    ControllerKey,
    Municipality,
    Output,
    OutputKey,
    Zone,
    ZoneKey,
    curve_of,
)
from service.domain.lights import FRESH_FOR
from service.domain.reports import (
    ControllerState,
    Counters,
    Event,
    Message,
    MeterReading,
    MeterState,
    OutputState,
    Report,
    Status,
    believable,
    moment_of,
    sampled,
)
from service.domain.words import EventKind
from service.ports import Tx
from service.usecases.events import press_button, signal_of
from service.usecases.press import RECENT
from service.usecases.progress import follow

_NOISE = 0.02
"""Part of a power below which a change is the mains' own flutter."""


@dataclass(slots=True)
class Recorded:
    """What a batch of messages changed.

    `changed` are zones that look different now, `pressed` those in which a button was pressed, `waiting` the
    controllers of these buttons, which wait for an order. `behind` are controllers that knew higher counters than we
    do and must get their order and plan anew, `dropped` counts messages that were ignored, by kind.
    """

    changed: set[ZoneKey] = field(default_factory=set)
    pressed: set[ZoneKey] = field(default_factory=set)
    waiting: set[ControllerKey] = field(default_factory=set)
    behind: set[ControllerKey] = field(default_factory=set)
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Batch:
    """A transaction, its moment, what it changed, and the zones that it had to read."""

    tx: Tx
    now: datetime
    done: Recorded = field(default_factory=Recorded)
    zones: dict[ZoneKey, tuple[Zone | None, Municipality | None]] = field(default_factory=dict)

    def curve(self, output: Output) -> Curve | None:
        """The curve of an output's plan; its zone is read once."""
        key = ZoneKey(output.key.municipality, output.zone)
        if key not in self.zones:
            self.zones[key] = self.tx.zone(key, since=self.now - RECENT), self.tx.municipality(key.municipality)
        zone, home = self.zones[key]
        return None if zone is None or home is None else curve_of(output, zone, home)


def record(tx: Tx, messages: Sequence[Message], now: datetime, speed: float) -> Recorded:
    """Record a batch in one transaction."""
    batch = _Batch(tx, now)
    done = batch.done
    found = _controllers(tx, {message.controller for message in messages})
    states = tx.controller_states(found)
    for message in messages:
        controller = found.get(message.controller)
        if controller is None:
            done.dropped["unknown controller"] += 1
            continue
        state = states[controller.key]
        if isinstance(message, Counters):
            _raise(tx, message, done)
        elif isinstance(message, Status):
            states[controller.key] = _status(tx, controller, state, message, done)
        elif isinstance(message, Event):
            _event(batch, controller, message, speed)
        else:
            states[controller.key] = _report(batch, controller, state, message)
    _follow(tx, found.values(), now, speed, done)
    return done


def _controllers(tx: Tx, keys: set[ControllerKey]) -> dict[ControllerKey, Controller]:
    return {controller.key: controller for controller in tx.controllers_by_key(keys)}


def _raise(tx: Tx, counters: Counters, done: Recorded) -> None:
    if tx.raise_counters(counters.controller, counters.plan_n, counters.desired_n):
        done.behind.add(counters.controller)


def _status(tx: Tx, controller: Controller, state: ControllerState, status: Status, done: Recorded) -> ControllerState:
    if status.session < state.session:
        done.dropped["older session"] += 1
        return state
    # A new session may be another boot: what the last one said vouches for nothing until this one reports.
    heard_at = state.heard_at if status.session == state.session else None
    # A birth that the broker had kept proves no life: a broker that was cut off with the controller sent no will.
    # Whoever lives answers the orders that are published again at every connect, and is online by that.
    kept_birth = status.retained and status.online and not state.online
    after = replace(state, online=None if kept_birth else status.online, session=status.session, heard_at=heard_at)
    if after != state:
        tx.save_controller_state(controller.key, after)
        done.changed.update(_zones(controller))
    return after


def _event(batch: _Batch, controller: Controller, event: Event, speed: float) -> None:
    if event.kind is not EventKind.BUTTON:
        signal = signal_of(event, batch.now)
        if signal.output is not None and signal.output not in {output.key.n for output in controller.outputs}:
            batch.done.dropped["unknown output"] += 1
            return
        batch.tx.set_signal(signal, on=event.on)
        return
    done = press_button(batch.tx, controller, event, batch.now, speed)
    if done.ignored is not None:
        batch.done.dropped[done.ignored] += 1
        return
    batch.done.pressed.update(done.zones)
    batch.done.changed.update(done.zones)
    if not event.served:
        batch.done.waiting.add(controller.key)


def _report(batch: _Batch, controller: Controller, state: ControllerState, report: Report) -> ControllerState:
    tx, now, done = batch.tx, batch.now, batch.done
    if report.session < state.session:
        done.dropped["older session"] += 1
        return state
    at = moment_of(report, state.reported_at, now)
    if not tx.new_report(controller.key, report.boot, report.seq, at):
        done.dropped["duplicate"] += 1
        return state
    if (report.boot, report.seq) < (state.boot, state.seq):
        done.dropped["late"] += 1
        return state
    if state.boot == 0 and _unordered(tx, controller.key):
        done.behind.add(controller.key)
    plan_n, desired_n = _counters(batch, controller, state, report)
    different = _levels_and_energy(batch, controller, report, at)
    after = ControllerState(
        online=state.online if report.retained else True,
        session=report.session,
        boot=report.boot,
        seq=report.seq,
        plan_n=plan_n,
        desired_n=desired_n,
        heard_at=at if report.retained else now,
        reported_at=at,
        fw=report.fw,
        clock_valid=report.clock_valid,
    )
    tx.save_controller_state(controller.key, after)
    if different or _looks_different(state, after, now):
        done.changed.update(_zones(controller))
    return after


def _unordered(tx: Tx, controller: ControllerKey) -> bool:
    """Whether nobody knows what a device that says its first word holds: it took another one's place."""
    sent = tx.sent_orders([controller]).get(controller)
    return sent is not None and sent.orders is None


def _counters(batch: _Batch, controller: Controller, state: ControllerState, report: Report) -> tuple[int, int]:
    """The plan and the order that a controller says it applied, and ours are raised to; where that cannot be, what
    it said before."""
    plan_n, desired_n = report.plan_n, report.desired_n
    if (plan_n, desired_n) == (state.plan_n, state.desired_n):
        return plan_n, desired_n
    key = controller.key
    if not believable(plan_n, state.plan_n):
        sent_plan = batch.tx.sent_plans(key.municipality).get(key)
        if sent_plan is None or not believable(plan_n, sent_plan.plan_n):
            batch.done.dropped["implausible counter"] += 1
            plan_n = state.plan_n
    if not believable(desired_n, state.desired_n):
        sent_order = batch.tx.sent_orders([key]).get(key)
        if sent_order is None or not believable(desired_n, sent_order.desired_n):
            batch.done.dropped["implausible counter"] += 1
            desired_n = state.desired_n
    _raise(batch.tx, Counters(key, plan_n, desired_n), batch.done)
    return plan_n, desired_n


def _looks_different(before: ControllerState, after: ControllerState, now: datetime) -> bool:
    """Whether anything but the age of the last word changed: a heartbeat need not redraw every page."""
    silent = before.heard_at is None or now - before.heard_at > FRESH_FOR / 2
    return silent or (before.online, before.desired_n) != (after.online, after.desired_n)


def _levels_and_energy(batch: _Batch, controller: Controller, report: Report, at: datetime) -> bool:
    """Save levels and book energy; returns whether a level, cause or power changed."""
    outputs = {output.key.n: output for output in controller.outputs}
    before = batch.tx.output_states(output.key for output in controller.outputs)
    different = _energy(batch, controller, report, at, before)
    for n, said in report.outputs.items():
        output = outputs.get(n)
        if output is None:
            continue
        earlier = before.get(output.key)
        same = earlier is not None and (earlier.level, earlier.cause) == (said.level, said.cause)
        since = earlier.since if earlier is not None and same else at
        batch.tx.save_output_state(output.key, OutputState(said.level, said.cause, since, at))
        different = different or not same
    return different


def _energy(
    batch: _Batch, controller: Controller, report: Report, at: datetime, states: dict[OutputKey, OutputState]
) -> bool:
    """Book what meters went on, and keep their readings; returns whether a power changed."""
    different = False
    outputs = {output.key.n: output for output in controller.outputs}
    readings = batch.tx.meter_states(meter.key for meter in controller.meters)
    for meter in controller.meters:
        reading = report.meters.get(meter.key.n)
        if reading is None:
            continue
        before = readings.get(meter.key)
        covered = [outputs[n] for n in meter.outputs]
        samples = sampled(before, reading, at, _nominal(covered, report))
        after = MeterState(reading.total_mwh, reading.watts, at, reading.volts, samples)
        if before is not None and not _booked(batch, before, reading, at, covered, states):
            after = replace(after, total_mwh=before.total_mwh, at=before.at)
        batch.tx.save_meter_state(meter.key, after)
        different = different or before is None or abs(reading.watts - before.watts) > _NOISE * before.watts
    return different


def _nominal(covered: Iterable[Output], report: Report) -> float:
    """What the lamps that a meter covers draw at the levels that a report tells."""
    levels = {n: said.level for n, said in report.outputs.items()}
    return sum(output.watts * levels.get(output.key.n, 0) / 100 for output in covered)


def _booked(
    batch: _Batch,
    before: MeterState,
    reading: MeterReading,
    at: datetime,
    covered: list[Output],
    states: dict[OutputKey, OutputState],
) -> bool:
    """Book a meter's advance, if it can be true; False where no output's state is known to book it to."""
    measured = [(output, states[output.key]) for output in covered if output.key in states]
    if not measured:
        return False
    if not plausible(before, reading, at, sum(output.watts for output in covered)):
        batch.done.dropped["implausible meter"] += 1
        return True
    beyond = ((output.key, batch.curve(output)) for output, state in measured if beyond_plan(state))
    curves = {key: curve for key, curve in beyond if curve is not None}
    batch.tx.add_energy(book(before, reading, at, measured, curves))
    return True


def _follow(tx: Tx, controllers: Iterable[Controller], now: datetime, speed: float, done: Recorded) -> None:
    touched = {controller.key.municipality for controller in controllers if done.changed & _zones(controller)}
    for municipality in sorted(touched):
        waiting = tx.leases_waiting(municipality, now)
        follow(tx, [alike for alike in waiting if done.changed.intersection(alike.lights)], now, speed)


def _zones(controller: Controller) -> set[ZoneKey]:
    return {ZoneKey(controller.key.municipality, output.zone) for output in controller.outputs}
