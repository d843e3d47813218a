"""Baselines: what rules would have drawn with the real inventory, to compare with what was used.

Each output draws its watts times the dimming law's share of its level, for as long as its curve gives that level;
fades, faults and presses are no part of it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from service.domain.curve import Curve
from service.domain.inventory import Inventory, OutputKey, Zone
from service.domain.nightly import Light, groups_of, hours_at_full
from service.domain.policy import Policy, PressRules, Rulebook
from service.domain.words import FailState

_NO_PRESS = PressRules(minutes=1)


class Baseline:
    """The modelled energy of zones, each with the rules to model; asks every curve only once about a stretch."""

    def __init__(self, inventory: Inventory, zones: Iterable[Zone], outputs: Collection[OutputKey]) -> None:
        """Of the inventory only the given outputs count."""
        counted = replace(
            inventory,
            controllers=tuple(
                replace(one, outputs=tuple(output for output in one.outputs if output.key in outputs))
                for one in inventory.controllers
            ),
        )
        numbers: dict[Curve, int] = {}
        self._groups = {zone.key.zone: groups_of(counted, _plan_alone(zone), numbers) for zone in zones}
        self._curves: Sequence[Curve] = list(numbers)
        self._known: dict[tuple[int, datetime, datetime], float] = {}

    def energy(self, zone: str, start: datetime, end: datetime) -> int:
        """mWh of a zone in [start, end), any moments in UTC."""
        return round(1000 * sum(group.watts * self._hours(group.curve, start, end) for group in self._groups[zone]))

    def _hours(self, n: int, start: datetime, end: datetime) -> float:
        key = n, start, end
        if key not in self._known:
            stretches = self._curves[n].intervals(start, end)
            self._known[key] = hours_at_full(Light(part.start, part.end, part.level) for part in stretches)
        return self._known[key]


def _plan_alone(zone: Zone) -> Zone:
    """The zone without what its plan does not hang on, so that zones with the same light share their curves."""
    policies = tuple(
        replace(policy, press=_NO_PRESS, along=(), resolution=None, fail_state=FailState.PLAN)
        for policy in zone.rulebook.policies
    )
    return replace(zone, rulebook=replace(zone.rulebook, policies=policies))


def ruled_by(zone: Zone, policy: Policy) -> Zone:
    """The zone as if a policy had always been in force, without any exception."""
    ruling = replace(policy, valid_from=date.min, until=None, version=1)
    return replace(zone, rulebook=Rulebook((ruling,)))
