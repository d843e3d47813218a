"""Values keep exactly what they are in the database's columns."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite

from service.domain.orders import OrderStep
from service.domain.schedule import Anchor, Schedule, Step
from service.domain.words import Cause
from service.store.codec import orders_from_json, orders_to_json, schedule_to_json
from service.store.columns import Money, UtcTime, from_us, to_us
from service.usecases.schedule_documents import schedule_from_json

DIALECT = sqlite.dialect()
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=OFFSETS)  # noqa: DTZ001 - bounds are naive, see `timezones`


@given(MOMENTS)
def test_a_moment_comes_back_to_the_microsecond_and_in_utc(moment: datetime) -> None:
    back = from_us(to_us(moment))
    assert back == moment
    assert back.tzinfo is UTC


@given(MOMENTS, MOMENTS)
def test_stored_moments_are_in_the_order_of_time(one: datetime, other: datetime) -> None:
    assert (to_us(one) < to_us(other)) == (one < other)


def test_a_moment_without_its_zone_is_refused() -> None:
    naive = datetime(2026, 11, 21, 23)  # noqa: DTZ001 - naive on purpose
    with pytest.raises(ValueError, match="2026-11-21T23:00:00: a moment without its time zone"):
        UtcTime().process_bind_param(naive, DIALECT)


def test_nothing_stays_nothing() -> None:
    assert UtcTime().process_bind_param(None, DIALECT) is None
    assert UtcTime().process_result_value(None, DIALECT) is None
    assert Money().process_bind_param(None, DIALECT) is None
    assert Money().process_result_value(None, DIALECT) is None


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_money_keeps_every_digit(amount: Decimal) -> None:
    back = Money().process_result_value(Money().process_bind_param(amount, DIALECT), DIALECT)
    assert back is not None
    assert back.as_tuple() == amount.as_tuple()


MINUTES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
STEPS = st.one_of(
    st.builds(
        Step, st.sampled_from([Anchor.SUNSET, Anchor.SUNRISE]), st.integers(0, 100), st.none(), st.integers(-720, 720)
    ),
    st.builds(Step, st.just(Anchor.CLOCK), st.integers(0, 100), MINUTES, st.integers(-720, 720)),
)


@given(st.lists(STEPS, max_size=20).map(tuple))
def test_a_schedule_comes_back_as_it_was(steps: tuple[Step, ...]) -> None:
    assert schedule_from_json(schedule_to_json(Schedule(steps))) == Schedule(steps)


ORDERS = st.lists(
    st.builds(
        OrderStep, MOMENTS, st.integers(0, 100), MOMENTS, st.sampled_from(Cause), st.none() | st.text(max_size=32)
    ),
    max_size=8,
).map(tuple)


@given(st.none() | st.dictionaries(st.integers(1, 8), ORDERS))
def test_orders_come_back_as_they_were(orders: dict[int, tuple[OrderStep, ...]] | None) -> None:
    assert orders_from_json(orders_to_json(orders)) == orders
