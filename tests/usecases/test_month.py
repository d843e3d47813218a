"""A month of Glasau, played through by the firmware's own core: the ledger agrees with what its lamps really drew."""

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from device_sim.villages import read_villages
from service.domain.inventory import OutputKey, ZoneKey
from service.domain.reports import Report
from service.domain.words import Cause, Channel
from service.ports import Answer
from service.store import SqlStore
from service.usecases.conduct import Conducted, conduct, conduct_zones
from service.usecases.importing import read_inventory
from service.usecases.press import Surroundings, press
from service.usecases.record import record
from tests.support.poles_in_process import PoleInProcess, true_mwh

GLASAU = Path(__file__).parents[2] / "villages" / "glasau.toml"
BEGINS = datetime(2026, 10, 1, 10, tzinfo=UTC)
"""Noon in Glasau. The month has a night with 25 hours."""
ENDS = datetime(2026, 11, 1, 11, tzinfo=UTC)
HEARTBEAT_MS = 6 * 3_600_000
"""Rarer than real ones, so that a month passes in seconds; what happens between is told all the same."""
LOST, DOUBLED, CUT = 0.02, 0.02, 0.004
LATE = 0.01


@dataclass
class Month:
    """Poles, store and a line between them that loses, doubles and delays reports."""

    store: SqlStore
    dice: random.Random
    poles: dict[str, PoleInProcess] = field(default_factory=dict)
    late: list[Report] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    pressed: int = 0

    async def begin(self) -> None:
        """Put Glasau into the store, and its lamps onto their poles."""
        inventory = read_inventory(GLASAU.read_text("utf-8"))
        await self.store.write(lambda tx: tx.save_inventory(inventory, BEGINS))
        for spec in read_villages([GLASAU]):
            self.poles[spec.controller] = PoleInProcess(spec, BEGINS, self.dice, HEARTBEAT_MS)
        await self.conduct(BEGINS)
        await self.say([report for pole in self.poles.values() for report in pole.pass_to(BEGINS)], BEGINS, sure=True)

    async def conduct(self, now: datetime, *zones: ZoneKey) -> None:
        """Tell plans and orders, as the conductor does."""
        if zones:
            done = await self.store.write(lambda tx: conduct_zones(tx, "glasau", frozenset(zones), now, 1.0))
        else:
            done = await self.store.write(lambda tx: conduct(tx, "glasau", now, 1.0, again=False))
        self._tell(done, now)

    def _tell(self, done: Conducted, now: datetime) -> None:
        for out in done.plans:
            self.poles[out.controller.controller].hear_plan(out.plan_n, now, out.plan)
        for order in done.orders:
            self.poles[order.controller.controller].hear_order(order.desired_n, now, dict(order.orders))

    async def pass_to(self, now: datetime, *, sure: bool = False) -> None:
        """Let all poles live until `now`; what they reported goes over the line."""
        said = [report for pole in self.poles.values() for report in pole.pass_to(now)]
        await self.say(sorted(said, key=lambda one: one.at or now), now, sure=sure)

    async def say(self, reports: Iterable[Report], now: datetime, *, sure: bool = False) -> None:
        """Reports arrive: some not at all, some twice, some after the next."""
        arriving, self.late = self.late, []
        for report in reports:
            drawn = 1.0 if sure else self.dice.random()
            fate = self._fate(drawn)
            self.fates[fate] += 1
            if fate == "late":
                self.late.append(report)
            elif fate != "lost":
                arriving += [report] * (2 if fate == "doubled" else 1)
        for start in range(0, len(arriving), 200):
            part = arriving[start : start + 200]
            await self.store.write(lambda tx, part=part: record(tx, part, now, 1.0))  # type: ignore[misc]

    def _fate(self, drawn: float) -> str:
        if drawn < LOST:
            return "lost"
        if drawn < LOST + DOUBLED:
            return "doubled"
        return "late" if drawn < LOST + DOUBLED + LATE else "arrived"

    async def press(self, zone: str, now: datetime) -> None:
        """A resident presses; the lamps hear of it."""
        key = ZoneKey("glasau", zone)
        bought: list[ZoneKey] = []

        def answer(done: object) -> Answer:
            lease = getattr(done, "lease", None)
            bought.extend(() if lease is None else lease.lights)
            return Answer(200, "")

        around = Surroundings(now, 1.0, True, Channel.WEB)
        await self.store.write(lambda tx: press(tx, key, around, None, answer))
        if bought:
            self.pressed += 1
            await self.conduct(now, *bought)

    def power_cuts(self, now: datetime) -> None:
        """Some poles lose their power for a moment."""
        for pole in self.poles.values():
            if self.dice.random() < CUT:
                self.fates["cut"] += 1
                pole.power_cycle(now)
            pole.hear_time(now)


@pytest.mark.slow
async def test_a_month_of_glasau_agrees_with_its_lamps_and_exactly_with_its_meters(store: SqlStore) -> None:
    month = Month(store, random.Random(7))  # noqa: S311 - fate in a test
    await month.begin()
    begun = await _totals(store, "glasau")
    evening = BEGINS
    while evening < ENDS:
        for hours in sorted(month.dice.uniform(0, 24) for _ in range(5)):
            moment = min(evening + timedelta(hours=hours), ENDS)
            await month.pass_to(moment)
            await month.press(month.dice.choice(["dorfstrasse", "kirchweg", "am-see"]), moment)
        month.power_cuts(moment)
        evening += timedelta(days=1)
        await month.pass_to(min(evening, ENDS))
        await month.conduct(min(evening, ENDS))
    for pole in month.poles.values():
        pole.core.report_due = True
    await month.pass_to(ENDS + timedelta(seconds=1), sure=True)

    rows = await store.read(lambda tx: tx.entries("glasau", BEGINS - timedelta(days=1), ENDS + timedelta(days=1)))
    entries = [row.entry for row in rows]
    told = await _totals(store, "glasau")
    booked: Counter[OutputKey] = Counter()
    for entry in entries:
        booked[entry.output] += entry.energy_mwh
    assert {key: booked[key] for key in told} == {key: told[key] - begun[key] for key in told}
    assert booked.total() == pytest.approx(true_mwh(month.poles.values()), rel=0.005)

    assert month.pressed > 20, "the month had light that was pressed for"
    assert min(month.fates[fate] for fate in ("lost", "doubled", "late", "cut")) > 10
    lit = Counter[Cause]()
    for entry in entries:
        lit[entry.cause] += entry.energy_mwh
        assert (entry.ref is not None) == (entry.cause is Cause.PRESS) or entry.quality.value == "interpolated"
    assert lit[Cause.PRESS] > 0


async def _totals(store: SqlStore, municipality: str) -> dict[OutputKey, int]:
    """What the meters were last heard to show, by the one output that each of them measures."""
    controllers = await store.read(lambda tx: tx.controllers(municipality))
    states = await store.read(lambda tx: tx.meter_states(meter.key for c in controllers for meter in c.meters))
    return {
        OutputKey(*meter.key[:2], meter.outputs[0]): states[meter.key].total_mwh
        for controller in controllers
        for meter in controller.meters
    }
