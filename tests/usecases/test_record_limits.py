"""Record believes no controller more than can be: moments, meters, counters; and one report costs bounded work."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.domain.inventory import ControllerKey, MeterKey
from service.domain.reports import Counters, MeterReading, MeterState, Report
from service.domain.words import Cause, LightState
from service.store import SqlStore
from tests.unit.villages import utc
from tests.usecases.acting import Village

NIGHT = utc("2026-11-22T00:12:00")
CABINET = ControllerKey("luetjenholm", "cabinet-1")
METER = MeterKey(*CABINET, 1)
EPOCH = utc("1970-01-01T00:00:00")
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


async def booked(village: Village) -> int:
    return sum(row.energy_mwh for row in await village.entries())


async def meter(village: Village) -> MeterState:
    states = await village.store.read(lambda tx: tx.meter_states([METER]))
    return states[METER]


async def sent(village: Village) -> tuple[int, int]:
    def ask(tx):  # type: ignore[no-untyped-def] # a Tx in, two counters out
        return tx.sent_plans(village.id)[CABINET].plan_n, tx.sent_orders([CABINET])[CABINET].desired_n

    found: tuple[int, int] = await village.store.read(ask)
    return found


def lit(village: Village, wh: float, at: datetime | None = None, **more: object) -> Report:
    return village.report("cabinet-1", {1: 100}, wh=wh, watts=800, at=at, **more)  # type: ignore[arg-type]


# moments


async def test_a_first_report_from_long_ago_is_a_baseline_of_now(village: Village) -> None:
    await village.say(lit(village, 1000, EPOCH))
    village.later(minutes=6)
    await village.say(lit(village, 1080))
    found = await village.entries()
    assert [(row.start, row.end, row.energy_mwh) for row in found] == [(NIGHT, NIGHT + 6 * MINUTE, 80_000)]


async def test_a_kept_first_report_from_long_ago_costs_bounded_work(village: Village) -> None:
    await village.say(lit(village, 1000, EPOCH, retained=True))
    assert (await village.look("dorf")).light.state is LightState.UNKNOWN
    assert (await meter(village)).at == NIGHT - timedelta(days=31), "nothing is booked before that, whatever follows"
    village.later(minutes=6)
    await village.say(lit(village, 1080))
    found = await village.entries()
    assert sum(row.energy_mwh for row in found) == 80_000
    assert len(found) <= 31 * 24 + 2


async def test_a_moment_before_the_last_one_books_into_no_past_night(village: Village) -> None:
    await village.say(lit(village, 1000))
    village.later(minutes=6)
    for at in (EPOCH, NIGHT - 20 * HOUR, NIGHT - MINUTE):
        await village.say(lit(village, 1000, at))
        assert (await meter(village)).at >= NIGHT
    await village.say(lit(village, 1080))
    found = await village.entries()
    assert sum(row.energy_mwh for row in found) == 80_000
    assert min(row.start for row in found) >= NIGHT
    assert max(row.end for row in found) <= village.now


async def test_a_clock_that_lags_a_little_counts_as_the_last_moment(village: Village) -> None:
    await village.say(lit(village, 1000))
    village.later(seconds=30)
    await village.say(lit(village, 1006, NIGHT - timedelta(seconds=5)))
    assert (await meter(village)).at == NIGHT
    assert await booked(village) == 6_000


async def test_time_that_a_demo_skipped_is_told_in_order_and_booked_where_it_was(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 0}, wh=1000))
    village.later(hours=26)
    told = [(4, 100, 1000.0), (7, 0, 3400.0), (16, 100, 3400.0), (24, 0, 9800.0), (26, 0, 9800.0)]
    for hours, level, wh in told:
        await village.say(village.report("cabinet-1", {1: level}, wh=wh, at=NIGHT + hours * HOUR))
    found = [row for row in await village.entries() if row.energy_mwh]
    assert sum(row.energy_mwh for row in found) == 8_800_000
    evening = [row for row in found if row.end > NIGHT + 4 * HOUR and row.start < NIGHT + 7 * HOUR]
    assert sum(row.energy_mwh for row in evening) == 2_400_000


async def test_what_burned_in_years_of_silence_is_booked_in_bounded_work(village: Village) -> None:
    await village.say(lit(village, 1000))
    village.later(days=3650)
    await village.say(lit(village, 301_000))
    found = await village.entries()
    assert sum(row.energy_mwh for row in found) == 300_000_000
    assert len(found) <= 31 * 24 + 1
    assert min(row.start for row in found) == village.now - timedelta(days=31)


# meters


async def test_a_meter_that_jumps_books_nothing_and_is_read_on_from_there(village: Village) -> None:
    await village.say(lit(village, 0))
    for n in range(20):
        village.later(minutes=1)
        told = await village.say(lit(village, 1e9 if n % 2 == 0 else 0))
        assert told.dropped == ({"implausible meter": 1} if n % 2 == 0 else {})
    assert await booked(village) == 0
    village.later(minutes=6)
    await village.say(lit(village, 80))
    assert await booked(village) == 80_000


async def test_what_the_lamps_can_draw_is_believed_and_no_more(village: Village) -> None:
    most = 800 * 1.5 + 100  # an hour of 800 W and half as much again, and the slack
    await village.say(lit(village, 0))
    village.later(hours=1)
    assert (await village.say(lit(village, most))).dropped == {}
    village.later(hours=1)
    assert (await village.say(lit(village, 2 * most + 0.001))).dropped == {"implausible meter": 1}
    assert await booked(village) == round(most * 1000)


async def test_a_meter_that_began_again_is_believed_as_far_as_it_can_be(village: Village) -> None:
    await village.say(lit(village, 18_000))
    village.later(minutes=6)
    assert (await village.say(lit(village, 80))).dropped == {}
    village.later(minutes=6)
    assert (await village.say(lit(village, 50_000))).dropped == {"implausible meter": 1}
    village.later(minutes=6)
    assert (await village.say(lit(village, 9_000))).dropped == {"implausible meter": 1}  # another meter hangs there
    village.later(minutes=6)
    await village.say(lit(village, 9_080))
    assert await booked(village) == 160_000


async def test_the_mark_stays_until_there_is_something_to_book_to(village: Village) -> None:
    def only_meter(wh: float) -> Report:
        said = village.report("cabinet-1", {7: 100})
        return replace(said, meters={1: MeterReading(800.0, 230.0, round(wh * 1000), (1,))})

    await village.say(only_meter(1000))
    village.later(minutes=3)
    await village.say(only_meter(1040))
    village.later(minutes=3)
    await village.say(lit(village, 1080))
    assert await booked(village) == 0
    assert (await meter(village)).total_mwh == 1_000_000
    village.later(minutes=3)
    await village.say(lit(village, 1120))
    assert await booked(village) == 120_000


# counters


@pytest.mark.parametrize("field", ["plan_n", "desired_n"])
async def test_an_implausible_counter_is_counted_and_not_followed(village: Village, field: str) -> None:
    await village.conduct()
    high = {field: 2**31 - 1}
    told = await village.say(village.report("cabinet-1", {1: 100}, cause=Cause.PRESS, **high))  # type: ignore[arg-type]
    assert told.dropped == {"implausible counter": 1}
    assert told.behind == set()
    assert await sent(village) == (1, 1)
    assert (await village.look("dorf")).light.state is LightState.LIT, "the report itself counts"


async def test_no_counter_in_a_controllers_name_takes_the_last_one_from_the_service(village: Village) -> None:
    await village.conduct()
    claims = [min(n * 1_000_000, 2**31 - 1) for n in range(1, 2149)]
    await village.say(*(village.report("cabinet-1", {1: 0}, plan_n=n, desired_n=n) for n in claims))
    highest = await sent(village)
    assert max(highest) < 2**30
    await village.press("dorf")
    await village.conduct("dorf")
    ordered = (await sent(village))[1]
    assert ordered < 2**30 + 2
    told = await village.say(village.report("cabinet-1", {1: 100}, cause=Cause.PRESS, desired_n=ordered, plan_n=1))
    assert told.dropped == {}


async def test_what_the_service_itself_had_sent_is_believed_from_a_controller(village: Village) -> None:
    await village.conduct()
    kept = Counters(CABINET, plan_n=5_000_000, desired_n=2**30 + 5)
    assert (await village.say(kept)).behind == {CABINET}, "only the service writes plans and orders"
    told = await village.say(village.report("cabinet-1", {1: 0}, plan_n=5_000_000, desired_n=2**30 + 5))
    assert told.dropped == {}


async def test_a_fresh_database_follows_an_old_controllers_counters(store: SqlStore) -> None:
    village = Village(store, "luetjenholm", NIGHT)
    told = await village.say(village.report("cabinet-1", {1: 0}, plan_n=900, desired_n=20_000))
    assert told.behind == {CABINET}
    assert told.dropped == {}
