"""Sunset, dusk, dawn and sunrise by NOAA's formulas, and the nights around them. UTC milliseconds, degrees."""

import math

from firmware_mock.core.posix_tz import DAY, Zone

_MINUTE = 60000
_HALF_DAY = DAY // 2
_HORIZON = -0.833
"""The elevation of the sun's centre at sunset: half its width and the refraction below the horizon."""
_CIVIL = -6.0
"""The elevation of the sun's centre at civil dusk and dawn."""
_EPOCH = 946728000
"""Seconds from 1970 to 2000-01-01 12:00 UTC."""


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


def is_up(moment: int, lat: float, lon: float, horizon: float) -> bool:
    """Whether the sun's centre is above the elevation `horizon`."""
    declination, equation = _sun((moment // 1000 - _EPOCH) / 86400)
    angle = math.radians(((moment % DAY) / _MINUTE + equation) / 4 + lon - 180)
    lat_r, declination_r = math.radians(lat), math.radians(declination)
    sine = math.sin(lat_r) * math.sin(declination_r)
    sine += math.cos(lat_r) * math.cos(declination_r) * math.cos(angle)
    return sine > math.sin(math.radians(horizon))


class Night:
    """One night, noon to noon local time; `sunset` <= `dusk` <= `dawn` <= `sunrise`, all within it.

    Where the sun stays above the elevation that a pair is about, both are solar midnight; where it is below that
    at noon already, they are the night's start and end.
    """

    def __init__(self, day: int, lat: float, lon: float, zone: Zone) -> None:
        self.day = day
        self.start = zone.utc(day * DAY + _HALF_DAY)
        self.end = zone.utc((day + 1) * DAY + _HALF_DAY)
        self.sunset, self.sunrise = self._below(lat, lon, _HORIZON)
        self.dusk, self.dawn = self._below(lat, lon, _CIVIL)

    def _below(self, lat: float, lon: float, horizon: float) -> tuple[int, int]:
        """When the sun sinks below `horizon`, and when it rises above it again."""
        middle = self._solar_midnight(lon)
        if is_up(middle, lat, lon, horizon):
            return middle, middle
        sinks = _crossing(max(self.start, middle - _HALF_DAY), middle, lat, lon, horizon)
        rises = _crossing(min(self.end, middle + _HALF_DAY), middle, lat, lon, horizon)
        return self.start if sinks is None else sinks, self.end if rises is None else rises

    def _solar_midnight(self, lon: float) -> int:
        middle = (self.start + self.end) // 2
        mean = int(-lon * 4 * _MINUTE)
        utc_day = (middle - mean + _HALF_DAY) // DAY * DAY
        # The service's model takes the equation of time a day on. Poles must switch when it says, so they do, too.
        equation = _sun(((utc_day + DAY + mean) // 1000 - _EPOCH) / 86400)[1]
        nearest = utc_day + mean - int(equation * _MINUTE)
        return min(max(nearest, self.start), self.end) // 1000 * 1000


def _crossing(by_day: int, at_night: int, lat: float, lon: float, horizon: float) -> int | None:
    """The first whole second after the sun crosses `horizon` between two moments; None if it is below by day too."""
    if not is_up(by_day, lat, lon, horizon):
        return None
    while abs(at_night - by_day) > 1000:
        middle = (by_day + at_night) // 2000 * 1000
        if is_up(middle, lat, lon, horizon):
            by_day = middle
        else:
            at_night = middle
    return max(by_day, at_night)


def night_day(moment: int, zone: Zone) -> int:
    """The day (since 1970) on whose evening the night of `moment` begins."""
    return (moment + zone.offset(moment) - _HALF_DAY) // DAY
