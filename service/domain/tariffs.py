"""What energy costs in money and CO2, by the dated tables of a municipality.

An entry of a table is in force from the local midnight of its date until the next one is. Money is in the
municipality's currency, CO2 in kg. Nothing is rounded here, so that sums of parts are true; round what is shown.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from service.domain.inventory import EmissionFactor, FixedPrice, Municipality, Price
from service.domain.periods import midnight

Row = TypeVar("Row", Price, FixedPrice, EmissionFactor)

_MWH_PER_KWH = 1_000_000
_G_PER_KG = 1000


@dataclass(frozen=True, slots=True)
class Cost:
    """What energy costs: money, and kg of CO2. None where no entry of the table is in force: never a zero that looks
    like an answer."""

    money: Decimal | None = Decimal()
    co2_kg: Decimal | None = Decimal()

    def __add__(self, other: "Cost") -> "Cost":
        """Both together; None where one of them has none."""
        return Cost(_both(self.money, other.money), _both(self.co2_kg, other.co2_kg))


@dataclass(frozen=True, slots=True)
class Total:
    """A sum of costs, and the names of the parts that have no money or no CO2: because of them it has none either."""

    cost: Cost
    without_money: tuple[str, ...] = ()
    without_co2: tuple[str, ...] = ()


class InForce(NamedTuple, Generic[Row]):
    """An entry of a table and when it is in force within an asked time, [start, end). No entry: before the first."""

    start: datetime
    end: datetime
    entry: Row | None


@dataclass(frozen=True, slots=True)
class Sources:
    """What a time is counted by, in order of time and without gaps: the entries name their sources."""

    prices: tuple[InForce[Price], ...]
    fixed_prices: tuple[InForce[FixedPrice], ...]
    emission_factors: tuple[InForce[EmissionFactor], ...]


def cost(home: Municipality, start: datetime, energy_mwh: int) -> Cost:
    """What energy costs that was used from `start` on and before anything changed, by the local date of `start`: the
    date of the evening would count the hours after midnight by the day before."""
    day = start.astimezone(ZoneInfo(home.place.tz)).date()
    price, factor = home.price_on(day), home.emission_factor_on(day)
    return Cost(
        None if price is None else price.per_kwh * energy_mwh / _MWH_PER_KWH,
        None if factor is None else Decimal(factor.g_per_kwh) * energy_mwh / _MWH_PER_KWH / _G_PER_KG,
    )


def total(parts: Iterable[tuple[str, Cost]]) -> Total:
    """The sum of named costs; without parts it is zero."""
    named = list(parts)
    return Total(
        sum((part for _, part in named), Cost()),
        tuple(name for name, part in named if part.money is None),
        tuple(name for name, part in named if part.co2_kg is None),
    )


def fixed_cost(home: Municipality, start: datetime, end: datetime) -> Decimal | None:
    """What the supply costs in [start, end) whatever is used: the price of a year, spread evenly over the seconds of
    each local year. None where no fixed price is in force for some of it."""
    money = Decimal()
    for since, until, entry in _in_force(home.fixed_prices, home.place.tz, start, end):
        if entry is None:
            return None
        for seconds, year in _by_year(since, until, home.place.tz):
            money += entry.per_year * seconds / year
    return money


def changes(home: Municipality, start: datetime, end: datetime) -> list[datetime]:
    """The local midnights within (start, end), in UTC, at which the price of energy or the emission factor changes:
    a sum over one of them cannot be counted as a whole."""
    found = {part.start for part in _in_force(home.prices, home.place.tz, start, end)}
    found |= {part.start for part in _in_force(home.emission_factors, home.place.tz, start, end)}
    return sorted(found - {start})


def sources(home: Municipality, start: datetime, end: datetime) -> Sources:
    """The entries that were in force within [start, end)."""
    tz = home.place.tz
    return Sources(
        tuple(_in_force(home.prices, tz, start, end)),
        tuple(_in_force(home.fixed_prices, tz, start, end)),
        tuple(_in_force(home.emission_factors, tz, start, end)),
    )


def _both(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one + other


def _in_force(table: Sequence[Row], tz: str, start: datetime, end: datetime) -> Iterator[InForce[Row]]:
    """The stretches of [start, end) by entry. Entries of one date: the first holds, as in Municipality."""
    if start >= end:
        return
    zone = ZoneInfo(tz)
    by_date: dict[date, Row] = {}
    for row in table:
        by_date.setdefault(row.valid_from, row)
    first, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    past = [day for day in by_date if day <= first]
    entry = by_date[max(past)] if past else None
    since = start
    for day in sorted(day for day in by_date if first < day <= last):
        change = midnight(day, tz)
        if since < change < end:
            yield InForce(since, change, entry)
            since = change
        entry = by_date[day] if change < end else entry
    yield InForce(since, end, entry)


def _by_year(start: datetime, end: datetime, tz: str) -> Iterator[tuple[Decimal, Decimal]]:
    """For each local year that [start, end) touches: its seconds within, and all its seconds."""
    zone = ZoneInfo(tz)
    while start < end:
        year = start.astimezone(zone).year
        begins, ends = midnight(date(year, 1, 1), tz), midnight(date(year + 1, 1, 1), tz)
        yield _seconds(start, min(end, ends)), _seconds(begins, ends)
        start = ends


def _seconds(start: datetime, end: datetime) -> Decimal:
    """Exactly: a timedelta's total_seconds() is a float."""
    span = end - start
    return Decimal(span.days * 86_400 + span.seconds) + Decimal(span.microseconds) / 1_000_000
