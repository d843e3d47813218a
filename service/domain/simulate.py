"""What a policy would do, before the vote: energy, money, CO2, burning hours, dark minutes and presses.

Scenarios are run over the same nights with the same presses and the real inventory. The plan is that of the
schedule, exceptions and quiet caps; each press is judged as a real one is. What a simulation leaves out: faults,
overrides, rescue and locks (every controller is online, every lamp draws its watts by the dimming law), fades,
and the half-lit last minute of `warn_before_dark`, which saves at most half a minute of each stretch of pressed
light. Whoever presses is taken to show whatever the policy asks for (the lamp's code, an admission). Recorded
presses are as many as there were under the rules of then, at hours drawn anew.

Persons are forgotten, so it is not known which presses were one presser's. Where a policy limits presses per
presser, a scenario is run twice: as if all presses were from different pressers, and as if all of a zone's presses
in a night were from one and the same. The second grants the least that is possible in a night. The first grants the
most where no other limit binds; where one does, a real night may grant more, because a press refused to its presser
leaves its minutes to later ones.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from service.domain.curve import Curve
from service.domain.demand import Press
from service.domain.inventory import Inventory, Zone
from service.domain.leases import Span
from service.domain.nightly import Group, NightCurve, append, groups_of, hours_at_full, light_of, night_curve
from service.domain.policy import Rulebook
from service.domain.press import Facts, Granted, Load, judge, look_back, union
from service.domain.scenarios import Figures, Outcome, Scenario
from service.domain.sun import Night, night, noon
from service.domain.words import Availability, Reason

MOST_YEARS = 5

_ONLINE = (Availability.ONLINE,)


class Progress(NamedTuple):
    """How many nights are done, of all."""

    nights: int
    of: int


Simulation = Generator[Progress, None, tuple[Outcome, ...]]
"""Does one night of all scenarios at each step; returns an outcome for each scenario at the end."""


def simulate(
    inventory: Inventory, scenarios: Sequence[Scenario], first: date, last: date, demand: Sequence[Press]
) -> Simulation:
    """Run scenarios over the nights from `first` to `last` with presses in order of time.

    Nothing is done before the first step; cost is linear in nights and presses. ValueError at once, naming the field,
    for a period that is none or longer than five years, presses that are out of order or belong to no night or zone of
    the simulation, and scenarios that do not have the inventory's zones.
    """
    _check_period(first, last)
    for scenario in scenarios:
        _check_zones(inventory, scenario)
    _check_demand(inventory, first, last, demand)
    return _nights(inventory, scenarios, first, last, demand)


def finished(simulation: Simulation, report: Callable[[Progress], object] = lambda _: None) -> tuple[Outcome, ...]:
    """The outcomes of a simulation run to its end; `report` hears of every night."""
    while True:
        try:
            report(next(simulation))
        except StopIteration as done:
            outcomes: tuple[Outcome, ...] = done.value
            return outcomes


def too_long(first: date, last: date) -> bool:
    """Whether the nights from `first` to `last` are more than a simulation runs through."""
    years = last.year - first.year
    return years > MOST_YEARS or (years == MOST_YEARS and (last.month, last.day) >= (first.month, first.day))


def _check_period(first: date, last: date) -> None:
    if last < first:
        raise ValueError(f"last: {last} lies before first, {first}")
    if too_long(first, last):
        raise ValueError(f"last: {first} to {last} is longer than {MOST_YEARS} years")


def _check_zones(inventory: Inventory, scenario: Scenario) -> None:
    known = {zone.key.zone for zone in inventory.zones}
    if sorted(zone.key.zone for zone in scenario.zones) != sorted(known):
        raise ValueError(f"zones: those of {scenario.name} are not the municipality's")
    for zone in scenario.zones:
        for other in (other for policy in zone.rulebook.policies for other in policy.along):
            if other not in known:
                raise ValueError(f"along: {zone.key.zone} cannot light {other} along, there is no such zone")


def _check_demand(inventory: Inventory, first: date, last: date, demand: Sequence[Press]) -> None:
    tz = inventory.municipality.place.tz
    begin, end = noon(first, tz), noon(last + timedelta(days=1), tz)
    lit = {output.zone for controller in inventory.controllers for output in controller.outputs}
    before = begin
    for n, press in enumerate(demand):
        if press.zone not in lit:
            raise ValueError(f"demand.{n}.zone: there is no zone {press.zone} with lamps")
        if not begin <= press.at < end:
            raise ValueError(f"demand.{n}.at: {press.at} lies outside the nights from {first} to {last}")
        if press.at < before:
            raise ValueError(f"demand.{n}.at: {press.at} comes before the press listed before it")
        before = press.at


def _nights(
    inventory: Inventory, scenarios: Sequence[Scenario], first: date, last: date, demand: Sequence[Press]
) -> Simulation:
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    curves: dict[Curve, int] = {}
    runs = [_Run(inventory, scenario, curves, one_presser=False) for scenario in scenarios]
    again = [
        _Run(inventory, scenario, curves, one_presser=True) if _limits_pressers(scenario, days) else None
        for scenario in scenarios
    ]
    begun = 0
    for n, day in enumerate(days, start=1):
        tonight = night(inventory.municipality.place, day)
        presses: dict[str, list[Press]] = {}
        while begun < len(demand) and demand[begun].at < tonight.end:
            presses.setdefault(demand[begun].zone, []).append(demand[begun])
            begun += 1
        tonights = [night_curve(curve, tonight) for curve in curves]
        for run in (*runs, *filter(None, again)):
            run.add(tonight, tonights, presses)
        yield Progress(n, len(days))
    return tuple(
        Outcome(scenario.name, run.lines, None if same is None else same.lines)
        for scenario, run, same in zip(scenarios, runs, again, strict=True)
    )


def _limits_pressers(scenario: Scenario, days: list[date]) -> bool:
    return any(zone.policy_on(day).limits_on(day).per_presser is not None for zone in scenario.zones for day in days)


class _Run:
    """One scenario on its way through the nights, under one assumption about who presses."""

    def __init__(
        self, inventory: Inventory, scenario: Scenario, curves: dict[Curve, int], *, one_presser: bool
    ) -> None:
        self.lines: dict[tuple[str, date], Figures] = {}
        self._municipality = inventory.municipality
        self._one_presser = one_presser
        self._zones = {zone.key.zone: zone for zone in scenario.zones}
        self._groups = {name: groups_of(inventory, zone, curves) for name, zone in self._zones.items()}
        self._spans: dict[str, list[Span]] = {name: [] for name in self._zones}

    def add(self, tonight: Night, curves: Sequence[NightCurve], presses: Mapping[str, Sequence[Press]]) -> None:
        """Go through the coming night."""
        counts: dict[str, _Count] = {}
        light: dict[str, dict[int, list[Span]]] = {name: {} for name in self._zones}
        for name, zone in self._zones.items():
            if not presses.get(name):
                continue
            counts[name], spans = self._judged(zone, tonight, curves, presses[name])
            level = zone.policy_on(tonight.date).press.level
            for lit in zone.lights(tonight.date) if spans else ():
                light[lit.zone].setdefault(level, []).extend(spans)
        for name in self._zones:
            line = name, tonight.date.replace(day=1)
            figures = self._burnt(self._groups[name], tonight, curves, light[name], counts.get(name, _NO_PRESS))
            self.lines[line] = self.lines[line] + figures if line in self.lines else figures

    def _judged(
        self, zone: Zone, tonight: Night, curves: Sequence[NightCurve], presses: Sequence[Press]
    ) -> tuple["_Count", list[Span]]:
        """What became of a zone's presses in a night, and the light they bought, overlaps joined."""
        policy = zone.policy_on(tonight.date)
        since = look_back(zone.rulebook, self._municipality.place, tonight.sunset)
        past = [span for span in self._spans[zone.key.zone] if span.until >= since]
        rulebook, loads, proven = Rulebook((policy,)), self._loads(zone, tonight, curves), policy.press.admission
        counted = self._one_presser and policy.limits_on(tonight.date).per_presser is not None
        spans: list[Span] = []
        earlier: list[datetime] = []
        refused: dict[Reason, int] = {}
        facts: Facts | None = None
        for at, _, channel in presses:
            if facts is None or facts.channel is not channel:
                leases, own = (*past, *spans), tuple(earlier) if counted else ()
                facts = Facts(rulebook, loads, leases, _ONLINE, True, channel, proven, own)
            verdict = judge(facts, at)
            if isinstance(verdict, Granted):
                earlier.append(at)
                append(spans, Span(at, verdict.until))
                facts = None  # what is known changes with every grant
            else:
                refused[verdict.reason] = refused.get(verdict.reason, 0) + 1
        self._spans[zone.key.zone] = past + spans
        return _Count(len(earlier), refused), spans

    def _loads(self, zone: Zone, tonight: Night, curves: Sequence[NightCurve]) -> tuple[Load, ...]:
        return tuple(
            Load(curves[group.curve], group.watts, own=lit == zone.key)
            for lit in zone.lights(tonight.date)
            for group in self._groups[lit.zone]
        )

    def _burnt(
        self,
        groups: list[Group],
        tonight: Night,
        curves: Sequence[NightCurve],
        pressed: Mapping[int, list[Span]],
        count: "_Count",
    ) -> Figures:
        """What a zone's outputs burn in a night with the light that presses bought."""
        merged = {level: union(spans, tonight.start) for level, spans in pressed.items()}
        planned = burnt = 0.0
        burning, lit = timedelta(), list[Span]()
        for n, watts, lamps in groups:
            light = light_of(curves[n], merged)
            planned += watts * hours_at_full(curves[n].lit)
            burnt += watts * hours_at_full(light)
            burning += lamps * sum((part.end - part.start for part in light), timedelta())
            lit += (Span(part.start, part.end) for part in light)
        at_night = (Span(max(a, tonight.sunset), min(b, tonight.sunrise)) for a, b in union(lit, tonight.start))
        bright = sum((b - a for a, b in at_night if a < b), timedelta())
        energy_mwh = round(1000 * burnt)
        kwh = Decimal(energy_mwh).scaleb(-6)
        price = self._municipality.price_on(tonight.date)
        factor = self._municipality.emission_factor_on(tonight.date)
        return Figures(
            energy_mwh=energy_mwh,
            pressed_mwh=energy_mwh - round(1000 * planned),
            money=None if price is None else kwh * price.per_kwh,
            co2_kg=None if factor is None else (kwh * factor.g_per_kwh).scaleb(-3),
            burning=burning,
            dark=tonight.sunrise - tonight.sunset - bright,
            granted=count.granted,
            refused=count.refused,
        )


class _Count(NamedTuple):
    """Presses of one zone in one night."""

    granted: int
    refused: Mapping[Reason, int]


_NO_PRESS = _Count(0, {})
