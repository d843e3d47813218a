"""Statements: everything adds up to what was booked, nothing of tonight is told, and what is missing is named."""

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from operator import methodcaller

import pytest

from service.domain.entries import Entry
from service.domain.inventory import EmissionFactor, FixedPrice, Inventory, OutputKey, Price, ZoneKey
from service.domain.words import Cause, Channel, Quality, Reason
from service.errors import InvalidError
from service.ports import PressRecord, UtilityReading
from service.store import SqlStore
from service.usecases.coarsening import coarsen_entries
from service.usecases.forgetting import forget_entries
from service.usecases.readings import add_reading
from service.usecases.rollups import roll_up
from service.usecases.statement_bodies import Missing, StatementBody
from service.usecases.statement_csv import statement_csv
from service.usecases.statements import statement
from tests.unit.villages import glasau, utc
from tests.usecases.booking import Ledger

LAMP, LAKE = OutputKey("glasau", "lamp-01", 1), OutputKey("glasau", "lamp-80", 1)
OVER = utc("2026-12-01T11:00:00")
NOVEMBER = utc("2026-10-31T23:00:00"), utc("2026-11-30T23:00:00")
LONG_AGO = utc("2020-01-01T00:00:00")


def priced(*, second_price: date = date(2026, 11, 11)) -> Inventory:
    """Glasau with a price that changes, an emission factor and a fixed price."""
    village = glasau()
    home = replace(
        village.municipality,
        prices=(Price(date(2026, 1, 1), Decimal("0.30"), "old"), Price(second_price, Decimal("0.50"), "new")),
        emission_factors=(EmissionFactor(date(2026, 1, 1), 400, "UBA"),),
        fixed_prices=(FixedPrice(date(2026, 1, 1), Decimal(365), "works"),),
    )
    return replace(village, municipality=home)


async def with_prices(store: SqlStore, **changes: date) -> None:
    await store.write(lambda tx: tx.save_inventory(priced(**changes), OVER))


async def asked(
    store: SqlStore, period: str = "2026-11", now: datetime = OVER, forgotten: datetime = LONG_AGO
) -> StatementBody:
    return await store.read(lambda tx: statement(tx, "glasau", period, now, forgotten))


def these(*values: object) -> tuple[object, ...]:
    """Figures of any kind, to be compared at once."""
    return values


def used(start: str, mwh: int, cause: Cause = Cause.SCHEDULE, output: OutputKey = LAMP, level: int = 100) -> Entry:
    begin, hour = utc(start), timedelta(hours=1)
    return Entry(output, begin, begin + hour, mwh, cause, None, level, hour, Quality.MEASURED)


def read(body: StatementBody) -> list[dict[str, str]]:
    """Its CSV."""
    return list(csv.DictReader(io.StringIO(statement_csv(body))))


async def book(store: SqlStore, *entries: Entry) -> None:
    await store.write(lambda tx: tx.add_energy(entries))


def by(body: StatementBody, *names: str) -> dict[tuple[str, ...], Decimal]:
    found: Counter[tuple[str, ...]] = Counter()
    for part in body.energy:
        found[tuple(str(getattr(part, name)) for name in names)] += part.kwh  # type: ignore[assignment] # sums of Decimal
    return dict(found)  # type: ignore[arg-type] # as above


async def test_energy_is_told_by_night_zone_and_cause_and_nights_are_cut_at_the_month(store: SqlStore) -> None:
    await book(
        store,
        used("2026-10-31T22:00:00", 7),  # before midnight: October
        used("2026-10-31T23:00:00", 1_000_000),
        used("2026-11-10T22:00:00", 2_000_000),
        used("2026-11-11T01:00:00", 4_000_000, Cause.PRESS),
        used("2026-11-11T01:00:00", 8_000_000, output=LAKE),
        used("2026-11-30T22:00:00", 16_000_000),
        used("2026-11-30T23:00:00", 7),  # after midnight: December
    )
    body = await asked(store)
    assert by(body, "period", "zone", "cause") == {
        ("2026-10-31", "dorfstrasse", "schedule"): 1,
        ("2026-11-10", "dorfstrasse", "schedule"): 2,
        ("2026-11-10", "dorfstrasse", "press"): 4,
        ("2026-11-10", "am-see", "schedule"): 8,
        ("2026-11-30", "dorfstrasse", "schedule"): 16,
    }
    assert body.periods == [f"{date(2026, 10, 31) + timedelta(days=n)}" for n in range(31)]
    assert these(body.total.kwh, body.pressed.kwh) == (31, 4)
    assert (body.first, body.last, body.provisional, body.lamps) == (date(2026, 11, 1), date(2026, 11, 30), False, 85)
    assert by(await asked(store, "2026-10"), "period") == {("2026-10-31",): Decimal("0.000007")}


