"""Exceptions come and go by name, and what was in force stays true."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from service.domain.curve import Curve
from service.domain.inventory import ZoneKey
from service.domain.policy import LightException
from service.domain.schedule import Anchor, Moment, Step
from service.domain.words import Cause
from service.errors import ConflictError, InvalidError, UnknownError
from service.usecases.exceptions import add_exception, exceptions_of, withdraw_exception
from tests.unit.villages import SUNRISE, SUNSET, utc
from tests.usecases.acting import Village

DORF = ZoneKey("luetjenholm", "dorf")
TONIGHT = date(2026, 11, 21)
FESTIVAL = LightException(
    "new", "Dorffest", TONIGHT, TONIGHT + timedelta(days=1), (Step(SUNSET, 100), Step(SUNRISE, 0))
)


async def level(village: Village, at: datetime) -> tuple[int, Cause]:
    """What the plan of the village's one output gives."""
    zone = await village.store.read(lambda tx: tx.zone(DORF))
    home = await village.store.read(lambda tx: tx.municipality("luetjenholm"))
    assert zone is not None
    assert home is not None
    found = Curve(zone.rulebook, home.place).at(at)
    return found.level, found.cause


async def test_an_exception_holds_from_when_it_was_entered_to_when_it_was_withdrawn(village: Village) -> None:
    entered = village.now
    record = await village.store.write(lambda tx: add_exception(tx, DORF, FESTIVAL, "Frau Petersen", entered))
    second, hour = timedelta(seconds=1), timedelta(hours=1)
    assert await level(village, entered - second) == (0, Cause.SCHEDULE)
    assert await level(village, entered) == (100, Cause.EXCEPTION)
    assert await level(village, entered + timedelta(days=1)) == (100, Cause.EXCEPTION)
    village.later(hours=1)
    gone = await village.store.write(
        lambda tx: withdraw_exception(tx, DORF, record.exception.id, "Herr Jensen", village.now)
    )
    assert (gone.entered_by, gone.withdrawn_by, gone.exception.until) == ("Frau Petersen", "Herr Jensen", village.now)
    assert await level(village, entered + hour - second) == (100, Cause.EXCEPTION), "the past stays what it was"
    assert await level(village, entered + hour) == (0, Cause.SCHEDULE)
    assert await level(village, entered + timedelta(days=1)) == (0, Cause.SCHEDULE)
    assert await village.store.read(lambda tx: exceptions_of(tx, DORF)) == [gone]


async def test_it_is_in_the_controllers_plan_at_once_and_out_of_it_again(village: Village) -> None:
    await village.conduct()
    record = await village.store.write(lambda tx: add_exception(tx, DORF, FESTIVAL, "Frau Petersen", village.now))
    (plan,) = (await village.conduct()).plans
    now = [step for step in plan.plan.outputs[1].steps if step.at <= village.now][-1]
    assert (now.at, now.level, now.cause) == (village.now, 100, Cause.EXCEPTION)
    assert plan.plan.outputs[1].rule[1].level == 0, "the rule for later nights is the ordinary night's"
    await village.store.write(lambda tx: withdraw_exception(tx, DORF, record.exception.id, "Herr Jensen", village.now))
    (plan,) = (await village.conduct()).plans
    assert {step.cause for step in plan.plan.outputs[1].steps} == {Cause.SCHEDULE}


async def test_the_inn_until_one_leaves_the_rest_of_the_night_to_the_schedule(village: Village) -> None:
    inn = replace(FESTIVAL, steps=(Step(Anchor.CLOCK, 100, time(0, 30)),), end=Moment(Anchor.CLOCK, time(1)))
    await village.store.write(lambda tx: add_exception(tx, DORF, inn, "Frau Petersen", village.now))
    tomorrow = timedelta(days=1)
    assert await level(village, utc("2026-11-21T22:00:00") + tomorrow) == (100, Cause.SCHEDULE)
    assert await level(village, utc("2026-11-21T23:45:00") + tomorrow) == (100, Cause.EXCEPTION)
    assert await level(village, utc("2026-11-22T00:15:00") + tomorrow) == (0, Cause.SCHEDULE)


async def test_nights_that_are_over_take_no_exception(village: Village) -> None:
    late = replace(FESTIVAL, first=TONIGHT - timedelta(days=1))
    with pytest.raises(InvalidError, match="first"):
        await village.store.write(lambda tx: add_exception(tx, DORF, late, "Frau Petersen", village.now))
    assert await village.store.read(lambda tx: exceptions_of(tx, DORF)) == []


async def test_what_is_not_there_or_gone_already_cannot_be_withdrawn(village: Village) -> None:
    with pytest.raises(UnknownError, match="exception-x"):
        await village.store.write(lambda tx: withdraw_exception(tx, DORF, "exception-x", "Eve", village.now))
    record = await village.store.write(lambda tx: add_exception(tx, DORF, FESTIVAL, "Frau Petersen", village.now))
    name = record.exception.id
    await village.store.write(lambda tx: withdraw_exception(tx, DORF, name, "Herr Jensen", village.now))
    with pytest.raises(ConflictError, match="Dorffest"):
        await village.store.write(lambda tx: withdraw_exception(tx, DORF, name, "Eve", village.now))
    (kept,) = await village.store.read(lambda tx: exceptions_of(tx, DORF))
    assert kept.withdrawn_by == "Herr Jensen"


async def test_where_an_exception_lights_the_street_a_press_is_of_no_use(village: Village) -> None:
    await village.store.write(lambda tx: add_exception(tx, DORF, FESTIVAL, "Frau Petersen", village.now))
    assert (await village.press("dorf"))["reason"] == "already_lit"
