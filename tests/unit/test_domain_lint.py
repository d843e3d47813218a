"""The linter: for each finding a policy that has it, with its first night, and a near twin that has not."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from service.domain.conditions import Conditions, Dates
from service.domain.inventory import Inventory
from service.domain.lint import Finding, FindingCode, Severity, lint
from service.domain.policy import LightException, Limits, Policy, Resolution, Rulebook
from service.domain.schedule import Anchor, Moment, QuietCap, Rule, Schedule, Step, Window
from service.domain.sun import Place, night
from service.domain.words import Admission, RingSign
from tests.unit.villages import (
    ALL_NIGHT,
    DARK_AFTER_ELEVEN,
    DARK_AFTER_MIDNIGHT,
    DIMMED_THEN_DARK,
    NEVER_LIT,
    SUNRISE,
    SUNSET,
    clock,
    glasau,
    leck,
    luetjenholm,
    policy,
)

TODAY = date(2026, 11, 21)
NEW_YEAR = date(2027, 1, 1)
ERROR, WARNING, HINT = Severity
EVERY_NIGHT = {"nights": 366, "of": 366}


@dataclass(frozen=True)
class Case:
    """A draft for a zone of a village."""

    draft: Policy
    village: Inventory = field(default_factory=luetjenholm)
    zone: str = "dorf"

    def findings(self, code: FindingCode | None = None) -> list[Finding]:
        """All that the linter finds, or only one code's."""
        zones = {zone.key.zone: zone for zone in self.village.zones}
        found = lint(self.draft, zones[self.zone], self.village, zones, TODAY)
        return [finding for finding in found if code in (None, finding.code)]


@dataclass(frozen=True)
class Expected:
    """A policy with a finding, what is expected of that, and a near twin without it."""

    bad: Case
    twin: Case
    severity: Severity
    first: date | None = None
    subject: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def draft(schedule: Schedule = DARK_AFTER_MIDNIGHT, minutes: int = 12, **changes: Any) -> Policy:
    return policy(schedule, minutes, **{"valid_from": NEW_YEAR, "version": 0, **changes})


def case(schedule: Schedule = DARK_AFTER_MIDNIGHT, minutes: int = 12, **changes: Any) -> Case:
    return Case(draft(schedule, minutes, **changes))


def in_glasau(schedule: Schedule = DIMMED_THEN_DARK, **changes: Any) -> Case:
    return Case(draft(schedule, 15, **changes), glasau(), "am-see")


def in_leck(zone: str, village: Inventory | None = None, **changes: Any) -> Case:
    return Case(draft(DARK_AFTER_ELEVEN, 10, **changes), village or leck(), zone)


def steps(*program: Step) -> Schedule:
    return Schedule(program)


def ruled(*conditions: Conditions) -> Schedule:
    return Schedule(DARK_AFTER_MIDNIGHT.steps, tuple(Rule(when, ALL_NIGHT.steps) for when in conditions))


def at(hour: int, minute: int = 0) -> Moment:
    return Moment(Anchor.CLOCK, time(hour, minute))


def window(start: Moment, end: Moment) -> Window:
    return Window(start, end)


def ringed(sign: RingSign) -> Inventory:
    village = luetjenholm()
    return replace(village, lamps=(*village.lamps[:-2], *(replace(lamp, ring=sign) for lamp in village.lamps[-2:])))


def with_safety(lamps: int) -> Inventory:
    """Lütjenholm with so many safety lamps, which make its circuit one of safety."""
    village = luetjenholm()
    cabinet = village.controllers[0]
    relay = replace(cabinet.outputs[0], safety=True)
    return replace(
        village,
        controllers=(replace(cabinet, outputs=(relay,)),),
        lamps=tuple(replace(lamp, safety=n < lamps) for n, lamp in enumerate(village.lamps)),
    )


def with_place(village: Inventory, **changes: Any) -> Inventory:
    return replace(
        village,
        municipality=replace(village.municipality, place=replace(village.municipality.place, **changes)),
    )


def unsafe(schedule: Schedule) -> Inventory:
    return replace(leck(), municipality=replace(leck().municipality, safety_schedule=schedule))


def with_an_end(until: date) -> Inventory:
    """A village whose only policy ends."""
    village = luetjenholm()
    (zone,) = village.zones
    ending = Rulebook((replace(zone.rulebook.first, until=until),))
    return replace(village, zones=(replace(zone, rulebook=ending),))


