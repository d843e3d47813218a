"""What every Store keeps of presses, for as long as they are kept, and of the light that they gave to a zone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from service.domain.inventory import ZoneKey
from service.domain.leases import Alike, Lease, Progress, Span
from service.domain.words import Channel, LeaseState, Reason
from service.ports import PressRecord, Tx
from service.store import SqlStore
from tests.support.leck import CROSSING, NOW, STREET, later
from tests.support.stores import query

FRESH = Progress(LeaseState.GRANTED, 0, 2)


def bought(name: str, begins: int, zone: ZoneKey = STREET, lights: tuple[ZoneKey, ...] = (STREET, CROSSING)) -> Lease:
    """A lease for ten minutes from some minutes after NOW on."""
    return Lease(name, zone, lights, later(minutes=begins), later(minutes=begins + 10), 80)


def granted(name: str, minute: int) -> PressRecord:
    """A press that bought the lease of its name."""
    return PressRecord(f"press {name}", STREET, later(minutes=minute), Channel.BUTTON, None, name)


def keep(tx: Tx, leases: Sequence[Lease], presses: Sequence[PressRecord] = ()) -> None:
    """Keep all of them."""
    for lease in leases:
        tx.add_lease(lease, 2)
    for press in presses:
        tx.add_press(press)


async def left(store: SqlStore) -> list[str]:
    """The names of all leases that are kept, over all time."""
    names = [chr(code) for code in range(ord("a"), ord("f"))]
    found = await store.read(lambda tx: [tx.lease(name) for name in names])
    return [one[0].id for one in found if one is not None]


async def test_a_lease_that_warns_comes_back_so(village: SqlStore) -> None:
    warning = replace(bought("a", 0), warn=True)
    await village.write(lambda tx: keep(tx, [warning, bought("b", 0)]))
    both = [(warning, FRESH), (bought("b", 0), FRESH)]
    assert await village.read(lambda tx: tx.lease("a")) == both[0]
    assert await village.read(lambda tx: tx.leases_running("leck", NOW)) == both


async def test_light_given_is_of_leases_that_light_the_zone_from_wherever(village: SqlStore) -> None:
    begins = {"a": 5, "b": 0, "c": -30, "d": 30}
    leases = [bought(name, minute) for name, minute in begins.items()]
    leases.append(bought("e", 2, CROSSING, (CROSSING,)))
    await village.write(lambda tx: keep(tx, leases))
    spans = [Span(lease.start, lease.until) for lease in leases]
    start, end = later(minutes=-20), later(minutes=30)  # one ended as it begins, one begins as it ends
    assert await village.read(lambda tx: tx.light_given(STREET, start, end)) == [spans[1], spans[0]]
    assert await village.read(lambda tx: tx.light_given(CROSSING, start, end)) == [spans[1], spans[4], spans[0]]
    second = later(minutes=-20, seconds=-1), later(minutes=30, seconds=1)
    everything = [spans[2], spans[1], spans[0], spans[3]]
    assert await village.read(lambda tx: tx.light_given(STREET, *second)) == everything
    assert await village.read(lambda tx: tx.light_given(ZoneKey("leck", "haupt"), *second)) == []
    assert await village.read(lambda tx: tx.light_given(ZoneKey("leck", "%"), *second)) == []
    assert await village.read(lambda tx: tx.light_given(ZoneKey("other", STREET.zone), *second)) == []


async def test_light_given_is_of_the_stretch_alone_however_many_leases_lie_around_it(village: SqlStore) -> None:
    """The longest leases that there are, the last of which ends long after the stretch."""
    four_hours, start, end = timedelta(hours=4), NOW, later(hours=1)
    begins = {
        "a": later(days=-400),
        "b": start - four_hours,
        "c": start - four_hours + timedelta(microseconds=1),
        "d": end - timedelta(microseconds=1),
        "e": end,
        "f": later(days=400),
    }
    leases = [Lease(name, STREET, (STREET,), at, at + four_hours, 80) for name, at in begins.items()]
    await village.write(lambda tx: keep(tx, leases))
    spans = {lease.id: Span(lease.start, lease.until) for lease in leases}
    assert await village.read(lambda tx: tx.light_given(STREET, start, end)) == [spans["c"], spans["d"]]
    old = later(days=-400), later(days=-400, hours=1)
    assert await village.read(lambda tx: tx.light_given(STREET, *old)) == [spans["a"]]
    new = later(days=400), later(days=400, hours=1)
    assert await village.read(lambda tx: tx.light_given(STREET, *new)) == [spans["f"]]


async def test_a_lease_that_failed_gave_no_light(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        keep(tx, [bought("a", 0)])
        tx.set_progress(Alike((STREET, CROSSING), 80, FRESH), replace(FRESH, state=LeaseState.FAILED), NOW)

    await village.write(work)
    assert await village.read(lambda tx: tx.light_given(STREET, NOW, later(hours=1))) == []


async def test_presses_are_those_of_a_stretch_by_time(village: SqlStore) -> None:
    refused = PressRecord("refused", CROSSING, later(minutes=1), Channel.WEB, Reason.QUIET, None)
    presses = [granted("b", 2), refused, granted("a", 0)]
    await village.write(lambda tx: keep(tx, [bought("a", 0), bought("b", 2)], presses))
    assert await village.read(lambda tx: tx.presses("leck", NOW, later(minutes=3))) == [presses[2], refused, presses[0]]
    assert await village.read(lambda tx: tx.presses("leck", later(minutes=1), later(minutes=2))) == [refused]
    assert await village.read(lambda tx: tx.presses("other", NOW, later(minutes=3))) == []


async def test_old_presses_and_what_they_bought_are_forgotten(village: SqlStore, store_url: str) -> None:
    """All is forgotten from minute 15 on."""
    leases = [
        bought("a", 0),  # ended before, with its press
        bought("b", 10),  # its press is older, but it ends later
        bought("c", 3),  # ended before, but a press that is kept names it
        bought("d", 1, CROSSING, (CROSSING,)),  # ended before, and no press names it
        bought("e", 5),  # ends just then, and no press names it
    ]
    old, kept = [granted("a", 0), granted("b", 10)], granted("c", 15)
    refused = [PressRecord(str(n), STREET, later(minutes=n), Channel.WEB, Reason.QUIET, None) for n in (14, 16)]
    await village.write(lambda tx: keep(tx, leases, [*old, kept, *refused]))
    assert await village.write(lambda tx: tx.forget_presses(later(minutes=15))) == 3
    assert await village.read(lambda tx: tx.presses("leck", NOW, later(hours=1))) == [kept, refused[1]]
    assert await left(village) == ["b", "c", "e"]
    assert query(store_url, "SELECT count(*) FROM press WHERE lease NOT IN (SELECT public_id FROM lease)") == [(0,)]
    assert await village.write(lambda tx: tx.forget_presses(later(minutes=15))) == 0
    assert await village.write(lambda tx: tx.forget_presses(later(hours=1))) == 2
    assert await left(village) == []


QUARTER = NOW.replace(microsecond=0)
"""NOW is a little after the beginning of a quarter of an hour."""


async def told(store: SqlStore) -> tuple[list[PressRecord], list[tuple[str, datetime, datetime]]]:
    """All presses, and the leases by id, beginning and end."""
    presses = await store.read(lambda tx: tx.presses("leck", later(days=-9), later(days=9)))
    leases = await store.read(lambda tx: tx.leases_running("leck", later(days=-9)))
    return presses, [(lease.id, lease.start, lease.until) for lease, _ in leases]


async def test_old_presses_and_leases_become_coarse_and_lose_each_other(village: SqlStore, store_url: str) -> None:
    lasting = {"a": 1, "b": 22, "c": 23, "d": 37.6}
    leases = [
        Lease(name, STREET, (STREET,), later(minutes=n), later(minutes=n + lasts), 80)
        for n, (name, lasts) in enumerate(lasting.items())
    ]
    refused = PressRecord("refused", CROSSING, later(minutes=14.5), Channel.WEB, Reason.QUIET, None)
    await village.write(lambda tx: keep(tx, leases, [*(granted(name, n) for n, name in enumerate(lasting)), refused]))
    assert await village.write(lambda tx: tx.coarsen_presses(later(hours=9))) == 9
    presses, found = await told(village)
    assert {(press.at, press.lease) for press in presses} == {(QUARTER, None)}
    assert sorted((until - start) / timedelta(minutes=15) for _, start, until in found) == [1, 1, 2, 3]
    assert {start for _, start, _ in found} == {QUARTER}
    assert {len(lease) for lease, _, _ in found} == {32}
    assert len({lease for lease, _, _ in found}) == 4
    assert await village.write(lambda tx: tx.coarsen_presses(later(hours=9))) == 0
    assert await told(village) == (presses, found)
    assert query(store_url, "SELECT count(*) FROM lease WHERE ordered_at IS NOT NULL") == [(0,)]


async def test_what_is_not_old_stays_as_it_was(village: SqlStore) -> None:
    """All is old from minute 20 on."""
    leases = [
        bought("a", 0),  # ended before, with its press
        bought("b", 15),  # its press is older, but it ends later
        bought("c", 3),  # ended before, but a press that is not old names it
        bought("d", 20),
    ]
    presses = [granted("a", 0), granted("b", 15), granted("c", 21), granted("d", 20)]
    await village.write(lambda tx: keep(tx, leases, presses))
    assert await village.write(lambda tx: tx.coarsen_presses(later(minutes=20))) == 3
    assert await left(village) == ["b", "c", "d"]
    kept = await village.read(lambda tx: tx.presses("leck", later(minutes=20), later(hours=1)))
    assert sorted(kept, key=lambda press: press.id) == [presses[2], presses[3]]
    assert await village.write(lambda tx: tx.coarsen_presses(later(hours=1))) == 5
    assert await left(village) == []


async def test_what_happened_to_begin_and_end_with_a_quarter_loses_its_link_too(village: SqlStore) -> None:
    lease = Lease("a", STREET, (STREET,), QUARTER, QUARTER + timedelta(minutes=15), 80)
    press = PressRecord("press a", STREET, QUARTER, Channel.WEB, None, "a")
    await village.write(lambda tx: keep(tx, [lease], [press]))
    assert await village.write(lambda tx: tx.coarsen_presses(later(hours=1))) == 2
    presses, [(id_, *times)] = await told(village)
    assert presses == [replace(press, lease=None)]
    assert id_ != "a"
    assert times == [lease.start, lease.until]


async def test_forgetting_before_a_moment_without_its_zone_is_refused(village: SqlStore) -> None:
    with pytest.raises(ValueError, match="without its time zone"):
        await village.write(lambda tx: tx.forget_presses(NOW.replace(tzinfo=None)))
