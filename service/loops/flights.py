"""Orders on their way: zones whose controllers have not answered yet.

Whoever presses again meanwhile is already being given light, and waits for the answer with the longer order. Where
presses come faster than answers, each order would otherwise replace one that nobody had confirmed yet.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from service.domain.inventory import ControllerKey, ZoneKey


@dataclass(slots=True)
class _Flight:
    unanswered: dict[ControllerKey, int]
    until: datetime


class Flights:
    """Each zone's last orders, until all of them are answered or waited for long enough."""

    def __init__(self) -> None:
        """Begin with nothing on its way."""
        self._of: dict[ZoneKey, _Flight] = {}

    def depart(self, zones: Iterable[ZoneKey], orders: Iterable[tuple[ControllerKey, int]], until: datetime) -> None:
        """Orders of these zones, by controller and counter, leave; at `until` they count as answered."""
        flight = _Flight(dict(orders), until)
        if flight.unanswered:
            self._of.update(dict.fromkeys(zones, flight))

    def arrive(self, controller: ControllerKey, desired_n: int) -> bool:
        """A controller says which order it follows; returns whether a zone was waiting for nothing else."""
        for flight in self._of.values():
            if flight.unanswered.get(controller, desired_n + 1) <= desired_n:
                del flight.unanswered[controller]
        answered = [zone for zone, flight in self._of.items() if not flight.unanswered]
        for zone in answered:
            del self._of[zone]
        return bool(answered)

    def away(self, zones: Collection[ZoneKey], now: datetime) -> frozenset[ZoneKey]:
        """Which of the zones have orders on their way."""
        return frozenset(zone for zone in zones if zone in self._of and self._of[zone].until > now)

    def next_end(self, zones: Iterable[ZoneKey]) -> datetime | None:
        """When the first of these zones has been waited for long enough."""
        return min((self._of[zone].until for zone in zones if zone in self._of), default=None)

    def forget(self) -> None:
        """Everything is ordered anew."""
        self._of.clear()
