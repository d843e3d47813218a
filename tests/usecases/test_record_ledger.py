"""What a report leaves in the ledger: whose lease it was, how it is known, and what a meter cannot have said."""

from dataclasses import replace
from datetime import datetime, timedelta

from service.clock import SystemClock
from service.domain.entries import Entry
from service.domain.inventory import Inventory, MeterKey
from service.domain.reports import MeterReading, Nonsense, Report
from service.domain.words import Cause, FaultKind, Quality
from service.loops.housekeeping import Housekeeping
from service.store import SqlStore
from tests.unit.villages import luetjenholm, utc
from tests.usecases.acting import Village

NIGHT = utc("2026-11-22T00:12:00")
MINUTE = timedelta(minutes=1)
BURNS_WH = 800 / 60
"""What the circuit uses in a minute."""


def lit(village: Village, wh: float, **more: object) -> Report:
    return village.report("cabinet-1", {1: 100}, cause=Cause.PRESS, wh=wh, watts=800, **more)  # type: ignore[arg-type]


def dark(village: Village, wh: float, **more: object) -> Report:
    return village.report("cabinet-1", {1: 0}, wh=wh, **more)  # type: ignore[arg-type]


async def pressed(village: Village) -> str:
    """A granted press whose order is on its way; the lease's id."""
    lease = str((await village.press("dorf"))["lease"])
    await village.conduct("dorf")
    return lease


def told(entries: list[Entry]) -> list[tuple[datetime, datetime, Cause, str | None, int]]:
    return [(e.start, e.end, e.cause, e.ref, e.energy_mwh) for e in entries]


async def test_light_is_booked_to_the_lease_of_the_order_that_was_reported(village: Village) -> None:
    await village.conduct()
    await village.say(dark(village, 0.0, desired_n=1))
    lease = await pressed(village)
    await village.say(lit(village, 0.0, desired_n=2))
    village.later(minutes=12)
    await village.say(dark(village, 160.0, desired_n=2))
    [entry] = await village.entries()
    assert told([entry]) == [(NIGHT, NIGHT + 12 * MINUTE, Cause.PRESS, lease, 160_000)]
    assert (entry.level, entry.lit, entry.quality) == (100, 12 * MINUTE, Quality.MEASURED)


async def test_overlapped_light_belongs_to_the_earliest_lease(village: Village) -> None:
    await village.conduct()
    await village.say(dark(village, 0.0, desired_n=1))
    first = await pressed(village)
    await village.say(lit(village, 0.0, desired_n=2))
    village.later(minutes=6)
    second = await pressed(village)
    await village.say(lit(village, 6 * BURNS_WH, desired_n=3))
    village.later(minutes=12)
    await village.say(dark(village, 18 * BURNS_WH, desired_n=3))
    border, end = NIGHT + 12 * MINUTE, NIGHT + 18 * MINUTE
    assert told(await village.entries()) == [
        (NIGHT, border, Cause.PRESS, first, 160_000),
        (border, end, Cause.PRESS, second, 80_000),
    ]


async def test_an_answer_to_the_order_before_the_last_names_that_ones_lease(village: Village) -> None:
    await village.conduct()
    await village.say(dark(village, 0.0, desired_n=1))
    first = await pressed(village)
    village.later(seconds=30)
    await pressed(village)
    await village.say(lit(village, 0.0, desired_n=2))
    village.later(minutes=3)
    await village.say(lit(village, 40.0, desired_n=2))
    assert [(entry.ref, entry.energy_mwh) for entry in await village.entries()] == [(first, 40_000)]


async def test_light_by_an_order_that_nobody_knows_has_no_lease(village: Village) -> None:
    await village.conduct()
    await village.say(dark(village, 0.0, desired_n=7))
    await village.say(lit(village, 0.0, desired_n=7))
    village.later(minutes=3)
    await village.say(lit(village, 40.0, desired_n=7))
    assert [(entry.cause, entry.ref) for entry in await village.entries()] == [(Cause.PRESS, None)]


async def test_a_lost_report_that_told_of_light_is_made_up_for(village: Village) -> None:
    await village.conduct()
    await village.say(dark(village, 0.0, desired_n=1))
    village.later(minutes=2)
    lease = await pressed(village)
    village.seqs["cabinet-1"] += 1  # it said that it was lit, and nobody heard
    village.later(minutes=3)
    await village.say(lit(village, 3 * BURNS_WH, desired_n=2))
    [entry] = [entry for entry in await village.entries() if entry.energy_mwh]
    assert told([entry]) == [(NIGHT + 2 * MINUTE, NIGHT + 5 * MINUTE, Cause.PRESS, lease, 40_000)]
    assert entry.quality is Quality.INTERPOLATED


