"""What is worked out of entries and kept (roll-ups, monthly burning times), and what people say of them."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import BigInteger, bindparam, cast, delete, func, insert, literal, select, update

from service.domain.inventory import OutputKey, ZoneKey
from service.domain.words import Cause, Period, Quality
from service.ports import Burnt, EnergySum, SignedStatement, UtilityReading
from service.store import tables
from service.store.columns import PERIODS, UtcTime, Word
from service.store.listed import Listed
from service.store.tables import table
from service.store.tx_base import BaseTx, municipality

rolled = table(tables.EnergyRolledRow)
stale = table(tables.EnergyStaleRow)
burnt_month = table(tables.BurntMonthRow)
utility_reading = table(tables.UtilityReadingRow)
signed_statement = table(tables.SignedStatementRow)

_of = municipality.c.slug == bindparam("municipality")
_start, _end = bindparam("start", type_=UtcTime), bindparam("end", type_=UtcTime)
_STALE = select(stale.c.hour_at).select_from(municipality.join(stale)).where(_of).order_by(stale.c.hour_at)
_CLEAR = delete(stale).where(
    stale.c.municipality_id == bindparam("of"), stale.c.hour_at == bindparam("hour", type_=UtcTime)
)

_kind = bindparam("period", type_=Word(PERIODS))
_of_zones = Listed(rolled.c.zone_id, "zones")
_ROLLED = select(rolled).where(
    _of_zones, rolled.c.period == _kind, rolled.c.start_at >= _start, rolled.c.start_at < _end
)
_BY_CAUSE = (
    select(rolled.c.start_at, rolled.c.cause, cast(func.sum(rolled.c.energy_mwh), BigInteger).label("energy_mwh"))
    .where(_of_zones, rolled.c.period == _kind, rolled.c.start_at >= _start, rolled.c.start_at < _end)
    .group_by(rolled.c.start_at, rolled.c.cause)
)
_BY_ZONE = (
    select(rolled.c.zone_id, rolled.c.cause, cast(func.sum(rolled.c.energy_mwh), BigInteger).label("energy_mwh"))
    .where(_of_zones, rolled.c.period == _kind, rolled.c.start_at >= _start, rolled.c.start_at < _end)
    .group_by(rolled.c.zone_id, rolled.c.cause)
)
_REMOVE = delete(rolled).where(_of_zones, rolled.c.period == _kind, rolled.c.start_at == _start)
_REMOVE_BEFORE = delete(rolled).where(_of_zones, rolled.c.period == _kind, rolled.c.start_at < _end)
_ADD = insert(rolled)
_ROLL = insert(rolled).from_select(
    ["zone_id", "period", "start_at", "cause", "quality", "energy_mwh"],
    select(
        rolled.c.zone_id,
        _kind,
        _start,
        rolled.c.cause,
        rolled.c.quality,
        cast(func.sum(rolled.c.energy_mwh), BigInteger),
    )
    .where(
        _of_zones,
        rolled.c.period == literal(Period.HOUR, Word(PERIODS)),
        rolled.c.start_at >= _start,
        rolled.c.start_at < _end,
    )
    .group_by(rolled.c.zone_id, rolled.c.cause, rolled.c.quality),
)

_month = bindparam("of_month", type_=burnt_month.c.month.type)
_BURNT = select(burnt_month).where(burnt_month.c.month == _month, Listed(burnt_month.c.output_id, "outputs"))
_UNBURNT = delete(burnt_month).where(burnt_month.c.month == _month, Listed(burnt_month.c.output_id, "outputs"))
_BURN = insert(burnt_month)

_READINGS = select(utility_reading).select_from(municipality.join(utility_reading)).where(_of)
_WITHDRAW = (
    update(utility_reading)
    .where(
        utility_reading.c.municipality_id == bindparam("of"),
        utility_reading.c.public_id == bindparam("reading"),
        utility_reading.c.withdrawn_at.is_(None),
    )
    .values(withdrawn_by=bindparam("by"), withdrawn_at=bindparam("when", type_=UtcTime))
)
_SIGNED = (
    select(signed_statement)
    .select_from(municipality.join(signed_statement))
    .where(_of, signed_statement.c.month == bindparam("of_month", type_=signed_statement.c.month.type))
)


class RollupsTx(BaseTx):
    """Sums that are kept, and papers."""

    def stale_hours(self, municipality: str) -> list[datetime]:
        """Full hours of UTC with entries that were booked since they were last rolled up, in order."""
        return [row.hour_at for row in self._rows(_STALE, municipality=municipality)]

    def clear_stale(self, municipality: str, hours: Iterable[datetime]) -> None:
        """The given hours of UTC have been rolled up."""
        of = self._municipality(municipality)
        self._quick_each(_CLEAR, [{"of": of, "hour": hour} for hour in hours])

    def set_rolled(self, municipality: str, period: Period, start: datetime, sums: Iterable[EnergySum]) -> None:
        """Replace the roll-up of the period that begins at `start`; the sums' own `start` is not looked at."""
        total: Counter[tuple[str, Cause, Quality]] = Counter()
        for one in sums:
            total[one.zone, one.cause, one.quality] += one.energy_mwh
        ids = self._zones([ZoneKey(municipality, zone) for zone, *_ in total])
        zones = list(self._zone_slugs(municipality))
        self._quick(_REMOVE, {"zones": zones, "period": period, "start": start})
        rows = [
            {
                "zone_id": zone_id,
                "period": period,
                "start_at": start,
                "cause": cause,
                "quality": quality,
                "energy_mwh": energy,
            }
            for zone_id, ((_, cause, quality), energy) in zip(ids, total.items(), strict=True)
        ]
        self._quick_each(_ADD, rows)

    def roll(self, municipality: str, period: Period, start: datetime, end: datetime) -> None:
        """Replace the roll-up of the period from `start` to `end` by the sums of its rolled-up hours."""
        values = {"zones": list(self._zone_slugs(municipality)), "period": period, "start": start}
        self._quick(_REMOVE, values)
        self._quick(_ROLL, values | {"end": end})

    def rolled(
        self, municipality: str, period: Period, start: datetime, end: datetime, zone: str | None = None
    ) -> list[EnergySum]:
        """Roll-ups of periods that begin in [start, end), by start, zone, cause and quality."""
        zones = self._zone_slugs(municipality)
        wanted = [id_ for id_, slug in zones.items() if zone in (None, slug)]
        rows = self._rows(_ROLLED, zones=wanted, period=period, start=start, end=end)
        return sorted(
            EnergySum(row.start_at, zones[row.zone_id], row.cause, row.quality, row.energy_mwh) for row in rows
        )

    def rolled_by_cause(
        self, municipality: str, period: Period, start: datetime, end: datetime, zone: str | None = None
    ) -> list[tuple[datetime, Cause, int]]:
        """The same, summed over zones (but for `zone`) and qualities: beginning, cause and mWh."""
        wanted = [id_ for id_, slug in self._zone_slugs(municipality).items() if zone in (None, slug)]
        rows = self._rows(_BY_CAUSE, zones=wanted, period=period, start=start, end=end)
        return [(row.start_at, row.cause, row.energy_mwh) for row in rows]

    def rolled_by_zone(
        self, municipality: str, period: Period, start: datetime, end: datetime, zone: str | None = None
    ) -> list[tuple[str, Cause, int]]:
        """The same, summed over all periods and qualities: zone, cause and mWh."""
        zones = self._zone_slugs(municipality)
        wanted = [id_ for id_, slug in zones.items() if zone in (None, slug)]
        rows = self._rows(_BY_ZONE, zones=wanted, period=period, start=start, end=end)
        return [(zones[row.zone_id], row.cause, row.energy_mwh) for row in rows]

    def delete_rolled(self, municipality: str, period: Period, before: datetime) -> None:
        """Delete roll-ups of periods that begin before a moment."""
        zones = list(self._zone_slugs(municipality))
        self._quick(_REMOVE_BEFORE, {"zones": zones, "period": period, "end": before})

    def set_burnt_month(self, month: date, outputs: Collection[OutputKey], sums: Sequence[Burnt]) -> None:
        """Replace what outputs burnt in a month (its first day)."""
        ids = [output.id for output in self._outputs(outputs)]
        burning = self._outputs([one.output for one in sums])
        self._quick(_UNBURNT, {"of_month": month, "outputs": ids})
        rows = [
            {
                "output_id": output.id,
                "month": month,
                "level": one.level,
                "lit": one.lit,
                "energy_mwh": one.energy_mwh,
            }
            for one, output in zip(sums, burning, strict=True)
        ]
        self._quick_each(_BURN, rows)

    def burnt_month(self, municipality: str, month: date) -> list[Burnt]:
        """What was kept by `set_burnt_month`, by output and level."""
        keys = self._output_keys(municipality)
        rows = self._rows(_BURNT, of_month=month, outputs=list(keys))
        return sorted(Burnt(keys[row.output_id], row.level, row.lit, row.energy_mwh) for row in rows)

    def add_reading(self, municipality: str, reading: UtilityReading) -> None:
        """Keep a reading. ConflictError when its id is there already."""
        values = {
            "municipality_id": self._municipality(municipality),
            "public_id": reading.id,
            "supply_point": reading.supply_point,
            "at": reading.at,
            "kwh": reading.kwh,
            "entered_by": reading.entered_by,
            "entered_at": reading.entered_at,
            "note": reading.note,
            "withdrawn_by": reading.withdrawn_by,
            "withdrawn_at": reading.withdrawn_at,
        }
        self._insert_once(utility_reading, values, f"reading {reading.id}")

    def withdraw_reading(self, municipality: str, reading: str, by: str, at: datetime) -> bool:
        """Let a reading count no more; False when there is none, or it was withdrawn already."""
        values = {"of": self._municipality(municipality), "reading": reading, "by": by, "when": at}
        return self._quick(_WITHDRAW, values).changed > 0

    def readings(self, municipality: str) -> list[UtilityReading]:
        """All readings ever entered, withdrawn ones too, by supply point and moment."""
        found = [
            UtilityReading(
                row.public_id,
                row.supply_point,
                row.at,
                row.kwh,
                row.entered_by,
                row.entered_at,
                row.note,
                row.withdrawn_by,
                row.withdrawn_at,
            )
            for row in self._rows(_READINGS, municipality=municipality)
        ]
        return sorted(found, key=lambda one: (one.supply_point, one.at, one.id))

    def sign(self, municipality: str, statement: SignedStatement) -> None:
        """Keep a signed statement for good. ConflictError when its month is signed already."""
        values = {
            "municipality_id": self._municipality(municipality),
            "month": statement.month,
            "signed_by": statement.signed_by,
            "signed_at": statement.signed_at,
            "document": statement.document,
        }
        self._insert_once(signed_statement, values, f"the statement of {statement.month:%Y-%m}")

    def signed(self, municipality: str, month: date) -> SignedStatement | None:
        """The signed statement of a month (its first day)."""
        for row in self._rows(_SIGNED, municipality=municipality, of_month=month):
            return SignedStatement(row.month, row.signed_by, row.signed_at, row.document)
        return None
