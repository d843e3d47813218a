"""Burning times of a month: exact, signed off once, and the same when they are recomputed from what is left."""

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from service.domain.entries import Entry
from service.domain.inventory import OutputKey
from service.domain.words import Cause, Quality
from service.errors import ConflictError, InvalidError, UnknownError
from service.store import SqlStore
from service.usecases.burning import BurningLamp, BurningOutput, BurningStatement, burning, burning_csv, sign_off
from service.usecases.coarsening import coarsen_entries
from service.usecases.forgetting import forget_entries
from tests.unit.villages import glasau, luetjenholm, utc
from tests.usecases.booking import Ledger

RELAY = OutputKey("luetjenholm", "cabinet-1", 1)
OVER = utc("2026-12-01T11:00:00")
"""Noon of the first of December in Lütjenholm: the last night of November is over."""
NOVEMBER = utc("2026-10-31T23:00:00"), utc("2026-11-30T23:00:00")


def lit(start: str, minutes: float, mwh: int, level: int = 100, cause: Cause = Cause.SCHEDULE) -> Entry:
    stretch = timedelta(minutes=minutes)
    begin = utc(start)
    return Entry(RELAY, begin, begin + stretch, mwh, cause, None, level, stretch, Quality.MEASURED)


EARLIER = lit("2026-10-05T20:00:00", 60, 800_000)
"""Recorded before November, so that November is recorded from its start on."""


async def asked(
    store: SqlStore, month: str = "2026-11", now: datetime = OVER, home: str = "luetjenholm"
) -> BurningStatement:
    return await store.read(lambda tx: burning(tx, home, month, now))


async def signed(store: SqlStore, now: datetime = OVER, by: str = "the clerk") -> BurningStatement:
    return await store.write(lambda tx: sign_off(tx, "luetjenholm", "2026-11", by, now))


async def book(store: SqlStore, *entries: Entry) -> None:
    await store.write(lambda tx: tx.add_energy(entries))


def only(statement: BurningStatement) -> BurningOutput:
    (output,) = statement.statement.outputs
    return output


async def test_it_tells_minutes_by_level_with_the_lamps_and_what_they_come_to(store: SqlStore) -> None:
    await book(
        store,
        lit("2026-11-10T20:00:00", 60, 800_000),
        lit("2026-11-10T21:00:00", 30, 100_000, level=50),
        lit("2026-11-11T00:10:00", 12.5, 50_000, cause=Cause.PRESS),
    )
    output = only(await asked(store))
    assert [(level.level, level.minutes) for level in output.levels] == [
        (50, Decimal("30.00")),
        (100, Decimal("72.50")),
    ]
    assert output.kwh == Decimal("0.95")
    assert output.full_load_hours == round((Decimal("72.5") + 30 * Decimal("0.54")) / 60, 2)  # 8 % + 92 % of 50 %
    assert (output.controller, output.output, output.zone, output.watts) == ("cabinet-1", 1, "dorf", 800)
    assert output.lamps[0] == BurningLamp(id="l-01", pole="l1", watts=25.0)
    assert len(output.lamps) == 32


async def test_a_month_goes_from_local_midnight_to_local_midnight(store: SqlStore) -> None:
    await book(
        store,
        lit("2026-10-31T22:00:00", 60, 1),
        lit("2026-10-31T23:00:00", 60, 10),
        lit("2026-11-30T22:00:00", 60, 100),
        lit("2026-11-30T23:00:00", 60, 1000),
    )
    assert only(await asked(store)).kwh == Decimal("0.000110")
    assert only(await asked(store, "2026-10")).kwh == Decimal("0.000001")


async def test_a_month_that_goes_on_tells_the_nights_that_are_over_and_is_not_signed_off(store: SqlStore) -> None:
    await book(store, EARLIER, lit("2026-11-29T20:00:00", 60, 1000), lit("2026-11-30T20:00:00", 60, 1000))
    before_noon = OVER - timedelta(minutes=1)
    provisional = await asked(store, now=before_noon)
    assert provisional.statement.provisional
    assert [level.minutes for level in only(provisional).levels] == [60]
    with pytest.raises(ConflictError, match="after noon of 2026-12-01"):
        await signed(store, now=before_noon)
    final = await signed(store)
    assert not final.statement.provisional
    assert [level.minutes for level in only(final).levels] == [120]


async def test_it_is_signed_off_once_and_says_by_whom_and_when(store: SqlStore) -> None:
    await book(store, EARLIER, lit("2026-11-10T20:00:00", 60, 800_000))
    assert (await asked(store)).signature is None
    done = await signed(store)
    with pytest.raises(ConflictError, match="by the clerk on 2026-12-01"):
        await signed(store, now=OVER + timedelta(days=2), by="somebody else")
    again = await asked(store, now=OVER + timedelta(days=9))
    assert again == done
    assert again.signature is not None
    assert (again.signature.signed_by, again.signature.signed_at, again.signature.equal) == ("the clerk", OVER, True)


async def test_what_is_booked_late_shows_beside_the_signed_statement(store: SqlStore) -> None:
    await book(store, EARLIER, lit("2026-11-10T20:00:00", 60, 800_000))
    await signed(store)
    await book(store, lit("2026-11-12T20:00:00", 6, 80_000))
    found = (await asked(store)).signature
    assert found is not None
    assert not found.equal
    (difference,) = found.differences
    assert (difference.controller, difference.output) == ("cabinet-1", 1)
    assert difference.fields == ["levels", "full_load_hours", "kwh"]
    assert difference.signed is not None
    assert difference.recomputed is not None
    assert (difference.signed.kwh, difference.recomputed.kwh) == (Decimal("0.8"), Decimal("0.88"))