async def test_an_open_entry_is_extended_and_closed_at_the_full_hour(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 100}, wh=0))
    for minutes in range(1, 61):
        village.later(minutes=1)
        await village.say(village.report("cabinet-1", {1: 100}, wh=minutes * BURNS_WH))
    hour = utc("2026-11-22T01:00:00")
    assert [(entry.start, entry.end, entry.lit) for entry in await village.entries()] == [
        (NIGHT, hour, hour - NIGHT),
        (hour, hour + 12 * MINUTE, 12 * MINUTE),
    ]


def unmetered() -> Inventory:
    inventory = luetjenholm()
    return replace(inventory, controllers=tuple(replace(one, meters=()) for one in inventory.controllers))


async def test_what_no_meter_measures_is_computed_and_says_so(store: SqlStore) -> None:
    village = Village(store, "luetjenholm", NIGHT)
    await store.write(lambda tx: tx.save_inventory(unmetered(), NIGHT))
    await village.say(village.report("cabinet-1", {1: 100}))
    for _ in range(12):
        village.later(minutes=1)
        await village.say(village.report("cabinet-1", {1: 100}))
    [entry] = await village.entries()
    assert (entry.energy_mwh, entry.lit, entry.quality) == (160_000, 12 * MINUTE, Quality.COMPUTED)


async def test_without_power_nothing_is_computed(store: SqlStore) -> None:
    village = Village(store, "luetjenholm", NIGHT)
    await store.write(lambda tx: tx.save_inventory(unmetered(), NIGHT))
    await village.say(village.report("cabinet-1", {1: 100}))
    village.later(minutes=30)
    back = village.report("cabinet-1", {1: 100}, boot=2, seq=1)
    await village.say(replace(back, uptime_ms=60_000))
    [entry] = await village.entries()
    assert (entry.start, entry.end) == (NIGHT + 29 * MINUTE, NIGHT + 30 * MINUTE)


async def signals(village: Village) -> list[FaultKind]:
    return [signal.kind for signal in await village.store.read(lambda tx: tx.signals(village.id))]


async def test_an_advance_that_no_lamp_can_draw_is_booked_nowhere_and_told_to_technicians(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 100}, wh=0))
    village.later(minutes=1)
    done = await village.say(village.report("cabinet-1", {1: 100}, wh=9_000))
    assert done.dropped == {"implausible meter": 1}
    assert (await village.entries(), await signals(village)) == ([], [FaultKind.METER_NOT_PLAUSIBLE])


async def test_a_meter_is_trusted_again_after_a_day_without_nonsense(village: Village) -> None:
    clock = SystemClock(village.now)
    housekeeping = Housekeeping(village.store, clock, timedelta(days=366))
    said = Nonsense(village.report("cabinet-1", {1: 0}).controller)
    await village.say(said)
    village.later(hours=20)
    await village.say(said)
    clock.move(forward=timedelta(hours=20))
    for hours, told in ((23, [FaultKind.METER_NOT_PLAUSIBLE]), (2, [])):
        clock.move(forward=timedelta(hours=hours))
        await housekeeping.run_due()
        assert await signals(village) == told


async def test_a_meter_that_says_no_number_is_told_to_technicians(village: Village) -> None:
    done = await village.say(Nonsense(village.report("cabinet-1", {1: 0}).controller))
    assert done.dropped == {"implausible meter": 1}
    assert await signals(village) == [FaultKind.METER_NOT_PLAUSIBLE]


async def test_a_meter_that_goes_over_its_top_loses_nothing(village: Village) -> None:
    top = 1_000_000_000
    await village.say(village.report("cabinet-1", {1: 100}, wh=top - 100))
    village.later(minutes=12)
    done = await village.say(village.report("cabinet-1", {1: 100}, wh=60))
    assert not done.dropped
    assert sum(entry.energy_mwh for entry in await village.entries()) == 160_000


async def test_a_second_meter_of_a_controller_is_read_for_its_own_outputs(store: SqlStore) -> None:
    village = Village(store, "leck", NIGHT)
    first = village.report("cabinet-1", {1: 100, 2: 100}, wh=0)
    await village.say(first)
    village.later(minutes=10)
    reading = MeterReading(140.0, 230.0, 23_333, (1, 2))
    await village.say(replace(village.report("cabinet-1", {1: 100, 2: 100}), meters={1: reading}))
    entries = await village.entries()
    assert sorted(entry.energy_mwh for entry in entries) == [10_000, 13_333]
    assert {entry.quality for entry in entries} == {Quality.APPORTIONED}
    states = await store.read(lambda tx: tx.meter_states([MeterKey("leck", "cabinet-1", 1)]))
    assert [state.total_mwh for state in states.values()] == [23_333]
