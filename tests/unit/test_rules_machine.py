"""Presses, time, policies, exceptions, overrides, rescue and locks in any order: what a village may rely on holds."""

import itertools
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from service.domain.conditions import Conditions
from service.domain.curve import Interval
from service.domain.inventory import Output, OutputKey
from service.domain.leases import Lease
from service.domain.orders import MAX_STEPS, Claim, Order, ahead
from service.domain.policy import AT_SUNRISE, LightException, Limits, Policy, PressRules, Rulebook
from service.domain.press import Facts, Granted, Refused, decide, judge
from service.domain.schedule import Anchor, Moment, OutputName, QuietCap, Rule, Schedule, Step, Window
from service.domain.sun import night
from service.domain.words import Admission, Cause, Channel, Reason
from tests.unit import rules_world as model
from tests.unit.rules_world import DIMMER, MINUTE, PLACE, RELAY, SAFETY, SECOND, Presser, World
from tests.unit.villages import DARK_AFTER_MIDNIGHT, DIMMED_THEN_DARK, NEVER_LIT, clock

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
ZONES = st.sampled_from(["strasse", "strasse", "strasse", "ecke"])
STARTS = [date(2026, 3, 27), date(2026, 6, 20), date(2026, 10, 23), date(2026, 12, 30), date(2028, 2, 28)]
HARD_NIGHTS = [date(y, *md) for y in (2026, 2027, 2028, 2029) for md in ((3, 27), (10, 24), (12, 31))]


def at(hour: int, minute: int = 0) -> Moment:
    """A local time of every night."""
    return Moment(Anchor.CLOCK, time(hour, minute))


WEEKEND = Schedule(
    (Step(Anchor.DUSK, 30, fade_s=60), clock(1, 0, 0), Step(Anchor.DAWN, 50, offset_min=-90), Step(Anchor.SUNRISE, 0)),
    (Rule(Conditions(weekdays=(4, 5)), (Step(Anchor.SUNSET, 100), clock(2, 30, 0))),),
)
SCHEDULES = st.sampled_from([NEVER_LIT, NEVER_LIT, NEVER_LIT, DARK_AFTER_MIDNIGHT, DIMMED_THEN_DARK, WEEKEND])
WINDOWS = st.sampled_from(
    [
        *[()] * 6,
        (Window(Moment(Anchor.SUNSET), at(23, 30)), Window(at(4), Moment(Anchor.SUNRISE))),
        (Window(at(22, 30), at(2, 30)),),
        (Window(Moment(Anchor.DUSK, offset_min=30), at(1), Conditions(weekdays=(4, 5, 6))),),
    ]
)
LIMITS = st.builds(
    Limits,
    per_presser=st.sampled_from([None, None, 2]),
    zone_minutes=st.sampled_from([None, 5, 40]),
    zone_wh=st.sampled_from([None, None, None, 400, 9000]),
    reserve_percent=st.sampled_from([33, 50, 0]),
)


@st.composite
def press_rules(draw: st.DrawFn) -> PressRules:
    """Rules that some council might pass."""
    minutes = draw(st.sampled_from([3, 12, 30, 100]))
    first = draw(st.none() | LIMITS)
    return PressRules(
        minutes,
        level=draw(st.sampled_from([100, 100, 50, 7])),
        longest_minutes=minutes + draw(st.sampled_from([0, 10, 60])),
        rest_minutes=draw(st.sampled_from([0, 0, 10])),
        windows=draw(WINDOWS),
        admission=draw(st.sampled_from([*[Admission.ANYONE] * 4, Admission.CODE, Admission.ADMITTED])),
        limits=draw(LIMITS),
        first_limits=first,
        first_nights=0 if first is None else 2,
        warn_before_dark=draw(st.booleans()),
    )


