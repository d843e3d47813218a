"""Press: a resident asks for light."""

from dataclasses import replace

import pytest

from service.domain.inventory import Controller, ControllerKey, OutputKey, ZoneKey
from service.errors import UnknownError
from service.store import SqlStore
from tests.unit.villages import leck, utc
from tests.usecases.acting import Village

DORF = ZoneKey("luetjenholm", "dorf")


async def leases(village: Village) -> int:
    found = await village.store.read(lambda tx: tx.leases_running(village.id, village.now))
    return len(found)


async def test_a_granted_press_is_kept_with_its_lease(village: Village) -> None:
    granted = await village.press("dorf")
    assert granted["status"] == 201
    assert granted["until"] == "2026-11-22T00:24:00+00:00"
    kept = await village.store.read(lambda tx: tx.lease(granted["lease"]))
    assert kept is not None
    assert kept[0].lights == (DORF,)


async def test_every_press_makes_its_own_lease(village: Village) -> None:
    first = await village.press("dorf")
    village.later(minutes=2, seconds=8)
    second = await village.press("dorf")
    assert first["lease"] != second["lease"]
    assert second["until"] == "2026-11-22T00:26:08+00:00"
    assert await leases(village) == 2


async def test_the_same_key_gets_the_same_answer_and_buys_nothing_more(village: Village) -> None:
    first = await village.press("dorf", "key-of-one-press")
    village.later(minutes=5)
    assert await village.press("dorf", "key-of-one-press") == first
    assert await leases(village) == 1


async def test_a_key_counts_for_its_zone_alone(store: SqlStore) -> None:
    village = Village(store, "glasau", utc("2026-11-22T00:12:00"))
    first = await village.press("kirchweg", "key-of-one-press")
    second = await village.press("am-see", "key-of-one-press")
    assert first["lease"] != second["lease"]


async def test_a_refusal_buys_nothing_and_names_a_moment_that_works(village: Village) -> None:
    village.now = utc("2026-11-22T11:30:00")
    refused = await village.press("dorf")
    assert refused["reason"] == "daylight"
    village.now = utc(refused["retry_at"].removesuffix("+00:00"))
    assert await leases(village) == 0
    assert (await village.press("dorf"))["status"] == 201


async def test_unknown_alone_is_granted_and_known_offline_is_not(village: Village) -> None:
    await village.say(village.status("cabinet-1", online=False))
    refused = await village.press("dorf")
    assert (refused["reason"], refused["retry_at"]) == ("unreachable", None)
    await village.store.write(lambda tx: tx.forget_availability())
    assert (await village.press("dorf"))["status"] == 201


async def test_without_the_broker_nothing_is_granted(village: Village) -> None:
    village.connected = False
    assert (await village.press("dorf"))["reason"] == "unreachable"


async def test_the_longest_light_cannot_be_passed(village: Village) -> None:
    granted = 0
    answer = await village.press("dorf")
    while answer["status"] == 201:
        granted += 1
        village.later(minutes=10)
        answer = await village.press("dorf")
    assert answer["reason"] == "longest"
    assert granted == 6  # presses at 0, 10, ... 50 minutes; the last buys the 10 minutes that remain
    village.now = utc(answer["retry_at"].removesuffix("+00:00"))
    assert (await village.press("dorf"))["status"] == 201


async def test_a_failed_lease_costs_the_zone_nothing(village: Village) -> None:
    await village.conduct()
    for _ in range(6):
        assert (await village.press("dorf"))["status"] == 201
        await village.conduct("dorf")
        village.later(seconds=11)
        await village.conduct("dorf")  # nobody confirmed within 10 s: failed
        village.later(minutes=9, seconds=49)
    assert (await village.press("dorf"))["status"] == 201


async def test_a_press_lights_other_zones_along(store: SqlStore) -> None:
    village = Village(store, "leck", utc("2026-11-22T00:12:00"))
    granted = await village.press("hauptstrasse")
    kept = await store.read(lambda tx: tx.lease(granted["lease"]))
    assert kept is not None
    assert [key.zone for key in kept[0].lights] == ["hauptstrasse", "kreuzung"]


async def test_a_corner_that_answers_does_not_make_a_silent_street_reachable(store: SqlStore) -> None:
    """Two controllers: the pressed street's is offline, that of the corner lit along is online."""
    corner = leck().controllers[0]
    key = ControllerKey("leck", "cabinet-2")
    crossing = replace(corner.outputs[1], key=OutputKey(*key, 1), safety=False)
    street = replace(corner, outputs=corner.outputs[:1], meters=())
    lamps = (*leck().lamps[:2], replace(leck().lamps[2], output=crossing.key, safety=False))
    inventory = replace(leck(), controllers=(street, Controller(key, "cabinet", "Ecke", (crossing,), ())), lamps=lamps)
    village = Village(store, "leck", utc("2026-11-22T00:12:00"))
    await store.write(lambda tx: tx.save_inventory(inventory, village.now))
    await village.say(village.report("cabinet-2", {1: 0}), village.status("cabinet-1", online=False))
    assert (await village.press("hauptstrasse"))["reason"] == "unreachable"
    assert (await village.press("kreuzung"))["status"] == 201


@pytest.mark.parametrize(("home", "zone"), [("luetjenholm", "nowhere"), ("atlantis", "dorf")])
async def test_unknown_places_are_named(store: SqlStore, home: str, zone: str) -> None:
    village = Village(store, home, utc("2026-11-22T00:12:00"))
    with pytest.raises(UnknownError, match="nowhere" if home == "luetjenholm" else "atlantis"):
        await village.press(zone)