def with_summer_policy() -> Inventory:
    village = luetjenholm()
    coming = draft(valid_from=date(2027, 6, 1), version=2, resolution=Resolution("12/2026", date(2026, 11, 1)))
    rulebook = Rulebook((*village.zones[0].rulebook.policies, coming))
    return replace(village, zones=(replace(village.zones[0], rulebook=rulebook),))


def dark_kwh(watts: float) -> int:
    """What lamps would burn from 00:30 to 05:30 or sunrise in the year 2027, reckoned without curves."""
    place, dark = luetjenholm().municipality.place, timedelta()
    for day in (NEW_YEAR + timedelta(days=n) for n in range(365)):
        dark += min(at(5, 30).on(place, day), night(place, day).sunrise) - at(0, 30).on(place, day)
    return round(watts * dark / timedelta(hours=1) / 1000)


C = FindingCode
TO_EIGHT = steps(Step(SUNSET, 100), clock(0, 30, 0), clock(5, 30, 100), clock(8, 0, 0))
AT_NIGHT = window(at(22), Moment(SUNRISE))
HALF_PAST_TWO = steps(Step(SUNSET, 100), clock(2, 30, 0))
TWILIGHT = steps(Step(Anchor.DUSK, 100), Step(Anchor.DAWN, 0))
FRIDAYS_SATURDAYS, SATURDAYS = Conditions(weekdays=(4, 5)), Conditions(weekdays=(5,))
IN_JUNE = Dates((6, 1), (6, 30))
POLES = ("l31", "l32")
FIRST_LIMITS: dict[str, Any] = {"limits": Limits(zone_minutes=60), "first_nights": 14}

