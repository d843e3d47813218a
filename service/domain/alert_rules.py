"""When alerts go out: gathered, held in quiet hours, one message and not a storm, tried again with growing pauses."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
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

URGENT_APART = timedelta(minutes=5)
"""So long after an urgent message the next urgent one goes out: whoever has just been called out is on the way already,
and a storm that takes down one controller after the other must not bury what it says."""

PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""Between one try and the next; the last one from then on."""

GIVE_UP = timedelta(days=3)
"""How old an alert may be when a try fails and another one is made."""

_DAY = timedelta(days=1)


class Pace(Enum):
    """How soon a message goes out: in its time, urgently, or at once whatever went out before."""

    ORDINARY = auto()
    URGENT = auto()
    AT_ONCE = auto()


class Group(NamedTuple):
    """Whose alerts share a message: a municipality's on one channel, or those to one `contact` alone.

    What goes at once has messages of its own. Other alerts wait together, as ORDINARY ones; a message that tells
    something urgent among them is an URGENT one.
    """

    municipality: str
    channel: AlertChannel
    contact: str | None
    pace: Pace = Pace.ORDINARY


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
    """Whether an alert goes out in quiet hours, too: the end of a lock, and the faults that cannot wait.

    That a fault is over can always wait.
    """
    return kind is AlertKind.LOCK_ENDING or (kind is not AlertKind.FAULT_CLOSED and fault in URGENT_FAULTS)


def pace_of(kind: AlertKind, *, urgent: bool) -> Pace:
    """How soon an alert is told. The end of a lock cannot wait at all: it comes by itself."""
    if kind is AlertKind.LOCK_ENDING:
        return Pace.AT_ONCE
    return Pace.URGENT if urgent else Pace.ORDINARY


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


def first_due(rules: AlertRules, tz: str, now: datetime, pace: Pace) -> datetime:
    """When an alert that is raised now may go out first."""
    if pace is Pace.AT_ONCE:
        return now
    due = now + GATHER
    return due if pace is Pace.URGENT else quiet_until(rules, tz, due) or due


def choose_at_once(waiting: Sequence[Waiting], now: datetime) -> Choice:
    """What of a group that goes at once goes out now: all whose time has come. Nothing holds it."""
    return Choice(tuple(one for one in waiting if one.due <= now), (), None)


def choose(
    waiting: Sequence[Waiting],
    now: datetime,
    quiet: datetime | None,
    last: datetime | None,
    last_urgent: datetime | None = None,
) -> Choice:
    """What of a group goes out now: all of it, or nothing.

    `quiet` is the end of the quiet hours that hold now, `last` when the group's last message went out, `last_urgent`
    when its last urgent one did. Nothing goes before the time of one of them has come. Then what is urgent goes as soon
    as the last urgent message is URGENT_APART ago; without it all wait for the end of the quiet hours, until the last
    message is APART ago, and until what was tried in vain is tried again. Whatever goes takes along what still gathers
    or waits for another try, but nothing that the quiet hours hold.
    """
    due = [one for one in waiting if one.due <= now]
    tried_again = max((one.due for one in waiting if one.attempts), default=None)
    holds = (quiet, None if last is None else last + APART, tried_again)
    hold = max((until for until in holds if until is not None and until > now), default=None)
    if any(one.alert.urgent for one in due):
        if last_urgent is not None and now < last_urgent + URGENT_APART:
            return Choice((), tuple(due), last_urgent + URGENT_APART)
    elif not due or hold is not None:
        return Choice((), tuple(due), hold)
    goes = [quiet is None or one.alert.urgent for one in waiting]
    send = tuple(one for one, go in zip(waiting, goes, strict=True) if go)
    held = tuple(one for one, go in zip(waiting, goes, strict=True) if not go and one.due <= now)
    return Choice(send, held, hold)


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
