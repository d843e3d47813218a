"""The tables of the ledger: entries, their roll-ups, readings of the utility and what was signed off."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import BigInteger, PrimaryKeyConstraint, SmallInteger
from sqlmodel import Field

from service.domain.words import Cause, Period, Quality
from service.store.columns import CAUSES, PERIODS, QUALITIES, Money, Stretch, UtcTime, Word
from service.store.tables_base import Base


class EnergyEntryRow(Base, table=True):
    """A booked stretch of energy of one output. A year of a hundred lamps is half a million rows, so a row is small.

    It starts `start_us` microseconds into `quarter`, which counts the quarters of an hour since 1970; `n` tells entries
    apart that start at the same moment. `length_us` is null for a whole hour; `lit_us` is null where the output was
    lit all the time, or at level 0 never. `zone_id` is the output's zone at that time, so past accounts stay as they
    were. The key begins with the time: what is booked together lies together. No foreign keys, since each would want an
    index of its own: outputs and zones with entries are kept by `save_inventory`. The order of the columns leaves no
    gaps between them on PostgreSQL.
    """

    __tablename__ = "energy_entry"
    __table_args__ = (
        PrimaryKeyConstraint("quarter", "output_id", "start_us", "n"),
        {"sqlite_with_rowid": False},
    )
    energy_mwh: int = Field(sa_type=BigInteger)
    length_us: int | None = Field(sa_type=BigInteger)
    lit_us: int | None = Field(sa_type=BigInteger)
    quarter: int
    output_id: int
    start_us: int
    zone_id: int
    n: int = Field(sa_type=SmallInteger)
    level: int = Field(sa_type=SmallInteger)
    cause: Cause = Field(sa_type=Word(CAUSES))
    quality: Quality = Field(sa_type=Word(QUALITIES))
    ref: str | None


class EnergyCoarseRow(Base, table=True):
    """Entries that are coarse already, by what they have in common: they begin with `quarter`, and are `quarters` long.

    `entries` is what `packed` makes of outputs, energies and burning times; `energy_mwh` is the sum.
    """

    __tablename__ = "energy_coarse"
    __table_args__ = (
        PrimaryKeyConstraint("quarter", "zone_id", "quarters", "level", "cause", "quality"),
        {"sqlite_with_rowid": False},
    )
    energy_mwh: int = Field(sa_type=BigInteger)
    quarter: int
    zone_id: int
    quarters: int = Field(sa_type=SmallInteger)
    level: int = Field(sa_type=SmallInteger)
    cause: Cause = Field(sa_type=Word(CAUSES))
    quality: Quality = Field(sa_type=Word(QUALITIES))
    entries: bytes


class CoarseOutputRow(Base, table=True):
    """An output that coarse entries are, or were, kept of: it must not be removed."""

    __tablename__ = "coarse_output"
    output_id: int = Field(primary_key=True, foreign_key="output.id")


class EnergyRolledRow(Base, table=True):
    """The energy of a zone in a period that begins at `start_at`, by cause and quality."""

    __tablename__ = "energy_rolled"
    __table_args__ = (
        PrimaryKeyConstraint("zone_id", "period", "start_at", "cause", "quality"),
        {"sqlite_with_rowid": False},
    )
    energy_mwh: int = Field(sa_type=BigInteger)
    start_at: datetime = Field(sa_type=UtcTime)
    zone_id: int = Field(foreign_key="zone.id")
    period: Period = Field(sa_type=Word(PERIODS))
    cause: Cause = Field(sa_type=Word(CAUSES))
    quality: Quality = Field(sa_type=Word(QUALITIES))


class EnergyStaleRow(Base, table=True):
    """A full hour of UTC with entries that were booked since it was last rolled up."""

    __tablename__ = "energy_stale"
    __table_args__ = ({"sqlite_with_rowid": False},)
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    hour_at: datetime = Field(primary_key=True, sa_type=UtcTime)


class BurntMonthRow(Base, table=True):
    """How long an output was lit at a level in a calendar month (`month` is its first day), and the energy."""

    __tablename__ = "burnt_month"
    __table_args__ = ({"sqlite_with_rowid": False},)
    output_id: int = Field(primary_key=True, foreign_key="output.id")
    month: date = Field(primary_key=True)
    level: int = Field(primary_key=True, sa_type=SmallInteger, sa_column_kwargs={"autoincrement": False})
    lit: timedelta = Field(sa_type=Stretch)
    energy_mwh: int = Field(sa_type=BigInteger)


class LedgerStateRow(Base, table=True):
    """How far forgetting has come in a municipality."""

    __tablename__ = "ledger_state"
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    coarse_until: datetime | None = Field(sa_type=UtcTime)
    kept_from: datetime | None = Field(sa_type=UtcTime)


class UtilityReadingRow(Base, table=True):
    """What the utility's meter at a supply point showed; null in the last two columns while it counts."""

    __tablename__ = "utility_reading"
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    public_id: str = Field(primary_key=True)
    supply_point: str
    at: datetime = Field(sa_type=UtcTime)
    kwh: Decimal = Field(sa_type=Money)
    entered_by: str
    entered_at: datetime = Field(sa_type=UtcTime)
    note: str
    withdrawn_by: str | None
    withdrawn_at: datetime | None = Field(sa_type=UtcTime)


class SignedStatementRow(Base, table=True):
    """A month's burning times as signed off (`month` is its first day); rows are only ever added."""

    __tablename__ = "signed_statement"
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    month: date = Field(primary_key=True)
    signed_by: str
    signed_at: datetime = Field(sa_type=UtcTime)
    document: str