CASES: dict[FindingCode, Expected] = {
    C.BURNS_IN_DAYLIGHT: Expected(
        case(TO_EIGHT), case(DARK_AFTER_MIDNIGHT), ERROR, date(2027, 2, 13), "", {"minutes": 150}
    ),
    C.STEP_NEVER_HAPPENS: Expected(
        case(steps(Step(SUNSET, 100), clock(23, 0, 50), clock(22, 50, 0))),
        case(steps(Step(SUNSET, 100), clock(22, 50, 50), clock(23, 0, 0))),
        WARNING,
        NEW_YEAR,
        "schedule.steps.1",
        {"level": 50},
    ),
    C.STEP_REPEATS: Expected(
        case(steps(Step(SUNSET, 100), clock(23, 0, 0), Step(SUNRISE, 0))),
        case(steps(Step(SUNSET, 100), clock(23, 0, 0))),
        HINT,
        NEW_YEAR,
        "schedule.steps.2",
    ),
    C.NEVER_LIT_BY_ITSELF: Expected(
        case(NEVER_LIT), case(steps(Step(SUNSET, 10), clock(23, 0, 0))), WARNING, None, "schedule"
    ),
    C.STEPS_SWAP: Expected(
        case(DARK_AFTER_MIDNIGHT),
        case(steps(Step(SUNSET, 100), clock(0, 30, 0), clock(4, 30, 100), Step(SUNRISE, 0))),
        HINT,
        date(2027, 5, 8),
        "schedule.steps.3",
        {"nights": 82, "of": 366},
    ),
    C.RULE_NEVER_HOLDS: Expected(
        case(ruled(Conditions(months=(2,), dates=(IN_JUNE,)))),
        case(ruled(Conditions(months=(6,), dates=(IN_JUNE,)))),
        WARNING,
        None,
        "schedule.rules.0",
    ),
    C.RULE_HIDDEN: Expected(
        case(ruled(FRIDAYS_SATURDAYS, SATURDAYS)),
        case(ruled(SATURDAYS, FRIDAYS_SATURDAYS)),
        WARNING,
        date(2027, 1, 2),
        "schedule.rules.1",
        {"by": 1},
    ),
    C.SCHEDULE_RULES_NOTHING: Expected(in_leck("kreuzung"), in_leck("hauptstrasse"), HINT),
    C.GAP_SURPRISE: Expected(
        case(HALF_PAST_TWO),
        case(steps(Step(SUNSET, 100), clock(3, 0, 0))),
        HINT,
        date(2027, 3, 27),
        "schedule.steps.1",
        {"clock": time(2, 30), "then": time(3)},
    ),
    C.FOLD_SURPRISE: Expected(
        case(HALF_PAST_TWO),
        case(steps(Step(SUNSET, 100), clock(1, 59, 0))),
        HINT,
        date(2027, 10, 30),
        "schedule.steps.1",
        {"clock": time(2, 30), "then": time(2, 30)},
    ),
    C.TWILIGHT_MISSING: Expected(
        Case(draft(TWILIGHT), with_place(luetjenholm(), lat=61.0)),
        case(TWILIGHT),
        WARNING,
        date(2027, 6, 10),
        "schedule.steps.0",
    ),
    C.HOLIDAY_REGION_MISSING: Expected(
        case(ruled(Conditions(holiday=True))),
        Case(draft(ruled(Conditions(holiday=True))), with_place(luetjenholm(), region="DE-SH")),
        ERROR,
        None,
        "schedule.rules.0",
    ),
    C.DARK_WHERE_SAFETY: Expected(
        in_leck("kreuzung", unsafe(DARK_AFTER_ELEVEN)),
        in_leck("kreuzung"),
        ERROR,
        NEW_YEAR,
        "",
        {"outputs": ("Schaltschrank/2",), **EVERY_NIGHT},
    ),
    C.SAFETY_LAMP_KEEPS_CIRCUIT: Expected(
        Case(draft(), with_safety(1)),
        Case(draft(), with_safety(32)),
        WARNING,
        None,
        "outputs.cabinet-1.1",
        {"kwh": dark_kwh(31 * 25), "lamps": ("l1",), "others": 31},
    ),
    C.RING_SIGN_MISSING: Expected(
        Case(draft(), ringed(RingSign.NO)),
        Case(draft(ALL_NIGHT), ringed(RingSign.NO)),
        ERROR,
        NEW_YEAR,
        "",
        {"count": 2, "lamps": POLES},
    ),
    C.RING_SIGN_UNKNOWN: Expected(
        Case(draft(), ringed(RingSign.UNKNOWN)),
        Case(draft(), ringed(RingSign.YES)),
        WARNING,
        NEW_YEAR,
        "",
        {"count": 2, "lamps": POLES},
    ),
    C.LEVEL_NOT_KEPT: Expected(
        case(steps(Step(SUNSET, 50), clock(23, 0, 0))),
        in_glasau(steps(Step(SUNSET, 50), clock(23, 0, 0))),
        WARNING,
        None,
        "schedule.steps.0",
        {"asked": 50, "least": 100, "most": 100, "outputs": ("Schaltschrank",)},
    ),
    C.CAP_DARKENS_RELAY: Expected(
        case(quiet=(QuietCap(30, AT_NIGHT),)), in_glasau(quiet=(QuietCap(30, AT_NIGHT),)), WARNING, None, "quiet.0"
    ),
    C.CAP_NEVER_BINDS: Expected(
        in_glasau(quiet=(QuietCap(30, window(at(12), at(14))),)),
        in_glasau(quiet=(QuietCap(30, window(at(12), at(23))),)),
        WARNING,
        None,
        "quiet.0",
    ),
    C.CAP_OUTPUT_UNKNOWN: Expected(
        in_glasau(quiet=(QuietCap(30, AT_NIGHT, ("lamp-01", 1)),)),  # of another zone
        in_glasau(quiet=(QuietCap(30, AT_NIGHT, ("lamp-85", 1)),)),
        ERROR,
        None,
        "quiet.0",
        {"output": "lamp-01/1"},
    ),
    C.WINDOW_NO_PRESS_CAN_USE: Expected(
        case(windows=(window(Moment(SUNSET), at(23)),)),  # as bright as a press would make it
        case(windows=(window(Moment(SUNSET), at(0, 40)),)),
        ERROR,
        NEW_YEAR,
        "press.windows.0",
        EVERY_NIGHT,
    ),
    C.PRESS_NEVER_HELPS: Expected(case(ALL_NIGHT), case(DARK_AFTER_MIDNIGHT), WARNING, None, "press"),
    C.MINUTES_LONGER_THAN_WINDOW: Expected(
        case(windows=(window(at(0, 30), at(0, 41)),)),
        case(windows=(window(at(0, 30), at(0, 42)),)),
        WARNING,
        NEW_YEAR,
        "press.windows.0",
        {"window": 11, "minutes": 12},
    ),
    C.LIMIT_BELOW_ONE_PRESS: Expected(
        case(limits=Limits(zone_minutes=11)),
        case(limits=Limits(zone_minutes=18)),
        ERROR,
        None,
        "press.limits.zone_minutes",
        {"limit": 11, "open": 7},
    ),
    C.SCHEDULE_EXCEEDS_ENERGY_LIMIT: Expected(
        case(limits=Limits(zone_wh=1000)),
        case(limits=Limits(zone_wh=20_000)),
        ERROR,
        NEW_YEAR,
        "press.limits.zone_wh",
        EVERY_NIGHT,
    ),
    C.FIRST_LIMITS_LOOSER: Expected(
        case(first_limits=Limits(zone_minutes=61), **FIRST_LIMITS),
        case(first_limits=Limits(zone_minutes=60), **FIRST_LIMITS),
        HINT,
        None,
        "press.first_limits.zone_minutes",
        {"limit": 60},
    ),
    C.REST_LEAVES_DARK: Expected(case(rest_minutes=5), case(), WARNING, None, "press.rest_minutes", {"minutes": 5}),
    C.PRESSER_IS_NO_PERSON: Expected(
        case(limits=Limits(per_presser=3)), case(), HINT, None, "press.limits.per_presser", {"presses": 3}
    ),
    C.PRESSER_NOT_KNOWN_YET: Expected(
        case(limits=Limits(per_presser=3)), case(), WARNING, None, "press.limits.per_presser"
    ),
    C.NOBODY_CAN_SHOW_YET: Expected(
        case(admission=Admission.CODE), case(), WARNING, None, "press.admission", {"asked": "code"}
    ),
    C.WARNING_NEEDS_DIMMER: Expected(
        case(warn_before_dark=True), in_glasau(warn_before_dark=True), HINT, None, "press.warn_before_dark"
    ),
    C.ALONG_UNKNOWN: Expected(
        in_leck("hauptstrasse", along=("hafen",)),
        in_leck("hauptstrasse", along=("kreuzung",)),
        ERROR,
        None,
        "along.hafen",
    ),
    C.ALONG_ITSELF: Expected(
        in_leck("hauptstrasse", along=("hauptstrasse",)), in_leck("hauptstrasse"), ERROR, None, "along.hauptstrasse"
    ),
    C.ALONG_TWICE: Expected(
        in_leck("hauptstrasse", along=("kreuzung", "kreuzung")),
        in_leck("hauptstrasse", along=("kreuzung",)),
        ERROR,
        None,
        "along.kreuzung",
    ),
    C.OVERTAKES: Expected(
        Case(draft(), with_summer_policy()),
        Case(draft(until=date(2027, 5, 31)), with_summer_policy()),
        WARNING,
        date(2027, 6, 1),
        "versions.2",
        {"resolution": "12/2026"},
    ),
    C.NOTHING_RULES_AFTER: Expected(
        Case(draft(until=date(2027, 5, 31)), with_an_end(date(2027, 3, 31))),
        Case(draft(until=date(2027, 2, 28)), with_an_end(date(2027, 3, 31))),
        WARNING,
        date(2027, 6, 1),
        "until",
        {"version": 1},
    ),
    C.STARTS_IN_THE_PAST: Expected(
        case(valid_from=TODAY),
        case(valid_from=TODAY + timedelta(days=1)),
        ERROR,
        TODAY,
        "valid_from",
        {"earliest": TODAY + timedelta(days=1)},
    ),
}


