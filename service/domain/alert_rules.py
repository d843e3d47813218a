"""When alerts go out: gathered, held in quiet hours, one message and not a storm, tried again with growing pauses."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.domain.alerts import Alert, Delivery
from service.domain.inventory import AlertRules
from service.domain.schedule import first_occurrence
from service.domain.words import AlertChannel, AlertKind, FaultKind

URGENT_FAULTS = frozenset(
    {
        FaultKind.SUPPLY_LOSS,
        FaultKind.BROKER_OUTAGE,
        FaultKind.SERVICE_OUTAGE,
        FaultKind.RELAY_FAILURE,
        FaultKind.CIRCUITS_SWAPPED,
    }
)

GATHER = timedelta(seconds=60)
"""An alert waits so long for others, so that one message tells them all."""

APART = timedelta(minutes=15)
"""So long after a message the next one goes out, unless it has something urgent to say."""

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Between one try and the next; the last one from then on."""

GIVE_UP = timedelta(days=3)
"""How old an alert may be when a try fails and another one is made."""

_DAY = timedelta(days=1)


class Group(NamedTuple):
    """Whose alerts share a message: a municipality's on one channel, or those to one `contact` alone."""

    municipality: str
    channel: AlertChannel
    contact: str | None


class Waiting(NamedTuple):
    """An alert that waits for a channel until `due`."""

    alert: Alert
    due: datetime
    attempts: int


class Choice(NamedTuple):
    """What goes out now, and what waits on until `held_until` although its time has come."""

    send: tuple[Waiting, ...]
    held: tuple[Waiting, ...]
    held_until: datetime | None


def is_urgent(kind: AlertKind, fault: FaultKind | None) -> bool:
    """Whether an alert goes out in quiet hours, too: the end of a lock, and the faults that cannot wait."""
    return kind is AlertKind.LOCK_ENDING or fault in URGENT_FAULTS


def quiet_until(rules: AlertRules, tz: str, at: datetime) -> datetime | None:
    """When the quiet hours that hold at a moment end; None outside of them, or where there are none.

    They begin and end once in every night: a time that comes twice counts the first time, one that is left out counts
    when the clock has jumped over it. From a time to the same time is no time at all.
    """
    begin, end = rules.quiet_from, rules.quiet_until
    if begin is None or end is None or begin == end:
        return None
    today = at.astimezone(ZoneInfo(tz)).date()
    for day in (today - _DAY, today):
        over = _moment(day if begin < end else day + _DAY, end, tz)
        if _moment(day, begin, tz) <= at < over:
            return over
    return None


def first_due(rules: AlertRules, tz: str, now: datetime, *, urgent: bool) -> datetime:
    """When an alert that is raised now may go out first."""
    due = now + GATHER
    return due if urgent else quiet_until(rules, tz, due) or due


def choose(waiting: Sequence[Waiting], now: datetime, quiet: datetime | None, last: datetime | None) -> Choice:
    """What of a group goes out now: all of it, or nothing.

    `quiet` is the end of the quiet hours that hold now, `last` when the group's last message went out. Nothing goes
    before the time of one of them has come. Then what is urgent goes at once; without it all wait for the end of the
    quiet hours, until the last message is long enough ago, and until what was tried in vain is tried again. Whatever
    goes takes along what still gathers or waits for another try, but nothing that the quiet hours hold.
    """
    due = [one for one in waiting if one.due <= now]
    tried_again = max((one.due for one in waiting if one.attempts), default=None)
    holds = (quiet, None if last is None else last + APART, tried_again)
    hold = max((until for until in holds if until is not None and until > now), default=None)
    send: tuple[Waiting, ...] = ()
    if any(one.alert.urgent for one in due) or (due and hold is None):
        send = tuple(one for one in waiting if quiet is None or one.alert.urgent)
    return Choice(send, tuple(one for one in due if one not in send), hold)


def tried(delivery: Delivery, now: datetime) -> Delivery:
    """A try begins. It is due again after a pause: should nobody live to say how the try ended, there is another."""
    return Delivery(now + _pause(delivery.attempts + 1), delivery.attempts + 1)


def failed(alert: Alert, delivery: Delivery, now: datetime, *, lasting: bool) -> Delivery:
    """A try has failed: there is another one after a pause, or none where that cannot help or it is too late."""
    over = lasting or now - alert.at >= GIVE_UP
    return Delivery(None if over else now + _pause(delivery.attempts), delivery.attempts)


def is_cancelled_by(alert: Alert, channel: AlertChannel, about: str, kind: AlertKind) -> bool:
    """Whether an alert need not be told on a channel any more, now that `kind` happened to what it is about.

    A fault that closes takes back that it was opened, and the other way round, where no try to tell that was made yet.
    What is urgent is told all the same.
    """
    delivery = alert.deliveries.get(channel)
    untold = delivery is not None and delivery.due is not None and delivery.attempts == 0
    return untold and alert.about == about and not alert.urgent and kind in _opposites(alert.kind)


def _opposites(kind: AlertKind) -> Iterable[AlertKind]:
    if kind is AlertKind.FAULT_CLOSED:
        return (AlertKind.FAULT_OPENED, AlertKind.FAULT_REOPENED)
    return () if kind is AlertKind.LOCK_ENDING else (AlertKind.FAULT_CLOSED,)


def _pause(attempts: int) -> timedelta:
    return PAUSES[min(attempts, len(PAUSES)) - 1]


def _moment(day: date, clock: time, tz: str) -> datetime:
    return first_occurrence(datetime.combine(day, clock), tz)
