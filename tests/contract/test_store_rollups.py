"""What every Store keeps of the ledger beside entries: roll-ups, monthly burning times, readings, signatures."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from service.domain.inventory import OutputKey
from service.domain.words import Cause, Period, Quality
from service.errors import ConflictError, UnknownError
from service.ports import Burnt, EnergySum, LedgerState, SignedStatement, Tx, UtilityReading
from service.store import SqlStore
from tests.contract.test_store import moved
from tests.support.leck import CABINET, FIRST, NOW, SECOND, later, leck

HOUR = datetime(2026, 11, 21, 22, tzinfo=UTC)
BIG = 2**53
STREET, CROSSING = "hauptstrasse", "kreuzung"
MAY = date(2026, 5, 1)


def hours(n: int) -> datetime:
    """Hours after HOUR."""
    return HOUR + timedelta(hours=n)


def summed(hour: int, zone: str, energy: int, cause: Cause = Cause.PRESS) -> EnergySum:
    """A sum of an hour after HOUR."""
    return EnergySum(hours(hour), zone, cause, Quality.APPORTIONED, energy)


async def roll_hours(store: SqlStore, *sums: EnergySum) -> None:
    """Set the roll-ups of the hours that the sums name."""

    def work(tx: Tx) -> None:
        for start in sorted({one.start for one in sums}):
            tx.set_rolled("leck", Period.HOUR, start, [one for one in sums if one.start == start])

    await store.write(work)


async def rolled(store: SqlStore, period: Period, zone: str | None = None) -> list[EnergySum]:
    """All roll-ups of a kind."""
    return await store.read(lambda tx: tx.rolled("leck", period, hours(-99), hours(99), zone))


async def test_a_roll_up_is_replaced_whole(village: SqlStore) -> None:
    await roll_hours(village, summed(0, STREET, 1), summed(0, CROSSING, 2), summed(1, STREET, 3))
    await roll_hours(village, summed(0, STREET, BIG, Cause.SCHEDULE), summed(0, STREET, 5), summed(0, STREET, 6))
    assert await rolled(village, Period.HOUR) == [
        summed(0, STREET, 11),
        summed(0, STREET, BIG, Cause.SCHEDULE),
        summed(1, STREET, 3),
    ]
    await village.write(lambda tx: tx.set_rolled("leck", Period.HOUR, HOUR, []))
    assert await rolled(village, Period.HOUR) == [summed(1, STREET, 3)]


async def test_the_kinds_of_periods_and_the_municipalities_are_apart(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    for n, period in enumerate(Period):
        await village.write(lambda tx, n=n, period=period: tx.set_rolled("leck", period, HOUR, [summed(0, STREET, n)]))  # type: ignore[misc]
    await village.write(lambda tx: tx.set_rolled("glasau", Period.DAY, HOUR, [summed(0, STREET, 9)]))
    for n, period in enumerate(Period):
        assert await rolled(village, period) == [summed(0, STREET, n)]
    await village.write(lambda tx: tx.delete_rolled("leck", Period.DAY, hours(1)))
    assert await rolled(village, Period.DAY) == []
    assert len(await rolled(village, Period.NIGHT)) == 1
    there = await village.read(lambda tx: tx.rolled("glasau", Period.DAY, HOUR, hours(1)))
    assert there == [summed(0, STREET, 9)]
    assert await village.read(lambda tx: tx.rolled("nowhere", Period.DAY, HOUR, hours(1))) == []


async def test_roll_ups_are_read_by_zone_and_by_the_beginning_of_their_periods(village: SqlStore) -> None:
    sums = [summed(n, zone, n) for n in range(4) for zone in (STREET, CROSSING)]
    await roll_hours(village, *sums)
    assert await rolled(village, Period.HOUR, CROSSING) == sums[1::2]
    assert await rolled(village, Period.HOUR, "nowhere") == []
    assert await village.read(lambda tx: tx.rolled("leck", Period.HOUR, hours(1), hours(3))) == sums[2:6]
    await village.write(lambda tx: tx.delete_rolled("leck", Period.HOUR, hours(2)))
    assert await rolled(village, Period.HOUR) == sums[4:]


async def test_a_day_is_rolled_from_its_hours(village: SqlStore) -> None:
    plan = summed(2, STREET, 16, Cause.SCHEDULE)
    await roll_hours(
        village, summed(-1, STREET, 1), *(summed(n, STREET, BIG) for n in range(3)), plan, summed(3, STREET, 8)
    )
    for kind in (Period.DAY, Period.NIGHT):
        await village.write(lambda tx, kind=kind: tx.set_rolled("leck", kind, HOUR, [summed(0, CROSSING, 99)]))  # type: ignore[misc]
    for _ in range(2):
        await village.write(lambda tx: tx.roll("leck", Period.DAY, HOUR, hours(3)))
        assert await rolled(village, Period.DAY) == [
            summed(0, STREET, 3 * BIG),
            summed(0, STREET, 16, Cause.SCHEDULE),
        ]
    await village.write(lambda tx: tx.delete_rolled("leck", Period.HOUR, hours(99)))
    await village.write(lambda tx: tx.roll("leck", Period.DAY, HOUR, hours(3)))
    assert await rolled(village, Period.DAY) == []


async def test_a_roll_up_of_an_unknown_zone_is_refused_by_name(village: SqlStore) -> None:
    with pytest.raises(UnknownError, match="nowhere"):
        await roll_hours(village, summed(0, "nowhere", 1))


async def test_stale_hours_are_marked_once_and_cleared_by_name(village: SqlStore) -> None:
    await village.write(lambda tx: tx.mark_stale("leck", [hours(2), hours(0), hours(2)]))
    await village.write(lambda tx: tx.mark_stale("leck", [hours(1), hours(0)]))
    assert await village.read(lambda tx: tx.stale_hours("leck")) == [hours(0), hours(1), hours(2)]
    await village.write(lambda tx: tx.clear_stale("leck", [hours(0), hours(2), hours(9)]))
    assert await village.read(lambda tx: tx.stale_hours("leck")) == [hours(1)]
    assert await village.read(lambda tx: tx.stale_hours("nowhere")) == []
    with pytest.raises(UnknownError, match="nowhere"):
        await village.write(lambda tx: tx.mark_stale("nowhere", [HOUR]))


async def test_a_months_burning_times_are_replaced_for_some_outputs(village: SqlStore) -> None:
    first = [Burnt(FIRST, 50, timedelta(microseconds=1), 1), Burnt(FIRST, 100, timedelta(hours=333), BIG)]
    second = Burnt(SECOND, 100, timedelta(hours=1), 3)
    await village.write(lambda tx: tx.set_burnt_month(MAY, [FIRST, SECOND], [second, *first]))
    await village.write(lambda tx: tx.set_burnt_month(date(2026, 6, 1), [SECOND], [second]))
    assert await village.read(lambda tx: tx.burnt_month("leck", MAY)) == [*first, second]
    await village.write(lambda tx: tx.set_burnt_month(MAY, [FIRST], first[1:]))
    assert await village.read(lambda tx: tx.burnt_month("leck", MAY)) == [first[1], second]
    assert await village.read(lambda tx: tx.burnt_month("leck", date(2026, 6, 1))) == [second]
    assert await village.read(lambda tx: tx.burnt_month("nowhere", MAY)) == []
    with pytest.raises(UnknownError, match="cabinet-1/8"):
        await village.write(lambda tx: tx.set_burnt_month(MAY, [OutputKey(*CABINET, 8)], []))


async def test_how_far_forgetting_has_come_is_noted(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.ledger_state("leck")) == LedgerState()
    for state in (LedgerState(NOW), LedgerState(later(days=1), NOW), LedgerState()):
        await village.write(lambda tx, state=state: tx.set_ledger_state("leck", state))  # type: ignore[misc]
        assert await village.read(lambda tx: tx.ledger_state("leck")) == state
    assert await village.read(lambda tx: tx.ledger_state("nowhere")) == LedgerState()


READING = UtilityReading("r1", "all", NOW, Decimal("12345.60"), "the clerk", later(days=1), "seen – by lamplight")


async def test_readings_are_kept_and_withdrawn_once(village: SqlStore) -> None:
    second = UtilityReading("r2", "all", later(days=-1), Decimal(12000), "the clerk", later(days=1))
    other = UtilityReading("r0", "north", later(days=-9), Decimal(1), "the clerk", later(days=1))
    for one in (other, READING, second):
        await village.write(lambda tx, one=one: tx.add_reading("leck", one))  # type: ignore[misc]
    assert await village.read(lambda tx: tx.readings("leck")) == [second, READING, other]
    with pytest.raises(ConflictError, match="r1"):
        await village.write(lambda tx: tx.add_reading("leck", replace(READING, kwh=Decimal(1))))
    by, at = "the treasurer", later(days=2)
    assert await village.write(lambda tx: tx.withdraw_reading("leck", "r1", by, at))
    assert not await village.write(lambda tx: tx.withdraw_reading("leck", "r1", "another", later(days=3)))
    assert not await village.write(lambda tx: tx.withdraw_reading("leck", "r9", by, at))
    gone = replace(READING, withdrawn_by=by, withdrawn_at=at)
    assert await village.read(lambda tx: tx.readings("leck")) == [second, gone, other]
    assert str((await village.read(lambda tx: tx.readings("leck")))[1].kwh) == "12345.60"
    assert await village.read(lambda tx: tx.readings("nowhere")) == []


async def test_a_month_is_signed_once(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    statement = SignedStatement(MAY, "the mayor", NOW, '{"lamps": "Straße"}')
    assert await village.read(lambda tx: tx.signed("leck", MAY)) is None
    await village.write(lambda tx: tx.sign("leck", statement))
    with pytest.raises(ConflictError, match="2026-05"):
        await village.write(lambda tx: tx.sign("leck", replace(statement, signed_by="another")))
    assert await village.read(lambda tx: tx.signed("leck", MAY)) == statement
    assert await village.read(lambda tx: tx.signed("leck", date(2026, 6, 1))) is None
    assert await village.read(lambda tx: tx.signed("glasau", MAY)) is None
    with pytest.raises(UnknownError, match="nowhere"):
        await village.write(lambda tx: tx.sign("nowhere", statement))
