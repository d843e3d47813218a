"""Record: what controllers report becomes state, energy and the progress of leases."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from service.domain.energy import book
from service.domain.inventory import Controller, ControllerKey, MeterKey, Output, OutputKey, ZoneKey
from service.domain.lights import FRESH_FOR
from service.domain.reports import ControllerState, Counters, Message, MeterState, OutputState, Report, Status
from service.ports import Tx
from service.usecases.progress import follow

_NOISE = 0.02
"""Part of a power below which a change is the mains' own flutter."""


@dataclass(slots=True)
class Recorded:
    """What a batch of messages changed.

    `changed` are zones that look different now, `behind` controllers that knew higher counters than we do and
    must get their order and plan anew, `dropped` counts messages that were ignored, by kind.
    """

    changed: set[ZoneKey] = field(default_factory=set)
    behind: set[ControllerKey] = field(default_factory=set)
    dropped: Counter[str] = field(default_factory=Counter)


def record(tx: Tx, messages: Sequence[Message], now: datetime, speed: float) -> Recorded:
    """Record a batch in one transaction."""
    done = Recorded()
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
        else:
            states[controller.key] = _report(tx, controller, state, message, now, done)
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


def _report(
    tx: Tx, controller: Controller, state: ControllerState, report: Report, now: datetime, done: Recorded
) -> ControllerState:
    if report.session < state.session:
        done.dropped["older session"] += 1
        return state
    at = now if report.at is None else min(report.at, now)
    if not tx.new_report(controller.key, report.boot, report.seq, at):
        done.dropped["duplicate"] += 1
        return state
    if (report.boot, report.seq) < (state.boot, state.seq):
        done.dropped["late"] += 1
        return state
    if (report.plan_n, report.desired_n) != (state.plan_n, state.desired_n):
        _raise(tx, Counters(controller.key, report.plan_n, report.desired_n), done)
    different = _levels_and_energy(tx, controller, report, at)
    after = ControllerState(
        online=state.online if report.retained else True,
        session=report.session,
        boot=report.boot,
        seq=report.seq,
        plan_n=report.plan_n,
        desired_n=report.desired_n,
        heard_at=at if report.retained else now,
        reported_at=at,
        fw=report.fw,
    )
    tx.save_controller_state(controller.key, after)
    if different or _looks_different(state, after, now):
        done.changed.update(_zones(controller))
    return after


def _looks_different(before: ControllerState, after: ControllerState, now: datetime) -> bool:
    """Whether anything but the age of the last word changed: a heartbeat need not redraw every page."""
    silent = before.heard_at is None or now - before.heard_at > FRESH_FOR / 2
    return silent or (before.online, before.desired_n) != (after.online, after.desired_n)


def _levels_and_energy(tx: Tx, controller: Controller, report: Report, at: datetime) -> bool:
    """Save levels and book energy; returns whether a level, cause or power changed."""
    outputs = {output.key.n: output for output in controller.outputs}
    before = tx.output_states(output.key for output in controller.outputs)
    different = _energy(tx, controller, report, at, outputs, before)
    for n, said in report.outputs.items():
        output = outputs.get(n)
        if output is None:
            continue
        earlier = before.get(output.key)
        same = earlier is not None and (earlier.level, earlier.cause) == (said.level, said.cause)
        since = earlier.since if earlier is not None and same else at
        tx.save_output_state(output.key, OutputState(said.level, said.cause, since, at))
        different = different or not same
    return different


def _energy(
    tx: Tx,
    controller: Controller,
    report: Report,
    at: datetime,
    outputs: dict[int, Output],
    states: dict[OutputKey, OutputState],
) -> bool:
    different = False
    meters = {meter.key.n: meter for meter in controller.meters}
    readings = tx.meter_states(meter.key for meter in controller.meters)
    for n, reading in report.meters.items():
        meter = meters.get(n)
        if meter is None:
            continue
        before = readings.get(meter.key)
        measured = [(outputs[o], states[outputs[o].key]) for o in meter.outputs if outputs[o].key in states]
        if before is not None and measured:
            tx.add_energy(book(before, reading, at, measured))
        tx.save_meter_state(MeterKey(*meter.key), MeterState(reading.total_mwh, reading.watts, at))
        different = different or before is None or abs(reading.watts - before.watts) > _NOISE * before.watts
    return different


def _follow(tx: Tx, controllers: Iterable[Controller], now: datetime, speed: float, done: Recorded) -> None:
    touched = {controller.key.municipality for controller in controllers if done.changed & _zones(controller)}
    for municipality in sorted(touched):
        running = [
            (lease, progress)
            for lease, progress in tx.leases_running(municipality, now)
            if done.changed.intersection(lease.lights)
        ]
        follow(tx, running, now, speed)


def _zones(controller: Controller) -> set[ZoneKey]:
    return {ZoneKey(controller.key.municipality, output.zone) for output in controller.outputs}
