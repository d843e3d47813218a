"""However often a street was pressed, the store gives few leases, and they say the same as all of them."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from service.domain.inventory import Output
from service.domain.leases import Lease, Progress, stretch
from service.domain.orders import derive
from service.domain.words import LeaseState
from service.ports import Tx
from service.store import SqlStore
from tests.support.leck import FIRST, NOW, STREET, later

LIT = Progress(LeaseState.LIT, 2, 2)
OUTPUT = Output(FIRST, STREET.zone)
GAP = timedelta(minutes=1)
MANY = [
    Lease(f"{n:032x}", STREET, (STREET,), NOW + timedelta(seconds=7 * n), NOW + timedelta(seconds=7 * n + 600), 80)
    for n in range(60)
]
WAITING = MANY[20:32]


def press_often(tx: Tx) -> None:
    """Keep all; all but a dozen are lit."""
    for lease in MANY:
        tx.add_lease(lease)
        if lease not in WAITING:
            tx.set_progress(lease.id, LIT)


def running_at(tx: Tx, now: datetime) -> list[Lease]:
    """What the store gives of those that run."""
    return [lease for lease, _ in tx.leases_running("leck", now)]


def pressed_since(tx: Tx, since: datetime) -> list[Lease]:
    """What the store gives of those that were pressed."""
    return tx.leases_pressed(STREET, since)


async def test_few_running_leases_give_the_same_orders_as_all(village: SqlStore) -> None:
    await village.write(press_often)
    for minute in (7, 10, 12, 16, 17):
        now = later(minutes=minute)
        running = await village.read(partial(running_at, now=now))
        assert len(running) <= 9 + len(WAITING)
        assert derive(OUTPUT, running, now) == derive(OUTPUT, [lease for lease in MANY if lease.until > now], now)


async def test_a_brighter_lease_and_those_that_wait_are_never_left_out(village: SqlStore) -> None:
    bright = replace(MANY[30], id="f" * 32, level=100)
    await village.write(press_often)
    await village.write(lambda tx: tx.add_lease(bright))
    await village.write(lambda tx: tx.set_progress(bright.id, LIT))
    running = await village.read(partial(running_at, now=later(minutes=7)))
    assert {bright, *WAITING} <= set(running)


async def test_few_pressed_leases_last_as_long_as_all(village: SqlStore) -> None:
    await village.write(press_often)
    for minute in (7, 12, 16, 18):
        now = later(minutes=minute)
        pressed = await village.read(partial(pressed_since, since=now))
        assert len(pressed) <= 17 + len(WAITING)
        assert stretch(pressed, now, GAP) == stretch([lease for lease in MANY if lease.until > now], now, GAP)
