"""One press judged: every rule, and that every refusal names the next moment that works."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.curve import Curve, Fit
from service.domain.inventory import Inventory, ZoneKey
from service.domain.leases import Lease
from service.domain.policy import Limits, Rulebook
from service.domain.press import SHORTEST, Facts, Granted, Load, Refused, decide, judge, plan_wh, press_wh, union
from service.domain.schedule import Anchor, Moment, QuietCap, Schedule, Step, Window
from service.domain.sun import Place, night
from service.domain.words import Admission, Availability, Channel, Reason
from service.usecases.press import loads_of
from tests.unit.villages import (
    ALL_NIGHT,
    BERLIN,
    DIMMED_THEN_DARK,
    NEVER_LIT,
    SUNRISE,
    SUNSET,
    clock,
    glasau,
    leck,
    luetjenholm,
    policy,
    utc,
)

UNKNOWN, ONLINE, OFFLINE = Availability.UNKNOWN, Availability.ONLINE, Availability.OFFLINE
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
DARK = utc("2026-11-20T00:00")  # 01:00 in the village


def facts_of(village: Inventory, *, leases: tuple[Lease, ...] = (), connected: bool = True) -> Facts:
    """What a press in the village's first zone is judged by."""
    zone = village.zones[0]
    lit = {key.zone for key in zone.lights(DARK.date())}
    by_name = {zone.key.zone: zone for zone in village.zones}
    outputs = [output for c in village.controllers for output in c.outputs if output.zone in lit]
    loads = loads_of(village.municipality, by_name, zone, outputs)
    return Facts(zone.rulebook, loads, leases, tuple(ONLINE for _ in outputs), connected)


def with_schedule(schedule: Schedule, minutes: int = 12, *, place: Place | None = None, **rules: Any) -> Facts:
    """One output of 100 W under one policy; `rules` change that."""
    rulebook = Rulebook((policy(schedule, minutes, **rules),))
    curve = Curve(rulebook, place or luetjenholm().municipality.place)
    return Facts(rulebook, (Load(curve, 100.0, own=True),), (), (ONLINE,), broker_connected=True)


def fitted(facts: Facts, *fits: Fit) -> Facts:
    """The same facts with one output of 100 W for each fit."""
    return replace(facts, loads=tuple(Load(replace(facts.loads[0].curve, fit=fit), 100.0, own=True) for fit in fits))


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
    sunrise = night(facts.place, utc("2026-11-19T12:00").date()).sunrise
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
    modest = replace(facts, rulebook=Rulebook((policy(DIMMED_THEN_DARK, 15, level=50),)))
    assert decide(modest, utc("2026-11-19T21:30")) == Refused(Reason.ALREADY_LIT, utc("2026-11-19T21:45:01"))


def test_one_dark_output_is_enough_to_grant() -> None:
    facts = facts_of(leck())
    assert [load.own for load in facts.loads] == [True, False]  # the crossing is lit all night, the street is not
    assert isinstance(decide(facts, DARK), Granted)
    crossing_alone = replace(facts, loads=(replace(facts.loads[1], own=True),))
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
    facts = with_schedule(NEVER_LIT, place=place)
    assert decide(facts, utc("2026-06-21T23:00")) == Refused(Reason.DAYLIGHT, None)


def test_in_a_polar_night_a_press_works_at_noon() -> None:
    place = Place(69.65, 18.95, "Europe/Oslo")
    facts = with_schedule(NEVER_LIT, place=place)
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
    start, end = now, utc("2020-01-01T00:00")
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


MOMENTS = st.one_of(
    st.builds(lambda h, m: Moment(Anchor.CLOCK, time(h, m)), st.integers(0, 23), st.integers(0, 59)),
    st.builds(lambda a, o: Moment(a, offset_min=o), st.sampled_from(list(Anchor)[:4]), st.integers(-60, 60)),
)


def _ends_later(moments: tuple[Moment, Moment]) -> bool:
    try:
        return bool(Window(*moments))
    except ValueError:
        return False


WINDOWS = st.tuples(MOMENTS, MOMENTS).filter(_ends_later).map(lambda moments: Window(*moments))
CAPS = st.builds(QuietCap, st.sampled_from([0, 20, 60]), WINDOWS)
SOFT = st.fixed_dictionaries({"quiet": st.lists(CAPS, max_size=2).map(tuple)})
HARD = st.fixed_dictionaries(
    {
        "quiet": st.lists(CAPS, max_size=2).map(tuple),
        "windows": st.lists(WINDOWS, max_size=2).map(tuple),
        "limits": st.builds(
            Limits,
            st.none(),
            st.none() | st.integers(1, 60),
            st.none() | st.integers(1, 400),
            st.sampled_from([0, 33, 90]),
        ),
    }
)


