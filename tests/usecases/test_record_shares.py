"""A lease costs only the light above the plan: what the plan alone would have drawn is booked to the plan."""

from datetime import timedelta

from service.domain.dimming import share
from service.domain.words import Cause
from service.store import SqlStore
from tests.unit.villages import utc
from tests.usecases.acting import Village

DIMMED = utc("2026-11-21T21:10:00")  # 22:10 in Glasau, 50 % until 23:00
BORDER = utc("2026-11-21T23:20:00")  # 00:20 in Lütjenholm, lit until 00:30
MINUTE = timedelta(minutes=1)


async def booked(village: Village) -> dict[Cause, int]:
    sums: dict[Cause, int] = {}
    for row in await village.entries():
        sums[row.cause] = sums.get(row.cause, 0) + row.energy_mwh
    return sums


async def lamp(store: SqlStore, *, pressed: bool) -> dict[Cause, int]:
    """A Glasau lamp of 30 W from 22:10 to 22:50, pressed from 22:15 to 22:30 or not; a report every five minutes."""
    village = Village(store, "glasau", DIMMED)
    wh, level = 7.0, 50
    await village.say(village.report("lamp-32", {1: 50}, wh=wh))
    for minute in range(5, 41, 5):
        wh += 30 * share(level) * 5 / 60
        level = 100 if pressed and 5 <= minute < 20 else 50
        cause = Cause.PRESS if level == 100 else Cause.SCHEDULE
        village.now = DIMMED + minute * MINUTE
        await village.say(village.report("lamp-32", {1: level}, cause=cause, wh=wh))
    found = await booked(village)
    assert sum(found.values()) == round(wh * 1000) - 7000, "nothing is lost"
    return found


async def test_a_press_at_a_dimmed_lamp_costs_the_light_above_the_dimmed(store: SqlStore) -> None:
    with_press = await lamp(store, pressed=True)
    assert abs(with_press[Cause.SCHEDULE] - 10_800) <= 8  # 16.2 W for 40 minutes, a mWh of rounding for each report
    assert abs(with_press[Cause.PRESS] - 3_450) <= 8


async def test_without_a_press_the_schedule_has_the_same(store: SqlStore) -> None:
    assert await lamp(store, pressed=False) == {Cause.SCHEDULE: 10_800}


async def circuit(store: SqlStore, *, pressed: bool) -> dict[Cause, int]:
    """Lütjenholm's 800 W from 00:20 to 00:50, pressed at 00:28 for 12 minutes or not. It reports changes alone."""
    village = Village(store, "luetjenholm", BORDER)

    async def tell(minute: int, level: int, cause: Cause, burned: int) -> None:
        village.now = BORDER + minute * MINUTE
        wh = 500 + burned * 800 / 60
        await village.say(village.report("cabinet-1", {1: level}, cause=cause, wh=wh))

    await tell(0, 100, Cause.SCHEDULE, 0)
    if pressed:
        await tell(8, 100, Cause.PRESS, 8)
        await tell(20, 0, Cause.SCHEDULE, 20)
        await tell(30, 0, Cause.SCHEDULE, 20)
    else:
        await tell(10, 0, Cause.SCHEDULE, 10)
        await tell(30, 0, Cause.SCHEDULE, 10)
    return await booked(village)


async def test_a_press_over_the_dark_border_costs_what_lies_beyond_it(store: SqlStore) -> None:
    found = await circuit(store, pressed=True)
    assert sum(found.values()) == round(20 * 800 / 60 * 1000)
    assert abs(found[Cause.SCHEDULE] - 133_333) <= 1
    assert abs(found[Cause.PRESS] - 133_333) <= 1


async def test_without_a_press_it_ends_at_the_border(store: SqlStore) -> None:
    found = await circuit(store, pressed=False)
    assert abs(found[Cause.SCHEDULE] - 133_333) <= 1
    assert Cause.PRESS not in found


async def test_a_press_in_the_dark_costs_all_of_its_light(store: SqlStore) -> None:
    village = Village(store, "luetjenholm", utc("2026-11-22T00:12:00"))
    await village.say(village.report("cabinet-1", {1: 100}, cause=Cause.PRESS, wh=0))
    village.later(minutes=12)
    await village.say(village.report("cabinet-1", {1: 0}, wh=160))
    assert await booked(village) == {Cause.PRESS: 160_000}


async def test_light_beyond_the_plan_at_a_safety_output_leaves_the_plan_its_own_cause(store: SqlStore) -> None:
    village = Village(store, "leck", utc("2026-11-22T00:12:00"))
    await village.say(village.report("cabinet-1", {1: 100, 2: 100}, cause=Cause.OVERRIDE, wh=0))
    village.later(minutes=6)
    await village.say(village.report("cabinet-1", {1: 0, 2: 100}, wh=14))
    assert await booked(village) == {Cause.OVERRIDE: 8_000, Cause.SAFETY: 6_000}
