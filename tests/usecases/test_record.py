"""Record: what controllers say becomes state, energy and progress."""

from datetime import timedelta

import pytest

from service.domain.inventory import ControllerKey, OutputKey, ZoneKey
from service.domain.words import Cause, LeaseState, LightState
from service.store import SqlStore
from tests.unit.villages import utc
from tests.usecases.acting import Village

NIGHT = utc("2026-11-22T00:12:00")
DORF = ZoneKey("luetjenholm", "dorf")


async def energy(village: Village) -> dict[Cause, int]:
    sums: dict[Cause, int] = {}
    for row in await village.entries():
        sums[row.cause] = sums.get(row.cause, 0) + row.energy_mwh
    return sums


async def test_a_lease_is_lit_only_after_a_report_said_so(village: Village) -> None:
    await village.conduct()
    await village.say(village.status("cabinet-1"), village.report("cabinet-1", {1: 0}, desired_n=1))
    granted = await village.press("dorf")
    await village.conduct("dorf")
    assert (await village.look("dorf")).light.state is LightState.DARK
    told = await village.say(village.report("cabinet-1", {1: 100}, desired_n=2, cause=Cause.PRESS))
    assert told.changed == {DORF}
    assert (await village.progress(granted["lease"])).state is LeaseState.LIT
    light = (await village.look("dorf")).light
    assert (light.state, light.cause, light.until) == (LightState.LIT, Cause.PRESS, NIGHT + timedelta(minutes=12))


async def test_light_from_before_the_order_confirms_nothing(village: Village) -> None:
    await village.conduct()
    await village.say(village.report("cabinet-1", {1: 100}, desired_n=1))
    granted = await village.press("dorf")
    await village.conduct("dorf")
    await village.say(village.report("cabinet-1", {1: 100}, desired_n=1))
    assert (await village.progress(granted["lease"])).state is LeaseState.ORDERED


async def test_a_lease_is_partly_lit_when_some_reported(store: SqlStore) -> None:
    village = Village(store, "glasau", NIGHT)
    await village.conduct()
    granted = await village.press("kirchweg")
    await village.conduct("kirchweg")
    await village.say(village.report("lamp-32", {1: 100}, desired_n=2, cause=Cause.PRESS))
    progress = await village.progress(granted["lease"])
    assert (progress.state, progress.confirmed, progress.total) == (LeaseState.PARTLY, 1, 28)


async def test_known_offline_is_left_out_of_a_lease(store: SqlStore) -> None:
    village = Village(store, "glasau", NIGHT)
    await village.conduct()
    lamps = [f"lamp-{n}" for n in range(32, 60)]
    await village.say(*(village.report(lamp, {1: 0}) for lamp in lamps))
    await village.say(village.status(lamps[0], online=False))
    granted = await village.press("kirchweg")
    await village.conduct("kirchweg")
    await village.say(*(village.report(lamp, {1: 100}, desired_n=2) for lamp in lamps[1:]))
    progress = await village.progress(granted["lease"])
    assert (progress.state, progress.confirmed, progress.total) == (LeaseState.LIT, 27, 27)


async def test_an_old_will_marks_no_new_connection_offline(village: Village) -> None:
    await village.say(village.status("cabinet-1", session=5), village.report("cabinet-1", {1: 0}, session=5))
    told = await village.say(village.status("cabinet-1", online=False, session=4))
    assert told.dropped == {"older session": 1}
    assert (await village.look("dorf")).light.state is LightState.DARK


async def test_its_own_will_makes_it_unknown(village: Village) -> None:
    await village.say(village.status("cabinet-1", session=5), village.report("cabinet-1", {1: 100}, session=5))
    await village.say(village.status("cabinet-1", online=False, session=5))
    light = (await village.look("dorf")).light
    assert (light.state, light.cause, light.lamps_lit) == (LightState.UNKNOWN, None, None)
    assert (light.level, light.confirmed_at) == (100, NIGHT)  # the last that was heard, and when


async def test_silence_becomes_unknown(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 100}))
    village.later(seconds=199)
    assert (await village.look("dorf")).light.state is LightState.LIT
    village.later(seconds=2)
    assert (await village.look("dorf")).light.state is LightState.UNKNOWN


