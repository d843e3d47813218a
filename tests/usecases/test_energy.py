"""Energy: staff see causes, the public sees ended nights and months without presses; money is right to the minute."""

import random
import shutil
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from service.domain.entries import Entry, local_hours
from service.domain.inventory import EmissionFactor, Municipality, Output, OutputKey, Price, Zone, ZoneKey
from service.domain.periods import midnight
from service.domain.policy import Rulebook
from service.domain.schedule import Schedule
from service.domain.sun import night_of, noon
from service.domain.words import Cause, Period, Quality
from service.errors import InvalidError, UnknownError
from service.ports import EnergySum, LedgerState, Tx
from service.store import open_store
from service.usecases.energy import Account, By, council_energy, public_energy
from service.usecases.rollups import roll_up
from tests.unit.villages import BERLIN, NEVER_LIT, clock, leck, policy, utc
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
async def test_staff_see_a_night_only_after_its_noon(village: Village, by: str) -> None:
    """What is left without presses dips while somebody presses: so nothing at all of a running night."""
    await booked(village, *WALK, entry("2026-11-21T01:00:00", 40))
    village.now = BEFORE
    if by != "month":
        with pytest.raises(InvalidError, match=r"^from: the night of 2026-11-21 is not over"):
            await council(village, by)
    account = await council(village, by, EVENING - DAY, EVENING)
    assert (account.total.energy_mwh, account.presses_until) == (40_000, noon(EVENING, BERLIN))
    village.now = AFTER
    account = await council(village, by, EVENING - DAY, EVENING)
    assert (account.total.energy_mwh, account.presses_until) == (770_000, AFTER)


def a_press_at(hour: datetime) -> list[Entry]:
    """A night in which everything draws 16 Wh an hour at level 0, and a fifth less in the hour of a press."""
    start, end = noon(EVENING, BERLIN), AFTER
    entries = [
        entry(each, 12.8 if each == hour else 16, output=output)
        for each in (start, *local_hours(start, end, BERLIN))
        for output in (STREET, CROSSING)
    ]
    return [
        *(one._replace(level=0, lit=timedelta()) for one in entries),
        *(entry(hour, 80, cause) for cause in (Cause.PRESS, Cause.LOCAL)),
    ]


async def test_by_hour_nothing_hangs_on_when_somebody_pressed(migrated: Path, tmp_path: Path) -> None:
    accounts = []
    for pressed in ("2026-11-21T18:00:00", "2026-11-21T23:00:00", "2026-11-22T02:00:00"):
        path = tmp_path / f"{pressed[:13]}.db"
        shutil.copy(migrated, path)
        village = Village(open_store(f"sqlite:///{path}"), HOME, AFTER)
        await booked(village, *a_press_at(utc(pressed)), prices=PRICES)
        assert (await council(village, "cause")).total.energy_mwh == 2 * (23 * 16_000 + 12_800 + 80_000)
        accounts.append([await council(village, "hour", zone=zone) for zone in (None, "hauptstrasse", "kreuzung")])
        await village.store.close()
    assert accounts[0] == accounts[1] == accounts[2]
    for account, outputs in zip(accounts[0], (2, 1, 1), strict=True):
        assert account.total.energy_mwh == outputs * (23 * 16_000 + 12_800), "all that is no press"
        assert account.presses_until is None


async def test_by_hour_a_night_is_spread_by_its_plan(village: Village) -> None:
    """The street is lit from 16:12:57 to 23:00 and from 05:00 to 08:08:12, the crossing all night."""
    seconds = [2823, *[3600] * 6, *[0] * 6, *[3600] * 3, 492]
    hours = [utc("2026-11-21T15:00:00") + timedelta(hours=n) for n in range(17)]
    names = [hour.astimezone(ZoneInfo(BERLIN)).isoformat() for hour in hours]
    await booked(village, *WALK, entry("2026-11-22T01:00:00", 60, Cause.SAFETY, CROSSING), prices=PRICES)
    village.now = AFTER
    street = await council(village, "hour", zone="hauptstrasse")
    expected = {name: 500 * part / sum(seconds) for name, part in zip(names, seconds, strict=True) if part}
    assert wh(street) == {name: pytest.approx(energy, abs=0.002) for name, energy in expected.items()}
    assert street.total.energy_mwh == 500_000
    crossing = wh(await council(village, "hour", zone="kreuzung"))
    assert list(crossing) == names
    assert crossing[names[8]] == pytest.approx(60 * 3600 / 57315, abs=0.002)
    both = await council(village, "hour")
    assert wh(both) == {name: pytest.approx(expected.get(name, 0) + crossing[name], abs=0.002) for name in names}
    assert both.total.energy_mwh == 560_000
    for hour, part in zip(hours, both.parts, strict=True):
        price = PRICES[hour >= utc("2026-11-21T23:00:00")].per_kwh
        assert part.cost.money == Decimal(part.energy_mwh) * price / 1_000_000


