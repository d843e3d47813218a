"""Forgetting: coarse after some nights, monthly sums after twelve months, and nothing of any total is lost."""

import asyncio
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from service.clock import SystemClock
from service.domain.entries import QUARTER, Entry
from service.domain.inventory import ZoneKey
from service.domain.leases import Lease
from service.domain.orders import OrderStep
from service.domain.periods import midnight, month_of, months_on, period_of
from service.domain.reports import ControllerState, MeterState, OutputState, Sample
from service.domain.words import Cause, Channel, Period
from service.loops.housekeeping import Housekeeping
from service.ports import Burnt, PressRecord, SentOrder, Store, Tx
from service.store import open_store
from service.usecases.coarsening import coarsen_entries, exact_from, hours_at_once
from service.usecases.forgetting import burnt_in, forget_entries, kept_since
from service.usecases.rollups import roll_up, sums
from tests.unit.villages import BERLIN, glasau, leck, utc
from tests.usecases.booking import EVER, Ledger, Sums, added, as_sums, ledger_of
from tests.usecases.conftest import NIGHT

NOW = utc("2026-11-22T00:12:00")
"""In the night of the 21st."""
LONG_AGO = utc("2025-09-20T00:00:00")
KOLKATA = "Asia/Kolkata"


def rolling(ledger: Ledger) -> partial[bool]:
    return partial(roll_up, home=ledger.home, most_hours=50)


def coarsening(ledger: Ledger, now: datetime = NOW, hours: int = 24) -> partial[bool]:
    return partial(coarsen_entries, home=ledger.home, before=exact_from(ledger.home, now, 14), most_hours=hours)


def forgetting(ledger: Ledger, now: datetime = NOW, hours: int = 24) -> partial[bool]:
    before = kept_since(ledger.home, now)
    return partial(forget_entries, home=ledger.home, outputs=ledger.outputs, before=before, most_hours=hours)


async def burnt(ledger: Ledger) -> dict[datetime, dict[object, object]]:
    """What was burnt by month, as readers are told."""
    tz = ledger.home.place.tz
    months = [midnight(months_on(month_of(LONG_AGO, tz), n), tz) for n in range(-1, 18)]

    def read(tx: Tx) -> dict[datetime, list[Burnt]]:
        return {month: burnt_in(tx, ledger.home, ledger.outputs, month) for month in months}

    return {month: dict(added(found)) for month, found in (await ledger.store.read(read)).items()}


async def told(ledger: Ledger, kind: Period) -> Sums:
    return as_sums(await ledger.store.read(lambda tx: sums(tx, ledger.home, kind, *EVER)))


def coarse(entry: Entry) -> bool:
    """Whether an entry tells no more than quarters of an hour."""

    def full(moment: datetime) -> bool:
        return moment.minute % 15 == moment.second == moment.microsecond == 0

    return entry.ref is None and full(entry.start) and full(entry.end)


@pytest.mark.parametrize("tz", [BERLIN, KOLKATA])
async def test_past_nights_are_coarse_and_later_ones_exact_and_no_total_changes(store: Store, tz: str) -> None:
    ledger = await ledger_of(store, leck(), tz, NIGHT)
    await ledger.book_by_chance(utc("2026-10-20T00:00:00"), NOW, 300)
    await ledger.steps(rolling(ledger))
    before, before_burnt = await ledger.all(), await burnt(ledger)
    booked = [entry for _, entry in await ledger.entries()]
    exact = exact_from(ledger.home, NOW, 14)
    assert exact.astimezone(UTC) == (utc("2026-11-07T11:00:00") if tz == BERLIN else utc("2026-11-07T06:30:00"))
    await ledger.steps(coarsening(ledger))
    assert (await ledger.state()).coarse_until == exact
    entries = [entry for _, entry in await ledger.entries()]
    old, new = [e for e in entries if e.start < exact], [e for e in entries if e.start >= exact]
    assert len(old) > 50
    assert all(map(coarse, old))
    assert new == booked[len(booked) - len(new) :]
    assert not all(map(coarse, new))
    for kind in Period:
        assert await told(ledger, kind) == await ledger.truth(kind), kind
    assert await burnt(ledger) == before_burnt
    after = await ledger.all()
    assert {name: after[name] for name in ("hour", "day", "night", "month", "stale")} == {
        name: before[name] for name in ("hour", "day", "night", "month", "stale")
    }
    await ledger.steps(coarsening(ledger))
    assert await ledger.all() == after


