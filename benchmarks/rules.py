"""The council's rules: what a moment, a night and a simulated year cost. Pure computing, no broker, no disk."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from service.domain.demand import Press, lamp_counts, model_presses
from service.domain.inventory import Output, OutputKey, curve_of
from service.domain.scenarios import all_night, drafted, today
from service.domain.simulate import finished, simulate
from service.domain.sun import night
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
    year = f"a year of 3 zones, {len(presses)} presses, 3 scenarios"
    return [
        Cost("level_at, warm", _best(_levels, 3) / 1000, 50e-6),
        Cost(f"a night's plan for {_OUTPUTS} outputs", _best(_plans, 3), 2.0),
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


def _levels() -> None:
    village = glasau()
    curve = curve_of(village.controllers[0].outputs[0], village.zones[0], village.municipality)
    moment = datetime(2026, 11, 20, tzinfo=UTC)
    for n in range(1000):
        curve.level_at(moment + timedelta(seconds=n))


def _plans() -> None:
    """Half of them dimmers, half relays, in three zones with rules of their own."""
    village = glasau()
    zones = [
        replace(zone, rulebook=zone.rulebook.with_draft(policy(DARK_AFTER_ELEVEN, 10 + n)))
        for n, zone in enumerate(village.zones)
    ]
    for n in range(_OUTPUTS):
        zone = zones[n % 3]
        key = OutputKey(village.municipality.id, f"lamp-{n}", 1)
        output = Output(key, zone.key.zone, step=100 if n % 2 else 1, watts=30.0)
        curve_of(output, zone, village.municipality).night(_LAST)


def _year(presses: Sequence[Press]) -> None:
    village = glasau()
    draft = policy(DARK_AFTER_ELEVEN, 12)
    scenarios = [
        today("today", village),
        drafted("draft", village, {zone.key.zone: draft for zone in village.zones}),
        all_night("all night", village),
    ]
    finished(simulate(village, scenarios, _FIRST, _LAST, presses))
