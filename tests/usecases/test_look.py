"""Look: what is shown is what was confirmed."""

import itertools
from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

import pytest

from service.domain.inventory import ZoneKey
from service.domain.policy import Limits
from service.domain.press import Granted, Refused
from service.domain.schedule import Anchor, Moment, QuietCap, Window
from service.domain.words import Basis, Cause, LightState, Reason
from service.errors import UnknownError
from service.store import SqlStore
from service.usecases.look import look_at_lease, look_at_plan, look_at_zones
from tests.unit.villages import utc
from tests.usecases.acting import Village
from tests.usecases.test_policies import DORF, LAMP_STREET, enacted, wanted

NIGHT = utc("2026-11-22T00:12:00")


async def test_nothing_is_known_before_a_message(village: Village) -> None:
    view = await village.look("dorf")
    light = view.light
    assert (light.state, light.level, light.confirmed_at, light.lamps_lit) == (LightState.UNKNOWN, None, None, None)
    assert (light.lamps_total, light.lamps_unknown, light.basis) == (32, 32, Basis.METER)
    assert isinstance(view.press, Granted)


async def test_a_press_costs_what_its_lamps_burn(village: Village) -> None:
    view = await village.look("dorf")
    assert (view.cost.wh, view.cost.money, view.cost.currency) == (160, Decimal("0.05"), "EUR")


async def test_a_circuits_lamps_are_estimated_by_its_meter(village: Village) -> None:
    await village.say(village.report("cabinet-1", {1: 100}, wh=1, watts=752))
    light = (await village.look("dorf")).light
    assert (light.state, light.lamps_lit, light.lamps_total, light.basis) == (LightState.LIT, 30, 32, Basis.METER)


async def test_luminaires_are_counted_by_their_reports(store: SqlStore) -> None:
    village = Village(store, "glasau", NIGHT)
    lamps = [f"lamp-{n}" for n in range(32, 60)]
    await village.say(*(village.report(lamp, {1: 100 if lamp < "lamp-40" else 0}) for lamp in lamps))
    light = (await village.look("kirchweg")).light
    assert (light.state, light.lamps_lit, light.lamps_total) == (LightState.PARTLY, 8, 28)


async def test_the_next_change_is_the_schedules(village: Village) -> None:
    assert (await village.look("dorf")).next_change == (utc("2026-11-22T04:30:00"), 100)


async def test_a_view_says_when_time_alone_changes_it(village: Village) -> None:
    village.now = utc("2026-11-21T23:10:00")
    view = await village.look("dorf")
    assert isinstance(view.press, Refused)
    assert view.press.reason is Reason.ALREADY_LIT
    assert view.look_again == view.press.retry_at == utc("2026-11-21T23:18:01")


async def test_until_is_what_the_lamps_acknowledged_and_not_what_was_only_ordered(village: Village) -> None:
    await village.conduct()
    await village.say(village.report("cabinet-1", {1: 0}))
    await village.press("dorf")
    await village.conduct("dorf")
    await village.say(village.report("cabinet-1", {1: 100}, desired_n=2, cause=Cause.PRESS))
    village.later(minutes=3)
    await village.press("dorf")
    await village.conduct("dorf")
    light = (await village.look("dorf")).light
    assert (light.state, light.until) == (LightState.LIT, NIGHT + timedelta(minutes=12))
    await village.say(village.report("cabinet-1", {1: 100}, desired_n=3, cause=Cause.PRESS))
    assert (await village.look("dorf")).light.until == NIGHT + timedelta(minutes=15)


async def test_unlisted_zones_are_seen_only_by_name(store: SqlStore) -> None:
    village = Village(store, "leck", NIGHT)
    listed = await store.read(lambda tx: look_at_zones(tx, "leck", None, NIGHT, 1.0, True))
    assert [view.zone.key.zone for view in listed] == ["hauptstrasse"]
    assert (await village.look("kreuzung")).zone.name == "Kreuzung"


async def test_the_public_plan_begins_now(village: Village) -> None:
    plan = await village.store.read(lambda tx: look_at_plan(tx, ZoneKey("luetjenholm", "dorf"), NIGHT))
    assert plan[0].start == NIGHT
    assert plan[-1].end - NIGHT > timedelta(days=7)
    assert all(a.end == b.start for a, b in itertools.pairwise(plan))


async def test_a_lease_of_another_municipality_is_unknown(village: Village) -> None:
    granted = await village.press("dorf")
    await village.store.read(lambda tx: look_at_lease(tx, "luetjenholm", granted["lease"]))
    with pytest.raises(UnknownError):
        await village.store.read(lambda tx: look_at_lease(tx, "glasau", granted["lease"]))


async def test_an_unknown_municipality_is_named(village: Village) -> None:
    with pytest.raises(UnknownError, match="atlantis"):
        await village.store.read(lambda tx: look_at_zones(tx, "atlantis", None, NIGHT, 1.0, True))


async def test_the_button_promises_what_a_press_would_truly_buy(village: Village) -> None:
    """Of 20 minutes a night 8 are left for open web presses, at the cap of the quiet hours."""
    limits = Limits(zone_minutes=20, reserve_percent=0)
    press = replace(wanted().press, minutes=12, limits=limits)
    await enacted(village, DORF, wanted(press=press))
    village.later(days=1)
    view = await village.look("dorf")
    assert (view.minutes, view.cost.wh) == (12, 160)
    await village.press("dorf")
    village.later(minutes=30)
    view = await village.look("dorf")
    assert (view.minutes, view.cost.wh) == (8, 107)
    assert view.cost.money == Decimal("0.03")


async def test_under_a_quiet_cap_a_press_costs_less(store: SqlStore) -> None:
    village = Village(store, "glasau", NIGHT)
    quiet = (QuietCap(30, Window(Moment(Anchor.CLOCK, time(22)), Moment(Anchor.CLOCK, time(6)))),)
    before = await village.look("dorfstrasse")
    await enacted(village, LAMP_STREET, wanted(quiet=quiet))
    village.later(days=1)
    after = await village.look("dorfstrasse")
    assert (before.minutes, after.minutes) == (15, 15)
    assert after.cost.wh == round(before.cost.wh * 0.3)
