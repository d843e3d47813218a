"""Inspection: what is wrong in a municipality, by all that is known of its controllers, and whom to tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex

from service.domain.curve import Curve
from service.domain.fault_life import RETURNS_WITHIN, Changes, advance, outage, service_outage
from service.domain.faults import Fault, Finding
from service.domain.health import examine
from service.domain.health_evidence import Evidence, Feeder, Matter
from service.domain.inventory import Controller, ControllerKey, Municipality, Output, OutputKey, curve_of
from service.domain.lights import availability
from service.domain.maintenance import WARN_BEFORE, Lock, OutputTest, lock_on
from service.domain.orders import level_of
from service.domain.reports import ControllerState, OutputState, Signal
from service.domain.words import AlertKind, FaultState
from service.ports import SentOrder, Tx
from service.usecases.alerting import Occasion, raise_alerts
from service.usecases.maintenance import SETTLE, finished_tests, verdicts_of
from service.usecases.press import RECENT


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found wrong and what was found sound in a municipality at a moment, and whether that changes anything.

    `broker_gone_since` is when the broker was lost: then nothing was judged.
    """

    findings: tuple[Finding, ...] = ()
    sound: frozenset[Matter] = frozenset()
    broker_gone_since: datetime | None = None
    news: bool = False


@dataclass(frozen=True, slots=True)
class Inspected:
    """What an inspection changed: whether anything is to be shown or told, and how many alerts were raised."""

    changed: bool = False
    alerts: int = 0


def judge(tx: Tx, home: Municipality, broker_gone_since: datetime | None, now: datetime, speed: float) -> Judged:
    """Judge all controllers of a municipality. Reads only; `apply` keeps what comes of it."""
    if broker_gone_since is not None:
        judged = Judged(broker_gone_since=broker_gone_since)
    else:
        health = [examine(evidence) for evidence in gather_evidence(tx, home, now, speed)]
        judged = Judged(
            tuple(finding for one in health for finding in one.found),
            frozenset(matter for one in health for matter in one.sound),
        )
    changes = _changes(tx, home, judged, now, speed)
    news = bool(changes.saved or changes.deleted or _ending(tx, home, now) or finished_tests(tx, home.id, now))
    return replace(judged, news=news)


def apply(tx: Tx, home: Municipality, judged: Judged, now: datetime, speed: float) -> Inspected:
    """Let faults go on by what was judged, keep what tests said, warn of locks that end, and raise alerts."""
    changes = _changes(tx, home, judged, now, speed)
    tested = finished_tests(tx, home.id, now)
    for test in tested:
        tx.save_output_test(test)
        _commission(tx, test)
    ending = _ending(tx, home, now)
    for lock in ending:
        tx.save_lock(replace(lock, warned_at=now))
    occasions = [*_occasions(changes), *(Occasion(AlertKind.LOCK_ENDING, lock) for lock in ending)]
    return Inspected(bool(_keep(tx, changes) or tested), raise_alerts(tx, home, occasions, now))


def after_absence(tx: Tx, home: Municipality, since: datetime, now: datetime, speed: float) -> Inspected:
    """The service itself was away from `since` to now: one fault for that, none for what nobody could see."""
    changes = service_outage(_known(tx, home, now), since, home.id, now, speed, _new_id)
    return Inspected(_keep(tx, changes), raise_alerts(tx, home, _occasions(changes), now))


def next_moment(tx: Tx, now: datetime) -> datetime | None:
    """When something is due that no message announces: the end of a test, a warning before the end of a lock."""
    moments = []
    for home in tx.municipalities():
        moments += [lock.until - WARN_BEFORE for lock in tx.locks(home.id, now) if lock.warned_at is None]
        moments += [test.until + SETTLE for test in tx.output_tests(home.id, now)]
    return min((moment for moment in moments if moment > now), default=None)


def _new_id() -> str:
    return token_hex(8)


def _known(tx: Tx, home: Municipality, now: datetime) -> list[Fault]:
    """Faults that are not closed, and those closed not long ago."""
    return tx.faults_known(home.id, closed_since=now - RETURNS_WITHIN)


def _changes(tx: Tx, home: Municipality, judged: Judged, now: datetime, speed: float) -> Changes:
    known = _known(tx, home, now)
    if judged.broker_gone_since is not None:
        return outage(known, judged.broker_gone_since, home.id, now, speed, _new_id)
    return advance(known, judged.findings, home.id, now, speed, _new_id, sound=judged.sound)


