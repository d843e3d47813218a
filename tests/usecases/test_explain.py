"""Explain: what ruled at a moment, and never who pressed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from service.domain.inventory import ZoneKey
from service.domain.policy import LightException
from service.domain.schedule import Step
from service.domain.words import Cause, PressedState
from service.errors import InvalidError
from service.store import SqlStore
from service.usecases.exceptions import add_exception
from service.usecases.explain import Explanation, Link, explain
from tests.unit.villages import SUNRISE, SUNSET, clock, utc
from tests.usecases.acting import Village
from tests.usecases.conftest import NIGHT
from tests.usecases.test_policies import DORF, PASSED, STREET, enacted, wanted

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
EARLIER_TONIGHT = utc("2026-11-21T22:00:00")


async def told(
    village: Village, at: datetime | None = None, key: ZoneKey = DORF, forgotten_before: datetime = LONG_AGO
) -> Explanation:
    return await village.store.read(lambda tx: explain(tx, key, at, village.now, forgotten_before))


async def test_the_past_is_told_by_what_was_in_force_then(village: Village) -> None:
    await enacted(village, DORF, wanted())
    found = await told(village, EARLIER_TONIGHT)
    assert (found.policy.version, found.policy.resolution, found.night.date) == (1, None, date(2026, 11, 21))
    assert (found.chain, found.level) == ((Link(Cause.SCHEDULE, 100, 1),), 100)
    assert found.step == Step(SUNSET, 100)
    later = await told(village, EARLIER_TONIGHT + timedelta(days=1, minutes=-30))
    assert (later.policy.version, later.policy.resolution, later.level) == (2, PASSED, 100)  # a relay knows no 50
    assert not later.present


async def test_a_moment_without_an_offset_is_local_time(village: Village) -> None:
    found = await told(village, datetime(2026, 11, 21, 23, 0))  # noqa: DTZ001 - local on purpose
    assert found.at == EARLIER_TONIGHT
    with pytest.raises(InvalidError, match="at"):
        await told(village, datetime(1, 1, 1))  # noqa: DTZ001


async def test_an_exception_stands_above_the_schedule_and_is_named(village: Village) -> None:
    festival = LightException(
        "new", "Dorffest", date(2026, 11, 21), date(2026, 11, 21), (Step(SUNSET, 80), Step(SUNRISE, 0))
    )
    record = await village.store.write(lambda tx: add_exception(tx, DORF, festival, "the clerk", village.now))
    found = await told(village, village.now + timedelta(minutes=1))
    assert found.exception == record.exception
    assert found.chain == (Link(Cause.EXCEPTION, 100, 1), Link(Cause.SCHEDULE, 0, 0)), "what it outranks stands below"
    assert (found.exception_step, found.step) == (Step(SUNSET, 80), clock(0, 30, 0))
    assert (await told(village, village.now - timedelta(seconds=1))).exception is None


async def test_safety_outputs_have_a_reason_of_their_own(store: SqlStore) -> None:
    found = await told(Village(store, "leck", NIGHT), NIGHT, ZoneKey("leck", "kreuzung"))
    assert found.chain == (Link(Cause.SAFETY, 100, 1),)


async def test_the_present_names_what_orders_and_reports_say(village: Village) -> None:
    await village.conduct()
    await village.press("dorf")
    (order,) = (await village.conduct("dorf")).orders
    found = await told(village)
    assert found.chain == (Link(Cause.PRESS, 100, 1), Link(Cause.SCHEDULE, 0, 0))
    assert (found.present, found.level, found.reported) == (True, 100, ())
    lit = village.report("cabinet-1", {1: 100}, cause=Cause.PRESS, desired_n=order.desired_n)
    await village.say(village.status("cabinet-1"), lit)
    assert (await told(village)).reported == (Link(Cause.PRESS, 100, 1),)


async def test_past_presses_are_a_sum_after_noon_and_then_forgotten(village: Village) -> None:
    pressed_at = village.now
    await village.press("dorf")
    village.later(minutes=5)
    await village.press("dorf")
    for at in (None, pressed_at, pressed_at + timedelta(minutes=1)):
        assert (await told(village, at)).pressed.state is PressedState.NOT_YET
    assert Cause.PRESS not in {link.cause for link in (await told(village, pressed_at)).chain}
    village.now = utc("2026-11-22T11:00:00")
    found = await told(village, pressed_at)
    assert (found.pressed.state, found.pressed.minutes) == (PressedState.TOLD, 17)
    assert Cause.PRESS not in {link.cause for link in found.chain}
    before = await told(village, pressed_at - timedelta(days=1))
    assert before.pressed.state is PressedState.NOT_RECORDED, "the zone was not known yet"
    forgotten = await told(village, pressed_at, forgotten_before=pressed_at)
    assert (forgotten.pressed.state, forgotten.pressed.minutes) == (PressedState.FORGOTTEN, None)


async def test_light_from_a_press_elsewhere_counts_where_it_fell(store: SqlStore) -> None:
    village = Village(store, "leck", NIGHT)
    await village.press("hauptstrasse")
    village.now = utc("2026-11-22T11:00:00")
    assert (await told(village, NIGHT, ZoneKey("leck", "kreuzung"))).pressed.minutes == 10
    assert (await told(village, NIGHT, STREET)).pressed.minutes == 10
