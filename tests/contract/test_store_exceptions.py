"""What every Store says of exceptions as the years go by: in which order they rank, and which are over."""

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone

import pytest

from service.domain.policy import LightException
from service.ports import ExceptionRecord, Tx
from service.store import SqlStore
from tests.contract.test_store_policies import FESTIVAL, INN, NOWHERE
from tests.support.leck import CROSSING, NOW, STREET, later

EVENING = NOW.date()
LONG_PAST = replace(INN, id="long past", first=date(2020, 1, 1), last=date(2020, 1, 31))
JUST_OVER = replace(INN, id="just over", first=date(2026, 11, 1), last=EVENING - timedelta(days=4))
PERHAPS = replace(JUST_OVER, id="perhaps", last=EVENING - timedelta(days=3))
GONE = replace(FESTIVAL, id="gone", since=later(days=-3), until=later(microseconds=-1))
GOING = replace(GONE, id="going", until=NOW)
TO_GO = replace(GONE, id="to go", until=later(days=1))
OVER, HOLDING = (LONG_PAST, JUST_OVER, GONE), (PERHAPS, INN, GOING, TO_GO, FESTIVAL)


def enter(tx: Tx) -> None:
    """Enter all for the street, and two for the crossing."""
    for exception in (*OVER, *HOLDING):
        withdrawn = None if exception.until is None else "Bert"
        tx.add_exception(STREET, ExceptionRecord(exception, "Anna", withdrawn))
    for exception in (LONG_PAST, FESTIVAL):
        tx.add_exception(CROSSING, ExceptionRecord(exception, "Anna"))


def of_zones(tx: Tx, since: datetime | None) -> list[tuple[LightException, ...]]:
    """The exceptions of the street and of the crossing, the same from both ways to them."""
    zones = tx.zones("leck", since=since)
    assert [tx.zone(STREET, since=since), tx.zone(CROSSING, since=since)] == zones
    return [zone.rulebook.exceptions for zone in zones]


async def test_what_was_over_before_is_left_out_and_nothing_else(village: SqlStore) -> None:
    await village.write(enter)
    assert await village.read(lambda tx: of_zones(tx, NOW)) == [HOLDING, (FESTIVAL,)]
    there = NOW.astimezone(timezone(timedelta(hours=14)))  # on the next day's date
    assert await village.read(lambda tx: of_zones(tx, there)) == [HOLDING, (FESTIVAL,)]


async def test_what_was_over_is_told_to_who_asks_for_the_past(village: SqlStore) -> None:
    await village.write(enter)
    [street, crossing] = await village.read(lambda tx: of_zones(tx, None))
    assert (set(street), set(crossing)) == ({*OVER, *HOLDING}, {LONG_PAST, FESTIVAL})
    assert await village.read(lambda tx: of_zones(tx, later(days=-10_000))) == [street, crossing]
    assert len(await village.read(lambda tx: tx.exceptions(STREET))) == len(street)


async def test_an_exception_withdrawn_now_is_left_out_from_then_on(village: SqlStore) -> None:
    await village.write(lambda tx: tx.add_exception(STREET, ExceptionRecord(FESTIVAL, "Anna")))
    await village.write(lambda tx: tx.withdraw_exception(STREET, "festival", "Bert", later(hours=1)))
    assert await village.read(lambda tx: of_zones(tx, later(hours=2))) == [(), ()]
    until = replace(FESTIVAL, until=later(hours=1))
    assert await village.read(lambda tx: of_zones(tx, later(hours=1))) == [(until,), ()]


async def test_rules_are_the_same_value_until_one_more_exception_is_over(village: SqlStore) -> None:
    await village.write(enter)
    first = await village.read(lambda tx: tx.zone(STREET, since=later(minutes=1)))
    second = await village.read(lambda tx: tx.zone(STREET, since=later(minutes=2)))
    assert first is not None
    assert second is not None
    assert first.rulebook is second.rulebook


async def test_a_zone_without_exceptions_and_one_that_does_not_exist_stay_what_they_are(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.zones("leck", since=NOW)) == await village.read(lambda tx: tx.zones("leck"))
    assert await village.read(lambda tx: tx.zone(NOWHERE, since=NOW)) is None


async def test_a_moment_without_its_zone_is_refused(village: SqlStore) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="without its time zone"):
        await village.read(lambda tx: tx.zones("leck", since=naive))
    with pytest.raises(ValueError, match="without its time zone"):
        await village.read(lambda tx: tx.zone(STREET, since=naive))


async def test_of_one_first_night_those_entered_later_come_later(village: SqlStore) -> None:
    entered = {"e": None, "d": later(hours=-1), "b": NOW, "c": NOW, "a": later(hours=1)}
    in_order = [replace(FESTIVAL, id=name, since=since) for name, since in entered.items()]
    later_night = replace(FESTIVAL, id="0", first=FESTIVAL.last, since=None)

    def work(tx: Tx) -> None:
        for exception in (later_night, *reversed(in_order)):
            tx.add_exception(STREET, ExceptionRecord(exception, "Anna"))

    await village.write(work)
    records = await village.read(lambda tx: tx.exceptions(STREET))
    assert [record.exception for record in records] == [*in_order, later_night]
    street = await village.read(lambda tx: tx.zone(STREET))
    assert street is not None
    assert street.rulebook.exceptions == (*in_order, later_night)
    assert street.rulebook.exceptions_on(FESTIVAL.last) == [*in_order, later_night]
