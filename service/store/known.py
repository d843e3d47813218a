"""What was read of the inventory, remembered across transactions for as long as nobody saves another."""

from dataclasses import dataclass, field
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.domain.inventory import Controller, ControllerKey, MeterKey, Municipality, OutputKey, ZoneKey


class OutputId(NamedTuple):
    """The key of an output and of the zone it belongs to."""

    id: int
    zone_id: int


@dataclass(slots=True)
class Known:
    """Keys inside by ids outside, and whole things, of one version of the inventories; None before the first."""

    version: int | None = None
    municipality_ids: dict[str, int] = field(default_factory=dict)
    zone_ids: dict[ZoneKey, int] = field(default_factory=dict)
    controller_ids: dict[ControllerKey, int] = field(default_factory=dict)
    output_ids: dict[OutputKey, OutputId] = field(default_factory=dict)
    meter_ids: dict[MeterKey, int] = field(default_factory=dict)
    controllers: dict[ControllerKey, Controller] = field(default_factory=dict)
    municipalities: dict[str, Municipality] = field(default_factory=dict)
    time_zones: dict[str, ZoneInfo] = field(default_factory=dict)
    zones_of: dict[str, dict[int, str]] = field(default_factory=dict)
    """By municipality: the slugs of its zones."""
    outputs_of: dict[str, dict[int, OutputKey]] = field(default_factory=dict)
    """By municipality: its outputs."""


class Memory:
    """What the transactions of a store share. Safe among threads: all that is filled in of one version is the same."""

    def __init__(self) -> None:
        """Knowing nothing."""
        self._newest = Known()

    def of(self, version: int | None) -> Known:
        """What is known of a version; a version other than the last asked for is begun anew."""
        known = self._newest
        if known.version != version:
            self._newest = known = Known(version)
        return known
