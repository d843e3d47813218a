"""What an output gives at any moment, held against a second reading of the same rules, minute by minute."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from service.domain import curve as curves
from service.domain.conditions import ALWAYS, Conditions, Dates, NthWeekday
from service.domain.curve import Curve, Fit, Interval
from service.domain.policy import LightException, Policy, PressRules, Rulebook
from service.domain.schedule import (
    Anchor,
    Moment,
    OutputName,
    Program,
    QuietCap,
    Rule,
    Schedule,
    Step,
    Window,
    never_after,
)
from service.domain.sun import Place, night, night_of
from service.domain.words import Cause
from tests.unit.villages import ALL_NIGHT, BERLIN, DARK_AFTER_MIDNIGHT, NEVER_LIT, SUNRISE, SUNSET, clock, utc

HOME = Place(54.7, 9.05, BERLIN, "DE-SH")
RELAY = Fit(0, 100, 100)
OWN: OutputName = ("cabinet-1", 1)
INSTANT = timedelta(microseconds=1)
SUN = [Anchor.SUNSET, Anchor.SUNRISE, Anchor.DUSK, Anchor.DAWN]

# what councils may pass
TIMES = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45, 59]))
OFFSETS = st.one_of(st.just(0), st.integers(-90, 90), st.integers(-720, 720))
MOMENTS = st.one_of(
    st.builds(Moment, st.sampled_from(SUN), st.none(), OFFSETS),
    st.builds(Moment, st.just(Anchor.CLOCK), TIMES, OFFSETS),
)
STEPS = st.builds(
    lambda at, level, fade: Step(at.anchor, level, at.clock, at.offset_min, fade),
    MOMENTS,
    st.one_of(st.sampled_from([0, 50, 100]), st.integers(0, 100)),
    st.sampled_from([0, 0, 30, 600]),
)
PROGRAMS = st.lists(STEPS, max_size=7).map(tuple)
BUSY = [
    date(2026, 3, 26),  # nights around changes of the clocks, Christmas, a leap day, midsummer, a holiday on a Saturday
    date(2026, 6, 19),
    date(2026, 10, 22),
    date(2026, 10, 29),
    date(2027, 12, 23),
    date(2027, 12, 29),
    date(2028, 2, 26),
]
DAYS = st.builds(lambda day, more: day + timedelta(days=more), st.sampled_from(BUSY), st.integers(0, 5))
"""Few days, so that policies, exceptions, conditions and questions meet."""
YEARLY = st.dates(date(2028, 1, 1), date(2028, 12, 31)).map(lambda day: (day.month, day.day))
DATES = st.one_of(
    st.builds(Dates, YEARLY, YEARLY),
    st.tuples(DAYS, DAYS)
    .map(sorted)
    .map(lambda d: Dates((d[0].month, d[0].day), (d[1].month, d[1].day), d[0].year, d[1].year)),
)
CONDITIONS = st.one_of(
    st.just(ALWAYS),
    st.builds(
        Conditions,
        st.lists(st.integers(0, 6), max_size=4, unique=True).map(tuple),
        st.lists(st.integers(1, 12), max_size=8, unique=True).map(tuple),
        st.lists(DATES, max_size=2).map(tuple),
        st.lists(st.builds(NthWeekday, st.sampled_from([-1, 1, 2, 3, 4, 5]), st.integers(0, 6)), max_size=2).map(tuple),
        st.sampled_from([None, None, True, False]),
    ),
)
SCHEDULES = st.builds(Schedule, PROGRAMS, st.lists(st.builds(Rule, CONDITIONS, PROGRAMS), max_size=3).map(tuple))
WINDOWS = (
    st.tuples(MOMENTS, MOMENTS, CONDITIONS)
    .filter(lambda parts: not never_after(parts[0], parts[1]))
    .map(lambda parts: Window(*parts))
)
WHOLE_NIGHTS = st.builds(
    Window,
    st.sampled_from([Moment(SUNSET), Moment(Anchor.CLOCK, time(19)), Moment(Anchor.CLOCK, time(22))]),
    st.sampled_from([Moment(SUNRISE), Moment(Anchor.CLOCK, time(2, 30)), Moment(Anchor.CLOCK, time(6))]),
)
CAPS = st.builds(
    QuietCap, st.integers(0, 99), st.one_of(WINDOWS, WHOLE_NIGHTS), st.sampled_from([None, None, OWN, ("cabinet-1", 2)])
)


def _exception(
    number: int, days: tuple[date, int], steps: Program, end: Moment | None, entered: datetime | None, after: timedelta
) -> LightException:
    ends = Moment(Anchor.CLOCK, time(11, 59), 720) if end is None or never_after(steps[0].moment, end) else end
    assume(not never_after(steps[0].moment, ends))
    withdrawn = None if entered is None or not after else entered + after
    last = days[0] + timedelta(days=days[1])
    return LightException(f"e-{number}", "Fest", days[0], last, steps, ends, None, entered, withdrawn)


STARTS = st.tuples(DAYS, st.integers(0, 86_399)).map(lambda d: utc(f"{d[0]}T00:00") + timedelta(seconds=d[1]))
EXCEPTIONS = st.builds(
    _exception,
    st.integers(0, 9),
    st.tuples(DAYS, st.integers(0, 4)),
    st.lists(STEPS, min_size=1, max_size=4).map(tuple),
    st.one_of(st.none(), MOMENTS),
    st.one_of(st.none(), STARTS),
    st.one_of(st.just(timedelta(0)), st.timedeltas(timedelta(minutes=1), timedelta(days=5))),
)

LIT_OR_ANY = st.one_of(st.just(ALL_NIGHT), st.just(DARK_AFTER_MIDNIGHT), SCHEDULES)
"""Often some light, so that there is something to cap."""


@st.composite
def rulebooks(draw: st.DrawFn) -> Rulebook:
    """What a council may have passed over the years."""
    policies = []
    for version in range(1, draw(st.integers(1, 3)) + 1):
        begins = draw(DAYS) if version > 1 else date(2025, 1, 1)
        until = draw(st.one_of(st.none(), st.integers(0, 5))) if version > 1 else None
        ends = None if until is None else begins + timedelta(days=until)
        caps = tuple(draw(st.lists(CAPS, max_size=2)))
        policies.append(Policy(begins, draw(LIT_OR_ANY), PressRules(12), ends, caps, version=version))
    return Rulebook(tuple(policies), tuple(draw(st.lists(EXCEPTIONS, max_size=2))))


FITS = st.one_of(
    st.just(Fit()),
    st.just(RELAY),
    st.builds(Fit, st.integers(0, 50), st.integers(51, 100), st.integers(1, 100)),
)
PLACES = st.sampled_from(
    [
        HOME,
        Place(60.0, 10.75, "Europe/Oslo"),
        Place(69.0, 20.0, "Europe/Oslo"),
        Place(-31.5, 159.0, "Australia/Lord_Howe"),
        Place(33.6, -7.6, "Africa/Casablanca"),
    ]
)
CURVES = st.builds(Curve, rulebooks(), PLACES, FITS, st.sampled_from([None, OWN]))
LENGTHS = st.timedeltas(timedelta(seconds=1), timedelta(days=2))


# a second reading of the rules, one moment at a time
def level_of(program: Program, place: Place, day: date, moment: datetime) -> int:
    """The last step whose own moment, and that of every step before it, has come."""
    level = 0
    for step in program:
        if step.moment.on(place, day) > moment:
            break
        level = step.level
    return level


def cap_of(curve: Curve, caps: tuple[QuietCap, ...], moment: datetime, day: date) -> int:
    """The lowest cap that holds for the curve's output."""
    levels = [100]
    for cap in caps:
        start, end = cap.window.on(curve.place, day)
        if cap.output in (None, curve.output) and start <= moment < end:
            levels.append(cap.level)
    return min(levels)


