"""Routes for staff: readings of the utility's meters, and how far the ledger is from them."""

import secrets
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from service.api.context import Context
from service.api.etags import OWN
from service.api.paths import MunicipalityId
from service.api.problems import responses
from service.api.schemas import Answer
from service.api.staff import ActingAs
from service.domain.inventory import ID_PATTERN
from service.ports import UtilityReading
from service.usecases.look import municipality_of
from service.usecases.readings import add_reading, compare, points_of, readings_of, withdraw_reading
from service.usecases.statement_bodies import ReadingStretch, stretch_body

ReadingId = Annotated[str, Path(pattern=ID_PATTERN, description="A reading's id.")]


class ReadingRequest(BaseModel):
    """What a meter showed: kWh at a moment; without an offset it is local time."""

    model_config = ConfigDict(extra="forbid")

    supply_point: Annotated[str, StringConstraints(pattern=ID_PATTERN)]
    at: datetime
    kwh: Decimal = Field(description="At most nine digits and three decimals.", examples=["12345.6"])
    note: Annotated[str, StringConstraints(max_length=500)] = ""


class ReadingBody(BaseModel):
    """A reading as kept; a withdrawn one counts no more."""

    id: str
    supply_point: str
    at: datetime
    kwh: Decimal
    note: str
    entered_by: str
    entered_at: datetime
    withdrawn_by: str | None
    withdrawn_at: datetime | None


class SupplyPointBody(BaseModel):
    """Where the utility measures, and the controllers behind its meter; none means all."""

    id: str
    name: str
    controllers: list[str]


class ReadingsAnswer(Answer):
    """All readings, and each two successive ones of a supply point beside the ledger."""

    supply_points: list[SupplyPointBody]
    readings: list[ReadingBody]
    comparison: list[ReadingStretch]


class ReadingAnswer(ReadingBody, Answer):
    """One reading."""


def build(context: Context) -> APIRouter:
    """The routes under `.../council/` for readings."""
    router = APIRouter(responses=responses(401))
    store, clock = context.store, context.clock

    @router.post("/readings", status_code=201, responses=responses(401, 409))
    async def enter_reading(municipality: MunicipalityId, by: ActingAs, body: ReadingRequest) -> ReadingAnswer:
        """Enter what the utility's meter shows at a supply point; `all` where the municipality names none."""
        now = clock.now()
        reading = UtilityReading(
            secrets.token_hex(16), body.supply_point, body.at, body.kwh, entered_by=by, entered_at=now, note=body.note
        )
        kept = await store.write(lambda tx: add_reading(tx, municipality, reading, now))
        return ReadingAnswer(**_body(kept).model_dump(), now=now, speed=clock.speed)

    @router.get("/readings")
    async def all_readings(response: Response, municipality: MunicipalityId, by: ActingAs) -> ReadingsAnswer:
        """All readings ever entered, withdrawn ones too, and how far the ledger is from them; a warning above 2 %."""
        response.headers["Cache-Control"] = OWN
        now = clock.now()
        points = await store.read(lambda tx: points_of(municipality_of(tx, municipality)))
        readings = await store.read(lambda tx: readings_of(tx, municipality))
        stretches = await store.read(lambda tx: compare(tx, municipality, now))
        return ReadingsAnswer(
            supply_points=[
                SupplyPointBody(id=point.id, name=point.name, controllers=list(point.controllers)) for point in points
            ],
            readings=[_body(reading) for reading in readings],
            comparison=[stretch_body(stretch) for stretch in stretches],
            now=now,
            speed=clock.speed,
        )

    @router.delete("/readings/{reading}", status_code=204, responses=responses(401, 409))
    async def withdraw(municipality: MunicipalityId, reading: ReadingId, by: ActingAs) -> None:
        """Let a reading count no more; it stays on record with who withdrew it."""
        now = clock.now()
        await store.write(lambda tx: withdraw_reading(tx, municipality, reading, by, now))

    return router


def _body(reading: UtilityReading) -> ReadingBody:
    return ReadingBody(
        id=reading.id,
        supply_point=reading.supply_point,
        at=reading.at,
        kwh=reading.kwh,
        note=reading.note,
        entered_by=reading.entered_by,
        entered_at=reading.entered_at,
        withdrawn_by=reading.withdrawn_by,
        withdrawn_at=reading.withdrawn_at,
    )
