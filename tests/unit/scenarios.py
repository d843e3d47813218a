"""Scenarios as tests and benchmarks want them: with the rulebooks that zones have, and with a draft on top."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from service.domain.inventory import Inventory
from service.domain.policy import Policy
from service.domain.scenarios import Figures, Lines, Scenario


def today(name: str, inventory: Inventory) -> Scenario:
    """The zones with the rules that they have."""
    return Scenario(name, inventory.zones)


def drafted(name: str, inventory: Inventory, drafts: Mapping[str, Policy]) -> Scenario:
    """The zones as they would be with the drafts enacted, by zone id; others keep their rules."""
    unknown = drafts.keys() - {zone.key.zone for zone in inventory.zones}
    if unknown:
        raise ValueError(f"drafts: there is no zone {min(unknown)}")
    zones = (
        replace(zone, rulebook=zone.rulebook.with_draft(drafts[zone.key.zone])) if zone.key.zone in drafts else zone
        for zone in inventory.zones
    )
    return Scenario(name, tuple(zones))


def total(lines: Lines, zone: str | None = None, month: date | None = None) -> Figures:
    """The sum over all lines, or over those of one zone, one month, or both."""
    chosen = (
        figures
        for (of, at), figures in lines.items()
        if (zone is None or of == zone) and (month is None or at == month)
    )
    return sum(chosen, Figures())
