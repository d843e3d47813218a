"""A policy before the vote: figures worked out by hand, figures that add up, and bounds that hold."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.curve import Curve, Fit
from service.domain.demand import Press, model_presses
from service.domain.inventory import (
    Controller,
    ControllerKey,
    EmissionFactor,
    Inventory,
    Output,
    OutputKey,
    Price,
    Zone,
    ZoneKey,
    curve_of,
)
from service.domain.leases import Span
from service.domain.nightly import NightCurve, night_curve
from service.domain.policy import LightException, Limits, Policy, PressRules, Rulebook
from service.domain.press import Facts, Load, Refused, judge
from service.domain.scenarios import ALL_NIGHT, Figures, Lines, Outcome, Scenario, all_night
from service.domain.schedule import Anchor, Moment, QuietCap, Schedule, Step, Window
from service.domain.simulate import Progress, finished, simulate
from service.domain.sun import Night, Place, night, night_of
from service.domain.words import Admission, Availability, Channel, Reason
from tests.unit.scenarios import drafted, today, total
from tests.unit.villages import (
    BERLIN,
    DARK_AFTER_ELEVEN,
    DARK_AFTER_MIDNIGHT,
    DIMMED_THEN_DARK,
    NEVER_LIT,
    clock,
    glasau,
    leck,
    luetjenholm,
    policy,
    utc,
)

DAY = date(2026, 11, 19)
DARK = utc("2026-11-20T00:00")  # 01:00 in the village
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def village(*zones: tuple[str, Policy, float], **changes: Any) -> Inventory:
    """Zones with one output of one lamp each, by name, policy and watts."""
    home = replace(luetjenholm().municipality, id="ort", **changes)
    outputs = [
        Output(OutputKey("ort", "cabinet", n), name, lamps=1, watts=watts)
        for n, (name, _, watts) in enumerate(zones, start=1)
    ]
    cabinet = Controller(ControllerKey("ort", "cabinet"), "cabinet", "Schrank", tuple(outputs), ())
    named = tuple(Zone(ZoneKey("ort", name), name, Rulebook((rules,))) for name, rules, _ in zones)
    return Inventory(home, named, (cabinet,), ())


def one_lamp(schedule: Schedule, minutes: int = 12, **rules: Any) -> Inventory:
    """One lamp of 100 W."""
    return village(("dorf", policy(schedule, minutes, **rules), 100.0))


def presses(*moments: datetime, zone: str = "dorf") -> list[Press]:
    return [Press(moment, zone) for moment in moments]


def run(inventory: Inventory, demand: Sequence[Press] = (), first: date = DAY, last: date | None = None) -> Outcome:
    """The inventory as it stands, over one night or more."""
    (outcome,) = finished(simulate(inventory, [today("today", inventory)], first, last or first, demand))
    return outcome


def figures(inventory: Inventory, demand: Sequence[Press] = (), first: date = DAY, last: date | None = None) -> Figures:
    return total(run(inventory, demand, first, last).lines)


def mwh(watts: float, time_lit: timedelta) -> int:
    return round(1000 * watts * (time_lit / HOUR))


# what is worked out by hand


@pytest.mark.parametrize("day", [DAY, date(2026, 6, 21), date(2026, 3, 28), date(2026, 10, 24), date(2028, 2, 29)])
def test_a_lamp_of_100_w_that_is_lit_all_night_burns_from_sunset_to_sunrise(day: date) -> None:
    found = figures(one_lamp(ALL_NIGHT), first=day)
    dark = night(luetjenholm().municipality.place, day)
    assert found.burning == dark.sunrise - dark.sunset
    assert found.energy_mwh == mwh(100, dark.sunrise - dark.sunset)
    assert found.dark == timedelta()
    assert found.kwh == Decimal(found.energy_mwh) / 1_000_000


def test_a_november_night_is_as_long_as_the_almanac_says() -> None:
    assert figures(one_lamp(ALL_NIGHT)).burning / HOUR == pytest.approx(15.7, abs=0.15)


@pytest.mark.parametrize(("day", "hours"), [(DAY, 3), (date(2026, 3, 28), 2), (date(2026, 10, 24), 4)])
def test_dst_nights_are_an_hour_shorter_or_longer(day: date, hours: int) -> None:
    program = Schedule((clock(1, 0, 100), clock(4, 0, 0)))
    found = figures(one_lamp(program), first=day)
    dark = night(luetjenholm().municipality.place, day)
    assert found.burning == hours * HOUR
    assert found.dark == dark.sunrise - dark.sunset - hours * HOUR


def test_a_press_of_12_minutes_adds_exactly_its_energy() -> None:
    found = figures(one_lamp(NEVER_LIT), presses(DARK))
    dark = night(luetjenholm().municipality.place, DAY)
    assert found.energy_mwh == found.pressed_mwh == 20_000  # 100 W for a fifth of an hour
    assert found.burning == 12 * MINUTE
    assert found.dark == dark.sunrise - dark.sunset - 12 * MINUTE
    assert (found.granted, found.refused) == (1, {})
    assert found.money == Decimal("0.02") * Decimal("0.30")


def test_a_press_counts_what_it_adds_to_the_plan_and_no_more() -> None:
    half = Schedule((Step(Anchor.SUNSET, 50), clock(1, 6, 0)))
    plan, found = figures(one_lamp(half)), figures(one_lamp(half), presses(DARK))
    assert found.pressed_mwh == 4_600 + 10_000  # six minutes on top of half light, which draws 54 W, six in the dark
    assert found.energy_mwh == plan.energy_mwh + 14_600
    assert found.burning == plan.burning + 6 * MINUTE
    assert found.dark == plan.dark - 6 * MINUTE


def test_pressed_light_that_overlaps_counts_once() -> None:
    found = figures(one_lamp(NEVER_LIT), presses(DARK, DARK, DARK + 4 * MINUTE, DARK + 30 * MINUTE))
    assert found.granted == 4
    assert found.burning == (16 + 12) * MINUTE
    assert found.energy_mwh == mwh(100, 28 * MINUTE)


def test_refused_presses_cost_nothing_and_are_counted_by_reason() -> None:
    evening, day = utc("2026-11-19T20:00"), utc("2026-11-20T08:00")
    plan = figures(one_lamp(DARK_AFTER_MIDNIGHT))
    found = figures(one_lamp(DARK_AFTER_MIDNIGHT), presses(evening, evening + MINUTE, day))
    assert found == replace(plan, refused={Reason.ALREADY_LIT: 2, Reason.DAYLIGHT: 1})


def test_longest_minutes_bind_across_merged_light() -> None:
    inventory = one_lamp(NEVER_LIT, longest_minutes=30)
    found = figures(inventory, presses(*(DARK + n * 10 * MINUTE for n in range(4))))
    assert (found.granted, found.refused) == (3, {Reason.LONGEST: 1})  # the third is cut off at half past
    assert found.burning == 30 * MINUTE


def test_rest_from_the_light_of_the_night_before_is_kept() -> None:
    inventory = one_lamp(NEVER_LIT, 240, longest_minutes=240, rest_minutes=1440)
    morning, evening = utc("2026-11-20T05:00"), utc("2026-11-20T16:00")
    found = figures(inventory, presses(morning, evening), DAY, DAY + timedelta(days=1))
    assert (found.granted, found.refused) == (1, {Reason.LONGEST: 1})


def test_a_quiet_cap_dims_pressed_light() -> None:
    quiet = Window(Moment(Anchor.CLOCK, time(1, 6)), Moment(Anchor.CLOCK, time(5)))
    inventory = village(("dorf", policy(NEVER_LIT, 12, quiet=(QuietCap(25, quiet),)), 100.0))
    found = figures(inventory, presses(DARK))
    assert found.energy_mwh == 10_000 + 3_100  # a quarter of the light draws 31 W
    assert found.burning == 12 * MINUTE


def test_a_zone_lit_along_counts_its_own_light_above_its_plan() -> None:
    street, corner = policy(NEVER_LIT, 12, along=("ecke",)), policy(Schedule((clock(1, 6, 50), clock(2, 0, 0))), 12)
    inventory = village(("dorf", street, 100.0), ("ecke", corner, 40.0))
    plan, found = run(inventory).lines, run(inventory, presses(DARK)).lines
    assert total(found, "dorf").pressed_mwh == 20_000
    assert total(found, "ecke").pressed_mwh == 4_000 + 1_840  # six minutes from dark, six from half light
    assert total(found, "ecke").dark == total(plan, "ecke").dark - 6 * MINUTE
    assert (total(found, "dorf").granted, total(found, "ecke").granted) == (1, 0)


def test_a_corner_lit_along_by_two_streets_counts_their_overlap_once() -> None:
    street = policy(NEVER_LIT, 12, along=("ecke",))
    inventory = village(("a", street, 100.0), ("b", street, 100.0), ("ecke", policy(NEVER_LIT, 12), 100.0))
    found = run(inventory, [*presses(DARK, zone="a"), *presses(DARK + 4 * MINUTE, zone="b")]).lines
    assert total(found, "ecke").burning == 16 * MINUTE
    assert total(found, "ecke").energy_mwh == mwh(100, 16 * MINUTE)
    assert total(found).burning == (12 + 12 + 16) * MINUTE


def test_light_of_two_levels_gives_the_brighter() -> None:
    street, corner = policy(NEVER_LIT, 12, level=60, along=("ecke",)), policy(NEVER_LIT, 6, level=100)
    inventory = village(("dorf", street, 100.0), ("ecke", corner, 100.0))
    demand = [*presses(DARK), *presses(DARK + 3 * MINUTE, zone="ecke")]
    found = total(run(inventory, demand).lines, "ecke")
    assert found.pressed_mwh == 6_320 + 6 * 100_000 // 60  # 60 % of the light draws 63.2 W
    assert found.burning == 12 * MINUTE


def test_a_zone_is_dark_only_where_none_of_its_outputs_gives_light() -> None:
    village_with_crossing = leck()
    both = replace(
        village_with_crossing,
        controllers=tuple(
            replace(c, outputs=tuple(replace(o, zone="hauptstrasse") for o in c.outputs))
            for c in village_with_crossing.controllers
        ),
    )
    lines = run(both).lines
    assert total(lines, "hauptstrasse").dark == timedelta()  # the crossing is a safety output
    assert total(lines, "kreuzung").energy_mwh == 0
    assert total(run(leck()).lines, "hauptstrasse").dark > 5 * HOUR


def test_lamps_weigh_the_burning_hours() -> None:
    dark = night(luetjenholm().municipality.place, DAY)
    assert figures(luetjenholm()).burning == 32 * (dark.sunrise - dark.sunset - 5 * HOUR)
    by_dimmer = run(glasau()).lines
    length = total(by_dimmer, "am-see").burning / 26
    assert [total(by_dimmer, zone).burning for zone in ("dorfstrasse", "kirchweg")] == [31 * length, 28 * length]
    assert total(by_dimmer, "am-see").dark == 6 * HOUR


def test_light_by_day_burns_but_takes_nothing_from_the_dark() -> None:
    always = Schedule((clock(12, 0, 100),))
    found = figures(one_lamp(always))
    assert found.burning == 24 * HOUR
    assert found.dark == timedelta()


def test_exceptions_are_simulated() -> None:
    inventory = one_lamp(NEVER_LIT)
    party = LightException("fest", "Fest", DAY, DAY, (clock(22, 0, 100),), Moment(Anchor.CLOCK, time(1)))
    book = replace(inventory.zones[0].rulebook, exceptions=(party,))
    inventory = replace(inventory, zones=(replace(inventory.zones[0], rulebook=book),))
    assert figures(inventory, last=DAY + timedelta(days=1)).burning == 3 * HOUR


# money and CO2


def test_a_price_that_changes_in_a_month_counts_from_its_night_on() -> None:
    day = date(2026, 11, 20)
    prices = (Price(date(2026, 1, 1), Decimal("0.30"), ""), Price(day, Decimal("0.4021"), ""))
    factors = (EmissionFactor(date(2025, 1, 1), 363, ""), EmissionFactor(day, 340, ""))
    inventory = village(("dorf", policy(NEVER_LIT, 12), 100.0), prices=prices, emission_factors=factors)
    found = figures(inventory, presses(DARK, DARK + 24 * HOUR), last=day)  # 01:00 belongs to the evening before
    assert found.money == Decimal("0.02") * (Decimal("0.30") + Decimal("0.4021"))
    assert found.co2_kg == Decimal("0.02") * (363 + 340) / 1000


def test_a_night_without_a_price_or_factor_makes_the_sum_none() -> None:
    later = (Price(date(2026, 12, 2), Decimal("0.30"), ""),)
    inventory = village(("dorf", policy(ALL_NIGHT, 12), 100.0), prices=later)
    lines = run(inventory, first=date(2026, 11, 30), last=date(2027, 1, 1)).lines
    money = {month: total(lines, month=month).money for _, month in lines}
    assert money[date(2026, 11, 1)] is None
    assert money[date(2026, 12, 1)] is None  # the first of its nights has none
    assert money[date(2027, 1, 1)] is not None
    assert total(lines).money is None
    assert total(lines).co2_kg is None
    assert total(lines).energy_mwh > 0


# who presses


def test_figures_for_one_presser_stand_only_where_a_policy_limits_pressers() -> None:
    assert run(one_lamp(NEVER_LIT), presses(DARK)).one_presser is None
    tight = PressRules(12, first_limits=Limits(per_presser=1), first_nights=3)
    draft = Policy(DAY, NEVER_LIT, tight)
    inventory = one_lamp(NEVER_LIT)
    outcomes = {
        begin: finished(simulate(inventory, [drafted("d", inventory, {"dorf": draft})], begin, begin, []))[0]
        for begin in (DAY - timedelta(days=1), DAY, DAY + timedelta(days=2), DAY + timedelta(days=3))
    }
    assert [outcome.one_presser is None for outcome in outcomes.values()] == [True, False, False, True]


def test_one_presser_is_refused_beyond_the_limit_and_free_again_next_night() -> None:
    inventory = one_lamp(NEVER_LIT, limits=Limits(per_presser=2))
    night_long = [DARK + n * 30 * MINUTE for n in range(4)]
    found = run(inventory, presses(*night_long, DARK + 24 * HOUR), last=DAY + timedelta(days=1))
    assert found.one_presser is not None
    assert total(found.lines).granted == 5
    same = total(found.one_presser)
    assert (same.granted, same.refused) == (3, {Reason.PRESSER_LIMIT: 2})
    assert same.energy_mwh == 3 * 20_000


def test_the_limit_counts_each_zone_for_itself() -> None:
    limited = policy(NEVER_LIT, 12, limits=Limits(per_presser=1))
    inventory = village(("a", limited, 100.0), ("b", limited, 100.0), ("c", policy(NEVER_LIT, 12), 100.0))
    demand = [Press(DARK + n * MINUTE, zone) for n, zone in enumerate("abcabc")]
    same = run(inventory, demand).one_presser
    assert same is not None
    assert [total(same, zone).granted for zone in "abc"] == [1, 1, 2]


def test_whoever_presses_shows_what_the_policy_asks_for() -> None:
    for admission in Admission:
        assert figures(one_lamp(NEVER_LIT, admission=admission), presses(DARK)).granted == 1


def test_open_web_presses_leave_the_reserve_to_the_button() -> None:
    inventory = one_lamp(NEVER_LIT, limits=Limits(zone_minutes=36, reserve_percent=33))
    web = [Press(DARK + n * 30 * MINUTE, "dorf") for n in range(4)]
    button = Press(DARK + 130 * MINUTE, "dorf", Channel.BUTTON)
    found = figures(inventory, [*web, button])
    assert (found.granted, found.refused) == (3, {Reason.ZONE_MINUTES: 2})


# properties


def moments(count: int = 12) -> st.SearchStrategy[list[Press]]:
    minutes = st.lists(st.integers(0, 2 * 1440 - 1), max_size=count)
    zones = st.sampled_from(["dorfstrasse", "kirchweg", "am-see"])
    noon = utc("2026-11-19T11:00")

    @st.composite
    def build(draw: st.DrawFn) -> list[Press]:
        return sorted(
            Press(noon + n * MINUTE, draw(zones), draw(st.sampled_from([Channel.WEB, Channel.BUTTON])))
            for n in draw(minutes)
        )

    return build()


SCHEDULES = st.sampled_from([NEVER_LIT, DIMMED_THEN_DARK, DARK_AFTER_ELEVEN, DARK_AFTER_MIDNIGHT])
LIMITS = st.builds(
    Limits,
    st.none() | st.integers(1, 3),
    st.none() | st.integers(5, 60),
    st.none() | st.integers(2_000, 12_000),
    st.integers(0, 60),
)


@st.composite
def drafts(draw: st.DrawFn) -> Policy:
    minutes = draw(st.integers(1, 60))
    rules = PressRules(
        minutes,
        draw(st.sampled_from([30, 100])),
        longest_minutes=draw(st.integers(minutes, 120)),
        rest_minutes=draw(st.sampled_from([0, 20])),
        limits=draw(LIMITS),
    )
    quiet = QuietCap(
        draw(st.sampled_from([0, 40])), Window(Moment(Anchor.CLOCK, time(1)), Moment(Anchor.CLOCK, time(4)))
    )
    return Policy(
        date(2026, 1, 1),
        draw(SCHEDULES),
        rules,
        quiet=(quiet,) if draw(st.booleans()) else (),
        along=draw(st.sampled_from([(), ("am-see",)])),
    )


def outcomes_of(demand: list[Press], draft: Policy) -> tuple[Outcome, Outcome]:
    inventory = glasau()
    by_zone = {"dorfstrasse": draft, "kirchweg": replace(draft, along=())}
    scenarios = [drafted("draft", inventory, by_zone), all_night("all night", inventory)]
    draft_outcome, whole = finished(simulate(inventory, scenarios, DAY, DAY + timedelta(days=1), demand))
    return draft_outcome, whole


@given(moments(), drafts())
@settings(max_examples=40)
def test_no_schedule_within_the_night_uses_more_than_all_night(demand: list[Press], draft: Policy) -> None:
    found, whole = outcomes_of(demand, draft)
    for line, part in found.lines.items():
        most = whole.lines[line]
        assert part.energy_mwh <= most.energy_mwh
        assert part.burning <= most.burning
        assert 0 <= part.pressed_mwh <= part.energy_mwh
        assert most.dark == timedelta() <= part.dark
    assert total(whole.lines).granted == 0


@given(moments(), drafts())
@settings(max_examples=40)
def test_every_press_is_granted_or_refused_and_counted_once(demand: list[Press], draft: Policy) -> None:
    for lines in (outcome.lines for outcome in outcomes_of(demand, draft)):
        for zone in ("dorfstrasse", "kirchweg", "am-see"):
            found = total(lines, zone)
            assert found.granted + sum(found.refused.values()) == sum(press.zone == zone for press in demand)


@given(moments(), drafts())
@settings(max_examples=40)
def test_one_presser_is_granted_no_more_than_different_ones(demand: list[Press], draft: Policy) -> None:
    found, _ = outcomes_of(demand, draft)
    if found.one_presser is None:
        assert draft.press.limits.per_presser is None
        return
    for line, most in found.lines.items():
        least = found.one_presser[line]
        assert least.granted <= most.granted
        assert least.energy_mwh <= most.energy_mwh
        assert least.burning <= most.burning
        assert least.dark >= most.dark


def real(demand: list[Press], of: list[int], draft: Policy) -> int:
    """How many presses are granted in the first zone where it is known who presses."""
    inventory = glasau()
    zone = drafted("draft", inventory, {"dorfstrasse": draft}).zones[0]
    output = inventory.controllers[0].outputs[0]
    load = Load(curve_of(output, zone, inventory.municipality), 31 * output.watts, own=True)
    spans: list[tuple[datetime, datetime]] = []
    granted: dict[int, tuple[datetime, ...]] = {}
    for press, who in zip(demand, of, strict=True):
        leases = tuple(Span(*span) for span in spans)
        earlier = granted.get(who, ())
        facts = Facts(zone.rulebook, (load,), leases, (Availability.ONLINE,), True, press.channel, earlier=earlier)
        verdict = judge(facts, press.at)
        if not isinstance(verdict, Refused):
            spans.append((press.at, verdict.until))
            granted[who] = (*earlier, press.at)
    return len(spans)


@given(moments(20), st.lists(st.integers(0, 3), min_size=20, max_size=20), drafts())
@settings(max_examples=60)
def test_bounds_bracket_any_mix_of_pressers(demand: list[Press], of: list[int], draft: Policy) -> None:
    own = [press._replace(zone="dorfstrasse") for press in demand if night_of(press.at, BERLIN) == DAY]
    limits = replace(draft.press.limits, per_presser=draft.press.limits.per_presser or 1)
    draft = replace(draft, along=(), press=replace(draft.press, limits=limits))
    found, _ = outcomes_of(own, draft)
    assert found.one_presser is not None
    granted = real(own, of[: len(own)], draft)
    assert total(found.one_presser).granted <= granted
    others_bind = {Reason.LONGEST, Reason.ZONE_MINUTES, Reason.ZONE_ENERGY}
    if not others_bind & total(found.lines).refused.keys():
        assert granted <= total(found.lines).granted


@given(moments(20), drafts())
@settings(max_examples=40)
def test_each_press_is_judged_as_a_real_one(demand: list[Press], draft: Policy) -> None:
    own = [press._replace(zone="dorfstrasse") for press in demand]
    draft = replace(draft, along=())
    found, _ = outcomes_of(own, draft)
    assert total(found.lines).granted == real(own, list(range(len(own))), draft)


@given(drafts(), st.integers(0, 1440), st.integers(0, 600), st.sampled_from([30, 100]), st.sampled_from([1, 100]))
def test_a_curve_of_one_night_agrees_with_the_curve(
    draft: Policy, begin: int, length: int, level: int, step: int
) -> None:
    place = glasau().municipality.place
    curve = Curve(Rulebook((draft,)), place, Fit(step=step))
    tonight = night(place, DAY)
    start = tonight.start + begin * MINUTE
    end = min(tonight.end, start + length * MINUTE)
    alone = night_curve(curve, tonight)
    assert [(i.start, i.end, i.level) for i in alone.intervals(start, end)] == [
        (i.start, i.end, i.level) for i in curve.intervals(start, end)
    ]
    assert list(alone.pressed(level, start, end)) == list(curve.pressed(level, start, end))
    assert list(alone.gains(level, start, end)) == list(curve.gains(level, start, end))


@given(moments())
@settings(max_examples=20)
def test_a_draft_that_equals_today_gives_identical_figures(demand: list[Press]) -> None:
    inventory = glasau()
    same = {zone.key.zone: replace(zone.policy_on(DAY), version=0) for zone in inventory.zones}
    scenarios = [today("today", inventory), drafted("draft", inventory, same)]
    now, draft = finished(simulate(inventory, scenarios, DAY, DAY + timedelta(days=1), demand))
    assert now.lines == draft.lines


def added(lines: Lines) -> Figures:
    found = Figures()
    for part in lines.values():
        found = found + part
    return found


def test_months_and_zones_add_up_to_the_whole() -> None:
    inventory = glasau()
    first, last = date(2026, 9, 10), date(2027, 2, 3)
    lamps = {zone.key.zone: 30 for zone in inventory.zones}
    demand = model_presses(lamps, first, last, inventory.municipality.place, seed=1)
    whole = run(inventory, demand, first, last).lines
    assert sorted({month for _, month in whole}) == [date(2026, n, 1) for n in (9, 10, 11, 12)] + [
        date(2027, n, 1) for n in (1, 2)
    ]
    by_month = [total(whole, month=month) for month in {month for _, month in whole}]
    by_zone = [total(whole, zone=zone) for zone in lamps]
    for parts in (by_month, by_zone):
        assert added({("", DAY + timedelta(days=n)): part for n, part in enumerate(parts)}) == added(whole)
    assert total(whole) == added(whole)
    assert total(whole).granted + sum(total(whole).refused.values()) == len(demand)


@given(st.integers(1, 59))
@settings(max_examples=8)
def test_a_period_in_two_parts_gives_the_same_sum(cut: int) -> None:
    inventory = glasau()
    first, last = date(2026, 10, 1), date(2026, 11, 30)
    demand = model_presses({"dorfstrasse": 31, "am-see": 26}, first, last, inventory.municipality.place, seed=5)
    middle = first + timedelta(days=cut)
    early = [press for press in demand if night_of(press.at, BERLIN) < middle]
    late = demand[len(early) :]
    parts = run(inventory, early, first, middle - timedelta(days=1)).lines, run(inventory, late, middle, last).lines
    assert total(parts[0]) + total(parts[1]) == total(run(inventory, demand, first, last).lines)


# the course of a simulation


def test_each_step_is_one_night_and_scenarios_come_back_in_order() -> None:
    inventory = glasau()
    scenarios = [all_night("all night", inventory), today("today", inventory)]
    heard: list[Progress] = []
    outcomes = finished(simulate(inventory, scenarios, DAY, DAY + timedelta(days=2), []), heard.append)
    assert heard == [(1, 3), (2, 3), (3, 3)]
    assert [outcome.name for outcome in outcomes] == ["all night", "today"]


def counted(monkeypatch: pytest.MonkeyPatch, nights: int, rate: int) -> tuple[int, int]:
    """How often a simulation asks for a night's curve, and how many leases its judgements look through."""
    asked = looked = 0

    def count_curves(curve: Curve, tonight: Night) -> NightCurve:
        nonlocal asked
        asked += 1
        return night_curve(curve, tonight)

    def count_leases(facts: Facts, now: datetime) -> object:
        nonlocal looked
        looked += 1 + len(facts.leases)
        return judge(facts, now)

    monkeypatch.setattr("service.domain.simulate.night_curve", count_curves)
    monkeypatch.setattr("service.domain.simulate.judge", count_leases)
    inventory = glasau()
    demand = [Press(DARK + timedelta(days=n, seconds=s), "am-see") for n in range(nights) for s in range(rate)]
    finished(simulate(inventory, [today("today", inventory)], DAY, DAY + timedelta(days=nights - 1), demand))
    return asked, looked


