"""The judgement of one press: granted, or refused with a reason and the next moment at which it works."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from service.domain.curve import Curve, Interval
from service.domain.leases import Lease, Span, stretch
from service.domain.policy import LONGEST_PRESS, Limits, Policy, Rulebook
from service.domain.sun import Place, night, night_of
from service.domain.words import Admission, Availability, Channel, Reason

SHORTEST = timedelta(minutes=1)
"""A press that could buy less than this is refused."""

HORIZON_NIGHTS = 8
"""So many nights ahead, tonight included, a refusal looks for a moment that works."""

_SOON = timedelta(seconds=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Load:
    """Outputs that a press lights and that share one curve: `watts` at level 100, `own` if of the pressed zone."""

    curve: Curve
    watts: float
    own: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What a judgement needs to know of the pressed zone and of who presses.

    `loads` hold at least one of the zone's own; `leases` are those pressed in this zone that ended since
    `look_back`, or still run, failed ones left out; `outputs` the availability of each of the zone's own outputs;
    `proven` what the presser could show; `earlier` when this presser was granted light here. `locked_until` is set
    where somebody works at every output of the zone: until the first of them is free.
    """

    rulebook: Rulebook
    loads: tuple[Load, ...]
    leases: tuple[Span | Lease, ...]
    outputs: tuple[Availability, ...]
    broker_connected: bool
    channel: Channel = Channel.WEB
    proven: Admission = Admission.ANYONE
    earlier: tuple[datetime, ...] = ()
    locked_until: datetime | None = None

    @property
    def place(self) -> Place:
        """Where all this is."""
        return self.loads[0].curve.place

    @property
    def own(self) -> list[Load]:
        """The loads of the pressed zone itself."""
        return [load for load in self.loads if load.own]


@dataclass(frozen=True, slots=True)
class Granted:
    """The press buys light until `until`."""

    until: datetime
    level: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The press buys nothing; `retry_at` is a moment at which it would, None where HORIZON_NIGHTS have none."""

    reason: Reason
    retry_at: datetime | None


def decide(facts: Facts, now: datetime) -> Granted | Refused:
    """Judge a press at `now`."""
    verdict = judge(facts, now)
    if isinstance(verdict, Granted) or verdict.reason is Reason.UNREACHABLE:
        return verdict
    reachable = replace(facts, outputs=(Availability.UNKNOWN,), broker_connected=True)
    moments = (moment for moment in _candidates(facts, now) if moment > now)
    works = (moment for moment in moments if isinstance(judge(reachable, moment), Granted))
    return Refused(verdict.reason, next(works, None))


def judge(facts: Facts, now: datetime) -> Granted | Refused:
    """`decide` without the search for a moment that works."""
    tonight = night_of(now, facts.place.tz)
    policy = facts.rulebook.policy_on(tonight)
    dark = night(facts.place, tonight)
    if now < dark.sunset or dark.sunrise - now < SHORTEST:
        return Refused(Reason.DAYLIGHT, None)
    reason = _unwelcome(facts, policy, tonight, now)
    if reason is not None:
        return Refused(reason, None)

    whole = until = min(now + policy.press.duration, dark.sunrise, _quiet_from(facts, policy, now))
    if until - now < SHORTEST:
        return Refused(Reason.QUIET, None)
    if not _gains(facts, policy, now, until):
        return Refused(Reason.ALREADY_LIT, None)
    for bound, latest in _bounds(facts, policy, tonight, now):
        if latest - now < SHORTEST:
            return Refused(bound, None)
        until = min(until, latest)
    if until < whole and not _gains(facts, policy, now, until):
        return Refused(Reason.ALREADY_LIT, None)

    if facts.locked_until is not None and now < facts.locked_until:
        return Refused(Reason.LOCKED, None)
    if not facts.broker_connected or all(seen is Availability.OFFLINE for seen in facts.outputs):
        return Refused(Reason.UNREACHABLE, None)
    return Granted(until, policy.press.level)


def look_back(rulebook: Rulebook, place: Place, now: datetime) -> datetime:
    """Leases that ended before this moment no longer count."""
    tonight = night_of(now, place.tz)
    policy = rulebook.policy_on(tonight)
    longest = timedelta(minutes=policy.press.longest_minutes)
    return min(now - longest - _gap(policy), night(place, tonight).start)


def _unwelcome(facts: Facts, policy: Policy, tonight: date, now: datetime) -> Reason | None:
    """Why nobody, or not this presser, may press now."""
    rules = policy.press
    windows = (window.on(facts.place, tonight) for window in rules.windows)
    if rules.windows and not any(start <= now < end for start, end in windows):
        return Reason.NOT_WELCOME
    if rules.admission is Admission.ADMITTED and facts.proven is not Admission.ADMITTED:
        return Reason.NOT_ADMITTED
    here = facts.proven is not Admission.ANYONE or facts.channel is Channel.BUTTON  # a button hangs in its zone
    if rules.admission is Admission.CODE and not here:
        return Reason.CODE_NEEDED
    most = policy.limits_on(tonight).per_presser
    if most is not None and sum(night_of(moment, facts.place.tz) == tonight for moment in facts.earlier) >= most:
        return Reason.PRESSER_LIMIT
    return None


def _bounds(facts: Facts, policy: Policy, tonight: date, now: datetime) -> Iterator[tuple[Reason, datetime]]:
    """Until when light may last, by each limit."""
    going_on = stretch(facts.leases, now, _gap(policy))
    start = now if going_on is None else going_on[0]
    yield Reason.LONGEST, start + timedelta(minutes=policy.press.longest_minutes)

    limits = policy.limits_on(tonight)
    if limits.zone_minutes is None and limits.zone_wh is None:
        return
    bought = union(facts.leases, night(facts.place, tonight).start)
    covered = max([now, *(span.until for span in bought)])
    share = _open_share(facts, policy, limits)
    if limits.zone_minutes is not None:
        used = sum((span.until - span.start for span in bought), timedelta())
        left = timedelta(minutes=limits.zone_minutes) * share - used
        yield Reason.ZONE_MINUTES, covered + left if left >= SHORTEST else _NEVER
    if limits.zone_wh is not None:
        latest = _affordable(facts.own, policy, bought, covered, tonight, limits.zone_wh, share)
        yield Reason.ZONE_ENERGY, latest if latest - covered >= SHORTEST else _NEVER


def _gains(facts: Facts, policy: Policy, now: datetime, until: datetime) -> bool:
    """Whether a press would give more light anywhere than the plan does."""
    return any(True for load in facts.loads for _ in load.curve.gains(policy.press.level, now, until))


def _quiet_from(facts: Facts, policy: Policy, now: datetime) -> datetime:
    """From when on the quiet caps leave every output of the zone at 0."""
    end = now + policy.press.duration
    if not policy.quiet:
        return end
    return max(_dark_from(load.curve, policy.press.level, now, end) for load in facts.own)


def _dark_from(curve: Curve, level: int, now: datetime, end: datetime) -> datetime:
    dark = (part.start for part in curve.pressed(level, now, end) if part.level == 0)
    return next(dark, end)


def _open_share(facts: Facts, policy: Policy, limits: Limits) -> float:
    """The part of what the zone's limits leave that this press may use: open web presses leave the reserve."""
    is_open = facts.channel is Channel.WEB and policy.press.admission is Admission.ANYONE
    return 1 - limits.reserve_percent / 100 if is_open else 1.0


