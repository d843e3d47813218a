"""What every Store keeps of orders, plans, reports and energy."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from service.domain.energy import Entry
from service.domain.inventory import ControllerKey, MeterKey, OutputKey
from service.domain.orders import OrderStep
from service.domain.reports import ControllerState, MeterState, OutputState
from service.domain.words import Cause
from service.errors import UnknownError
from service.ports import EnergyRow, SentOrder, SentPlan, Tx
from service.store import SqlStore
from tests.support.leck import CABINET, FIRST, METER, NOW, SECOND, later, leck
from tests.support.stores import query

OTHER = ControllerKey("leck", "other")
BIG = 2**53

ORDER = SentOrder(
    BIG,
    {
        1: (
            OrderStep(NOW, 100, later(minutes=10), Cause.PRESS, "a" * 32),
            OrderStep(later(minutes=20), 50, later(minutes=30), Cause.OVERRIDE, None),
        ),
        2: (),
    },
)


async def test_orders_come_back_as_they_were_kept(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.sent_orders([CABINET])) == {}
    await village.write(lambda tx: tx.keep_order(CABINET, SentOrder(1, None), NOW))
    assert await village.read(lambda tx: tx.sent_orders([CABINET, OTHER])) == {CABINET: SentOrder(1, None)}
    await village.write(lambda tx: tx.keep_order(CABINET, ORDER, NOW))
    assert await village.read(lambda tx: tx.sent_orders([CABINET])) == {CABINET: ORDER}
    assert await village.read(lambda tx: tx.sent_orders([])) == {}


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
    await village.write(lambda tx: tx.save_controller_state(CABINET, ControllerState(online=True)))
    await village.write(lambda tx: tx.save_controller_state(CABINET, state))
    assert await village.read(lambda tx: tx.controller_states([CABINET])) == {CABINET: state}


async def test_forgetting_availability_forgets_nothing_else(village: SqlStore) -> None:
    state = ControllerState(True, 1, 2, 3, 4, 5, NOW, NOW, "1")
    await village.write(lambda tx: tx.save_controller_state(CABINET, state))
    await village.write(lambda tx: tx.forget_availability())
    unknown = ControllerState(None, 1, 2, 3, 4, 5, NOW, NOW, "1")
    assert await village.read(lambda tx: tx.controller_states([CABINET])) == {CABINET: unknown}


async def test_states_of_outputs_and_meters_are_replaced(village: SqlStore) -> None:
    assert await village.read(lambda tx: tx.output_states([FIRST, SECOND])) == {}
    assert await village.read(lambda tx: tx.meter_states([METER])) == {}
    lit, dark = OutputState(100, Cause.PRESS, NOW, later(seconds=1)), OutputState(0, Cause.SCHEDULE, NOW, NOW)
    reading = MeterState(BIG, 140.25, NOW)

    def work(tx: Tx) -> None:
        tx.save_output_state(FIRST, dark)
        tx.save_output_state(FIRST, lit)
        tx.save_output_state(SECOND, dark)
        tx.save_meter_state(METER, MeterState(0, 0.0, NOW))
        tx.save_meter_state(METER, reading)

    await village.write(work)
    assert await village.read(lambda tx: tx.output_states([FIRST, SECOND])) == {FIRST: lit, SECOND: dark}
    assert await village.read(lambda tx: tx.output_states([SECOND, OutputKey(*OTHER, 1)])) == {SECOND: dark}
    assert await village.read(lambda tx: tx.meter_states([METER, METER._replace(n=2)])) == {METER: reading}


async def test_a_report_is_new_once(village: SqlStore) -> None:
    async def new(boot: int, seq: int) -> bool:
        return await village.write(lambda tx: tx.new_report(CABINET, boot, seq, NOW))

    assert [await new(1, 1), await new(1, 1), await new(1, 2), await new(2, 1), await new(BIG, 0)] == [
        True,
        False,
        True,
        True,
        True,
    ]
    assert await village.write(lambda tx: (tx.new_report(CABINET, 3, 1, NOW), tx.new_report(CABINET, 3, 1, NOW))) == (
        True,
        False,
    )


HOUR = datetime(2026, 11, 21, 22, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """Seconds after a full hour."""
    return HOUR + timedelta(seconds=seconds)


def entry(start: float, end: float, energy: int, cause: Cause = Cause.PRESS, output: OutputKey = FIRST) -> Entry:
    """An entry between two moments, in seconds after HOUR."""
    return Entry(output, at(start), at(end), energy, cause)


async def booked(store: SqlStore, zone: str | None = None) -> list[tuple[str, float, float, int, Cause]]:
    """All energy as (zone, start, end, mWh, cause)."""
    rows = await store.read(lambda tx: tx.energy("leck", at(-9999), at(99999), zone))
    return [
        (r.zone, (r.start - HOUR).total_seconds(), (r.end - HOUR).total_seconds(), r.energy_mwh, r.cause) for r in rows
    ]


async def test_an_adjoining_entry_extends_the_last(village: SqlStore) -> None:
    for one in (entry(0, 60, 5), entry(60, 120, 7)):
        await village.write(lambda tx, one=one: tx.add_energy([one]))  # type: ignore[misc]
    await village.write(lambda tx: tx.add_energy([entry(120, 180, 1), entry(180, 240, 1)]))
    assert await booked(village) == [("hauptstrasse", 0, 240, 14, Cause.PRESS)]


APART = {
    "a gap": entry(61, 120, 7),
    "an overlap": entry(59, 120, 7),
    "another cause": entry(60, 120, 7, Cause.SCHEDULE),
    "another output": entry(60, 120, 7, output=SECOND),
}


@pytest.mark.parametrize("why", APART)
@pytest.mark.parametrize("together", [True, False])
async def test_an_entry_that_does_not_go_on_with_the_last_is_one_of_its_own(
    village: SqlStore, why: str, together: bool
) -> None:
    for batch in [[entry(0, 60, 5), APART[why]]] if together else [[entry(0, 60, 5)], [APART[why]]]:
        await village.write(lambda tx, batch=batch: tx.add_energy(batch))  # type: ignore[misc]
    found = await booked(village)
    assert [(start, end, energy) for _, start, end, energy, _ in found] == [
        (0, 60, 5),
        ((APART[why].start - HOUR).total_seconds(), 120, 7),
    ]


async def test_only_the_last_entry_is_extended(village: SqlStore) -> None:
    await village.write(lambda tx: tx.add_energy([entry(0, 60, 5), entry(60, 90, 1, Cause.SCHEDULE)]))
    await village.write(lambda tx: tx.add_energy([entry(60, 120, 7)]))
    assert [row[1:4] for row in await booked(village)] == [(0, 60, 5), (60, 90, 1), (60, 120, 7)]


async def test_no_entry_spans_a_full_hour(village: SqlStore) -> None:
    batch = [entry(3500, 3600, 5), entry(3600, 3700, 7)]
    await village.write(lambda tx: tx.add_energy(batch[:1]))
    await village.write(lambda tx: tx.add_energy(batch[1:]))
    await village.write(lambda tx: tx.add_energy([entry(3700, 3800, 1)]))
    assert [row[1:4] for row in await booked(village)] == [(3500, 3600, 5), (3600, 3800, 8)]


async def test_energy_is_that_of_zones_and_of_starts_in_a_stretch(village: SqlStore) -> None:
    batch = [entry(10, 20, BIG), entry(5, 15, 2, output=SECOND), entry(30, 40, 3)]
    await village.write(lambda tx: tx.add_energy(batch))
    press = Cause.PRESS
    assert await booked(village) == [
        ("kreuzung", 5, 15, 2, press),
        ("hauptstrasse", 10, 20, BIG, press),
        ("hauptstrasse", 30, 40, 3, press),
    ]
    assert await booked(village, "kreuzung") == [("kreuzung", 5, 15, 2, press)]
    assert await booked(village, "nowhere") == []
    middle = await village.read(lambda tx: tx.energy("leck", at(10), at(30)))
    assert middle == [EnergyRow("hauptstrasse", at(10), at(20), BIG, press)]
    assert await village.read(lambda tx: tx.energy("other", at(0), at(99))) == []
    await village.write(lambda tx: tx.add_energy([]))


async def test_past_energy_stays_with_the_zone_of_its_time(village: SqlStore) -> None:
    await village.write(lambda tx: tx.add_energy([entry(0, 60, 5)]))
    [cabinet] = leck().controllers
    moved = replace(cabinet, outputs=(replace(cabinet.outputs[0], zone="kreuzung"), cabinet.outputs[1]))
    await village.write(lambda tx: tx.save_inventory(replace(leck(), controllers=(moved,)), NOW))
    await village.write(lambda tx: tx.add_energy([entry(60, 120, 7)]))
    assert [row[:4] for row in await booked(village)] == [("hauptstrasse", 0, 60, 5), ("kreuzung", 60, 120, 7)]


UNKNOWN: dict[str, Callable[[Tx], object]] = {
    "order": lambda tx: tx.keep_order(OTHER, ORDER, NOW),
    "plan": lambda tx: tx.keep_plan(OTHER, SentPlan(1, ""), NOW),
    "counters": lambda tx: tx.raise_counters(OTHER, 1, 1),
    "state": lambda tx: tx.save_controller_state(OTHER, ControllerState()),
    "report": lambda tx: tx.new_report(OTHER, 1, 1, NOW),
    "output": lambda tx: tx.save_output_state(OutputKey(*OTHER, 1), OutputState(0, Cause.LOCK, NOW, NOW)),
    "meter": lambda tx: tx.save_meter_state(MeterKey(*OTHER, 1), MeterState(0, 0, NOW)),
    "energy": lambda tx: tx.add_energy([entry(0, 1, 1, output=OutputKey(*OTHER, 1))]),
}


@pytest.mark.parametrize("what", UNKNOWN)
async def test_writing_to_what_does_not_exist_is_refused_by_name(village: SqlStore, store_url: str, what: str) -> None:
    with pytest.raises(UnknownError, match="other"):
        await village.write(UNKNOWN[what])
    assert query(store_url, "SELECT count(*) FROM energy_entry") == [(0,)]
