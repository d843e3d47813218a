"""Readings of the utility's meters: what cannot be is refused, and what is entered stands beside the ledger."""

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from service.domain.entries import Entry
from service.domain.inventory import OutputKey, SupplyPoint
from service.domain.words import Cause, Quality
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import LedgerState, UtilityReading
from service.store import SqlStore
from service.usecases.readings import Stretch, add_reading, compare, readings_of, withdraw_reading
from tests.unit.villages import glasau, utc

NOW = utc("2026-12-10T11:30:00")
ONE, TWO = OutputKey("glasau", "lamp-01", 1), OutputKey("glasau", "lamp-02", 1)
POINTS = (
    SupplyPoint("west", "Verteiler West", ("lamp-01",)),
    SupplyPoint("east", "Verteiler Ost", tuple(f"lamp-{n:02}" for n in range(2, 86))),
)


async def enter(
    store: SqlStore,
    at: str,
    kwh: str,
    point: str = "all",
    home: str = "glasau",
    id: str | None = None,  # noqa: A002 - the field's name
) -> UtilityReading:
    reading = UtilityReading(
        id or f"{point}-{at[:13].lower().replace('t', '-')}", point, utc(at), Decimal(kwh), "the clerk", NOW
    )
    return await store.write(lambda tx: add_reading(tx, home, reading, NOW))


async def compared(
    store: SqlStore, now: datetime = NOW, start: datetime | None = None, end: datetime | None = None
) -> list[Stretch]:
    return await store.read(lambda tx: compare(tx, "glasau", now, start, end))


async def with_points(store: SqlStore) -> None:
    village = glasau()
    home = replace(village.municipality, supply_points=POINTS)
    await store.write(lambda tx: tx.save_inventory(replace(village, municipality=home), NOW))


def used(
    output: OutputKey,
    start: str,
    mwh: int,
    minutes: int = 60,
    cause: Cause = Cause.SCHEDULE,
    quality: Quality = Quality.MEASURED,
) -> Entry:
    begin = utc(start)
    return Entry(output, begin, begin + timedelta(minutes=minutes), mwh, cause, None, 100, timedelta(), quality)


async def book(store: SqlStore, *entries: Entry) -> None:
    await store.write(lambda tx: tx.add_energy(entries))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"supply_point": "north"}, "supply_point: Glasau has no “north”; there is all"),
        ({"at": NOW + timedelta(seconds=1)}, "at: the reading lies in the future"),
        ({"at": utc("1999-12-31T22:00:00")}, "at: the reading is of before 2000"),
        ({"at": datetime.min}, "at: "),  # noqa: DTZ901 - as somebody may send it
        ({"kwh": Decimal("-0.001")}, "kwh: give what the meter shows"),
        ({"kwh": Decimal("NaN")}, "kwh: give what the meter shows"),
        ({"kwh": Decimal("Infinity")}, "kwh: give what the meter shows"),
        ({"kwh": Decimal("1e9")}, "kwh: at most nine digits"),
        ({"kwh": Decimal("1e999999")}, "kwh: at most nine digits"),
        ({"kwh": Decimal("1.2345")}, "kwh: at most nine digits and three decimals"),
    ],
)
async def test_what_cannot_be_is_refused_and_named(store: SqlStore, change: dict[str, Any], says: str) -> None:
    good = UtilityReading("r1", "all", utc("2026-11-10T10:00:00"), Decimal("1.234"), "the clerk", NOW)
    with pytest.raises(InvalidError, match=says):
        await store.write(lambda tx: add_reading(tx, "glasau", replace(good, **change), NOW))
    assert await store.read(lambda tx: readings_of(tx, "glasau")) == []
    await store.write(lambda tx: add_reading(tx, "glasau", good, NOW))


async def test_a_moment_without_an_offset_is_local_time(store: SqlStore) -> None:
    at = datetime(2026, 7, 1, 10)  # noqa: DTZ001 - as somebody may send it
    reading = UtilityReading("r1", "all", at, Decimal(5), "the clerk", NOW)
    kept = await store.write(lambda tx: add_reading(tx, "glasau", reading, NOW))
    assert kept.at == utc("2026-07-01T08:00:00")
    assert await store.read(lambda tx: readings_of(tx, "glasau")) == [kept]