async def test_a_price_that_changes_at_midnight_holds_from_that_midnight(store: SqlStore) -> None:
    await with_prices(store)
    await book(store, used("2026-11-10T22:00:00", 10_000_000), used("2026-11-10T23:00:00", 10_000_000))
    for body in (await asked(store), await asked(store, "2026")):
        (part,) = body.energy
        assert these(part.kwh, part.money, part.co2_kg) == (20, 8, 8)  # 10 x 0.30 + 10 x 0.50, though of one night
        assert body.total.energy_money == 8
        assert [(entry.first, entry.last, entry.value, entry.source) for entry in body.sources.prices] == [
            (body.first, date(2026, 11, 10), Decimal("0.30"), "old"),
            (date(2026, 11, 11), body.sources.prices[-1].last, Decimal("0.50"), "new"),
        ]


async def test_what_lies_before_the_first_record_is_not_known_and_said(store: SqlStore) -> None:
    await with_prices(store)
    await book(
        store,
        used("2026-11-05T20:20:00", 1_000_000),
        used("2026-11-12T20:00:00", 2_000_000, output=LAKE),
    )
    since = utc("2026-11-05T20:15:00")
    november, year = await asked(store), await asked(store, "2026")
    for body, unknown in ((november, 5), (year, 10)):
        assert body.recorded_from == since
        assert Missing.NOT_RECORDED in body.missing
        assert [part.kwh is None for part in body.by_period] == [True] * unknown + [False] * (
            len(body.periods) - unknown
        )
        assert sum(part.kwh or 0 for part in body.by_period) == body.total.kwh == 3
        rows = [row for row in read(body) if row["section"] == "period_total"]
        assert [row["energy_kwh"] for row in rows[:unknown]] == [""] * unknown
        assert {row["note"] for row in rows[:unknown]} == {"not recorded"}
        assert rows[unknown]["energy_kwh"]
        assert read(body)[0]["note"].endswith("incomplete: recorded from 2026-11-05T21:15:00+01:00")
    assert november.by_period[6].kwh == 0  # dark, but recorded
    assert november.saving is not None
    assert [(zone.zone, zone.since) for zone in november.saving.later] == [
        ("am-see", utc("2026-11-12T20:00:00")),
        ("dorfstrasse", utc("2026-11-05T20:00:00")),
    ]
    assert Missing.ZONES_NOT_RECORDED in november.missing
    await book(store, used("2026-10-31T21:00:00", 0)._replace(level=0))
    ledger = Ledger(store, priced().municipality, [LAMP])
    for _ in range(2):
        later = await asked(store)
        assert (later.recorded_from, Missing.NOT_RECORDED in later.missing) == (None, False)
        await ledger.steps(lambda tx: roll_up(tx, ledger.home, 100))  # sums leave out what is zero


async def test_a_time_before_the_first_record_is_refused_with_the_first_month(store: SqlStore) -> None:
    with pytest.raises(InvalidError, match="nothing is recorded in"):
        await asked(store)
    await book(store, used("2026-11-05T20:00:00", 1_000_000))
    home = priced().municipality
    for _ in range(2):
        for period in ("2026-10", "2025", "2003"):
            with pytest.raises(InvalidError, match=r"^period: .* ask for 2026-11, the first month on record"):
                await asked(store, period)
        ledger = Ledger(store, home, [LAMP])
        await ledger.steps(lambda tx: forget_entries(tx, home, [LAMP], NOVEMBER[1], 200))
    assert (await asked(store)).total.kwh == 1


async def test_money_is_energy_and_the_fixed_price_of_these_days(store: SqlStore) -> None:
    await with_prices(store)
    await book(store, used("2026-11-05T22:00:00", 10_000_000))
    total = (await asked(store)).total
    assert these(total.energy_money, total.fixed_money, total.money, total.co2_kg) == (3, 30, 33, 4)
    assert Missing.NO_FIXED_PRICE not in (await asked(store)).missing


async def test_what_is_not_known_is_null_and_named(store: SqlStore) -> None:
    await book(store, used("2023-12-05T22:00:00", 0))
    body = await asked(store)
    assert body.missing == [
        Missing.NOTHING_BOOKED,
        Missing.NO_FIXED_PRICE,
        Missing.NO_SAVING,
        Missing.NO_READINGS,
    ]
    assert (body.total.money, body.total.fixed_money, body.saving) == (None, None, None)
    await book(store, used("2026-11-05T22:00:00", 10_000_000), used("2024-11-05T22:00:00", 10_000_000))
    body = await asked(store)
    assert these(body.total.co2_kg, body.total.energy_money) == (None, 3)
    assert Missing.NO_EMISSION_FACTOR in body.missing
    assert Missing.NO_PRICE not in body.missing
    early = await asked(store, "2024-11")
    assert early.total.energy_money is None
    assert Missing.NO_PRICE in early.missing
    assert Missing.PRESSES_FORGOTTEN in (await asked(store, forgotten=utc("2026-11-02T00:00:00"))).missing


