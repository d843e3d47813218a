"""Conduct: orders and plans are derived from what is stored, never commanded."""

from datetime import timedelta

from service.domain.inventory import ZoneKey
from service.domain.schedule import Anchor, Moment, QuietCap, Window
from service.domain.words import Cause, LeaseState
from service.store import SqlStore
from service.usecases.conduct import next_noon
from tests.unit.villages import utc
from tests.usecases.acting import Village
from tests.usecases.test_policies import enacted, wanted

NIGHT = utc("2026-11-22T00:12:00")


async def test_the_first_time_every_controller_gets_an_empty_order_and_a_plan(village: Village) -> None:
    done = await village.conduct()
    assert [(order.desired_n, dict(order.orders)) for order in done.orders] == [(1, {})]
    (plan,) = done.plans
    assert plan.plan_n == 1
    levels = [(at, level) for at, level, *_ in plan.plan.outputs[1].steps if NIGHT <= at < NIGHT + timedelta(hours=8)]
    assert levels[0] == (utc("2026-11-22T04:30:00"), 100)


async def test_planning_twice_changes_nothing(village: Village) -> None:
    await village.conduct()
    await village.press("dorf")
    await village.conduct("dorf")
    village.later(minutes=3)
    again = await village.conduct()
    assert (again.orders, again.plans) == ((), ())


async def test_a_press_becomes_an_order_with_the_next_counter(village: Village) -> None:
    await village.conduct()
    granted = await village.press("dorf")
    done = await village.conduct("dorf")
    (order,) = done.orders
    (step,) = order.orders[1]
    assert (order.desired_n, step.level, step.cause, step.ref) == (2, 100, Cause.PRESS, granted["lease"])
    assert step.until == NIGHT + timedelta(minutes=12)
    assert (await village.progress(granted["lease"])).state is LeaseState.ORDERED


async def test_an_order_that_ran_out_needs_no_new_one(village: Village) -> None:
    await village.conduct()
    await village.press("dorf")
    await village.conduct("dorf")
    village.later(minutes=13)
    assert (await village.conduct()).orders == ()


async def test_after_a_reconnect_everything_is_published_again_with_its_own_counter(village: Village) -> None:
    await village.conduct()
    await village.press("dorf")
    await village.conduct("dorf")
    again = await village.conduct(again=True)
    assert [order.desired_n for order in again.orders] == [2]
    assert [plan.plan_n for plan in again.plans] == [1]
    assert len(again.orders[0].orders[1]) == 1


async def test_a_controller_that_knew_a_higher_counter_is_obeyed_again(village: Village) -> None:
    await village.conduct()
    told = await village.say(village.report("cabinet-1", {1: 0}, plan_n=7, desired_n=40))
    assert told.behind
    done = await village.conduct()
    assert [order.desired_n for order in done.orders] == [41]
    assert [plan.plan_n for plan in done.plans] == [8]


async def test_at_noon_the_plan_reaches_a_night_further(village: Village) -> None:
    first = (await village.conduct()).plans[0].plan
    municipality = await village.store.read(lambda tx: tx.municipality("luetjenholm"))
    assert municipality is not None
    village.now = next_noon(municipality, village.now)
    second = (await village.conduct()).plans[0].plan
    assert second.outputs[1].ends - first.outputs[1].ends == timedelta(days=1)
    assert second.outputs[1].ends - village.now == timedelta(days=8)


async def test_a_safety_output_follows_the_safety_schedule(store: SqlStore) -> None:
    village = Village(store, "leck", NIGHT)
    plan = (await village.conduct()).plans[0].plan
    at_night = {n: [level for at, level, *_ in output.steps if at <= NIGHT][-1] for n, output in plan.outputs.items()}
    assert at_night == {1: 0, 2: 100}
    assert plan.outputs[2].safety


async def test_only_the_pressed_zone_gets_orders(store: SqlStore) -> None:
    village = Village(store, "glasau", NIGHT)
    await village.conduct()
    await village.press("kirchweg")
    done = await village.conduct("kirchweg")
    assert len(done.orders) == 28


async def test_an_unconfirmed_lease_fails_at_its_deadline(village: Village) -> None:
    await village.conduct()
    granted = await village.press("dorf")
    done = await village.conduct("dorf")
    assert done.look_again == NIGHT + timedelta(seconds=10)
    village.now = NIGHT + timedelta(seconds=10)
    await village.conduct()
    assert (await village.progress(granted["lease"])).state is LeaseState.FAILED