async def test_what_is_booked_late_for_a_coarse_night_is_coarsened_once_it_is_rolled_up(store: Store) -> None:
    ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
    await ledger.book_by_chance(utc("2026-10-20T00:00:00"), NOW, 100)
    await ledger.steps(rolling(ledger))
    await ledger.steps(coarsening(ledger))
    await ledger.book_by_chance(utc("2026-10-18T00:00:00"), utc("2026-10-30T00:00:00"), 60)
    assert not all(coarse(entry) for _, entry in await ledger.entries() if entry.start < utc("2026-10-30T00:00:00"))
    await ledger.steps(rolling(ledger))
    await ledger.steps(coarsening(ledger))
    exact = exact_from(ledger.home, NOW, 14)
    assert (await ledger.state()).coarse_until == exact
    assert all(coarse(entry) for _, entry in await ledger.entries() if entry.start < exact)
    for kind in Period:
        assert as_sums(await ledger.rolled(kind)) == await ledger.truth(kind), kind


@pytest.mark.parametrize("tz", [BERLIN, KOLKATA])
async def test_after_twelve_months_monthly_sums_remain_exactly(store: Store, tz: str) -> None:
    ledger = await ledger_of(store, leck(), tz, NIGHT)
    await ledger.book_by_chance(LONG_AGO, NOW, 500)
    await ledger.steps(rolling(ledger))
    await ledger.steps(coarsening(ledger))
    months, lit = await told(ledger, Period.MONTH), await burnt(ledger)
    kept = midnight(months_on(month_of(NOW, tz), -12), tz)
    finer = {kind: await ledger.truth(kind, kept) for kind in (Period.HOUR, Period.DAY, Period.NIGHT)}
    for step in count():  # at any moment, be it in the middle of a month
        done = await ledger.steps(forgetting(ledger, hours=50), most=1) and await told(ledger, Period.MONTH) == months
        assert done
        if step % 5 == 0:
            assert await burnt(ledger) == lit
        if (await ledger.state()).kept_from == kept:
            break
    assert await burnt(ledger) == lit
    assert await ledger.steps(forgetting(ledger)) == 1
    assert min(entry.start for _, entry in await ledger.entries()) >= kept
    for kind, right in finer.items():
        assert min(row.start for row in await ledger.rolled(kind)) >= kept
        assert await told(ledger, kind) == right, kind
    assert as_sums(await ledger.rolled(Period.MONTH)) == months


async def test_a_large_village_is_done_in_parts_and_its_sums_are_exact_after_each(store: Store) -> None:
    ledger = await ledger_of(store, glasau(), BERLIN, NIGHT)
    start = utc("2025-10-29T18:00:00")
    await ledger.book_by_chance(start, start + timedelta(hours=4), 150)
    await ledger.book_by_chance(NOW - timedelta(hours=4), NOW, 20)
    await ledger.steps(rolling(ledger))
    months, lit = await told(ledger, Period.MONTH), await burnt(ledger)
    coarsen_some = partial(coarsening(ledger), most_outputs=20)
    counts = []
    while (await ledger.state()).coarse_until != exact_from(ledger.home, NOW, 14):
        await ledger.steps(coarsen_some, most=1)
        counts.append(len([entry for _, entry in await ledger.entries() if coarse(entry)]))
    assert len(set(counts)) > 6
    forget_some = partial(forgetting(ledger), most_controllers=20)
    late = Entry(ledger.outputs[0], start, start + timedelta(minutes=1), 900, Cause.SCHEDULE)
    left = []
    for n in range(20):
        await ledger.steps(forget_some, most=1)
        left.append(len(await ledger.entries()))
        if n % 3 == 2:
            await ledger.book(late)
            months[period_of(Period.MONTH, start, BERLIN)[0], "dorfstrasse", late.cause, late.quality] += 900
        assert await told(ledger, Period.MONTH) == months, n
        assert await burnt(ledger) == lit, n
    assert len(set(left)) > 6
    await ledger.steps(forget_some)
    assert (await ledger.state()).kept_from == kept_since(ledger.home, NOW)
    assert await told(ledger, Period.MONTH) == months
    assert await burnt(ledger) == lit


