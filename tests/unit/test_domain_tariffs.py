"""Tariffs: what energy costs by dated tables, right to the minute at a local midnight."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.inventory import EmissionFactor, FixedPrice, Municipality, Price
from service.domain.tariffs import Cost, changes, cost, fixed_cost, sources, total
from tests.unit.villages import BERLIN, luetjenholm

CHEAP = Price(date(2026, 1, 1), Decimal("0.30"), "contract of 2025")
DEAR = Price(date(2026, 6, 15), Decimal("0.35"), "contract of 2026")
DIRTY = EmissionFactor(date(2026, 1, 1), 400, "agency, 2024")
CLEAN = EmissionFactor(date(2026, 7, 1), 350, "agency, 2025")
OLD_FEE = FixedPrice(date(2026, 1, 1), Decimal(365), "grid, 2026")
NEW_FEE = FixedPrice(date(2026, 6, 15), Decimal(730), "grid, June")
HOME: Municipality = replace(
    luetjenholm().municipality,
    prices=(DEAR, CHEAP),
    emission_factors=(DIRTY, CLEAN),
    fixed_prices=(OLD_FEE, NEW_FEE),
)
MIDNIGHT = datetime(2026, 6, 14, 22, tzinfo=UTC)
"""The local midnight at which both prices change: 15 June in Berlin."""
A_MOMENT = timedelta(microseconds=1)


def local(year: int, month: int = 1, day: int = 1, hour: int = 0) -> datetime:
    """A moment of local time, in UTC."""
    return datetime(year, month, day, hour, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)


def test_a_kilowatt_hour_costs_its_price_and_its_grams() -> None:
    assert cost(HOME, local(2026, 3), 1_000_000) == Cost(Decimal("0.30"), Decimal("0.4"))
    assert cost(HOME, local(2026, 3), 1) == Cost(Decimal("0.0000003"), Decimal("0.0000004")), "nothing is rounded"


def test_a_price_changes_at_local_midnight_and_not_with_the_date_of_the_evening() -> None:
    assert cost(HOME, MIDNIGHT - A_MOMENT, 1_000_000).money == CHEAP.per_kwh
    assert cost(HOME, MIDNIGHT, 1_000_000).money == DEAR.per_kwh
    assert cost(HOME, local(2026, 6, 15, 3), 1_000_000).money == DEAR.per_kwh, "the night of the 14th, after midnight"


def test_before_the_first_entry_nothing_is_known() -> None:
    assert cost(HOME, local(2026) - A_MOMENT, 1_000_000) == Cost(None, None)
    assert cost(replace(HOME, emission_factors=()), local(2026, 3), 1_000_000) == Cost(Decimal("0.30"), None)


def test_a_sum_with_an_unknown_part_is_unknown_and_says_which_part() -> None:
    parts = [("may", Cost(Decimal(1), Decimal(2))), ("june", Cost(None, Decimal(3))), ("july", Cost(Decimal(4), None))]
    found = total(parts)
    assert found.cost == Cost(None, None)
    assert (found.without_money, found.without_co2) == (("june",), ("july",))
    assert total(parts[:1]).cost == Cost(Decimal(1), Decimal(2))
    assert total([]).cost == Cost(Decimal(0), Decimal(0))


def test_changes_are_the_local_midnights_within() -> None:
    assert changes(HOME, local(2026), local(2027)) == [MIDNIGHT, local(2026, 7)]
    assert changes(HOME, local(2025), local(2027)) == [local(2026), MIDNIGHT, local(2026, 7)]
    assert changes(HOME, MIDNIGHT, local(2026, 7)) == [], "neither end is within"
    assert changes(HOME, MIDNIGHT - A_MOMENT, MIDNIGHT + A_MOMENT) == [MIDNIGHT]


@given(
    st.lists(st.dates(date(2025, 12, 1), date(2026, 12, 31)), max_size=4),
    st.timedeltas(timedelta(), timedelta(days=330)),
    st.timedeltas(timedelta(hours=1), timedelta(days=90)),
)
def test_between_changes_the_price_stays(days: list[date], after: timedelta, length: timedelta) -> None:
    start = local(2026) + after
    home = replace(HOME, prices=tuple(Price(day, Decimal(n + 1), "x") for n, day in enumerate(days)))
    cuts = [start, *changes(home, start, start + length), start + length]
    for since, until in pairwise(cuts):
        steps = [since + (until - since) * n / 7 for n in range(7)]
        assert len({cost(home, moment, 1000) for moment in (*steps, until - A_MOMENT)}) == 1


def test_a_year_s_fixed_price_is_spread_evenly_over_its_own_seconds() -> None:
    assert fixed_cost(HOME, local(2026, 1, 1), local(2026, 1, 31, 12)) == Decimal("30.5")
    later = replace(HOME, fixed_prices=(OLD_FEE,))
    assert fixed_cost(later, local(2026), local(2027)) == 365
    assert fixed_cost(later, local(2028), local(2029)) == 365, "a leap year costs as much"
    assert fixed_cost(later, local(2027, 12, 31), local(2028, 1, 2)) == 1 + Decimal(365) / 366
    assert fixed_cost(later, local(2027, 3), local(2027, 3)) == 0


def test_the_day_on_which_clocks_change_has_its_own_length() -> None:
    assert fixed_cost(HOME, local(2026, 3, 29), local(2026, 3, 30)) == Decimal(23) / 24


def test_a_fixed_price_that_changes_within_a_month_is_right_to_the_minute() -> None:
    assert fixed_cost(HOME, local(2026, 6), local(2026, 7)) == 14 + 2 * 16
    minute = timedelta(minutes=1)
    assert fixed_cost(HOME, MIDNIGHT - minute, MIDNIGHT + minute) == pytest.approx(
        3 * Decimal(1) / 1440, abs=Decimal("1e-20")
    )


def test_a_fixed_price_that_is_unknown_for_a_while_is_unknown() -> None:
    assert fixed_cost(HOME, local(2025, 12, 31), local(2026, 2)) is None
    assert fixed_cost(replace(HOME, fixed_prices=()), local(2026), local(2027)) is None


def test_sources_name_the_entries_and_when_they_were_in_force() -> None:
    start, end = local(2025, 12), local(2026, 7)
    found = sources(HOME, start, end)
    assert [tuple(part) for part in found.prices] == [
        (start, local(2026), None),
        (local(2026), MIDNIGHT, CHEAP),
        (MIDNIGHT, end, DEAR),
    ]
    assert [part.entry for part in found.fixed_prices] == [None, OLD_FEE, NEW_FEE]
    assert [part.entry for part in found.emission_factors] == [None, DIRTY], "the one from the end on is not used"
