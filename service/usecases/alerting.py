"""Alerts to staff: raised in the transaction of what happened, gathered into messages, followed until they are out.

A message is sent between `gather`, which records that a try begins, and `settle`, which records how it ended. Whoever
crashes in between tries again after a pause: a message may go out twice and is never lost.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex
from typing import NamedTuple

from service.domain.alert_rules import (
    Choice,
    Group,
    Pace,
    Waiting,
    choose,
    choose_at_once,
    failed,
    first_due,
    is_cancelled_by,
    is_urgent,
    pace_of,
    quiet_until,
    tried,
)
from service.domain.alerts import Alert, Delivery
from service.domain.faults import Fault
from service.domain.inventory import AlertRules, Municipality, ZoneKey
from service.domain.maintenance import Lock
from service.domain.words import AlertChannel, AlertKind
from service.errors import NotSentError
from service.ports import Notice, Tx
from service.usecases.alert_body import body_of
from service.usecases.alert_texts import Told, subject_line, text_of

log = logging.getLogger(__name__)

CHANNELS = tuple(AlertChannel)

_FAR = timedelta(days=30)
"""No delivery is ever due later than this: what waits is what will be due by then."""


class Occasion(NamedTuple):
    """What alerts are raised for: a fault that was opened, reopened or closed, or a lock that is about to end."""

    kind: AlertKind
    about: Fault | Lock


@dataclass(frozen=True, slots=True)
class Batch:
    """Alerts of which one message tells, and to whom it goes."""

    home: Municipality
    group: Group
    to: tuple[str, ...]
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """How a try ended: so many alerts are tried again, first at `again`, and so many were given up."""

    retried: int = 0
    given_up: int = 0
    again: datetime | None = None


def raise_alerts(tx: Tx, municipality: Municipality, what: Iterable[Occasion], now: datetime) -> int:
    """Keep an alert for everything that the municipality wants to be told; returns how many deliveries that makes.

    In the transaction in which it happened: an alert is as true as its fault. A fault that closes, or opens again,
    before anybody was told of the opposite is not told of at all, unless it is urgent. Nudge the alerter afterwards.
    """
    raised = 0
    waiting: dict[str, list[Alert]] | None = None
    for occasion in what:
        wanted = _alert(municipality, occasion, now)
        if not wanted.deliveries:
            continue
        waiting = _by_subject(tx, municipality, now) if waiting is None else waiting
        alert = _take_back(tx, wanted, waiting[wanted.about])
        if alert.deliveries:
            waiting[alert.about].append(alert)
            tx.save_alert(alert)
            raised += len(alert.deliveries)
    return raised


def next_due(tx: Tx, now: datetime, channels: Collection[AlertChannel] = CHANNELS) -> datetime | None:
    """When the next delivery on one of the channels is due; it may be somewhat earlier, but never later."""
    soonest = tx.next_alert()
    if soonest is None or soonest > now or set(channels) == set(CHANNELS):
        return soonest
    found = (alert.deliveries.get(channel) for alert in tx.alerts_due(now + _FAR) for channel in channels)
    return min((delivery.due for delivery in found if delivery and delivery.due), default=None)


def gather(
    tx: Tx,
    now: datetime,
    channels: Collection[AlertChannel] = CHANNELS,
    last: Mapping[Group, datetime] | None = None,
) -> list[Batch]:
    """The messages to send now, one for each group however many alerts; records that a try of each begins.

    `last` is when the last message of a batch's group went out. Afterwards nothing on these channels is due at `now`.
    """
    groups: dict[Group, list[Waiting]] = defaultdict(list)
    for alert in tx.alerts_due(now + _FAR):
        for channel, delivery in alert.deliveries.items():
            if channel in channels and delivery.due is not None:
                at_once = pace_of(alert.kind, urgent=alert.urgent) is Pace.AT_ONCE
                pace = Pace.AT_ONCE if at_once else Pace.ORDINARY
                group = Group(alert.municipality, channel, alert.contact, pace)
                groups[group].append(Waiting(alert, delivery.due, delivery.attempts))
    book = _Book(tx)
    made = [_batch(tx, book, group, waiting, now, last or {}) for group, waiting in groups.items()]
    book.write()
    return [batch for batch in made if batch is not None]


def compose(tx: Tx, batch: Batch) -> Notice:
    """The message of a batch, in the municipality's language. It needs no write transaction."""
    home = batch.home
    names = {controller.key.controller: controller.name for controller in tx.controllers(home.id)}
    told = [_told(tx, home, alert, names) for alert in batch.alerts]
    told.sort(key=lambda one: (not one.alert.urgent, one.alert.at, one.alert.id))
    return Notice(batch.to, subject_line(home, told), text_of(home, told), body_of(home, told))


def settle(tx: Tx, batch: Batch, now: datetime, refusal: NotSentError | None = None) -> Settled:
    """Record how a try ended: sent, or refused for now or for good."""
    channel = batch.group.channel
    # As they are now: meanwhile the other channel may have come further with the same alerts.
    present = {alert.id: alert for alert in tx.alerts_due(now + _FAR)}
    ended = []
    for alert in (present[one.id] for one in batch.alerts if one.id in present):
        delivery = alert.deliveries[channel]
        if refusal is None:
            delivery = replace(delivery, due=None, sent_at=now)
        else:
            delivery = failed(alert, delivery, now, lasting=refusal.lasting)
        tx.save_alert(_with(alert, channel, delivery))
        ended.append(delivery)
        if delivery.due is None and refusal is not None:
            _warn_untold(alert, str(refusal))
    again = [delivery.due for delivery in ended if delivery.due is not None]
    given_up = sum(delivery.due is None and delivery.sent_at is None for delivery in ended)
    return Settled(len(again), given_up, min(again, default=None))