async def test_what_is_booked_late_for_a_forgotten_month_counts_in_its_sums_and_goes(store: Store) -> None:
    ledger = await ledger_of(store, leck(), KOLKATA, NIGHT)
    await ledger.book_by_chance(LONG_AGO, NOW, 300)
    total = sum((await ledger.truth(Period.MONTH)).values())
    for step in (rolling(ledger), coarsening(ledger), forgetting(ledger)):
        await ledger.steps(step)
    before, finer = await burnt(ledger), await told(ledger, Period.NIGHT)
    late = utc("2025-10-05T20:03:11")
    entries = [
        Entry(output, late + n * timedelta(days=9), late + timedelta(days=9 * n, minutes=7), 500, Cause.SCHEDULE, None,
              100, timedelta(minutes=7))
        for n, output in enumerate((*ledger.outputs, ledger.outputs[0]))
    ]  # fmt: skip
    for n, one in enumerate(entries, start=1):
        await ledger.book(one)
        for _ in range(2):
            assert sum((await told(ledger, Period.MONTH)).values()) == total + n * 500
            assert await told(ledger, Period.NIGHT) == finer
            await ledger.steps(rolling(ledger))
    kept = kept_since(ledger.home, NOW)
    for kind in (Period.DAY, Period.NIGHT):
        assert min(row.start for row in await ledger.rolled(kind)) >= kept
    with_late = await burnt(ledger)
    await ledger.steps(forgetting(ledger))
    assert sum((await told(ledger, Period.MONTH)).values()) == total + 1500
    assert await burnt(ledger) == with_late != before
    assert min(entry.start for _, entry in await ledger.entries()) >= kept
    assert min(row.start for row in await ledger.rolled(Period.HOUR)) >= kept


@pytest.mark.parametrize("killed_after", [1, 9, 23])
async def test_wherever_housekeeping_is_killed_doing_all_again_gives_the_same(
    migrated: Path, tmp_path: Path, killed_after: int
) -> None:
    async with asyncio.TaskGroup() as group:
        whole = group.create_task(_kept(migrated, tmp_path / "whole.db", None))
        broken = group.create_task(_kept(migrated, tmp_path / "broken.db", killed_after))
    assert broken.result() == whole.result()


async def _kept(migrated: Path, path: Path, killed_after: int | None) -> dict[str, Any]:
    """What the ledger knows when all was done, in one go or after a kill."""
    shutil.copy(migrated, path)
    store = open_store(f"sqlite:///{path}")
    ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
    await ledger.book_by_chance(utc("2025-10-25T00:00:00"), NOW, 200)
    steps = (rolling(ledger), coarsening(ledger, hours=600), forgetting(ledger, hours=20))
    left = killed_after or 0
    for step in steps:
        left -= await ledger.steps(step, most=left) if left else 0
    assert left == 0
    for step in steps:
        await ledger.steps(step)
    known = await ledger.all()
    await store.close()
    return known


async def test_a_step_takes_few_entries_into_one_transaction() -> None:
    assert [hours_at_once(outputs) for outputs in (0, 1, 85, 300, 1400, 9000)] == [48, 48, 23, 6, 1, 1]