@pytest.mark.parametrize("period", ["2026-11", "2026"])
async def test_nothing_of_tonight_is_told_and_the_rest_is_provisional(store: SqlStore, period: str) -> None:
    await with_prices(store)
    await book(
        store,
        used("2026-11-19T20:00:00", 1_000_000),
        used("2026-11-20T20:00:00", 2_000_000),
        used("2026-11-21T01:00:00", 4_000_000, Cause.PRESS),
    )
    tonight = await asked(store, period, now=utc("2026-11-21T10:59:59"))
    assert (tonight.provisional, tonight.told, tonight.missing[0]) == (True, utc("2026-11-20T11:00:00"), "not_over")
    assert these(tonight.total.kwh, tonight.pressed.kwh) == (1, 0)
    assert sum(level.output_hours for level in tonight.burning) == 1
    after_noon = await asked(store, period, now=utc("2026-11-21T11:00:00"))
    assert these(after_noon.total.kwh, after_noon.pressed.kwh) == (7, 4)
    assert (after_noon.total.fixed_money or 0) - (tonight.total.fixed_money or 0) == 1


async def test_a_year_is_the_sum_of_its_months(store: SqlStore) -> None:
    await with_prices(store, second_price=date(2026, 7, 17))
    village = priced()
    ledger = Ledger(store, village.municipality, [LAMP, LAKE])
    await ledger.book_by_chance(utc("2026-05-31T22:00:00"), utc("2026-08-31T22:00:00"), 120)
    months = [await asked(store, f"2026-{month:02}") for month in (6, 7, 8)]
    year = await asked(store, "2026")
    assert year.periods == [f"2026-{month:02}" for month in range(1, 13)]
    for name in ("kwh", "money", "co2_kg"):
        assert sum(getattr(part, name) for part in year.energy) == pytest.approx(
            sum(getattr(part, name) for month in months for part in month.energy), abs=Decimal("0.01")
        )
    assert {period: kwh for (period,), kwh in by(year, "period").items()} == {
        month.period: month.total.kwh for month in months if month.energy
    }
    levels: Counter[int] = Counter()
    for month in months:
        levels.update({level.level: round(level.lamp_hours * 100) for level in month.burning})
    assert {level.level: level.lamp_hours for level in year.burning} == {
        level: pytest.approx(Decimal(hours) / 100, abs=Decimal("0.06")) for level, hours in levels.items()
    }


async def test_it_is_the_same_before_and_after_roll_ups_and_coarsening(store: SqlStore) -> None:
    await with_prices(store)
    home = priced().municipality
    ledger = Ledger(store, home, [LAMP, LAKE])
    await ledger.book_by_chance(utc("2026-10-20T10:00:00"), utc("2026-12-01T11:00:00"), 120)
    before = await asked(store), await asked(store, "2026")
    await ledger.steps(lambda tx: roll_up(tx, home, 100))
    await ledger.steps(lambda tx: coarsen_entries(tx, home, NOVEMBER[1], 200))
    assert (await asked(store), await asked(store, "2026")) == before


async def test_of_a_forgotten_month_the_sums_stay_exact_and_its_nights_are_missing(store: SqlStore) -> None:
    await with_prices(store, second_price=date(2026, 12, 1))
    home = priced().municipality
    ledger = Ledger(store, home, [LAMP, LAKE])
    await ledger.book_by_chance(*NOVEMBER, 120)
    before = await asked(store)
    await ledger.steps(lambda tx: forget_entries(tx, home, [LAMP, LAKE], NOVEMBER[1], 200))
    after = await asked(store)
    assert after.total == before.total
    assert (after.quality, after.burning, after.pressed) == (before.quality, before.burning, before.pressed)
    assert after.periods == ["2026-11"]
    assert by(after, "zone", "cause") == by(before, "zone", "cause")
    assert Missing.NIGHTS_FORGOTTEN in after.missing
    assert Missing.NIGHTS_FORGOTTEN not in before.missing


async def test_a_price_that_changed_within_a_forgotten_month_is_not_guessed(store: SqlStore) -> None:
    await with_prices(store)
    home = priced().municipality
    await book(store, used("2026-11-05T22:00:00", 1_000_000), used("2026-11-15T22:00:00", 1_000_000))
    assert (await asked(store)).total.energy_money == Decimal("0.80")
    ledger = Ledger(store, home, [LAMP])
    await ledger.steps(lambda tx: forget_entries(tx, home, [LAMP], NOVEMBER[1], 200))
    after = await asked(store)
    assert these(after.total.kwh, after.total.energy_money, after.total.co2_kg) == (2, None, Decimal("0.8"))
    assert Missing.CHANGED_WITHIN in after.missing
    assert Missing.NO_PRICE not in after.missing