@st.composite
def judged(draw: st.DrawFn, more: st.SearchStrategy[dict[str, Any]]) -> tuple[Facts, datetime]:
    """A zone in which somebody has been pressing, and a moment."""
    place = Place(draw(st.sampled_from([54.7, 60.0, 66.6, 69.0])), 10.0, BERLIN)
    schedules = draw(st.lists(SCHEDULES, min_size=1, max_size=3))
    minutes = draw(st.integers(1, 60))
    rules: dict[str, Any] = {
        "level": draw(st.sampled_from([30, 100])),
        "longest_minutes": minutes + draw(st.integers(0, 60)),
        "rest_minutes": draw(st.sampled_from([0, 5, 120, 1440])),
        **draw(more),
    }
    rulebooks = [Rulebook((policy(schedule, minutes, **rules),)) for schedule in schedules]
    fit = draw(st.sampled_from([Fit(), Fit(step=100), Fit(10, 90, 5)]))
    loads = tuple(Load(Curve(book, place, fit), 100.0, own=book is rulebooks[0]) for book in rulebooks)
    facts = Facts(rulebooks[0], loads, (), (ONLINE,), broker_connected=True)
    now = utc("2026-01-01T00:00") + draw(st.integers(0, 365 * 1440)) * MINUTE
    for pause in draw(st.lists(st.integers(0, 3600), max_size=8)):
        now += pause * SECOND
        facts, _ = press(facts, now)
    return facts, now + draw(st.integers(0, 3600)) * SECOND


@given(judged(SOFT), st.booleans(), st.lists(st.floats(0, 1), min_size=15, max_size=15))
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


@given(judged(HARD), st.lists(st.floats(0, 1), min_size=15, max_size=15))
def test_under_limits_too_a_refusal_names_a_moment_that_works_or_there_is_none(
    case: tuple[Facts, datetime], fractions: list[float]
) -> None:
    facts, now = case
    verdict = decide(facts, now)
    if isinstance(verdict, Granted):
        return
    if verdict.retry_at is not None:
        assert verdict.retry_at > now
        assert isinstance(decide(facts, verdict.retry_at), Granted)
        return
    for fraction in fractions:
        assert isinstance(decide(facts, now + timedelta(days=6) * fraction), Refused), "a moment works"


def test_the_next_moment_is_found_when_the_rest_ends_in_the_light() -> None:
    dark_early = Schedule((Step(SUNSET, 0), clock(20, 0, 100), clock(23, 0, 0)))
    facts = with_schedule(dark_early, longest_minutes=12, rest_minutes=60)
    pressed = utc("2026-11-20T18:30")
    facts, _ = press(facts, pressed)
    refused = decide(facts, pressed + 12 * MINUTE)
    assert refused == Refused(Reason.LONGEST, utc("2026-11-20T21:48:01"))


# when and who


def at(hour: int, minute: int = 0) -> Moment:
    return Moment(Anchor.CLOCK, time(hour, minute))


def test_outside_its_windows_a_press_is_not_welcome() -> None:
    facts = with_schedule(NEVER_LIT, windows=(Window(at(22), at(23)), Window(at(4), at(5, 30))))
    assert decide(facts, utc("2026-11-20T20:59:59")) == Refused(Reason.NOT_WELCOME, utc("2026-11-20T21:00"))
    assert isinstance(decide(facts, utc("2026-11-20T21:59:59")), Granted)
    assert decide(facts, utc("2026-11-20T22:00")) == Refused(Reason.NOT_WELCOME, utc("2026-11-21T03:00"))


