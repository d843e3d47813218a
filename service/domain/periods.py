"""Local hours, days, nights and months, as stretches of UTC: those with a change of clocks are shorter or longer."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.domain.entries import local_hour_of, local_hours
from service.domain.sun import night_of, noon
from service.domain.words import Period

_DAY = timedelta(days=1)
_LONGEST_HOUR = timedelta(hours=3)
"""A local hour in which clocks are set by half an hour lasts 90 minutes; this is well beyond any."""


def midnight(day: date, tz: str) -> datetime:
    """When a date begins, in UTC: local midnight, or where clocks skip it the moment at which they do."""
    return datetime.combine(day, time(), ZoneInfo(tz)).astimezone(UTC)


def month_of(moment: datetime, tz: str) -> date:
    """The first day of the local calendar month that `moment` lies in."""
    return moment.astimezone(ZoneInfo(tz)).date().replace(day=1)


def months_on(month: date, count: int) -> date:
    """The first day of the month that comes `count` months after that of `month`; before it where negative."""
    year, before = divmod(month.year * 12 + month.month - 1 + count, 12)
    return date(year, before + 1, 1)


def period_of(kind: Period, moment: datetime, tz: str) -> tuple[datetime, datetime]:
    """Beginning and end, in UTC, of the local hour, day, night or month that `moment` lies in."""
    if kind is Period.HOUR:
        start = local_hour_of(moment.astimezone(UTC), tz)
        return start, next(local_hours(start, start + _LONGEST_HOUR, tz))
    if kind is Period.NIGHT:
        evening = night_of(moment, tz)
        return noon(evening, tz), noon(evening + _DAY, tz)
    if kind is Period.DAY:
        day = moment.astimezone(ZoneInfo(tz)).date()
        return midnight(day, tz), midnight(day + _DAY, tz)
    month = month_of(moment, tz)
    return midnight(month, tz), midnight(months_on(month, 1), tz)


def periods(kind: Period, start: datetime, end: datetime, tz: str) -> Iterator[tuple[datetime, datetime]]:
    """All periods of a kind that touch [start, end), in order, each with its whole length."""
    while start < end:
        period = period_of(kind, start, tz)
        yield period
        start = period[1]


def label(kind: Period, start: datetime, tz: str) -> str:
    """The name of the period that begins at `start`: an hour's local time with its offset, a day's date, a night's
    date of the evening, a month as YYYY-MM."""
    local = start.astimezone(ZoneInfo(tz))
    if kind is Period.HOUR:
        return local.isoformat()
    if kind is Period.MONTH:
        return f"{local:%Y-%m}"
    return local.date().isoformat()
