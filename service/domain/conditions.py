"""On which nights a rule applies."""

import calendar
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays


@dataclass(frozen=True, slots=True)
class Dates:
    """A range of dates, both ends included; without years it comes back every year, and may span New Year."""

    first: tuple[int, int]
    last: tuple[int, int]
    first_year: int | None = None
    last_year: int | None = None

    def __post_init__(self) -> None:
        """Refuse dates that do not exist and ranges that end before they begin."""
        if (self.first_year is None) != (self.last_year is None):
            raise ValueError("dates: give a year at both ends or at none")
        for name, (month, day), year in (("first", self.first, self.first_year), ("last", self.last, self.last_year)):
            try:
                date(2000 if year is None else year, month, day)  # 2000 was a leap year
            except ValueError as error:
                raise ValueError(f"dates.{name}: {month}-{day} is no date") from error
        if self.first_year is not None and (self.last_year or 0, *self.last) < (self.first_year, *self.first):
            raise ValueError("dates: the range ends before it begins")

    def hold(self, day: date) -> bool:
        """Whether a date lies within."""
        if self.first_year is not None and self.last_year is not None:
            return (self.first_year, *self.first) <= (day.year, day.month, day.day) <= (self.last_year, *self.last)
        at = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= at <= self.last
        return at >= self.first or at <= self.last


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """The nth weekday of a month: `weekday` 0 is Monday; `n` 1 to 5, or -1 for the last."""

    n: int
    weekday: int

    def __post_init__(self) -> None:
        """Refuse what no month has."""
        if self.n not in (-1, 1, 2, 3, 4, 5):
            raise ValueError(f"nth.n: {self.n} is not 1 to 5, nor -1 for the last")
        if not 0 <= self.weekday <= 6:
            raise ValueError(f"nth.weekday: {self.weekday} is not between 0 (Monday) and 6")

    def holds(self, day: date) -> bool:
        """Whether a date is that weekday."""
        if day.weekday() != self.weekday:
            return False
        if self.n == -1:
            return day.day + 7 > calendar.monthrange(day.year, day.month)[1]
        return (day.day - 1) // 7 + 1 == self.n


@dataclass(frozen=True, slots=True)
class Conditions:
    """What must all be true of a night's date; what is left empty asks for nothing.

    `weekdays` 0 is Monday; `holiday` True asks for a public holiday of the region, False for none.
    """

    weekdays: tuple[int, ...] = ()
    months: tuple[int, ...] = ()
    dates: tuple[Dates, ...] = ()
    nth: tuple[NthWeekday, ...] = ()
    holiday: bool | None = None

    def __post_init__(self) -> None:
        """Refuse weekdays and months that do not exist."""
        for name, values, low, high in (("weekdays", self.weekdays, 0, 6), ("months", self.months, 1, 12)):
            for value in values:
                if not low <= value <= high:
                    raise ValueError(f"{name}: {value} is not between {low} and {high}")

    def hold(self, day: date, region: str) -> bool:
        """Whether they hold for the night of the evening of `day`."""
        return (
            (not self.weekdays or day.weekday() in self.weekdays)
            and (not self.months or day.month in self.months)
            and (not self.dates or any(dates.hold(day) for dates in self.dates))
            and (not self.nth or any(nth.holds(day) for nth in self.nth))
            and (self.holiday is None or is_holiday(day, region) == self.holiday)
        )


ALWAYS = Conditions()


@lru_cache(maxsize=64)
def _calendar(region: str, year: int) -> frozenset[date]:
    country, _, part = region.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))


def is_holiday(day: date, region: str) -> bool:
    """Whether a date is a public holiday of an ISO 3166-2 region; without a region none is."""
    return bool(region) and day in _calendar(region, day.year)


def known_region(region: str) -> bool:
    """Whether we know the holidays of a region."""
    country, dash, part = region.partition("-")
    supported = holidays.list_supported_countries()
    return country in supported and (not dash or part in supported[country])
