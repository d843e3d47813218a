"""What every Store keeps of presses, leases and answers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from service.domain.inventory import ZoneKey
from service.domain.leases import Lease, Progress
from service.domain.words import Channel, LeaseState, Reason
from service.errors import ConflictError, UnknownError
from service.ports import Answer, PressRecord, Tx
from service.store import SqlStore
from tests.support.leck import CABINET, CROSSING, NOW, STREET, later
from tests.support.stores import query

NOWHERE = ZoneKey("leck", "nowhere")
FRESH = Progress(LeaseState.GRANTED, 0, 0)


def lease(n: int, zone: ZoneKey = STREET, begins: int = 0) -> Lease:
    """Lease number `n`, for ten minutes from some minutes after NOW on."""
    lights = (STREET, CROSSING) if zone == STREET else (zone,)
    return Lease(f"{n:032x}", zone, lights, later(minutes=begins), later(minutes=begins + 10), 80)


async def test_a_lease_comes_back_as_it_was_bought(village: SqlStore) -> None:
    await village.write(lambda tx: tx.add_lease(lease(1)))
    assert await village.read(lambda tx: tx.lease(lease(1).id)) == (lease(1), FRESH)


async def test_the_order_of_the_lit_zones_stays(village: SqlStore) -> None:
    odd = replace(lease(1), lights=(CROSSING, STREET))
    await village.write(lambda tx: tx.add_lease(odd))
    assert await village.read(lambda tx: tx.lease(odd.id)) == (odd, FRESH)
    assert await village.read(lambda tx: tx.leases_running("leck", NOW)) == [(odd, FRESH)]


async def test_times_are_kept_to_the_microsecond_in_utc(village: SqlStore) -> None:
    there = replace(lease(1), start=NOW.astimezone(timezone(timedelta(hours=5, minutes=45))))
    await village.write(lambda tx: tx.add_lease(there))
    found = await village.read(lambda tx: tx.lease(there.id))
    assert found is not None
    assert found[0].start == NOW
    assert found[0].start.utcoffset() == timedelta(0)
    assert found[0].start.microsecond == 123456


async def test_leases_pressed_are_those_of_the_zone_that_end_later_and_did_not_fail(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        for one in (lease(3), lease(1, begins=5), lease(2, CROSSING), lease(4, begins=1)):
            tx.add_lease(one)
        tx.set_progress(lease(4).id, Progress(LeaseState.FAILED, 0, 2))

    await village.write(work)
    assert await village.read(lambda tx: tx.leases_pressed(STREET, NOW)) == [lease(1, begins=5), lease(3)]
    assert await village.read(lambda tx: tx.leases_pressed(CROSSING, NOW)) == [lease(2, CROSSING)]
    assert await village.read(lambda tx: tx.leases_pressed(STREET, later(minutes=10))) == [lease(1, begins=5)]
    assert await village.read(lambda tx: tx.leases_pressed(STREET, later(minutes=15))) == []
    assert await village.read(lambda tx: tx.leases_pressed(NOWHERE, NOW)) == []


async def test_leases_running_are_all_of_the_municipality_that_end_later(village: SqlStore) -> None:
    lit = Progress(LeaseState.PARTLY, 1, 2)

    def work(tx: Tx) -> None:
        for one in (lease(2), lease(1, CROSSING, begins=5)):
            tx.add_lease(one)
        tx.set_progress(lease(2).id, lit)

    await village.write(work)
    both = [(lease(1, CROSSING, begins=5), FRESH), (lease(2), lit)]
    assert await village.read(lambda tx: tx.leases_running("leck", NOW)) == both
    assert await village.read(lambda tx: tx.leases_running("leck", later(minutes=10))) == both[:1]
    assert await village.read(lambda tx: tx.leases_running("other", NOW)) == []


async def test_a_press_is_kept_whether_it_bought_something_or_not(village: SqlStore, store_url: str) -> None:
    def work(tx: Tx) -> None:
        tx.add_press(PressRecord("p1", STREET, NOW, Channel.WEB, None, lease(1).id))  # before its lease
        tx.add_lease(lease(1))
        tx.add_press(PressRecord("p2", CROSSING, NOW, Channel.BUTTON, Reason.ALREADY_LIT, None))

    await village.write(work)
    kept = query(
        store_url,
        "SELECT public_id, zone.slug, at, channel, refused, lease FROM press"
        " JOIN zone ON zone.id = press.zone_id ORDER BY public_id",
    )
    us = round(NOW.timestamp() * 1_000_000)
    assert kept == [
        ("p1", "hauptstrasse", us, "web", None, lease(1).id),
        ("p2", "kreuzung", us, "button", "already_lit", None),
    ]


async def test_a_press_without_the_lease_it_names_is_refused(village: SqlStore, store_url: str) -> None:
    with pytest.raises(ConflictError):
        await village.write(lambda tx: tx.add_press(PressRecord("p", STREET, NOW, Channel.WEB, None, "missing")))
    assert query(store_url, "SELECT count(*) FROM press") == [(0,)]


async def test_an_answer_is_kept_once(village: SqlStore) -> None:
    first = Answer(201, '{"sentence": "Hauptstraße – hell"}')
    await village.write(lambda tx: tx.keep_answer("scope", first, NOW))
    assert await village.read(lambda tx: tx.answer("scope")) == first
    with pytest.raises(ConflictError):
        await village.write(lambda tx: tx.keep_answer("scope", Answer(409, "{}"), NOW))
    assert await village.read(lambda tx: tx.answer("scope")) == first


async def test_old_answers_and_report_keys_are_forgotten(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        for hour in range(3):
            tx.keep_answer(f"scope {hour}", Answer(201, "{}"), later(hours=hour))
            tx.new_report(CABINET, 1, hour, later(hours=hour))

    await village.write(work)
    assert await village.write(lambda tx: tx.forget(later(hours=1), later(hours=2))) == 3
    left = [await village.read(lambda tx, hour=hour: tx.answer(f"scope {hour}")) for hour in range(3)]  # type: ignore[misc]
    assert left == [None, Answer(201, "{}"), Answer(201, "{}")]
    fresh = [await village.write(lambda tx, seq=seq: tx.new_report(CABINET, 1, seq, NOW)) for seq in range(3)]  # type: ignore[misc]
    assert fresh == [True, True, False]


UNKNOWN: dict[str, Callable[[Tx], object]] = {
    "press": lambda tx: tx.add_press(PressRecord("p", NOWHERE, NOW, Channel.WEB, Reason.DAYLIGHT, None)),
    "lease": lambda tx: tx.add_lease(replace(lease(1), zone=NOWHERE)),
    "lit along": lambda tx: tx.add_lease(replace(lease(1), lights=(STREET, NOWHERE))),
    "progress": lambda tx: tx.set_progress("missing", FRESH),
}


@pytest.mark.parametrize("what", UNKNOWN)
async def test_writing_to_what_does_not_exist_is_refused_by_name(village: SqlStore, what: str) -> None:
    with pytest.raises(UnknownError, match=r"nowhere|missing"):
        await village.write(UNKNOWN[what])


async def test_naive_times_are_refused(village: SqlStore) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="without its time zone"):
        await village.write(lambda tx: tx.add_lease(replace(lease(1), until=naive)))
    with pytest.raises(ValueError, match="without its time zone"):
        await village.read(lambda tx: tx.leases_pressed(STREET, naive))
    assert await village.read(lambda tx: tx.leases_running("leck", NOW)) == []


async def test_touch_writes(store: SqlStore, store_url: str) -> None:
    await store.write(lambda tx: tx.touch())
    await store.write(lambda tx: tx.touch())
    assert query(store_url, "SELECT id, n FROM probe") == [(1, 2)]