async def test_by_hour_what_no_plan_draws_is_spread_over_the_dark(village: Village) -> None:
    """A zone whose plan gives no light, and one without any output."""
    rulebook = Rulebook((policy(NEVER_LIT, 10),))
    zones = [Zone(ZoneKey(HOME, name), name, rulebook) for name in ("hof", "wiese")]
    output = Output(OutputKey(HOME, "cabinet-1", 3), "wiese", lamps=1, watts=50.0)

    def act(tx: Tx) -> None:
        home = leck()
        (cabinet,) = home.controllers
        cabinet = replace(cabinet, outputs=(*cabinet.outputs, output))
        tx.save_inventory(replace(home, zones=(*home.zones, *zones), controllers=(cabinet,)), NIGHT)
        used = [EnergySum(AFTER - DAY, zone, Cause.SCHEDULE, Quality.MEASURED, 57_315) for zone in ("hof", "wiese")]
        tx.set_rolled(HOME, Period.NIGHT, AFTER - DAY, used)

    await village.store.write(act)
    village.now = AFTER
    for zone, times in (("hof", 1), ("wiese", 1), (None, 2)):
        account = await council(village, "hour", zone=zone)
        energies = [part.energy_mwh for part in account.parts]
        assert energies == [times * seconds for seconds in (2823, *[3600] * 15, 492)], "a mWh for each dark second"


async def test_by_hour_only_nights_that_have_ended_are_told(village: Village) -> None:
    await booked(village, *WALK, entry(AFTER, 900), entry("2026-11-22T18:00:00", 900))
    village.now = BEFORE
    with pytest.raises(InvalidError, match=r"^from: the night of 2026-11-21 is not over"):
        await council(village, "hour")
    village.now = AFTER
    assert (await council(village, "hour")).total.energy_mwh == 500_000
    village.now = AFTER + DAY - timedelta(seconds=1)
    account = await council(village, "hour", EVENING, EVENING + 3 * DAY)
    assert (account.total.energy_mwh, account.end) == (500_000, AFTER)
    village.now = AFTER + DAY
    account = await council(village, "hour", EVENING, EVENING + 3 * DAY)
    assert (account.total.energy_mwh, account.end) == (2_300_000, AFTER + DAY)


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


@pytest.mark.parametrize("by", [by.value for by in By if by is not By.HOUR])
async def test_a_price_that_changes_at_midnight_is_right_to_the_minute(village: Village, by: str) -> None:
    before, after = entry("2026-11-21T22:30:00", 1000), entry("2026-11-21T23:00:00", 1000)
    await booked(village, before, after, prices=PRICES)
    village.now = AFTER
    account = await council(village, by)
    assert account.total.cost.money == Decimal("0.70"), "the night's evening says 0.60, its morning 0.80"
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
    entries = [entry(hour, 100, output=CROSSING) for hour in (start, *local_hours(start, end, BERLIN))]
    await booked(village, *entries, safety_schedule=Schedule((clock(12, 0, 100),)))
    village.now = end
    account = await council(village, "hour", night, night)
    labels = [part.label for part in account.parts]
    assert [datetime.fromisoformat(label).astimezone(UTC) for label in labels] == [
        start + timedelta(hours=n) for n in range(hours)
    ], "in order of time, each once"
    local = [label[:19] for label in labels]
    assert len(local) - len(set(local)) == twice
    assert {part.energy_mwh for part in account.parts} == {100_000}, "the crossing is lit from noon to noon"
    assert wh(await council(village, "night", night, night)) == {night.isoformat(): hours * 100}


def naive(
    entries: list[Entry], home: Municipality, by: By, first: date, last: date, now: datetime
) -> dict[str, tuple[Decimal, ...]]:
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
        if night >= night_of(now, tz):
            continue
        name = {
            By.CAUSE: one.cause.value,
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
    for by in set(By) - {By.HOUR}:
        for first, last in (
            (date(2026, 10, 20), EVENING),
            (date(2026, 10, 24), date(2026, 10, 24)),
            (date(2026, 11, 9), date(2026, 11, 9)),
            (EVENING - DAY, EVENING),
            (date(2026, 10, 1), date(2026, 11, 30)),
        ):
            if by is By.CONTROLLER and (last - first).days > 60:
                continue
            account = await council(village, by, first, last)
            assert told(account) == naive(entries, home, by, first, last, NIGHT), (by, first, last)
    first, last = date(2026, 10, 20), EVENING - DAY
    found: dict[str, int] = defaultdict(int)
    for part in (await council(village, "hour", first, EVENING)).parts:
        hour = datetime.fromisoformat(part.label)
        found[night_of(hour, BERLIN).isoformat()] += part.energy_mwh
        price = home.price_on(hour.date())
        assert price is not None
        assert part.cost.money == part.energy_mwh * price.per_kwh / 1_000_000, "by the hour's own date"
    unpressed = [one for one in entries if one.cause is Cause.SCHEDULE]
    nights = naive(unpressed, home, By.NIGHT, first, last, NIGHT)
    assert found == {night: kwh * 1_000_000 for night, (kwh, *_) in nights.items()}, "each night exact, this one not"


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
