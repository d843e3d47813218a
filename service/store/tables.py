"""The tables. Surrogate integer keys inside, ids as the outside knows them (`slug`, `public_id`, `n`) unique.

Moments are `UtcTime`, energy is integer mWh, money is `Money`. The database fills in nothing by itself.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, MetaData, String, Table, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.store.columns import BigKey, Money, UtcTime

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel):
    """What all tables share: names of constraints that are the same on every database."""

    metadata = MetaData(naming_convention=_NAMES)


def table(model: type[Base]) -> Table:
    """The Core table of a model: statements are built on this."""
    return Base.metadata.tables[str(model.__tablename__)]


# what stands in the village


class MunicipalityRow(Base, table=True):
    """A tenant."""

    __tablename__ = "municipality"
    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True)
    name: str
    tz: str
    lat: float
    lon: float
    language: str
    currency: str
    safety_schedule: list[dict[str, Any]] = Field(sa_type=JSON)
    note: str


class PriceRow(Base, table=True):
    """A price per kilowatt-hour from a day on."""

    __tablename__ = "price"
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    valid_from: date = Field(primary_key=True)
    per_kwh: Decimal = Field(sa_type=Money)
    source: str


class ZoneRow(Base, table=True):
    """What one press lights."""

    __tablename__ = "zone"
    __table_args__ = (UniqueConstraint("municipality_id", "slug"),)
    id: int | None = Field(default=None, primary_key=True)
    municipality_id: int = Field(foreign_key="municipality.id")
    slug: str
    name: str
    listed: bool


class ZoneAlongRow(Base, table=True):
    """A zone that is lit along with another; `position` keeps the order."""

    __tablename__ = "zone_along"
    zone_id: int = Field(primary_key=True, foreign_key="zone.id")
    along_id: int = Field(primary_key=True, foreign_key="zone.id")
    position: int


class PolicyRow(Base, table=True):
    """A version of a zone's rules. Versions are only ever added; of equal `valid_from` the later one rules."""

    __tablename__ = "policy"
    __table_args__ = (Index(None, "zone_id", "valid_from"),)
    id: int | None = Field(default=None, primary_key=True)
    zone_id: int = Field(foreign_key="zone.id")
    valid_from: datetime = Field(sa_type=UtcTime)
    schedule: list[dict[str, Any]] = Field(sa_type=JSON)
    minutes: int
    level: int
    longest_minutes: int
    rest_minutes: int
    fail_state: str
    cut_off_after_min: int
    resolution: str | None
    recorded_at: datetime = Field(sa_type=UtcTime)


class ControllerRow(Base, table=True):
    """One device with one MQTT identity."""

    __tablename__ = "controller"
    __table_args__ = (UniqueConstraint("municipality_id", "slug"),)
    id: int | None = Field(default=None, primary_key=True)
    municipality_id: int = Field(foreign_key="municipality.id")
    slug: str
    kind: str
    name: str


class OutputRow(Base, table=True):
    """One switchable feed. `safety`, `lamps` and `watts` are worked out from its lamps when those are saved."""

    __tablename__ = "output"
    __table_args__ = (UniqueConstraint("controller_id", "n"),)
    id: int | None = Field(default=None, primary_key=True)
    controller_id: int = Field(foreign_key="controller.id")
    n: int
    zone_id: int = Field(foreign_key="zone.id", index=True)
    min_level: int
    max_level: int
    step: int
    safety: bool
    lamps: int
    watts: float


class MeterRow(Base, table=True):
    """A cumulative energy meter."""

    __tablename__ = "meter"
    __table_args__ = (UniqueConstraint("controller_id", "n"),)
    id: int | None = Field(default=None, primary_key=True)
    controller_id: int = Field(foreign_key="controller.id")
    n: int


class MeterOutputRow(Base, table=True):
    """An output that a meter covers."""

    __tablename__ = "meter_output"
    meter_id: int = Field(primary_key=True, foreign_key="meter.id")
    output_id: int = Field(primary_key=True, foreign_key="output.id")


class LampRow(Base, table=True):
    """A luminaire on a pole."""

    __tablename__ = "lamp"
    __table_args__ = (UniqueConstraint("municipality_id", "slug"),)
    id: int | None = Field(default=None, primary_key=True)
    municipality_id: int = Field(foreign_key="municipality.id")
    slug: str
    output_id: int = Field(foreign_key="output.id")
    watts: float
    lat: float
    lon: float
    pole: str
    safety: bool
    ring: str


# presses and leases


