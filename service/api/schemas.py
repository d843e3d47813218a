"""The JSON of the API. Times are UTC, levels percent, energy Wh, money a decimal string."""

from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel

from service.api.sentences import refusal
from service.domain.curve import Interval
from service.domain.leases import Lease, Progress
from service.domain.press import Granted
from service.domain.words import Basis, Cause, LeaseState, LightState, Reason
from service.usecases.look import ZoneView


class Answer(BaseModel):
    """Every answer says what time it is for the service and how fast its clock runs."""

    now: datetime
    speed: float


class MunicipalityBody(BaseModel):
    """A municipality."""

    id: str
    name: str
    language: str
    timezone: str


class MunicipalitiesAnswer(Answer):
    """All municipalities."""

    municipalities: list[MunicipalityBody]


class LightBody(BaseModel):
    """What is confirmed of a zone's light; where `state` is unknown, `level` is what was last heard at `confirmed_at`.

    `basis` says whether lamps are counted by reports or estimated by a meter.
    """

    state: LightState
    level: int | None
    cause: Cause | None
    until: datetime | None
    confirmed_at: datetime | None
    lamps_total: int
    lamps_lit: int | None
    lamps_unknown: int
    basis: Basis


class CostBody(BaseModel):
    """What one press costs at most."""

    wh: int
    money: Decimal | None
    currency: str


class PressBody(BaseModel):
    """What a press would do now."""

    allowed: bool
    reason: Reason | None
    sentence: str | None
    retry_at: datetime | None
    minutes: int
    cost: CostBody


class ChangeBody(BaseModel):
    """The schedule's next change of level."""

    at: datetime
    level: int


class ZoneBody(BaseModel):
    """A zone: its light, what a press would do, and the schedule's next change."""

    id: str
    name: str
    timezone: str
    light: LightBody
    press: PressBody
    next_change: ChangeBody | None


class ZonesAnswer(Answer):
    """Zones of a municipality."""

    zones: list[ZoneBody]


class ZoneAnswer(ZoneBody, Answer):
    """One zone."""


class LeaseBody(BaseModel):
    """What a granted press bought, and how far it has come."""

    id: str
    zones: list[str]
    from_: datetime
    until: datetime
    state: LeaseState
    outputs_confirmed: int
    outputs_total: int

    model_config = {"alias_generator": lambda name: name.rstrip("_"), "populate_by_name": True}


class LeaseAnswer(Answer):
    """One lease."""

    lease: LeaseBody


class IntervalBody(BaseModel):
    """A stretch of constant level."""

    from_: datetime
    until: datetime
    level: int

    model_config = {"alias_generator": lambda name: name.rstrip("_"), "populate_by_name": True}


class PlanAnswer(Answer):
    """The coming plan of a zone."""

    zone: str
    plan: list[IntervalBody]


class ClockAnswer(Answer):
    """The demo's clock."""


class HealthAnswer(BaseModel):
    """Health of the service and of each part it needs."""

    ready: bool
    store: bool
    broker: bool
    conductor: bool


class LiveAnswer(BaseModel):
    """The process answers."""

    live: bool


def zone_body(view: ZoneView, language: str, now: datetime) -> ZoneBody:
    """A zone as JSON."""
    light, verdict = view.light, view.press
    refused = None if isinstance(verdict, Granted) else verdict
    tz = view.municipality.place.tz
    change = view.next_change
    return ZoneBody(
        id=view.zone.key.zone,
        name=view.zone.name,
        timezone=tz,
        light=LightBody.model_construct(
            state=light.state,
            level=light.level,
            cause=light.cause,
            until=light.until,
            confirmed_at=light.confirmed_at,
            lamps_total=light.lamps_total,
            lamps_lit=light.lamps_lit,
            lamps_unknown=light.lamps_unknown,
            basis=light.basis,
        ),
        press=PressBody(
            allowed=refused is None,
            reason=None if refused is None else refused.reason,
            sentence=None if refused is None else refusal(refused, language, tz, now),
            retry_at=None if refused is None else refused.retry_at,
            minutes=view.minutes,
            cost=CostBody(wh=view.cost.wh, money=view.cost.money, currency=view.cost.currency),
        ),
        next_change=None if change is None else ChangeBody(at=change[0], level=change[1]),
    )


def lease_body(lease: Lease, progress: Progress) -> LeaseBody:
    """A lease as JSON."""
    return LeaseBody(
        id=lease.id,
        zones=[key.zone for key in lease.lights],
        from_=lease.start,
        until=lease.until,
        state=progress.state,
        outputs_confirmed=progress.confirmed,
        outputs_total=progress.total,
    )


def interval_body(interval: Interval) -> IntervalBody:
    """A stretch of a plan as JSON."""
    return IntervalBody(from_=interval.start, until=interval.end, level=interval.level)
