"""A village under the council's rules, and what is due in it at a moment, worked out anew by the words of the rules."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.domain.curve import Curve
from service.domain.inventory import Municipality, Output, OutputKey, Zone, ZoneKey, curve_of
from service.domain.leases import Lease
from service.domain.orders import Claim, Order, claims_of, derive
from service.domain.policy import LightException, Policy, Rulebook
from service.domain.press import Facts, Granted, Load, Refused, decide, look_back, plan_wh, press_wh
from service.domain.schedule import Program
from service.domain.sun import Place, night
from service.domain.words import CAUSE_RANK, Admission, Availability, Cause, Channel
from tests.unit.villages import ALL_NIGHT, BERLIN

PLACE = Place(54.70, 9.05, BERLIN, "DE-SH")
HOME = Municipality("dorf", "Dorf", PLACE, "de", "EUR", (), ALL_NIGHT)
RELAY = Output(OutputKey("dorf", "k-1", 1), "strasse", step=100, lamps=32, watts=800.0)
DIMMER = Output(OutputKey("dorf", "k-1", 2), "strasse", min_level=10, step=5, watts=120.0)
SAFETY = Output(OutputKey("dorf", "k-1", 3), "ecke", step=100, safety=True, watts=60.0)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


class Shown(NamedTuple):
    """What an output gives, and why."""

    level: int
    cause: Cause


class Presser(NamedTuple):
    """Who presses, and how."""

    name: str
    channel: Channel = Channel.WEB
    proven: Admission = Admission.ANYONE


@dataclass
class World:
    """A relay and a dimmer in one street, and a safety relay at its corner: a zone of its own, or of the street."""

    now: datetime
    rulebooks: dict[str, Rulebook]
    outputs: tuple[Output, ...]
    leases: list[Lease] = field(default_factory=list)
    pressers: list[Presser] = field(default_factory=list)
    claims: list[tuple[OutputKey, Claim]] = field(default_factory=list)

    def zone(self, name: str) -> Zone:
        """A zone with all that rules it."""
        return Zone(ZoneKey(HOME.id, name), name, self.rulebooks[name])

    def curve(self, output: Output) -> Curve:
        """The curve of an output's plan."""
        return curve_of(output, self.zone(output.zone), HOME)

    def claims_on(self, output: Output) -> list[Claim]:
        """All that was ordered for an output: what leases claim first, as the conductor has it."""
        pressed = claims_of(ZoneKey(HOME.id, output.zone), self.leases, self.now)
        return [*pressed, *(claim for key, claim in self.claims if key == output.key and claim.until > self.now)]

    def order(self, output: Output, at: datetime | None = None) -> Order:
        """The order of an output, derived now or at another moment."""
        return derive(output, self.curve(output), self.claims_on(output), at or self.now)

    def facts(self, zone: str, presser: Presser, *, connected: bool = True) -> Facts:
        """What a judgement needs to know, as the service gathers it."""
        lights = {key.zone for key in self.zone(zone).lights(evening(self.now))}
        since = look_back(self.rulebooks[zone], PLACE, self.now)
        mine = zip(self.leases, self.pressers, strict=True)
        return Facts(
            rulebook=self.rulebooks[zone],
            loads=tuple(Load(self.curve(o), o.watts, o.zone == zone) for o in self.outputs if o.zone in lights),
            leases=tuple(lease for lease in self.leases_of(zone) if lease.until >= since),
            outputs=(Availability.ONLINE,),
            broker_connected=connected,
            channel=presser.channel,
            proven=presser.proven,
            earlier=tuple(one.start for one, by in mine if one.zone.zone == zone and by.name == presser.name),
        )

    def press(self, zone: str, presser: Presser, facts: Facts) -> Granted | Refused:
        """Judge a press now; a granted one is a lease from then on."""
        verdict = decide(facts, self.now)
        if isinstance(verdict, Granted):
            self.leases.append(self.lease(zone, verdict.until, verdict.level))
            self.pressers.append(presser)
        return verdict

    def lease(self, zone: str, until: datetime, level: int) -> Lease:
        """What a press in a zone would buy now."""
        place, tonight = self.zone(zone), evening(self.now)
        warn = place.policy_on(tonight).press.warn_before_dark
        return Lease(f"l{len(self.leases):04}", place.key, place.lights(tonight), self.now, until, level, warn)

    def leases_of(self, zone: str) -> list[Lease]:
        """What was bought by presses in a zone."""
        return [lease for lease in self.leases if lease.zone.zone == zone]

    def except_(self, zone: str, exception: LightException) -> None:
        """Enter an exception, from now on."""
        book = self.rulebooks[zone]
        entered = replace(exception, id=f"e{len(book.exceptions):03}", since=self.now)
        self.rulebooks[zone] = replace(book, exceptions=(*book.exceptions, entered))

    def withdraw(self, zone: str, position: int) -> None:
        """Let an exception hold no longer."""
        book = self.rulebooks[zone]
        found = book.exceptions[position % len(book.exceptions)]
        if found.until is None:
            others = (replace(one, until=self.now) if one is found else one for one in book.exceptions)
            self.rulebooks[zone] = replace(book, exceptions=tuple(others))


