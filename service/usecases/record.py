"""Record: what controllers report becomes state, energy and the progress of leases."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from service.domain.inventory import Controller
from service.domain.lights import FRESH_FOR
from service.domain.orders import Order
from service.domain.reports import (
    ControllerState,
    Counters,
    Event,
    Message,
    Nonsense,
    OutputState,
    Report,
    Status,
    believable,
    moment_of,
)
from service.domain.words import EventKind
from service.ports import SentOrder, Tx
from service.usecases.batch import Batch, Recorded, zones_of
from service.usecases.events import press_button, signal_of
from service.usecases.metering import Told, measure, nonsense
from service.usecases.progress import follow

__all__ = ["Recorded", "record"]


def record(tx: Tx, messages: Sequence[Message], now: datetime, speed: float) -> Recorded:
    """Record a batch in one transaction."""
    batch = Batch(tx, {message.controller for message in messages}, now, speed)
    for message in messages:
        controller = batch.controllers.get(message.controller)
        if controller is None:
            batch.done.dropped["unknown controller"] += 1
        elif isinstance(message, Report):
            _report(batch, controller, message)
        elif isinstance(message, Status):
            _status(batch, controller, message)
        elif isinstance(message, Counters):
            _raise(batch, message)
        elif isinstance(message, Nonsense):
            nonsense(batch, controller)
        else:
            _event(batch, controller, message)
    batch.save()
    _follow(batch)
    return batch.done


def _raise(batch: Batch, counters: Counters) -> None:
    if batch.tx.raise_counters(counters.controller, counters.plan_n, counters.desired_n):
        batch.done.behind.add(counters.controller)


def _status(batch: Batch, controller: Controller, status: Status) -> None:
    state = batch.states[controller.key]
    if status.session < state.session:
        batch.done.dropped["older session"] += 1
        return
    # A new session may be another boot: what the last one said vouches for nothing until this one reports.
    heard_at = state.heard_at if status.session == state.session else None
    # A birth that the broker had kept proves no life: a broker that was cut off with the controller sent no will.
    # Whoever lives answers the orders that are published again at every connect, and is online by that.
    kept_birth = status.retained and status.online and not state.online
    after = replace(state, online=None if kept_birth else status.online, session=status.session, heard_at=heard_at)
    if after != state:
        batch.set_state(controller.key, after)
        batch.done.changed.update(zones_of(controller))


def _event(batch: Batch, controller: Controller, event: Event) -> None:
    batch.save()  # a press is judged by what is known
    if event.kind is not EventKind.BUTTON:
        signal = signal_of(event, batch.now)
        if signal.output is not None and signal.output not in {output.key.n for output in controller.outputs}:
            batch.done.dropped["unknown output"] += 1
            return
        batch.tx.set_signal(signal, on=event.on)
        return
    done = press_button(batch.tx, controller, event, batch.now, batch.speed)
    if done.ignored is not None:
        batch.done.dropped[done.ignored] += 1
        return
    batch.done.pressed.update(done.zones)
    batch.done.changed.update(done.zones)
    if not event.served:
        batch.done.waiting.add(controller.key)


def _report(batch: Batch, controller: Controller, report: Report) -> None:
    state, now = batch.states[controller.key], batch.now
    why = _unwanted(state, report)
    if why is not None:
        batch.done.dropped[why] += 1
        return
    at = moment_of(report, state.reported_at, now)
    sent = _sent(batch, report) if report.desired_n != state.desired_n or state.boot == 0 else None
    if state.boot == 0 and sent is not None and sent.orders is None:
        batch.done.behind.add(controller.key)  # nobody knows what it holds: it took another one's place
    plan_n, desired_n = _counters(batch, state, report, sent)
    order = _named(sent, report.desired_n)
    gap = (report.boot, report.seq) != (state.boot, state.seq + 1)
    different = measure(batch, controller, Told(report, at, state, gap, order))
    different |= _levels(batch, controller, report, at)
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
        followed=state.followed if report.desired_n == state.desired_n else _orders(order),
    )
    batch.set_state(controller.key, after)
    if different or _looks_different(state, after, now):
        batch.done.changed.update(zones_of(controller))


def _unwanted(state: ControllerState, report: Report) -> str | None:
    """Why a report is not recorded: (boot, seq) only grow, so whatever comes twice or late is known by them."""
    if report.session < state.session:
        return "older session"
    if state.reported_at is None or (report.boot, report.seq) > (state.boot, state.seq):
        return None
    return "duplicate" if (report.boot, report.seq) == (state.boot, state.seq) else "late"


def _sent(batch: Batch, report: Report) -> SentOrder | None:
    return batch.tx.sent_orders([report.controller]).get(report.controller)


def _named(sent: SentOrder | None, desired_n: int) -> SentOrder | None:
    """The order with a counter, if it is one of the last two."""
    if sent is None or sent.desired_n == desired_n:
        return sent
    return sent.former if sent.former is not None and sent.former.desired_n == desired_n else None


def _orders(order: SentOrder | None) -> Mapping[int, Order]:
    return {} if order is None or order.orders is None else order.orders


def _counters(batch: Batch, state: ControllerState, report: Report, sent: SentOrder | None) -> tuple[int, int]:
    """The plan and the order that a controller says it applied, and ours are raised to; where that cannot be, what
    it said before."""
    plan_n, desired_n, key = report.plan_n, report.desired_n, report.controller
    if (plan_n, desired_n) == (state.plan_n, state.desired_n):
        return plan_n, desired_n
    if not believable(plan_n, state.plan_n):
        sent_plan = batch.tx.sent_plans(key.municipality).get(key)
        if sent_plan is None or not believable(plan_n, sent_plan.plan_n):
            batch.done.dropped["implausible counter"] += 1
            plan_n = state.plan_n
    if not believable(desired_n, state.desired_n) and (sent is None or not believable(desired_n, sent.desired_n)):
        batch.done.dropped["implausible counter"] += 1
        desired_n = state.desired_n
    _raise(batch, Counters(key, plan_n, desired_n))
    return plan_n, desired_n


def _looks_different(before: ControllerState, after: ControllerState, now: datetime) -> bool:
    """Whether anything but the age of the last word changed: a heartbeat need not redraw every page."""
    silent = before.heard_at is None or now - before.heard_at > FRESH_FOR / 2
    return silent or (before.online, before.desired_n) != (after.online, after.desired_n)


def _levels(batch: Batch, controller: Controller, report: Report, at: datetime) -> bool:
    """Save levels; returns whether a level or cause changed."""
    different = False
    for output in controller.outputs:
        said = report.outputs.get(output.key.n)
        if said is None:
            continue
        earlier = batch.outputs.get(output.key)
        same = earlier is not None and (earlier.level, earlier.cause) == (said.level, said.cause)
        since = earlier.since if earlier is not None and same else at
        batch.set_output(output.key, OutputState(said.level, said.cause, since, at))
        different = different or not same
    return different


def _follow(batch: Batch) -> None:
    changed, now = batch.done.changed, batch.now
    if not changed:
        return
    for municipality in sorted({key.municipality for key in changed}):
        waiting = batch.tx.leases_waiting(municipality, now)
        follow(batch.tx, [one for one in waiting if changed.intersection(one.lights)], now, batch.speed)
