"""Which month or year a paper is about, and how much of it may be told."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from service.domain.inventory import Municipality
from service.domain.periods import midnight, months_on
from service.domain.sun import night_of, noon
from service.errors import InvalidError

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])", re.ASCII)
_YEAR = re.compile(r"\d{4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """A calendar month or year in local time, [start, end) in UTC; `label` is 2026-11 or 2026.

    What residents asked for is told of nights that are over: up to `told`, the local noon that was last, or the end.
    """

    label: str
    first: date
    start: datetime
    end: datetime
    told: datetime

    @property
    def provisional(self) -> bool:
        """Whether its last night goes on, or is still to come."""
        return self.told < self.end

    @property
    def yearly(self) -> bool:
        """Whether it is a year."""
        return len(self.label) == 4


def month_of(home: Municipality, text: str, now: datetime) -> Span:
    """The month that is written like 2026-11. InvalidError where it is not, or has not begun."""
    found = _MONTH.fullmatch(text)
    if found is None:
        raise InvalidError("month: write it like 2026-11.")
    return _span(home, text, date(int(found[1]) or 1, int(found[2]), 1), now)


def period_asked(home: Municipality, text: str, now: datetime) -> Span:
    """The month that is written like 2026-11, or the year like 2026. InvalidError where it is not, or has not begun."""
    if _YEAR.fullmatch(text):
        return _span(home, text, date(int(text) or 1, 1, 1), now)
    if _MONTH.fullmatch(text) is None:
        raise InvalidError("period: write a month like 2026-11, or a year like 2026.")
    return month_of(home, text, now)


def months_of(home: Municipality, span: Span, now: datetime) -> Iterator[Span]:
    """The months of a span that have begun."""
    if not span.yearly:
        yield span
        return
    for month in range(12):
        first = months_on(span.first, month)
        if midnight(first, home.place.tz) <= now:
            yield _span(home, f"{first:%Y-%m}", first, now)


def local_date(home: Municipality, moment: datetime) -> date:
    """The date of a moment by local time."""
    return moment.astimezone(ZoneInfo(home.place.tz)).date()


def local_time(moment: datetime, tz: str) -> str:
    """A moment in local time with its offset, as ISO 8601 has it."""
    return moment.astimezone(ZoneInfo(tz)).isoformat()


def _span(home: Municipality, label: str, first: date, now: datetime) -> Span:
    yearly, tz = len(label) == 4, home.place.tz
    what = "year" if yearly else "month"
    if not 2000 <= first.year < 2200:
        raise InvalidError(f"{what}: {label} is not between the years 2000 and 2199.")
    start, end = midnight(first, tz), midnight(months_on(first, 12 if yearly else 1), tz)
    if start > now:
        raise InvalidError(f"{what}: {label} has not begun in {home.name}; ask for one that has.")
    tonight = noon(night_of(now, tz), tz)
    return Span(label, first, start, end, max(start, min(end, tonight)))