class _Book:
    """Changes of several deliveries of the same alerts, written once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._changed: dict[str, Alert] = {}

    def change(self, alert: Alert, channel: AlertChannel, delivery: Delivery) -> Alert:
        changed = _with(self._changed.get(alert.id, alert), channel, delivery)
        self._changed[alert.id] = changed
        return changed

    def write(self) -> None:
        for alert in self._changed.values():
            self._tx.save_alert(alert)


def _batch(
    tx: Tx, book: _Book, group: Group, waiting: list[Waiting], now: datetime, last: Mapping[Group, datetime]
) -> Batch | None:
    if all(one.due > now for one in waiting):
        return None
    home = tx.municipality(group.municipality)
    to = () if home is None else _recipients(home.alerts, group)
    useful = []
    for one in waiting:
        if not to or _is_moot(tx, one.alert, now):
            book.change(one.alert, group.channel, Delivery(None, one.attempts))
        else:
            useful.append(one)
    if home is None or not useful:
        return None
    choice = _choice(home, group, useful, now, last)
    for one in choice.held:
        book.change(one.alert, group.channel, Delivery(choice.held_until, one.attempts))
    if not choice.send:
        return None
    begun = (
        book.change(alert, group.channel, tried(alert.deliveries[group.channel], now)) for alert, *_ in choice.send
    )
    sent_as = group._replace(pace=Pace.URGENT) if _is_urgent_message(group, choice) else group
    return Batch(home, sent_as, to, tuple(begun))


def _choice(
    home: Municipality, group: Group, waiting: list[Waiting], now: datetime, last: Mapping[Group, datetime]
) -> Choice:
    if group.pace is Pace.AT_ONCE:
        return choose_at_once(waiting, now)
    ordinary, urgent = last.get(group), last.get(group._replace(pace=Pace.URGENT))
    latest = max((at for at in (ordinary, urgent) if at is not None), default=None)
    return choose(waiting, now, quiet_until(home.alerts, home.place.tz, now), latest, urgent)


def _is_urgent_message(group: Group, choice: Choice) -> bool:
    return group.pace is not Pace.AT_ONCE and any(one.alert.urgent for one in choice.send)


def _recipients(rules: AlertRules, group: Group) -> tuple[str, ...]:
    if group.contact is not None:
        return (group.contact,)
    if group.channel is AlertChannel.EMAIL:
        return rules.emails
    return () if rules.webhook is None else (rules.webhook,)


def _is_moot(tx: Tx, alert: Alert, now: datetime) -> bool:
    """Whether an alert says nothing of use any more: the lock has ended. Warns where it ended with nobody told."""
    if alert.kind is not AlertKind.LOCK_ENDING:
        return False
    lock = tx.lock(alert.municipality, alert.about)
    if lock is not None and lock.ends <= now and lock.ended_at is None:
        _warn_untold(alert, "the lock is over")
    return lock is None or lock.ends <= now


def _warn_untold(alert: Alert, why: str) -> None:
    if alert.kind is AlertKind.LOCK_ENDING and alert.contact is not None:
        log.warning("Nobody was told of the end of lock %s of %s: %s", alert.about, alert.municipality, why)


def _alert(home: Municipality, occasion: Occasion, now: datetime) -> Alert:
    about = occasion.about
    contact = about.contact if isinstance(about, Lock) else None
    urgent = is_urgent(occasion.kind, about.kind if isinstance(about, Fault) else None)
    due = first_due(home.alerts, home.place.tz, now, pace_of(occasion.kind, urgent=urgent))
    channels = [channel for channel in CHANNELS if _recipients(home.alerts, Group(home.id, channel, None))]
    return Alert(
        id=token_hex(16),
        municipality=home.id,
        kind=occasion.kind,
        at=now,
        about=about.id,
        urgent=urgent,
        contact=contact,
        deliveries={channel: Delivery(due) for channel in (channels if contact is None else [AlertChannel.EMAIL])},
    )


def _by_subject(tx: Tx, home: Municipality, now: datetime) -> dict[str, list[Alert]]:
    found: dict[str, list[Alert]] = defaultdict(list)
    for alert in tx.alerts_due(now + _FAR):
        if alert.municipality == home.id:
            found[alert.about].append(alert)
    return found


def _take_back(tx: Tx, alert: Alert, earlier: list[Alert]) -> Alert:
    """Cancel what was to be told and has become untrue; the alert keeps the channels on which it still says something.

    Changes `earlier` to what it is then.
    """
    for i, other in enumerate(earlier):
        untrue = {c for c in alert.deliveries if is_cancelled_by(other, c, alert.about, alert.kind)}
        if untrue:
            earlier[i] = replace(other, deliveries={**other.deliveries, **dict.fromkeys(untrue, Delivery(None))})
            tx.save_alert(earlier[i])
            alert = replace(alert, deliveries={c: d for c, d in alert.deliveries.items() if c not in untrue})
    return alert


def _with(alert: Alert, channel: AlertChannel, delivery: Delivery) -> Alert:
    return replace(alert, deliveries={**alert.deliveries, channel: delivery})


def _told(tx: Tx, home: Municipality, alert: Alert, names: Mapping[str, str]) -> Told:
    if alert.kind is not AlertKind.LOCK_ENDING:
        fault = tx.fault(home.id, alert.about)
        controller = fault.subject.controller if fault else None
        return Told(alert, fault, names.get(controller or "", controller or ""))
    lock = tx.lock(home.id, alert.about)
    if lock is None or lock.zone is None:
        controller = lock.controller if lock else None
        return Told(alert, lock, names.get(controller or "", controller or ""))
    zone = tx.zone(ZoneKey(home.id, lock.zone), since=alert.at)
    return Told(alert, lock, zone.name if zone else lock.zone)
