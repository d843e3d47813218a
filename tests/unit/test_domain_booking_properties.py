"""Whatever meters and reports do, booking loses no milliwatt-hour and no second of light."""

import itertools
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from service.domain.curve import Curve
from service.domain.dimming import share
from service.domain.energy import ROLLS_OVER, Course, advance, book, compute, most_drawn
from service.domain.entries import Entry, ZonedEntry, coarsen, local_hours
from service.domain.inventory import Output, OutputKey, curve_of
from service.domain.orders import Order, OrderStep
from service.domain.reports import LONGEST_GAP, MeterReading, MeterState, OutputState
from service.domain.words import CAUSE_RANK, Cause, Quality
from tests.unit.villages import BERLIN, glasau, utc

MINUTE, ZERO = timedelta(minutes=1), timedelta()
EVENING = utc("2026-11-20T20:17")
PLAN_SIDE = {Cause.SCHEDULE, Cause.EXCEPTION, Cause.SAFETY, Cause.FAILSAFE}


def plausible(before: MeterState, now: MeterReading, at: datetime, watts: float) -> bool:
    """Whether lamps of `watts` can have drawn a meter's advance since `before`."""
    most = most_drawn(before, at, watts)
    return advance(before, now, most) <= most


def made(watts: list[float]) -> list[tuple[Output, Curve]]:
    """Outputs of one controller, each third a safety output, with their curves: dimmed from 22:00, dark from 23:00."""
    inventory = glasau()
    found = []
    for n, each in enumerate(watts, start=1):
        key = OutputKey("glasau", "cabinet-1", n)
        output = Output(key, "am-see", min_level=10, watts=each, safety=n % 3 == 0)
        found.append((output, curve_of(output, inventory.zones[0], inventory.municipality)))
    return found


class Turn(NamedTuple):
    """What happens until a report: time passes, a meter goes on, outputs change."""

    seconds: int
    used: int
    meter: str
    gap: bool
    states: list[tuple[int, Cause]]
    orders: list[list[tuple[int, int, int, Cause]]]


CAUSES = st.sampled_from([Cause.SCHEDULE, Cause.SCHEDULE, Cause.PRESS, Cause.LOCAL, Cause.LOCK, Cause.SAFETY])
STEPS = st.lists(
    st.tuples(
        st.integers(-60, 120), st.integers(1, 90), st.integers(0, 100), st.sampled_from([Cause.PRESS, Cause.LOCK])
    ),
    max_size=3,
)
TURNS = st.lists(
    st.builds(
        Turn,
        st.one_of(st.integers(0, 600), st.integers(-3600, 5 * 3600), st.just(86_400)),
        st.integers(0, 30_000),
        st.sampled_from(["on", "on", "on", "reset", "replaced"]),
        st.booleans(),
        st.lists(st.tuples(st.integers(0, 100), CAUSES), min_size=8, max_size=8),
        st.lists(STEPS, min_size=8, max_size=8),
    ),
    min_size=1,
    max_size=6,
)


def order(now: datetime, steps: list[tuple[int, int, int, Cause]]) -> Order:
    """Steps one after the other: minutes until the first and between them, their length, level and cause."""
    found: list[OrderStep] = []
    for n, (wait, minutes, level, cause) in enumerate(steps):
        start = found[-1].until + abs(wait) * MINUTE if found else now + wait * MINUTE
        found.append(OrderStep(start, level, start + minutes * MINUTE, cause, f"lease-{n}"))
    return tuple(found)


def lit_within(entries: list[Entry], output: OutputKey) -> list[Entry]:
    return sorted((e for e in entries if e.output == output and e.lit), key=lambda e: e.start)


def well_formed(entries: list[Entry], start: datetime, end: datetime) -> None:
    """What holds of all entries of a stretch."""
    first, last = max(start, max(start, end) - LONGEST_GAP), max(start, end)
    for e in entries:
        assert first <= e.start <= e.end <= last
        assert not list(local_hours(e.start, e.end, BERLIN)), "within its hour"
        assert e.energy_mwh >= 0
        assert e.lit in (ZERO, e.end - e.start)
        assert e.lit == ZERO or e.level > 0
        assert e.energy_mwh or e.lit, "says something"
        assert e.ref is None or e.cause is Cause.PRESS
    for output in {e.output for e in entries}:
        own = lit_within(entries, output)
        assert all(a.end <= b.start for a, b in itertools.pairwise(own)), "lit once at a time"


