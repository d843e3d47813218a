"""Presses: kept, looked through, forgotten."""

from datetime import datetime

from sqlalchemy import bindparam, delete, exists, select

from service.domain.inventory import ZoneKey
from service.domain.words import Channel, Reason
from service.ports import PressRecord
from service.store import tables
from service.store.columns import UtcTime
from service.store.tables import table
from service.store.tx_base import BaseTx, municipality, zone

press_table = table(tables.PressRow)
lease = table(tables.LeaseRow)

_start, _end = bindparam("start", type_=UtcTime), bindparam("end", type_=UtcTime)
_before = bindparam("before", type_=UtcTime)
_PRESSES = (
    select(
        press_table.c.public_id,
        zone.c.slug.label("zone"),
        press_table.c.at,
        press_table.c.channel,
        press_table.c.refused,
        press_table.c.lease,
    )
    .select_from(municipality)
    .join(zone)
    .join(press_table, press_table.c.zone_id == zone.c.id)
    .where(municipality.c.slug == bindparam("municipality"), press_table.c.at >= _start, press_table.c.at < _end)
    .order_by(press_table.c.at, press_table.c.id)
)
_FORGET_PRESSES = delete(press_table).where(press_table.c.at < _before)
_FORGET_LEASES = delete(lease).where(
    lease.c.until_at < _before, ~exists().where(press_table.c.lease == lease.c.public_id)
)


class PressesTx(BaseTx):
    """What was pressed, granted and refused."""

    def add_press(self, press: PressRecord) -> None:
        """Keep a press."""
        [zone_id] = self._zones([press.zone])
        self._insert_once(
            press_table,
            {
                "public_id": press.id,
                "zone_id": zone_id,
                "at": press.at,
                "channel": press.channel.value,
                "refused": None if press.refused is None else press.refused.value,
                "lease": press.lease,
            },
            f"press {press.id}",
        )

    def presses(self, municipality: str, start: datetime, end: datetime) -> list[PressRecord]:
        """The presses of [start, end), granted and refused, by time."""
        return [
            PressRecord(
                row.public_id,
                ZoneKey(municipality, row.zone),
                row.at,
                Channel(row.channel),
                None if row.refused is None else Reason(row.refused),
                row.lease,
            )
            for row in self._rows(_PRESSES, municipality=municipality, start=start, end=end)
        ]

    def forget_presses(self, before: datetime) -> int:
        """Delete presses before a moment, and leases that ended before it, but none that a later press names."""
        forgotten = self._run(_FORGET_PRESSES, {"before": before}).rowcount
        self._run(_FORGET_LEASES, {"before": before})
        return forgotten