QUIET_HOURS = st.sampled_from([(at(22), at(23, 30)), (at(23, 10), at(5)), (at(0), at(6)), (at(0, 20), at(0, 45))])
NAMES: list[OutputName | None] = [None, *((output.key.controller, output.key.n) for output in (RELAY, DIMMER))]
QUIET = st.lists(
    st.builds(
        lambda level, hours, name: QuietCap(level, Window(*hours), name),
        st.sampled_from([30, 0, 8, 52]),
        QUIET_HOURS,
        st.sampled_from(NAMES),
    ),
    max_size=3,
).map(tuple)
RULES = st.tuples(SCHEDULES, press_rules(), QUIET, st.sampled_from([(), ("ecke",)]))
EXCEPTIONS = st.tuples(
    st.sampled_from([(Step(Anchor.SUNSET, 100),), (clock(23, 0, 40), clock(0, 30, 0)), (clock(18, 0, 0),)]),
    st.sampled_from([AT_SUNRISE, at(1), at(5)]),
)
CHANNELS = st.sampled_from([Channel.WEB, Channel.WEB, Channel.BUTTON, Channel.SMS])
PRESSERS = st.builds(
    Presser,
    st.sampled_from(["a", "b", "c"]),
    CHANNELS,
    st.sampled_from([Admission.ADMITTED, Admission.ADMITTED, *Admission]),
)
CLOCKS = st.sampled_from([(0, 28), (21, 55), (22, 58), (23, 8), (0, 15), (1, 58), (2, 50), (3, 45), (4, 55)])
ORDERED = st.tuples(
    st.sampled_from([Cause.OVERRIDE, Cause.RESCUE, Cause.TEST]),
    st.sampled_from([100, 40, 70, 15]),
    st.integers(1, 600),
)
STAIRS = st.builds(
    lambda cause, apart: [(cause, 100 - 5 * n, apart * (n + 1)) for n in range(12)],
    st.sampled_from([Cause.OVERRIDE, Cause.RESCUE]),
    st.integers(1, 40),
)
CROWD = st.builds(Presser, st.just("p"), CHANNELS, st.just(Admission.ADMITTED))


