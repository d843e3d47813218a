"""What every Store keeps of orders, plans and reports."""

from collections.abc import Callable

import pytest

from service.domain.inventory import ControllerKey, MeterKey, OutputKey
from service.domain.orders import OrderStep
from service.domain.reports import ControllerState, MeterState, OutputState
from service.domain.words import Cause
from service.errors import UnknownError
from service.ports import SentOrder, SentPlan, Tx
from service.store import SqlStore
from tests.support.leck import CABINET, FIRST, METER, NOW, SECOND, STREET, later
from tests.support.stores import query

OTHER = ControllerKey("leck", "other")
BIG = 2**53

ORDER_STEPS = (
    OrderStep(NOW, 100, later(minutes=10), Cause.PRESS, "a" * 32),
    OrderStep(later(minutes=20), 50, later(minutes=30), Cause.OVERRIDE, None),
)
ORDER = SentOrder(BIG, {1: ORDER_STEPS, 2: ()})


async def test_orders_come_back_as_they_were_kept(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.sent_orders([CABINET])) == {}
    await village.write(lambda tx: tx.keep_order(CABINET, SentOrder(1, None), NOW))
    assert await village.read(lambda tx: tx.sent_orders([CABINET, OTHER])) == {CABINET: SentOrder(1, None)}
    await village.write(lambda tx: tx.keep_order(CABINET, ORDER, NOW))
    assert await village.read(lambda tx: tx.sent_orders([CABINET])) == {CABINET: ORDER}
    assert await village.read(lambda tx: tx.sent_orders([])) == {}


async def orders(store: SqlStore) -> SentOrder:
    """What is recorded of the cabinet's orders."""
    return (await store.read(lambda tx: tx.sent_orders([CABINET])))[CABINET]


async def test_a_new_counter_makes_the_last_order_the_former_one(village: SqlStore) -> None:
    first, second = SentOrder(1, {1: ORDER_STEPS}, NOW), SentOrder(2, {}, later(minutes=1))
    await village.write(lambda tx: tx.keep_order(CABINET, first, NOW))
    assert (await orders(village)).former is None
    await village.write(lambda tx: tx.keep_order(CABINET, second, later(minutes=1)))
    found = await orders(village)
    assert (found, found.at, found.former) == (second, later(minutes=1), first)
    assert found.former is not None
    assert (found.former.at, found.former.former) == (NOW, None)


async def test_an_order_sent_again_leaves_the_former_one(village: SqlStore) -> None:
    for n, minute in ((1, 0), (2, 1), (2, 2)):
        one, at = SentOrder(n, {n: ()}), later(minutes=minute)
        await village.write(lambda tx, one=one, at=at: tx.keep_order(CABINET, one, at))  # type: ignore[misc]
    found = await orders(village)
    assert (found, found.at, found.former) == (SentOrder(2, {2: ()}), later(minutes=2), SentOrder(1, {1: ()}))


async def test_a_raised_counter_makes_the_last_order_the_former_one(village: SqlStore) -> None:
    await village.write(lambda tx: tx.keep_order(CABINET, SentOrder(1, {1: ORDER_STEPS}), NOW))
    await village.write(lambda tx: tx.raise_counters(CABINET, 0, 1))
    assert (await orders(village)).former is None
    await village.write(lambda tx: tx.raise_counters(CABINET, 0, 5))
    found = await orders(village)
    assert (found, found.at, found.former) == (SentOrder(5, None), None, SentOrder(1, {1: ORDER_STEPS}))
    await village.write(lambda tx: tx.keep_order(CABINET, SentOrder(6, {}), NOW))
    assert (await orders(village)).former == SentOrder(5, None)


async def test_plans_come_back_as_they_were_kept(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.sent_plans("leck")) == {}
    await village.write(lambda tx: tx.keep_plan(CABINET, SentPlan(1, "first"), NOW))
    await village.write(lambda tx: tx.keep_plan(CABINET, SentPlan(BIG, "second"), NOW))
    assert await village.read(lambda tx: tx.sent_plans("leck")) == {CABINET: SentPlan(BIG, "second")}
    assert await village.read(lambda tx: tx.sent_plans("other")) == {}


async def test_raised_counters_forget_what_was_sent_and_are_never_lowered(village: SqlStore) -> None:
    async def raised(plan_n: int, desired_n: int) -> tuple[bool, SentPlan | None, SentOrder | None]:
        lower = await village.write(lambda tx: tx.raise_counters(CABINET, plan_n, desired_n))
        plans = await village.read(lambda tx: tx.sent_plans("leck"))
        orders = await village.read(lambda tx: tx.sent_orders([CABINET]))
        return lower, plans.get(CABINET), orders.get(CABINET)

    five = SentOrder(5, ORDER.orders)
    assert await raised(0, 0) == (False, None, None)
    assert await raised(3, 0) == (True, SentPlan(3, ""), None)
    await village.write(lambda tx: tx.keep_plan(CABINET, SentPlan(4, "digest"), NOW))
    await village.write(lambda tx: tx.keep_order(CABINET, five, NOW))
    assert await raised(4, 5) == (False, SentPlan(4, "digest"), five)
    assert await raised(1, 1) == (False, SentPlan(4, "digest"), five)
    assert await raised(6, 5) == (True, SentPlan(6, ""), five)
    assert await raised(0, 7) == (True, SentPlan(6, ""), SentOrder(7, None))


