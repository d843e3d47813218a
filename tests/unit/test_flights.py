"""Orders on their way are waited for until all are answered, and not for ever."""

from datetime import timedelta

from service.domain.inventory import ControllerKey, ZoneKey
from service.loops.flights import Flights
from tests.unit.villages import utc

NOW = utc("2026-11-22T00:12:00")
LATER = NOW + timedelta(seconds=1)
A, B = ZoneKey("m", "a"), ZoneKey("m", "b")
ONE, TWO = ControllerKey("m", "one"), ControllerKey("m", "two")


def test_a_zone_is_away_until_its_last_controller_answers() -> None:
    flights = Flights()
    flights.depart([A], [(ONE, 5), (TWO, 7)], LATER)
    assert flights.away([A, B], NOW) == {A}
    assert not flights.arrive(ONE, 5)
    assert not flights.arrive(TWO, 6)
    assert flights.away([A], NOW) == {A}
    assert flights.arrive(TWO, 8)
    assert flights.away([A], NOW) == frozenset()


def test_nobody_is_waited_for_longer_than_said() -> None:
    flights = Flights()
    flights.depart([A], [(ONE, 5)], LATER)
    assert flights.next_end([B, A]) == LATER
    assert flights.away([A], LATER) == frozenset()


def test_nothing_sent_is_nothing_to_wait_for() -> None:
    flights = Flights()
    flights.depart([A], [], LATER)
    assert flights.away([A], NOW) == frozenset()
    assert flights.next_end([A]) is None
    assert not flights.arrive(ONE, 5)
