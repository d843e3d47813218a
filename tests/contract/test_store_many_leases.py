"""However often a street was pressed, the store gives few leases, and they say the same as all of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from service.domain.inventory import Output, ZoneKey, curve_of
from service.domain.leases import Alike, Lease, Progress, Span, stretch
from service.domain.orders import Order, claims_of, derive, level_of
from service.domain.words import LeaseState
from service.ports import Tx
from service.store import SqlStore
from tests.support.leck import CROSSING, FIRST, NOW, SECOND, STREET, later, leck

GRANTED = Progress(LeaseState.GRANTED, 0, 2)
ON_STREET, ON_CROSSING = Output(FIRST, STREET.zone), Output(SECOND, CROSSING.zone)
ZONES = {zone.key.zone: zone for zone in leck().zones}
GAP = timedelta(minutes=1)
MANY = [
    Lease(f"{n:032x}", STREET, (STREET,), NOW + timedelta(seconds=7 * n), NOW + timedelta(seconds=7 * n + 600), 80)
    for n in range(60)
]


def press_often(tx: Tx, leases: list[Lease], state: LeaseState) -> None:
    """Keep all, in one state."""
    for lease in leases:
        tx.add_lease(lease, 2)
    for lights in {lease.lights for lease in leases}:
        tx.set_progress(Alike(lights, 80, GRANTED), replace(GRANTED, state=state), NOW)


def running_at(tx: Tx, now: datetime) -> list[Lease]:
    """What the store gives of those that run."""
    return [lease for lease, _ in tx.leases_running("leck", now)]


def pressed_since(tx: Tx, since: datetime) -> list[Span]:
    """What the store gives of those that were pressed."""
    return tx.light_pressed(STREET, since)


def ordered(output: Output, leases: list[Lease], now: datetime) -> Order:
    """The order that leases give an output."""
    curve = curve_of(output, ZONES[output.zone], leck().municipality)
    return derive(output, curve, claims_of(ZoneKey("leck", output.zone), leases, now), now)


def light(order: Order) -> list[tuple[datetime, int]]:
    """The level from each moment on at which it changes, whichever leases it is for."""
    levels = [(step.start, step.level) for step in order]
    changes = [one for n, one in enumerate(levels) if n == 0 or one[1] != levels[n - 1][1]]
    return [*changes, (order[-1].until, 0)]


@pytest.mark.parametrize("state", LeaseState)
async def test_few_running_leases_give_the_same_orders_as_all(village: SqlStore, state: LeaseState) -> None:
    await village.write(lambda tx: press_often(tx, MANY, state))
    for minute in (7, 10, 12, 16, 17):
        now = later(minutes=minute)
        running = await village.read(partial(running_at, now=now))
        assert len(running) <= 9
        assert ordered(ON_STREET, running, now) == ordered(
            ON_STREET, [lease for lease in MANY if lease.until > now], now
        )


async def test_what_lights_another_zone_along_is_never_left_out_for_what_does_not(village: SqlStore) -> None:
    along = [replace(lease, lights=(STREET, CROSSING)) if 20 <= n < 40 else lease for n, lease in enumerate(MANY)]
    await village.write(lambda tx: press_often(tx, along, LeaseState.LIT))
    for minute in (7, 12, 13, 14, 15):
        now = later(minutes=minute)
        running = await village.read(partial(running_at, now=now))
        assert len(running) <= 18
        every = [lease for lease in along if lease.until > now]
        assert ordered(ON_CROSSING, running, now) == ordered(ON_CROSSING, every, now)


async def test_few_leases_that_warn_give_the_same_light_as_all(village: SqlStore) -> None:
    warning = [replace(lease, warn=True) for lease in MANY]
    await village.write(lambda tx: press_often(tx, warning, LeaseState.LIT))
    for minute in (7, 12, 16):
        now = later(minutes=minute)
        running = await village.read(partial(running_at, now=now))
        assert len(running) <= 9
        few, every = ordered(ON_STREET, running, now), ordered(ON_STREET, warning, now)
        assert light(few)[1:] == light(every)[1:]
        assert level_of(few, now) == level_of(every, now)


async def test_what_warns_never_stands_for_what_does_not(village: SqlStore) -> None:
    mixed = [replace(lease, warn=n == len(MANY) - 1) for n, lease in enumerate(MANY)]
    await village.write(lambda tx: press_often(tx, mixed, LeaseState.LIT))
    now, end = later(minutes=7), MANY[-1].until
    few, every = (
        ordered(ON_STREET, await village.read(partial(running_at, now=now)), now),
        ordered(ON_STREET, mixed, now),
    )
    for second in range(1, 70, 3):
        moment = end - timedelta(seconds=second)
        assert level_of(few, moment) == level_of(every, moment)


async def test_a_brighter_lease_is_never_left_out(village: SqlStore) -> None:
    bright = replace(MANY[30], id="f" * 32, level=100)
    await village.write(lambda tx: press_often(tx, MANY, LeaseState.PARTLY))
    await village.write(lambda tx: tx.add_lease(bright, 2))
    assert bright in await village.read(partial(running_at, now=later(minutes=7)))


async def test_light_is_the_same_where_a_brighter_lease_hides_those_that_end_first(village: SqlStore) -> None:
    bright = Lease("f" * 32, STREET, (STREET, CROSSING), NOW, later(minutes=15), 100)
    await village.write(lambda tx: press_often(tx, MANY, LeaseState.LIT))
    await village.write(lambda tx: tx.add_lease(bright, 2))
    now = later(minutes=7)
    few = ordered(ON_STREET, await village.read(partial(running_at, now=now)), now)
    every = ordered(ON_STREET, [*MANY, bright], now)
    for minute in range(7, 18):
        assert level_of(few, later(minutes=minute)) == level_of(every, later(minutes=minute))
    assert few[-1].until == every[-1].until


async def test_after_the_clock_was_set_back_no_light_is_lost(village: SqlStore) -> None:
    apart = [replace(MANY[n], start=later(minutes=n), until=later(minutes=n + 10)) for n in (20, 40)]
    leases = [*MANY[:9], *apart]
    await village.write(lambda tx: press_often(tx, leases, LeaseState.LIT))
    now = later(minutes=5)
    order = ordered(ON_STREET, await village.read(partial(running_at, now=now)), now)
    assert [level_of(order, later(minutes=minute)) for minute in (5, 15, 25, 35, 45)] == [80, 0, 80, 0, 80]


async def test_few_pressed_leases_last_as_long_as_all(village: SqlStore) -> None:
    await village.write(lambda tx: press_often(tx, MANY, LeaseState.ORDERED))
    for minute in (7, 12, 16, 18):
        now = later(minutes=minute)
        pressed = await village.read(partial(pressed_since, since=now))
        assert len(pressed) <= 8
        assert stretch(pressed, now, GAP) == stretch([lease for lease in MANY if lease.until > now], now, GAP)