@pytest.mark.parametrize(
    ("asked", "proven", "channel", "refused"),
    [
        (Admission.CODE, Admission.ANYONE, Channel.WEB, Reason.CODE_NEEDED),
        (Admission.CODE, Admission.ANYONE, Channel.BUTTON, None),
        (Admission.CODE, Admission.CODE, Channel.WEB, None),
        (Admission.CODE, Admission.ADMITTED, Channel.SMS, None),
        (Admission.ADMITTED, Admission.ANYONE, Channel.WEB, Reason.NOT_ADMITTED),
        (Admission.ADMITTED, Admission.CODE, Channel.WEB, Reason.NOT_ADMITTED),
        (Admission.ADMITTED, Admission.ADMITTED, Channel.WEB, None),
    ],
)
def test_only_whom_the_policy_lets_press_may_press(
    asked: Admission, proven: Admission, channel: Channel, refused: Reason | None
) -> None:
    facts = replace(with_schedule(NEVER_LIT, admission=asked), proven=proven, channel=channel)
    verdict = decide(facts, DARK)
    assert (verdict.reason if isinstance(verdict, Refused) else None) is refused


def test_a_presser_has_so_many_presses_a_night_and_new_ones_the_next() -> None:
    facts = with_schedule(NEVER_LIT, limits=Limits(per_presser=2))
    assert isinstance(decide(replace(facts, earlier=(DARK - MINUTE,)), DARK), Granted)
    refused = decide(replace(facts, earlier=(DARK - MINUTE, DARK)), DARK + MINUTE)
    sunset = night(facts.place, date(2026, 11, 20)).sunset
    assert refused == Refused(Reason.PRESSER_LIMIT, sunset)


def test_in_the_first_nights_tighter_limits_hold() -> None:
    facts = with_schedule(NEVER_LIT, valid_from=date(2026, 11, 19), first_limits=Limits(per_presser=1), first_nights=2)
    facts = replace(facts, earlier=(DARK, DARK + timedelta(days=1), DARK + timedelta(days=2)))
    verdicts = [decide(facts, DARK + timedelta(days=n, minutes=1)) for n in range(3)]
    assert [type(verdict) for verdict in verdicts] == [Refused, Refused, Granted]


# quiet


def test_where_the_cap_leaves_a_relay_dark_a_press_is_refused_until_the_quiet_hours_end() -> None:
    quiet = (QuietCap(30, Window(at(1), at(4))),)
    facts = fitted(with_schedule(NEVER_LIT, quiet=quiet), Fit(step=100))
    assert decide(facts, utc("2026-11-20T00:00")) == Refused(Reason.QUIET, utc("2026-11-20T03:00"))
    assert decide(facts, utc("2026-11-19T23:55")) == Granted(utc("2026-11-20T00:00"), 100)  # to the quiet hours
    assert decide(facts, utc("2026-11-19T23:59:30")) == Refused(Reason.QUIET, utc("2026-11-20T03:00"))


def test_where_one_output_can_dim_a_press_is_granted_at_the_cap() -> None:
    quiet = (QuietCap(30, Window(at(1), at(4))),)
    facts = fitted(with_schedule(NEVER_LIT, quiet=quiet), Fit(step=100), Fit(10, 100, 5))
    assert decide(facts, utc("2026-11-20T00:00")) == Granted(utc("2026-11-20T00:12"), 100)


def test_a_street_at_its_cap_is_lit_already() -> None:
    lit_dimmed = Schedule((Step(SUNSET, 30), Step(SUNRISE, 0)))
    facts = with_schedule(lit_dimmed, quiet=(QuietCap(30, Window(at(1), at(4))),))
    refused = decide(facts, utc("2026-11-20T00:00"))
    assert refused == Refused(Reason.ALREADY_LIT, utc("2026-11-20T02:48:01"))


# the zone's limits


def test_the_zone_has_so_many_minutes_a_night_overlaps_counted_once() -> None:
    facts = with_schedule(NEVER_LIT, limits=Limits(zone_minutes=20, reserve_percent=0))
    facts, _ = press(facts, DARK)
    facts, second = press(facts, DARK + 4 * MINUTE)
    assert second == Granted(DARK + 16 * MINUTE, 100)
    facts, third = press(facts, DARK + 60 * MINUTE)
    assert third == Granted(DARK + 64 * MINUTE, 100)
    refused = decide(facts, DARK + 120 * MINUTE)
    assert refused == Refused(Reason.ZONE_MINUTES, night(facts.place, date(2026, 11, 20)).sunset)


def test_open_web_presses_leave_the_reserve_to_others() -> None:
    facts = with_schedule(NEVER_LIT, limits=Limits(zone_minutes=36, reserve_percent=50))
    for hours in (0, 1):
        facts, _ = press(facts, DARK + timedelta(hours=hours))
    assert isinstance(decide(facts, DARK + timedelta(hours=2)), Refused)
    by_button = replace(facts, channel=Channel.BUTTON)
    assert decide(by_button, DARK + timedelta(hours=2)) == Granted(DARK + timedelta(hours=2, minutes=12), 100)


