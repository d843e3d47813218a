"""The tables of faults, of work at lamps, of messages to staff, and of how controllers get in."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, column
from sqlmodel import Field

from service.store.columns import BigKey, UtcTime
from service.store.tables_base import Base

# faults


def _one_open(of: str, *more: Any) -> Index:
    """At most one fault that is not closed, for each kind and what `of` says."""
    where = column("state") != "closed"
    for each in more:
        where &= each
    return Index(None, of, "kind", unique=True, sqlite_where=where, postgresql_where=where)


class FaultRow(Base, table=True):
    """A fault of a municipality, one of its controllers, or one of its outputs; the narrowest is meant.

    `changed_at` is the moment of its last entry, or of its beginning where it has none.
    """

    __tablename__ = "fault"
    __table_args__ = (
        Index(None, "municipality_id", "state", "changed_at"),
        Index(None, "changed_at"),
        _one_open("municipality_id", column("controller_id").is_(None)),
        _one_open("controller_id", column("output_id").is_(None)),
        _one_open("output_id"),
    )
    public_id: str = Field(primary_key=True)
    municipality_id: int = Field(foreign_key="municipality.id")
    controller_id: int | None = Field(foreign_key="controller.id")
    output_id: int | None = Field(foreign_key="output.id")
    kind: str
    state: str
    since: datetime = Field(sa_type=UtcTime)
    gone_since: datetime | None = Field(sa_type=UtcTime)
    detail: dict[str, Any] = Field(sa_type=JSON)
    history: list[list[Any]] = Field(sa_type=JSON)
    changed_at: datetime = Field(sa_type=UtcTime)


class SignalRow(Base, table=True):
    """What a controller told by an event and has not taken back; about one of its outputs, or itself."""

    __tablename__ = "signal"
    __table_args__ = (
        Index(
            None,
            "controller_id",
            "kind",
            unique=True,
            sqlite_where=column("output_id").is_(None),
            postgresql_where=column("output_id").is_(None),
        ),
        Index(None, "output_id", "kind", unique=True),
    )
    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True))
    controller_id: int = Field(foreign_key="controller.id", index=True)
    output_id: int | None = Field(foreign_key="output.id")
    kind: str
    since: datetime = Field(sa_type=UtcTime)


class SeenAliveRow(Base, table=True):
    """One row: when the service last said that it runs."""

    __tablename__ = "seen_alive"
    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    at: datetime = Field(sa_type=UtcTime)


# work at lamps


class MaintenanceLockRow(Base, table=True):
    """Somebody works at a zone, a controller or an output. `ends_at` is when it ends, or ended before its time."""

    __tablename__ = "maintenance_lock"
    __table_args__ = (Index(None, "municipality_id", "ends_at"),)
    public_id: str = Field(primary_key=True)
    municipality_id: int = Field(foreign_key="municipality.id")
    zone_id: int | None = Field(foreign_key="zone.id")
    controller_id: int | None = Field(foreign_key="controller.id")
    output_id: int | None = Field(foreign_key="output.id")
    reason: str
    held_by: str
    start_at: datetime = Field(sa_type=UtcTime)
    until_at: datetime = Field(sa_type=UtcTime)
    contact: str | None
    warned_at: datetime | None = Field(sa_type=UtcTime)
    ended_at: datetime | None = Field(sa_type=UtcTime)
    ended_by: str | None
    ends_at: datetime = Field(sa_type=UtcTime)


class OutputTestRow(Base, table=True):
    """A commissioning test of a controller. `ends_at` is when its last output goes out, or it was ended before."""

    __tablename__ = "output_test"
    __table_args__ = (Index(None, "municipality_id", "ends_at"),)
    public_id: str = Field(primary_key=True)
    municipality_id: int = Field(foreign_key="municipality.id")
    controller_id: int = Field(foreign_key="controller.id", index=True)
    tested_by: str
    at: datetime = Field(sa_type=UtcTime)
    stages: list[list[int]] = Field(sa_type=JSON)
    readings: list[list[Any]] = Field(sa_type=JSON)
    ended_at: datetime | None = Field(sa_type=UtcTime)
    ends_at: datetime = Field(sa_type=UtcTime)


class CommissionedRow(Base, table=True):
    """What an output drew at level 100 when it was last commissioned."""

    __tablename__ = "commissioned"
    output_id: int = Field(primary_key=True, foreign_key="output.id")
    watts: float
    at: datetime = Field(sa_type=UtcTime)
    tested_by: str


# messages to staff


class AlertRow(Base, table=True):
    """A message to staff; `about` is the id of a fault or a lock, which need not exist any more."""

    __tablename__ = "alert"
    public_id: str = Field(primary_key=True)
    municipality_id: int = Field(foreign_key="municipality.id")
    kind: str
    at: datetime = Field(sa_type=UtcTime, index=True)
    about: str
    urgent: bool
    contact: str | None


class AlertDeliveryRow(Base, table=True):
    """How far an alert has come on one channel; `due_at` is null when that is over."""

    __tablename__ = "alert_delivery"
    alert: str = Field(primary_key=True, foreign_key="alert.public_id")
    channel: str = Field(primary_key=True)
    due_at: datetime | None = Field(sa_type=UtcTime, index=True)
    attempts: int
    sent_at: datetime | None = Field(sa_type=UtcTime)


# how controllers get in


class ClaimCodeRow(Base, table=True):
    """The last claim code made for a controller, as a hash."""

    __tablename__ = "claim_code"
    controller_id: int = Field(primary_key=True, foreign_key="controller.id")
    digest: str = Field(unique=True)
    made_at: datetime = Field(sa_type=UtcTime)
    expires_at: datetime = Field(sa_type=UtcTime)
    used_at: datetime | None = Field(sa_type=UtcTime)
