"""Orders: presses merge, the highest level holds at every moment, and no press takes light from another."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.inventory import Output, OutputKey, ZoneKey
from service.domain.leases import Lease
from service.domain.orders import MAX_STEPS, Order, OrderStep, ahead, derive, level_of
from service.domain.words import Cause
from tests.unit.villages import utc

STREET, CORNER = ZoneKey("leck", "hauptstrasse"), ZoneKey("leck", "kreuzung")
DIMMER = Output(OutputKey("leck", "lamp-1", 1), "hauptstrasse", min_level=10)
RELAY = Output(OutputKey("leck", "cabinet-1", 1), "hauptstrasse", step=100)
NOW = utc("2026-11-20T00:00")
MINUTE = timedelta(minutes=1)


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
