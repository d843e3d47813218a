"""One press judged: every rule, and that every refusal names the next moment that works."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.inventory import Inventory, Policy, ZoneKey, curve_of
from service.domain.leases import Lease
from service.domain.press import SHORTEST, Facts, Granted, Refused, decide
from service.domain.schedule import Curve, Schedule, Step
from service.domain.sun import Place, night
from service.domain.words import Availability, Reason
from tests.unit.villages import (
    ALL_NIGHT,
    BERLIN,
    DIMMED_THEN_DARK,
    LONG_AGO,
    NEVER_LIT,
    SUNRISE,
    SUNSET,
    clock,
    glasau,
    leck,
    luetjenholm,
    utc,
)

UNKNOWN, ONLINE, OFFLINE = Availability.UNKNOWN, Availability.ONLINE, Availability.OFFLINE
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DARK = utc("2026-11-20T00:00")  # 01:00 in the village


def facts_of(village: Inventory, *, leases: tuple[Lease, ...] = (), connected: bool = True) -> Facts:
    """What a press in the village's first zone is judged by."""
    zone = village.zones[0]
    zones = {key.zone for key in zone.lights}
    by_name = {zone.key.zone: zone for zone in village.zones}
    outputs = [output for c in village.controllers for output in c.outputs if output.zone in zones]
    curves = dict.fromkeys(curve_of(o, by_name[o.zone], village.municipality) for o in outputs)
    return Facts(zone.policy, tuple(curves), leases, tuple(ONLINE for _ in outputs), connected)


def with_schedule(schedule: Schedule, *, minutes: int = 12, longest_minutes: int = 60, rest_minutes: int = 0) -> Facts:
    place = luetjenholm().municipality.place
    policy = Policy(LONG_AGO, schedule, minutes, longest_minutes=longest_minutes, rest_minutes=rest_minutes)
    return Facts(policy, (Curve(schedule, place),), (), (ONLINE,), broker_connected=True)


def lease(start: datetime, until: datetime) -> Lease:
    key = ZoneKey("luetjenholm", "dorf")
    return Lease(f"{start:%H%M%S%f}", key, (key,), start, until, 100)


def press(facts: Facts, now: datetime) -> tuple[Facts, Granted | Refused]:
    """Press, and keep the lease if one was granted."""
    verdict = decide(facts, now)
    if isinstance(verdict, Granted):
        facts = replace(facts, leases=(*facts.leases, lease(now, verdict.until)))
    return facts, verdict


# the plan


def test_a_press_in_the_dark_buys_the_minutes_of_the_policy_from_now_on() -> None:
    assert decide(facts_of(luetjenholm()), DARK) == Granted(DARK + 12 * MINUTE, 100)
    assert decide(facts_of(glasau()), DARK) == Granted(DARK + 15 * MINUTE, 100)


def test_a_press_at_0028_is_granted_although_dark_falls_at_0030() -> None:
    assert decide(facts_of(luetjenholm()), utc("2026-11-19T23:28")) == Granted(utc("2026-11-19T23:40"), 100)


def test_a_press_whose_minutes_are_all_lit_is_refused_until_they_reach_the_dark() -> None:
    facts = facts_of(luetjenholm())
    assert decide(facts, utc("2026-11-19T23:18")) == Refused(Reason.ALREADY_LIT, utc("2026-11-19T23:18:01"))
    assert decide(facts, utc("2026-11-19T23:18:01")) == Granted(utc("2026-11-19T23:30:01"), 100)
    assert isinstance(decide(facts, utc("2026-11-20T04:29:59")), Granted)  # the last second of the dark
    assert decide(facts, utc("2026-11-20T04:30")) == Refused(Reason.ALREADY_LIT, utc("2026-11-20T23:18:01"))


def test_no_press_buys_light_into_the_day() -> None:
    facts = with_schedule(NEVER_LIT)
    sunrise = night(facts.curves[0].place, utc("2026-11-19T12:00").date()).sunrise
    assert decide(facts, sunrise - 5 * MINUTE) == Granted(sunrise, 100)
    refused = decide(facts, sunrise - 59 * SECOND)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.DAYLIGHT
    assert refused.retry_at is not None
    assert refused.retry_at > sunrise + timedelta(hours=7)


def test_a_dimmed_street_may_be_pressed_to_full_light() -> None:
    facts = facts_of(glasau())
    assert decide(facts, utc("2026-11-19T20:45")) == Refused(Reason.ALREADY_LIT, utc("2026-11-19T20:45:01"))
    assert isinstance(decide(facts, utc("2026-11-19T21:30")), Granted)
    modest = replace(facts, policy=replace(facts.policy, level=50))
    assert decide(modest, utc("2026-11-19T21:30")) == Refused(Reason.ALREADY_LIT, utc("2026-11-19T21:45:01"))