class Village(RuleBasedStateMachine):
    """One village over weeks, with everybody at its switches."""

    @initialize(
        start=st.sampled_from(STARTS),
        street=RULES,
        corner=RULES,
        apart=st.booleans(),
        first=st.tuples(CROWD, CLOCKS, st.integers(1, 5), st.integers(1, 500)),
    )
    def found(
        self,
        start: date,
        street: tuple[Schedule, PressRules, tuple[QuietCap, ...], tuple[str, ...]],
        corner: tuple[Schedule, PressRules, tuple[QuietCap, ...], tuple[str, ...]],
        apart: bool,
        first: tuple[Presser, tuple[int, int], int, int],
    ) -> None:
        """Found the village, its safety relay in a zone apart or in the street; people press in its first night."""
        own = replace(_policy(start - DAY, street), version=1)
        other = replace(_policy(start - DAY, (*corner[:3], ())), version=1)
        outputs = (RELAY, DIMMER, SAFETY if apart else replace(SAFETY, zone="strasse"))
        if not apart:
            own = replace(own, along=())
        zones = {"strasse": Rulebook((own,)), **({"ecke": Rulebook((other,))} if apart else {})}
        self.world = World(model.local(start, 20), zones, outputs)
        self.since = self.told_until = self.world.now - 2 * DAY
        self.told: dict[OutputKey, list[Interval]] = {}
        self.held: dict[OutputKey, Order] = {output.key: () for output in outputs}
        self.press_on("strasse", *first)

    # time

    @rule(span=st.integers(1, 90).map(lambda n: n * SECOND) | st.integers(1, 45).map(lambda n: n * MINUTE))
    def wait(self, span: timedelta) -> None:
        """Some time passes."""
        self._move(self.world.now + span)

    @rule(there=CLOCKS, later=st.integers(0, 300))
    def wait_until(self, there: tuple[int, int], later: int) -> None:
        """A time of day comes."""
        day = self.world.now.date() - DAY
        coming = (model.local(day + n * DAY, *there) + later * SECOND for n in range(4))
        self._move(next(moment for moment in coming if moment > self.world.now))

    @rule(hours=st.none() | st.integers(18, 27))
    def wait_for_another_night(self, hours: int | None) -> None:
        """The night is over; or the next comes in which the clocks are changed, or the year ends."""
        now = self.world.now
        evenings = (model.local(day, 12) + ((hours or 0) - 12) * 60 * MINUTE for day in HARD_NIGHTS if hours)
        self._move(next((moment for moment in evenings if moment > now), night(PLACE, model.evening(now)).end))

    def _move(self, moment: datetime) -> None:
        """Let time pass; what was ordered before goes on as it was, and would be ordered again."""
        self.world.now = moment
        for output in self.world.outputs:
            order = self.held[output.key]
            if len(order) < MAX_STEPS:
                assert ahead(order, moment) == ahead(self.world.order(output), moment)

    # presses

    @rule(zone=ZONES, presser=PRESSERS, connected=st.sampled_from([True, True, True, False]))
    def press_once(self, zone: str, presser: Presser, connected: bool) -> None:
        """Somebody presses."""
        self.press(zone, presser, connected)

    def press(self, zone: str, presser: Presser, connected: bool = True) -> bool:
        """A press, judged for what it may buy, or for why and until when it may not; whether it was granted."""
        if zone not in self.world.rulebooks:
            zone = "strasse"
        facts = self.world.facts(zone, presser, connected=connected)
        before = self.world.leases_of(zone)
        verdict = self.world.press(zone, presser, facts)
        if isinstance(verdict, Granted):
            self._bought_what_it_may(zone, facts, before, verdict)
        else:
            self._refused_for_a_reason(zone, facts, before, verdict)
        return isinstance(verdict, Granted)

    @rule(zone=ZONES, presser=CROWD, there=CLOCKS, times=st.sampled_from([2, 4, 12]), apart=st.integers(1, 400))
    def press_on(self, zone: str, presser: Presser, there: tuple[int, int], times: int, apart: int) -> None:
        """People press again and again from a time of day on, until they are refused."""
        self.wait_until(there, apart)
        for n in range(times):
            if not self.press(zone, presser._replace(name=f"{presser.name}{n // 3}")):
                break
            self.held = {output.key: self.world.order(output) for output in self.world.outputs}
            self.wait(apart * SECOND)

    def _bought_what_it_may(self, zone: str, facts: Facts, before: list[Lease], granted: Granted) -> None:
        now = self.world.now
        policy = model.ruling(facts.rulebook, model.evening(now))
        lease = self.world.leases[-1]
        assert night(PLACE, model.evening(now)).sunset <= now
        assert MINUTE <= granted.until - now <= policy.press.duration
        assert granted.level == policy.press.level
        assert lease.warn == policy.press.warn_before_dark
        assert not list(model.passed(facts, before, lease))
        longer = replace(lease, until=granted.until + SECOND)
        clipped = granted.until < now + policy.press.duration
        quiet = model.quiet_at(self.world, zone, granted.level, granted.until)
        assert not clipped or quiet or list(model.passed(facts, before, longer))
        assert not model.quiet_at(self.world, zone, granted.level, now)
        most = policy.limits_on(model.evening(now)).per_presser
        tonight = sum(model.evening(moment) == model.evening(now) for moment in facts.earlier)
        assert most is None or tonight < most

    def _refused_for_a_reason(self, zone: str, facts: Facts, before: list[Lease], refused: Refused) -> None:
        now, today = self.world.now, model.evening(self.world.now)
        dark, policy = night(PLACE, today), model.ruling(facts.rulebook, model.evening(now))
        soon = self.world.lease(zone, max([now, *(lease.until for lease in before)]) + MINUTE, policy.press.level)
        if refused.reason is Reason.DAYLIGHT:
            assert not dark.sunset <= now <= dark.sunrise - MINUTE
        elif refused.reason is Reason.QUIET:
            assert any(model.quiet_at(self.world, zone, policy.press.level, now + n * SECOND) for n in range(61))
        elif refused.reason is Reason.ALREADY_LIT:
            outputs = (o for o in self.world.outputs if o.zone in {key.zone for key in soon.lights})
            for output in outputs:
                cap = model.cap_at(self.world.rulebooks[output.zone], output, now)
                assert model.gives(output, policy.press.level, cap) <= model.plan_due(self.world, output, now).level
        elif refused.reason in (Reason.ZONE_MINUTES, Reason.ZONE_ENERGY):
            name = "minutes" if refused.reason is Reason.ZONE_MINUTES else "energy"
            assert name in model.passed(facts, before, soon)
        elif refused.reason is Reason.LONGEST:
            assert "longest" in model.passed(facts, before, replace(soon, until=now + MINUTE))
        if refused.reason is Reason.UNREACHABLE:
            assert not facts.broker_connected
        else:
            self._works_when_it_says(replace(facts, broker_connected=True), refused)

    def _works_when_it_says(self, facts: Facts, refused: Refused) -> None:
        now = self.world.now
        until = refused.retry_at or now + 6 * DAY
        named = {now + n * 211 * MINUTE for n in range(1, 41)} if refused.retry_at is None else set()
        for day in (model.evening(now) + n * DAY for n in range(3)):
            policy = model.ruling(facts.rulebook, day)
            gap = max(policy.press.rest_minutes, 1) * MINUTE
            named.update({night(PLACE, day).sunset, *(lease.until + gap + SECOND for lease in facts.leases)})
            named.update(window.on(PLACE, day)[0] for window in policy.press.windows)
            if refused.retry_at is None:
                named.update(window.on(PLACE, day)[1] - SECOND for window in policy.press.windows)
        for load in facts.loads:
            named.update(part.start for part in load.curve.intervals(now, now + 2 * DAY))
        if refused.retry_at is not None:
            assert refused.retry_at > now
            assert isinstance(decide(facts, refused.retry_at), Granted)
        for moment in sorted(named):
            assert not now < moment < until or isinstance(judge(facts, moment), Refused), moment

    # the council, its staff, the fire brigade, the technician

    @rule(zone=ZONES, rules=RULES, nights=st.integers(1, 3), lasts=st.sampled_from([None, 0, 2]))
    def enact(
        self,
        zone: str,
        rules: tuple[Schedule, PressRules, tuple[QuietCap, ...], tuple[str, ...]],
        nights: int,
        lasts: int | None,
    ) -> None:
        """The council passes a policy, or a trial, for nights to come."""
        if zone not in self.world.rulebooks:
            return
        along = rules[3] if zone == "strasse" and "ecke" in self.world.rulebooks else ()
        day = model.evening(self.world.now)
        draft = _policy(day + nights * DAY, (*rules[:3], along))
        if lasts is not None:
            draft = replace(draft, until=draft.valid_from + lasts * DAY)
        before = self.world.rulebooks[zone]
        after = self.world.rulebooks[zone] = before.with_draft(draft)
        assert all(after.policy_on(day - n * DAY) == before.policy_on(day - n * DAY) for n in range(10))
        assert replace(after.policy_on(draft.valid_from), version=0) == draft
        if draft.until is not None:
            assert after.policy_on(draft.until + DAY) == before.policy_on(draft.until + DAY)

    @rule(zone=ZONES, deviation=EXCEPTIONS, nights=st.sampled_from([0, 0, 1]), lasts=st.integers(0, 3))
    def enter_exception(self, zone: str, deviation: tuple[tuple[Step, ...], Moment], nights: int, lasts: int) -> None:
        """Somebody enters an exception."""
        if zone in self.world.rulebooks:
            first = model.evening(self.world.now) + nights * DAY
            self.world.except_(zone, LightException("", "Fest", first, first + lasts * DAY, *deviation))

    @precondition(lambda self: any(book.exceptions for book in self.world.rulebooks.values()))
    @rule(n=st.integers(0, 2))
    def withdraw_exception(self, n: int) -> None:
        """An exception is withdrawn."""
        zone = next(zone for zone, book in self.world.rulebooks.items() if book.exceptions)
        self.world.withdraw(zone, -1 - n)

    @rule(orders=st.lists(ORDERED, min_size=1, max_size=6) | STAIRS, n=st.integers(0, 3))
    def order_light(self, orders: list[tuple[Cause, int, int]], n: int) -> None:
        """Staff, rescue and technicians order light, of one output or of all."""
        now = self.world.now
        for cause, level, minutes in orders:
            claim = Claim(now, now + minutes * MINUTE, level, cause, None)
            lit = self.world.outputs[n:][:1] or self.world.outputs
            self.world.claims += [(output.key, claim) for output in lit]

    @rule(n=st.integers(0, 99), minutes=st.none() | st.integers(1, 1440))
    def lock_or_end(self, n: int, minutes: int | None) -> None:
        """A technician locks an output, for 24 hours at most; or who ordered something ends it."""
        now, claims = self.world.now, self.world.claims
        if minutes is not None:
            claims.append((self.world.outputs[n % 3].key, Claim(now, now + minutes * MINUTE, 0, Cause.LOCK, None)))
        elif claims:
            key, claim = claims[n % len(claims)]
            claims[n % len(claims)] = key, replace(claim, until=min(claim.until, now))

    # what holds at any time

    @invariant()
    def every_output_gives_what_is_due(self) -> None:
        """Nobody's light is shortened, the highest level rules, and nothing is lit without its cause."""
        now = self.world.now
        for output in self.world.outputs:
            order = self.world.order(output)
            assert len(order) <= MAX_STEPS
            assert order == self.world.order(output)
            whole = len(order) < MAX_STEPS
            strict_until = order[-1].start if not whole else None
            for moment in self._moments(output, order):
                gives, due = model.shown(self.world, output, order, moment), model.due(self.world, output, moment)
                tonight = night(PLACE, model.evening(moment))
                if output.safety and tonight.sunset <= moment < tonight.sunrise and gives.level == 0:
                    assert any(c.cause is Cause.LOCK for c in self.world.claims_on(output))
                if whole:
                    assert gives == due, (output.key, moment)
                elif strict_until is not None and moment < strict_until:
                    assert gives.level == due.level, (output.key, moment)
                elif order[-1].cause is not Cause.LOCK:
                    assert gives.level >= due.level, (output.key, moment)
            later = now + SECOND
            if whole or order[0].until > later:
                assert ahead(order, later) == ahead(self.world.order(output, later), later)
            self.held[output.key] = order

    def _moments(self, output: Output, order: Order) -> list[datetime]:
        """Now, all moments at which something may change while anything is claimed, and some between."""
        now = self.world.now
        claims = self.world.claims_on(output)
        until = max([now + DAY / 2, *(claim.until for claim in claims)])
        edges = {now, *(step.start for step in order), *(step.until for step in order)}
        edges.update(claim.until - n * MINUTE for claim in claims[-12:] for n in (0, 1))
        edges.update(part.start for part in self.world.curve(output).intervals(now, until))
        dated = sorted(edge for edge in edges if edge >= now)
        return [*dated, *(a + (b - a) / 2 for a, b in itertools.pairwise(dated)), dated[-1] + MINUTE]

    @invariant()
    def plans_tile_the_time_and_the_past_stands(self) -> None:
        """What plans say of the past never changes by any later act, and they leave no moment out."""
        now = self.world.now
        ends = now + 3 * DAY
        for output in self.world.outputs:
            tiles = list(self.world.curve(output).intervals(self.since, ends))
            assert tiles[0].start == self.since
            assert tiles[-1].end == ends
            assert all(a.end == b.start and a.start < a.end for a, b in itertools.pairwise(tiles))
            past = list(self.world.curve(output).intervals(self.since, self.told_until))
            assert past == self.told.get(output.key, past)
        self.since = max(self.since, now - 2 * DAY)
        self.told_until = now
        for output in self.world.outputs:
            self.told[output.key] = list(self.world.curve(output).intervals(self.since, now))


def _policy(valid_from: date, rules: tuple[Schedule, PressRules, tuple[QuietCap, ...], tuple[str, ...]]) -> Policy:
    schedule, press, quiet, along = rules
    return Policy(valid_from, schedule, press, quiet=quiet, along=along)


TestVillage = Village.TestCase
TestVillage.settings = settings(max_examples=110, stateful_step_count=20)


def test_a_press_that_works_only_at_the_end_of_its_window_is_told_so() -> None:
    """Six minutes reach the dark of 22:05 from the window's last minute alone."""
    lit = Schedule((Step(Anchor.SUNSET, 100), clock(22, 5, 0)))
    rules = PressRules(12, windows=(Window(at(21), at(22)),), limits=Limits(zone_minutes=6, reserve_percent=0))
    book = Rulebook((Policy(date(2026, 1, 1), lit, rules, version=1),))
    world = World(model.local(date(2026, 11, 20), 21, 10), {"strasse": book}, (RELAY, DIMMER))
    facts = world.facts("strasse", Presser("a"))
    refused = decide(facts, world.now)
    assert isinstance(refused, Refused)
    assert refused.retry_at is not None
    assert isinstance(decide(facts, refused.retry_at), Granted)
