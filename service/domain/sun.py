"""Sunset and sunrise of a night, also where the sun does not set or does not rise.

Positions of the sun come from astral (NOAA's algorithm). Its own sunset and sunrise answer for a calendar day
and miss one that slips past midnight in a northern summer, so the crossings are searched here. A night runs
from noon to noon local time and belongs to the date of its evening.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import astral
import astral.sun

HORIZON = -0.833
"""Degrees: the centre of the sun at sunrise and sunset, refraction and half its width taken off."""

CIVIL = -6.0
"""Degrees: the centre of the sun at civil dusk and dawn."""

_HALF_DAY = timedelta(hours=12)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A position on WGS84 (degrees), the IANA name of its time zone, and the region whose holidays it keeps.

    `region` is an ISO 3166-2 code such as DE-SH, or empty where no schedule asks for holidays.
    """

    lat: float
    lon: float
    tz: str
    region: str = ""


@dataclass(frozen=True, slots=True)
class Night:
    """One night: noon to noon, and the sun's part in it. All times in UTC.

    `sunset <= sunrise`, both within [start, end] and to the second. Where the sun stays up both are solar
    midnight (a night of no length); where it is down at noon already they are the night's start and end.
    """

    date: date
    start: datetime
    end: datetime
    sunset: datetime
    sunrise: datetime


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def noon(day: date, tz: str) -> datetime:
    """Local noon of a date, in UTC."""
    return datetime.combine(day, time(12), _zone(tz)).astimezone(UTC)


def night_of(moment: datetime, tz: str) -> date:
    """The date of the evening of the night in which `moment` lies."""
    local = moment.astimezone(_zone(tz))
    return local.date() if local.hour >= 12 else local.date() - timedelta(days=1)


def _height(place: Place, moment: datetime, horizon: float) -> float:
    """Degrees by which the sun's centre stands above `horizon`."""
    observer = astral.Observer(latitude=place.lat, longitude=place.lon)
    return astral.sun.elevation(observer, moment, with_refraction=False) - horizon


def _crossing(place: Place, by_day: datetime, at_night: datetime, horizon: float) -> datetime | None:
    """The first second after the sun crosses `horizon` between two moments; None if it is below by day too.

    Regula falsi after the Illinois rule, on whole seconds: a sine is met in about eight steps.
    """
    above, below = _height(place, by_day, horizon), _height(place, at_night, horizon)
    if above <= 0:
        return None
    towards = _SECOND if by_day < at_night else -_SECOND
    last = 0
    while abs(at_night - by_day) > _SECOND:
        length = -(-(at_night - by_day) // towards)
        step = min(max(round(length * above / (above - below)), 1), length - 1)
        moment = by_day + step * towards
        height = _height(place, moment, horizon)
        if height > 0:
            by_day, above, below, last = moment, height, below / 2 if last > 0 else below, 1
        else:
            at_night, below, above, last = moment, height, above / 2 if last < 0 else above, -1
    return max(by_day, at_night)


def _solar_midnight(place: Place, start: datetime, end: datetime) -> datetime:
    observer = astral.Observer(latitude=place.lat, longitude=place.lon)
    middle = start + (end - start) / 2
    candidates = (
        astral.sun.midnight(observer, date=middle.date() + timedelta(days=step)).astimezone(UTC) for step in (0, 1)
    )
    nearest = min(candidates, key=lambda moment: abs(moment - middle))
    return min(max(nearest, start), end)


@lru_cache(maxsize=4096)
def night(place: Place, day: date) -> Night:
    """The night of the evening of `day` at `place`."""
    start, end = noon(day, place.tz), noon(day + timedelta(days=1), place.tz)
    return Night(day, start, end, *_below(place, start, end, HORIZON))


@lru_cache(maxsize=4096)
def twilight(place: Place, day: date) -> tuple[datetime, datetime]:
    """Civil dusk and dawn of a night, by the same rules as its sunset and sunrise."""
    tonight = night(place, day)
    return _below(place, tonight.start, tonight.end, CIVIL)


def _below(place: Place, start: datetime, end: datetime, horizon: float) -> tuple[datetime, datetime]:
    """When in a night the sun sinks below `horizon`, and when it rises above it again."""
    middle = _solar_midnight(place, start, end)
    if _height(place, middle, horizon) > 0:
        return middle, middle
    sinks = _crossing(place, max(start, middle - _HALF_DAY), middle, horizon) or start
    rises = _crossing(place, min(end, middle + _HALF_DAY), middle, horizon) or end
    return sinks, rises