def test_one_dark_output_is_enough_to_grant() -> None:
    facts = facts_of(leck())
    assert len(facts.curves) == 2  # the crossing is lit all night, the street is not
    assert isinstance(decide(facts, DARK), Granted)
    crossing_alone = replace(facts, curves=facts.curves[1:])
    assert decide(crossing_alone, DARK).__class__ is Refused


# daylight


def test_by_day_a_press_is_refused_until_the_night_needs_it() -> None:
    place = luetjenholm().municipality.place
    sunset = night(place, utc("2026-11-20T12:00").date()).sunset
    noon = utc("2026-11-20T12:00")
    assert decide(with_schedule(NEVER_LIT), noon) == Refused(Reason.DAYLIGHT, sunset)
    assert decide(with_schedule(NEVER_LIT), sunset - SECOND) == Refused(Reason.DAYLIGHT, sunset)
    assert isinstance(decide(with_schedule(NEVER_LIT), sunset), Granted)
    assert decide(facts_of(luetjenholm()), noon) == Refused(Reason.DAYLIGHT, utc("2026-11-20T23:18:01"))


def test_in_a_white_night_no_press_works_and_no_moment_is_promised() -> None:
    place = Place(69.0, 20.0, "Europe/Oslo")
    facts = replace(with_schedule(NEVER_LIT), curves=(Curve(NEVER_LIT, place),))
    assert decide(facts, utc("2026-06-21T23:00")) == Refused(Reason.DAYLIGHT, None)


def test_in_a_polar_night_a_press_works_at_noon() -> None:
    place = Place(69.65, 18.95, "Europe/Oslo")
    facts = replace(with_schedule(NEVER_LIT), curves=(Curve(NEVER_LIT, place),))
    assert isinstance(decide(facts, utc("2026-12-21T11:00")), Granted)


# the longest continuous time


def test_a_press_that_would_pass_the_longest_time_gets_what_remains() -> None:
    facts = with_schedule(NEVER_LIT, longest_minutes=20)
    facts, first = press(facts, DARK)
    facts, second = press(facts, DARK + 10 * MINUTE)
    assert first == Granted(DARK + 12 * MINUTE, 100)
    assert second == Granted(DARK + 20 * MINUTE, 100)
    assert decide(facts, DARK + 19 * MINUTE) == Granted(DARK + 20 * MINUTE, 100)
    works_again = DARK + 21 * MINUTE + SECOND
    assert decide(facts, DARK + 19 * MINUTE + SECOND) == Refused(Reason.LONGEST, works_again)
    assert decide(facts, DARK + 20 * MINUTE) == Refused(Reason.LONGEST, works_again)


def test_neither_letting_the_lease_end_nor_waiting_a_minute_starts_the_time_anew() -> None:
    facts, _ = press(with_schedule(NEVER_LIT, longest_minutes=20), DARK)
    end = DARK + 12 * MINUTE
    for waited in (timedelta(0), SECOND, MINUTE):
        assert decide(facts, end + waited) == Granted(DARK + 20 * MINUTE, 100)
    assert decide(facts, end + MINUTE + SECOND) == Granted(end + 13 * MINUTE + SECOND, 100)


def test_a_rest_longer_than_a_minute_counts_as_light_that_went_on() -> None:
    facts, _ = press(with_schedule(NEVER_LIT, longest_minutes=12, rest_minutes=30), DARK)
    again = DARK + 42 * MINUTE + SECOND
    assert decide(facts, DARK + 13 * MINUTE + SECOND) == Refused(Reason.LONGEST, again)
    assert decide(facts, DARK + 42 * MINUTE) == Refused(Reason.LONGEST, again)
    assert isinstance(decide(facts, again), Granted)


@given(
    st.integers(1, 30),
    st.integers(0, 40),
    st.integers(0, 10),
    st.lists(st.one_of(st.integers(0, 90), st.integers(0, 1800)), max_size=40),
)
def test_no_way_of_pressing_lights_longer_than_the_longest_time(
    minutes: int, more: int, rest: int, pauses: list[int]
) -> None:
    longest = minutes + more
    facts = with_schedule(NEVER_LIT, minutes=minutes, longest_minutes=longest, rest_minutes=rest)
    now, gap = utc("2026-11-20T17:00"), max(rest * MINUTE, MINUTE)
    start, end = now, LONG_AGO
    for pause in pauses:
        now += pause * SECOND
        facts, verdict = press(facts, now)
        if isinstance(verdict, Granted):
            assert SHORTEST <= verdict.until - now <= minutes * MINUTE
            start = now if now - end > gap else start
            end = max(end, verdict.until)
            assert end - start <= longest * MINUTE


