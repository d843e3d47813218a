"""Simulate: what drafts would do to the real inventory, beside today's policy and all-night light."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from service.domain.demand import (
    MOST_PER_NIGHT,
    Press,
    expected_presses,
    lamp_counts,
    model_presses,
    recorded_presses,
)
from service.domain.inventory import Inventory, Municipality, Zone, ZoneKey
from service.domain.policy import Policy, Rulebook
from service.domain.scenarios import Outcome, Scenario, all_night
from service.domain.simulate import Progress, finished, simulate, too_long
from service.domain.sun import night_of, noon
from service.domain.words import Channel
from service.errors import InvalidError
from service.ports import Tx
from service.usecases.look import municipality_of
from service.usecases.policies import check_references, inventory_of
from service.usecases.press import find

MOST_DRAFTS = 5
"""Drafts that one simulation compares."""

MOST_PRESSES = 500_000
"""Presses that one simulation is run with."""

TODAY, ALL_NIGHT = "today", "all-night"
"""The names of the two scenarios that every simulation has beside its drafts."""


@dataclass(frozen=True, slots=True)
class Model:
    """Assumed presses (see service.domain.demand): `per_night` in each zone (None: by its lamps), from a seed.

    With `curious` everybody tries it in the first two weeks.
    """

    seed: int
    per_night: float | None
    curious: bool


@dataclass(frozen=True, slots=True)
class Question:
    """What to simulate: drafts by name, each with the policies that it would change, over some nights.

    `presses` None asks for as many as were recorded; when in the night they came is drawn.
    """

    first: date
    last: date
    drafts: Mapping[str, Mapping[str, Policy]]
    presses: Model | None

    @property
    def curious_from(self) -> date | None:
        """The first of the nights in which everybody tries it; None where nobody does."""
        return self.first if self.presses is not None and self.presses.curious else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a simulation needs; no store any more.

    `today` has the policies in force tonight by zone, `recorded` counts presses by zone, night and channel.
    """

    inventory: Inventory
    question: Question
    scenarios: tuple[Scenario, ...]
    today: Mapping[str, Policy]
    recorded: Mapping[tuple[str, date, Channel], int]

    @property
    def presses(self) -> float:
        """How many presses it will be run with, at least about."""
        asked, model = self.question, self.question.presses
        if model is None:
            return sum(self.recorded.values())
        return expected_presses(
            lamp_counts(self.inventory), asked.first, asked.last, model.per_night, asked.curious_from
        )

    @property
    def work(self) -> float:
        """A measure of how long it takes: judged presses, and nights of zones."""
        nights = (self.question.last - self.question.first).days + 1
        return len(self.scenarios) * (nights * len(self.inventory.zones) + self.presses)

    def demand(self) -> list[Press]:
        """The presses; takes a while where there are many."""
        asked, model, place = self.question, self.question.presses, self.inventory.municipality.place
        if model is None:
            return recorded_presses(self.recorded, place)
        lamps = lamp_counts(self.inventory)
        return model_presses(lamps, asked.first, asked.last, place, model.seed, model.per_night, asked.curious_from)

    def run(self, report: Callable[[Progress], object] = lambda _: None) -> "Answered":
        """Draw the presses and run them through all nights; `report` hears of each."""
        demand, asked = self.demand(), self.question
        outcomes = finished(simulate(self.inventory, self.scenarios, asked.first, asked.last, demand), report)
        home, zones = self.inventory.municipality, self.inventory.zones
        return Answered(home, zones, asked, self.today, len(demand), outcomes)


@dataclass(frozen=True, slots=True)
class Answered:
    """A finished simulation: what was asked, of which municipality, with how many presses, and what came of it."""

    municipality: Municipality
    zones: tuple[Zone, ...]
    question: Question
    today: Mapping[str, Policy]
    presses: int
    outcomes: tuple[Outcome, ...]


def prepare(tx: Tx, municipality: str, question: Question, now: datetime, forgotten_before: datetime) -> Prepared:
    """Gather the inventory, the scenarios and how many presses were recorded.

    Every policy is taken as if it were in force in all the nights: a draft as if passed for the first of them, and
    today's as it is. Exceptions are left out: they are no part of what is compared. Presses before
    `forgotten_before` have been deleted. UnknownError and InvalidError name what is wrong.
    """
    home = municipality_of(tx, municipality)
    inventory = inventory_of(tx, home)
    tonight = night_of(now, home.place.tz)
    _check(question, tonight, night_of(forgotten_before, home.place.tz))
    today = tuple(_always(zone, zone.policy_on(tonight), question.first) for zone in inventory.zones)
    scenarios = [Scenario(TODAY, today)]
    for name, drafts in question.drafts.items():
        for zone, policy in drafts.items():
            check_references(tx, home, find(tx, ZoneKey(home.id, zone))[1], policy)
        scenarios.append(Scenario(name, tuple(_drafted(zone, drafts, question.first) for zone in today)))
    scenarios.append(all_night(ALL_NIGHT, inventory))
    recorded = _recorded(tx, home, question) if question.presses is None else {}
    policies = {zone.key.zone: zone.policy_on(tonight) for zone in inventory.zones}
    prepared = Prepared(inventory, question, tuple(scenarios), policies, recorded)
    if prepared.presses > MOST_PRESSES:
        raise InvalidError(f"presses: these would be more than {MOST_PRESSES}; take fewer nights or presses a night.")
    return prepared


def _check(question: Question, tonight: date, forgotten: date) -> None:
    _check_nights(question.first, question.last)
    if not question.drafts:
        raise InvalidError("drafts: name at least one.")
    if len(question.drafts) > MOST_DRAFTS:
        raise InvalidError(f"drafts: at most {MOST_DRAFTS} at once.")
    for name in (TODAY, ALL_NIGHT):
        if name in question.drafts:
            raise InvalidError(f"drafts: “{name}” is the name of a scenario that is always there; choose another.")
    if question.presses is None and question.last >= tonight:
        raise InvalidError(f"to: presses are recorded up to the night of {tonight - timedelta(days=1)}.")
    if question.presses is None and question.first <= forgotten:
        raise InvalidError(f"from: presses up to the night of {forgotten} have been deleted.")
    rate = None if question.presses is None else question.presses.per_night
    if rate is not None and not 0 <= rate <= MOST_PER_NIGHT:
        raise InvalidError(f"presses.per_night: {rate:g} is not between 0 and {MOST_PER_NIGHT:g}.")


def _check_nights(first: date, last: date) -> None:
    if last < first:
        raise InvalidError(f"to: {last} lies before from, {first}.")
    if not 2000 <= first.year <= last.year < 2200:
        raise InvalidError("from: must lie in the years from 2000 to 2199, as must to.")
    if too_long(first, last):
        raise InvalidError("to: at most five years at once.")


def _always(zone: Zone, policy: Policy, first: date) -> Zone:
    """The zone as if the policy were in force from `first` on for good."""
    ruling = replace(policy, valid_from=min(policy.valid_from, first), until=None, version=1)
    return replace(zone, rulebook=Rulebook((ruling,)))


def _drafted(zone: Zone, drafts: Mapping[str, Policy], first: date) -> Zone:
    draft = drafts.get(zone.key.zone)
    return zone if draft is None else _always(zone, replace(draft, valid_from=first, until=None), first)


def _recorded(tx: Tx, home: Municipality, question: Question) -> Mapping[tuple[str, date, Channel], int]:
    tz = home.place.tz
    presses = tx.presses(home.id, noon(question.first, tz), noon(question.last + timedelta(days=1), tz))
    return Counter((press.zone.zone, night_of(press.at, tz), press.channel) for press in presses)
