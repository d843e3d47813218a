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
    """A tenant; `safety_schedule` is a schedule document."""

    __tablename__ = "municipality"
    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(unique=True)
    name: str
    tz: str
    lat: float
    lon: float
    region: str
    language: str
    currency: str
    safety_schedule: str
    note: str


class PriceRow(Base, table=True):
    """A price per kilowatt-hour from a day on."""

    __tablename__ = "price"
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    valid_from: date = Field(primary_key=True)
    per_kwh: Decimal = Field(sa_type=Money)
    source: str


class EmissionFactorRow(Base, table=True):
    """The CO2 that a kilowatt-hour stands for from a day on."""

    __tablename__ = "emission_factor"
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    valid_from: date = Field(primary_key=True)
    g_per_kwh: int
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


# the council's rules


class PolicyVersionRow(Base, table=True):
    """A policy as enacted; rows are only ever added. `document` is a policy document.

    `draft` is the slug of the draft it was, which need not exist any more; `enacted_by` is null for the municipality's
    file.
    """

    __tablename__ = "policy_version"
    zone_id: int = Field(primary_key=True, foreign_key="zone.id")
    version: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    document: str
    valid_from: date
    resolution_number: str | None
    resolution_passed_on: date | None
    resolution_safety_note: str | None
    enacted_by: str | None
    enacted_at: datetime = Field(sa_type=UtcTime)
    signed_off: list[str] = Field(sa_type=JSON)
    draft: str | None


class PolicyDraftRow(Base, table=True):
    """A policy that a council works on. `document` is a policy document."""

    __tablename__ = "policy_draft"
    zone_id: int = Field(primary_key=True, foreign_key="zone.id")
    slug: str = Field(primary_key=True)
    document: str
    resolution_number: str | None
    resolution_passed_on: date | None
    resolution_safety_note: str | None
    changed_by: str
    changed_at: datetime = Field(sa_type=UtcTime)


class LightExceptionRow(Base, table=True):
    """An exception as entered; nothing but its withdrawal is ever added. `document` is an exception document.

    It holds from `entered_at` to `withdrawn_at`; null for as long as anybody remembers, and for good. `entered_by` is
    null for the municipality's file. `last_night` is the document's `last`.
    """

    __tablename__ = "light_exception"
    zone_id: int = Field(primary_key=True, foreign_key="zone.id")
    slug: str = Field(primary_key=True)
    document: str
    last_night: date
    entered_by: str | None
    entered_at: datetime | None = Field(sa_type=UtcTime)
    withdrawn_by: str | None
    withdrawn_at: datetime | None = Field(sa_type=UtcTime)


# presses and leases


class LeaseRow(Base, table=True):
    """What one granted press bought, and how far it has come. `zone_id` is the pressed zone.

    `lights` are the slugs of the zones that it lights, in their order, parted by spaces: what was bought stays so,
    whatever the zones light along later.
    """

    __tablename__ = "lease"
    __table_args__ = (Index(None, "zone_id", "state", "until_at", "level", "lights", "start_at", "warn"),)
    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    public_id: str = Field(unique=True)
    zone_id: int = Field(foreign_key="zone.id")
    lights: str
    start_at: datetime = Field(sa_type=UtcTime)
    until_at: datetime = Field(sa_type=UtcTime)
    level: int
    warn: bool
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
    at: datetime = Field(sa_type=UtcTime, index=True)
    channel: str
    refused: str | None
    lease: str | None = Field(
        sa_column=Column(String, ForeignKey("lease.public_id", deferrable=True, initially="DEFERRED"), index=True)
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
