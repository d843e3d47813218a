"""Routes for councils: policies, drafts, what is wrong with them, exceptions, and templates to start from."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from service.api.citizen import Language
from service.api.context import Context
from service.api.paths import MunicipalityId, ZoneId
from service.api.policy_bodies import (
    CopyRequest,
    DraftAnswer,
    DraftsAnswer,
    EnactedAnswer,
    EnactRequest,
    ExceptionAnswer,
    ExceptionsAnswer,
    FindingsAnswer,
    FindingsProblem,
    PoliciesAnswer,
    TemplateBody,
    TemplatesAnswer,
    draft_body,
    enacted_body,
    exception_body,
    finding_body,
    policies_answer,
)
from service.api.problems import problem_body, respond, responses
from service.api.staff import ActingAs
from service.domain.inventory import ID_PATTERN, ZoneKey
from service.domain.policy import Policy
from service.domain.words import PolicyState
from service.ports import Draft, Tx
from service.usecases import exceptions, policies
from service.usecases.policy_documents import ExceptionDocument, PolicyDocument
from service.usecases.templates import templates

DraftId = Annotated[str, Path(pattern=ID_PATTERN, description="A draft's id.")]
ExceptionId = Annotated[str, Path(pattern=ID_PATTERN, description="An exception's id.")]
Version = Annotated[int, Path(ge=1, le=1_000_000, description="A policy's version.")]


def build(context: Context) -> APIRouter:
    """The routes under `.../council/` for policies; whoever includes them guards them."""
    router = APIRouter(responses=responses(401))
    _enacted(router, context)
    _drafts(router, context)
    _enact(router, context)
    _exceptions(router, context)
    return router


def _enacted(router: APIRouter, context: Context) -> None:
    @router.get("/policy-templates")
    async def policy_templates(municipality: MunicipalityId, by: ActingAs, language: Language) -> TemplatesAnswer:
        """Policies to start from, as if begun with the coming night."""
        now = context.clock.now()
        found = await context.store.read(lambda tx: templates(tx, municipality, language, now))
        bodies = [TemplateBody(id=t.id, name=t.name, description=t.description, policy=t.policy) for t in found]
        return TemplatesAnswer(templates=bodies, now=now, speed=context.clock.speed)

    @router.get("/zones/{zone}/policies")
    async def policies_of_zone(municipality: MunicipalityId, zone: ZoneId, by: ActingAs) -> PoliciesAnswer:
        """All that was ever enacted for a zone, with its state tonight, and its drafts."""
        now = context.clock.now()
        key = ZoneKey(municipality, zone)
        board = await context.store.read(lambda tx: policies.board(tx, key, now))
        return policies_answer(board, now, context.clock.speed)

    @router.post("/zones/{zone}/policies/{version}/copy", status_code=201, responses=responses(401, 409))
    async def copy_policy(
        municipality: MunicipalityId, zone: ZoneId, version: Version, by: ActingAs, body: CopyRequest
    ) -> DraftsAnswer:
        """Begin a draft like an enacted policy in other zones; what is this zone's alone stays behind."""
        key = ZoneKey(municipality, zone)
        return await _copied(context, municipality, body, by, lambda tx: policies.enacted_policy(tx, key, version))


def _drafts(router: APIRouter, context: Context) -> None:
    @router.post("/zones/{zone}/drafts", status_code=201, responses=responses(401, 409))
    async def create_draft(
        municipality: MunicipalityId, zone: ZoneId, by: ActingAs, body: PolicyDocument
    ) -> DraftAnswer:
        """Begin a draft."""
        now, key = context.clock.now(), ZoneKey(municipality, zone)
        draft = await context.store.write(lambda tx: policies.create_draft(tx, key, body.policy(), by, now))
        return _draft_answer(context, zone, draft)

    @router.get("/zones/{zone}/drafts/{draft}", responses=responses(401, 409))
    async def read_draft(municipality: MunicipalityId, zone: ZoneId, draft: DraftId, by: ActingAs) -> DraftAnswer:
        """One draft."""
        found = await context.store.read(lambda tx: policies.draft_of(tx, ZoneKey(municipality, zone), draft))
        return _draft_answer(context, zone, found)

    @router.put("/zones/{zone}/drafts/{draft}", responses=responses(401, 409))
    async def replace_draft(
        municipality: MunicipalityId, zone: ZoneId, draft: DraftId, by: ActingAs, body: PolicyDocument
    ) -> DraftAnswer:
        """Replace what a draft says."""
        now, key = context.clock.now(), ZoneKey(municipality, zone)
        changed = await context.store.write(lambda tx: policies.replace_draft(tx, key, draft, body.policy(), by, now))
        return _draft_answer(context, zone, changed)

    @router.delete("/zones/{zone}/drafts/{draft}", status_code=204, responses=responses(401, 409))
    async def delete_draft(municipality: MunicipalityId, zone: ZoneId, draft: DraftId, by: ActingAs) -> Response:
        """Drop a draft."""
        await context.store.write(lambda tx: policies.delete_draft(tx, ZoneKey(municipality, zone), draft))
        return Response(status_code=204)

    @router.post("/zones/{zone}/drafts/{draft}/copy", status_code=201, responses=responses(401, 409))
    async def copy_draft(
        municipality: MunicipalityId, zone: ZoneId, draft: DraftId, by: ActingAs, body: CopyRequest
    ) -> DraftsAnswer:
        """Begin a draft like this one in other zones; what is this zone's alone stays behind."""
        key = ZoneKey(municipality, zone)
        return await _copied(context, municipality, body, by, lambda tx: policies.draft_of(tx, key, draft).policy)


