"""Leases: what granted presses bought, and how long light may last."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from service.domain.inventory import ZoneKey
from service.domain.words import LeaseState


@dataclass(frozen=True, slots=True)
class Lease:
    """One granted press: the zones it lights in [start, until) at `level` percent. Never changed afterwards.

    With `warn` its last minute is at half level where outputs can dim.
    """

    id: str
    zone: ZoneKey
    lights: tuple[ZoneKey, ...]
    start: datetime
    until: datetime
    level: int
    warn: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a lease has come, by what reports confirmed.

    `ordered_at` is when its order was last published, for as long as nothing but ORDERED can be said.
    """

    state: LeaseState
    confirmed: int
    total: int
    ordered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alike:
    """Leases that light the same zones at the same level and have come equally far."""

    lights: tuple[ZoneKey, ...]
    level: int
    progress: Progress


class Span(NamedTuple):
    """Light in [start, until)."""

    start: datetime
    until: datetime


def stretch(leases: Iterable[Span | Lease], now: datetime, gap: timedelta) -> tuple[datetime, datetime] | None:
    """Start and end of the continuous light that a press at `now` would go on with.

    Leases with gaps up to `gap` count as one. None when the last light ended longer ago than that.
    """
    start: datetime | None = None
    end: datetime | None = None
    for lease in sorted(leases, key=lambda lease: lease.start):
        if start is None or end is None or lease.start - end > gap:
            start, end = lease.start, lease.until
        else:
            end = max(end, lease.until)
    if start is None or end is None or now - end > gap:
        return None
    return start, end
