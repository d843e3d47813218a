"""The council's rules: what a moment, a night and a simulated year cost. Pure computing, no broker, no disk."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from service.domain.conditions import Conditions
from service.domain.demand import Press, lamp_counts, model_presses
from service.domain.inventory import Controller, Output, OutputKey, Zone, curve_of
from service.domain.policy import LightException, Rulebook
from service.domain.scenarios import all_night
from service.domain.schedule import Anchor, Rule, Schedule, Step
from service.domain.simulate import finished, simulate
from service.domain.sun import night
from service.usecases.conduct import digest, plan_of
from tests.unit.scenarios import drafted, today
from tests.unit.villages import DARK_AFTER_ELEVEN, glasau, policy

_FIRST, _LAST = date(2026, 1, 1), date(2026, 12, 31)
_RATE = 9.1
"""Presses per night and zone: about 10,000 a year in three zones."""
_OUTPUTS = 10_000


@dataclass(frozen=True, slots=True)
class Cost:
    """The best of several runs, in seconds, and what it should stay under on an idle two-core machine."""

    name: str
    seconds: float
    target: float | None = None


def costs() -> list[Cost]:
    """Measure everything: a few seconds."""
    place = glasau().municipality.place
    presses = model_presses(lamp_counts(glasau()), _FIRST, _LAST, place, seed=1, rate=_RATE)
    rich = _rich(glasau().zones[0])
    year = f"a year of 3 zones, {len(presses)} presses, 3 scenarios"
    return [
        Cost("level_at, warm", _best(lambda: _levels(_plain()), 3) / 1000, 50e-6),
        Cost("level_at, warm, 50 rules and 200 exceptions", _best(lambda: _levels(rich), 3) / 1000, 50e-6),
        Cost(f"a night's plan for {_OUTPUTS} outputs", _best(_nights, 3), 2.0),
        Cost(f"messages of 8 nights for {_OUTPUTS // 10} controllers, 200 exceptions", _best(_plans, 3)),
        Cost("the sun of 365 nights, cold", _best(_suns)),
        Cost(year, _best(lambda: _year(presses), 4), 2.0),
    ]


def table(found: list[Cost]) -> str:
    """The costs as text."""
    return "\n".join(f"{cost.name:58}{cost.seconds * 1000:12.3f} ms   {_said(cost)}" for cost in found)


def _said(cost: Cost) -> str:
    if cost.target is None:
        return ""
    return f"< {cost.target * 1000:g} ms: {'met' if cost.seconds < cost.target else 'missed'}"


def _best(run: Callable[[], object], rounds: int = 1) -> float:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def _suns() -> None:
    night.cache_clear()
    for n in range(365):
        night(glasau().municipality.place, _FIRST + timedelta(days=n))


def _plain() -> Zone:
    return glasau().zones[0]


def _rich(zone: Zone) -> Zone:
    """The zone with fifty rules for some nights and two hundred exceptions of the years."""
    rules = tuple(
        Rule(Conditions(months=(1 + n % 12,), weekdays=(n % 7,)), zone.rulebook.first.schedule.steps) for n in range(50)
    )
    draft = policy(Schedule(zone.rulebook.first.schedule.steps, rules), 15)
    days = (_FIRST + timedelta(days=2 * n) for n in range(200))
    steps = (Step(Anchor.SUNSET, 80), Step(Anchor.SUNRISE, 0))
    exceptions = tuple(LightException(f"{zone.key.zone}-{n}", "Fest", day, day, steps) for n, day in enumerate(days))
    return replace(zone, rulebook=Rulebook((draft,), exceptions))


def _levels(zone: Zone) -> None:
    village = glasau()
    curve = curve_of(village.controllers[0].outputs[0], zone, village.municipality)
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    for n in range(1000):
        curve.level_at(moment + timedelta(seconds=n))


def _outputs(zones: Sequence[Zone], count: int) -> Iterator[tuple[Output, Zone]]:
    """Half of them dimmers, half relays, one on each controller."""
    for n in range(count):
        zone = zones[n % len(zones)]
        key = OutputKey(zone.key.municipality, f"lamp-{n}", 1)
        yield Output(key, zone.key.zone, step=100 if n % 2 else 1, watts=30.0), zone


def _nights() -> None:
    """Three zones with rules of their own."""
    village = glasau()
    zones = [
        replace(zone, rulebook=zone.rulebook.with_draft(policy(DARK_AFTER_ELEVEN, 10 + n)))
        for n, zone in enumerate(village.zones)
    ]
    for output, zone in _outputs(zones, _OUTPUTS):
        curve_of(output, zone, village.municipality).night(_LAST)


def _plans() -> None:
    """What the conductor makes at noon, and its digest."""
    village = glasau()
    zones = {zone.key.zone: _rich(zone) for zone in village.zones}
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    for output, _ in _outputs(list(zones.values()), _OUTPUTS // 10):
        controller = Controller(output.key.owner, "luminaire", "", (output,), ())
        digest(plan_of(controller, village.municipality, zones, now))


def _year(presses: Sequence[Press]) -> None:
    village = glasau()
    draft = policy(DARK_AFTER_ELEVEN, 12)
    scenarios = [
        today("today", village),
        drafted("draft", village, {zone.key.zone: draft for zone in village.zones}),
        all_night("all night", village),
    ]
    finished(simulate(village, scenarios, _FIRST, _LAST, presses))