async def test_a_month_without_records_is_not_signed_off(store: SqlStore) -> None:
    with pytest.raises(ConflictError, match="nothing was recorded in 2026-11"):
        await signed(store)
    for earlier_or_later in (EARLIER, lit("2026-12-01T02:00:00", 60, 1)):
        await book(store, earlier_or_later)
        with pytest.raises(ConflictError, match="nothing was recorded in 2026-11"):
            await store.write(lambda tx: sign_off(tx, "luetjenholm", "2026-11", "the clerk", OVER, incomplete=True))
    await book(store, lit("2026-11-30T12:00:00", 0, 0, level=0)._replace(end=utc("2026-11-30T12:15:00")))
    assert (await signed(store)).signature is not None  # dark is not the same as not recorded


async def test_a_month_whose_records_begin_within_it_is_signed_off_only_as_incomplete(store: SqlStore) -> None:
    await book(store, lit("2026-11-10T20:20:00", 30, 800_000))
    since = utc("2026-11-10T20:15:00")
    assert (await asked(store)).statement.recorded_from == since
    with pytest.raises(ConflictError, match=r"from 2026-11-10T21:15:00\+01:00 on alone.*\{\"incomplete\": true\}"):
        await signed(store)
    await store.write(lambda tx: sign_off(tx, "luetjenholm", "2026-11", "the clerk", OVER, incomplete=True))
    found = await asked(store)
    assert found.signature is not None
    assert (found.statement.recorded_from, found.signature.equal) == (since, True)
    (row,) = csv.DictReader(io.StringIO(burning_csv(found.statement)))
    assert row["recorded_from"] == "2026-11-10T21:15:00+01:00"
    await book(store, EARLIER)
    assert (await asked(store)).statement.recorded_from is None


async def test_other_lamps_show_beside_the_signed_statement(store: SqlStore) -> None:
    await book(store, EARLIER, lit("2026-11-10T20:00:00", 60, 800_000))
    await signed(store)
    village = luetjenholm()
    lamps = (replace(village.lamps[0], watts=40.0), *village.lamps[1:])
    await store.write(lambda tx: tx.save_inventory(replace(village, lamps=lamps), OVER))
    found = (await asked(store)).signature
    assert found is not None
    assert [difference.fields for difference in found.differences] == [["lamps", "watts"]]


async def test_coarsened_and_forgotten_entries_give_exactly_what_was_signed(store: SqlStore) -> None:
    village = glasau()
    outputs = [output.key for controller in village.controllers[:6] for output in controller.outputs]
    ledger = Ledger(store, village.municipality, outputs)
    await ledger.book_by_chance(*NOVEMBER, 150)
    before = await store.write(lambda tx: sign_off(tx, "glasau", "2026-11", "the clerk", OVER))
    assert any(len(output.levels) == 2 for output in before.statement.outputs)
    fine = len(await ledger.entries())

    await ledger.steps(lambda tx: coarsen_entries(tx, village.municipality, NOVEMBER[1], 100))
    coarse = await ledger.entries()
    assert len(coarse) < fine or all(zoned.entry.start.minute % 15 == 0 for zoned in coarse)
    assert await asked(store, home="glasau") == before

    await ledger.steps(lambda tx: forget_entries(tx, village.municipality, outputs, NOVEMBER[1], 100), most=3)
    assert 0 < len(await ledger.entries()) < len(coarse)
    assert await asked(store, home="glasau") == before
    await ledger.steps(lambda tx: forget_entries(tx, village.municipality, outputs, NOVEMBER[1], 100))
    assert await ledger.entries() == []
    assert await asked(store, home="glasau") == before


@pytest.mark.parametrize("month", ["2026-13", "2026", "11-2026", "2026-1", "٢٠٢٦-11", "0000-01", "2200-01", "2026-12"])
async def test_a_month_that_is_none_or_to_come_is_refused_by_name(store: SqlStore, month: str) -> None:
    with pytest.raises(InvalidError, match=r"^month: "):
        await asked(store, month, now=utc("2026-11-30T22:59:59"))


async def test_an_unknown_municipality_is_unknown(store: SqlStore) -> None:
    with pytest.raises(UnknownError):
        await asked(store, home="nowhere")


async def test_as_csv_it_adds_up_and_holds_no_formula(store: SqlStore) -> None:
    village = luetjenholm()
    lamps = (replace(village.lamps[0], pole="=1+1"), *village.lamps[1:])
    await store.write(lambda tx: tx.save_inventory(replace(village, lamps=lamps), OVER))
    await book(store, lit("2026-11-10T20:00:00", 60, 800_000), lit("2026-11-10T21:00:00", 30, 100_000, level=50))
    rows = list(csv.DictReader(io.StringIO(burning_csv((await asked(store)).statement))))
    assert [(row["level_percent"], row["burning_minutes"]) for row in rows] == [("50", "30.00"), ("100", "60.00")]
    assert sum(Decimal(row["energy_kwh"] or 0) for row in rows) == Decimal("0.9")
    assert rows[0]["poles"].startswith("'=1+1 l2 ")