async def test_a_meter_only_goes_up_and_the_neighbour_is_named(store: SqlStore) -> None:
    await enter(store, "2026-11-10T10:00:00", "100")
    await enter(store, "2026-11-20T10:00:00", "200")
    with pytest.raises(InvalidError, match=r"99 is less than the earlier reading of 2026-11-10 11:00, 100 kWh"):
        await enter(store, "2026-11-15T10:00:00", "99")
    with pytest.raises(InvalidError, match=r"201 is more than the later reading of 2026-11-20 11:00, 200 kWh"):
        await enter(store, "2026-11-15T10:00:00", "201")
    with pytest.raises(ConflictError, match="2026-11-20 11:00 already"):
        await enter(store, "2026-11-20T10:00:00", "200", id="again")
    await enter(store, "2026-11-15T10:00:00", "100")  # it may stand still


async def test_a_withdrawn_reading_counts_no_more_and_stays_on_record(store: SqlStore) -> None:
    wrong = await enter(store, "2026-11-10T10:00:00", "1000")
    await store.write(lambda tx: withdraw_reading(tx, "glasau", wrong.id, "the clerk", NOW))
    await enter(store, "2026-11-10T10:00:00", "100", id="right")
    await enter(store, "2026-11-20T10:00:00", "200")
    assert len(await store.read(lambda tx: readings_of(tx, "glasau"))) == 3
    (stretch,) = await compared(store)
    assert stretch.utility_kwh == 100
    with pytest.raises(ConflictError, match="the clerk withdrew"):
        await store.write(lambda tx: withdraw_reading(tx, "glasau", wrong.id, "another", NOW))
    with pytest.raises(UnknownError):
        await store.write(lambda tx: withdraw_reading(tx, "glasau", "none", "another", NOW))


async def test_each_stretch_stands_beside_what_was_booked_behind_its_point(store: SqlStore) -> None:
    await with_points(store)
    await book(
        store,
        used(ONE, "2026-11-10T20:00:00", 900_000),
        used(ONE, "2026-11-11T20:00:00", 90_000, quality=Quality.COMPUTED),
        used(TWO, "2026-11-10T20:00:00", 5_000_000),
        used(ONE, "2026-11-25T20:00:00", 777),
    )
    for at, west, east in (("2026-11-10T10:00:00", "10", "7"), ("2026-11-20T10:00:00", "11", "12.1")):
        await enter(store, at, west, "west")
        await enter(store, at, east, "east")
    of_west, of_east = await compared(store)
    assert (of_west.point.id, of_west.utility_kwh, of_west.ledger_kwh) == ("west", Decimal(1), Decimal("0.99"))
    assert (of_west.deviation_kwh, of_west.deviation_percent, of_west.warning) == (
        Decimal("-0.01"),
        Decimal(-1),
        False,
    )
    assert of_west.quality == {Quality.MEASURED: 900_000, Quality.COMPUTED: 90_000}
    assert (of_east.point.id, of_east.utility_kwh, of_east.ledger_kwh) == ("east", Decimal("5.1"), Decimal(5))
    with pytest.raises(InvalidError, match="there is west, east"):
        await enter(store, "2026-11-10T10:00:00", "1", "all")


@pytest.mark.parametrize(
    ("mwh", "warning"), [(1_020_000, False), (1_020_001, True), (980_000, False), (979_999, True), (1_000_000, False)]
)
async def test_it_warns_above_two_percent(store: SqlStore, mwh: int, *, warning: bool) -> None:
    await book(store, used(ONE, "2026-11-10T20:00:00", mwh))
    await enter(store, "2026-11-10T10:00:00", "0")
    await enter(store, "2026-11-20T10:00:00", "1")
    (stretch,) = await compared(store)
    assert stretch.warning == warning


async def test_a_meter_that_stood_still_beside_booked_energy_is_a_warning(store: SqlStore) -> None:
    await enter(store, "2026-11-10T10:00:00", "5")
    await enter(store, "2026-11-20T10:00:00", "5")
    (stretch,) = await compared(store)
    assert (stretch.deviation_percent, stretch.warning) == (None, False)
    await book(store, used(ONE, "2026-11-10T20:00:00", 1))
    (stretch,) = await compared(store)
    assert (stretch.deviation_percent, stretch.warning) == (None, True)