def union(leases: Iterable[Span | Lease], begin: datetime) -> list[Span]:
    """When leases give light since `begin`, overlaps joined."""
    merged: list[Span] = []
    for lease in sorted(leases, key=lambda lease: lease.start):
        start = max(lease.start, begin)
        if merged and start <= merged[-1].until:
            merged[-1] = Span(merged[-1].start, max(merged[-1].until, lease.until))
        elif lease.until > start:
            merged.append(Span(start, lease.until))
    return merged


def _affordable(
    loads: list[Load],
    policy: Policy,
    bought: list[Span],
    covered: datetime,
    tonight: date,
    zone_wh: int,
    share: float,
) -> datetime:
    """Until when pressed light may go on after `covered` before the zone's energy of the night is used up."""
    place, level = loads[0].curve.place, policy.press.level
    dark = night(place, tonight)
    planned = sum(plan_wh(load.curve, load.watts, dark.start, dark.end) for load in loads)
    pressed = sum(press_wh(loads, level, span.start, span.until) for span in bought)
    left = (zone_wh - planned) * share - pressed
    if left <= 0:
        return covered
    end = max(covered, min(covered + policy.press.duration, dark.end))
    gains = [(gain, load.watts) for load in loads for gain in load.curve.gains(level, covered, end)]
    edges = sorted({covered, end, *(edge for gain, _ in gains for edge in gain[:2])})
    for start, until in itertools.pairwise(edges):
        watts = sum(of * gain.levels / 100 for gain, of in gains if gain.start <= start < gain.end)
        cost = watts * (until - start) / timedelta(hours=1)
        if cost > left:
            return start + timedelta(hours=left / watts)
        left -= cost
    return end


def plan_wh(curve: Curve, watts: float, start: datetime, end: datetime) -> float:
    """Watt-hours that a plan burns within [start, end)."""
    hours = ((part.end - part.start) / timedelta(hours=1) * part.level for part in curve.intervals(start, end))
    return watts / 100 * sum(hours)


def press_wh(loads: Iterable[Load], level: int, start: datetime, end: datetime) -> float:
    """Watt-hours that pressed light within [start, end) burns above the plan."""
    return sum(
        load.watts * gain.levels / 100 * ((gain.end - gain.start) / timedelta(hours=1))
        for load in loads
        for gain in load.curve.gains(level, start, end)
    )


def _gap(policy: Policy) -> timedelta:
    return max(timedelta(minutes=policy.press.rest_minutes), SHORTEST)


def _candidates(facts: Facts, now: datetime) -> Iterator[datetime]:
    """Moments in their order at which a refusal may turn into a grant: nothing that `judge` looks at changes elsewhere.

    A moment that a night names may lie before its noon, by what a press buys at most.
    """
    today = night_of(now, facts.place.tz)
    found = set() if facts.locked_until is None else {facts.locked_until}
    for day in (today + timedelta(days=n) for n in range(HORIZON_NIGHTS)):
        found.update(_changes(facts, now, day))
        complete = night(facts.place, day).end - LONGEST_PRESS
        yield from sorted(moment for moment in found if moment < complete)
        found = {moment for moment in found if moment >= complete}
    yield from sorted(found)


def _changes(facts: Facts, now: datetime, day: date) -> Iterator[datetime]:
    tonight, policy = night(facts.place, day), facts.rulebook.policy_on(day)
    yield tonight.sunset
    going_on = stretch(facts.leases, now, _gap(policy))
    if going_on is not None:
        yield going_on[1] + _gap(policy) + _SOON
    for window in policy.press.windows:
        start, end = window.on(facts.place, day)
        yield start
        yield end - _SOON  # only there may what a limit leaves reach into the dark after the window
    for load in facts.loads:
        parts: Iterable[Interval] = load.curve.night(day)
        if policy.quiet:
            parts = (*parts, *load.curve.pressed(policy.press.level, tonight.start, tonight.end))
        for part in parts:
            yield part.start
            yield part.start - policy.press.duration + _SOON
