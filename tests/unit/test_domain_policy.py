"""Which policy rules a night, which exceptions hold, and rules under which no press could be granted."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.curve import Curve
from service.domain.policy import LightException, Limits, Policy, PressRules, Rulebook
from service.domain.schedule import Anchor, Moment, QuietCap, Schedule, Window
from service.domain.sun import Place
from service.domain.words import PolicyState
from tests.unit.villages import ALL_NIGHT, BERLIN, LONG_AGO, NEVER_LIT, SUNRISE, SUNSET, clock, policy, utc

HOME = Place(54.7, 9.05, BERLIN, "DE-SH")
DAY = timedelta(days=1)
DRAFT, ENACTED = PolicyState.DRAFT, PolicyState.ENACTED
IN_FORCE, SUPERSEDED = PolicyState.IN_FORCE, PolicyState.SUPERSEDED


def version(number: int, valid_from: str, until: str | None = None, schedule: Schedule = NEVER_LIT) -> Policy:
    """An enacted policy."""
    ends = None if until is None else date.fromisoformat(until)
    return policy(schedule, 12, version=number, valid_from=date.fromisoformat(valid_from), until=ends)


def in_force(policies: tuple[Policy, ...], *days: str) -> list[int]:
    """The versions that rule the nights of these evenings."""
    return [Rulebook(policies).policy_on(date.fromisoformat(day)).version for day in days]


def test_the_first_policy_stands_in_for_the_time_before_it() -> None:
    policies = (version(1, "2026-03-01"), version(2, "2026-02-01"), version(3, "2026-05-01"))
    assert in_force(policies, "2025-01-01", "2026-01-31", "2026-02-01", "2026-04-30", "2026-05-01") == [2, 2, 2, 2, 3]


def test_of_two_that_begin_in_the_same_night_the_later_version_rules_also_before() -> None:
    policies = (version(1, "2026-03-01"), version(2, "2026-03-01"))
    assert in_force(policies, "2026-02-28", "2026-03-01") == [2, 2]


def test_after_a_trial_the_former_policy_rules_again() -> None:
    policies = (version(1, "2025-01-01"), version(2, "2026-01-15", "2026-03-31"))
    days = ("2026-01-14", "2026-01-15", "2026-03-31", "2026-04-01")
    assert in_force(policies, *days) == [1, 2, 2, 1]


def test_overlapping_trials_give_way_to_the_highest_version_that_holds() -> None:
    policies = (
        version(1, "2025-01-01"),
        version(2, "2026-01-01", "2026-06-30"),
        version(3, "2026-03-01", "2026-04-30"),
        version(4, "2026-04-15", "2026-08-31"),
    )
    days = ("2026-02-28", "2026-03-01", "2026-04-14", "2026-04-15", "2026-08-31", "2026-09-01")
    assert in_force(policies, *days) == [2, 3, 3, 4, 4, 1]
    assert in_force(policies[:3], "2026-04-30", "2026-05-01", "2026-07-01") == [3, 2, 1]


def test_a_policy_passed_while_a_trial_runs_outranks_it_at_once_and_for_good() -> None:
    policies = (version(1, "2025-01-01"), version(2, "2026-01-01", "2026-06-30"), version(3, "2026-03-01"))
    assert in_force(policies, "2026-02-28", "2026-03-01", "2026-07-01") == [2, 3, 3]


VERSIONS = st.lists(
    st.tuples(st.integers(0, 60), st.one_of(st.none(), st.integers(0, 30))), min_size=1, max_size=5
).map(
    lambda drawn: tuple(
        policy(
            NEVER_LIT,
            12,
            version=n,
            valid_from=date(2026, 1, 1) + a * DAY,
            until=None if b is None else date(2026, 1, 1) + (a + b) * DAY,
        )
        for n, (a, b) in enumerate(drawn, start=1)
    )
)


@given(VERSIONS, st.randoms())
def test_the_order_in_which_policies_are_kept_does_not_matter(policies: tuple[Policy, ...], chance: object) -> None:
    for shuffled in itertools.islice(itertools.permutations(policies), 8):
        for day in (date(2026, 1, 1) + n * DAY for n in range(-1, 95, 4)):
            assert Rulebook(shuffled).policy_on(day) == Rulebook(policies).policy_on(day)


@given(VERSIONS, st.integers(-2, 95))
def test_a_version_is_in_force_to_come_or_superseded_by_what_the_nights_say(
    policies: tuple[Policy, ...], today: int
) -> None:
    book, tonight = Rulebook(policies), date(2026, 1, 1) + today * DAY
    ruling = [book.policy_on(tonight + n * DAY).version for n in range(200)]
    for one in policies:
        expected = IN_FORCE if ruling[0] == one.version else ENACTED if one.version in ruling else SUPERSEDED
        assert book.state_on(one.version, tonight) is expected


def test_the_states_of_versions_as_a_council_passes_them() -> None:
    book = Rulebook((version(1, "2025-01-01"),))
    assert book.state_on(1, date(2026, 1, 1)) is IN_FORCE
    book = book.with_draft(version(0, "2026-03-01", "2026-03-31"))
    assert [book.state_on(n, date(2026, 1, 1)) for n in (1, 2)] == [IN_FORCE, ENACTED]
    assert [book.state_on(n, date(2026, 3, 1)) for n in (1, 2)] == [ENACTED, IN_FORCE]  # it comes back after the trial
    assert [book.state_on(n, date(2026, 4, 1)) for n in (1, 2)] == [IN_FORCE, SUPERSEDED]
    book = book.with_draft(version(0, "2026-02-01"))
    assert [book.state_on(n, date(2026, 1, 1)) for n in (1, 2, 3)] == [IN_FORCE, SUPERSEDED, ENACTED]
    assert [book.state_on(n, date(2026, 3, 1)) for n in (1, 2, 3)] == [SUPERSEDED, SUPERSEDED, IN_FORCE]


def test_a_policy_until_the_end_of_the_calendar_is_one_for_good() -> None:
    book = Rulebook((version(1, "2025-01-01"), version(2, "2026-01-01", "9999-12-31")))
    assert [book.state_on(n, date(2026, 6, 1)) for n in (1, 2)] == [SUPERSEDED, IN_FORCE]
    assert book.policy_on(date.max).version == 2


def test_a_draft_gets_the_next_version_and_leaves_the_book_as_it_was() -> None:
    book = Rulebook((version(1, "2025-01-01"), version(4, "2026-01-01")))
    drafted = book.with_draft(replace(version(0, "2026-05-01"), cut_off_after_min=60))
    assert [one.version for one in drafted.policies] == [1, 4, 5]
    assert drafted.policies[-1].cut_off_after_min == 60
    assert len(book.policies) == 2


def test_a_trial_changes_the_light_of_its_own_nights_alone() -> None:
    trial = version(2, "2026-03-28", "2026-03-29", ALL_NIGHT)
    before, after = Rulebook((version(1, "2025-01-01"),)), Rulebook((version(1, "2025-01-01"), trial))
    for n in range(-2, 5):
        evening = date(2026, 3, 28) + n * DAY
        night = Curve(after, HOME).night(evening)
        if trial.holds_on(evening):
            assert night == Curve(ALL_NIGHT, HOME).night(evening)
        else:
            assert night == Curve(before, HOME).night(evening)


def test_the_caps_of_a_night_are_those_of_its_policy() -> None:
    cap = QuietCap(20, Window(Moment(SUNSET), Moment(SUNRISE)))
    capped = replace(version(2, "2026-11-20", "2026-11-20", ALL_NIGHT), quiet=(cap,))
    curve = Curve(Rulebook((version(1, "2025-01-01", None, ALL_NIGHT), capped)), HOME)
    assert [curve.level_at(utc(f"2026-11-{day}T23:00")) for day in (19, 20, 21)] == [100, 20, 100]


def test_tighter_limits_hold_in_the_first_nights() -> None:
    usual, tight = Limits(per_presser=5), Limits(per_presser=2)
    rules = PressRules(12, limits=usual, first_limits=tight, first_nights=14)
    ours = Policy(date(2026, 3, 1), NEVER_LIT, rules)
    assert ours.limits_on(date(2026, 3, 1)) == ours.limits_on(date(2026, 3, 14)) == tight
    assert ours.limits_on(date(2026, 3, 15)) == usual
    late = replace(ours, valid_from=date.max)
    assert late.limits_on(date.max) == tight


def test_exceptions_hold_from_their_first_night_to_their_last() -> None:
    fest = LightException("fest", "Fest", date(2028, 2, 28), date(2028, 3, 1), (clock(20, 0, 100),))
    inn = LightException("inn", "Krug", date(2028, 2, 29), date(2028, 2, 29), (clock(22, 0, 50),))
    first = LightException("a", "Markt", date(2028, 2, 29), date(2028, 2, 29), (clock(21, 0, 50),))
    book = Rulebook((version(1, "2025-01-01"),), (inn, fest, first))
    days = [date(2028, 2, 27) + n * DAY for n in range(5)]
    assert [[one.id for one in book.exceptions_on(day)] for day in days] == [
        [],
        ["fest"],
        ["fest", "a", "inn"],
        ["fest"],
        [],
    ]
    rules = book.rules_on(date(2028, 2, 28), "")
    assert [one.steps for one in rules.exceptions] == [fest.steps]
    assert book.rules_on(date(2028, 3, 2), "").exceptions == ()


def test_equal_rulebooks_are_one_key_and_different_ones_are_not() -> None:
    one, same = (Rulebook((version(1, "2025-01-01"),)) for _ in range(2))
    other = Rulebook((version(1, "2025-01-01", None, ALL_NIGHT),))
    assert {one: 1}[same] == 1
    assert other not in {one: 1}


FIRST, LAST = date(2026, 1, 1), date(2026, 1, 2)


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: PressRules(0), "minutes"),
        (lambda: PressRules(-5), "minutes"),
        (lambda: PressRules(241), "minutes"),
        (lambda: PressRules(12, level=0), "level"),
        (lambda: PressRules(12, level=101), "level"),
        (lambda: PressRules(12, longest_minutes=11), "longest_minutes"),
        (lambda: PressRules(12, longest_minutes=1441), "longest_minutes"),
        (lambda: PressRules(12, rest_minutes=-1), "rest_minutes"),
        (lambda: PressRules(12, rest_minutes=1441), "rest_minutes"),
        (lambda: PressRules(12, first_nights=3), "first_nights"),
        (lambda: PressRules(12, first_limits=Limits()), "first_nights"),
        (lambda: PressRules(12, first_limits=Limits(), first_nights=367), "first_nights"),
        (lambda: Limits(per_presser=0), "per_presser"),
        (lambda: Limits(zone_minutes=1441), "zone_minutes"),
        (lambda: Limits(zone_minutes=-1), "zone_minutes"),
        (lambda: Limits(zone_wh=0), "zone_wh"),
        (lambda: Limits(reserve_percent=91), "reserve_percent"),
        (lambda: Limits(reserve_percent=-1), "reserve_percent"),
        (lambda: Policy(LAST, NEVER_LIT, PressRules(12), until=FIRST), "until"),
        (lambda: Policy(FIRST, NEVER_LIT, PressRules(12), cut_off_after_min=0), "cut_off_after_min"),
        (lambda: Policy(FIRST, NEVER_LIT, PressRules(12), cut_off_after_min=44_641), "cut_off_after_min"),
        (lambda: LightException("e", "Fest", LAST, FIRST, (clock(20, 0, 1),)), "last"),
        (lambda: LightException("e", "Fest", FIRST, LAST, ()), "steps"),
        (lambda: LightException("e", "Fest", FIRST, LAST, (clock(20, 0, 1),) * 21), "steps"),
        (
            lambda: LightException("e", "Fest", FIRST, LAST, (clock(1, 0, 100),), Moment(Anchor.CLOCK, time(23))),
            "end",
        ),
    ],
)
def test_rules_that_make_no_sense_are_refused_by_the_name_of_their_field(
    make: Callable[[], object], field: str
) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        make()


def test_a_press_buys_the_minutes_of_its_policy() -> None:
    assert policy(NEVER_LIT, 12).press.duration == timedelta(minutes=12)
    assert policy(NEVER_LIT, 12).valid_from == LONG_AGO