def given_by(fit: Fit, asked: int, cap: int) -> int:
    """The darkest level that the output keeps and that is not below what is asked, else the brightest under the cap."""
    kept = [n for n in range(1, fit.most + 1) if n == fit.most or (n % fit.step == 0 and n >= fit.least)]
    wanted = 0 if asked == 0 else min((n for n in kept if n >= asked), default=fit.most)
    return wanted if wanted <= cap else max((n for n in kept if n <= cap), default=0)


def rules_at(exception: LightException, place: Place, day: date, moment: datetime) -> bool:
    """Whether an exception rules: in its nights, from its first step to its end, once entered and until withdrawn."""
    return (
        exception.first <= day <= exception.last
        and exception.steps[0].moment.on(place, day) <= moment
        and (exception.end is None or moment < exception.end.on(place, day))
        and (exception.since is None or exception.since <= moment)
        and (exception.until is None or moment < exception.until)
    )


def expected(curve: Curve, moment: datetime) -> tuple[int, Cause]:
    """Level and cause at a moment."""
    book = curve.ruling
    assert isinstance(book, Rulebook)
    day = night_of(moment, curve.place.tz)
    policy = book.policy_on(day)
    position = policy.schedule.rule_on(day, curve.place.region)
    program = policy.schedule.steps if position is None else policy.schedule.rules[position].steps
    cause = Cause.SCHEDULE
    for exception in sorted(book.exceptions, key=lambda e: (e.first, e.id)):  # the one that begins last outranks
        if rules_at(exception, curve.place, day, moment):
            program, cause = exception.steps, Cause.EXCEPTION
    asked = level_of(program, curve.place, day, moment)
    return given_by(curve.fit, asked, cap_of(curve, policy.quiet, moment, day)), cause