async def test_housekeeping_rolls_up_coarsens_and_forgets_by_the_clock_alone(store: Store) -> None:
    ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
    clock = SystemClock(NOW)
    await ledger.book_by_chance(NOW - timedelta(days=3), NOW, 40)
    right = {kind: await ledger.truth(kind) for kind in Period}

    async def keep(**later: float) -> None:
        clock.move(forward=timedelta(**later))
        await Housekeeping(store, clock, timedelta(days=366), exact_nights=14).run_due()

    await keep()
    assert {kind: as_sums(await ledger.rolled(kind)) for kind in Period} == right
    booked = await ledger.entries()
    assert not all(coarse(entry) for _, entry in booked)
    await keep(days=14)  # the last night of the bookings is one of 14 until the noon of the 6th
    assert (await ledger.entries())[-5:] == booked[-5:]
    await keep(hours=12)
    assert await ledger.entries() != booked
    assert all(coarse(entry) for _, entry in await ledger.entries())
    await keep(days=359)  # the last day of November a year later
    assert {kind: as_sums(await ledger.rolled(kind)) for kind in Period} == right
    await keep(days=1)
    assert await ledger.entries() == []
    assert [as_sums(await ledger.rolled(kind)) for kind in Period] == [{}, {}, {}, right[Period.MONTH]]


async def test_presses_and_states_are_coarse_after_as_many_nights(store: Store) -> None:
    await ledger_of(store, leck(), BERLIN, NIGHT)
    clock, pressed = SystemClock(NOW), utc("2026-11-21T23:07:13")
    zone, [controller] = ZoneKey("leck", "hauptstrasse"), leck().controllers
    lease = Lease("ab" * 16, zone, (zone,), pressed, pressed + timedelta(minutes=10), 100)
    output, meter = controller.outputs[0].key, controller.meters[0].key
    state = OutputState(0, Cause.SCHEDULE, pressed, NOW)
    light = OrderStep(pressed, 100, lease.until, Cause.PRESS, lease.id)
    later_light = OrderStep(NOW + timedelta(days=300), 100, NOW + timedelta(days=301), Cause.OVERRIDE, None)
    order = {1: (light, later_light), 2: ()}
    samples = (Sample(pressed, 80.0, 80.0), Sample(pressed + timedelta(minutes=10), 0.0, 0.0))

    def begin(tx: Tx) -> None:
        tx.add_lease(lease, 1)
        tx.add_press(PressRecord("cd" * 16, zone, pressed, Channel.WEB, None, lease.id))
        tx.save_output_states({output: state})
        tx.save_meter_states({meter: MeterState(5, 0.0, NOW, None, samples)})
        for n in (1, 2):
            tx.keep_order(controller.key, SentOrder(n, order), pressed)
        tx.save_controller_states({controller.key: ControllerState(desired_n=2, followed=order)})

    await store.write(begin)
    housekeeping = Housekeeping(store, clock, timedelta(days=366), exact_nights=14)

    async def after(**later: float) -> tuple[list[PressRecord], OutputState, MeterState]:
        clock.move(forward=timedelta(**later))
        await housekeeping.run_due()
        return await store.read(
            lambda tx: (
                tx.presses("leck", pressed - QUARTER, NOW),
                tx.output_states([output])[output],
                tx.meter_states([meter])[meter],
            )
        )

    presses, found, metered = await after(days=14)
    assert [(press.at, press.lease) for press in presses] == [(pressed, lease.id)]
    assert (found.since, metered.samples) == (pressed, samples)
    presses, found, metered = await after(hours=12)
    quarter = utc("2026-11-21T23:00:00")
    assert [(press.at, press.lease) for press in presses] == [(quarter, None)]
    assert found == replace(state, since=quarter)
    assert [sample.at for sample in metered.samples] == [quarter, quarter + QUARTER]
    assert (metered.at, metered.total_mwh) == (NOW, 5)
    assert await store.read(lambda tx: tx.lease(lease.id)) is None
    [sent] = (await store.read(lambda tx: tx.sent_orders([controller.key]))).values()
    assert (sent.desired_n, sent.orders, sent.at, sent.former) == (2, {1: (later_light,), 2: ()}, quarter, None)
    [told] = (await store.read(lambda tx: tx.controller_states([controller.key]))).values()
    assert told.followed == {1: (later_light,), 2: ()}
    presses, *_ = await after(days=352)
    assert presses == []