@given(
    st.lists(st.floats(0, 500), min_size=1, max_size=8),
    TURNS,
    st.sampled_from([7, ROLLS_OVER // 2, ROLLS_OVER - 50_000]),
)
def test_entries_add_up_to_what_the_meter_went_on_by_and_light_to_the_time_lit(
    watts: list[float], turns: list[Turn], shown: int
) -> None:
    outputs = made(watts)
    states = [OutputState(100, Cause.SCHEDULE, EVENING, EVENING)] * len(outputs)
    followed: list[Order] = [()] * len(outputs)
    meter, truth, booked = MeterState(shown, 0.0, EVENING), 0, 0
    for turn in turns:
        at = meter.at + timedelta(seconds=turn.seconds)
        most = most_drawn(meter, at, sum(watts))
        near_the_top = ROLLS_OVER - meter.total_mwh <= most
        if turn.meter == "on" or near_the_top or meter.total_mwh <= turn.used:
            total = (meter.total_mwh + turn.used) % ROLLS_OVER
            truth += turn.used
        else:
            total = turn.used if turn.meter == "reset" else turn.used // 2
            truth += total
        reading = MeterReading(0.0, None, total, tuple(range(1, len(outputs) + 1)))
        assert plausible(meter, reading, at, sum(watts))
        following = [order(at, steps) for steps in turn.orders[: len(outputs)]]
        courses = [
            Course(output, before, level, old, new, at - turn.used % 40 * MINUTE, curve, cause)
            for (output, curve), before, (level, cause), old, new in zip(
                outputs, states, turn.states, followed, following, strict=False
            )
        ]
        energy = advance(meter, reading, most)
        entries = book(energy, meter.at, at, courses, BERLIN, gap=turn.gap)
        booked += sum(e.energy_mwh for e in entries)
        well_formed(entries, meter.at, at)
        if not turn.gap:
            whole = min(max(at - meter.at, ZERO), LONGEST_GAP)
            for (output, _), state in zip(outputs, states, strict=True):
                assert sum((e.lit for e in lit_within(entries, output.key)), ZERO) == (whole if state.level else ZERO)
        zoned = [ZonedEntry("am-see", e) for e in entries]
        assert sum(e.energy_mwh for _, e in coarsen(zoned, BERLIN)) == energy
        states = [OutputState(level, cause, at, at) for level, cause in turn.states[: len(outputs)]]
        meter, followed = MeterState(total, 0.0, at), following
    assert booked == truth


@given(
    st.lists(st.tuples(st.floats(0, 500), st.integers(0, 100), st.sampled_from(sorted(PLAN_SIDE))), max_size=8),
    st.integers(0, 10**6),
    st.integers(0, 1000),
)
def test_the_short_way_books_what_the_long_way_does(
    given_light: list[tuple[float, int, Cause]], energy: int, seconds: int
) -> None:
    outputs = made([watts for watts, *_ in given_light])
    courses = [
        Course(output, OutputState(level, cause, EVENING, EVENING), level)
        for (output, _), (_, level, cause) in zip(outputs, given_light, strict=True)
    ]
    end = EVENING + timedelta(seconds=seconds)
    told = book(energy, EVENING, end, courses, BERLIN)
    assert told == book(energy, EVENING, end, courses, BERLIN, gap=True), "nothing changed, and no curve says so"
    assert sum(e.energy_mwh for e in told) == (energy if courses else 0)


LEASED = st.tuples(st.integers(0, 100), st.integers(0, 400), st.integers(1, 200), st.floats(1, 500))


@given(LEASED, st.integers(0, 10**6))
def test_a_lease_never_pays_for_what_the_plan_gives(leased: tuple[int, int, int, float], energy: int) -> None:
    level, begin, minutes, watts = leased
    (output, curve), *_ = made([watts])
    start = EVENING + begin * MINUTE
    end = start + minutes * MINUTE
    course = Course(output, OutputState(level, Cause.PRESS, start, start), level, curve=curve)
    measured, computed = book(energy, start, end, [course], BERLIN), compute(start, end, course, BERLIN)
    for entries in (measured, computed):
        for (a, b), piece in itertools.groupby(entries, key=lambda e: (e.start, e.end)):
            by_cause = {e.cause: e for e in piece}
            used = sum(e.energy_mwh for e in by_cause.values())
            planned = min(curve.level_at(a), level)
            own = by_cause[Cause.PRESS].energy_mwh if Cause.PRESS in by_cause else 0
            part = share(planned) / share(level) if level else 0.0
            assert abs(own - used * (1 - part)) <= 1, (a, b)
            if planned == level > 0:
                assert own == 0
            if planned and used > own:
                assert (by_cause[Cause.SCHEDULE].level, by_cause[Cause.SCHEDULE].lit) == (planned, ZERO)
    assert sum((e.lit for e in measured), ZERO) == sum((e.lit for e in computed), ZERO) == (end - start) * bool(level)


@given(
    st.tuples(st.integers(0, 100), CAUSES, st.floats(0, 500)),
    st.lists(st.integers(0, 20_000_000), min_size=2, max_size=6).map(sorted),
)
def test_computed_stretches_that_adjoin_add_up_to_the_whole(
    lit: tuple[int, Cause, float], milliseconds: list[int]
) -> None:
    level, cause, watts = lit
    (output, curve), *_ = made([watts])
    course = Course(output, OutputState(level, cause, EVENING, EVENING), level, curve=curve)
    moments = [EVENING + timedelta(milliseconds=ms) for ms in milliseconds]

    def by_cause(entries: list[Entry]) -> Counter[object]:
        found: Counter[object] = Counter()
        for e in entries:
            assert e.quality is Quality.COMPUTED
            found[e.cause, e.level, e.start.hour] += e.energy_mwh
            found["lit", e.level] += e.lit // timedelta(microseconds=1)
        return +found

    parts = [e for a, b in itertools.pairwise(moments) for e in compute(a, b, course, BERLIN)]
    whole = compute(moments[0], moments[-1], course, BERLIN)
    assert by_cause(parts) == by_cause(whole)
    nominal = watts * share(level) * ((moments[-1] - moments[0]) / timedelta(hours=1)) * 1000
    assert abs(sum(e.energy_mwh for e in whole) - nominal) <= 1 + 2 * len(whole) + nominal / 1000


@given(STEPS, STEPS, st.integers(0, 200), st.integers(30, 240), st.integers(0, 240))
def test_over_a_gap_light_is_booked_as_plan_and_orders_say(
    first: list[tuple[int, int, int, Cause]],
    second: list[tuple[int, int, int, Cause]],
    begin: int,
    minutes: int,
    turn: int,
) -> None:
    (output, curve), *_ = made([60.0])
    start = EVENING + begin * MINUTE
    end, ordered_at = start + minutes * MINUTE, start + turn * MINUTE
    followed, following = order(start, first), order(start, second)

    def rules(moment: datetime) -> tuple[int, Cause, str | None]:
        plan = curve.at(moment)
        in_force = following if moment >= ordered_at else followed
        running = [step for step in in_force if step.start <= moment < step.until]
        if running and running[0].cause is Cause.LOCK:
            return 0, Cause.LOCK, None
        claims: list[tuple[int, Cause, str | None]] = [(plan.level, plan.cause, None)]
        claims += [(step.level, step.cause, step.ref) for step in running]
        return min(claims, key=lambda claim: (-claim[0], CAUSE_RANK.index(claim[1])))

    expected = Counter(rules(start + n * MINUTE) for n in range(minutes))
    at_start, at_end = rules(start), rules(end - MINUTE)
    before = OutputState(at_start[0], at_start[1], start, start)
    course = Course(output, before, at_end[0], followed, following, ordered_at, curve, at_end[1])
    booked = book(40_000, start, end, [course], BERLIN, gap=True)
    steady = len({level for level, *_ in expected}) == 1
    assert {e.quality for e in booked} == {Quality.MEASURED if steady else Quality.INTERPOLATED}
    assert sum(e.energy_mwh for e in booked) == 40_000
    for entries in (booked, compute(start, end, course, BERLIN, gap=True)):
        well_formed(entries, start, end)
        found: Counter[object] = Counter()
        for e in entries:
            found[e.level, e.cause, e.ref] += e.lit // MINUTE
        if not steady:  # else what was told holds, whatever causes would have followed each other
            assert +found == Counter({held: n for held, n in expected.items() if held[0]})
        assert sum((e.lit for e in entries), ZERO) == sum(n for held, n in expected.items() if held[0]) * MINUTE
