"""Savings: the ledger beside all-night light and earlier policies, to the minute, and never before a night's noon."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from service.domain.entries import Entry, local_hours
from service.domain.inventory import (
    Controller,
    ControllerKey,
    EmissionFactor,
    Inventory,
    Lamp,
    Output,
    OutputKey,
    Price,
    Zone,
    ZoneKey,
)
from service.domain.periods import midnight
from service.domain.policy import Rulebook
from service.domain.reports import OutputState
from service.domain.sun import night, noon
from service.domain.words import Cause, Period, Quality
from service.errors import InvalidError, UnknownError
from service.ports import Enactment, EnergySum, LedgerState, Store
from service.usecases.rollups import roll_up
from service.usecases.saving import ALL_NIGHT, Against, SavingBody, against_of, saving
from service.usecases.saving_bodies import Lacking
from tests.unit.villages import BERLIN, DARK_AFTER_ELEVEN, DARK_AFTER_MIDNIGHT, luetjenholm, policy, utc

EVENING = date(2026, 11, 21)
NOON = noon(EVENING + timedelta(days=1), BERLIN)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DORF, WEG = OutputKey("ort", "cabinet", 1), OutputKey("ort", "cabinet", 2)


def village(**changes: Any) -> Inventory:
    """Dorf with 40 lamps and 1,000 W, dark from 00:30 to 05:30, and Weg with 20 and 500 W, dark from 23:00 to 05:00."""
    home = replace(
        luetjenholm().municipality,
        **{"id": "ort", "emission_factors": (EmissionFactor(date(2025, 1, 1), 400, "assumed"),), **changes},
    )
    outputs = (
        Output(DORF, "dorf", step=100, lamps=40, watts=1000.0),
        Output(WEG, "weg", step=100, lamps=20, watts=500.0),
    )
    zones = tuple(
        Zone(ZoneKey("ort", name), title, Rulebook((policy(schedule, 12),)))
        for name, title, schedule in (("dorf", "Dorf", DARK_AFTER_MIDNIGHT), ("weg", "Weg", DARK_AFTER_ELEVEN))
    )
    cabinet = Controller(ControllerKey("ort", "cabinet"), "cabinet", "Schrank", outputs, ())
    lamps = tuple(
        Lamp(f"{output.zone}-{n}", output.key, 25.0, 54.7, 9.05, f"{output.zone}{n}")
        for output in outputs
        for n in range(output.lamps)
    )
    return Inventory(home, zones, (cabinet,), lamps)


def lit(output: OutputKey, watts: int, start: datetime, end: datetime, cause: Cause = Cause.SCHEDULE) -> list[Entry]:
    """Full light in [start, end), cut at local hours."""
    cuts = [start, *local_hours(start, end, BERLIN), end]
    return [
        Entry(output, a, b, round(watts * 1000 * ((b - a) / HOUR)), cause, level=100, lit=b - a)
        for a, b in itertools.pairwise(cuts)
    ]


def as_planned(day: date, first: int = 30, last: int = 330) -> list[Entry]:
    """What both streets used in a night by plan; the Dorf was dark from `first` to `last` minutes after midnight."""
    tonight, middle = night(luetjenholm().municipality.place, day), midnight(day + DAY, BERLIN)
    return [
        *lit(DORF, 1000, tonight.sunset, middle + first * MINUTE),
        *lit(DORF, 1000, middle + last * MINUTE, tonight.sunrise),
        *lit(WEG, 500, tonight.sunset, middle - HOUR),
        *lit(WEG, 500, middle + 5 * HOUR, tonight.sunrise),
    ]


@dataclass
class Books:
    """A village in a store, and questions to it."""

    store: Store
    now: datetime = NOON

    async def build(self, *heard: OutputKey, **changes: Any) -> None:
        """Put the village up; some outputs reported once."""
        inventory = village(**changes)
        state = OutputState(0, Cause.SCHEDULE, NOON, NOON)
        await self.store.write(lambda tx: tx.save_inventory(inventory, utc("2025-01-01T00:00:00")))
        await self.store.write(lambda tx: tx.save_output_states(dict.fromkeys(heard or (DORF, WEG), state)))

    async def book(self, entries: Sequence[Entry]) -> None:
        """Book entries, and roll them up."""
        await self.store.write(lambda tx: tx.add_energy(entries))
        home = village().municipality
        while await self.store.write(lambda tx: roll_up(tx, home, 500)):
            pass

    async def ask(
        self, first: date | None = EVENING, last: date | None = EVENING, against: Against = ALL_NIGHT, lang: str = "en"
    ) -> SavingBody:
        """Compare."""
        return await self.store.read(lambda tx: saving(tx, "ort", first, last, against, self.now, lang))


@pytest.fixture
async def books(store: Store) -> Books:
    """Both streets, and one night by plan."""
    books = Books(store)
    await books.build()
    await books.book(as_planned(EVENING - DAY))
    await books.book(as_planned(EVENING))
    return books


async def test_against_all_night_light_the_dark_hours_are_saved(books: Books) -> None:
    body = await books.ask()
    tonight = night(luetjenholm().municipality.place, EVENING)
    length = Decimal((tonight.sunrise - tonight.sunset) // timedelta(seconds=1)) / 3600
    total = body.total
    assert float(total.against.kwh) == pytest.approx(float(length * Decimal("1.5")), abs=1e-5)
    assert float(total.saved.kwh) == pytest.approx(5 + 3, abs=1e-5)
    assert total.used.kwh == total.against.kwh - total.saved.kwh
    assert total.saved.money == Decimal("2.40")
    assert total.saved.co2_kg == Decimal("3.200")
    share = (800 / (length * Decimal("1.5"))).quantize(Decimal("0.1"))
    assert total.percent.model_dump() == {"kwh": share, "money": share, "co2_kg": share}
    assert [(zone.zone, f"{zone.saved.kwh:.4f}", zone.lamps, f"{zone.watts:.0f}") for zone in body.zones] == [
        ("dorf", "5.0000", 40, "1000"),
        ("weg", "3.0000", 20, "500"),
    ]
    assert [period.period for period in body.periods] == ["2026-11-21"]
    assert (body.missing, body.unrecorded, body.against) == ([], [], "all-night")


async def test_a_change_of_price_and_factor_counts_from_its_midnight(store: Store) -> None:
    books = Books(store)
    await books.build(
        prices=(Price(date(2026, 1, 1), Decimal("0.30"), "a"), Price(date(2026, 11, 22), Decimal("1.30"), "b")),
        emission_factors=(EmissionFactor(date(2026, 1, 1), 400, "c"), EmissionFactor(date(2026, 11, 22), 1400, "d")),
    )
    await books.book(as_planned(EVENING - DAY))
    await books.book(as_planned(EVENING))
    body = await books.ask()
    # saved: Weg one hour before midnight; after it Weg five hours, Dorf five
    assert body.total.saved.money == Decimal("0.5") * Decimal("0.30") + Decimal("7.5") * Decimal("1.30")
    assert body.total.saved.co2_kg == Decimal("0.5") * Decimal("0.4") + Decimal("7.5") * Decimal("1.4")
    used = body.total.used
    assert used.money is not None
    tonight, middle = night(luetjenholm().municipality.place, EVENING), midnight(EVENING + DAY, BERLIN)
    before = (middle - tonight.sunset) / HOUR * 1.5 - 0.5
    assert float(used.money) == pytest.approx(before * 0.3 + (float(used.kwh) - before) * 1.3, abs=0.006)
    assert [(f"{one.value}", one.first) for one in body.proof.emission_factors] == [
        ("400", EVENING),
        ("1400", EVENING + DAY),
    ]
    assert [one.source for one in body.proof.prices] == ["a", "b"]


async def test_against_an_earlier_policy_by_date_and_by_version(books: Books) -> None:
    begun = date(2026, 6, 1)
    newer = replace(policy(DARK_AFTER_MIDNIGHT, 12), valid_from=begun, version=2)
    await books.store.write(
        lambda tx: tx.enact(ZoneKey("ort", "weg"), Enactment(newer, "the clerk", utc("2026-05-01T00:00:00")))
    )
    before = await books.ask(against=against_of("2026-05-31"))
    assert [round(zone.saved.kwh, 4) for zone in before.zones] == [0, 0]
    after = await books.ask(against=against_of("2026-06-01"))
    assert [round(zone.saved.kwh, 4) for zone in after.zones] == [0, Decimal("0.5")]  # an hour more of light: 5, not 6
    version = await books.ask(against=against_of("weg:2"))
    assert [(zone.zone, round(zone.saved.kwh, 4)) for zone in version.zones] == [("weg", Decimal("0.5"))]
    assert version.total.used == after.zones[1].used
    figures = before.total.model_dump(mode="json")
    assert [figures["saved"]["money"], figures["percent"]["money"]] == ["0.00", "0.0"]  # nothing has no sign
    with pytest.raises(UnknownError):
        await books.ask(against=against_of("weg:3"))
    with pytest.raises(UnknownError):
        await books.ask(against=against_of("nirgends:1"))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("2030-01-01", "2030-01-01 is still to come"),
        ("2026-11-23", "2026-11-23 is still to come"),
        ("1999-01-01", "on 1999-01-01 no rules were in force yet"),
        ("2024-12-31", "on 2024-12-31 no rules were in force yet"),
    ],
)
async def test_a_day_on_which_no_rules_were_in_force_is_named(books: Books, text: str, wrong: str) -> None:
    with pytest.raises(InvalidError) as caught:
        await books.ask(against=against_of(text))
    way_out = "give a date from 2025-01-01 to 2026-11-22, or write all-night."
    assert str(caught.value).startswith(f"against: {wrong} in Lütjenholm, where the first night with rules is that of ")
    assert str(caught.value).endswith(way_out)
    for edge in ("2025-01-01", "2026-11-22"):
        assert (await books.ask(against=against_of(edge))).against == edge


async def test_figures_of_the_proof_add_up_as_shown(books: Books) -> None:
    middle = midnight(EVENING + DAY, BERLIN)
    odd = 0
    for n in range(6):
        at = middle + HOUR + n * MINUTE * 9
        await books.book(lit(DORF, 1000, at, at + 7 * MINUTE, Cause.TEST))
        proof = (await books.ask()).proof
        sentence = next(one for one in proof.statement if one.startswith("The saving of greenhouse gas is"))
        used, against, saved = (Decimal(kg) for kg in re.findall(r"([0-9.]+) kg", sentence))
        assert against - used == saved
        odd += saved != round(proof.saved_kg or Decimal(), 1)
    assert odd  # some of these would not have added up


async def test_one_lamp_is_one(store: Store) -> None:
    books = Books(store)
    inventory = village()
    cabinet = inventory.controllers[0]
    few = tuple(replace(output, lamps=1) for output in cabinet.outputs)
    inventory = replace(
        inventory, controllers=(replace(cabinet, outputs=few),), lamps=(inventory.lamps[0], inventory.lamps[-1])
    )
    await store.write(lambda tx: tx.save_inventory(inventory, utc("2025-01-01T00:00:00")))
    await store.write(lambda tx: tx.save_output_states({DORF: OutputState(0, Cause.SCHEDULE, NOON, NOON)}))
    await books.book(as_planned(EVENING))
    text = " ".join((await books.ask()).proof.statement)
    assert "not measured: one lamp of 25 W, as of today" in text
    assert "One lamp has never reported and counts on neither side." in text
    german = " ".join((await books.ask(lang="de")).proof.statement)
    assert "eine Leuchte mit 25 W nach" in german
    assert "Eine Leuchte hat sich nie gemeldet und zählt auf keiner Seite." in german


async def test_presses_are_what_they_cost_and_the_darkness_they_make_acceptable(books: Books) -> None:
    late = midnight(EVENING + DAY, BERLIN) + 2 * HOUR
    await books.book(lit(DORF, 1000, late, late + 12 * MINUTE, Cause.PRESS))
    await books.book(lit(WEG, 500, late, late + 6 * MINUTE, Cause.LOCAL))
    body = await books.ask()
    assert body.presses.cost.kwh == Decimal("0.25")
    assert body.presses.cost.money == Decimal("0.08")
    assert round(body.presses.darkness.kwh, 4) == 8
    assert body.presses.net.kwh == body.presses.darkness.kwh - Decimal("0.25")
    assert round(body.total.saved.kwh, 4) == Decimal("7.75")


async def test_no_night_is_told_before_its_noon(books: Books) -> None:
    whole = await books.ask(EVENING - DAY, EVENING)
    books.now = NOON - timedelta(milliseconds=1)
    with pytest.raises(InvalidError, match=r"^from: no night"):
        await books.ask()
    early = await books.ask(EVENING - DAY, EVENING)
    assert [period.period for period in early.periods] == ["2026-11-20"]
    assert early.last == EVENING - DAY
    assert early.total.used.kwh < whole.total.used.kwh


async def test_nothing_counts_from_before_a_zone_is_on_record(store: Store) -> None:
    books = Books(store)
    await books.build()
    tonight = night(luetjenholm().municipality.place, EVENING)
    await books.book([entry for entry in as_planned(EVENING) if entry.output == DORF])
    body = await books.ask(EVENING - 9 * DAY, EVENING)
    assert body.unrecorded == ["weg"]
    assert [zone.zone for zone in body.zones] == ["dorf"]
    assert tonight.sunset - HOUR < body.zones[0].since <= tonight.sunset
    assert round(body.total.saved.kwh, 4) == 5
    assert [period.period for period in body.periods] == ["2026-11-21"]
    assert any("Dorf is on record since 21" in sentence for sentence in body.proof.statement)


async def test_a_dark_night_after_the_first_on_record_is_saved_whole(books: Books) -> None:
    books.now = NOON + DAY
    body = await books.ask(EVENING + DAY, EVENING + DAY)
    assert body.total.used.kwh == 0
    assert body.total.percent.kwh == 100
    assert body.total.saved == body.total.against


async def test_lamps_that_never_reported_count_on_neither_side(store: Store) -> None:
    books = Books(store)
    await books.build(DORF)
    await books.book(as_planned(EVENING))
    body = await books.ask()
    assert (body.proof.lamps, body.proof.silent_lamps) == (40, 20)
    assert body.proof.watts == 1000
    assert body.zones[1].against.kwh == 0


async def test_whole_months_count_from_midnight_to_midnight(books: Books) -> None:
    books.now = noon(date(2026, 12, 1), BERLIN)
    await books.book(as_planned(date(2026, 10, 31)))
    await books.book(as_planned(date(2026, 11, 30)))
    month = await books.ask(date(2026, 11, 1), date(2026, 11, 30))
    assert (month.start, month.end) == (midnight(date(2026, 11, 1), BERLIN), midnight(date(2026, 12, 1), BERLIN))
    assert [period.period for period in month.periods] == ["2026-11"]
    assert month.total == (await books.ask(None, None)).total
    entries = await books.store.read(lambda tx: tx.entries("ort", month.start, month.end))
    assert month.total.used.kwh == Decimal(sum(one.entry.energy_mwh for one in entries)).scaleb(-6)
    nights = await books.ask(date(2026, 11, 2), date(2026, 11, 30))
    assert nights.start == noon(date(2026, 11, 2), BERLIN)
    assert len(nights.periods) == 29


async def test_more_than_the_other_rules_is_a_negative_saving(books: Books) -> None:
    middle = midnight(EVENING + DAY, BERLIN)
    await books.book(lit(DORF, 1000, middle + HOUR, middle + 3 * HOUR, Cause.TEST))
    body = await books.ask(against=against_of("2026-01-01"))
    assert round(body.total.saved.kwh, 4) == -2
    assert body.total.saved.money == Decimal("-0.60")
    assert body.proof.saved_kg == Decimal("-0.800")
    assert any(one.startswith("No greenhouse gas was saved: ") and "0.8 kg more" in one for one in body.proof.statement)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25)])
async def test_nights_in_which_clocks_change(store: Store, day: date, hours: int) -> None:
    books = Books(store, noon(day + DAY, BERLIN))
    await books.build()
    start, end = noon(day, BERLIN), noon(day + DAY, BERLIN)
    assert end - start == hours * HOUR
    await books.book(lit(DORF, 1000, start, end))
    body = await books.ask(day, day)
    tonight = night(luetjenholm().municipality.place, day)
    assert body.zones[0].used.kwh == hours
    assert body.zones[0].against.kwh == round(
        Decimal((tonight.sunrise - tonight.sunset) // timedelta(seconds=1)) / 3600, 6
    )


async def test_missing_prices_and_factors_are_null_and_said_why(store: Store) -> None:
    books = Books(store)
    await books.build(prices=(Price(date(2026, 11, 22), Decimal("0.30"), "b"),), emission_factors=())
    await books.book(as_planned(EVENING))
    body = await books.ask()
    assert (body.total.used.money, body.total.against.money, body.total.saved.co2_kg) == (None, None, None)
    assert (body.total.percent.money, body.proof.greenhouse_gas_percent) == (None, None)
    assert [(one.why, one.first, one.last) for one in body.missing] == [
        (Lacking.NO_PRICE, EVENING, EVENING),
        (Lacking.NO_EMISSION_FACTOR, EVENING, EVENING + DAY),
    ]
    assert "The saving of greenhouse gas cannot be stated." in body.proof.statement


async def test_of_forgotten_months_sums_are_left(store: Store) -> None:
    books = Books(store)
    await books.build(
        prices=(Price(date(2025, 1, 1), Decimal("0.30"), "a"), Price(date(2025, 9, 15), Decimal("0.40"), "b"))
    )
    kept_from = midnight(date(2025, 11, 1), BERLIN)
    months = [midnight(date(2025, month, 1), BERLIN).astimezone(UTC) for month in (7, 8, 9)]
    for month in months:
        row = EnergySum(month, "dorf", Cause.SCHEDULE, Quality.COMPUTED, 100_000_000)
        await store.write(lambda tx, at=month, row=row: tx.set_rolled("ort", Period.MONTH, at, [row]))  # type: ignore[misc]
    await store.write(lambda tx: tx.set_ledger_state("ort", LedgerState(kept_from, kept_from)))
    with pytest.raises(
        InvalidError, match=r"^from: of the nights before 2025-11-01 only months are left; ask for whole"
    ):
        await books.ask(date(2025, 8, 2), date(2025, 8, 31))
    august = await books.ask(date(2025, 8, 1), date(2025, 8, 31))
    assert august.total.used.kwh == 100
    assert (august.total.used.money, august.total.used.co2_kg, august.missing) == (Decimal(30), Decimal(40), [])
    autumn = await books.ask(date(2025, 8, 1), date(2025, 9, 30))
    assert autumn.total.used.kwh == 200
    assert autumn.total.used.money is None
    assert autumn.total.used.co2_kg == 80
    assert [one.why for one in autumn.missing] == [Lacking.PRICE_CHANGED_WITHIN]
    july = await books.ask(date(2025, 7, 1), date(2025, 7, 31))
    assert (july.unrecorded, july.zones) == (
        ["dorf", "weg"],
        [],
    )  # the month in which the record began: since when is gone


async def test_the_proof_says_from_what_it_was_computed(books: Books) -> None:
    middle = midnight(EVENING + DAY, BERLIN)
    some = [one._replace(quality=Quality.COMPUTED) for one in lit(WEG, 500, middle + HOUR, middle + 2 * HOUR)]
    await books.book(some)
    body = await books.ask()
    proof = body.proof
    assert proof.greenhouse_gas_percent == body.total.percent.co2_kg
    assert (proof.saved_kg, proof.used_kg, proof.against_kg) == (
        body.total.saved.co2_kg,
        body.total.used.co2_kg,
        body.total.against.co2_kg,
    )
    assert {part.quality: part.kwh for part in proof.quality} == {
        Quality.MEASURED: body.total.used.kwh - Decimal("0.5"),
        Quality.COMPUTED: Decimal("0.5"),
    }
    text = " ".join(proof.statement)
    for words in (
        "modelled, not measured: 60 lamps of 1,500 W",
        "% measured and",
        "400 g a kWh",
        "source: assumed",
        "from sunset to sunrise",
    ):
        assert words in text
    assert f"{proof.greenhouse_gas_percent} %" in text
    german = " ".join((await books.ask(lang="de")).proof.statement)
    assert "60 Leuchten mit zusammen 1.500 W" in german
    assert f"{proof.greenhouse_gas_percent} %".replace(".", ",") in german
    assert "{" not in german + text


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (EVENING, EVENING - DAY, "to"),
        (date(1999, 1, 1), EVENING, "from"),
        (EVENING, date(2200, 1, 1), "to"),
        (date(2024, 1, 2), date(2026, 1, 5), "to"),
        (date(2027, 1, 1), date(2027, 1, 31), "from"),
    ],
)
async def test_a_period_that_makes_no_sense_is_named(books: Books, first: date, last: date, field: str) -> None:
    with pytest.raises(InvalidError, match=rf"^{field}: "):
        await books.ask(first, last)


@pytest.mark.parametrize(
    "text", ["", "all night", "2026-13-01", "dorf", "dorf:", "dorf:0", "dorf:01", "Dorf:1", ":1", "dorf:1:2"]
)
def test_what_to_compare_with_is_named_when_it_is_nothing(text: str) -> None:
    with pytest.raises(InvalidError, match=r"^against: write all-night, a date"):
        against_of(text)