async def test_a_lease_fails_ten_seconds_after_its_order_not_after_its_press(village: Village) -> None:
    await village.conduct()
    granted = await village.press("dorf")
    village.later(seconds=15)  # the service was away
    done = await village.conduct("dorf")
    assert (await village.progress(granted["lease"])).state is LeaseState.ORDERED
    assert done.look_again == NIGHT + timedelta(seconds=25)
    village.later(seconds=10)
    assert (await village.conduct()).look_again is None
    assert (await village.progress(granted["lease"])).state is LeaseState.FAILED


async def test_an_order_published_again_has_its_time_anew(village: Village) -> None:
    await village.conduct()
    granted = await village.press("dorf")
    await village.conduct("dorf")
    village.later(seconds=9)
    assert (await village.conduct()).look_again == NIGHT + timedelta(seconds=10)
    assert (await village.conduct(again=True)).look_again == NIGHT + timedelta(seconds=19)
    village.later(seconds=9)
    await village.conduct()
    assert (await village.progress(granted["lease"])).state is LeaseState.ORDERED


async def test_what_is_lit_in_part_stays_so_when_the_broker_comes_back(store: SqlStore) -> None:
    village = Village(store, "leck", NIGHT)
    await village.conduct()
    granted = await village.press("hauptstrasse")
    (order,) = (await village.conduct("hauptstrasse", "kreuzung")).orders
    told = village.report("cabinet-1", {1: 100, 2: 0}, cause=Cause.PRESS, desired_n=order.desired_n)
    await village.say(village.status("cabinet-1"), told)
    partly = await village.progress(granted["lease"])
    assert (partly.state, partly.confirmed, partly.total) == (LeaseState.PARTLY, 1, 2)
    village.later(seconds=30)
    await village.store.write(lambda tx: tx.forget_availability())
    await village.conduct(again=True)
    assert await village.progress(granted["lease"]) == partly


async def test_a_press_elsewhere_moves_no_deadline(store: SqlStore) -> None:
    village = Village(store, "glasau", NIGHT)
    await village.conduct()
    first, *_ = [zone.key.zone for zone in await store.read(lambda tx: tx.zones("glasau"))]
    await village.press(first)
    await village.conduct(first)
    village.later(seconds=4)
    await village.press("kirchweg")
    assert (await village.conduct("kirchweg")).look_again == NIGHT + timedelta(seconds=10)


async def test_the_total_of_a_lease_is_told_from_the_start(village: Village) -> None:
    await village.conduct()
    granted = await village.press("dorf")
    progress = await village.progress(granted["lease"])
    assert (progress.state, progress.total) == (LeaseState.GRANTED, granted["total"])
    assert progress.total == 1


async def test_a_hundred_leases_alike_move_in_few_steps(village: Village) -> None:
    await village.conduct()
    leases = []
    for _ in range(100):
        leases.append((await village.press("dorf"))["lease"])
        village.later(milliseconds=20)
    await village.conduct("dorf")
    assert len(await village.store.read(lambda tx: tx.leases_waiting(village.id, village.now))) == 1
    village.later(seconds=10)
    await village.conduct()
    assert {(await village.progress(lease)).state for lease in leases} == {LeaseState.FAILED}


async def test_a_lease_with_nobody_left_to_light_fails(village: Village) -> None:
    await village.conduct()
    granted = await village.press("dorf")
    await village.say(village.status("cabinet-1", online=False))
    await village.conduct("dorf")
    village.later(seconds=10)
    await village.conduct()
    assert (await village.progress(granted["lease"])).state is LeaseState.FAILED


async def test_what_a_quiet_cap_holds_dark_confirms_nothing(store: SqlStore) -> None:
    """Two lamps of Glasau's Dorfstraße: one held dark, the other alone can say that the street is lit."""
    village = Village(store, "glasau", NIGHT)
    held = (QuietCap(0, Window(Moment(Anchor.SUNSET), Moment(Anchor.SUNRISE)), ("lamp-01", 1)),)
    lamp_street = ZoneKey("glasau", "dorfstrasse")
    await enacted(village, lamp_street, wanted(quiet=held))
    village.later(days=1)
    await village.conduct()
    granted = await village.press("dorfstrasse")
    (order, *_) = (await village.conduct("dorfstrasse")).orders
    silent = village.report("lamp-01", {1: 0}, cause=Cause.SCHEDULE, desired_n=order.desired_n)
    await village.say(village.status("lamp-01"), silent)
    told = await village.progress(granted["lease"])
    assert (told.state, told.confirmed) == (LeaseState.ORDERED, 0)
    lit = village.report("lamp-02", {1: 100}, cause=Cause.PRESS, desired_n=order.desired_n)
    await village.say(village.status("lamp-02"), lit)
    told = await village.progress(granted["lease"])
    assert (told.state, told.confirmed, told.total) == (LeaseState.PARTLY, 1, 30)