def evening(moment: datetime) -> date:
    """The date of the evening of the night in which a moment lies."""
    local = moment.astimezone(ZoneInfo(BERLIN))
    return local.date() - timedelta(days=int(local.hour < 12))


def gives(output: Output, asked: int, cap: int = 100) -> int:
    """The lowest level of an output that is not below `asked`; where that is above the cap, the highest below it."""
    if asked <= 0:
        return 0
    levels = [n for n in range(1, 101) if n % output.step == 0 and output.min_level <= n <= output.max_level]
    wanted = min(n for n in levels if n >= asked)
    return wanted if wanted <= cap else max((n for n in levels if n <= cap), default=0)


def ruling(rulebook: Rulebook, day: date) -> Policy:
    """The latest version of those in force, else the one that began first."""
    holding = [p for p in rulebook.policies if p.valid_from <= day and (p.until is None or p.until >= day)]
    return max(holding, key=lambda p: p.version) if holding else min(rulebook.policies, key=lambda p: p.valid_from)


def cap_at(rulebook: Rulebook, output: Output, moment: datetime) -> int:
    """The lowest quiet cap that binds an output."""
    day, name = evening(moment), (output.key.controller, output.key.n)
    caps = (cap for cap in ruling(rulebook, day).quiet if cap.output in (None, name))
    hours = ((cap.level, *cap.window.on(PLACE, day)) for cap in caps)
    return min((level for level, start, end in hours if start <= moment < end), default=100)


def _level_by(program: Program, moment: datetime) -> int:
    """The level of the last step that has come; a step waits for those listed before it."""
    level, latest = 0, night(PLACE, evening(moment)).start
    for step in program:
        latest = max(latest, step.moment.on(PLACE, evening(moment)))
        level = step.level if latest <= moment else level
    return level


def rules_now(exception: LightException, moment: datetime) -> bool:
    """Whether an exception deviates at a moment: on its nights, between its ends, entered and not withdrawn."""
    day = evening(moment)
    begun = exception.steps[0].moment.on(PLACE, day) <= moment
    ended = exception.end.on(PLACE, day) <= moment
    entered = exception.since is None or exception.since <= moment
    withdrawn = exception.until is not None and exception.until <= moment
    return exception.first <= day <= exception.last and begun and not ended and entered and not withdrawn


def plan_due(world: World, output: Output, moment: datetime) -> Shown:
    """What the schedule side gives: the safety schedule, else the latest exception in force, else the schedule."""
    book = world.rulebooks[output.zone]
    if output.safety:
        level = gives(output, _level_by(HOME.safety_schedule.steps, moment))
        return Shown(level, Cause.SAFETY if level else Cause.SCHEDULE)
    day = evening(moment)
    deviating = [exception for exception in book.exceptions if rules_now(exception, moment)]
    if deviating:
        program, cause = max(deviating, key=lambda e: (e.first, e.id)).steps, Cause.EXCEPTION
    else:
        program, cause = ruling(book, day).schedule.rules_on(day, PLACE.region).program, Cause.SCHEDULE
    return Shown(gives(output, _level_by(program, moment), cap_at(book, output, moment)), cause)


