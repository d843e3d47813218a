"""The judgement of one press: granted, or refused with a reason and the next moment at which it works."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.domain.inventory import Policy
from service.domain.leases import Lease, Span, stretch
from service.domain.schedule import Curve
from service.domain.sun import is_daylight, night, night_of
from service.domain.words import Availability, Reason

SHORTEST = timedelta(minutes=1)
"""A press that could buy less than this is refused."""

_SOON = timedelta(seconds=1)
_HORIZON_NIGHTS = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What a judgement needs to know of the pressed zone.

    `curves` are the plans of all outputs that the press would light (at least one; equal ones once), `leases`
    those pressed in this zone that ended recently or still run, failed ones left out, `outputs` the
    availability of each of the zone's own outputs.
    """

    policy: Policy
    curves: tuple[Curve, ...]
    leases: tuple[Span | Lease, ...]
    outputs: tuple[Availability, ...]
    broker_connected: bool


@dataclass(frozen=True, slots=True)
class Granted:
    """The press buys light until `until`."""

    until: datetime
    level: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The press buys nothing; `retry_at` is a moment at which it would, or None if none is foreseen."""

    reason: Reason
    retry_at: datetime | None


def decide(facts: Facts, now: datetime) -> Granted | Refused:
    """Judge a press at `now`."""
    verdict = _judge(facts, now)
    if isinstance(verdict, Granted):
        return verdict
    if verdict.reason is Reason.UNREACHABLE:
        return verdict
    reachable = replace(facts, outputs=(Availability.UNKNOWN,), broker_connected=True)
    for moment in sorted(set(_candidates(facts, now))):
        if moment > now and isinstance(_judge(reachable, moment), Granted):
            return Refused(verdict.reason, moment)
    return verdict


def _judge(facts: Facts, now: datetime) -> Granted | Refused:
    policy, place = facts.policy, facts.curves[0].place
    sunrise = night(place, night_of(now, place.tz)).sunrise
    if is_daylight(place, now) or sunrise - now < SHORTEST:
        return Refused(Reason.DAYLIGHT, None)
    latest = _latest_end(facts, now)
    if latest - now < SHORTEST:
        return Refused(Reason.LONGEST, None)
    until = min(now + policy.duration, sunrise, latest)
    if not any(stretch.level < policy.level for curve in facts.curves for stretch in curve.intervals(now, until)):
        return Refused(Reason.ALREADY_LIT, None)
    if not facts.broker_connected or all(seen is Availability.OFFLINE for seen in facts.outputs):
        return Refused(Reason.UNREACHABLE, None)
    return Granted(until, policy.level)


def look_back(policy: Policy) -> timedelta:
    """How long ago a lease may have ended and still count as the same stretch of light."""
    return timedelta(minutes=policy.longest_minutes) + _gap(policy)


def _gap(policy: Policy) -> timedelta:
    return max(timedelta(minutes=policy.rest_minutes), SHORTEST)


def _latest_end(facts: Facts, now: datetime) -> datetime:
    going_on = stretch(facts.leases, now, _gap(facts.policy))
    start = now if going_on is None else going_on[0]
    return start + timedelta(minutes=facts.policy.longest_minutes)


def _candidates(facts: Facts, now: datetime) -> Iterator[datetime]:
    """Moments at which a refusal may turn into a grant: nothing that `_judge` looks at changes elsewhere."""
    policy, place = facts.policy, facts.curves[0].place
    going_on = stretch(facts.leases, now, _gap(policy))
    if going_on is not None:
        yield going_on[1] + _gap(policy) + _SOON
    today = night_of(now, place.tz)
    for step in range(_HORIZON_NIGHTS):
        yield night(place, today + timedelta(days=step)).sunset
    for curve in facts.curves:
        for interval in curve.intervals(now, now + timedelta(days=_HORIZON_NIGHTS)):
            yield interval.start - policy.duration + _SOON
