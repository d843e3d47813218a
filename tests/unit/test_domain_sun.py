"""Sunset and sunrise against a model of the sun written for this test, and where the sun never sets or rises."""

import itertools
import math
from datetime import UTC, date, datetime, timedelta

import pytest

from service.domain.sun import Night, Place, is_daylight, night, night_of, noon
from tests.unit.villages import BERLIN, utc

LUETJENHOLM = Place(54.70, 9.05, BERLIN)
J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
NORTHERN = [
    Place(65.0, 25.5, "Europe/Helsinki"),
    Place(69.0, 20.0, "Europe/Oslo"),
    Place(70.66, 23.68, "Europe/Oslo"),
    Place(68.97, 33.08, "Europe/Moscow"),
]


def altitude(place: Place, moment: datetime) -> float:
    """The sun's geometric altitude in degrees, by mean elements and sidereal time (good to 0.01 degrees)."""
    days = (moment - J2000) / timedelta(days=1)
    anomaly = math.radians(357.5291 + 0.98560028 * days)
    centre = 1.9148 * math.sin(anomaly) + 0.02 * math.sin(2 * anomaly) + 0.0003 * math.sin(3 * anomaly)
    longitude = math.radians(280.4665 + 0.98564736 * days + centre - 0.0057)
    tilt = math.radians(23.4393 - 0.0000004 * days)
    ascension = math.atan2(math.cos(tilt) * math.sin(longitude), math.cos(longitude))
    declination = math.asin(math.sin(tilt) * math.sin(longitude))
    sidereal = math.radians(280.46062 + 360.98564737 * days + place.lon)
    lat = math.radians(place.lat)
    up = math.sin(lat) * math.sin(declination)
    return math.degrees(math.asin(up + math.cos(lat) * math.cos(declination) * math.cos(sidereal - ascension)))


def crossing(place: Place, up: datetime, down: datetime) -> datetime:
    """When the sun's upper edge meets the horizon between a moment with the sun up and one with it down."""
    while abs(up - down) > timedelta(milliseconds=100):
        middle = up + (down - up) / 2
        up, down = (middle, down) if altitude(place, middle) > -0.833 else (up, middle)
    return down


def nights_of(place: Place, year: int) -> list[Night]:
    return [night(place, date(year, 1, 1) + timedelta(days=n)) for n in range(366)]


def test_sunset_and_sunrise_agree_with_an_independent_model_over_a_year() -> None:
    for tonight in nights_of(LUETJENHOLM, 2026):
        midnight = tonight.sunset + (tonight.sunrise - tonight.sunset) / 2
        half = timedelta(hours=12)
        for found, expected in [
            (tonight.sunset, crossing(LUETJENHOLM, midnight - half, midnight)),
            (tonight.sunrise, crossing(LUETJENHOLM, midnight + half, midnight)),
        ]:
            assert abs(found - expected) < timedelta(seconds=60), tonight.date


def test_sunset_and_sunrise_agree_with_published_times() -> None:
    london = Place(51.507, -0.128, "Europe/London")
    shortest = night(london, date(2024, 6, 20))  # printed in almanacs as 21:21 and 04:43 summer time
    assert abs(shortest.sunset - utc("2024-06-20T20:21:30")) < timedelta(seconds=90)
    assert abs(shortest.sunrise - utc("2024-06-21T03:43:30")) < timedelta(seconds=90)


@pytest.mark.parametrize("place", [LUETJENHOLM, *NORTHERN], ids=str)
def test_the_sun_is_down_in_a_night_and_the_nights_change_gently(place: Place) -> None:
    nights = nights_of(place, 2026)
    for tonight in nights:
        assert tonight.start <= tonight.sunset <= tonight.sunrise <= tonight.end
        if tonight.sunset < tonight.sunrise:
            middle = tonight.sunset + (tonight.sunrise - tonight.sunset) / 2
            assert altitude(place, middle) < -0.8
        else:
            assert altitude(place, tonight.sunset) > -0.9
    for before, after in itertools.pairwise(nights):
        lengths = (before.sunrise - before.sunset, after.sunrise - after.sunset)
        assert abs(lengths[0] - lengths[1]) < timedelta(minutes=95), after.date


def test_a_sunset_past_midnight_belongs_to_the_evening_before() -> None:
    oulu = night(Place(65.0, 25.5, "Europe/Helsinki"), date(2026, 7, 4))
    assert abs(oulu.sunset - utc("2026-07-04T21:01:00")) < timedelta(minutes=3)  # 00:01 local time


@pytest.mark.parametrize("place", NORTHERN[1:], ids=str)
def test_a_white_night_has_no_length_and_a_polar_night_lasts_from_noon_to_noon(place: Place) -> None:
    white, polar = night(place, date(2026, 6, 21)), night(place, date(2026, 12, 21))
    assert white.sunset == white.sunrise
    assert (polar.sunset, polar.sunrise) == (polar.start, polar.end)
    hours = [noon(date(2026, 6, 21), place.tz) + timedelta(hours=n) for n in range(24)]
    assert all(is_daylight(place, hour) for hour in hours)


def test_a_polar_night_stays_whole_where_solar_noon_comes_after_noon() -> None:
    murmansk = night(Place(68.97, 33.08, "Europe/Moscow"), date(2026, 12, 21))
    assert (murmansk.sunset, murmansk.sunrise) == (murmansk.start, murmansk.end)


def test_the_poles_do_not_crash() -> None:
    for lat in (90.0, -90.0):
        assert len(nights_of(Place(lat, 0.0, "UTC"), 2026)) == 366


def test_it_is_daylight_up_to_sunset_and_from_sunrise_on() -> None:
    tonight = night(LUETJENHOLM, date(2026, 11, 20))
    second = timedelta(seconds=1)
    assert is_daylight(LUETJENHOLM, tonight.sunset - second)
    assert not is_daylight(LUETJENHOLM, tonight.sunset)
    assert not is_daylight(LUETJENHOLM, tonight.sunrise - second)
    assert is_daylight(LUETJENHOLM, tonight.sunrise)


@pytest.mark.parametrize(
    ("evening", "hours"),
    [
        (date(2026, 3, 28), 23),
        (date(2026, 10, 24), 25),
        (date(2027, 3, 27), 23),
        (date(2027, 10, 30), 25),
        (date(2026, 11, 20), 24),
    ],
)
def test_a_night_runs_from_noon_to_noon_and_belongs_to_its_evening(evening: date, hours: int) -> None:
    tonight = night(LUETJENHOLM, evening)
    assert tonight.end - tonight.start == timedelta(hours=hours)
    assert night_of(tonight.start, BERLIN) == evening
    assert night_of(tonight.end - timedelta(seconds=1), BERLIN) == evening
    assert night_of(tonight.end, BERLIN) == evening + timedelta(days=1)
