"""Sun and twilight against a second model, and where the sun never sets or rises, or it never gets dark."""

import itertools
from datetime import date, timedelta

import pytest

from service.domain.sun import Night, Place, night, night_of, twilight
from tests.unit.sun_model import CIVIL, SUNSET, altitude, stretches_below
from tests.unit.villages import BERLIN, utc

LUETJENHOLM = Place(54.70, 9.05, BERLIN)
NORTHERN = [
    Place(65.0, 25.5, "Europe/Helsinki"),
    Place(69.0, 20.0, "Europe/Oslo"),
    Place(70.66, 23.68, "Europe/Oslo"),
    Place(68.97, 33.08, "Europe/Moscow"),
]


def nights_of(place: Place, year: int) -> list[Night]:
    return [night(place, date(year, 1, 1) + timedelta(days=n)) for n in range(366)]


AROUND = [
    LUETJENHOLM,
    Place(60.0, 10.75, "Europe/Oslo"),
    Place(61.0, 10.75, "Europe/Oslo"),
    Place(69.0, 20.0, "Europe/Oslo"),
    Place(0.0, -78.0, "America/Guayaquil"),
    Place(-33.9, 18.4, "Africa/Johannesburg"),
    Place(-54.8, -68.3, "America/Argentina/Ushuaia"),
    Place(-21.0, -175.2, "Pacific/Tongatapu"),
    Place(52.0, -176.6, "America/Adak"),
    Place(39.0, 75.0, "Asia/Shanghai"),
]
GRAZING = timedelta(minutes=20)
"""Where the sun only just dips below a horizon, a hundredth of a degree is minutes; such nights have no crisp time."""


@pytest.mark.parametrize("place", AROUND, ids=str)
@pytest.mark.parametrize("horizon", [SUNSET, CIVIL], ids=["sunset", "civil"])
def test_sun_and_twilight_agree_with_an_independent_model_over_a_year(place: Place, horizon: float) -> None:
    for day in range(0, 366, 5):
        evening = date(2027, 12, 21) + timedelta(days=day)  # through the leap day of 2028
        tonight = night(place, evening)
        found = (tonight.sunset, tonight.sunrise) if horizon == SUNSET else twilight(place, evening)
        below = stretches_below(place, evening, horizon)
        if not below or below[0][1] - below[0][0] < GRAZING:
            assert found[1] - found[0] <= GRAZING, evening
            continue
        for ours, theirs in zip(found, below[0], strict=True):
            assert abs(ours - theirs) < timedelta(seconds=60), evening


@pytest.mark.parametrize(
    ("lat", "evening", "expected"),
    [
        (54.7, date(2026, 6, 21), ["21T20:04:45", "21T21:01:50", "22T01:49:40", "22T02:46:45"]),
        (54.7, date(2026, 12, 21), ["21T14:58:45", "21T15:43:50", "22T07:00:20", "22T07:45:25"]),
        (54.7, date(2028, 2, 28), ["28T16:56:45", "28T17:33:00", "29T05:38:30", "29T06:14:40"]),
        (60.0, date(2026, 6, 21), ["21T20:51:40", "21T22:38:15", "22T00:13:15", "22T01:59:50"]),
    ],
    ids=["midsummer", "midwinter", "into the leap day", "60 N"],
)
def test_sunset_dusk_dawn_and_sunrise_of_a_few_nights(lat: float, evening: date, expected: list[str]) -> None:
    place = Place(lat, 9.05, BERLIN)
    tonight = night(place, evening)
    found = (tonight.sunset, *twilight(place, evening), tonight.sunrise)
    for at, text in zip(found, expected, strict=True):
        assert abs(at - utc(f"{evening:%Y-%m}-{text}")) < timedelta(seconds=60), at


def test_a_white_night_has_no_dusk_although_the_sun_sets() -> None:
    place, evening = Place(61.0, 10.75, "Europe/Oslo"), date(2026, 6, 21)  # 0.6 degrees short of civil dusk
    tonight, (dusk, dawn) = night(place, evening), twilight(place, evening)
    assert tonight.sunset < dusk == dawn < tonight.sunrise
    assert abs(dusk - (tonight.sunset + (tonight.sunrise - tonight.sunset) / 2)) < timedelta(minutes=1)


def test_at_69_north_a_polar_night_still_has_its_twilight_and_the_midnight_sun_has_none() -> None:
    place = Place(69.0, 20.0, "Europe/Oslo")
    polar, (dusk, dawn) = night(place, date(2026, 12, 21)), twilight(place, date(2026, 12, 21))
    assert (polar.sunset, polar.sunrise) == (polar.start, polar.end)
    assert abs(dusk - utc("2026-12-21T13:01:10")) < timedelta(seconds=60)
    assert abs(dawn - utc("2026-12-22T08:15:20")) < timedelta(seconds=60)
    white, (dusk, dawn) = night(place, date(2026, 6, 21)), twilight(place, date(2026, 6, 21))
    assert white.sunset == white.sunrise == dusk == dawn


@pytest.mark.parametrize("place", AROUND, ids=str)
def test_sunset_dusk_dawn_and_sunrise_come_in_this_order(place: Place) -> None:
    for tonight in nights_of(place, 2026)[::3]:
        dusk, dawn = twilight(place, tonight.date)
        assert tonight.start <= tonight.sunset <= dusk <= dawn <= tonight.sunrise <= tonight.end, tonight.date


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


def test_a_polar_night_stays_whole_where_solar_noon_comes_after_noon() -> None:
    murmansk = night(Place(68.97, 33.08, "Europe/Moscow"), date(2026, 12, 21))
    assert (murmansk.sunset, murmansk.sunrise) == (murmansk.start, murmansk.end)


def test_the_poles_do_not_crash() -> None:
    for place in (Place(90.0, 0.0, "UTC"), Place(-90.0, 0.0, "UTC")):
        assert len(nights_of(place, 2026)) == 366
        assert all(a <= b for a, b in (twilight(place, date(2026, 1, 1) + timedelta(days=n)) for n in range(366)))


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