def test_ten_thousand_pressers_cannot_take_the_light_from_the_button_at_the_inn() -> None:
    facts = with_schedule(NEVER_LIT, limits=Limits(per_presser=3, zone_minutes=90), longest_minutes=30)
    tonight = night(facts.place, date(2026, 11, 19))
    apart = (tonight.sunrise - tonight.sunset) / 10_000
    now = tonight.sunset
    for n in range(10_000):
        now = tonight.sunset + n * apart
        if n % 500 == 250:
            by_button = replace(facts, channel=Channel.BUTTON)
            verdict = decide(by_button, now)
            if isinstance(verdict, Refused):  # only where it has been lit up to now, and only for the pause
                assert verdict.reason is Reason.LONGEST
                assert facts.leases[-1].until - now > -2 * MINUTE
                assert verdict.retry_at is not None
                verdict = decide(by_button, verdict.retry_at)
            assert isinstance(verdict, Granted)
        verdict = judge(facts, now)
        if isinstance(verdict, Granted):
            facts = replace(facts, leases=tuple(union((*facts.leases, lease(now, verdict.until)), tonight.start)))
    assert decide(facts, tonight.sunrise - 20 * MINUTE).__class__ is Refused
    assert isinstance(decide(replace(facts, channel=Channel.BUTTON), tonight.sunrise - 20 * MINUTE), Granted)


def test_the_zones_energy_counts_what_the_schedule_burns() -> None:
    evening = Schedule((Step(SUNSET, 100), clock(22, 0, 0)))
    facts = with_schedule(evening)
    tonight = night(facts.place, date(2026, 11, 19))
    planned = plan_wh(facts.loads[0].curve, 100.0, tonight.start, tonight.end)
    assert planned == pytest.approx(100 * (utc("2026-11-19T21:00") - tonight.sunset) / timedelta(hours=1))
    limit = int(planned) + 1 + 25  # and 15 minutes of pressed light
    facts = with_schedule(evening, limits=Limits(zone_wh=limit, reserve_percent=0))
    facts, first = press(facts, DARK)
    assert first == Granted(DARK + 12 * MINUTE, 100)
    facts, second = press(facts, DARK + 60 * MINUTE)
    assert isinstance(second, Granted)
    assert 3 * MINUTE <= second.until - DARK - 60 * MINUTE < 4 * MINUTE
    refused = decide(facts, DARK + 90 * MINUTE)
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.ZONE_ENERGY
    spent = planned + sum(press_wh(facts.loads, 100, one.start, one.until) for one in facts.leases)
    assert spent <= limit


def test_zones_lit_along_use_up_nothing_of_the_limit() -> None:
    facts = with_schedule(NEVER_LIT, limits=Limits(zone_wh=25, reserve_percent=0))
    along = replace(facts, loads=(*facts.loads, Load(facts.loads[0].curve, 10_000.0, own=False)))
    assert decide(along, DARK) == decide(facts, DARK) == Granted(DARK + 12 * MINUTE, 100)


@given(
    st.integers(1, 60),
    st.integers(1, 300),
    st.sampled_from([0, 33, 90]),
    st.lists(st.tuples(st.integers(0, 3600), st.sampled_from([Channel.WEB, Channel.BUTTON])), max_size=40),
)
def test_no_way_of_pressing_passes_a_limit_of_the_zone(
    minutes: int, wh: int, reserve: int, presses: list[tuple[int, Channel]]
) -> None:
    facts = with_schedule(DIMMED_THEN_DARK, limits=Limits(None, minutes, wh + 2000, reserve))
    tonight = night(facts.place, date(2026, 11, 19))
    planned = plan_wh(facts.loads[0].curve, 100.0, tonight.start, tonight.end)
    now = utc("2026-11-19T21:30")
    for pause, channel in presses:
        now += pause * SECOND
        if now < tonight.sunrise:
            facts, _ = press(replace(facts, channel=channel), now)
    lit = union(list(facts.leases), tonight.start)
    assert sum((span.until - span.start for span in lit), timedelta()) <= minutes * MINUTE
    if lit:
        spent = planned + sum(press_wh(facts.loads, 100, span.start, span.until) for span in lit)
        assert spent <= wh + 2000 + 0.001
