"""Simulate: what drafts would do to the real inventory, beside today's policy and all-night light."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from service.domain.demand import Press, lamp_counts, model_presses, recorded_presses
from service.domain.inventory import Inventory, Municipality, Zone
from service.domain.policy import Policy, Rulebook
from service.domain.scenarios import Outcome, Scenario, all_night
from service.domain.simulate import Simulation, simulate
from service.domain.sun import night_of, noon
from service.domain.words import JobState
from service.errors import InvalidError, UnknownError
from service.ports import Tx
from service.usecases.look import municipality_of
from service.usecases.policies import inventory_of

MOST_DRAFTS = 5
"""Drafts that one simulation compares."""

MOST_NIGHTS = 5 * 366
"""Nights that one simulation runs through."""

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


@dataclass(frozen=True, slots=True)
class Prepared:
    """All that a simulation needs; no store any more."""

    inventory: Inventory
    question: Question
    scenarios: tuple[Scenario, ...]
    demand: tuple[Press, ...]

    @property
    def work(self) -> int:
        """A measure of how long it takes: judged presses, and nights of zones."""
        nights = (self.question.last - self.question.first).days + 1
        return len(self.scenarios) * (nights * len(self.inventory.zones) + len(self.demand))

    def start(self) -> Simulation:
        """The simulation, before its first night. InvalidError for a question that cannot be answered."""
        try:
            return simulate(self.inventory, self.scenarios, self.question.first, self.question.last, self.demand)
        except ValueError as error:
            raise InvalidError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Answered:
    """A finished simulation: what was asked, of which municipality, with how many presses, and what came of it."""

    municipality: Municipality
    zones: tuple[Zone, ...]
    question: Question
    presses: int
    outcomes: tuple[Outcome, ...]


@dataclass(slots=True)
class Job:
    """One simulation: how far it is, and what came of it."""

    id: str
    municipality: str
    state: JobState
    nights: int
    of: int
    answer: Answered | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)


def prepare(tx: Tx, municipality: str, question: Question, now: datetime) -> Prepared:
    """Gather the inventory, the scenarios and the presses.

    Every policy is taken as if it were in force in all the nights: a draft as if passed for the first of them, and
    today's as it is. Exceptions keep their dates. UnknownError and InvalidError name what is wrong.
    """
    home = municipality_of(tx, municipality)
    inventory = inventory_of(tx, home)
    tonight = night_of(now, home.place.tz)
    _check(question, tonight)
    zones = {zone.key.zone: zone for zone in inventory.zones}
    today = tuple(_always(zone, zone.policy_on(tonight), question.first) for zone in inventory.zones)
    scenarios = [Scenario(TODAY, today)]
    for name, drafts in question.drafts.items():
        for zone in drafts:
            if zone not in zones:
                raise UnknownError(f"{home.name} has no zone “{zone}”.")
        scenarios.append(Scenario(name, tuple(_drafted(zone, drafts, question.first) for zone in today)))
    scenarios.append(all_night(ALL_NIGHT, inventory))
    return Prepared(inventory, question, tuple(scenarios), _demand(tx, inventory, question))


def _check(question: Question, tonight: date) -> None:
    if question.last < question.first:
        raise InvalidError(f"to: {question.last} lies before from, {question.first}.")
    if (question.last - question.first).days >= MOST_NIGHTS:
        raise InvalidError(f"to: at most {MOST_NIGHTS} nights at once, five years.")
    if not question.drafts:
        raise InvalidError("drafts: name at least one.")
    if len(question.drafts) > MOST_DRAFTS:
        raise InvalidError(f"drafts: at most {MOST_DRAFTS} at once.")
    for name in (TODAY, ALL_NIGHT):
        if name in question.drafts:
            raise InvalidError(f"drafts: “{name}” is the name of a scenario that is always there; choose another.")
    if question.presses is None and question.last >= tonight:
        raise InvalidError(f"to: presses are recorded up to the night of {tonight - timedelta(days=1)}.")


def _always(zone: Zone, policy: Policy, first: date) -> Zone:
    """The zone as if the policy were in force from `first` on for good."""
    ruling = replace(policy, valid_from=min(policy.valid_from, first), until=None, version=1)
    return replace(zone, rulebook=Rulebook((ruling,), zone.rulebook.exceptions))


def _drafted(zone: Zone, drafts: Mapping[str, Policy], first: date) -> Zone:
    draft = drafts.get(zone.key.zone)
    return zone if draft is None else _always(zone, replace(draft, valid_from=first, until=None), first)


def _demand(tx: Tx, inventory: Inventory, question: Question) -> tuple[Press, ...]:
    home, model = inventory.municipality, question.presses
    if model is None:
        start, end = noon(question.first, home.place.tz), noon(question.last + timedelta(days=1), home.place.tz)
        presses = tx.presses(home.id, start, end)
        counts = Counter((press.zone.zone, night_of(press.at, home.place.tz), press.channel) for press in presses)
        return tuple(recorded_presses(counts, home.place))
    nights = (question.last - question.first).days + 1
    if nights * len(inventory.zones) * (model.per_night or 1) > MOST_PRESSES:
        raise InvalidError(f"presses.per_night: that would be more than {MOST_PRESSES} presses; take fewer nights.")
    curious_from = question.first if model.curious else None
    lamps = lamp_counts(inventory)
    try:
        return tuple(
            model_presses(lamps, question.first, question.last, home.place, model.seed, model.per_night, curious_from)
        )
    except ValueError as error:
        raise InvalidError(f"presses: {error}") from error


def answered(prepared: Prepared, outcomes: Sequence[Outcome]) -> Answered:
    """What a finished simulation says."""
    inventory = prepared.inventory
    return Answered(inventory.municipality, inventory.zones, prepared.question, len(prepared.demand), tuple(outcomes))
