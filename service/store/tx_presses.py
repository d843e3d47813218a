"""Presses: kept, looked through, forgotten."""

from datetime import UTC, datetime
from secrets import token_hex

from sqlalchemy import BigInteger, bindparam, delete, exists, or_, select, type_coerce, update

from service.domain.entries import QUARTER
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
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER_US = 900_000_000
_sharp = type_coerce(press_table.c.at, BigInteger) % _QUARTER_US
_MAKE_PRESSES_COARSE = (
    update(press_table)
    .where(press_table.c.at < _before, or_(press_table.c.lease.is_not(None), _sharp != 0))
    .values(at=type_coerce(press_table.c.at, BigInteger) - _sharp, lease=None)
)
_names = press_table.c.lease == lease.c.public_id
_SHARP_LEASES = select(lease.c.id, lease.c.start_at, lease.c.until_at).where(
    lease.c.until_at < _before,
    ~exists().where(_names, press_table.c.at >= _before),
    or_(
        exists().where(_names),
        lease.c.ordered_at.is_not(None),
        type_coerce(lease.c.start_at, BigInteger) % _QUARTER_US != 0,
        type_coerce(lease.c.until_at, BigInteger) % _QUARTER_US != 0,
    ),
)
_MAKE_LEASE_COARSE = (
    update(lease)
    .where(lease.c.id == bindparam("of"))
    .values(
        public_id=bindparam("another"),
        start_at=bindparam("from_quarter", type_=UtcTime),
        until_at=bindparam("to_quarter", type_=UtcTime),
        ordered_at=None,
    )
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

    def coarsen_presses(self, before: datetime) -> int:
        """Make what is told of presses before a moment, and of leases that ended before it, coarse; returns how many.

        A press comes at the beginning of its quarter of an hour and names no lease. A lease begins at that of its own,
        lasts whole quarters (at least one, else the nearest number), gets another random id and forgets when it was
        ordered. One that a later press names waits for that.
        """
        leases = [
            {"of": row.id, "another": token_hex(16), **_quarters(row.start_at, row.until_at)}
            for row in self._rows(_SHARP_LEASES, before=before)
        ]
        presses = self._quick(_MAKE_PRESSES_COARSE, {"before": before}).changed
        self._quick_each(_MAKE_LEASE_COARSE, leases)
        return presses + len(leases)

    def forget_presses(self, before: datetime) -> int:
        """Delete presses before a moment, and leases that ended before it, but none that a later press names."""
        forgotten = self._run(_FORGET_PRESSES, {"before": before}).rowcount
        self._run(_FORGET_LEASES, {"before": before})
        return forgotten


def _quarters(start: datetime, until: datetime) -> dict[str, datetime]:
    """A coarse lease's beginning and end."""
    begun = start - (start - _EPOCH) % QUARTER
    lasts = max(1, (until - start + QUARTER / 2) // QUARTER)
    return {"from_quarter": begun, "to_quarter": begun + lasts * QUARTER}
