"""Roll-ups: energy by local hour, day, night and month, kept from entries, and exact at any moment.

An hour's roll-up says what its entries were when it was last rolled up. What was booked since is in the hours marked
as stale; readers add it. A month's roll-up is moved by what its hours change by, so that it stays right when hours
and entries of it are gone.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from service.domain.inventory import Municipality
from service.domain.periods import midnight, month_of, months_on, period_of, periods
from service.domain.words import Cause, Period, Quality
from service.ports import EnergySum, Tx
from service.usecases.coarsening import oldest, reopen

Stretch = tuple[datetime, datetime]
Sums = Counter[tuple[str, Cause, Quality]]
"""mWh by zone, cause and quality."""

KEPT_MONTHS = 12
"""Whole months of which entries, and roll-ups of hours, days and nights, are kept; of older ones the month's sums."""

_UTC_HOUR = timedelta(hours=1)


def roll_up(tx: Tx, home: Municipality, most_hours: int) -> bool:
    """Roll up some of the hours that are stale, the oldest first; returns whether there are more."""
    stale = tx.stale_hours(home.id)
    taken = stale[:most_hours]
    if taken:
        hours = _touched(home, taken)
        reopen(tx, home, hours)
        recompute(tx, home, hours)
        tx.clear_stale(home.id, taken)
    return len(stale) > len(taken)


def recompute(tx: Tx, home: Municipality, hours: Sequence[Stretch]) -> int:
    """Roll local hours up anew, and with them their days, nights and months; returns how many hours had changed.

    No day or night that began before entries are kept from: it would be a part of one."""
    moved: dict[datetime, Sums] = defaultdict(Counter)
    changed: list[datetime] = []
    for hour, live, kept in _compared(tx, home, hours):
        if live == kept:
            continue
        changed.append(hour)
        tx.set_rolled(home.id, Period.HOUR, hour, _rows(hour, live))
        month = moved[period_of(Period.MONTH, hour, home.place.tz)[0]]
        month.update(live)
        month.subtract(kept)
    _roll_parts(tx, home, changed)
    for start, by in moved.items():
        by.update(_sums(tx.rolled(home.id, Period.MONTH, start, start + _UTC_HOUR)))
        tx.set_rolled(home.id, Period.MONTH, start, _rows(start, by))
    return len(changed)


def roll_left(tx: Tx, home: Municipality, hours: Sequence[Stretch]) -> None:
    """Make the roll-ups of some hours what is left of their entries, and nothing else."""
    for hour, live, _ in _compared(tx, home, hours):
        tx.set_rolled(home.id, Period.HOUR, hour, _rows(hour, live))


def sums(
    tx: Tx, home: Municipality, kind: Period, start: datetime, end: datetime, zone: str | None = None
) -> list[EnergySum]:
    """Energy of the periods of a kind that begin in [start, end), by start, zone, cause and quality; exact as of now.

    Of the time before entries are kept from there are months alone.
    """
    start = _kept(tx, home, kind, start)
    found: dict[datetime, Sums] = defaultdict(Counter)
    for row in tx.rolled(home.id, kind, start, end, zone):
        found[row.start][row.zone, row.cause, row.quality] += row.energy_mwh
    for begun, key, energy in _late(tx, home, kind, start, end, zone):
        found[begun][key] += energy
    return [row for begun in sorted(found) for row in _rows(begun, found[begun])]


def sums_by_cause(
    tx: Tx, home: Municipality, kind: Period, start: datetime, end: datetime, zone: str | None = None
) -> dict[tuple[datetime, Cause], int]:
    """The same in mWh by beginning and cause alone, of all zones or one: the database adds up, which is far quicker."""
    start = _kept(tx, home, kind, start)
    found = Counter({(row[0], row[1]): row[2] for row in tx.rolled_by_cause(home.id, kind, start, end, zone)})
    for begun, (_, cause, _), energy in _late(tx, home, kind, start, end, zone):
        found[begun, cause] += energy
    return {key: energy for key, energy in found.items() if energy}


def sums_by_zone(
    tx: Tx, home: Municipality, kind: Period, start: datetime, end: datetime, zone: str | None = None
) -> dict[tuple[str, Cause], int]:
    """The same in mWh by zone and cause alone, of all periods together."""
    start = _kept(tx, home, kind, start)
    found = Counter({(row[0], row[1]): row[2] for row in tx.rolled_by_zone(home.id, kind, start, end, zone)})
    for _, (its_zone, cause, _), energy in _late(tx, home, kind, start, end, zone):
        found[its_zone, cause] += energy
    return {key: energy for key, energy in found.items() if energy}


def _kept(tx: Tx, home: Municipality, kind: Period, start: datetime) -> datetime:
    kept_from = tx.ledger_state(home.id).kept_from
    return start if kind is Period.MONTH or kept_from is None else max(start, kept_from)


