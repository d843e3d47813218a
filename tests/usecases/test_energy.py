"""Energy: staff see causes, the public sees ended nights and months without presses; money is right to the minute."""

import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from service.domain.entries import Entry, local_hours
from service.domain.inventory import EmissionFactor, Municipality, OutputKey, Price
from service.domain.periods import midnight
from service.domain.sun import night_of, noon
from service.domain.words import Cause, Period, Quality
from service.errors import InvalidError, UnknownError
from service.ports import EnergySum, LedgerState, Tx
from service.usecases.energy import Account, By, council_energy, public_energy
from service.usecases.rollups import roll_up
from tests.unit.villages import BERLIN, leck, utc
from tests.usecases.acting import Village

HOME = "leck"
STREET, CROSSING = OutputKey(HOME, "cabinet-1", 1), OutputKey(HOME, "cabinet-1", 2)
EVENING = date(2026, 11, 21)
NIGHT = utc("2026-11-22T00:12:00")
AFTER = utc("2026-11-22T11:00:00")
BEFORE = AFTER - timedelta(milliseconds=1)
DAY = timedelta(days=1)
PRICES = (
    Price(date(2025, 1, 1), Decimal("0.30"), "old contract"),
    Price(date(2026, 11, 22), Decimal("0.40"), "new contract"),
)
FACTORS = (EmissionFactor(date(2025, 1, 1), 400, "agency"), EmissionFactor(date(2026, 11, 10), 300, "agency"))


@pytest.fixture
def village(store: object) -> Village:
    """Leck at 01:12 in the night."""
    return Village(store, HOME, NIGHT)  # type: ignore[arg-type] # the fixture of this folder, a Store


def entry(start: str | datetime, wh: float, cause: Cause = Cause.SCHEDULE, output: OutputKey = STREET) -> Entry:
    """Half an hour of light."""
    begun = utc(start) if isinstance(start, str) else start
    half = timedelta(minutes=30)
    return Entry(output, begun, begun + half, round(wh * 1000), cause, None, 100, half, Quality.MEASURED)


async def booked(village: Village, *entries: Entry, **fields: object) -> Municipality:
    """Book entries, and change what the municipality says."""
    inventory = leck()
    home = replace(inventory.municipality, **fields)  # type: ignore[arg-type] # whatever a test bends

    def act(tx: Tx) -> None:
        tx.save_inventory(replace(inventory, municipality=home), NIGHT)
        tx.add_energy(entries)

    await village.store.write(act)
    return home


async def council(
    village: Village, by: str, first: date | None = EVENING, last: date | None = EVENING, zone: str | None = None
) -> Account:
    account = await village.store.read(lambda tx: council_energy(tx, HOME, first, last, zone, By(by), village.now))
    assert account.total.energy_mwh == sum(part.energy_mwh for part in account.parts)
    return account


async def public(
    village: Village, by: str = "night", first: date | None = EVENING, last: date | None = EVENING
) -> Account:
    return await village.store.read(lambda tx: public_energy(tx, HOME, first, last, By(by), village.now))


def wh(account: Account) -> dict[str, float]:
    return {part.label: part.energy_mwh / 1000 for part in account.parts}


def money(account: Account) -> dict[str, Decimal | None]:
    return {part.label: part.cost.money for part in account.parts}


WALK = (
    entry("2026-11-21T23:10:00", 500),
    entry("2026-11-22T00:00:00", 160, Cause.PRESS),
    entry("2026-11-22T00:30:00", 70, Cause.LOCAL),
)
"""A night with 500 Wh by schedule, 160 Wh by a press and 70 Wh by a push-button when nobody answered it."""


async def test_the_public_sees_a_night_only_after_its_noon_and_never_its_presses(village: Village) -> None:
    await booked(village, *WALK)
    village.now = BEFORE
    assert wh(await public(village)) == {}
    village.now = AFTER
    account = await public(village)
    assert (wh(account), account.presses_until) == ({"2026-11-21": 500}, None)
    assert money(account) == {"2026-11-21": Decimal("0.15")}


async def test_public_figures_are_too_coarse_to_show_one_press_and_cost_what_they_show(village: Village) -> None:
    await booked(village, *WALK, entry("2026-11-22T04:00:00", 40), prices=PRICES)
    village.now = AFTER
    account = await public(village)
    assert wh(account) == {"2026-11-21": 500}
    assert account.total.cost.money == 500 * Decimal("0.40") / 1000, "all of it was used after midnight"