def seen(findings: Sequence[Finding]) -> list[tuple[Severity, date | None]]:
    return [(finding.severity, finding.first) for finding in findings]


def test_every_code_has_a_policy_that_yields_it() -> None:
    assert set(CASES) == set(FindingCode)


@pytest.mark.parametrize("code", FindingCode)
def test_a_policy_has_the_finding_and_its_near_twin_has_not(code: FindingCode) -> None:
    expected = CASES[code]
    found = expected.bad.findings(code)[0]
    assert (found.severity, found.first, found.subject) == (expected.severity, expected.first, expected.subject)
    assert {name: found.facts[name] for name in expected.facts} == expected.facts
    assert expected.twin.findings(code) == []


@pytest.mark.parametrize("village", [luetjenholm(), glasau(), leck()], ids=["luetjenholm", "glasau", "leck"])
def test_the_three_villages_have_no_error_and_no_warning(village: Inventory) -> None:
    for zone in village.zones:
        today = replace(zone.rulebook.policies[0], valid_from=NEW_YEAR, version=0)
        found = Case(today, village, zone.key.zone).findings()
        assert [finding for finding in found if finding.severity is not HINT] == []
        assert C.STEPS_SWAP in {finding.code for finding in found}


def test_findings_come_heaviest_first_then_by_date_and_none_twice() -> None:
    many = case(
        TO_EIGHT, along=("a", "b", "a"), rest_minutes=5, quiet=(QuietCap(30, AT_NIGHT),), limits=Limits(zone_wh=2000)
    )
    found = many.findings()
    weights = [(list(Severity).index(each.severity), each.first or date.min, each.code) for each in found]
    assert weights == sorted(weights)
    keys = [(each.code, each.subject) for each in found]
    assert len(keys) == len(set(keys)) > 5
    assert found == many.findings()


