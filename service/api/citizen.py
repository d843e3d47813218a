"""Routes for everybody: zones, presses, leases, the stream, the coming plan; the public energy from beside."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel

from service.api import energy
from service.api.context import Context
from service.api.events import Stream
from service.api.origin import own_origin
from service.api.paths import MunicipalityId, ZoneId, ZoneName
from service.api.problems import problem_body, respond, responses
from service.api.schemas import (
    LeaseAnswer,
    MunicipalitiesAnswer,
    MunicipalityBody,
    PlanAnswer,
    ZoneAnswer,
    ZonesAnswer,
    interval_body,
    lease_body,
    zone_body,
)
from service.api.sentences import language_of, refusal, title
from service.domain.inventory import ZoneKey
from service.domain.leases import Progress
from service.domain.words import Channel, LeaseState, Reason
from service.ports import Answer
from service.usecases.look import look_at_lease, look_at_plan
from service.usecases.press import Pressed, Surroundings, press

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=8,
        max_length=200,
        description="Chosen by the caller for one press; the same key for the same zone gets the same answer.",
    ),
]


async def reader_language(
    lang: Annotated[str | None, Query(max_length=35, description="Wins over Accept-Language.")] = None,
    accept_language: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> str:
    """The language to answer in. Asynchronous, for FastAPI hands every other dependency to a thread."""
    return language_of(f"{lang or ''},{accept_language or ''}")


Language = Annotated[str, Depends(reader_language)]

REFUSAL_STATUS = {
    Reason.DAYLIGHT: 409,
    Reason.NOT_WELCOME: 409,
    Reason.QUIET: 409,
    Reason.ALREADY_LIT: 409,
    Reason.CODE_NEEDED: 403,
    Reason.NOT_ADMITTED: 403,
    Reason.LONGEST: 429,
    Reason.PRESSER_LIMIT: 429,
    Reason.ZONE_MINUTES: 429,
    Reason.ZONE_ENERGY: 429,
    Reason.UNREACHABLE: 503,
    Reason.LOCKED: 503,
}


class PressRequest(BaseModel):
    """A press needs nothing but its zone; the body may be left out."""


def build(context: Context) -> APIRouter:
    """The router for everybody."""
    router = APIRouter(prefix="/api/v1/municipalities", tags=["everybody"], responses=responses())
    _zones(router, context)
    _press(router, context)
    _leases(router, context)
    router.include_router(energy.build(context))
    return router


def _zones(router: APIRouter, context: Context) -> None:
    store, clock = context.store, context.clock

    @router.get("")
    async def municipalities() -> MunicipalitiesAnswer:
        """All municipalities of this installation."""
        homes = await store.read(lambda tx: tx.municipalities())
        bodies = [
            MunicipalityBody(id=home.id, name=home.name, language=home.language, timezone=home.place.tz)
            for home in homes
        ]
        return MunicipalitiesAnswer(municipalities=bodies, now=clock.now(), speed=clock.speed)

    @router.get("/{municipality}/zones")
    async def zones(municipality: MunicipalityId, language: Language) -> ZonesAnswer:
        """All listed zones: whether each is lit, for how long, and what a press would do."""
        now, speed = clock.now(), clock.speed
        views = await context.views.of(municipality, None)
        return ZonesAnswer(zones=[zone_body(view, language, now) for view in views], now=now, speed=speed)

    @router.get("/{municipality}/zones/{zone}")
    async def one_zone(municipality: MunicipalityId, zone: ZoneId, language: Language) -> ZoneAnswer:
        """One zone."""
        now, speed = clock.now(), clock.speed
        views = await context.views.of(municipality, [zone])
        body = zone_body(views[0], language, now)
        return ZoneAnswer.model_validate({**body.model_dump(), "now": now, "speed": speed})

    @router.get("/{municipality}/zones/{zone}/plan")
    async def plan(municipality: MunicipalityId, zone: ZoneId) -> PlanAnswer:
        """The coming plan: what the schedule gives from now to the end of the coming week. Never the past."""
        now = clock.now()
        found = await store.read(lambda tx: look_at_plan(tx, ZoneKey(municipality, zone), now))
        return PlanAnswer(zone=zone, plan=[interval_body(part) for part in found], now=now, speed=clock.speed)

    @router.get(
        "/{municipality}/events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}, "description": "Events `snapshot` and `zones`."}},
    )
    async def events(
        municipality: MunicipalityId,
        language: Language,
        zone: Annotated[list[ZoneName], Query(max_length=50, description="Zones to watch; none means all.")] = [],  # noqa: B006 - FastAPI copies it
        last_event_id: Annotated[str | None, Header(max_length=100)] = None,
    ) -> StreamingResponse:
        """Live: a snapshot first, then the zones that changed."""
        stream = Stream(context, municipality, zone, language)
        await stream.open()
        text: AsyncIterator[str] = stream.run(last_event_id)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(text, media_type="text/event-stream", headers=headers)


def _press(router: APIRouter, context: Context) -> None:
    store, clock = context.store, context.clock

    @router.post(
        "/{municipality}/zones/{zone}/press",
        status_code=201,
        response_model=LeaseAnswer,
        responses=responses(403, 409, 429, 503),
        dependencies=[Depends(own_origin)],
    )
    async def press_zone(
        municipality: MunicipalityId,
        zone: ZoneId,
        language: Language,
        body: PressRequest | None = None,
        idempotency_key: IdempotencyKey = None,
    ) -> Response:
        """Press: 201 with a lease that is safely kept, or a problem with its reason and when to try again."""
        key = ZoneKey(municipality, zone)
        around = Surroundings(clock.now(), clock.speed, context.lamps.connected, Channel.WEB)
        bought: list[ZoneKey] = []

        def answer(pressed: Pressed) -> Answer:
            if pressed.lease is not None:
                bought.extend(pressed.lease.lights)
            return _answer(pressed, language, context)

        given = await store.write(
            partial(press, key=key, around=around, idempotency_key=idempotency_key, answer=answer)
        )
        if bought:
            context.nudge(tuple(bought))
        if given.status != 201:
            return respond(given.status, given.body, clock)
        return Response(given.body, 201, media_type="application/json")


def _answer(pressed: Pressed, language: str, context: Context) -> Answer:
    clock = context.clock
    if pressed.lease is not None:
        progress = Progress(LeaseState.GRANTED, 0, pressed.outputs_total)
        lease = lease_body(pressed.lease, progress)
        body = LeaseAnswer(lease=lease, now=clock.now(), speed=clock.speed)
        return Answer(201, body.model_dump_json(by_alias=True))
    refused = pressed.refused
    if refused is None:
        raise ValueError("a press is granted or refused")
    sentence = refusal(refused, language, pressed.tz, clock.now())
    status = REFUSAL_STATUS[refused.reason]
    body_text = problem_body(status, refused.reason, sentence, clock, title=title(language), retry_at=refused.retry_at)
    return Answer(status, body_text)


def _leases(router: APIRouter, context: Context) -> None:
    @router.get("/{municipality}/leases/{lease_id}", response_model_by_alias=True)
    async def lease(
        municipality: MunicipalityId, lease_id: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]
    ) -> LeaseAnswer:
        """What a press bought and how far it has come. The id is known to whoever pressed, and to nobody else."""
        found, progress = await context.store.read(lambda tx: look_at_lease(tx, municipality, lease_id))
        clock = context.clock
        return LeaseAnswer(lease=lease_body(found, progress), now=clock.now(), speed=clock.speed)