async def test_presses_burning_hours_quality_saving_and_readings_stand_in_it(store: SqlStore) -> None:
    await with_prices(store)
    zone = ZoneKey("glasau", "dorfstrasse")
    presses = [
        PressRecord("p1", zone, utc("2026-11-10T23:00:00"), Channel.WEB, None, None),
        PressRecord("p2", zone, utc("2026-11-10T23:05:00"), Channel.WEB, Reason.ALREADY_LIT, None),
        PressRecord("p3", zone, utc("2026-11-10T23:06:00"), Channel.BUTTON, Reason.ALREADY_LIT, None),
        PressRecord("p4", zone, utc("2026-12-01T01:00:00"), Channel.WEB, None, None),
    ]
    for press in presses:
        await store.write(methodcaller("add_press", press))
    await book(
        store,
        used("2026-11-10T20:00:00", 30_000),
        used("2026-11-10T21:00:00", 16_200, level=50, output=LAKE)._replace(quality=Quality.COMPUTED),
    )
    for at, kwh in (("2026-11-10T10:00:00", "1"), ("2026-11-12T10:00:00", "1.048")):
        reading = UtilityReading(f"r{kwh[0]}{at[9]}", "all", utc(at), Decimal(kwh), "the clerk", OVER)
        await store.write(partial(add_reading, municipality="glasau", reading=reading, now=OVER))
    body = await asked(store)
    assert body.presses is not None
    assert (body.presses.granted, body.presses.refused) == (1, 2)
    assert body.presses.refused_by == {Reason.ALREADY_LIT: 2}
    assert [these(*dict(level).values()) for level in body.burning] == [(100, 1, 1), (50, 1, 1)]
    assert [(part.quality, part.percent) for part in body.quality] == [
        (Quality.MEASURED, Decimal("64.9")),
        (Quality.COMPUTED, Decimal("35.1")),
    ]
    (stretch,) = body.readings
    assert (stretch.ledger_kwh, stretch.deviation_percent, stretch.warning) == (
        Decimal("0.0462"),
        Decimal("-3.75"),
        True,
    )
    assert body.saving is not None
    assert body.saving.total.used.kwh == body.total.kwh


async def test_as_csv_it_adds_up_and_is_plain(store: SqlStore) -> None:
    await with_prices(store)
    village = priced()
    named = replace(village.zones[0], name="=HYPERLINK(1)")
    await store.write(lambda tx: tx.save_inventory(replace(village, zones=(named, *village.zones[1:])), OVER))
    await book(store, used("2026-11-10T20:00:00", 30), used("2026-11-10T21:00:00", 1_234_567_890, Cause.PRESS, LAKE))
    for day, kwh in (("10", 1), ("20", 2)):
        reading = UtilityReading(f"r{day}", "all", utc(f"2026-11-{day}T10:00:00"), Decimal(kwh), "the clerk", OVER)
        await store.write(partial(add_reading, municipality="glasau", reading=reading, now=OVER))
    text = statement_csv(await asked(store))
    rows = list(csv.DictReader(io.StringIO(text)))
    of = {row["section"]: row for row in rows}
    assert {"energy_kwh", "money_EUR", "co2_kg", "price_EUR_per_kwh", "lamp_hours"} <= set(rows[0])
    energy = [row for row in rows if row["section"] == "energy"]
    assert [row["energy_kwh"] for row in energy] == ["1234.567890", "0.000030"]
    assert sum(Decimal(row["energy_kwh"]) for row in energy) == Decimal(of["total"]["energy_kwh"])
    assert (of["price"]["price_EUR_per_kwh"], of["fixed_price"]["price_EUR_per_year"]) == ("0.50", "365")
    assert of["emission_factor"]["factor_g_per_kwh"] == "400"
    assert energy[1]["name"] == "'=HYPERLINK(1)"
    assert of["missing"]["note"] == "zones_not_recorded"
    utility = of["reading_utility"]
    assert (utility["from"], utility["to"]) == ("2026-11-10T11:00:00+01:00", "2026-11-20T11:00:00+01:00")
    assert "E+" not in text
    assert "E-" not in text


@pytest.mark.parametrize("period", ["", "26", "2026-00", "2026-11-01", "1999", "2027", "2026-12", "20.26", "٢٠٢٦"])
async def test_a_period_that_is_none_or_to_come_is_refused(store: SqlStore, period: str) -> None:
    with pytest.raises(InvalidError, match=r"^(period|month|year): "):
        await asked(store, period, now=utc("2026-11-30T22:59:59"))