@pytest.mark.parametrize(("offset", "severity"), [(10, None), (11, HINT), (30, HINT), (31, WARNING), (121, ERROR)])
@pytest.mark.parametrize("evening", [True, False])
def test_light_by_day_weighs_by_its_minutes(offset: int, severity: Severity | None, evening: bool) -> None:
    lit = Step(SUNSET, 100, offset_min=-offset if evening else 0)
    unlit = Step(SUNRISE, 0, offset_min=0 if evening else offset)
    found = case(steps(lit, unlit)).findings(C.BURNS_IN_DAYLIGHT)
    assert seen(found) == ([] if severity is None else [(severity, NEW_YEAR)])


def test_safety_outputs_that_burn_by_day_are_no_matter_of_this_draft() -> None:
    to_noon = unsafe(steps(Step(SUNSET, 100)))
    assert in_leck("kreuzung", to_noon).findings(C.BURNS_IN_DAYLIGHT) == []


def test_a_safety_output_must_not_be_dark_for_a_minute() -> None:
    late = unsafe(steps(Step(SUNSET, 100, offset_min=1), Step(SUNRISE, 0)))
    assert seen(in_leck("kreuzung", late).findings(C.DARK_WHERE_SAFETY)) == [(ERROR, NEW_YEAR)]
    assert in_leck("hauptstrasse", late).findings(C.DARK_WHERE_SAFETY) == []  # it has no safety output


def test_lamps_dark_in_twilight_alone_need_no_ring() -> None:
    late = steps(Step(SUNSET, 100, offset_min=50), Step(SUNRISE, 0, offset_min=-50))
    assert Case(draft(late), ringed(RingSign.NO)).findings(C.RING_SIGN_MISSING) == []
    later = steps(Step(SUNSET, 100, offset_min=61), Step(SUNRISE, 0))
    assert len(Case(draft(later), ringed(RingSign.NO)).findings(C.RING_SIGN_MISSING)) == 1


def test_a_ring_is_missed_first_on_the_first_night_that_is_dark() -> None:
    summer = Schedule(ALL_NIGHT.steps, (Rule(Conditions(months=(6,)), DARK_AFTER_MIDNIGHT.steps),))
    found = Case(draft(summer), ringed(RingSign.NO)).findings(C.RING_SIGN_MISSING)
    assert seen(found) == [(ERROR, date(2027, 6, 1))]


def test_a_trial_is_looked_at_only_while_it_holds() -> None:
    winter = case(until=date(2027, 3, 31))
    assert winter.findings(C.STEPS_SWAP) == []
    june = ruled(Conditions(dates=(IN_JUNE,)))
    assert len(case(june, until=date(2027, 3, 31)).findings(C.RULE_NEVER_HOLDS)) == 1


def test_what_a_safety_lamp_costs_is_a_whole_year_of_a_trial_too() -> None:
    for_good = Case(draft(DARK_AFTER_ELEVEN), with_safety(1))
    trial = Case(draft(DARK_AFTER_ELEVEN, until=date(2027, 3, 31)), with_safety(1))  # 00:30 is the hour after it
    assert trial.findings(C.SAFETY_LAMP_KEEPS_CIRCUIT) == for_good.findings(C.SAFETY_LAMP_KEEPS_CIRCUIT)


