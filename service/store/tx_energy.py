"""Energy entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import bindparam, insert, select, update

from service.domain.energy import Entry
from service.domain.words import Cause
from service.ports import EnergyRow
from service.store import tables
from service.store.columns import UtcTime
from service.store.tables import table
from service.store.tx_base import BaseTx, controller, municipality, output, zone

entry = table(tables.EnergyEntryRow)

_newest = entry.alias("newest")
_LAST = (
    select(entry)
    .select_from(output)
    .join(
        entry,
        entry.c.id
        == select(_newest.c.id)
        .where(_newest.c.output_id == output.c.id)
        .order_by(_newest.c.start_at.desc(), _newest.c.id.desc())
        .limit(1)
        .scalar_subquery(),
    )
    .where(output.c.id == bindparam("output"))
)
_ADD = insert(entry)
_EXTEND = (
    update(entry)
    .where(entry.c.id == bindparam("entry"))
    .values(end_at=bindparam("until", type_=UtcTime), energy_mwh=bindparam("energy"))
)
_start, _end = bindparam("start", type_=UtcTime), bindparam("end", type_=UtcTime)
_ENERGY = (
    select(zone.c.slug, entry.c.start_at, entry.c.end_at, entry.c.energy_mwh, entry.c.cause)
    .select_from(municipality)
    .join(controller)
    .join(output, output.c.controller_id == controller.c.id)
    .join(entry, entry.c.output_id == output.c.id)
    .join(zone, zone.c.id == entry.c.zone_id)
    .where(municipality.c.slug == bindparam("municipality"), entry.c.start_at >= _start, entry.c.start_at < _end)
    .order_by(entry.c.start_at, entry.c.id)
)
_ENERGY_OF_ZONE = _ENERGY.where(zone.c.slug == bindparam("zone"))


@dataclass(slots=True)
class _Last:
    """An output's last entry; `id` is None until it is in the database, `changed` when that one is out of date."""

    id: int | None
    zone_id: int
    start: datetime
    end: datetime
    energy_mwh: int
    cause: Cause
    changed: bool = False

    def takes(self, new: Entry, zone_id: int) -> bool:
        """Whether a new entry goes on with this one."""
        return (self.end, self.cause, self.zone_id, _hour(self.start)) == (
            new.start,
            new.cause,
            zone_id,
            _hour(new.start),
        )


class EnergyTx(BaseTx):
    """Booking energy and reading it."""

    def add_energy(self, entries: Sequence[Entry]) -> None:
        """Book energy; an entry that goes on with the output's last one extends it."""
        if not entries:
            return
        found = self._outputs([new.output for new in entries])
        last = {
            row.output_id: _Last(row.id, row.zone_id, row.start_at, row.end_at, row.energy_mwh, Cause(row.cause))
            for id_ in sorted({output.id for output in found})
            for row in self._rows(_LAST, output=id_)
        }
        booked = list(last.items())
        for new, (output_id, zone_id) in zip(entries, found, strict=True):
            before = last.get(output_id)
            if before is not None and before.takes(new, zone_id):
                before.end, before.energy_mwh, before.changed = new.end, before.energy_mwh + new.energy_mwh, True
                continue
            last[output_id] = _Last(None, zone_id, new.start, new.end, new.energy_mwh, new.cause)
            booked.append((output_id, last[output_id]))
        self._keep(booked)

    def _keep(self, booked: Sequence[tuple[int, _Last]]) -> None:
        longer = [
            {"entry": one.id, "until": one.end, "energy": one.energy_mwh}
            for _, one in booked
            if one.id is not None and one.changed
        ]
        new = [
            {
                "output_id": output_id,
                "zone_id": one.zone_id,
                "start_at": one.start,
                "end_at": one.end,
                "energy_mwh": one.energy_mwh,
                "cause": one.cause.value,
            }
            for output_id, one in booked
            if one.id is None
        ]
        self._quick_each(_EXTEND, longer)
        self._quick_each(_ADD, new)

    def energy(self, municipality: str, start: datetime, end: datetime, zone: str | None = None) -> list[EnergyRow]:
        """Entries that start in [start, end), of all zones or one, by start."""
        values = {"municipality": municipality, "start": start, "end": end}
        rows = self._rows(_ENERGY, **values) if zone is None else self._rows(_ENERGY_OF_ZONE, **values, zone=zone)
        return [EnergyRow(slug, begun, ended, energy, Cause(cause)) for slug, begun, ended, energy, cause in rows]


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