async def test_the_public_sees_a_month_after_the_night_of_its_last_day_and_never_its_presses(village: Village) -> None:
    await booked(village, *WALK, entry("2026-11-30T22:30:00", 2100), entry("2026-10-10T20:00:00", 900))
    year = (date(2026, 1, 1), date(2026, 12, 31))
    village.now = utc("2026-12-01T10:59:59")
    assert wh(await public(village, "month", *year)) == {"2026-10": 1000}
    village.now = utc("2026-12-01T11:00:00")
    assert wh(await public(village, "month", *year)) == {"2026-10": 1000, "2026-11": 3000}
    assert wh(await public(village, "month", None, None)) == {"2026-11": 3000}, "the last one that ended"


async def test_the_public_is_told_by_nothing_finer(village: Village) -> None:
    for by in set(By) - {By.NIGHT, By.MONTH}:
        with pytest.raises(InvalidError, match=r"^by: "):
            await public(village, by)


@pytest.mark.parametrize("by", ["cause", "zone", "controller", "night", "month"])
async def test_staff_see_what_presses_cost_only_after_noon(village: Village, by: str) -> None:
    await booked(village, *WALK)
    village.now = BEFORE
    account = await council(village, by)
    assert (account.total.energy_mwh, account.presses_until) == (500_000, noon(EVENING, BERLIN))
    village.now = AFTER
    account = await council(village, by)
    assert (account.total.energy_mwh, account.presses_until) == (730_000, AFTER)


async def test_by_hour_a_press_never_shows(village: Village) -> None:
    await booked(village, *WALK)
    village.now = AFTER + 30 * DAY
    account = await council(village, "hour")
    assert (wh(account), account.presses_until) == ({"2026-11-22T00:00:00+01:00": 500}, None)


async def test_staff_see_causes_zones_and_controllers_by_name(village: Village) -> None:
    await booked(village, *WALK, entry("2026-11-22T01:00:00", 60, Cause.SAFETY, CROSSING))
    village.now = AFTER
    assert wh(await council(village, "cause")) == {"local": 70, "press": 160, "safety": 60, "schedule": 500}
    zones = await council(village, "zone")
    assert [(part.label, part.name, part.energy_mwh) for part in zones.parts] == [
        ("hauptstrasse", "Hauptstraße", 730_000),
        ("kreuzung", "Kreuzung", 60_000),
    ]
    for by in By:
        assert (await council(village, by, zone="kreuzung")).total.energy_mwh == 60_000, by
    (cabinet,) = (await council(village, "controller")).parts
    assert (cabinet.label, cabinet.name, cabinet.energy_mwh) == ("cabinet-1", "Schaltschrank", 790_000)
    with pytest.raises(UnknownError):
        await council(village, "cause", zone="nowhere")


async def test_without_dates_the_last_night_that_ended_is_told(village: Village) -> None:
    await booked(village, *WALK)
    village.now = AFTER
    account = await council(village, "cause", None, None)
    assert (account.first, account.last, account.total.energy_mwh) == (EVENING, EVENING, 730_000)
    account = await public(village, "night", None, None)
    assert (account.first, account.last, account.total.energy_mwh) == (EVENING, EVENING, 500_000)


async def test_the_last_night_that_ended_is_found_on_the_day_when_clocks_change(village: Village) -> None:
    village.now = noon(date(2026, 3, 29), BERLIN)
    account = await public(village, "night", None, None)
    assert account.first == date(2026, 3, 28)


@pytest.mark.parametrize("by", [by.value for by in By])
async def test_a_price_that_changes_at_midnight_is_right_to_the_minute(village: Village, by: str) -> None:
    before, after = entry("2026-11-21T22:30:00", 1000), entry("2026-11-21T23:00:00", 1000)
    await booked(village, before, after, prices=PRICES)
    village.now = AFTER
    account = await council(village, by)
    assert account.total.cost.money == Decimal("0.70"), "the night's evening says 0.60, its morning 0.80"
    if by == "hour":
        assert list(money(account).values()) == [Decimal("0.30"), Decimal("0.40")]
    assert [part.entry for part in account.sources.prices] == list(PRICES), "both are named"
    if by == "night":
        assert (await public(village)).total.cost.money == Decimal("0.70")


async def test_what_has_no_price_has_no_money(village: Village) -> None:
    await booked(village, entry("2026-11-21T22:30:00", 1000), entry("2026-11-22T22:30:00", 1000), prices=PRICES[1:])
    village.now = AFTER + DAY
    account = await council(village, "night", EVENING, EVENING + DAY)
    assert money(account) == {"2026-11-21": None, "2026-11-22": Decimal("0.4")}
    assert account.total.cost.money is None
    assert account.total.cost.co2_kg is None, "there is no factor at all"
    assert account.sources.prices[0].entry is None


