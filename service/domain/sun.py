"""Sunset and sunrise of a night, also where the sun does not set or does not rise.

Positions of the sun come from astral (NOAA's algorithm). A night runs from noon to noon local time and
belongs to the date of its evening.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import astral
import astral.sun


@dataclass(frozen=True, slots=True)
class Place:
    """A position on WGS84 (degrees) and the IANA name of its time zone."""

    lat: float
    lon: float
    tz: str


@dataclass(frozen=True, slots=True)
class Night:
    """One night: noon to noon, and the sun's part in it. All times in UTC.

    `sunset <= sunrise`, both within [start, end]. Where the sun stays up both are solar midnight (a night of
    no length); where it stays down they are the night's start and end.
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


def _events(place: Place, day: date, *, rising: bool) -> list[datetime]:
    """Sunrises or sunsets of the night of `day`; none where the sun does not cross the horizon."""
    observer = astral.Observer(latitude=place.lat, longitude=place.lon)
    find = astral.sun.sunrise if rising else astral.sun.sunset
    start, end = noon(day, place.tz), noon(day + timedelta(days=1), place.tz)
    found = []
    for solar_day in (day, day + timedelta(days=1)):
        try:
            moment = find(observer, date=solar_day, tzinfo=_zone(place.tz)).astimezone(UTC).replace(microsecond=0)
        except ValueError:  # astral's word for a sun that does not reach the horizon on that day
            continue
        if start <= moment <= end:
            found.append(moment)
    return found


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
    sunset = min(_events(place, day, rising=False), default=None)
    sunrise = max(_events(place, day, rising=True), default=None)
    if sunset is None or sunrise is None:
        middle = _solar_midnight(place, start, end)
        observer = astral.Observer(latitude=place.lat, longitude=place.lon)
        if astral.sun.elevation(observer, middle) > HORIZON:
            sunset = sunrise = middle
        else:
            sunset, sunrise = sunset or start, sunrise or end
    return Night(day, start, end, sunset, max(sunset, sunrise))


HORIZON = -0.833
"""Degrees: the centre of the sun at sunrise and sunset, refraction and half its width taken off."""


def is_daylight(place: Place, moment: datetime) -> bool:
    """Whether the sun is up: before the sunset or after the sunrise of the moment's night."""
    tonight = night(place, night_of(moment, place.tz))
    return not tonight.sunset <= moment < tonight.sunrise