def _late(
    tx: Tx, home: Municipality, kind: Period, start: datetime, end: datetime, zone: str | None
) -> Iterator[tuple[datetime, tuple[str, Cause, Quality], int]]:
    """What the stale hours change in the periods that begin in [start, end)."""
    owners = {hour: period_of(kind, hour[0], home.place.tz)[0] for hour in _touched(home, tx.stale_hours(home.id))}
    stale = [hour for hour, owner in owners.items() if start <= owner < end]
    for hour, live, kept in _compared(tx, home, stale):
        begun = period_of(kind, hour, home.place.tz)[0]
        for now, factor in ((live, 1), (kept, -1)):
            yield from ((begun, key, factor * energy) for key, energy in now.items() if zone in (None, key[0]))


def rebuildable(tx: Tx, home: Municipality, now: datetime) -> list[Stretch]:
    """The local months whose entries are all there, up to the present one; that one to the end of today and tonight."""
    tz = home.place.tz
    since = tx.ledger_state(home.id).kept_from
    if since is None:
        since = min(oldest(tx, home) or now, midnight(months_on(month_of(now, tz), -KEPT_MONTHS), tz))
    end = max(period_of(kind, now, tz)[1] for kind in (Period.DAY, Period.NIGHT))
    months = [month for month in periods(Period.MONTH, since, now, tz) if month[0] >= since]
    return [(start, until if until <= now else end) for start, until in months]


def rebuild_hours(tx: Tx, home: Municipality, hours: Sequence[Stretch]) -> int:
    """Roll some adjoining hours up anew, and the days and nights that end with one of them, whatever they say; returns
    how many of all were set right. Does nothing where entries have gone meanwhile."""
    kept_from = tx.ledger_state(home.id).kept_from
    if not hours or (kept_from is not None and hours[0][0] < kept_from):
        return 0
    coarser = [
        (kind, *period)
        for kind in (Period.DAY, Period.NIGHT)
        for period in periods(kind, hours[0][0], hours[-1][1], home.place.tz)
        if period[1] <= hours[-1][1] and (kept_from is None or period[0] >= kept_from)
    ]
    return recompute(tx, home, hours) + sum(_mended(tx, home, *each) for each in coarser)


def rebuild_month(tx: Tx, home: Municipality, start: datetime) -> int:
    """Sum the month that begins at `start` up anew from its hours; returns 1 where that set it right, and does nothing
    to one whose hours have gone."""
    kept_from = tx.ledger_state(home.id).kept_from
    if kept_from is not None and start < kept_from:
        return 0
    return _mended(tx, home, Period.MONTH, *period_of(Period.MONTH, start, home.place.tz))


def _touched(home: Municipality, utc_hours: Iterable[datetime]) -> list[Stretch]:
    """The local hours that some hours of UTC reach into: two where offsets are no whole hours."""
    tz = home.place.tz
    return sorted({hour for start in utc_hours for hour in periods(Period.HOUR, start, start + _UTC_HOUR, tz)})


def _compared(tx: Tx, home: Municipality, hours: Sequence[Stretch]) -> Iterator[tuple[datetime, Sums, Sums]]:
    """Each hour with the sums of its entries, and what its roll-up says."""
    for run in _runs(hours):
        starts = [start for start, _ in run]
        live: dict[datetime, Sums] = defaultdict(Counter)
        for row in tx.energy_sums(home.id, starts[0], run[-1][1]):
            if row.energy_mwh:
                hour = starts[bisect_right(starts, row.start) - 1]
                live[hour][row.zone, row.cause, row.quality] += row.energy_mwh
        kept: dict[datetime, Sums] = defaultdict(Counter)
        for row in tx.rolled(home.id, Period.HOUR, starts[0], run[-1][1]):
            kept[row.start][row.zone, row.cause, row.quality] += row.energy_mwh
        for start in starts:
            yield start, live[start], kept[start]


def _runs(hours: Sequence[Stretch]) -> Iterator[list[Stretch]]:
    """Hours in order, parted where others lie between."""
    run: list[Stretch] = []
    for hour in hours:
        if run and run[-1][1] != hour[0]:
            yield run
            run = []
        run.append(hour)
    if run:
        yield run


def _roll_parts(tx: Tx, home: Municipality, hours: Sequence[datetime]) -> None:
    kept_from = tx.ledger_state(home.id).kept_from
    for kind in (Period.DAY, Period.NIGHT):
        for start, end in sorted({period_of(kind, hour, home.place.tz) for hour in hours}):
            if kept_from is None or start >= kept_from:
                tx.roll(home.id, kind, start, end)


def _mended(tx: Tx, home: Municipality, kind: Period, start: datetime, end: datetime) -> bool:
    before = _sums(tx.rolled(home.id, kind, start, start + _UTC_HOUR))
    tx.roll(home.id, kind, start, end)
    return before != _sums(tx.rolled(home.id, kind, start, start + _UTC_HOUR))


def _sums(rows: Iterable[EnergySum]) -> Sums:
    found: Sums = Counter()
    for row in rows:
        found[row.zone, row.cause, row.quality] += row.energy_mwh
    return found


def _rows(start: datetime, by: Sums) -> list[EnergySum]:
    return [EnergySum(start, *key, energy) for key, energy in sorted(by.items()) if energy]
