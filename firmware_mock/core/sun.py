"""Sunset and sunrise by NOAA's formulas, and the nights between them. UTC milliseconds, degrees."""

import math

from firmware_mock.core.posix_tz import DAY, Zone

_MINUTE = 60000
_HALF_DAY = DAY // 2
_HORIZON = -0.833
"""The elevation of the sun's centre at sunset: half its width and the refraction below the horizon."""


def _sun(days: float) -> tuple[float, float]:
    """Declination (degrees) and equation of time (minutes), `days` after 2000-01-01 12:00 UTC."""
    century = days / 36525
    mean_longitude = math.radians((280.46646 + century * (36000.76983 + century * 0.0003032)) % 360)
    anomaly = math.radians((357.52911 + century * (35999.05029 - century * 0.0001537)) % 360)
    eccentricity = 0.016708634 - century * (0.000042037 + century * 0.0000001267)
    centre = (
        math.sin(anomaly) * (1.914602 - century * (0.004817 + century * 0.000014))
        + math.sin(2 * anomaly) * (0.019993 - century * 0.000101)
        + math.sin(3 * anomaly) * 0.000289
    )
    node = math.radians(125.04 - 1934.136 * century)
    longitude = mean_longitude + math.radians(centre - 0.00569 - 0.00478 * math.sin(node))
    mean_obliquity = 23.4392911 - century * (0.0130042 + century * (0.00000016 - century * 0.000000504))
    obliquity = math.radians(mean_obliquity + 0.00256 * math.cos(node))
    declination = math.degrees(math.asin(math.sin(obliquity) * math.sin(longitude)))
    y = math.tan(obliquity / 2) ** 2
    equation = (
        y * math.sin(2 * mean_longitude)
        - 2 * eccentricity * math.sin(anomaly)
        + 4 * eccentricity * y * math.sin(anomaly) * math.cos(2 * mean_longitude)
        - 0.5 * y * y * math.sin(4 * mean_longitude)
        - 1.25 * eccentricity * eccentricity * math.sin(2 * anomaly)
    )
    return declination, 4 * math.degrees(equation)


def is_up(moment: int, lat: float, lon: float) -> bool:
    """Whether any part of the sun is above the horizon."""
    declination, equation = _sun((moment // 1000 - 946728000) / 86400)
    angle = math.radians(((moment % DAY) / _MINUTE + equation) / 4 + lon - 180)
    lat_r, declination_r = math.radians(lat), math.radians(declination)
    sine = math.sin(lat_r) * math.sin(declination_r)
    sine += math.cos(lat_r) * math.cos(declination_r) * math.cos(angle)
    return sine > math.sin(math.radians(_HORIZON))


class Night:
    """One night, noon to noon local time; `sunset` <= `sunrise` both within it.

    Where the sun stays up both are solar midnight, where it stays down they are the night's start and end.
    """

    def __init__(self, day: int, lat: float, lon: float, zone: Zone) -> None:
        self.day = day
        self.start = zone.utc(day * DAY + _HALF_DAY)
        self.end = zone.utc((day + 1) * DAY + _HALF_DAY)
        middle = self._solar_midnight(lon)
        self.sunset = self.sunrise = middle
        if not is_up(middle, lat, lon):
            self.sunset = _crossing(max(self.start, middle - _HALF_DAY), middle, lat, lon, self.start)
            self.sunrise = _crossing(min(self.end, middle + _HALF_DAY), middle, lat, lon, self.end)

    def _solar_midnight(self, lon: float) -> int:
        middle = (self.start + self.end) // 2
        equation = _sun((middle // 1000 - 946728000) / 86400)[1]
        shift = int(-lon * 4 * _MINUTE - equation * _MINUTE)
        nearest = (middle - shift + _HALF_DAY) // DAY * DAY + shift
        return min(max(nearest, self.start), self.end) // 1000 * 1000


def _crossing(by_day: int, at_night: int, lat: float, lon: float, otherwise: int) -> int:
    """The first whole second after the sun crosses the horizon between two moments; `otherwise` if it does not."""
    if not is_up(by_day, lat, lon):
        return otherwise
    while abs(at_night - by_day) > 1000:
        middle = (by_day + at_night) // 2000 * 1000
        if is_up(middle, lat, lon):
            by_day = middle
        else:
            at_night = middle
    return max(by_day, at_night)


def night_day(moment: int, zone: Zone) -> int:
    """The day (since 1970) on whose evening the night of `moment` begins."""
    return (moment + zone.offset(moment) - _HALF_DAY) // DAY