def test_a_circuit_of_safety_by_declaration_keeps_nothing_lit_by_a_lamp() -> None:
    assert Case(draft(), with_safety(0)).findings(C.SAFETY_LAMP_KEEPS_CIRCUIT) == []


def test_a_rule_for_a_leap_day_has_its_night() -> None:
    assert case(ruled(Conditions(dates=(Dates((2, 29), (2, 29)),)))).findings(C.RULE_NEVER_HOLDS) == []


def test_a_window_may_be_of_use_in_winter_only() -> None:
    found = case(NEVER_LIT, windows=(window(at(20), at(21, 30)),)).findings(C.WINDOW_NO_PRESS_CAN_USE)
    place = luetjenholm().municipality.place
    light = [
        day
        for day in (NEW_YEAR + timedelta(days=n) for n in range(366))
        if night(place, day).sunset >= at(21, 30).on(place, day)
    ]
    assert seen(found) == [(WARNING, light[0])]
    assert found[0].facts["nights"] == len(light)


@pytest.mark.parametrize(
    "unusable",
    [
        window(at(9), at(11)),  # by day
        window(at(20), Moment(SUNSET)),  # by day in summer, empty in winter
        Window(at(1), at(4), Conditions(months=(2,), dates=(IN_JUNE,))),  # on no night
    ],
)
def test_windows_nobody_can_use(unusable: Window) -> None:
    usable = window(at(1), at(4))
    found = case(windows=(usable, unusable)).findings(C.WINDOW_NO_PRESS_CAN_USE)
    assert [(each.severity, each.subject) for each in found] == [(ERROR, "press.windows.1")]


def test_a_window_in_which_the_quiet_hours_darken_all_is_of_no_use() -> None:
    at_three = window(at(3), at(4))
    capped: dict[str, Any] = {"windows": (at_three,), "quiet": (QuietCap(30, window(at(1), at(5))),)}
    assert seen(case(**capped).findings(C.WINDOW_NO_PRESS_CAN_USE)) == [(ERROR, NEW_YEAR)]
    assert in_glasau(**capped).findings(C.WINDOW_NO_PRESS_CAN_USE) == []


def dark_crossing() -> Inventory:
    """Leck with a crossing that is dark at night."""
    cabinet = leck().controllers[0]
    outputs = tuple(replace(output, safety=False) for output in cabinet.outputs)
    return replace(leck(), controllers=(replace(cabinet, outputs=outputs),))


def test_a_press_helps_where_only_a_zone_along_gets_brighter() -> None:
    alone = Case(draft(ALL_NIGHT), dark_crossing(), "hauptstrasse")
    assert len(alone.findings(C.PRESS_NEVER_HELPS)) == 1
    along = Case(draft(ALL_NIGHT, along=("kreuzung",)), dark_crossing(), "hauptstrasse")
    assert along.findings(C.PRESS_NEVER_HELPS) == []


def test_a_zone_along_is_of_no_use_while_quiet_hours_darken_all_that_is_pressed() -> None:
    """Such a press is refused, whatever else it would light."""
    quiet = (QuietCap(30, window(at(1), at(5))),)
    changes: dict[str, Any] = {"along": ("kreuzung",), "windows": (window(at(3), at(4)),)}
    assert in_leck("hauptstrasse", dark_crossing(), **changes).findings(C.WINDOW_NO_PRESS_CAN_USE) == []
    found = in_leck("hauptstrasse", dark_crossing(), quiet=quiet, **changes).findings(C.WINDOW_NO_PRESS_CAN_USE)
    assert seen(found) == [(ERROR, NEW_YEAR)]


def test_the_reserve_counts_for_open_presses_alone() -> None:
    fifteen = Limits(zone_minutes=15)
    found = case(limits=fifteen).findings(C.LIMIT_BELOW_ONE_PRESS)
    assert seen(found) == [(WARNING, None)]
    assert (found[0].facts["open"], found[0].facts["reserve"]) == (10, 33)
    assert case(limits=fifteen, admission=Admission.CODE).findings(C.LIMIT_BELOW_ONE_PRESS) == []


