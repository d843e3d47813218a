"""Booking energy."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, bindparam, cast, func, insert, select, update

from service.domain.entries import Entry
from service.domain.inventory import OutputKey
from service.domain.words import Quality
from service.store import tables
from service.store.columns import QUALITIES, from_us
from service.store.entry_rows import COLUMNS, EXTENDING, HOUR_US, QUARTER_US, EntryRow, Look, bounds, row_from, row_of
from service.store.listed import Listed
from service.store.packed_sums import sums_of
from service.store.tables import table
from service.store.tx_base import municipality
from service.store.tx_coarse import COARSE_WITHIN, ENTRY_WITHIN, coarse_table, entry_table
from service.store.tx_entries import EntriesTx

stale = table(tables.EnergyStaleRow)

_QUARTERS_BACK = 3
"""An entry that goes on at a moment began in the same local hour: not more quarters ago."""

_OPEN = select(entry_table).where(Listed(entry_table.c.quarter, "quarters"), Listed(entry_table.c.output_id, "outputs"))
_ADD = insert(entry_table)
_EXTEND = (
    update(entry_table)
    .where(*(column == bindparam(f"of_{column.name}") for column in entry_table.primary_key.columns))
    .values({name: bindparam(f"to_{name}", type_=BigInteger) for name in ("energy_mwh", "length_us", "lit_us")})
)
_TZ = select(municipality.c.tz).where(municipality.c.slug == bindparam("municipality"))
_QUALITY_WORDS: dict[int, Any] = {number: word for word, number in QUALITIES}
_BY_QUALITY = (
    select(entry_table.c.quality, cast(func.sum(entry_table.c.energy_mwh), BigInteger).label("energy"))
    .where(ENTRY_WITHIN, Listed(entry_table.c.output_id, "outputs"))
    .group_by(entry_table.c.quality)
)
_COARSE = select(coarse_table.c.quality, coarse_table.c.energy_mwh, coarse_table.c.entries).where(
    COARSE_WITHIN, Listed(coarse_table.c.zone_id, "zones")
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


class BookingTx(EntriesTx):
    """Booking energy, and marking hours as stale by it."""

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

    def energy_of(self, outputs: Collection[OutputKey], start: datetime, end: datetime) -> list[tuple[Quality, int]]:
        """mWh by quality, from the entries of some outputs that start in [start, end)."""
        keys = self._keys_of(outputs)
        found: Counter[Quality] = Counter()
        for quality, energy in self._rows(_BY_QUALITY, **bounds(start, end), outputs=list(keys)):
            found[quality] += energy
        zones = list(self._zones_about(outputs))
        for number, energy in sums_of(keys, self._raw(_COARSE, **bounds(start, end), zones=zones)).items():
            found[_QUALITY_WORDS[number]] += energy
        return sorted(found.items())