def test_work_grows_as_nights_and_presses_do(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(monkeypatch, 4, 50) == (4, 4 * (50 + 49))
    assert counted(monkeypatch, 8, 50) == (8, 8 * (50 + 49))
    assert counted(monkeypatch, 4, 200) == (4, 4 * (200 + 199))  # presses merge: one stretch of light to look at


# what is refused


def test_a_polar_night_is_one_long_dark_and_a_white_one_has_none() -> None:
    tromso = Place(69.65, 18.96, "Europe/Oslo")
    inventory = village(("dorf", policy(ALL_NIGHT, 12), 100.0), place=tromso)
    assert figures(inventory, first=date(2026, 12, 20)).burning == 24 * HOUR
    summer = figures(inventory, presses(utc("2026-06-20T22:00")), first=date(2026, 6, 20))
    assert (summer.burning, summer.dark) == (timedelta(), timedelta())
    assert summer.refused == {Reason.DAYLIGHT: 1}


def test_a_zone_without_lamps_is_dark_all_night() -> None:
    inventory = one_lamp(ALL_NIGHT)
    empty = Zone(ZoneKey("ort", "leer"), "leer", inventory.zones[0].rulebook)
    inventory = replace(inventory, zones=(*inventory.zones, empty))
    found = total(run(inventory).lines, "leer")
    assert found == replace(Figures(co2_kg=None), dark=total(run(inventory).lines, "dorf").burning)


@pytest.mark.parametrize(("first", "last"), [(DAY, DAY - timedelta(days=1)), (date(2026, 1, 1), date(2031, 1, 1))])
def test_a_period_that_is_none_or_too_long_is_refused_before_the_first_step(first: date, last: date) -> None:
    with pytest.raises(ValueError, match=r"^last: "):
        simulate(glasau(), [], first, last, [])


def test_five_years_are_not_too_long() -> None:
    simulation = simulate(glasau(), [today("today", glasau())], date(2024, 2, 29), date(2029, 2, 27), [])
    assert next(simulation) == (1, 1826)


@pytest.mark.parametrize(
    ("demand", "field"),
    [
        (presses(DARK, zone="nirgends"), r"demand\.0\.zone: "),
        (presses(DARK - 24 * HOUR), r"demand\.0\.at: "),
        (presses(DARK, DARK + 24 * HOUR), r"demand\.1\.at: "),
        (presses(DARK, DARK - MINUTE), r"demand\.1\.at: "),
    ],
)
def test_demand_that_does_not_fit_is_refused(demand: list[Press], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}"):
        run(one_lamp(NEVER_LIT), demand)


def test_scenarios_that_are_not_the_village_are_refused() -> None:
    inventory = glasau()
    with pytest.raises(ValueError, match=r"^zones: "):
        simulate(inventory, [Scenario("half", inventory.zones[:2])], DAY, DAY, [])
    with pytest.raises(ValueError, match=r"^drafts: "):
        drafted("draft", inventory, {"nirgends": policy(NEVER_LIT, 12)})
    lost = drafted("draft", inventory, {"am-see": policy(NEVER_LIT, 12, along=("nirgends",))})
    with pytest.raises(ValueError, match=r"^along: "):
        simulate(inventory, [lost], DAY, DAY, [])
