"""Roll-ups: exact at any moment, and the same whether kept or rebuilt."""

import asyncio
import shutil
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from service.app.ledger import rebuild
from service.cli import app
from service.clock import SystemClock
from service.domain.entries import Entry
from service.domain.periods import label, period_of, periods
from service.domain.words import Cause, Period, Quality
from service.errors import UnknownError
from service.ports import EnergySum, Store
from service.store import open_store
from service.usecases.forgetting import forget_entries, kept_since
from service.usecases.rollups import rebuild_hours, rebuild_month, recompute, roll_up, sums
from tests.unit.villages import BERLIN, glasau, leck, utc
from tests.usecases.booking import EVER, Ledger, as_sums, ledger_of
from tests.usecases.conftest import NIGHT

KOLKATA = "Asia/Kolkata"


async def told(ledger: Ledger, kind: Period, zone: str | None = None) -> list[EnergySum]:
    return await ledger.store.read(lambda tx: sums(tx, ledger.home, kind, *EVER, zone))


async def roll(ledger: Ledger, most: int | None = None, hours: int = 5) -> None:
    await ledger.steps(partial(roll_up, home=ledger.home, most_hours=hours), most)


@pytest.mark.parametrize("tz", [BERLIN, KOLKATA, "Australia/Lord_Howe"])
async def test_sums_are_exact_at_any_moment_between_bookings_and_roll_ups(store: Store, tz: str) -> None:
    ledger = await ledger_of(store, leck(), tz, NIGHT)
    chance = ledger.chance
    for _ in range(25):
        start = utc("2026-10-23T00:00:00") + chance.randint(0, 20) * timedelta(hours=12)  # over a change of clocks
        await ledger.book_by_chance(start, start + timedelta(hours=chance.choice([1, 8, 60])), chance.randint(1, 6))
        if chance.random() < 0.6:
            await roll(ledger, most=chance.randint(1, 4), hours=chance.randint(1, 9))
        for kind in Period:
            assert as_sums(await told(ledger, kind)) == await ledger.truth(kind), kind
    await roll(ledger)
    assert await store.read(lambda tx: tx.stale_hours(ledger.home.id)) == []
    for kind in Period:
        assert as_sums(await ledger.rolled(kind)) == await ledger.truth(kind), kind


async def test_sums_are_of_the_periods_that_begin_in_the_asked_time_and_of_the_asked_zone(store: Store) -> None:
    ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
    start, end = utc("2026-11-01T05:00:00"), utc("2026-11-04T09:30:00")
    await ledger.book_by_chance(start - timedelta(days=3), end + timedelta(days=3), 200)
    await roll(ledger, most=20)
    await ledger.book_by_chance(start - timedelta(days=3), end + timedelta(days=3), 40)
    for kind in Period:
        found = await store.read(lambda tx, kind=kind: sums(tx, ledger.home, kind, start, end))  # type: ignore[misc]
        assert as_sums(found) == await ledger.truth(kind, start, end), kind
        assert [row for row in await told(ledger, kind) if row.zone == "kreuzung"] == await told(
            ledger, kind, "kreuzung"
        )
    assert {row.zone for row in await told(ledger, Period.DAY)} == {"hauptstrasse", "kreuzung"}


async def test_the_day_of_25_hours_has_25_of_them(store: Store) -> None:
    ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
    day = period_of(Period.DAY, utc("2026-10-25T12:00:00"), BERLIN)
    hours = list(periods(Period.HOUR, *day, BERLIN))
    await ledger.book(*(Entry(ledger.outputs[0], *hour, 10, Cause.SCHEDULE) for hour in hours))
    await roll(ledger)
    names = [label(Period.HOUR, row.start, BERLIN) for row in await told(ledger, Period.HOUR)]
    assert len(set(names)) == 25
    assert names[2:4] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]
    assert [(row.start, row.energy_mwh) for row in await told(ledger, Period.DAY)] == [(day[0], 250)]


async def test_rolling_up_takes_only_so_many_hours_at_once_and_says_whether_there_are_more(store: Store) -> None:
    ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
    await ledger.book(*(Entry(ledger.outputs[0], at, at + timedelta(minutes=5), 7, Cause.SCHEDULE) for at in hours(5)))
    step = partial(roll_up, home=ledger.home, most_hours=2)
    assert [await store.write(step) for _ in range(4)] == [True, True, False, False]


def hours(count: int) -> list[datetime]:
    """Some full hours of a night."""
    return [datetime(2026, 11, 20, n, tzinfo=UTC) for n in range(count)]


NOW = utc("2026-11-22T00:12:00")


@pytest.mark.parametrize("tz", [BERLIN, KOLKATA])
async def test_roll_ups_rebuilt_equal_roll_ups_kept_before_and_after_forgetting(store: Store, tz: str) -> None:
    ledger = await ledger_of(store, leck(), tz, NIGHT)
    await ledger.book_by_chance(utc("2025-09-20T00:00:00"), NOW, 600)
    await roll(ledger, most=6, hours=40)
    await ledger.book_by_chance(utc("2025-09-20T00:00:00"), NOW, 100)
    await roll(ledger, hours=40)
    kept = await ledger.all()
    done = await rebuild(store, ledger.home, NOW)
    assert (done.since, done.mended) == ("2025-09", 0)
    assert await ledger.all() == kept
    before = kept_since(ledger.home, NOW)
    forget = partial(forget_entries, home=ledger.home, outputs=ledger.outputs, before=before, most_hours=24)
    await ledger.steps(forget)
    kept = await ledger.all()
    done = await rebuild(store, ledger.home, NOW)
    assert (done.since, done.mended) == ("2025-11", 0)
    assert done.hours == len(list(periods(Period.HOUR, before, NOW, tz)))
    assert await ledger.all() == kept
    assert (await ledger.rolled(Period.MONTH))[0].start < before


