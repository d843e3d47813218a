"""Energy entries, fine and coarse: read, replaced and deleted."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, bindparam, cast, delete, func, insert, select

from service.domain.entries import ZonedEntry
from service.domain.inventory import OutputKey, ZoneKey
from service.domain.words import Cause, Quality
from service.ports import Burnt, EnergySum
from service.store.columns import from_us
from service.store.entry_rows import (
    CAUSE_WORDS,
    COLUMNS,
    HOUR_US,
    PLACE,
    QUARTER_US,
    EntryRow,
    bounds,
    row_from,
    row_of,
)
from service.store.listed import Listed
from service.store.tx_coarse import COARSE_WITHIN, ENTRY_WITHIN, LONG_AGO, CoarseTx, coarse_table, entry_table

_of_zones, _of_outputs = Listed(entry_table.c.zone_id, "zones"), Listed(entry_table.c.output_id, "outputs")
_ENTRIES = select(entry_table).where(ENTRY_WITHIN, _of_zones)
_ENTRIES_OF = select(entry_table).where(ENTRY_WITHIN, _of_outputs)
_ADD = insert(entry_table)
_REMOVE = delete(entry_table).where(
    *(column == bindparam(f"of_{column.name}") for column in entry_table.primary_key.columns)
)
_DELETE = delete(entry_table).where(ENTRY_WITHIN, _of_outputs)
_energy = cast(func.sum(entry_table.c.energy_mwh), BigInteger).label("energy")
_lit = func.coalesce(entry_table.c.lit_us, entry_table.c.length_us, HOUR_US)
_SUMS = (
    select(entry_table.c.quarter, entry_table.c.zone_id, entry_table.c.cause, entry_table.c.quality, _energy)
    .where(ENTRY_WITHIN, _of_zones)
    .group_by(entry_table.c.quarter, entry_table.c.zone_id, entry_table.c.cause, entry_table.c.quality)
)
_COARSE_SUMS = select(
    coarse_table.c.quarter,
    coarse_table.c.zone_id,
    coarse_table.c.cause,
    coarse_table.c.quality,
    coarse_table.c.energy_mwh.label("energy"),
).where(COARSE_WITHIN, Listed(coarse_table.c.zone_id, "zones"))
_BY_OUTPUT = (
    select(entry_table.c.output_id, entry_table.c.zone_id, entry_table.c.cause, _energy)
    .where(ENTRY_WITHIN, _of_zones)
    .group_by(entry_table.c.output_id, entry_table.c.zone_id, entry_table.c.cause)
)
_BURNT = (
    select(entry_table.c.output_id, entry_table.c.level, cast(func.sum(_lit), BigInteger).label("lit"), _energy)
    .where(ENTRY_WITHIN, _of_outputs, entry_table.c.level > 0)
    .group_by(entry_table.c.output_id, entry_table.c.level)
)


class EntriesTx(CoarseTx):
    """What was booked."""

    def entries(self, municipality: str, start: datetime, end: datetime, zone: str | None = None) -> list[ZonedEntry]:
        """Entries that start in [start, end), of all zones or one, by start, then output."""
        zones = self._zone_slugs(municipality)
        keys = self._output_keys(municipality)
        wanted = [id_ for id_, slug in zones.items() if zone in (None, slug)]
        rows = [row_from(raw) for raw in self._raw(_ENTRIES, **bounds(start, end), zones=wanted)]
        rows += [row for there in self._packed(wanted, start, end) for row in there.rows()]
        rows.sort(key=lambda row: (row.start, keys[row.output_id], row.n))
        return [ZonedEntry(zones[row.zone_id], row.entry(keys[row.output_id])) for row in rows]

    def entries_of(self, outputs: Collection[OutputKey], start: datetime, end: datetime) -> list[ZonedEntry]:
        """Entries of some outputs that start in [start, end), by output and start."""
        keys, zones = self._keys_of(outputs), self._zones_about(outputs)
        rows = self._fine(keys, start, end)
        coarse = (row for there in self._packed(zones, start, end) for row in there.rows())
        rows += [row for row in coarse if row.output_id in keys]
        rows.sort(key=lambda row: (keys[row.output_id], row.start, row.n))
        return [ZonedEntry(zones[row.zone_id], row.entry(keys[row.output_id])) for row in rows]

    def _fine(self, outputs: Iterable[int], start: datetime, end: datetime) -> list[EntryRow]:
        """The entries of some outputs that are not packed."""
        return [row_from(raw) for raw in self._raw(_ENTRIES_OF, **bounds(start, end), outputs=list(outputs))]

    def _keys_of(self, outputs: Collection[OutputKey]) -> dict[int, OutputKey]:
        """The outputs that exist, by their keys inside."""
        known = self._outputs_known(outputs)
        return {known[output].id: output for output in outputs if output in known}

    def _zones_about(self, outputs: Collection[OutputKey]) -> dict[int, str]:
        """The slugs of all zones of the outputs' municipalities."""
        return {
            id_: slug
            for home in {output.municipality for output in outputs}
            for id_, slug in self._zone_slugs(home).items()
        }

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
        keys = self._keys_of(outputs)
        there = {row.place(): row for row in self._fine(keys, start, end)}
        self._take_out(self._zones_about(outputs), keys, start, end)
        self._raw_each(_REMOVE, PLACE, [place for place, row in there.items() if wanted.get(place) != row])
        self._raw_each(_ADD, COLUMNS, [row.raw() for place, row in wanted.items() if there.get(place) != row])
        for home in {output.municipality for output in outputs}:
            coarse_until = self.ledger_state(home).coarse_until or LONG_AGO
            if start < coarse_until:
                self._pack(home, start, min(end, coarse_until))

    def energy_sums(self, municipality: str, start: datetime, end: datetime) -> list[EnergySum]:
        """Sums of the entries that start in [start, end), by zone, cause, quality and the quarter of their start."""
        zones = self._zone_slugs(municipality)
        values = {**bounds(start, end), "zones": list(zones)}
        sums: Counter[tuple[int, int, Cause, Quality]] = Counter()
        for statement in (_SUMS, _COARSE_SUMS):
            for *of, energy in self._rows(statement, **values):
                sums[tuple(of)] += energy
        return sorted(
            EnergySum(from_us(quarter * QUARTER_US), zones[zone_id], cause, quality, energy)
            for (quarter, zone_id, cause, quality), energy in sums.items()
        )

    def energy_by_controller(
        self, municipality: str, start: datetime, end: datetime
    ) -> list[tuple[str, str, Cause, int]]:
        """Controller, zone, cause and mWh of the entries that start in [start, end), by controller."""
        zones, keys = self._zone_slugs(municipality), self._output_keys(municipality)
        sums: Counter[tuple[int, int, Cause]] = Counter()
        for *of, energy in self._rows(_BY_OUTPUT, **bounds(start, end), zones=list(zones)):
            sums[tuple(of)] += energy
        for there in self._packed(zones, start, end):
            zone_id, cause = there.kind.zone_id, CAUSE_WORDS[there.kind.cause]
            for output_id, energy, _ in there.items():
                sums[output_id, zone_id, cause] += energy
        by: Counter[tuple[str, str, Cause]] = Counter()
        for (output_id, zone_id, cause), energy in sums.items():
            by[keys[output_id].controller, zones[zone_id], cause] += energy
        return [(*of, energy) for of, energy in sorted(by.items())]

    def burnt(self, outputs: Collection[OutputKey], start: datetime, end: datetime) -> list[Burnt]:
        """By output and level, from the entries that start in [start, end)."""
        keys = self._keys_of(outputs)
        lits: Counter[tuple[int, int]] = Counter()
        energies: Counter[tuple[int, int]] = Counter()
        for output_id, level, lit, energy in self._rows(_BURNT, **bounds(start, end), outputs=list(keys)):
            lits[output_id, level] += lit
            energies[output_id, level] += energy
        for there in self._packed(self._zones_about(outputs), start, end):
            level = there.kind.level
            for output_id, energy, lit in there.items() if level else ():
                if output_id in keys:
                    lits[output_id, level] += lit
                    energies[output_id, level] += energy
        return sorted(
            Burnt(keys[output_id], level, timedelta(microseconds=lits[output_id, level]), energy)
            for (output_id, level), energy in energies.items()
        )

    def delete_entries(self, outputs: Collection[OutputKey], before: datetime) -> int:
        """Delete entries that start before a moment; returns how many."""
        ids = {output.id for output in self._outputs(outputs)}
        fine = self._quick(_DELETE, {**bounds(LONG_AGO, before), "outputs": list(ids)}).changed
        return fine + self._take_out(self._zones_about(outputs), ids, LONG_AGO, before)


def _refuse_others(
    outputs: Collection[OutputKey], start: datetime, end: datetime, entries: Iterable[ZonedEntry]
) -> None:
    own = set(outputs)
    for _, new in entries:
        if new.output not in own or not start <= new.start < end:
            raise ValueError(f"{new.output} from {new.start}: not among the entries that are to be replaced")