async def test_a_controller_is_unknown_until_something_is_known(village: SqlStore) -> None:
    state = ControllerState(False, BIG, 2, 3, 4, 5, NOW, later(seconds=-1), "1.0 – grün")
    assert await village.read(lambda tx: tx.controller_states([CABINET, OTHER])) == {CABINET: ControllerState()}
    await village.write(lambda tx: tx.save_controller_states({CABINET: ControllerState(online=True)}))
    await village.write(lambda tx: tx.save_controller_states({CABINET: state}))
    assert await village.read(lambda tx: tx.controller_states([CABINET])) == {CABINET: state}


async def test_the_order_that_a_controller_follows_is_kept_with_it(village: SqlStore) -> None:
    for followed in ({1: ORDER_STEPS, 2: ()}, {}):
        state = ControllerState(True, 1, 2, 3, 4, 5, NOW, NOW, "1", True, followed)
        await village.write(lambda tx, state=state: tx.save_controller_states({CABINET: state}))  # type: ignore[misc]
        assert await village.read(lambda tx: tx.controller_states([CABINET])) == {CABINET: state}
        assert {one.controller.desired_n for one in await village.read(lambda tx: tx.watched([STREET]))} == {5}


async def test_nothing_to_save_is_no_error(village: SqlStore) -> None:
    def work(tx: Tx) -> None:
        tx.save_controller_states({})
        tx.save_output_states({})
        tx.save_meter_states({})

    await village.write(work)
    assert await village.read(lambda tx: tx.controller_states([])) == {}
    assert await village.read(lambda tx: tx.controller_states([CABINET])) == {CABINET: ControllerState()}


async def test_forgetting_availability_forgets_nothing_else(village: SqlStore) -> None:
    state = ControllerState(True, 1, 2, 3, 4, 5, NOW, NOW, "1")
    await village.write(lambda tx: tx.save_controller_states({CABINET: state}))
    await village.write(lambda tx: tx.forget_availability())
    unknown = ControllerState(None, 1, 2, 3, 4, 5, NOW, NOW, "1")
    assert await village.read(lambda tx: tx.controller_states([CABINET])) == {CABINET: unknown}


async def test_states_of_outputs_and_meters_are_replaced(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.output_states([FIRST, SECOND])) == {}
    assert await village.read(lambda tx: tx.meter_states([METER])) == {}
    lit, dark = OutputState(100, Cause.PRESS, NOW, later(seconds=1)), OutputState(0, Cause.SCHEDULE, NOW, NOW)
    reading = MeterState(BIG, 140.25, NOW)

    def work(tx: Tx) -> None:
        tx.save_output_states({FIRST: dark})
        tx.save_output_states({FIRST: lit})
        tx.save_output_states({SECOND: dark})
        tx.save_meter_states({METER: MeterState(0, 0.0, NOW)})
        tx.save_meter_states({METER: reading})

    await village.write(work)
    assert await village.read(lambda tx: tx.output_states([FIRST, SECOND])) == {FIRST: lit, SECOND: dark}
    assert await village.read(lambda tx: tx.output_states([SECOND, OutputKey(*OTHER, 1)])) == {SECOND: dark}
    assert await village.read(lambda tx: tx.meter_states([METER, METER._replace(n=2)])) == {METER: reading}


UNKNOWN: dict[str, Callable[[Tx], object]] = {
    "order": lambda tx: tx.keep_order(OTHER, ORDER, NOW),
    "plan": lambda tx: tx.keep_plan(OTHER, SentPlan(1, ""), NOW),
    "counters": lambda tx: tx.raise_counters(OTHER, 1, 1),
    "state": lambda tx: tx.save_controller_states({OTHER: ControllerState()}),
    "output": lambda tx: tx.save_output_states({OutputKey(*OTHER, 1): OutputState(0, Cause.LOCK, NOW, NOW)}),
    "meter": lambda tx: tx.save_meter_states({MeterKey(*OTHER, 1): MeterState(0, 0, NOW)}),
}


@pytest.mark.parametrize("what", UNKNOWN)
async def test_writing_to_what_does_not_exist_is_refused_by_name(village: SqlStore, store_url: str, what: str) -> None:
    with pytest.raises(UnknownError, match="other"):
        await village.write(UNKNOWN[what])
    assert query(store_url, "SELECT count(*) FROM sent_order") == [(0,)]
