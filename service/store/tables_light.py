"""The tables of presses and leases, of orders and plans, and of what controllers say."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, String
from sqlmodel import Field

from service.store.columns import BigKey, UtcTime
from service.store.tables_base import Base

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
    """The last order recorded for a controller, and the one before it; `orders` is null where nobody knows what it
    holds, `former_n` where there was none."""

    __tablename__ = "sent_order"
    controller_id: int = Field(primary_key=True, foreign_key="controller.id")
    desired_n: int = Field(sa_type=BigInteger)
    orders: dict[str, Any] | None = Field(sa_column=Column(JSON(none_as_null=True)))
    at: datetime | None = Field(sa_type=UtcTime)
    former_n: int | None = Field(sa_type=BigInteger)
    former: dict[str, Any] | None = Field(sa_column=Column(JSON(none_as_null=True)))
    former_at: datetime | None = Field(sa_type=UtcTime)


class SentPlanRow(Base, table=True):
    """The last plan recorded for a controller; `digest` is empty where nobody knows what it holds."""

    __tablename__ = "sent_plan"
    controller_id: int = Field(primary_key=True, foreign_key="controller.id")
    plan_n: int = Field(sa_type=BigInteger)
    digest: str
    at: datetime | None = Field(sa_type=UtcTime)


# what controllers say


class ControllerStateRow(Base, table=True):
    """What is known of a controller; `online` is null while its availability is unknown.

    `followed` is the order that it follows, as JSON; null where it follows none, or nobody knows."""

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
    clock_valid: bool | None
    followed: str | None


class OutputStateRow(Base, table=True):
    """The last reported state of an output."""

    __tablename__ = "output_state"
    output_id: int = Field(primary_key=True, foreign_key="output.id")
    level: int
    cause: str
    since: datetime = Field(sa_type=UtcTime)
    confirmed_at: datetime = Field(sa_type=UtcTime)


class MeterStateRow(Base, table=True):
    """The last reading of a meter; `samples` are its last changes of power, as a JSON list."""

    __tablename__ = "meter_state"
    meter_id: int = Field(primary_key=True, foreign_key="meter.id")
    total_mwh: int = Field(sa_type=BigInteger)
    watts: float
    at: datetime = Field(sa_type=UtcTime)
    volts: float | None
    samples: str


class ProbeRow(Base, table=True):
    """One row that is counted up to prove that writing works."""

    __tablename__ = "probe"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    n: int = Field(sa_type=BigInteger)
