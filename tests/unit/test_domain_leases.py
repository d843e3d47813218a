"""Which leases count as one stretch of light."""

from datetime import datetime, timedelta

import pytest

from service.domain.inventory import ZoneKey
from service.domain.leases import Lease, stretch
from tests.unit.villages import utc

ZONE = ZoneKey("luetjenholm", "dorf")
MIDNIGHT = utc("2026-11-20T23:00")
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def after(minutes: float) -> datetime:
    return MIDNIGHT + timedelta(minutes=minutes)


def lease(start: float, until: float) -> Lease:
    return Lease(f"{start}", ZONE, (ZONE,), after(start), after(until), 100)


def test_without_leases_there_is_no_stretch() -> None:
    assert stretch([], MIDNIGHT, MINUTE) is None


@pytest.mark.parametrize(
    ("gap", "now", "expected"),
    [
        (1, 5, (0, 12)),
        (1, 12, (0, 12)),
        (1, 13, (0, 12)),
        (1, 13.01, None),
        (30, 42, (0, 12)),
        (30, 42.01, None),
    ],
)
def test_a_stretch_goes_on_until_the_gap_has_passed(gap: int, now: float, expected: tuple[float, float] | None) -> None:
    found = stretch([lease(0, 12)], after(now), gap * MINUTE)
    assert found == (None if expected is None else (after(expected[0]), after(expected[1])))


def test_gaps_up_to_the_given_one_count_as_one_stretch() -> None:
    assert stretch([lease(0, 12), lease(13, 25)], after(20), MINUTE) == (after(0), after(25))
    assert stretch([lease(0, 12), lease(13.02, 25)], after(20), MINUTE) == (after(13.02), after(25))


def test_leases_may_come_in_any_order_and_lie_within_each_other() -> None:
    leases = [lease(10, 22), lease(0, 60), lease(5, 17)]
    assert stretch(leases, after(30), MINUTE) == (after(0), after(60))
