"""Exceptions come and go by name, and what was in force stays true."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from service.domain.curve import Curve
from service.domain.inventory import ZoneKey
from service.domain.policy import LightException
from service.domain.schedule import Anchor, Moment, QuietCap, Step, Window
from service.domain.words import Cause, RingSign
from service.errors import ConflictError, InvalidError, UnknownError
from service.store import SqlStore
from service.usecases.exceptions import add_exception, exceptions_of, withdraw_exception
from service.wire.codec import write_plan
from tests.unit.villages import SUNRISE, SUNSET, luetjenholm, utc
from tests.usecases.acting import Village
from tests.usecases.conftest import NIGHT
from tests.usecases.test_policies import enacted, wanted

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
    record = await village.store.write(lambda tx: add_exception(tx, DORF, FESTIVAL, "the clerk", entered))
    second, hour = timedelta(seconds=1), timedelta(hours=1)
    assert await level(village, entered - second) == (0, Cause.SCHEDULE)
    assert await level(village, entered) == (100, Cause.EXCEPTION)
    assert await level(village, entered + timedelta(days=1)) == (100, Cause.EXCEPTION)
    village.later(hours=1)
    gone = await village.store.write(
        lambda tx: withdraw_exception(tx, DORF, record.exception.id, "the mayor", village.now)
    )
    assert (gone.entered_by, gone.withdrawn_by, gone.exception.until) == ("the clerk", "the mayor", village.now)
    assert await level(village, entered + hour - second) == (100, Cause.EXCEPTION), "the past stays what it was"
    assert await level(village, entered + hour) == (0, Cause.SCHEDULE)
    assert await level(village, entered + timedelta(days=1)) == (0, Cause.SCHEDULE)
    assert await village.store.read(lambda tx: exceptions_of(tx, DORF)) == [gone]


async def test_it_is_in_the_controllers_plan_at_once_and_out_of_it_again(village: Village) -> None:
    await village.conduct()
    record = await village.store.write(lambda tx: add_exception(tx, DORF, FESTIVAL, "the clerk", village.now))
    (plan,) = (await village.conduct()).plans
    now = [step for step in plan.plan.outputs[1].steps if step.at <= village.now][-1]
    assert (now.at, now.level, now.cause) == (village.now, 100, Cause.EXCEPTION)
    assert plan.plan.outputs[1].rule[1].level == 0, "the rule for later nights is the ordinary night's"
    await village.store.write(lambda tx: withdraw_exception(tx, DORF, record.exception.id, "the mayor", village.now))
    (plan,) = (await village.conduct()).plans
    assert {step.cause for step in plan.plan.outputs[1].steps} == {Cause.SCHEDULE}


async def test_the_inn_until_one_leaves_the_rest_of_the_night_to_the_schedule(village: Village) -> None:
    inn = replace(FESTIVAL, steps=(Step(Anchor.CLOCK, 100, time(0, 30)),), end=Moment(Anchor.CLOCK, time(1)))
    await village.store.write(lambda tx: add_exception(tx, DORF, inn, "the clerk", village.now))
    tomorrow = timedelta(days=1)
    assert await level(village, utc("2026-11-21T22:00:00") + tomorrow) == (100, Cause.SCHEDULE)
    assert await level(village, utc("2026-11-21T23:45:00") + tomorrow) == (100, Cause.EXCEPTION)
    assert await level(village, utc("2026-11-22T00:15:00") + tomorrow) == (0, Cause.SCHEDULE)


async def test_nights_that_are_over_take_no_exception(village: Village) -> None:
    late = replace(FESTIVAL, first=TONIGHT - timedelta(days=1))
    with pytest.raises(InvalidError, match="first"):
        await village.store.write(lambda tx: add_exception(tx, DORF, late, "the clerk", village.now))
    assert await village.store.read(lambda tx: exceptions_of(tx, DORF)) == []


async def test_what_is_not_there_or_gone_already_cannot_be_withdrawn(village: Village) -> None:
    with pytest.raises(UnknownError, match="exception-x"):
        await village.store.write(lambda tx: withdraw_exception(tx, DORF, "exception-x", "a stranger", village.now))
    record = await village.store.write(lambda tx: add_exception(tx, DORF, FESTIVAL, "the clerk", village.now))
    name = record.exception.id
    await village.store.write(lambda tx: withdraw_exception(tx, DORF, name, "the mayor", village.now))
    with pytest.raises(ConflictError, match="Dorffest"):
        await village.store.write(lambda tx: withdraw_exception(tx, DORF, name, "a stranger", village.now))
    (kept,) = await village.store.read(lambda tx: exceptions_of(tx, DORF))
    assert kept.withdrawn_by == "the mayor"


async def test_where_an_exception_lights_the_street_a_press_is_of_no_use(village: Village) -> None:
    await village.store.write(lambda tx: add_exception(tx, DORF, FESTIVAL, "the clerk", village.now))
    assert (await village.press("dorf"))["reason"] == "already_lit"


FAIR = replace(FESTIVAL, first=TONIGHT + timedelta(days=1))


async def entered(village: Village, exception: LightException, key: ZoneKey = DORF) -> None:
    await village.store.write(lambda tx: add_exception(tx, key, exception, "the clerk", village.now))


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (replace(FAIR, last=date(2027, 12, 31)), "at most 100 nights"),
        (
            replace(FAIR, steps=(Step(Anchor.CLOCK, 100, time(12, 30)),), end=Moment(Anchor.CLOCK, time(15, 30))),
            "by day",
        ),
        (replace(FAIR, first=TONIGHT, last=TONIGHT, end=Moment(Anchor.CLOCK, time(1))), "over by now"),
    ],
)
async def test_an_exception_that_makes_no_sense_is_refused(village: Village, bad: LightException, says: str) -> None:
    with pytest.raises(InvalidError, match=says):
        await entered(village, bad)
    assert await village.store.read(lambda tx: exceptions_of(tx, DORF)) == []


async def test_an_exception_darkens_no_lamp_without_its_ring(store: SqlStore, village: Village) -> None:
    home = luetjenholm()
    bare = (replace(home.lamps[0], ring=RingSign.NO), *home.lamps[1:])
    await store.write(lambda tx: tx.save_inventory(replace(home, lamps=bare), village.now))
    with pytest.raises(ConflictError, match="red ring"):
        await entered(village, replace(FAIR, steps=(Step(Anchor.CLOCK, 0, time(20)),)))
    await entered(village, FAIR)  # light harms nobody


async def test_an_exception_that_quiet_hours_keep_dark_is_refused(village: Village) -> None:
    night_long = (QuietCap(30, Window(Moment(Anchor.SUNSET, offset_min=-30), Moment(Anchor.SUNRISE, offset_min=30))),)
    await enacted(village, DORF, wanted(quiet=night_long))
    with pytest.raises(ConflictError, match="quiet hours"):
        await entered(village, FAIR)


async def test_of_exceptions_with_the_same_first_night_the_later_entered_rules(village: Village) -> None:
    for n, name in enumerate(("first", "second", "third")):
        steps = (Step(SUNSET, 0 if n % 2 else 100), Step(SUNRISE, 0))
        await entered(village, replace(FAIR, name=name, steps=steps))
        village.later(seconds=1)
        zone = await village.store.read(lambda tx: tx.zone(DORF))
        assert zone is not None
        assert zone.rulebook.exceptions_on(FAIR.first)[-1].name == name


async def test_a_plan_always_fits_into_its_message(store: SqlStore) -> None:
    """Exceptions of twenty steps, one after another in one night: the one too many is refused, and says so."""
    village, lamps = Village(store, "glasau", NIGHT), ZoneKey("glasau", "dorfstrasse")
    begin = datetime(2026, 11, 22, 18)  # noqa: DTZ001 - local

    async def fill() -> None:
        for n in range(40):
            at = [(begin + timedelta(minutes=20 * n + i)).time() for i in range(20)]
            steps = tuple(Step(Anchor.CLOCK, 20 + i, moment) for i, moment in enumerate(at))
            await entered(village, replace(FAIR, steps=steps, end=Moment(Anchor.CLOCK, at[-1], 1)), lamps)

    with pytest.raises(ConflictError, match="more steps than a controller takes"):
        await fill()
    most = 0
    for _ in range(3):
        plans = (await village.conduct()).plans
        most = max(most, *(len(output.steps) for plan in plans for output in plan.plan.outputs.values()))
        assert max(len(write_plan(1, village.now, plan.plan)) for plan in plans) <= 32 * 1024
        village.later(days=1)
    assert 200 <= most <= 250