def probes(curve: Curve, start: datetime, end: datetime) -> Iterator[datetime]:
    """Moments at which anything might happen, the instants before them, and those in between."""
    edges = {start, end}
    book = curve.ruling
    assert isinstance(book, Rulebook)
    day, last = night_of(start, curve.place.tz), night_of(end, curve.place.tz)
    while day <= last:
        policy = book.policy_on(day)
        edges.add(night(curve.place, day).end)
        moments = [step.moment for step in curve.ruling.rules_on(day, curve.place.region).program]
        moments += [moment for cap in policy.quiet for moment in (cap.window.start, cap.window.end)]
        for exception in book.exceptions:
            moments += [step.moment for step in exception.steps] + ([exception.end] if exception.end else [])
            edges.update(edge for edge in (exception.since, exception.until) if edge is not None)
        edges.update(moment.on(curve.place, day) for moment in moments)
        day += timedelta(days=1)
    inside = sorted(edge for edge in edges if start <= edge < end)
    for a, b in itertools.pairwise([*inside, end]):
        yield from (a, a + (b - a) / 2, b - INSTANT)


@given(CURVES, STARTS, LENGTHS)
def test_level_and_intervals_follow_the_rules_at_every_moment(curve: Curve, start: datetime, length: timedelta) -> None:
    end = start + length
    stretches = list(curve.intervals(start, end))
    for moment in probes(curve, start, end):
        if not start <= moment < end:
            continue
        within = next(stretch for stretch in stretches if stretch.start <= moment < stretch.end)
        assert (within.level, within.cause) == expected(curve, moment), moment
        assert curve.level_at(moment) == within.level
        assert curve.at(moment).cause == within.cause


@given(CURVES, STARTS, LENGTHS)
def test_intervals_tile_without_gaps_and_neighbours_differ(curve: Curve, start: datetime, length: timedelta) -> None:
    end = start + length
    stretches = list(curve.intervals(start, end))
    assert (stretches[0].start, stretches[-1].end) == (start, end)
    assert all(stretch.start < stretch.end for stretch in stretches)
    for before, after in itertools.pairwise(stretches):
        assert before.end == after.start
        assert (before.level, before.cause) != (after.level, after.cause)
    night_before = night(curve.place, night_of(start, curve.place.tz))
    alone = curve.night(night_before.date)
    assert (alone[0].start, alone[-1].end) == (night_before.start, night_before.end)
    assert all(a.end == b.start and (a.level, a.cause) != (b.level, b.cause) for a, b in itertools.pairwise(alone))