@pytest.mark.parametrize("points", [False, True])
async def test_a_night_over_an_edge_counts_by_share_of_its_time_and_nothing_is_lost_between_stretches(
    store: SqlStore, *, points: bool
) -> None:
    if points:
        await with_points(store)
    point = "west" if points else "all"
    await book(store, used(ONE, "2026-11-10T20:00:00", 1_000_001), used(ONE, "2026-11-12T20:00:00", 10))
    for at in ("2026-11-10T10:00:00", "2026-11-10T20:15:00", "2026-11-10T20:16:00", "2026-11-20T10:00:00"):
        await enter(store, at, "1", point, id=f"at-{at[11:13]}-{at[14:16]}-{at[8:10]}")
    stretches = await compared(store)
    assert [stretch.ledger_kwh for stretch in stretches] == [
        Decimal("0.385417"),
        Decimal("0.000694"),
        Decimal("0.613900"),
    ]
    assert sum(stretch.ledger_kwh or 0 for stretch in stretches) == Decimal("1.000011")


@pytest.mark.parametrize("points", [False, True])
@pytest.mark.parametrize(("evening", "hours"), [("2026-11-10", 24), ("2026-10-24", 25)])
async def test_close_readings_never_tell_when_somebody_pressed(
    store: SqlStore, evening: str, hours: int, *, points: bool
) -> None:
    if points:
        await with_points(store)
    begins, minute = utc(f"{evening}T10:00:00") + timedelta(hours=25 - hours), timedelta(minutes=1)

    def from_on(after: int, until: int, cause: Cause, mwh: int) -> Entry:
        start = (begins + after * minute).isoformat()[:19]
        quality = Quality.COMPUTED if cause is Cause.SAFETY else Quality.MEASURED
        return used(ONE, start, mwh, until - after, cause, quality)

    per_minute, rest = 120, hours * 60 * 120 - 40_000
    await book(  # the plan is lit up to a press and after it; standby pauses while it runs, and so with a button
        store,
        from_on(610, 660, Cause.SCHEDULE, rest - 30_000),
        from_on(675, 680, Cause.SCHEDULE, 30_000),
        from_on(660, 675, Cause.PRESS, 25_000),
        from_on(705, 710, Cause.LOCAL, 15_000),
        from_on(540, 600, Cause.SAFETY, hours * 60 * per_minute - 5_000),
        from_on(680, 705, Cause.SAFETY, 5_000),
    )
    read = [0, 540, 600, 659, 660, 661, 674, 675, 676, 680, 704, 705, 706, 709, 710, 711, hours * 60]
    for after in read:
        at = (begins + after * minute).isoformat()[:19]
        await enter(store, at, "1", "west" if points else "all", id=f"r-{after}")
    passed = [end - start for start, end in itertools.pairwise(read)]
    assert [stretch.quality for stretch in await compared(store)] == [
        {Quality.MEASURED: per_minute * minutes, Quality.COMPUTED: per_minute * minutes} for minutes in passed
    ]


async def test_the_night_of_the_last_reading_must_be_over(store: SqlStore) -> None:
    await enter(store, "2026-12-08T10:00:00", "1")
    await enter(store, "2026-12-10T11:20:00", "2")
    (stretch,) = await compared(store)
    assert (stretch.unknown, stretch.ledger_kwh, stretch.warning) == ("not_over", None, False)
    (stretch,) = await compared(store, now=utc("2026-12-11T11:00:00"))
    assert stretch.unknown is None
    assert stretch.ledger_kwh == 0


async def test_a_stretch_whose_entries_are_gone_says_so(store: SqlStore) -> None:
    await book(store, used(ONE, "2026-11-10T20:00:00", 1_000_000))
    for at, kwh in (("2026-11-01T10:00:00", "1"), ("2026-11-10T10:00:00", "2"), ("2026-11-20T10:00:00", "3")):
        await enter(store, at, kwh)
    state = LedgerState(None, utc("2026-11-05T23:00:00"))
    await store.write(lambda tx: tx.set_ledger_state("glasau", state))
    gone, kept = await compared(store)
    assert (gone.unknown, gone.ledger_kwh, gone.deviation_kwh, gone.warning) == ("forgotten", None, None, False)
    assert kept.unknown is None
    assert kept.ledger_kwh == 1
    assert await compared(store, start=utc("2026-11-10T10:00:00"), end=utc("2026-11-12T00:00:00")) == [kept]