async def test_rebuilding_mends_what_is_wrong_and_leaves_older_months_alone(store: Store) -> None:
    ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
    await ledger.book_by_chance(utc("2025-09-20T00:00:00"), NOW, 400)
    await roll(ledger, hours=40)
    before = kept_since(ledger.home, NOW)
    await ledger.steps(partial(forget_entries, home=ledger.home, outputs=ledger.outputs, before=before, most_hours=24))
    right = await ledger.all()
    months = [row.start for row in await ledger.rolled(Period.MONTH)]
    rows = {kind: await ledger.rolled(kind) for kind in (Period.HOUR, Period.DAY, Period.NIGHT)}
    broken = [(kind, found[len(found) * n // 4].start) for n, (kind, found) in enumerate(rows.items(), start=1)]
    broken.append((Period.MONTH, months[-1]))
    wrong = [EnergySum(NOW, "kreuzung", Cause.TEST, Quality.MEASURED, 99)]
    for kind, start in broken:
        await store.write(lambda tx, k=kind, s=start: tx.set_rolled(ledger.home.id, k, s, wrong))  # type: ignore[misc]
    await store.write(lambda tx: tx.set_rolled(ledger.home.id, Period.MONTH, months[0], wrong))
    done = await rebuild(store, ledger.home, NOW)
    assert done.mended == 5  # and the month of the hour, which that had moved
    gone = list(periods(Period.HOUR, months[0], months[0] + timedelta(days=1), BERLIN))  # a rebuild that comes too late
    assert await store.write(lambda tx: rebuild_hours(tx, ledger.home, gone)) == 0
    assert await store.write(lambda tx: rebuild_month(tx, ledger.home, months[0])) == 0
    old = [row for row in await ledger.rolled(Period.MONTH) if row.start == months[0]]
    assert [(row.cause, row.energy_mwh) for row in old] == [(Cause.TEST, 99)]
    after = await ledger.all()
    for name in ("hour", "day", "night"):
        assert after[name] == right[name]
    assert [row for row in await ledger.rolled(Period.MONTH) if row.start > months[0]] == [
        row for row in right["month"] if row.start > months[0]
    ]


async def test_a_large_village_rolls_up_with_a_small_one_beside_it(store: Store) -> None:
    one, other = await ledger_of(store, glasau(), BERLIN, NIGHT), await ledger_of(store, leck(), KOLKATA, NIGHT)
    for ledger in (one, other):
        await ledger.book_by_chance(NOW - timedelta(days=2), NOW, 60)
    await roll(one, hours=50)
    assert as_sums(await one.rolled(Period.NIGHT)) == await one.truth(Period.NIGHT)
    assert await other.rolled(Period.NIGHT) == []
    assert as_sums(await told(other, Period.NIGHT)) == await other.truth(Period.NIGHT)


async def test_recomputing_again_changes_nothing(store: Store) -> None:
    ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
    await ledger.book_by_chance(NOW - timedelta(days=2), NOW, 60)
    hours_of = list(periods(Period.HOUR, NOW - timedelta(days=3), NOW + timedelta(hours=3), BERLIN))
    assert await store.write(lambda tx: recompute(tx, ledger.home, hours_of)) > 0
    once = await ledger.all()
    assert await store.write(lambda tx: recompute(tx, ledger.home, hours_of)) == 0
    assert await ledger.all() == once


def test_the_command_rebuilds_all_or_one_and_says_what_it_did(
    migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(migrated, tmp_path / "ledger.db")
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    monkeypatch.setenv("DORFLICHT_DATABASE_URL", url)

    async def begin() -> None:
        store = open_store(url)
        await ledger_of(store, glasau(), BERLIN, NIGHT)
        ledger = await ledger_of(store, leck(), BERLIN, NIGHT)
        now = SystemClock().now()
        await ledger.book_by_chance(now - timedelta(days=2), now, 20)
        await roll(ledger)
        wrong = (await ledger.rolled(Period.HOUR))[0].start
        await store.write(lambda tx: tx.set_rolled("leck", Period.HOUR, wrong, []))
        await store.close()

    asyncio.run(begin())
    run = CliRunner().invoke(app, ["energy", "rebuild", "--municipality", "leck"])
    assert run.exit_code == 0
    # the hour, and its month, which the hour's energy was added to a second time
    assert run.output.startswith("leck: ")
    assert ", 2 sums set right; what is older is untouched." in run.output
    again = CliRunner().invoke(app, ["energy", "rebuild"])
    assert [line.partition(":")[0] for line in again.output.splitlines()] == ["glasau", "leck"]
    assert again.output.count(", 0 sums set right") == 2
    unknown = CliRunner().invoke(app, ["energy", "rebuild", "--municipality", "nowhere"])
    assert isinstance(unknown.exception, UnknownError)
    assert unknown.exception.detail == "--municipality nowhere: there is none of this id; there are: glasau, leck."