def claimed(world: World, output: Output, claim: Claim, moment: datetime) -> Shown | None:
    """What a claim asks of an output at a moment, capped for a press; half of that in the last minute of one that
    warns, so that the warning is seen under a cap, too."""
    if not claim.start <= moment < claim.until:
        return None
    dims = claim.warn and moment >= claim.until - MINUTE
    cap = cap_at(world.rulebooks[output.zone], output, moment) if claim.cause is Cause.PRESS else 100
    level = gives(output, claim.level, cap)
    return Shown(min(output.keeps(-(-level // 2)), level) if dims else level, claim.cause)


def due(world: World, output: Output, moment: datetime) -> Shown:
    """What an output must give: 0 under a lock, else the highest level; among equals the cause of highest rank."""
    asked = (claimed(world, output, claim, moment) for claim in world.claims_on(output))
    found = [one for one in asked if one is not None]
    if any(one.cause is Cause.LOCK for one in found):
        return Shown(0, Cause.LOCK)
    plan = plan_due(world, output, moment)
    lit = [one for one in (plan, *found) if one.level > 0]
    return min(lit, key=lambda one: (-one.level, CAUSE_RANK.index(one.cause)), default=plan)


def shown(world: World, output: Output, order: Order, moment: datetime) -> Shown:
    """What a controller makes of its plan and its order."""
    plan = world.curve(output).at(moment)
    best = Shown(plan.level, Cause.SAFETY if output.safety and plan.level else plan.cause)
    for step in order:
        if step.start <= moment < step.until:
            if step.cause is Cause.LOCK:
                return Shown(0, Cause.LOCK)
            level = output.keeps(step.level)
            ranks = CAUSE_RANK.index(step.cause) < CAUSE_RANK.index(best.cause)
            if level > best.level or (level == best.level > 0 and ranks):
                best = Shown(level, step.cause)
    return best


def joined(leases: Iterable[Lease], gap: timedelta = timedelta()) -> list[tuple[datetime, datetime]]:
    """When leases give light, those with gaps up to `gap` joined."""
    spans: list[tuple[datetime, datetime]] = []
    for lease in sorted(leases, key=lambda lease: lease.start):
        if spans and lease.start - spans[-1][1] <= gap:
            spans[-1] = spans[-1][0], max(spans[-1][1], lease.until)
        else:
            spans.append((lease.start, lease.until))
    return spans


def minutes_used(leases: Sequence[Lease], day: date) -> float:
    """Minutes of a night that leases light, overlaps counted once."""
    spans = joined(lease for lease in leases if evening(lease.start) == day)
    return sum((until - start) / MINUTE for start, until in spans)


def passed(facts: Facts, leases: Sequence[Lease], new: Lease) -> Iterator[str]:
    """The limits of its night that a lease passes after those bought before it."""
    day = evening(new.start)
    policy, dark = ruling(facts.rulebook, day), night(PLACE, day)
    rules, age = policy.press, (day - policy.valid_from).days
    limits = rules.first_limits if rules.first_limits and age < rules.first_nights else rules.limits
    is_open = facts.channel is Channel.WEB and policy.press.admission is Admission.ANYONE
    share = 1 - limits.reserve_percent / 100 if is_open else 1
    if new.until > dark.sunrise:
        yield "sunrise"
    gap = max(policy.press.rest_minutes * MINUTE, MINUTE)
    if any(u - s > policy.press.longest_minutes * MINUTE for s, u in joined([*leases, new], gap) if u >= new.until):
        yield "longest"
    if not grows(leases, new):
        return
    if limits.zone_minutes is not None and minutes_used([*leases, new], day) > limits.zone_minutes * share + 1e-6:
        yield "minutes"
    if limits.zone_wh is not None:
        spans = joined(one for one in [*leases, new] if evening(one.start) == day)
        burnt = sum(press_wh(facts.own, policy.press.level, *span) for span in spans)
        planned = sum(plan_wh(load.curve, load.watts, dark.start, dark.end) for load in facts.own)
        if burnt > (limits.zone_wh - planned) * share + 1e-3:
            yield "energy"


def grows(leases: Sequence[Lease], new: Lease) -> bool:
    """Whether a lease lights beyond those bought before it."""
    return new.until > max((lease.until for lease in leases), default=new.start)


def quiet_at(world: World, zone: str, level: int, moment: datetime) -> bool:
    """Whether quiet caps leave every output of a zone dark where a press asks for `level`."""
    own = (output for output in world.outputs if output.zone == zone)
    return all(gives(o, level, cap_at(world.rulebooks[zone], o, moment)) == 0 for o in own)


def local(day: date, hour: int, minute: int = 0) -> datetime:
    """A local time as UTC; the first of two."""
    there = datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZoneInfo(BERLIN))
    return there.astimezone(UTC)