@given(CURVES, STARTS, LENGTHS)
def test_the_next_change_is_where_the_intervals_change_their_level(
    curve: Curve, start: datetime, length: timedelta
) -> None:
    end = start + length
    stretches = list(curve.intervals(start, end))
    for n, stretch in enumerate(stretches):
        change = next(((s.start, s.level) for s in stretches[n:] if s.level != stretch.level), None)
        for moment in (stretch.start, stretch.end - INSTANT):
            assert curve.next_change(moment, end - moment) == change
        if change is not None:
            assert curve.level_at(change[0]) == change[1]
            assert curve.level_at(change[0] - INSTANT) == stretch.level


@given(CURVES, STARTS, LENGTHS, st.floats(0.01, 0.99))
def test_a_stretch_of_time_can_be_asked_for_in_parts(
    curve: Curve, start: datetime, length: timedelta, share: float
) -> None:
    end, middle = start + length, start + length * share
    parts = [*curve.intervals(start, middle), *curve.intervals(middle, end)]
    whole = list(curve.intervals(start, end))
    assert _spoken(parts) == _spoken(whole)


def _spoken(stretches: list[Interval]) -> list[tuple[datetime, int, Cause]]:
    """Where level or cause change."""
    starts = [(stretch.start, stretch.level, stretch.cause) for stretch in stretches]
    return starts[:1] + [b for a, b in itertools.pairwise(starts) if a[1:] != b[1:]]


@given(CURVES, STARTS, st.integers(1, 100))
def test_no_light_is_brighter_than_a_cap_that_holds(curve: Curve, start: datetime, level: int) -> None:
    end = start + timedelta(days=2)
    book = curve.ruling
    assert isinstance(book, Rulebook)
    for stretches in (list(curve.intervals(start, end)), list(curve.pressed(level, start, end))):
        assert (stretches[0].start, stretches[-1].end) == (start, end)
        assert all(a.end == b.start for a, b in itertools.pairwise(stretches))
        for stretch in stretches:
            for moment in (stretch.start, stretch.start + (stretch.end - stretch.start) / 2, stretch.end - INSTANT):
                day = night_of(moment, curve.place.tz)
                cap = cap_of(curve, book.policy_on(day).quiet, moment, day)
                assert stretch.level <= cap
                if stretch.cause is Cause.PRESS:
                    assert stretch.level == given_by(curve.fit, level, cap)


@given(CURVES, STARTS, st.integers(1, 100))
def test_a_press_gains_what_it_gives_beyond_the_plan(curve: Curve, start: datetime, level: int) -> None:
    end = start + timedelta(days=1)
    pressed, gains = list(curve.pressed(level, start, end)), list(curve.gains(level, start, end))
    assert all(gain.start < gain.end and gain.levels > 0 for gain in gains)
    edges = sorted({s.start for s in pressed} | {s.start for s in curve.intervals(start, end)} | {end})
    for a, b in itertools.pairwise(edges):
        moment = a + (b - a) / 2
        more = next(s.level for s in pressed if s.start <= moment < s.end) - curve.level_at(moment)
        assert sum(gain.levels for gain in gains if gain.start <= moment < gain.end) == max(more, 0)


@given(rulebooks(), PLACES, STARTS)
def test_a_relay_gives_only_all_or_nothing(book: Rulebook, place: Place, start: datetime) -> None:
    assert {s.level for s in Curve(book, place, RELAY).intervals(start, start + timedelta(days=3))} <= {0, 100}