async def test_a_new_session_vouches_for_nothing_until_it_reports(village: Village) -> None:
    await village.conduct()
    await village.say(village.status("cabinet-1", session=5), village.report("cabinet-1", {1: 100}, session=5))
    granted = await village.press("dorf")
    await village.say(village.status("cabinet-1", session=6))  # power was cycled: what burns now is not known
    assert (await village.look("dorf")).light.state is LightState.UNKNOWN
    await village.conduct("dorf")
    assert (await village.progress(granted["lease"])).state is LeaseState.ORDERED
    await village.say(village.report("cabinet-1", {1: 100}, session=6, boot=2, desired_n=2, cause=Cause.PRESS))
    assert (await village.progress(granted["lease"])).state is LeaseState.LIT


async def test_a_retained_report_says_nothing_about_being_online(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 100}, retained=True))
    assert (await village.look("dorf")).light.state is LightState.UNKNOWN
    await village.say(village.status("cabinet-1"))
    assert (await village.look("dorf")).light.state is LightState.LIT


async def test_a_birth_that_the_broker_had_kept_proves_no_life(village: Village) -> None:
    await village.say(village.status("cabinet-1", retained=True), village.report("cabinet-1", {1: 100}, retained=True))
    assert (await village.look("dorf")).light.state is LightState.UNKNOWN
    await village.say(village.report("cabinet-1", {1: 100}))
    assert (await village.look("dorf")).light.state is LightState.LIT


async def test_duplicates_and_late_reports_fall_out(village: Village) -> None:
    first = village.report("cabinet-1", {1: 0}, seq=10, wh=100)
    await village.say(first)
    village.later(minutes=1)
    told = await village.say(first, village.report("cabinet-1", {1: 100}, seq=9, wh=90))
    assert told.dropped == {"duplicate": 1, "late": 1}
    assert (await village.look("dorf")).light.state is LightState.DARK
    assert await energy(village) == {}


async def test_a_stranger_is_counted_and_ignored(village: Village) -> None:
    told = await village.say(village.report("cabinet-9", {1: 100}))
    assert told.dropped == {"unknown controller": 1}


async def test_energy_is_booked_to_the_cause_that_held_meanwhile(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 0}, wh=1000))
    village.later(minutes=1)
    await village.say(village.report("cabinet-1", {1: 100}, cause=Cause.PRESS, wh=1000.5))
    village.later(minutes=12)
    await village.say(village.report("cabinet-1", {1: 0}, wh=1160.5))
    assert await energy(village) == {Cause.SCHEDULE: 500, Cause.PRESS: 160_000}


async def test_a_lost_report_loses_no_energy_and_a_reset_begins_again(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 100}, wh=1000, seq=1))
    village.later(minutes=5)
    await village.say(village.report("cabinet-1", {1: 100}, wh=1100, seq=7))
    village.later(minutes=5)
    await village.say(village.report("cabinet-1", {1: 100}, wh=20, seq=8))
    assert sum((await energy(village)).values()) == 120_000


async def test_a_shared_meter_is_split_without_remainder(store: SqlStore) -> None:
    village = Village(store, "leck", NIGHT)
    await village.say(village.report("cabinet-1", {1: 100, 2: 100}, wh=0))
    village.later(minutes=10)
    await village.say(village.report("cabinet-1", {1: 100, 2: 100}, wh=23.333))
    assert sorted(row.energy_mwh for row in await village.entries()) == [10_000, 13_333]


async def test_a_heartbeat_redraws_no_page(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 100}, wh=1000, watts=800))
    village.later(seconds=60)
    told = await village.say(village.report("cabinet-1", {1: 100}, wh=1013, watts=801))
    assert told.changed == set()


@pytest.mark.parametrize("n", [3, 8])
async def test_an_output_that_does_not_exist_changes_nothing(village: Village, n: int) -> None:
    await village.say(village.report("cabinet-1", {n: 100}))
    states = await village.store.read(
        lambda tx: tx.output_states([OutputKey(*ControllerKey("luetjenholm", "cabinet-1"), n)])
    )
    assert states == {}
