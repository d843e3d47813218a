"""Explain to staff what ruled a zone at a moment, and why it was lit or dark: a chain of reasons with sentences."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from service.api.citizen import Language
from service.api.context import Context
from service.api.explain_texts import link_sentence, pressed_sentence
from service.api.paths import MunicipalityId, ZoneId
from service.api.policy_bodies import PassedBody, passed_body
from service.api.problems import responses
from service.api.schemas import Answer
from service.api.staff import ActingAs
from service.domain.inventory import ZoneKey
from service.domain.schedule import Step
from service.domain.words import Cause, PressedState
from service.usecases.explain import Explanation, Link, explain
from service.usecases.schedule_documents import StepDocument, steps_document


class LinkBody(BaseModel):
    """One reason: by this cause so many outputs have their level, `level` at most; with none it was outranked."""

    cause: Cause
    level: int
    outputs: int
    sentence: str


class PressedBody(BaseModel):
    """What is told of that night's presses: the sum of pressed minutes, or why not."""

    state: PressedState
    minutes: int | None
    sentence: str


class RuledBody(BaseModel):
    """The policy that was in force: `rule` is the position of the schedule's rule, null for its ordinary programme."""

    version: int
    valid_from: date
    resolution: PassedBody | None
    rule: int | None
    step: StepDocument | None
    quiet_level: int | None


class RulingException(BaseModel):
    """The exception that ruled."""

    id: str
    name: str
    resolution: str | None
    step: StepDocument | None


class ExplanationAnswer(Answer):
    """What ruled the zone at `at`, in the night of the evening of `night`.

    `level` is the highest that any output has by the chain. `reported` is what controllers say of the present.
    """

    zone: str
    at: datetime
    night: date
    sunset: datetime
    sunrise: datetime
    present: bool
    level: int
    outputs: int
    policy: RuledBody
    exception: RulingException | None
    chain: list[LinkBody]
    reported: list[LinkBody]
    pressed: PressedBody


def build(context: Context) -> APIRouter:
    """The route under `.../council/` that explains."""
    router = APIRouter(responses=responses(401))

    @router.get("/zones/{zone}/explain")
    async def explain_zone(
        municipality: MunicipalityId,
        zone: ZoneId,
        by: ActingAs,
        language: Language,
        at: Annotated[datetime | None, Query(description="A moment; without an offset local time. None: now.")] = None,
    ) -> ExplanationAnswer:
        """What ruled the zone at a moment, and why it was lit or dark. Of past presses only a night's sum is told."""
        now = context.clock.now()
        key = ZoneKey(municipality, zone)
        forgotten = now - context.keep_exact
        found = await context.store.read(lambda tx: explain(tx, key, at, now, forgotten))
        return _answer(found, language, now, context.clock.speed)

    return router


def _answer(found: Explanation, language: str, now: datetime, speed: float) -> ExplanationAnswer:
    policy, exception = found.policy, found.exception
    return ExplanationAnswer(
        zone=found.zone.key.zone,
        at=found.at,
        night=found.night.date,
        sunset=found.night.sunset,
        sunrise=found.night.sunrise,
        present=found.present,
        level=found.level,
        outputs=found.outputs,
        policy=RuledBody(
            version=policy.version,
            valid_from=policy.valid_from,
            resolution=passed_body(policy.resolution),
            rule=found.rule,
            step=_step(found.step),
            quiet_level=min((cap.level for cap in found.quiet), default=None),
        ),
        exception=None
        if exception is None
        else RulingException(
            id=exception.id, name=exception.name, resolution=exception.resolution, step=_step(found.exception_step)
        ),
        chain=[_link(link, link_sentence(found, link, language)) for link in found.chain],
        reported=[_link(link, "") for link in found.reported],
        pressed=PressedBody(
            state=found.pressed.state,
            minutes=found.pressed.minutes,
            sentence=pressed_sentence(found.pressed, language),
        ),
        now=now,
        speed=speed,
    )


def _step(step: Step | None) -> StepDocument | None:
    return None if step is None else steps_document((step,))[0]


def _link(link: Link, sentence: str) -> LinkBody:
    return LinkBody(cause=link.cause, level=link.level, outputs=link.outputs, sentence=sentence)
