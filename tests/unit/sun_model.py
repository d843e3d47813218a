"""A second model of the sun, to hold the service's against; astral and its NOAA formulas have no part in it.

Positions follow the "low precision formulas for the Sun's coordinates" of the Astronomical Almanac (section C;
the U.S. Naval Observatory prints the same as "Approximate Solar Coordinates"): 0.01 degrees from 1950 to 2050.
Crossings are found by walking through the night, so nothing is presumed about when, or how often, they happen.
"""

import math
from datetime import UTC, date, datetime, timedelta

from service.domain.sun import Place, noon

SUNSET, CIVIL = -0.833, -6.0
_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_STRIDE = timedelta(minutes=4)


def altitude(place: Place, moment: datetime) -> float:
    """The geometric altitude of the sun's centre in degrees, without refraction."""
    n = (moment - _J2000) / timedelta(days=1)
    anomaly = math.radians(357.528 + 0.9856003 * n)
    mean = 280.460 + 0.9856474 * n
    longitude = math.radians(mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.0000004 * n)
    ascension = math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(obliquity) * math.sin(longitude))
    sidereal_hours = 18.697374558 + 24.06570982441908 * n
    hour_angle = math.radians(sidereal_hours * 15 + place.lon) - ascension
    lat = math.radians(place.lat)
    sine = math.sin(lat) * math.sin(declination)
    sine += math.cos(lat) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def stretches_below(place: Place, evening: date, horizon: float) -> list[tuple[datetime, datetime]]:
    """When, from noon to noon, the sun's centre is below `horizon` degrees, to a tenth of a second."""
    start, end = noon(evening, place.tz), noon(evening + timedelta(days=1), place.tz)
    found: list[tuple[datetime, datetime]] = []
    sank = start if altitude(place, start) < horizon else None
    at = start
    while at < end:
        after = min(at + _STRIDE, end)
        below = altitude(place, after) < horizon
        if below and sank is None:
            sank = _crossing(place, at, after, horizon)
        elif not below and sank is not None:
            found.append((sank, _crossing(place, at, after, horizon)))
            sank = None
        at = after
    return found if sank is None else [*found, (sank, end)]


def _crossing(place: Place, before: datetime, after: datetime, horizon: float) -> datetime:
    was_below = altitude(place, before) < horizon
    while after - before > timedelta(milliseconds=100):
        middle = before + (after - before) / 2
        if (altitude(place, middle) < horizon) == was_below:
            before = middle
        else:
            after = middle
    return after