async def _copied(
    context: Context, municipality: str, body: CopyRequest, by: str, original: Callable[[Tx], Policy]
) -> DraftsAnswer:
    now = context.clock.now()
    keys = [ZoneKey(municipality, other) for other in dict.fromkeys(body.zones)]
    made = await context.store.write(lambda tx: policies.copy_policy(tx, original(tx), keys, by, now))
    drafts = [draft_body(key.zone, draft) for key, draft in made]
    return DraftsAnswer(drafts=drafts, now=now, speed=context.clock.speed)


def _draft_answer(context: Context, zone: str, draft: Draft) -> DraftAnswer:
    now, speed = context.clock.now(), context.clock.speed
    return DraftAnswer(**dict(draft_body(zone, draft)), now=now, speed=speed)


def _enact(router: APIRouter, context: Context) -> None:
    @router.get("/zones/{zone}/drafts/{draft}/findings", responses=responses(401, 409))
    async def findings_of_draft(
        municipality: MunicipalityId, zone: ZoneId, draft: DraftId, by: ActingAs, language: Language
    ) -> FindingsAnswer:
        """What is to be known of a draft before it is enacted."""
        now, key = context.clock.now(), ZoneKey(municipality, zone)
        linted = await context.store.read(lambda tx: policies.lint_draft(tx, key, draft, now))
        bodies = [finding_body(finding, language) for finding in linted.findings]
        return FindingsAnswer(findings=bodies, now=now, speed=context.clock.speed)

    conflict = responses(401)
    conflict[409] = {"model": FindingsProblem, "description": "Errors, or warnings that nobody signed off."}

    @router.post("/zones/{zone}/drafts/{draft}/enact", response_model=EnactedAnswer, responses=conflict)
    async def enact(
        municipality: MunicipalityId, zone: ZoneId, draft: DraftId, by: ActingAs, body: EnactRequest, language: Language
    ) -> EnactedAnswer | Response:
        """Put a draft in force from its first night on. It is immutable from then on."""
        now, key = context.clock.now(), ZoneKey(municipality, zone)
        signed_off = {code.value for code in body.signed_off}
        linted = await context.store.read(lambda tx: policies.lint_draft(tx, key, draft, now))
        try:
            enacted = await context.store.write(
                lambda tx: policies.enact(tx, key, linted, body.resolution.resolution(), signed_off, by, now)
            )
        except policies.FindingsError as error:
            bodies = [finding_body(finding, language) for finding in error.findings]
            text = problem_body(
                error.status, error.reason, error.detail, context.clock, model=FindingsProblem, findings=bodies
            )
            return respond(error.status, text, context.clock)
        context.rules_changed()
        state = enacted_body(enacted, PolicyState.ENACTED)
        return EnactedAnswer(**dict(state), now=now, speed=context.clock.speed)


def _exceptions(router: APIRouter, context: Context) -> None:
    @router.get("/zones/{zone}/exceptions")
    async def exceptions_of_zone(municipality: MunicipalityId, zone: ZoneId, by: ActingAs) -> ExceptionsAnswer:
        """All exceptions ever entered for a zone."""
        key = ZoneKey(municipality, zone)
        found = await context.store.read(lambda tx: exceptions.exceptions_of(tx, key))
        bodies = [exception_body(record) for record in found]
        return ExceptionsAnswer(exceptions=bodies, now=context.clock.now(), speed=context.clock.speed)

    @router.post("/zones/{zone}/exceptions", status_code=201, responses=responses(401, 409))
    async def add_exception(
        municipality: MunicipalityId, zone: ZoneId, by: ActingAs, body: ExceptionDocument
    ) -> ExceptionAnswer:
        """Enter an exception; it holds from now on, in its nights."""
        now, key = context.clock.now(), ZoneKey(municipality, zone)
        record = await context.store.write(lambda tx: exceptions.add_exception(tx, key, body.exception("new"), by, now))
        context.rules_changed()
        return ExceptionAnswer(**dict(exception_body(record)), now=now, speed=context.clock.speed)

    @router.delete("/zones/{zone}/exceptions/{exception}", responses=responses(401, 409))
    async def withdraw_exception(
        municipality: MunicipalityId, zone: ZoneId, exception: ExceptionId, by: ActingAs
    ) -> ExceptionAnswer:
        """Withdraw an exception: it holds no longer. What it did until now stays on record."""
        now, key = context.clock.now(), ZoneKey(municipality, zone)
        record = await context.store.write(lambda tx: exceptions.withdraw_exception(tx, key, exception, by, now))
        context.rules_changed()
        return ExceptionAnswer(**dict(exception_body(record)), now=now, speed=context.clock.speed)