class LeaseRow(Base, table=True):
    """What one granted press bought, and how far it has come. `zone_id` is the pressed zone.

    `lights` are the slugs of the zones that it lights, in their order, parted by spaces: what was bought stays so,
    whatever the zones light along later.
    """

    __tablename__ = "lease"
    __table_args__ = (Index(None, "zone_id", "state", "until_at", "level", "lights", "start_at"),)
    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    public_id: str = Field(unique=True)
    zone_id: int = Field(foreign_key="zone.id")
    lights: str
    start_at: datetime = Field(sa_type=UtcTime)
    until_at: datetime = Field(sa_type=UtcTime)
    level: int
    state: str
    confirmed: int
    total: int
    ordered_at: datetime | None = Field(sa_type=UtcTime)


class PressRow(Base, table=True):
    """A switch request, granted or refused. It may be kept before its lease: checked at the commit."""

    __tablename__ = "press"
    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    public_id: str = Field(unique=True)
    zone_id: int = Field(foreign_key="zone.id")
    at: datetime = Field(sa_type=UtcTime)
    channel: str
    refused: str | None
    lease: str | None = Field(
        sa_column=Column(String, ForeignKey("lease.public_id", deferrable=True, initially="DEFERRED"))
    )


class AnswerRow(Base, table=True):
    """What was answered to an idempotent request; `scope` is a hash."""

    __tablename__ = "answer"
    scope: str = Field(primary_key=True)
    status: int
    body: str
    at: datetime = Field(sa_type=UtcTime)


# orders and plans


class SentOrderRow(Base, table=True):
    """The last order recorded for a controller; `orders` is null where nobody knows what it holds."""

    __tablename__ = "sent_order"
    controller_id: int = Field(primary_key=True, foreign_key="controller.id")
    desired_n: int = Field(sa_type=BigInteger)
    orders: dict[str, Any] | None = Field(sa_column=Column(JSON(none_as_null=True)))
    at: datetime | None = Field(sa_type=UtcTime)


class SentPlanRow(Base, table=True):
    """The last plan recorded for a controller; `digest` is empty where nobody knows what it holds."""

    __tablename__ = "sent_plan"
    controller_id: int = Field(primary_key=True, foreign_key="controller.id")
    plan_n: int = Field(sa_type=BigInteger)
    digest: str
    at: datetime | None = Field(sa_type=UtcTime)


# what controllers say


class ControllerStateRow(Base, table=True):
    """What is known of a controller; `online` is null while its availability is unknown."""

    __tablename__ = "controller_state"
    controller_id: int = Field(primary_key=True, foreign_key="controller.id")
    online: bool | None
    session: int = Field(sa_type=BigInteger)
    boot: int = Field(sa_type=BigInteger)
    seq: int = Field(sa_type=BigInteger)
    plan_n: int = Field(sa_type=BigInteger)
    desired_n: int = Field(sa_type=BigInteger)
    heard_at: datetime | None = Field(sa_type=UtcTime)
    reported_at: datetime | None = Field(sa_type=UtcTime)
    fw: str


class OutputStateRow(Base, table=True):
    """The last reported state of an output."""

    __tablename__ = "output_state"
    output_id: int = Field(primary_key=True, foreign_key="output.id")
    level: int
    cause: str
    since: datetime = Field(sa_type=UtcTime)
    confirmed_at: datetime = Field(sa_type=UtcTime)


class MeterStateRow(Base, table=True):
    """The last reading of a meter."""

    __tablename__ = "meter_state"
    meter_id: int = Field(primary_key=True, foreign_key="meter.id")
    total_mwh: int = Field(sa_type=BigInteger)
    watts: float
    at: datetime = Field(sa_type=UtcTime)


class ReportKeyRow(Base, table=True):
    """A report that was recorded: a second one of the same key is a duplicate."""

    __tablename__ = "report_key"
    __table_args__ = {"sqlite_with_rowid": False}
    controller_id: int = Field(primary_key=True, foreign_key="controller.id")
    boot: int = Field(primary_key=True, sa_type=BigInteger)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=UtcTime, index=True)


class EnergyEntryRow(Base, table=True):
    """A booked stretch of energy. `zone_id` is the output's zone at that time, so past accounts stay as they were."""

    __tablename__ = "energy_entry"
    __table_args__ = (Index(None, "output_id", "start_at"),)
    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    output_id: int = Field(foreign_key="output.id")
    zone_id: int = Field(foreign_key="zone.id")
    start_at: datetime = Field(sa_type=UtcTime)
    end_at: datetime = Field(sa_type=UtcTime)
    energy_mwh: int = Field(sa_type=BigInteger)
    cause: str


class ProbeRow(Base, table=True):
    """One row that is counted up to prove that writing works."""

    __tablename__ = "probe"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    n: int = Field(sa_type=BigInteger)