def test_energy_must_pay_one_press_beside_the_reserve() -> None:
    """800 W for 12 minutes are 160 Wh."""
    assert seen(case(NEVER_LIT, limits=Limits(zone_wh=238)).findings(C.LIMIT_BELOW_ONE_PRESS)) == [(ERROR, NEW_YEAR)]
    assert case(NEVER_LIT, limits=Limits(zone_wh=239)).findings(C.LIMIT_BELOW_ONE_PRESS) == []
    exact = Limits(zone_wh=160, reserve_percent=0)
    assert case(NEVER_LIT, limits=exact).findings(C.LIMIT_BELOW_ONE_PRESS) == []


def test_an_energy_limit_may_be_passed_by_the_schedule_in_winter_only() -> None:
    found = case(limits=Limits(zone_wh=5000), valid_from=date(2027, 6, 1)).findings(C.SCHEDULE_EXCEEDS_ENERGY_LIMIT)
    assert [each.severity for each in found] == [WARNING]
    first = found[0].first
    assert first is not None
    assert date(2027, 8, 1) < first < date(2027, 10, 1)


def test_limits_of_the_first_nights_count_in_those_nights_only() -> None:
    """A limit of the first June nights, which are short, is not held against December."""
    first: dict[str, Any] = {"first_limits": Limits(zone_wh=5000), "first_nights": 14, "valid_from": date(2027, 6, 1)}
    assert case(**first).findings(C.SCHEDULE_EXCEEDS_ENERGY_LIMIT) == []
    winter = case(**{**first, "valid_from": NEW_YEAR}).findings(C.SCHEDULE_EXCEEDS_ENERGY_LIMIT)
    assert [(each.subject, each.facts["of"]) for each in winter] == [("press.first_limits.zone_wh", 14)]


def test_a_level_that_is_nearly_kept_is_a_hint() -> None:
    found = in_glasau(level=5).findings(C.LEVEL_NOT_KEPT)
    assert [(each.severity, each.subject, each.facts["most"]) for each in found] == [(HINT, "press.level", 10)]
    assert found[0].facts["count"] == 26


def test_a_cap_of_nothing_is_meant_to_darken() -> None:
    assert case(quiet=(QuietCap(0, AT_NIGHT),)).findings(C.CAP_DARKENS_RELAY) == []


def test_a_cap_for_one_output_is_no_matter_of_the_others() -> None:
    found = in_glasau(quiet=(QuietCap(5, AT_NIGHT, ("lamp-85", 1)),)).findings(C.CAP_DARKENS_RELAY)
    assert [each.facts["outputs"] for each in found] == [("Mast 85",)]


def test_odd_hours_of_windows_and_caps_are_told_too() -> None:
    odd = case(windows=(window(at(1), at(2, 30)),), quiet=(QuietCap(0, window(at(2), at(4))),))
    assert [each.subject for each in odd.findings(C.GAP_SURPRISE)] == ["press.windows.0.end", "quiet.0.start"]


def test_what_is_superseded_already_is_not_told() -> None:
    village = luetjenholm()
    newer = draft(valid_from=date(2026, 1, 1), version=2)
    rulebook = Rulebook((*village.zones[0].rulebook.policies, newer))
    village = replace(village, zones=(replace(village.zones[0], rulebook=rulebook),))
    assert Case(draft(), village).findings(C.OVERTAKES) == []


def test_a_draft_that_begins_after_a_coming_policy_overtakes_nothing() -> None:
    assert Case(draft(valid_from=date(2027, 7, 1)), with_summer_policy()).findings(C.OVERTAKES) == []


@pytest.mark.parametrize("place", [Place(69.6, 18.9, "Europe/Oslo"), Place(-33.9, 151.2, "Australia/Sydney")])
def test_polar_nights_and_southern_summers_do_no_harm(place: Place) -> None:
    village = replace(luetjenholm(), municipality=replace(luetjenholm().municipality, place=place))
    found = Case(draft(TWILIGHT, windows=(AT_NIGHT,)), village).findings()
    assert {each.code for each in found} >= ({C.TWILIGHT_MISSING} if place.lat > 0 else set())


def test_an_exception_of_the_zone_is_not_held_against_the_draft() -> None:
    village = luetjenholm()
    fair = LightException("fair", "Fair", date(2027, 7, 3), date(2027, 7, 4), (clock(18, 0, 100),))
    rulebook = replace(village.zones[0].rulebook, exceptions=(fair,))
    village = replace(village, zones=(replace(village.zones[0], rulebook=rulebook),))
    found = Case(draft(), village).findings(C.BURNS_IN_DAYLIGHT)
    assert found == []