# reach


@pytest.mark.parametrize(
    ("seen", "reached"),
    [
        ((UNKNOWN,), True),
        ((OFFLINE, UNKNOWN), True),
        ((OFFLINE, ONLINE), True),
        ((UNKNOWN, UNKNOWN), True),
        ((OFFLINE,), False),
        ((OFFLINE, OFFLINE), False),
    ],
)
def test_only_outputs_that_are_all_known_offline_are_unreachable(seen: tuple[Availability, ...], reached: bool) -> None:
    verdict = decide(replace(facts_of(luetjenholm()), outputs=seen), DARK)
    assert verdict == (Granted(DARK + 12 * MINUTE, 100) if reached else Refused(Reason.UNREACHABLE, None))


def test_without_the_broker_nothing_is_reachable() -> None:
    assert decide(facts_of(luetjenholm(), connected=False), DARK) == Refused(Reason.UNREACHABLE, None)


def test_a_rule_is_named_before_the_broker() -> None:
    refused = decide(facts_of(luetjenholm(), connected=False), utc("2026-11-20T12:00"))
    assert refused == Refused(Reason.DAYLIGHT, utc("2026-11-20T23:18:01"))


# every refusal names the next moment that works

SCHEDULES = st.one_of(
    st.sampled_from([NEVER_LIT, ALL_NIGHT, DIMMED_THEN_DARK, Schedule((clock(12, 0, 100),))]),
    st.lists(
        st.one_of(
            st.builds(clock, st.integers(0, 23), st.integers(0, 59), st.sampled_from([0, 50, 100])),
            st.builds(
                Step, st.sampled_from([SUNSET, SUNRISE]), st.sampled_from([0, 100]), st.none(), st.integers(-90, 90)
            ),
        ),
        max_size=6,
    ).map(lambda steps: Schedule(tuple(steps))),
)


@st.composite
def judged(draw: st.DrawFn) -> tuple[Facts, datetime]:
    """A zone in which somebody has been pressing, and a moment."""
    place = Place(draw(st.sampled_from([54.7, 60.0, 66.6, 69.0])), 10.0, BERLIN)
    curves = tuple(Curve(schedule, place) for schedule in draw(st.lists(SCHEDULES, min_size=1, max_size=3)))
    minutes = draw(st.integers(1, 60))
    policy = Policy(
        LONG_AGO,
        curves[0].schedule,
        minutes,
        level=draw(st.sampled_from([30, 100])),
        longest_minutes=minutes + draw(st.integers(0, 60)),
        rest_minutes=draw(st.sampled_from([0, 5, 120, 1440])),
    )
    facts = Facts(policy, curves, (), (ONLINE,), broker_connected=True)
    now = utc("2026-01-01T00:00") + draw(st.integers(0, 365 * 1440)) * MINUTE
    for pause in draw(st.lists(st.integers(0, 3600), max_size=8)):
        now += pause * SECOND
        facts, _ = press(facts, now)
    return facts, now + draw(st.integers(0, 3600)) * SECOND


@given(judged(), st.booleans(), st.lists(st.floats(0, 1), min_size=15, max_size=15))
def test_every_refusal_names_the_next_moment_at_which_the_same_press_works(
    case: tuple[Facts, datetime], connected: bool, fractions: list[float]
) -> None:
    facts, now = case
    verdict = decide(replace(facts, broker_connected=connected), now)
    if isinstance(verdict, Granted):
        return
    if verdict.reason is Reason.UNREACHABLE:
        assert not connected
        assert isinstance(decide(facts, now), Granted)
        return
    upto = now + timedelta(days=2)  # as far as a refusal looks in any case
    if verdict.retry_at is not None:
        assert verdict.retry_at > now
        assert isinstance(decide(facts, verdict.retry_at), Granted)
        upto = verdict.retry_at - SECOND
    for fraction in fractions:
        between = now + max(upto - now, timedelta(0)) * fraction
        assert isinstance(decide(facts, between), Refused), "an earlier moment works as well"


def test_the_next_moment_is_found_when_the_rest_ends_in_the_light() -> None:
    dark_early = Schedule((Step(SUNSET, 0), clock(20, 0, 100), clock(23, 0, 0)))
    facts = with_schedule(dark_early, longest_minutes=12, rest_minutes=60)
    pressed = utc("2026-11-20T18:30")
    facts, _ = press(facts, pressed)
    refused = decide(facts, pressed + 12 * MINUTE)
    assert refused == Refused(Reason.LONGEST, utc("2026-11-20T21:48:01"))
