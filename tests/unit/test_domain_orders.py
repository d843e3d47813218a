"""Orders: presses merge, the highest level holds at every moment, and no press takes light from another."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.curve import Curve
from service.domain.inventory import Output, OutputKey, ZoneKey
from service.domain.leases import Lease
from service.domain.orders import MAX_STEPS, Claim, Order, OrderStep, ahead, claims_of, level_of
from service.domain.orders import derive as derive_claims
from service.domain.policy import Rulebook
from service.domain.schedule import Anchor, Moment, QuietCap, Window
from service.domain.sun import Place
from service.domain.words import CAUSE_RANK, Cause
from tests.unit.villages import BERLIN, NEVER_LIT, policy, utc

STREET, CORNER = ZoneKey("leck", "hauptstrasse"), ZoneKey("leck", "kreuzung")
DIMMER = Output(OutputKey("leck", "lamp-1", 1), "hauptstrasse", min_level=10)
RELAY = Output(OutputKey("leck", "cabinet-1", 1), "hauptstrasse", step=100)
NOW = utc("2026-11-20T00:00")
MINUTE = timedelta(minutes=1)


def curve(output: Output, *quiet: QuietCap) -> Curve:
    """A plan that is always dark, with quiet caps."""
    rulebook = Rulebook((policy(NEVER_LIT, 12, quiet=quiet),))
    return Curve(rulebook, Place(54.77, 8.98, BERLIN), output.fit)


def derive(output: Output, leases: Sequence[Lease], now: datetime, *quiet: QuietCap) -> Order:
    """The order by leases alone."""
    zone = ZoneKey(output.key.municipality, output.zone)
    return derive_claims(output, curve(output, *quiet), claims_of(zone, leases, now), now)


def lease(name: str, start: float, until: float, level: int = 100, lights: tuple[ZoneKey, ...] = (STREET,)) -> Lease:
    return Lease(name, lights[0], lights, NOW + start * MINUTE, NOW + until * MINUTE, level)


def step(start: float, until: float, ref: str, level: int = 100) -> OrderStep:
    return OrderStep(NOW + start * MINUTE, level, NOW + until * MINUTE, Cause.PRESS, ref)


def bought(output: Output, leases: Sequence[Lease], moment: datetime) -> int:
    """The highest level that any lease bought for a moment, as the output can give it."""
    zone = ZoneKey(output.key.municipality, output.zone)
    levels = [one.level for one in leases if zone in one.lights and one.start <= moment < one.until]
    return output.keeps(max(levels, default=0))


def moments(leases: Sequence[Lease]) -> list[datetime]:
    """Moments from now on at which something may change, and some between."""
    edges = sorted({NOW, *(edge for one in leases for edge in (one.start, one.until) if edge >= NOW)})
    return [*edges, *(a + (b - a) / 2 for a, b in itertools.pairwise(edges)), edges[-1] + MINUTE]


def one_lease(most: float) -> st.SearchStrategy[Lease]:
    """Leases bought up to `most` minutes after now, as long as presses may be."""
    return st.builds(
        lambda i, start, length, level, lights: lease(f"l{i}", start, start + length, level, lights),
        st.integers(0, 10**9),
        st.integers(-20, int(most)),
        st.integers(1, 40),
        st.sampled_from([5, 30, 50, 100]),
        st.sampled_from([(STREET,), (CORNER, STREET), (CORNER,)]),
    )


RUNNING = st.lists(one_lease(0), max_size=30, unique_by=lambda one: one.id)
ANY = st.lists(one_lease(60), max_size=30, unique_by=lambda one: one.id)
OUTPUTS = st.sampled_from([DIMMER, RELAY, Output(DIMMER.key, "hauptstrasse", min_level=20, max_level=80, step=7)])


def test_no_lease_no_order() -> None:
    assert derive(DIMMER, [], NOW) == ()
    assert derive(DIMMER, [lease("over", -12, 0)], NOW) == ()
    assert derive(DIMMER, [lease("elsewhere", 0, 12, lights=(CORNER,))], NOW) == ()


def test_a_lease_lights_every_zone_that_it_names() -> None:
    assert derive(DIMMER, [lease("a", 0, 12, lights=(CORNER, STREET))], NOW) == (step(0, 12, "a"),)


def test_presses_merge_and_the_overlap_belongs_to_the_first() -> None:
    leases = [lease("b", -2, 10), lease("a", -5, 7)]
    assert derive(DIMMER, leases, NOW) == (step(-5, 7, "a"), step(7, 10, "b"))


def test_a_brighter_lease_stands_out_of_a_dimmer_one() -> None:
    leases = [lease("dim", -5, 20, level=30), lease("bright", 0, 10)]
    assert derive(DIMMER, leases, NOW)[-2:] == (step(0, 10, "bright"), step(10, 20, "dim", level=30))


def test_a_relay_gives_all_or_nothing_and_the_first_lease_pays() -> None:
    leases = [lease("dim", -5, 20, level=30), lease("bright", 0, 10)]
    assert derive(RELAY, leases, NOW) == (step(-5, 20, "dim"),)


def test_of_two_leases_of_one_moment_the_id_decides_so_that_orders_are_stable() -> None:
    leases = [lease("b", 0, 20), lease("a", 0, 20, level=30)]
    assert derive(RELAY, leases, NOW) == derive(RELAY, leases[::-1], NOW) == (step(0, 20, "a"),)


@given(OUTPUTS, RUNNING)
def test_at_every_moment_the_order_gives_the_highest_level_that_was_bought(output: Output, leases: list[Lease]) -> None:
    order = derive(output, leases, NOW)
    for moment in moments(leases):
        assert level_of(order, moment) == bought(output, leases, moment)


@given(OUTPUTS, RUNNING, one_lease(0))
def test_one_more_lease_never_lowers_or_shortens_light(output: Output, leases: list[Lease], more: Lease) -> None:
    before, after = derive(output, leases, NOW), derive(output, [*leases, more], NOW)
    for moment in moments([*leases, more]):
        assert level_of(after, moment) >= level_of(before, moment)


@given(OUTPUTS, ANY)
def test_an_order_is_short_and_in_time_order_and_never_darker_than_bought(output: Output, leases: list[Lease]) -> None:
    order = derive(output, leases, NOW)
    assert len(order) <= MAX_STEPS
    for one in order:
        assert one.start < one.until
        assert one.until > NOW
        assert one.cause is Cause.PRESS
    for a, b in itertools.pairwise(order):
        assert a.until <= b.start
    for moment in moments(leases):
        assert level_of(order, moment) >= bought(output, leases, moment)


@given(OUTPUTS, st.lists(one_lease(0), max_size=4, unique_by=lambda one: one.id))
def test_each_stretch_belongs_to_the_first_of_its_brightest_leases(output: Output, leases: list[Lease]) -> None:
    order = derive(output, leases, NOW)
    for moment in moments(leases):
        covering = [one for one in leases if STREET in one.lights and one.start <= moment < one.until]
        first = min(covering, key=lambda one: (-output.keeps(one.level), one.start, one.id), default=None)
        refs = [one.ref for one in order if one.start <= moment < one.until]
        assert refs == ([] if first is None else [first.id])


def test_more_presses_than_an_order_has_steps_keep_every_minute_and_no_other() -> None:
    leases = [lease(f"{i:02}", -10 + i, 2 + i) for i in range(11)]
    order = derive(DIMMER, leases, NOW)
    assert len(order) == MAX_STEPS
    assert order[-1].until == leases[-1].until
    assert [one.ref for one in order] == ["00", "01", "02", "03", "04", "05", "06", "07"]


def test_a_dim_tail_stays_dim_behind_more_presses_than_an_order_has_steps() -> None:
    leases = [lease("dim", -10, 40, level=30), *(lease(f"{i:02}", -10 + i, 2 + i) for i in range(11))]
    order = derive(DIMMER, leases, NOW)
    assert len(order) == MAX_STEPS
    assert order[-1] == step(12, 40, "dim", level=30)


def test_where_no_neighbours_are_equal_the_tail_takes_its_highest_level() -> None:
    leases = [lease(f"{i}", 2 * i, 2 * i + 1, level=10 + i) for i in range(10)]
    order = derive(DIMMER, leases, NOW)
    assert len(order) == MAX_STEPS
    assert order[-1] == step(14, 19, "7", level=19)


@given(OUTPUTS, RUNNING, st.integers(0, 45))
def test_what_lies_ahead_of_an_order_says_the_same_from_then_on(
    output: Output, leases: list[Lease], minutes: int
) -> None:
    order, later = derive(output, leases, NOW), NOW + minutes * MINUTE
    rest = ahead(order, later)
    assert all(one.start >= later for one in rest)
    assert ahead(rest, later) == rest
    for moment in moments(leases):
        if moment >= later:
            assert level_of(rest, moment) == level_of(order, moment)


@given(OUTPUTS, st.lists(one_lease(0), max_size=5, unique_by=lambda one: one.id), st.integers(0, 45))
def test_time_alone_changes_no_order(output: Output, leases: list[Lease], minutes: int) -> None:
    order: Order = derive(output, leases, NOW)
    later = NOW + minutes * MINUTE
    assert ahead(derive(output, leases, later), later) == ahead(order, later)


@pytest.mark.parametrize(("minute", "level"), [(-1, 0), (0, 30), (9.99, 30), (10, 0), (12, 50), (20, 0)])
def test_the_level_of_an_order_holds_from_its_start_up_to_its_end(minute: float, level: int) -> None:
    order = (step(0, 10, "a", level=30), step(12, 20, "b", level=50))
    assert level_of(order, NOW + minute * MINUTE) == level


# quiet caps, warnings and claims of other causes


def quiet(level: int, start: time, end: time) -> QuietCap:
    return QuietCap(level, Window(Moment(Anchor.CLOCK, start), Moment(Anchor.CLOCK, end)))


def test_the_quiet_cap_binds_a_press_while_it_lasts() -> None:
    cap = quiet(40, time(1, 5), time(1, 10))  # 00:05 to 00:10 UTC
    assert derive(DIMMER, [lease("a", 0, 12)], NOW, cap) == (
        step(0, 5, "a"),
        step(5, 10, "a", level=40),
        step(10, 12, "a"),
    )
    assert [one.level for one in derive(RELAY, [lease("a", 0, 12)], NOW, cap)] == [100, 0, 100]


def test_a_warned_lease_ends_with_a_minute_at_half_level_where_the_output_dims() -> None:
    warned = replace(lease("a", 0, 12), warn=True)
    assert derive(DIMMER, [warned], NOW) == (step(0, 11, "a"), step(11, 12, "a", level=50))
    assert derive(RELAY, [warned], NOW) == (step(0, 12, "a"),)
    longer = replace(lease("b", 5, 17), warn=True)
    assert derive(DIMMER, [warned, longer], NOW + 6 * MINUTE) == (
        step(0, 11, "a"),
        step(11, 16, "b"),
        step(16, 17, "b", level=50),
    )


def claim(start: float, until: float, level: int, cause: Cause) -> Claim:
    return Claim(NOW + start * MINUTE, NOW + until * MINUTE, level, cause, None)


CLAIMS = st.lists(
    st.builds(
        lambda start, length, level, cause: claim(start, start + length, level, cause),
        st.integers(-20, 0),
        st.integers(1, 60),
        st.sampled_from([20, 50, 100]),
        st.sampled_from([Cause.LOCK, Cause.RESCUE, Cause.TEST, Cause.OVERRIDE, Cause.PRESS]),
    ),
    max_size=8,
)


@given(OUTPUTS, CLAIMS)
def test_a_lock_holds_at_0_and_else_the_highest_level_rules_by_rank(output: Output, claims: list[Claim]) -> None:
    order = derive_claims(output, curve(output), claims, NOW)
    assert len(order) <= MAX_STEPS
    for minute in range(61):
        moment = NOW + minute * MINUTE + MINUTE / 2
        running = [one for one in claims if one.start <= moment < one.until]
        steps = [one for one in order if one.start <= moment < one.until]
        assert len(steps) == bool(running)
        if not running:
            continue
        if any(one.cause is Cause.LOCK for one in running):
            assert (steps[0].level, steps[0].cause) == (0, Cause.LOCK)
            continue
        highest = max(output.keeps(one.level) for one in running)
        causes = {one.cause for one in running if output.keeps(one.level) == highest}
        assert (steps[0].level, steps[0].cause) == (highest, min(causes, key=CAUSE_RANK.index))


def test_a_quiet_cap_binds_no_rescue() -> None:
    cap = quiet(0, time(1, 0), time(5, 0))
    order = derive_claims(DIMMER, curve(DIMMER, cap), [claim(0, 30, 100, Cause.RESCUE)], NOW)
    assert [one.level for one in order] == [100]


def test_under_a_cap_the_warning_is_half_of_what_the_cap_leaves() -> None:
    cap = quiet(30, time(0, 30), time(5, 0))
    warned = replace(lease("a", 0, 12), warn=True)
    assert derive(DIMMER, [warned], NOW, cap) == (step(0, 11, "a", level=30), step(11, 12, "a", level=15))