@pytest.mark.parametrize(
    ("night", "hours", "twice"), [(date(2026, 10, 24), 25, 1), (date(2026, 3, 28), 23, 0), (EVENING, 24, 0)]
)
async def test_a_night_has_the_hours_that_its_clocks_have(
    village: Village, night: date, hours: int, twice: int
) -> None:
    start, end = noon(night, BERLIN), noon(night + DAY, BERLIN)
    await booked(village, *(entry(hour, 1) for hour in (start, *local_hours(start, end, BERLIN))))
    village.now = end
    account = await council(village, "hour", night, night)
    labels = [part.label for part in account.parts]
    assert len(set(labels)) == hours
    assert [datetime.fromisoformat(label).astimezone(UTC) for label in labels] == [
        start + timedelta(hours=n) for n in range(hours)
    ], "in order of time, each once"
    local = [label[:19] for label in labels]
    assert len(local) - len(set(local)) == twice
    assert wh(await council(village, "night", night, night)) == {night.isoformat(): hours}


def naive(
    entries: list[Entry], home: Municipality, by: By, first: date, last: date, now: datetime
) -> dict[str, object]:
    """An account by the plainest way: entry by entry."""
    tz = home.place.tz
    whole = by is By.MONTH or (by in {By.CAUSE, By.ZONE} and first.day == 1 and (last + DAY).day == 1)
    found: dict[str, list[Decimal]] = defaultdict(lambda: [Decimal()] * 3)
    for one in entries:
        local = one.start.astimezone(ZoneInfo(tz))
        night = night_of(one.start, tz)
        if whole and not (first.year, first.month) <= (local.year, local.month) <= (last.year, last.month):
            continue
        if not whole and not first <= night <= last:
            continue
        if one.cause in {Cause.PRESS, Cause.LOCAL} and (by is By.HOUR or night >= night_of(now, tz)):
            continue
        name = {
            By.CAUSE: one.cause.value,
            By.HOUR: local.replace(minute=0).isoformat(),
            By.NIGHT: night.isoformat(),
            By.MONTH: f"{local:%Y-%m}",
            By.ZONE: "hauptstrasse" if one.output == STREET else "kreuzung",
            By.CONTROLLER: "cabinet-1",
        }[by]
        price, factor = home.price_on(local.date()), home.emission_factor_on(local.date())
        assert price is not None
        assert factor is not None
        kwh = Decimal(one.energy_mwh) / 1_000_000
        more = (kwh, kwh * price.per_kwh, kwh * factor.g_per_kwh / 1000)
        found[name] = [a + b for a, b in zip(found[name], more, strict=True)]
    return {name: tuple(sums) for name, sums in found.items()}


def told(account: Account) -> dict[str, object]:
    return {
        part.label: (Decimal(part.energy_mwh) / 1_000_000, part.cost.money, part.cost.co2_kg) for part in account.parts
    }


@pytest.mark.parametrize("rolled_hours", [0, 300, 100_000], ids=["live", "half rolled up", "rolled up"])
async def test_every_account_is_what_its_entries_say(village: Village, rolled_hours: int) -> None:
    """Over a change of clocks, of months, of prices and factors, up to a night that goes on."""
    chance = random.Random(7)  # noqa: S311 - no secret
    hours = list(local_hours(utc("2026-10-18T12:00"), NIGHT, BERLIN))
    entries = [
        entry(hour, chance.randrange(1, 900), chance.choice((Cause.SCHEDULE, Cause.PRESS, Cause.LOCAL)), output)
        for hour in hours
        for output in (STREET, CROSSING)
        if chance.random() < 0.4
    ] + [entry(NIGHT.replace(minute=0) - timedelta(minutes=30), 321, Cause.PRESS)]
    prices = (*PRICES, Price(date(2026, 10, 27), Decimal("0.35"), "a mistake, mended"))
    home = await booked(village, *entries, prices=prices, emission_factors=FACTORS)
    if rolled_hours:
        await village.store.write(lambda tx: roll_up(tx, home, rolled_hours))
    for by in By:
        for first, last in (
            (date(2026, 10, 20), EVENING),
            (date(2026, 10, 24), date(2026, 10, 24)),
            (date(2026, 11, 9), date(2026, 11, 9)),
            (EVENING, EVENING),
            (date(2026, 10, 1), date(2026, 11, 30)),
        ):
            if by in {By.HOUR, By.CONTROLLER} and (last - first).days > 60:
                continue
            account = await council(village, by, first, last)
            assert told(account) == naive(entries, home, by, first, last, NIGHT), (by, first, last)