def _keep(tx: Tx, changes: Changes) -> bool:
    for fault in changes.deleted:
        tx.delete_fault(fault.municipality, fault.id)
    for fault in changes.saved:
        tx.save_fault(fault)
    return bool(changes.opened or changes.reopened or changes.closed or any(_told(fault) for fault in changes.saved))


def _told(fault: Fault) -> bool:
    return fault.state is not FaultState.SUSPECTED


def _occasions(changes: Changes) -> list[Occasion]:
    return [
        *(Occasion(AlertKind.FAULT_OPENED, fault) for fault in changes.opened),
        *(Occasion(AlertKind.FAULT_REOPENED, fault) for fault in changes.reopened),
        *(Occasion(AlertKind.FAULT_CLOSED, fault) for fault in changes.closed),
    ]


def _ending(tx: Tx, home: Municipality, now: datetime) -> list[Lock]:
    """Locks that end within WARN_BEFORE and whose holder was not warned yet; shorter ones need no warning."""
    return [
        lock
        for lock in tx.locks(home.id, now)
        if lock.warned_at is None
        and lock.ended_at is None
        and lock.until - lock.start > WARN_BEFORE
        and lock.until - WARN_BEFORE <= now < lock.until
    ]


def _commission(tx: Tx, test: OutputTest) -> None:
    """Keep what the outputs drew, where their meters followed them and nothing else."""
    for said in verdicts_of(tx, test):
        if said.commissioned is not None:
            tx.save_commissioned(said.commissioned)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read of a municipality, to make each controller's evidence of."""

    states: Mapping[ControllerKey, ControllerState]
    outputs: Mapping[OutputKey, OutputState]
    sent: Mapping[ControllerKey, SentOrder]
    now: datetime
    speed: float

    def feeder(self, controller: Controller) -> Feeder | None:
        """The output that a controller hangs behind."""
        if controller.feeder is None:
            return None
        owner = self.states[controller.feeder.owner]
        return Feeder(availability(owner, self.now, self.speed), self.outputs.get(controller.feeder))


_NEVER_HEARD = ControllerState()


def gather_evidence(tx: Tx, home: Municipality, now: datetime, speed: float) -> list[Evidence]:
    """All that is known of the municipality's controllers, one evidence for each that was ever heard of.

    One that nobody has fitted yet is no fault.
    """
    controllers = tx.controllers(home.id)
    keys = [controller.key for controller in controllers]
    states, sent = tx.controller_states(keys), tx.sent_orders(keys)
    outputs = tx.output_states(output.key for c in controllers for output in c.outputs)
    known = _Known(states, outputs, sent, now, speed)
    meters = tx.meter_states(meter.key for c in controllers for meter in c.meters)
    baselines, locks = tx.commissioned(home.id), tx.locks(home.id, now)
    signals: dict[ControllerKey, list[Signal]] = {}
    for signal in tx.signals(home.id):
        signals.setdefault(signal.controller, []).append(signal)
    feeds = frozenset(c.feeder for c in controllers if c.feeder is not None)
    curves = _curves(tx, home, controllers, now)
    watts: dict[OutputKey, list[float]] = {}
    for lamp in tx.lamps(home.id):
        watts.setdefault(lamp.output, []).append(lamp.watts)
    return [
        Evidence(
            controller=controller,
            state=states[controller.key],
            availability=availability(states[controller.key], now, speed),
            now=now,
            speed=speed,
            outputs=outputs,
            meters=meters,
            asked={o.key: max(curves[o.key].level_at(now), _ordered(o, known)) for o in controller.outputs},
            fading={o.key: timedelta(seconds=curves[o.key].at(now).fade_s) for o in controller.outputs},
            locked=frozenset(o.key for o in controller.outputs if lock_on(o, locks, now) is not None),
            baselines=baselines,
            lamps=watts,
            signals=signals.get(controller.key, ()),
            feeder=known.feeder(controller),
            feeds=feeds,
            ordered_n=sent[controller.key].desired_n if controller.key in sent else 0,
            ordered_at=sent[controller.key].at if controller.key in sent else None,
        )
        for controller in controllers
        if states[controller.key] != _NEVER_HEARD
    ]


def _curves(tx: Tx, home: Municipality, controllers: Sequence[Controller], now: datetime) -> dict[OutputKey, Curve]:
    """The curve of each output's plan."""
    zones = {zone.key.zone: zone for zone in tx.zones(home.id, since=now - RECENT)}
    return {output.key: curve_of(output, zones[output.zone], home) for c in controllers for output in c.outputs}


def _ordered(output: Output, known: _Known) -> int:
    sent = known.sent.get(output.key.owner)
    return 0 if sent is None or sent.orders is None else level_of(sent.orders.get(output.key.n, ()), known.now)
