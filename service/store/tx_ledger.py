"""Energy entries: booked, read, replaced and deleted."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, and_, bindparam, cast, delete, func, insert, or_, select, update

from service.domain.entries import Entry, ZonedEntry
from service.domain.inventory import OutputKey, ZoneKey
from service.domain.words import Cause
from service.ports import Burnt, EnergySum
from service.store import tables
from service.store.columns import from_us, to_us
from service.store.entry_rows import (
    COLUMNS,
    EXTENDING,
    HOUR_US,
    PLACE,
    QUARTER_US,
    EntryRow,
    Look,
    bounds,
    row_from,
    row_of,
)
from service.store.listed import Listed
from service.store.tables import table
from service.store.tx_base import BaseTx, municipality

entry_table = table(tables.EnergyEntryRow)
stale = table(tables.EnergyStaleRow)

_QUARTERS_BACK = 3
"""An entry that goes on at a moment began in the same local hour: not more quarters ago."""

_OPEN = select(entry_table).where(Listed(entry_table.c.quarter, "quarters"), Listed(entry_table.c.output_id, "outputs"))
_ADD = insert(entry_table)
_at_place = and_(*(column == bindparam(f"of_{column.name}") for column in entry_table.primary_key.columns))
_EXTEND = (
    update(entry_table)
    .where(_at_place)
    .values({name: bindparam(f"to_{name}", type_=BigInteger) for name in ("energy_mwh", "length_us", "lit_us")})
)
_REMOVE = delete(entry_table).where(_at_place)
_TZ = select(municipality.c.tz).where(municipality.c.slug == bindparam("municipality"))

_before = or_(
    entry_table.c.quarter < bindparam("last"),
    and_(entry_table.c.quarter == bindparam("last"), entry_table.c.start_us < bindparam("last_us")),
)
_within = and_(
    entry_table.c.quarter >= bindparam("first"),
    entry_table.c.quarter <= bindparam("last"),
    or_(entry_table.c.quarter > bindparam("first"), entry_table.c.start_us >= bindparam("first_us")),
    or_(entry_table.c.quarter < bindparam("last"), entry_table.c.start_us < bindparam("last_us")),
)
_of_zones, _of_outputs = Listed(entry_table.c.zone_id, "zones"), Listed(entry_table.c.output_id, "outputs")
_ENTRIES = select(entry_table).where(_within, _of_zones)
_ENTRIES_OF = select(entry_table).where(_within, _of_outputs)
_DELETE = delete(entry_table).where(entry_table.c.quarter <= bindparam("last"), _before, _of_outputs)
_energy = cast(func.sum(entry_table.c.energy_mwh), BigInteger).label("energy")
_lit = func.coalesce(entry_table.c.lit_us, entry_table.c.length_us, HOUR_US)
_SUMS = (
    select(entry_table.c.quarter, entry_table.c.zone_id, entry_table.c.cause, entry_table.c.quality, _energy)
    .where(_within, _of_zones)
    .group_by(entry_table.c.quarter, entry_table.c.zone_id, entry_table.c.cause, entry_table.c.quality)
)
_BY_OUTPUT = (
    select(entry_table.c.output_id, entry_table.c.zone_id, entry_table.c.cause, _energy)
    .where(_within, _of_zones)
    .group_by(entry_table.c.output_id, entry_table.c.zone_id, entry_table.c.cause)
)
_BURNT = (
    select(entry_table.c.output_id, entry_table.c.level, cast(func.sum(_lit), BigInteger).label("lit"), _energy)
    .where(_within, _of_outputs, entry_table.c.level > 0)
    .group_by(entry_table.c.output_id, entry_table.c.level)
)


class _Book:
    """The entries that may go on, as far as they are known, and what a booking changes of them."""

    def __init__(self, rows: Iterable[EntryRow]) -> None:
        """With the entries that are there."""
        self.added: list[EntryRow] = []
        self.extended: dict[int, EntryRow] = {}
        self._open: dict[tuple[int, Look], EntryRow] = {}
        self._next_n: dict[tuple[int, int], int] = {}
        for row in sorted(rows, key=lambda row: (row.start, row.n)):
            self._open[row.start + row.length, row.look()] = row
            self._next_n[row.output_id, row.start] = row.n + 1

    def book(self, new: EntryRow, *, alone: bool) -> EntryRow:
        """Let the entry go on that ends as a new one begins, or begin one; returns which."""
        look, end = new.look(), new.start + new.length
        row = None if alone else self._open.pop((new.start, look), None)
        if row is None:
            new.n = self._next_n.get((new.output_id, new.start), 0)
            self._next_n[new.output_id, new.start] = new.n + 1
            self.added.append(new)
            row = new
        else:
            row.energy_mwh += new.energy_mwh
            row.length += new.length
            row.lit += new.lit
            self.extended[id(row)] = row
        self._open[end, look] = row
        return row

    def longer(self) -> list[EntryRow]:
        """The entries that were there and have become longer."""
        new = {id(row) for row in self.added}
        return [row for key, row in self.extended.items() if key not in new]


class LedgerTx(BaseTx):
    """Booking energy and reading it."""

    def add_energy(self, entries: Sequence[Entry]) -> None:
        """Book energy, and mark the hours that it falls into as stale; an entry that goes on with one extends it.

        UnknownError for an output that does not exist."""
        if not entries:
            return
        found = self._outputs([entry.output for entry in entries])
        rows = [row_of(entry, *ids) for entry, ids in zip(entries, found, strict=True)]
        alone = [
            row.start % QUARTER_US == 0 and self._is_full_hour(entry) for entry, row in zip(entries, rows, strict=True)
        ]
        book = _Book(self._going_on(rows, alone))
        hours: dict[str, set[int]] = defaultdict(set)
        for entry, new, by_itself in zip(entries, rows, alone, strict=True):
            last = max(new.start + new.length - 1, new.start)
            row = book.book(new, alone=by_itself)
            hours[entry.output.municipality].update(range(row.start // HOUR_US, last // HOUR_US + 1))
        self._raw_each(_EXTEND, EXTENDING, [row.extended() for row in book.longer()])
        self._raw_each(_ADD, COLUMNS, [row.raw() for row in book.added])
        for home, numbers in hours.items():
            self.mark_stale(home, [from_us(number * HOUR_US) for number in sorted(numbers)])

    def _going_on(self, new: Sequence[EntryRow], alone: Sequence[bool]) -> Iterator[EntryRow]:
        """The entries that begin when one of the new ones does, or may end then."""
        begins = {(row.start // QUARTER_US, by_itself) for row, by_itself in zip(new, alone, strict=True)}
        quarters = {
            one
            for quarter, by_itself in begins
            for one in range(quarter if by_itself else quarter - _QUARTERS_BACK, quarter + 1)
        }
        outputs = {row.output_id for row in new}
        return map(row_from, self._raw(_OPEN, quarters=sorted(quarters), outputs=sorted(outputs)))

    def _is_full_hour(self, new: Entry) -> bool:
        """Whether an entry that begins with a quarter of an hour begins at a full hour of local time."""
        zones = self._known.time_zones
        home = new.output.municipality
        if home not in zones:
            [(tz,)] = self._rows(_TZ, municipality=home)
            zones[home] = ZoneInfo(tz)
        return new.start.astimezone(zones[home]).minute == 0

    def mark_stale(self, municipality: str, hours: Iterable[datetime]) -> None:
        """Mark full hours of UTC as stale."""
        of = self._municipality(municipality)
        for hour in hours:
            self._insert_new(stale, {"municipality_id": of, "hour_at": hour})

    def entries(self, municipality: str, start: datetime, end: datetime, zone: str | None = None) -> list[ZonedEntry]:
        """Entries that start in [start, end), of all zones or one, by start, then output."""
        zones = self._zone_slugs(municipality)
        keys = self._output_keys(municipality)
        wanted = [id_ for id_, slug in zones.items() if zone in (None, slug)]
        rows = map(row_from, self._raw(_ENTRIES, **bounds(start, end), zones=wanted))
        in_order = sorted(rows, key=lambda row: (row.start, keys[row.output_id], row.n))
        return [ZonedEntry(zones[row.zone_id], row.entry(keys[row.output_id])) for row in in_order]

    def entries_of(self, outputs: Collection[OutputKey], start: datetime, end: datetime) -> list[ZonedEntry]:
        """Entries of some outputs that start in [start, end), by output and start."""
        keys = self._keys_of(outputs)
        zones: dict[int, str] = {}
        for home in {output.municipality for output in outputs}:
            zones |= self._zone_slugs(home)
        in_order = sorted(self._rows_of(keys, start, end), key=lambda row: (keys[row.output_id], row.start, row.n))
        return [ZonedEntry(zones[row.zone_id], row.entry(keys[row.output_id])) for row in in_order]

    def _keys_of(self, outputs: Collection[OutputKey]) -> dict[int, OutputKey]:
        """The outputs that exist, by their keys inside."""
        known = self._outputs_known(outputs)
        return {known[output].id: output for output in outputs if output in known}

    def _rows_of(self, outputs: Iterable[int], start: datetime, end: datetime) -> Iterator[EntryRow]:
        return map(row_from, self._raw(_ENTRIES_OF, **bounds(start, end), outputs=list(outputs)))

    def replace_entries(
        self, outputs: Collection[OutputKey], start: datetime, end: datetime, entries: Sequence[ZonedEntry]
    ) -> None:
        """Put `entries` in the place of those of `outputs` that start in [start, end); what stays is not written.

        Marks nothing as stale. ValueError for an entry of another output, or that starts elsewhere."""
        _refuse_others(outputs, start, end, entries)
        found = self._outputs([one.entry.output for one in entries])
        zones = self._zones([ZoneKey(one.entry.output.municipality, one.zone) for one in entries])
        wanted: dict[tuple[int, ...], EntryRow] = {}
        next_n: dict[tuple[int, int], int] = defaultdict(int)
        for (_, entry), output, zone_id in zip(entries, found, zones, strict=True):
            row = row_of(entry, output.id, zone_id)
            row.n = next_n[row.output_id, row.start]
            next_n[row.output_id, row.start] += 1
            wanted[row.place()] = row
        there = {row.place(): row for row in self._rows_of(self._keys_of(outputs), start, end)}
        gone = [place for place, row in there.items() if wanted.get(place) != row]
        self._raw_each(_REMOVE, PLACE, gone)
        self._raw_each(_ADD, COLUMNS, [row.raw() for place, row in wanted.items() if there.get(place) != row])

    def energy_sums(self, municipality: str, start: datetime, end: datetime) -> list[EnergySum]:
        """Sums of the entries that start in [start, end), by zone, cause, quality and the quarter of their start."""
        zones = self._zone_slugs(municipality)
        rows = self._rows(_SUMS, **bounds(start, end), zones=list(zones))
        return sorted(
            EnergySum(from_us(row.quarter * QUARTER_US), zones[row.zone_id], row.cause, row.quality, row.energy)
            for row in rows
        )

    def energy_by_controller(
        self, municipality: str, start: datetime, end: datetime
    ) -> list[tuple[str, str, Cause, int]]:
        """Controller, zone, cause and mWh of the entries that start in [start, end), by controller."""
        zones, keys = self._zone_slugs(municipality), self._output_keys(municipality)
        sums: dict[tuple[str, str, Cause], int] = defaultdict(int)
        for row in self._rows(_BY_OUTPUT, **bounds(start, end), zones=list(zones)):
            sums[keys[row.output_id].controller, zones[row.zone_id], row.cause] += row.energy
        return [(*key, energy) for key, energy in sorted(sums.items())]

    def burnt(self, outputs: Collection[OutputKey], start: datetime, end: datetime) -> list[Burnt]:
        """By output and level, from the entries that start in [start, end)."""
        keys = self._keys_of(outputs)
        rows = self._rows(_BURNT, **bounds(start, end), outputs=list(keys))
        return sorted(
            Burnt(keys[row.output_id], row.level, timedelta(microseconds=row.lit), row.energy) for row in rows
        )

    def delete_entries(self, outputs: Collection[OutputKey], before: datetime) -> int:
        """Delete entries that start before a moment; returns how many."""
        last, last_us = divmod(to_us(before), QUARTER_US)
        ids = [output.id for output in self._outputs(outputs)]
        return self._quick(_DELETE, {"last": last, "last_us": last_us, "outputs": ids}).changed


def _refuse_others(
    outputs: Collection[OutputKey], start: datetime, end: datetime, entries: Iterable[ZonedEntry]
) -> None:
    own = set(outputs)
    for _, new in entries:
        if new.output not in own or not start <= new.start < end:
            raise ValueError(f"{new.output} from {new.start}: not among the entries that are to be replaced")