async def test_by_month_the_months_that_are_touched_are_told_whole(village: Village) -> None:
    await booked(
        village,
        entry("2026-09-30T21:30:00", 1),
        entry("2026-09-30T22:00:00", 10),
        entry("2026-10-31T22:30:00", 100),
        entry("2026-10-31T23:00:00", 1000),
    )
    account = await council(village, "month", date(2026, 10, 15), date(2026, 10, 20))
    assert wh(account) == {"2026-10": 110}
    assert (account.first, account.last) == (date(2026, 10, 1), date(2026, 10, 31))
    assert (account.start, account.end) == (utc("2026-09-30T22:00:00"), utc("2026-10-31T23:00:00"))
    for by in ("cause", "zone"):
        whole = await council(village, by, account.first, account.last)
        assert (whole.total.energy_mwh, whole.start) == (110_000, account.start), "the same from midnight to midnight"
        nights = await council(village, by, date(2026, 10, 1), date(2026, 10, 30))
        assert (nights.total.energy_mwh, nights.start) == (0, noon(date(2026, 10, 1), BERLIN)), "nights, from noon on"


MOST = {"hour": 62, "controller": 62, "night": 400, "month": 4018, "cause": 4018, "zone": 4018}


@pytest.mark.parametrize(("by", "most"), MOST.items())
async def test_one_question_spans_no_more_than_it_can(village: Village, by: str, most: int) -> None:
    first = date(2016, 1, 1)
    assert (await council(village, by, first, first + (most - 1) * DAY)).parts == ()
    with pytest.raises(InvalidError, match=rf"^to: by {by} at most .*ask in parts"):
        await council(village, by, first, first + most * DAY)


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [
        (date(2026, 11, 21), date(2026, 11, 20), "to"),
        (date(9999, 12, 30), date.max, "from"),
        (date(2026, 11, 21), date.max, "to"),
        (date.min, date(2026, 11, 21), "from"),
    ],
)
async def test_a_time_that_makes_no_sense_is_refused(village: Village, first: date, last: date, field: str) -> None:
    for by in By:
        with pytest.raises(InvalidError, match=rf"^{field}: "):
            await council(village, by, first, last)
    with pytest.raises(InvalidError, match=rf"^{field}: "):
        await public(village, "night", first, last)


KEPT_FROM = midnight(date(2025, 11, 1), BERLIN)


async def forgotten(village: Village, **fields: object) -> None:
    """Twelve months on: of 2025 only the sums of October and September are left, and the nights from November on."""
    home = await booked(village, entry("2025-11-01T20:00:00", 5), **fields)

    def act(tx: Tx) -> None:
        roll_up(tx, home, 100)
        for month, energy in ((9, 2000), (10, 1000)):
            start = midnight(date(2025, month, 1), BERLIN)
            one = EnergySum(start, "hauptstrasse", Cause.SCHEDULE, Quality.MEASURED, energy * 1_000_000)
            tx.set_rolled(HOME, Period.MONTH, start, [one])
        tx.set_ledger_state(HOME, LedgerState(KEPT_FROM, KEPT_FROM))

    await village.store.write(act)


@pytest.mark.parametrize("by", [by.value for by in By if by is not By.MONTH])
async def test_nights_that_are_forgotten_are_refused_with_the_first_one_left(village: Village, by: str) -> None:
    await forgotten(village)
    with pytest.raises(InvalidError, match=r"^from: .* 2025-11-01 only months are left; ask from 2025-11-01 on"):
        await council(village, by, date(2025, 10, 31), date(2025, 11, 1))
    assert (await council(village, by, date(2025, 11, 1), date(2025, 11, 1))).total.energy_mwh == 5000
    if by == "night":
        with pytest.raises(InvalidError, match="by month"):
            await public(village, by, date(2025, 10, 31), date(2025, 11, 1))


async def test_whole_months_outlive_their_nights(village: Village) -> None:
    await forgotten(village)
    for by in ("cause", "zone", "month"):
        account = await council(village, by, date(2025, 9, 1), date(2025, 11, 30))
        assert account.total.energy_mwh == 3_000_005_000, by
        assert account.total.cost.money == Decimal("900.0015")
    assert wh(await public(village, "month", date(2025, 9, 1), date(2025, 10, 31))) == {"2025-09": 2e6, "2025-10": 1e6}


async def test_a_forgotten_month_in_which_the_price_changed_has_no_money_and_its_neighbours_have(
    village: Village,
) -> None:
    changed = Price(date(2025, 10, 10), Decimal("0.50"), "mid-month")
    await forgotten(village, prices=(PRICES[0], changed), emission_factors=FACTORS)
    account = await council(village, "month", date(2025, 9, 1), date(2025, 11, 30))
    assert money(account) == {"2025-09": 600, "2025-10": None, "2025-11": Decimal("0.0025")}
    assert [part.cost.co2_kg for part in account.parts] == [800, 400, Decimal("0.002")], "the factor did not change"
    assert (await council(village, "cause", date(2025, 9, 1), date(2025, 11, 30))).total.cost.money is None