@settings(max_examples=500)  # cheap, and odd steps are rare
@given(FITS, st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_a_fit_is_never_darker_than_asked_unless_a_cap_or_its_own_end_forces_it(
    fit: Fit, asked: int, more: int, cap: int
) -> None:
    level = fit.level(asked, cap)
    assert level == given_by(fit, asked, cap)
    assert level <= cap
    assert fit.level(0, cap) == 0
    assert fit.level(asked) >= min(asked, fit.most)
    assert fit.level(level) == level  # told a level that it gives, the controller gives that one
    assert fit.level(level, cap) == level
    assert fit.level(max(asked, more), cap) >= level
    assert fit.level(asked, max(cap, more)) >= level


@pytest.mark.parametrize(
    ("fit", "asked", "cap", "level"),
    [
        (RELAY, 1, 100, 100),
        (RELAY, 100, 99, 0),
        (Fit(20, 80, 25), 1, 100, 25),
        (Fit(20, 80, 25), 76, 100, 80),
        (Fit(20, 80, 25), 100, 79, 75),
        (Fit(20, 80, 25), 100, 24, 0),
        (Fit(30, 100, 25), 10, 100, 50),  # 30 is no step of it, so told 30 it would give 50
        (Fit(30, 100, 25), 10, 40, 0),
        (Fit(10, 100, 1), 5, 100, 10),
        (Fit(10, 100, 1), 100, 9, 0),
    ],
)
def test_levels_that_an_output_gives(fit: Fit, asked: int, cap: int, level: int) -> None:
    assert fit.level(asked, cap) == level


@given(CURVES, EXCEPTIONS)
def test_an_exception_rules_in_its_hours_and_nowhere_else(curve: Curve, exception: LightException) -> None:
    assert isinstance(curve.ruling, Rulebook)
    book = replace(curve.ruling, exceptions=())
    without, with_it = replace(curve, ruling=book), replace(curve, ruling=replace(book, exceptions=(exception,)))
    day_before, day_after = exception.first - timedelta(days=1), exception.last + timedelta(days=1)
    for day in (day_before, exception.first, exception.last, day_after):
        for stretch in with_it.night(day):
            for moment in (stretch.start, stretch.end - INSTANT):
                if rules_at(exception, curve.place, day, moment):
                    asked = level_of(exception.steps, curve.place, day, moment)
                    cap = cap_of(curve, book.policy_on(day).quiet, moment, day)
                    assert (stretch.level, stretch.cause) == (given_by(curve.fit, asked, cap), Cause.EXCEPTION)
                else:
                    assert (stretch.level, stretch.cause) == (without.level_at(moment), Cause.SCHEDULE)
        if not exception.holds_on(day):
            assert with_it.night(day) == without.night(day)


@given(
    CURVES,
    st.lists(st.tuples(STARTS, st.sampled_from(["night", "level", "change"])), min_size=2, max_size=8),
    st.randoms(),
)
def test_answers_depend_neither_on_what_was_asked_before_nor_on_caches(
    curve: Curve, questions: list[tuple[datetime, str]], chance: Any
) -> None:
    def ask(moment: datetime, kind: str) -> object:
        if kind == "night":
            return curve.night(night_of(moment, curve.place.tz))
        return curve.level_at(moment) if kind == "level" else curve.next_change(moment, timedelta(days=4))

    def forget() -> None:
        for cached in (curves._night, curves._hours):
            cached.cache_clear()

    asked = [ask(*question) for question in questions]
    assert [ask(*question) for question in questions] == asked  # by the caches
    forget()
    order = list(range(len(questions)))
    chance.shuffle(order)
    again = {n: ask(*questions[n]) for n in order}
    assert [again[n] for n in range(len(questions))] == asked
    alone = []
    for question in questions:
        forget()
        alone.append(ask(*question))
    assert alone == asked


def test_curves_of_different_places_fits_and_outputs_do_not_share_an_answer() -> None:
    caps = (QuietCap(30, Window(Moment(SUNSET), Moment(SUNRISE)), OWN),)
    book = Rulebook((Policy(date(2025, 1, 1), ALL_NIGHT, PressRules(12), quiet=caps, version=1),))
    at = utc("2026-11-20T22:00")
    assert Curve(book, HOME, Fit(), OWN).level_at(at) == 30
    assert Curve(book, HOME, RELAY, OWN).level_at(at) == 0
    assert Curve(book, HOME, Fit(), ("cabinet-1", 2)).level_at(at) == 100
    assert Curve(book, HOME, Fit()).level_at(at) == 100
    assert Curve(book, Place(-33.9, 18.4, BERLIN), Fit(), OWN).night(at.date()) != Curve(book, HOME).night(at.date())


def test_quiet_hours_cut_stretches_at_their_edges_and_the_lowest_cap_binds() -> None:
    at = [Moment(Anchor.CLOCK, time(hour)) for hour in (22, 23, 1, 2)]
    caps = (QuietCap(60, Window(at[0], at[2])), QuietCap(20, Window(at[1], at[3])))
    book = Rulebook((Policy(date(2025, 1, 1), ALL_NIGHT, PressRules(12), quiet=caps, version=1),))
    levels = [(s.start, s.level) for s in Curve(book, HOME).night(date(2026, 11, 20))][1:-1]
    assert levels[1:] == [
        (utc("2026-11-20T21:00"), 60),
        (utc("2026-11-20T22:00"), 20),
        (utc("2026-11-21T01:00"), 100),
    ]


def test_an_exception_takes_over_at_its_first_step_and_hands_back_at_its_end() -> None:
    inn = LightException(
        "inn", "Krug", date(2026, 11, 20), date(2026, 11, 21), (clock(23, 0, 80),), Moment(Anchor.CLOCK, time(1))
    )
    policy = Policy(date(2025, 1, 1), DARK_AFTER_MIDNIGHT, PressRules(12), version=1)
    curve = Curve(Rulebook((policy,), (inn,)), HOME)
    for day in (20, 21):
        found = [(s.start, s.level, s.cause) for s in curve.night(date(2026, 11, day))][2:5]
        assert found == [
            (utc(f"2026-11-{day}T22:00"), 80, Cause.EXCEPTION),
            (utc(f"2026-11-{day + 1}T00:00"), 0, Cause.SCHEDULE),
            (utc(f"2026-11-{day + 1}T04:30"), 100, Cause.SCHEDULE),
        ]
    plain = Curve(Rulebook((policy,)), HOME)
    for day in (19, 22):
        assert curve.night(date(2026, 11, day)) == plain.night(date(2026, 11, day))


def test_an_exception_of_equal_level_is_its_own_stretch_and_no_change_of_level() -> None:
    fest = LightException(
        "f", "Fest", date(2026, 11, 20), date(2026, 11, 20), (clock(20, 0, 100),), Moment(Anchor.CLOCK, time(22))
    )
    curve = Curve(Rulebook((Policy(date(2025, 1, 1), ALL_NIGHT, PressRules(12), version=1),), (fest,)), HOME)
    causes = [s.cause for s in curve.night(date(2026, 11, 20))]
    assert causes == [Cause.SCHEDULE, Cause.SCHEDULE, Cause.EXCEPTION, Cause.SCHEDULE, Cause.SCHEDULE]
    change = curve.next_change(utc("2026-11-20T18:00"))
    assert change is not None
    assert change == (night(HOME, date(2026, 11, 20)).sunrise, 0)


def test_an_exception_that_ends_before_it_begins_in_a_night_leaves_that_night_alone() -> None:
    steps = (clock(5, 0, 100),)
    early = LightException("e", "Markt", date(2026, 6, 1), date(2026, 12, 31), steps, Moment(SUNRISE))
    policy = Policy(date(2025, 1, 1), NEVER_LIT, PressRules(12), version=1)
    curve = Curve(Rulebook((policy,), (early,)), HOME)
    assert [s.cause for s in curve.night(date(2026, 6, 21))] == [Cause.SCHEDULE]  # the sun rises before five
    assert [s.level for s in curve.night(date(2026, 12, 21))] == [0, 100, 0]


def test_of_overlapping_exceptions_the_later_one_outranks_and_the_other_rules_around_it() -> None:
    at = [Moment(Anchor.CLOCK, time(hour)) for hour in (22, 23)]
    month = LightException("a", "Advent", date(2026, 11, 1), date(2026, 11, 30), (clock(20, 0, 60),))
    fest = LightException("b", "Fest", date(2026, 11, 20), date(2026, 11, 20), (clock(22, 0, 90),), at[1])
    book = Rulebook((Policy(date(2025, 1, 1), NEVER_LIT, PressRules(12), version=1),), (fest, month))
    found = [(s.start, s.level) for s in Curve(book, HOME).night(date(2026, 11, 20))][1:]
    assert found == [
        (utc("2026-11-20T19:00"), 60),
        (utc("2026-11-20T21:00"), 90),
        (utc("2026-11-20T22:00"), 60),
        (night(HOME, date(2026, 11, 20)).sunrise, 0),  # where an exception ends that says nothing else
    ]


def test_an_exception_changes_nothing_before_it_was_entered_nor_after_it_was_withdrawn() -> None:
    days = date(2026, 11, 19), date(2026, 11, 21)
    since, until = utc("2026-11-20T20:30"), utc("2026-11-21T20:30")
    fest = LightException("b", "Fest", *days, (clock(20, 0, 90),), since=since, until=until)
    curve = Curve(Rulebook((Policy(date(2025, 1, 1), NEVER_LIT, PressRules(12), version=1),), (fest,)), HOME)
    assert [(s.start, s.level) for s in curve.intervals(utc("2026-11-19T12:00"), utc("2026-11-22T10:00"))] == [
        (utc("2026-11-19T12:00"), 0),
        (since, 90),
        (night(HOME, date(2026, 11, 20)).sunrise, 0),
        (utc("2026-11-21T19:00"), 90),
        (until, 0),
    ]


def test_a_fade_belongs_to_the_step_alone() -> None:
    schedule = Schedule((Step(SUNSET, 100, fade_s=60), clock(23, 0, 50), Step(SUNRISE, 0, fade_s=30)))
    curve = Curve(schedule, HOME)
    stretches = curve.night(date(2026, 11, 20))
    assert [s.fade_s for s in stretches] == [0, 60, 0, 30]
    later = list(curve.intervals(stretches[1].start + timedelta(hours=1), stretches[3].end))
    assert [s.fade_s for s in later] == [0, 0, 30]
    cap = QuietCap(80, Window(Moment(Anchor.CLOCK, time(20)), Moment(Anchor.CLOCK, time(21))))
    book = Rulebook((Policy(date(2025, 1, 1), schedule, PressRules(12), quiet=(cap,), version=1),))
    assert [s.fade_s for s in Curve(book, HOME).night(date(2026, 11, 20))] == [0, 60, 0, 0, 0, 30]


def test_a_press_is_bound_by_the_zones_caps_also_where_the_plan_is_not() -> None:
    cap = QuietCap(40, Window(Moment(Anchor.CLOCK, time(22)), Moment(Anchor.CLOCK, time(23))))
    zone = Rulebook((Policy(date(2025, 1, 1), NEVER_LIT, PressRules(12), quiet=(cap,), version=1),))
    curve = Curve(ALL_NIGHT, HOME, Fit(), OWN, zone)
    assert curve.level_at(utc("2026-11-20T21:30")) == 100
    found = [(s.start, s.level) for s in curve.pressed(100, utc("2026-11-20T20:00"), utc("2026-11-20T23:00"))]
    assert found == [(utc("2026-11-20T20:00"), 100), (utc("2026-11-20T21:00"), 40), (utc("2026-11-20T22:00"), 100)]


def test_a_curve_that_never_changes_has_no_next_change() -> None:
    assert Curve(NEVER_LIT, HOME).next_change(utc("2026-11-20T12:00"), timedelta(days=30)) is None
    always = Schedule((clock(12, 0, 100),))
    assert Curve(always, HOME).next_change(utc("2026-03-01T12:00"), timedelta(days=60)) is None
    assert Curve(always, HOME).level_at(utc("2026-03-01T12:00")) == 100
    assert Curve(ALL_NIGHT, HOME).next_change(utc("2026-11-20T12:00"), timedelta(0)) is None


@given(SCHEDULES, PLACES, DAYS)
def test_a_night_follows_its_steps_in_their_order_and_each_at_most_once(
    schedule: Schedule, place: Place, evening: date
) -> None:
    levels = [stretch.level for stretch in Curve(schedule, place).night(evening)]
    steps = iter([0, *(step.level for step in schedule.rules_on(evening, place.region).program)])
    assert all(level in steps for level in levels)
