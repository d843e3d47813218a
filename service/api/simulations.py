"""Routes for councils: what drafts would do, beside today's policy and all-night light."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Self

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.api.citizen import Language
from service.api.context import Context
from service.api.paths import MunicipalityId, ZoneName
from service.api.problems import responses
from service.api.schemas import Answer
from service.api.staff import ActingAs
from service.domain.inventory import ID_PATTERN, ZoneKey
from service.domain.policy import Policy
from service.domain.words import JobState
from service.errors import ConflictError, UnknownError
from service.ports import Tx
from service.usecases.policies import draft_of
from service.usecases.policy_documents import Name, PolicyDocument
from service.usecases.schedule_documents import Day
from service.usecases.simulating import Model, Question, prepare
from service.usecases.simulation_report import Job, ReportBody, csv_of

PATIENCE = 2.0
"""Real seconds that an answer waits for its simulation; what takes longer is a job to poll."""

SimulationId = Annotated[str, Path(pattern=ID_PATTERN, description="A simulation's id.")]
RenderMotion = Callable[[ReportBody, str], Response]
"""A page to print of a report, in a language."""


class ChangeRequest(BaseModel):
    """What a draft would change in a zone: a stored draft by its id, or a policy."""

    model_config = ConfigDict(extra="forbid")

    zone: ZoneName
    draft: ZoneName | None = None
    policy: PolicyDocument | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.draft is None) == (self.policy is None):
            raise ValueError("draft: give either a stored draft or a policy")
        return self


class DraftRequest(BaseModel):
    """A draft by a name of your choice: what it would change, in one zone or several."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    changes: Annotated[list[ChangeRequest], Field(min_length=1, max_length=100)]


class ModelRequest(BaseModel):
    """Assumed presses from a seed: `per_night` in each zone (null: by its lamps); `curious`: two weeks of trying."""

    model_config = ConfigDict(extra="forbid")

    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 1
    per_night: Annotated[float, Field(ge=0, le=1000)] | None = None
    curious: bool = False


class SimulationRequest(BaseModel):
    """Drafts, the nights to run them through (as if in force in all of them), and the presses.

    `presses` null takes as many as were recorded, in nights that are over; when in the night they came is drawn.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    first: Annotated[Day, Field(alias="from")]
    last: Annotated[Day, Field(alias="to")]
    drafts: Annotated[list[DraftRequest], Field(min_length=1, max_length=5)]
    presses: ModelRequest | None = ModelRequest()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len({draft.name for draft in self.drafts}) < len(self.drafts):
            raise ValueError("drafts: each needs a name of its own")
        for n, draft in enumerate(self.drafts):
            if len({change.zone for change in draft.changes}) < len(draft.changes):
                raise ValueError(f"drafts.{n}.changes: each zone can be changed once")
        return self


class SimulationAnswer(Answer):
    """A simulation: how far it is, in nights, and its report once it is done."""

    id: str
    state: JobState
    nights: int
    of: int
    report: ReportBody | None
    error: str | None


def build(context: Context, motion: RenderMotion) -> APIRouter:
    """The routes under `.../council/` for simulations; `motion` makes a page of a report in a language."""
    router = APIRouter(responses=responses(401))

    @router.post("/simulations", responses={**responses(401, 409, 503), 202: {"model": SimulationAnswer}})
    async def simulate(
        municipality: MunicipalityId, by: ActingAs, body: SimulationRequest, response: Response
    ) -> SimulationAnswer:
        """Run drafts beside today's policy and all-night light. What takes long is answered by 202: poll Location."""
        now = context.clock.now()
        forgotten = now - context.keep_presses
        prepared = await context.store.read(
            lambda tx: prepare(tx, municipality, _question(tx, municipality, body), now, forgotten)
        )
        job = context.begin_simulation(prepared)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await job.finished.wait()
        if not job.finished.is_set():
            response.status_code = 202
            response.headers["Location"] = f"/api/v1/municipalities/{municipality}/council/simulations/{job.id}"
        return _answer(context, job)

    @router.get("/simulations/{simulation}")
    async def simulation(municipality: MunicipalityId, simulation: SimulationId, by: ActingAs) -> SimulationAnswer:
        """How far a simulation is, and its report once it is done."""
        return _answer(context, _job(context, municipality, simulation))

    @router.get("/simulations/{simulation}/csv", responses=responses(401, 409), response_class=Response)
    async def simulation_as_csv(municipality: MunicipalityId, simulation: SimulationId, by: ActingAs) -> Response:
        """The same figures as CSV, with units in the header."""
        report = _report(_job(context, municipality, simulation))
        name = f'attachment; filename="simulation-{municipality}-{simulation}.csv"'
        return Response(csv_of(report), media_type="text/csv", headers={"Content-Disposition": name})

    @router.get("/simulations/{simulation}/motion", responses=responses(401, 409), response_class=HTMLResponse)
    async def motion_for_council(
        municipality: MunicipalityId, simulation: SimulationId, by: ActingAs, language: Language
    ) -> Response:
        """One page to print for the council: today, the drafts, all-night light."""
        return motion(_report(_job(context, municipality, simulation)), language)

    return router


def _question(tx: Tx, municipality: str, body: SimulationRequest) -> Question:
    drafts = {
        draft.name: {change.zone: _policy(tx, ZoneKey(municipality, change.zone), change) for change in draft.changes}
        for draft in body.drafts
    }
    asked = body.presses
    model = None if asked is None else Model(asked.seed, asked.per_night, asked.curious)
    return Question(body.first, body.last, drafts, model)


def _policy(tx: Tx, key: ZoneKey, change: ChangeRequest) -> Policy:
    if change.policy is not None:
        return change.policy.policy()
    return draft_of(tx, key, change.draft or "").policy


def _job(context: Context, municipality: str, simulation: str) -> Job:
    found = context.simulation(municipality, simulation)
    if found is None:
        raise UnknownError("There is no such simulation; the last twenty are kept until the service starts again.")
    return found


def _report(job: Job) -> ReportBody:
    if job.error is not None:
        raise ConflictError(f"The simulation came to nothing: {job.error}")
    if job.report is None:
        raise ConflictError("The simulation is not done yet; ask again when its state is “done”.")
    return job.report


def _answer(context: Context, job: Job) -> SimulationAnswer:
    return SimulationAnswer(
        id=job.id,
        state=job.state,
        nights=job.nights,
        of=job.of,
        report=job.report,
        error=job.error,
        now=context.clock.now(),
        speed=context.clock.speed,
    )
