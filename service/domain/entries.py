"""Energy entries: what the ledger consists of. All energy is integer mWh, so that sums are exact."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from service.domain.inventory import OutputKey
from service.domain.words import Cause, Quality

QUARTER = timedelta(minutes=15)
"""What entries are coarsened to. Offsets of time zones are multiples of it, so no local hour is cut by it."""


PRESSED = frozenset({Cause.PRESS, Cause.LOCAL})
"""Causes of light that somebody asked for by a press, of whom or when nothing may be told: neither to the public nor,
before a night is over, to staff."""


class Entry(NamedTuple):
    """Energy of one output in [start, end), and why. Never reaches over a full local hour.

    `level` is what the output gave (percent), and `lit` for how long within the entry, 0 at level 0. Where a lease
    gives more than the plan, the plan's share is an entry of its own beside the lease's: with the plan's cause and
    level, and without `lit`, so that the sum of `lit` is the time that lamps burnt. `ref` is the lease.
    """

    output: OutputKey
    start: datetime
    end: datetime
    energy_mwh: int
    cause: Cause
    ref: str | None = None
    level: int = 0
    lit: timedelta = timedelta()
    quality: Quality = Quality.MEASURED


class ZonedEntry(NamedTuple):
    """An entry with the zone that its output belonged to."""

    zone: str
    entry: Entry


def local_hours(start: datetime, end: datetime, tz: str) -> Iterator[datetime]:
    """The full hours of local time within (start, end), in UTC: each of the 23 or 25 of a day when clocks change."""
    zone = ZoneInfo(tz)
    moment = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0) + QUARTER
    while moment < end:
        if moment.astimezone(zone).minute == 0:
            yield moment
            moment += timedelta(minutes=45)
        moment += QUARTER


def local_hour_of(moment: datetime, tz: str) -> datetime:
    """The beginning of the local hour that `moment` lies in, in UTC."""
    zone = ZoneInfo(tz)
    hour = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
    while hour.astimezone(zone).minute:
        hour -= QUARTER
    return hour


def coarsen(entries: Sequence[ZonedEntry], tz: str) -> list[ZonedEntry]:
    """Entries to a quarter of an hour, without leases, by start and output; `tz` is their municipality's time zone.

    All are widened to full quarters, so that none is told by its neighbours' edges. Those of the same output, zone,
    cause, level and quality that then touch or overlap become one, but never over a full local hour: sums by hour stay
    what they are. Coarsening again changes nothing.
    """
    found: list[ZonedEntry] = []
    last: dict[tuple[object, ...], int] = {}
    for zone, entry in sorted((ZonedEntry(zone, _widened(entry)) for zone, entry in entries), key=_by_start):
        alike = (zone, entry.output, entry.cause, entry.level, entry.quality)
        n = last.get(alike)
        before = None if n is None else found[n].entry
        if n is None or before is None or not _joins(before, entry, tz):
            last[alike] = len(found)
            found.append(ZonedEntry(zone, entry))
            continue
        energy, lit = before.energy_mwh + entry.energy_mwh, before.lit + entry.lit
        found[n] = ZonedEntry(zone, before._replace(end=max(before.end, entry.end), energy_mwh=energy, lit=lit))
    return found


def _widened(entry: Entry) -> Entry:
    start, end = _quarter(entry.start), _quarter(entry.end)
    if end < entry.end or end == start:
        end += QUARTER
    return entry._replace(start=start, end=end, ref=None)


def _quarter(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def _by_start(zoned: ZonedEntry) -> tuple[datetime, OutputKey, str, str, int, str, datetime]:
    zone, entry = zoned
    return entry.start, entry.output, zone, entry.cause, entry.level, entry.quality, entry.end


def _joins(before: Entry, entry: Entry, tz: str) -> bool:
    return entry.start <= before.end and local_hour_of(entry.start, tz) == local_hour_of(before.start, tz)
