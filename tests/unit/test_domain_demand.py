"""Assumed presses: the same for the same seed, and as the sources say on the whole."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.demand import (
    CURIOUS,
    CURIOUS_NIGHTS,
    PER_ROUTE,
    SMALL_HOURS,
    Press,
    lamp_counts,
    model_presses,
    recorded_presses,
)
from service.domain.sun import Place, night, night_of
from service.domain.words import Channel
from tests.unit.villages import BERLIN, glasau, leck

HERE = Place(54.70, 9.05, BERLIN)
FIRST, LAST = date(2026, 11, 1), date(2027, 2, 28)
NIGHTS = (LAST - FIRST).days + 1
ZONES = {"dorf": 32, "am-see": 26}


def test_the_same_seed_gives_the_same_presses_and_another_gives_others() -> None:
    presses = model_presses(ZONES, FIRST, LAST, HERE, seed=1)
    assert presses == model_presses(ZONES, FIRST, LAST, HERE, seed=1)
    assert presses != model_presses(ZONES, FIRST, LAST, HERE, seed=2)


def test_presses_are_the_same_in_every_process_and_version() -> None:
    presses = model_presses({"dorf": 32}, date(2026, 11, 20), date(2026, 11, 21), HERE, seed=7, rate=2)
    assert [f"{press.at:%dT%H:%M:%S}" for press in presses] == ["21T02:39:24", "21T21:49:48"]


def test_presses_are_in_order_at_night_and_between_ten_and_six() -> None:
    presses = model_presses(ZONES, date(2026, 5, 1), date(2026, 8, 31), HERE, seed=3, rate=8)
    assert presses == sorted(presses)
    assert len(presses) > 500
    for press in presses:
        tonight = night(HERE, night_of(press.at, HERE.tz))
        assert tonight.sunset <= press.at < tonight.sunrise
        hour = press.at.astimezone(ZoneInfo(BERLIN)).hour
        assert hour >= 22 or hour < 6


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_a_longer_period_and_more_zones_change_no_press(start: int, length: int, seed: int) -> None:
    first = FIRST + timedelta(days=start)
    last = first + timedelta(days=length)
    alone = model_presses({"dorf": 32}, first, last, HERE, seed)
    among = model_presses(ZONES, first - timedelta(days=3), last + timedelta(days=3), HERE, seed)
    of_both = [p for p in among if p.zone == "dorf" and first <= night_of(p.at, HERE.tz) <= last]
    assert alone == of_both


def test_zones_are_drawn_for_themselves() -> None:
    presses = model_presses({"a": 32, "b": 32}, FIRST, LAST, HERE, seed=1)
    a, b = ([press.at for press in presses if press.zone == zone] for zone in "ab")
    assert a
    assert b
    assert not set(a) & set(b)


def test_the_mean_is_that_of_one_route_and_grows_with_the_lamps() -> None:
    village = model_presses({"dorf": 32}, FIRST, LAST, HERE, seed=1)
    assert len(village) == pytest.approx(PER_ROUTE * NIGHTS, rel=0.25)
    town = model_presses({"ville": 1400}, FIRST, LAST, HERE, seed=1)
    assert len(town) == pytest.approx(30 * NIGHTS, rel=0.1)
    asked = model_presses({"ville": 1400}, FIRST, LAST, HERE, seed=1, rate=5)
    assert len(asked) == pytest.approx(5 * NIGHTS, rel=0.15)


def test_few_press_between_one_and_three_and_most_before_the_early_shift() -> None:
    presses = model_presses({"ville": 1400}, FIRST, LAST, HERE, seed=1)
    hours = [press.at.astimezone(ZoneInfo(BERLIN)).hour for press in presses]
    assert sum(hour in (1, 2) for hour in hours) == pytest.approx(SMALL_HOURS * len(hours), rel=0.5)
    assert sum(hour in (3, 4, 5) for hour in hours) > len(hours) / 2


def test_summer_weekends_have_twice_as_many() -> None:
    place = Place(45.0, 9.05, BERLIN)  # where summer nights are dark by ten
    presses = model_presses({"ville": 1400}, date(2026, 6, 1), date(2026, 8, 30), place, seed=1)
    weekend = [press for press in presses if night_of(press.at, BERLIN).weekday() in (4, 5)]
    assert len(weekend) / 26 == pytest.approx(2 * (len(presses) - len(weekend)) / 65, rel=0.1)


def test_everybody_tries_it_in_the_first_nights() -> None:
    quiet = model_presses(ZONES, FIRST, LAST, HERE, seed=1)
    curious = model_presses(ZONES, FIRST, LAST, HERE, seed=1, curious_from=FIRST)
    after = FIRST + timedelta(days=CURIOUS_NIGHTS)
    tried = [press for press in curious if night_of(press.at, BERLIN) < after]
    assert len(tried) == pytest.approx(CURIOUS * PER_ROUTE * CURIOUS_NIGHTS * len(ZONES), rel=0.2)
    assert [p for p in curious if p not in tried] == [p for p in quiet if night_of(p.at, BERLIN) >= after]


def test_nobody_presses_where_no_lamp_is_or_where_it_never_gets_dark() -> None:
    assert model_presses({"leer": 0}, FIRST, LAST, HERE, seed=1, rate=20) == []
    assert model_presses(ZONES, FIRST, LAST, HERE, seed=1, rate=0) == []
    tromso = Place(69.65, 18.96, "Europe/Oslo")
    assert model_presses(ZONES, date(2026, 6, 10), date(2026, 6, 30), tromso, seed=1, rate=20) == []
    assert model_presses(ZONES, date(2026, 12, 10), date(2026, 12, 30), tromso, seed=1, rate=20)


@pytest.mark.parametrize("day", [date(2026, 3, 28), date(2026, 10, 24), date(2027, 3, 27), date(2027, 10, 30)])
def test_dst_nights_keep_the_order(day: date) -> None:
    presses = model_presses(ZONES, day, day, HERE, seed=1, rate=300)
    assert presses == sorted(presses)
    assert {night_of(press.at, BERLIN) for press in presses} == {day}


def test_lamps_are_counted_by_zone_and_where_nobody_can_press_there_are_none() -> None:
    assert lamp_counts(glasau()) == {"dorfstrasse": 31, "kirchweg": 28, "am-see": 26}
    assert lamp_counts(leck()) == {"hauptstrasse": 2}


def test_whoever_presses_uses_the_web() -> None:
    assert Press(night(HERE, FIRST).sunset, "dorf").channel is Channel.WEB


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"last": date(2026, 10, 31)}, "last: "),
        ({"rate": -1.0}, "rate: "),
        ({"rate": 1001.0}, "rate: "),
        ({"rate": float("nan")}, "rate: "),
        ({"lamps": {"dorf": -1}}, "lamps: "),
    ],
)
def test_senseless_parameters_are_named(changes: dict[str, Any], field: str) -> None:
    asked: dict[str, Any] = {"lamps": ZONES, "first": FIRST, "last": LAST, "place": HERE, "seed": 1, **changes}
    with pytest.raises(ValueError, match=f"^{field}"):
        model_presses(**asked)


def test_of_recorded_presses_only_the_number_by_zone_night_and_channel_is_taken() -> None:
    counts = {("dorf", FIRST, Channel.WEB): 40, ("am-see", FIRST, Channel.WEB): 1, ("dorf", LAST, Channel.BUTTON): 2}
    presses = recorded_presses(counts, HERE)
    assert presses == sorted(presses) == recorded_presses(dict(reversed(counts.items())), HERE)
    found = [(press.zone, night_of(press.at, HERE.tz), press.channel) for press in presses]
    assert {key: found.count(key) for key in counts} == counts
    for press in presses:
        tonight = night(HERE, night_of(press.at, HERE.tz))
        assert tonight.sunset <= press.at < tonight.sunrise


def test_in_a_night_without_dark_recorded_presses_are_still_counted() -> None:
    north, day = Place(69.0, 20.0, "Europe/Oslo"), date(2026, 6, 21)
    assert len(recorded_presses({("dorf", day, Channel.WEB): 3}, north)) == 3
