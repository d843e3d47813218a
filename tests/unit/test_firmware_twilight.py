"""Dusk and dawn on the pole: those of the service, also where a night has none."""

from datetime import date, datetime, timedelta

import pytest

from firmware_mock.core.posix_tz import Zone
from firmware_mock.core.sun import Night
from service.domain import schedule, sun
from service.domain.curve import Curve
from service.wire.codec import posix_tz
from tests.support.poles import HOUR, MINUTE, Pole, plan

VILLAGE = sun.Place(54.7, 9.05, "Europe/Berlin")
AT_60 = sun.Place(60.0, 11.0, "Europe/Oslo")
WHITE = sun.Place(61.1, 10.5, "Europe/Oslo")
TROMSO = sun.Place(69.65, 18.96, "Europe/Oslo")
SVALBARD = sun.Place(78.22, 15.65, "Europe/Oslo")
SUN = ("sunset", "dusk", "dawn", "sunrise")


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


TILL_DAWN = [{"anchor": "dusk", "level": 80, "fade_s": 60}, {"anchor": "dawn", "offset_min": 5, "level": 0}]


def night_of(place: sun.Place, day: date) -> Night:
    return Night((day - date(1970, 1, 1)).days, place.lat, place.lon, Zone(posix_tz(place.tz)))


def switches(place: sun.Place, day: date, rule: list[dict[str, object]]) -> list[tuple[int, int]]:
    """When a pole that has nothing but a rule changes its level in a night, and to which."""
    tonight = night_of(place, day)
    pole = Pole(clock=tonight.start)
    position = {"lat": place.lat, "lon": place.lon}
    body = plan(2, [(0, 0)], ends=tonight.start, rule=rule, position=position, tz=posix_tz(place.tz))
    pole.plan(body)
    found, end = [], pole.mono + tonight.end - tonight.start
    while pole.mono < end:
        before = pole.now()[0]
        pole.wait(min(pole.core.tick(pole.mono), end - pole.mono))
        if pole.now()[0] != before and pole.mono < end:
            found.append((pole.report()["at"], pole.now()[0]))
    return found


@pytest.mark.parametrize(
    ("place", "day"),
    [
        (VILLAGE, date(2026, 6, 21)),
        (VILLAGE, date(2026, 12, 21)),
        (VILLAGE, date(2027, 3, 27)),
        (AT_60, date(2026, 6, 21)),
        (TROMSO, date(2026, 12, 21)),
        (sun.Place(-33.87, 151.2, "Australia/Sydney"), date(2026, 6, 21)),
    ],
)
def test_a_pole_switches_at_the_services_dusk_and_dawn(place: sun.Place, day: date) -> None:
    steps = (schedule.Step(schedule.Anchor.DUSK, 80), schedule.Step(schedule.Anchor.DAWN, 0, offset_min=5))
    planned = [(ms(part.start), part.level) for part in Curve(schedule.Schedule(steps), place).night(day)][1:]
    assert [level for _, level in planned] == [80, 0]
    found = switches(place, day, TILL_DAWN)
    assert [level for _, level in found] == [80, 0]
    for (at, _), (planned_at, _) in zip(found, planned, strict=True):
        assert abs(at - planned_at) <= 2_000


def test_at_60_degrees_north_the_shortest_civil_night_is_short_and_a_degree_on_there_is_none() -> None:
    day = date(2026, 6, 21)
    short = night_of(AT_60, day)
    assert short.sunset < short.dusk < short.dawn < short.sunrise
    assert HOUR < short.dawn - short.dusk < 2 * HOUR
    white = night_of(WHITE, day)
    assert white.sunset < white.dusk == white.dawn < white.sunrise
    assert abs(white.dusk - ms(datetime.fromisoformat("2026-06-22T01:20+02:00"))) < 3 * MINUTE, "solar midnight"


def test_in_a_white_night_dusk_and_dawn_are_one_moment_and_light_between_them_never_burns() -> None:
    day = date(2026, 6, 21)
    dusk_to_dawn: list[dict[str, object]] = [{"anchor": "dusk", "level": 80}, {"anchor": "dawn", "level": 0}]
    assert switches(WHITE, day, dusk_to_dawn) == []
    assert [level for _, level in switches(WHITE, day, TILL_DAWN)] == [80, 0], "the five minutes after dawn"


def test_in_a_polar_night_dusk_is_where_the_night_begins_and_dawn_where_it_ends() -> None:
    day = date(2026, 12, 21)
    dark = night_of(SVALBARD, day)
    assert (dark.sunset, dark.dusk, dark.dawn, dark.sunrise) == (dark.start, dark.start, dark.end, dark.end)
    blue = night_of(TROMSO, day)  # the sun does not rise, but noon is brighter than civil dusk
    assert blue.sunset == blue.start < blue.dusk < blue.dawn < blue.end == blue.sunrise
    midsummer = night_of(SVALBARD, date(2026, 6, 21))
    assert midsummer.sunset == midsummer.dusk == midsummer.dawn == midsummer.sunrise


@pytest.mark.parametrize("place", [WHITE, TROMSO, SVALBARD], ids=lambda p: f"{p.lat}")
def test_a_pole_in_the_far_north_agrees_with_the_service_the_whole_year_long(place: sun.Place) -> None:
    days = [date(2027, 1, 1) + timedelta(days=n) for n in range(0, 365, 5)]
    for day in days:
        ours, theirs = night_of(place, day), sun.night(place, day)
        dusk, dawn = sun.twilight(place, day)
        for name, moment in zip(SUN, (theirs.sunset, dusk, dawn, theirs.sunrise), strict=True):
            assert abs(getattr(ours, name) - ms(moment)) <= 2_000, (day, name)
