"""Who shows a zone waits here until something about it changes. Within one process."""

import asyncio
from collections import Counter
from collections.abc import Iterable


class LocalWatch:
    """`service.ports.Watch` for one process: counters and events, no queue that could overflow."""

    def __init__(self) -> None:
        """Begin with nobody listening."""
        self._everything = 0
        self._zones: Counter[tuple[str, str]] = Counter()
        self._listeners: set[asyncio.Event] = set()

    def ring(self, municipality: str, zones: Iterable[str]) -> None:
        """Say that zones of a municipality changed."""
        self._zones.update((municipality, zone) for zone in zones)
        self._wake()

    def ring_all(self) -> None:
        """Say that everything may have changed."""
        self._everything += 1
        self._wake()

    def _wake(self) -> None:
        for listener in self._listeners:
            listener.set()

    def version(self, municipality: str, zones: Iterable[str] | None = None) -> int:
        """A number that grows with every change of one of the zones (None: of any zone)."""
        if zones is None:
            single = sum(count for (home, _), count in self._zones.items() if home == municipality)
        else:
            single = sum(self._zones[(municipality, zone)] for zone in zones)
        return self._everything + single

    def listen(self) -> asyncio.Event:
        """An event that is set on every ring until `ignore` is called with it."""
        event = asyncio.Event()
        self._listeners.add(event)
        return event

    def ignore(self, event: asyncio.Event) -> None:
        """Stop setting an event got from `listen`."""
        self._listeners.discard(event)
