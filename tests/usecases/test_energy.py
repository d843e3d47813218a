"""Energy: staff see causes, the public sees ended nights without presses."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from service.domain.words import Cause
from service.errors import InvalidError
from service.usecases.energy import Sum, council_energy, public_energy
from tests.unit.villages import utc
from tests.usecases.acting import Village

NIGHT = utc("2026-11-22T00:12:00")
EVENING = date(2026, 11, 21)
AFTER = utc("2026-11-22T11:00:00")
BEFORE = AFTER - timedelta(milliseconds=1)


@pytest.fixture(autouse=True)
async def _a_night(village: Village) -> None:
    """A night with 500 Wh by schedule and 160 Wh by a press, over two hours."""
    await village.say(village.report("cabinet-1", {1: 0}, wh=1000))
    village.later(minutes=40)
    await village.say(village.report("cabinet-1", {1: 100}, cause=Cause.PRESS, wh=1500))
    village.later(minutes=12)
    await village.say(village.report("cabinet-1", {1: 0}, wh=1660))


async def council(village: Village, by: str) -> list[Sum]:
    account = await village.store.read(
        lambda tx: council_energy(tx, "luetjenholm", EVENING, EVENING, None, by, village.now)
    )
    assert account.total.energy_mwh == sum(part.energy_mwh for part in account.parts)
    return list(account.parts)


async def public(village: Village) -> list[Sum]:
    account = await village.store.read(lambda tx: public_energy(tx, "luetjenholm", EVENING, EVENING, village.now))
    return list(account.parts)


async def test_the_public_sees_a_night_only_after_its_noon_and_never_its_presses(village: Village) -> None:
    village.now = BEFORE
    assert await public(village) == []
    village.now = AFTER
    assert await public(village) == [Sum("2026-11-21", 500_000, Decimal("0.15"))]


async def test_public_figures_are_too_coarse_to_show_one_press(village: Village) -> None:
    village.now = AFTER
    await village.say(village.report("cabinet-1", {1: 0}, wh=1700, at=AFTER - timedelta(hours=3)))  # 40 Wh more
    assert [part.energy_mwh for part in await public(village)] == [500_000]


async def test_staff_see_causes_and_what_presses_cost_only_after_noon(village: Village) -> None:
    village.now = BEFORE
    assert [part.label for part in await council(village, "cause")] == ["schedule"]
    village.now = AFTER
    assert {part.label: part.energy_mwh for part in await council(village, "cause")} == {
        "press": 160_000,
        "schedule": 500_000,
    }
    assert [part.energy_mwh for part in await council(village, "night")] == [660_000]


async def test_without_dates_the_last_night_that_ended_is_told(village: Village) -> None:
    village.now = AFTER
    account = await village.store.read(
        lambda tx: council_energy(tx, "luetjenholm", None, None, None, "cause", village.now)
    )
    assert (account.first, account.last, account.total.energy_mwh) == (EVENING, EVENING, 660_000)
    assert account.total.money == Decimal("0.198")


async def test_by_hour_a_press_never_shows(village: Village) -> None:
    village.now = AFTER
    hours = await council(village, "hour")
    assert sum(part.energy_mwh for part in hours) == 500_000
    assert hours[0].label == "2026-11-22T01:00:00+01:00"


async def test_a_date_far_from_any_night_is_refused(village: Village) -> None:
    with pytest.raises(InvalidError, match=r"^from: "):
        await village.store.read(lambda tx: public_energy(tx, "luetjenholm", date(9999, 12, 30), date.max, village.now))


@pytest.mark.parametrize(("first", "last"), [(date(2026, 11, 21), date(2026, 11, 20)), (date(2026, 1, 1), EVENING)])
async def test_a_period_that_makes_no_sense_is_refused(village: Village, first: date, last: date) -> None:
    with pytest.raises(InvalidError, match=r"^to: "):
        await village.store.read(lambda tx: public_energy(tx, "luetjenholm", first, last, village.now))
