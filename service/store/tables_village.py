"""The tables of what stands in the village, and of the council's rules for it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, UniqueConstraint
from sqlmodel import Field

from service.store.columns import Money, UtcTime
from service.store.tables_base import Base

# what stands in the village


class MunicipalityRow(Base, table=True):
    """A tenant; `safety_schedule` is a schedule document, `alerts` says whom alerts reach, and `supply_points` where
    the utility measures."""

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
    alerts: dict[str, Any] = Field(sa_type=JSON)
    supply_points: list[dict[str, Any]] = Field(sa_type=JSON)


class InventoryVersionRow(Base, table=True):
    """One row that is counted up whenever an inventory is saved, so that what was read of it may be remembered."""

    __tablename__ = "inventory_version"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    version: int = Field(sa_type=BigInteger)


class PriceRow(Base, table=True):
    """A price per kilowatt-hour from a day on."""

    __tablename__ = "price"
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    valid_from: date = Field(primary_key=True)
    per_kwh: Decimal = Field(sa_type=Money)
    source: str


class FixedPriceRow(Base, table=True):
    """What the supply costs in a year whatever is used, from a day on."""

    __tablename__ = "fixed_price"
    municipality_id: int = Field(primary_key=True, foreign_key="municipality.id")
    valid_from: date = Field(primary_key=True)
    per_year: Decimal = Field(sa_type=Money)
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
    button: bool


class FeederRow(Base, table=True):
    """The circuit that a controller hangs behind: a controller without one has power by itself."""

    __tablename__ = "feeder"
    controller_id: int = Field(primary_key=True, foreign_key="controller.id")
    output_id: int = Field(foreign_key="output.id")


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
