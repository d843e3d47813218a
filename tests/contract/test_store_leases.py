"""What every Store keeps of presses, leases and answers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone

import pytest

from service.domain.inventory import ZoneKey
from service.domain.leases import Alike, Lease, Progress, Span
from service.domain.words import Channel, LeaseState, Reason
from service.errors import ConflictError, UnknownError
from service.ports import Answer, PressRecord, Tx
from service.store import SqlStore
from tests.support.leck import CROSSING, NOW, STREET, later
from tests.support.stores import query

NOWHERE = ZoneKey("leck", "nowhere")
FRESH = Progress(LeaseState.GRANTED, 0, 2)
PARTLY = Progress(LeaseState.PARTLY, 1, 2)


def lease(n: int, zone: ZoneKey = STREET, begins: int = 0) -> Lease:
    """Lease number `n`, for ten minutes from some minutes after NOW on."""
    lights = (STREET, CROSSING) if zone == STREET else (zone,)
    return Lease(f"{n:032x}", zone, lights, later(minutes=begins), later(minutes=begins + 10), 80)


async def test_a_lease_comes_back_as_it_was_bought(village: SqlStore) -> None:
    await village.write(lambda tx: tx.add_lease(lease(1), 2))
    assert await village.read(lambda tx: tx.lease(lease(1).id)) == (lease(1), FRESH)


async def test_the_order_of_the_lit_zones_stays(village: SqlStore) -> None:
    odd = replace(lease(1), lights=(CROSSING, STREET))
    await village.write(lambda tx: tx.add_lease(odd, 2))
    assert await village.read(lambda tx: tx.lease(odd.id)) == (odd, FRESH)
    assert await village.read(lambda tx: tx.leases_running("leck", NOW)) == [(odd, FRESH)]


async def test_times_are_kept_to_the_microsecond_in_utc(village: SqlStore) -> None:
    there = replace(lease(1), start=NOW.astimezone(timezone(timedelta(hours=5, minutes=45))))
    await village.write(lambda tx: tx.add_lease(there, 2))
    found = await village.read(lambda tx: tx.lease(there.id))
    assert found is not None
    assert found[0].start == NOW
    assert found[0].start.utcoffset() == timedelta(0)
    assert found[0].start.microsecond == 123456


async def test_light_pressed_is_of_leases_of_the_zone_that_end_later_and_did_not_fail(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        for one in (lease(1, begins=5), lease(3), lease(2, CROSSING)):
            tx.add_lease(one, 2)
        tx.add_lease(lease(4, begins=1), 1)
        alike = Alike(lease(4).lights, 80, Progress(LeaseState.GRANTED, 0, 1))
        tx.set_progress(alike, Progress(LeaseState.FAILED, 0, 2), NOW)

    await village.write(work)
    early, late = Span(NOW, later(minutes=10)), Span(later(minutes=5), later(minutes=15))
    assert await village.read(lambda tx: tx.light_pressed(STREET, NOW)) == [early, late]
    assert await village.read(lambda tx: tx.light_pressed(CROSSING, NOW)) == [early]
    assert await village.read(lambda tx: tx.light_pressed(STREET, later(minutes=10))) == [late]
    assert await village.read(lambda tx: tx.light_pressed(STREET, later(minutes=15))) == []
    assert await village.read(lambda tx: tx.light_pressed(NOWHERE, NOW)) == []


async def test_leases_running_are_all_of_the_municipality_that_end_later(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        for one in (lease(2), lease(1, CROSSING, begins=5)):
            tx.add_lease(one, 2)
        tx.set_progress(Alike(lease(2).lights, 80, FRESH), PARTLY, NOW)

    await village.write(work)
    both = [(lease(1, CROSSING, begins=5), FRESH), (lease(2), PARTLY)]
    assert await village.read(lambda tx: tx.leases_running("leck", NOW)) == both
    assert await village.read(lambda tx: tx.leases_running("leck", later(minutes=10))) == both[:1]
    assert await village.read(lambda tx: tx.leases_running("other", NOW)) == []


async def test_progress_is_set_for_all_alike_at_once_and_for_no_other(village: SqlStore) -> None:
    ordered = replace(FRESH, state=LeaseState.ORDERED, ordered_at=NOW)
    later_ordered = replace(ordered, ordered_at=later(minutes=1))
    alike = [lease(1), lease(2, begins=1)]
    others = [(lease(3, CROSSING), 2), (replace(lease(4), level=70), 2), (lease(5), 3)]

    def work(tx: Tx) -> None:
        tx.add_lease(lease(6), 2)
        tx.set_progress(Alike(lease(6).lights, 80, FRESH), later_ordered, NOW)
        for one, total in ((alike[0], 2), (alike[1], 2), *others):
            tx.add_lease(one, total)
        tx.set_progress(Alike(lease(1).lights, 80, FRESH), ordered, NOW)
        tx.set_progress(Alike(lease(1).lights, 80, ordered), PARTLY, later(minutes=9))

    await village.write(work)
    found = dict(await village.read(lambda tx: tx.leases_running("leck", NOW)))
    assert [found[one] for one in alike] == [PARTLY, PARTLY]
    assert [found[one] for one, _ in others] == [FRESH, FRESH, replace(FRESH, total=3)]
    assert found[lease(6)] == later_ordered


async def test_what_ended_keeps_its_progress(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        tx.add_lease(lease(1), 2)
        tx.add_lease(lease(2, begins=1), 2)
        tx.set_progress(Alike(lease(1).lights, 80, FRESH), PARTLY, later(minutes=10))

    await village.write(work)
    ended, running = [await village.read(lambda tx, n=n: tx.lease(lease(n).id)) for n in (1, 2)]  # type: ignore[misc]
    assert ended is not None
    assert running is not None
    assert (ended[1], running[1]) == (FRESH, PARTLY)


async def test_waiting_are_those_that_are_not_lit_alike_ones_as_one(village: SqlStore) -> None:
    street, crossing = Alike(lease(1).lights, 80, FRESH), Alike((CROSSING,), 80, FRESH)

    def work(tx: Tx) -> None:
        tx.add_lease(lease(9), 1)
        tx.set_progress(Alike(lease(9).lights, 80, replace(FRESH, total=1)), Progress(LeaseState.LIT, 1, 1), NOW)
        for one in (lease(1), lease(2, begins=1), lease(3, CROSSING, begins=-5)):
            tx.add_lease(one, 2)

    await village.write(work)
    assert await village.read(lambda tx: tx.leases_waiting("leck", NOW)) == [street, crossing]
    assert await village.read(lambda tx: tx.leases_waiting("leck", later(minutes=5))) == [street]
    assert await village.read(lambda tx: tx.leases_waiting("leck", later(minutes=11))) == []
    assert await village.read(lambda tx: tx.leases_waiting("other", NOW)) == []


async def test_a_press_is_kept_whether_it_bought_something_or_not(village: SqlStore, store_url: str) -> None:
    def work(tx: Tx) -> None:
        tx.add_press(PressRecord("p1", STREET, NOW, Channel.WEB, None, lease(1).id))  # before its lease
        tx.add_lease(lease(1), 2)
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


async def test_old_answers_are_forgotten(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        for hour in range(3):
            tx.keep_answer(f"scope {hour}", Answer(201, "{}"), later(hours=hour))

    await village.write(work)
    assert await village.write(lambda tx: tx.forget(later(hours=1))) == 1
    left = [await village.read(lambda tx, hour=hour: tx.answer(f"scope {hour}")) for hour in range(3)]  # type: ignore[misc]
    assert left == [None, Answer(201, "{}"), Answer(201, "{}")]


UNKNOWN: dict[str, Callable[[Tx], object]] = {
    "press": lambda tx: tx.add_press(PressRecord("p", NOWHERE, NOW, Channel.WEB, Reason.DAYLIGHT, None)),
    "lease": lambda tx: tx.add_lease(replace(lease(1), zone=NOWHERE), 2),
    "lit along": lambda tx: tx.add_lease(replace(lease(1), lights=(STREET, NOWHERE)), 2),
    "progress": lambda tx: tx.set_progress(Alike((NOWHERE,), 80, FRESH), PARTLY, NOW),
}


@pytest.mark.parametrize("what", UNKNOWN)
async def test_writing_to_what_does_not_exist_is_refused_by_name(village: SqlStore, what: str) -> None:
    with pytest.raises(UnknownError, match=r"nowhere|missing"):
        await village.write(UNKNOWN[what])


async def test_naive_times_are_refused(village: SqlStore) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="without its time zone"):
        await village.write(lambda tx: tx.add_lease(replace(lease(1), until=naive), 2))
    with pytest.raises(ValueError, match="without its time zone"):
        await village.read(lambda tx: tx.light_pressed(STREET, naive))
    assert await village.read(lambda tx: tx.leases_running("leck", NOW)) == []


async def test_touch_writes(store: SqlStore, store_url: str) -> None:
    await store.write(lambda tx: tx.touch())
    await store.write(lambda tx: tx.touch())
    assert query(store_url, "SELECT id, n FROM probe") == [(1, 2)]
