"""Entries that are coarse already: kept packed, and told like all others."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from sqlalchemy import Integer, and_, bindparam, delete, or_, select

from service.ports import LedgerState
from service.store import tables
from service.store.entry_rows import QUARTER_US, EntryRow, bounds, row_from
from service.store.listed import Listed
from service.store.packed import Kind, Packed, kind_of, packed, unpacked
from service.store.tables import table
from service.store.tx_base import BaseTx, municipality

entry_table = table(tables.EnergyEntryRow)
coarse_table = table(tables.EnergyCoarseRow)
_coarse_output = table(tables.CoarseOutputRow)
_ledger_state = table(tables.LedgerStateRow)

LONG_AGO = datetime.min.replace(tzinfo=UTC)

_first, _first_us = bindparam("first", type_=Integer), bindparam("first_us", type_=Integer)
_last, _last_us = bindparam("last", type_=Integer), bindparam("last_us", type_=Integer)
ENTRY_WITHIN = and_(
    entry_table.c.quarter >= _first,
    entry_table.c.quarter <= _last,
    or_(entry_table.c.quarter > _first, entry_table.c.start_us >= _first_us),
    or_(entry_table.c.quarter < _last, entry_table.c.start_us < _last_us),
)
"""Whether an entry starts in the stretch given by `bounds`."""
COARSE_WITHIN = and_(
    coarse_table.c.quarter >= _first,
    coarse_table.c.quarter <= _last,
    or_(coarse_table.c.quarter > _first, _first_us == 0),
    or_(coarse_table.c.quarter < _last, _last_us > 0),
)
"""Whether coarse entries do."""

_coarse_now = and_(
    ENTRY_WITHIN,
    Listed(entry_table.c.zone_id, "zones"),
    entry_table.c.ref.is_(None),
    entry_table.c.start_us == 0,
    or_(
        entry_table.c.length_us.is_(None),
        and_(entry_table.c.length_us > 0, entry_table.c.length_us % QUARTER_US == 0),
    ),
)
_FINE = select(entry_table).where(_coarse_now)
_REMOVE_FINE = delete(entry_table).where(_coarse_now)
_COARSE = select(coarse_table).where(COARSE_WITHIN, Listed(coarse_table.c.zone_id, "zones"))
_REMOVE = delete(coarse_table).where(
    *(coarse_table.c[name] == bindparam(f"of_{name}", type_=coarse_table.c.quarter.type) for name in Kind._fields)
)
_STATE = (
    select(_ledger_state)
    .select_from(municipality.join(_ledger_state))
    .where(municipality.c.slug == bindparam("municipality"))
)


class CoarseTx(BaseTx):
    """Packing, and how far it has come."""

    def ledger_state(self, municipality: str) -> LedgerState:
        """How far forgetting has come."""
        for row in self._rows(_STATE, municipality=municipality):
            return LedgerState(row.coarse_until, row.kept_from)
        return LedgerState()

    def set_ledger_state(self, municipality: str, state: LedgerState) -> None:
        """Note how far forgetting has come, and pack what has become coarse."""
        before = self.ledger_state(municipality).coarse_until or LONG_AGO
        of = self._municipality(municipality)
        values = {"municipality_id": of, "coarse_until": state.coarse_until, "kept_from": state.kept_from}
        self._upsert(_ledger_state, values)
        if state.coarse_until is not None and state.coarse_until > before:
            self._pack(municipality, before, state.coarse_until)

    def _pack(self, municipality: str, start: datetime, end: datetime) -> None:
        """Pack the entries of a municipality that start in [start, end), as far as they are coarse."""
        zones = list(self._zone_slugs(municipality))
        values = {**bounds(start, end), "zones": zones}
        found: dict[Kind, list[EntryRow]] = defaultdict(list)
        for row in map(row_from, self._raw(_FINE, **values)):
            kind = kind_of(row)
            if kind is None:
                raise AssertionError(f"not coarse: {row}")
            found[kind].append(row)
        if not found:
            return
        for there in self._packed(zones, start, end):
            if there.kind in found:
                found[there.kind] += there.rows()
        self._quick(_REMOVE_FINE, values)
        self._put(packed(kind, rows) for kind, rows in found.items())
        for output_id in sorted({row.output_id for rows in found.values() for row in rows}):
            self._insert_new(_coarse_output, {"output_id": output_id})

    def _packed(self, zones: Collection[int], start: datetime, end: datetime) -> list[Packed]:
        """The coarse entries of some zones that start in [start, end)."""
        return [unpacked(raw) for raw in self._raw(_COARSE, **bounds(start, end), zones=list(zones))]

    def _put(self, them: Iterable[Packed]) -> None:
        self._upsert_raw(coarse_table, [each.raw() for each in them])

    def _take_out(self, zones: Collection[int], outputs: Collection[int], start: datetime, end: datetime) -> int:
        """Remove the coarse entries of some outputs that start in [start, end); returns how many."""
        removed, left, empty = 0, [], []
        for there in self._packed(zones, start, end):
            rows = [row for row in there.rows() if row.output_id not in outputs]
            if len(rows) == len(there.outputs):
                continue
            removed += len(there.outputs) - len(rows)
            if rows:
                left.append(packed(there.kind, rows))
            else:
                empty.append(there.kind)
        self._raw_each(_REMOVE, tuple(f"of_{name}" for name in Kind._fields), empty)
        self._put(left)
        return removed
