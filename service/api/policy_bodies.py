"""The JSON of policies, drafts, findings and exceptions."""

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from service.api.findings import sentence
from service.api.paths import ZoneName
from service.api.problems import Problem
from service.api.schemas import Answer
from service.domain.lint import Finding, FindingCode, Severity
from service.domain.policy import Resolution
from service.domain.words import PolicyState
from service.ports import Draft, Enactment, ExceptionRecord
from service.usecases.policies import TO_SIGN_OFF, Board
from service.usecases.policy_documents import (
    ExceptionDocument,
    Name,
    PolicyDocument,
    exception_document,
    policy_document,
)
from service.usecases.schedule_documents import Day

Note = Annotated[str, StringConstraints(max_length=2000, strip_whitespace=True, pattern=r"^[^\x00-\x08\x0b-\x1f]*$")]


class ResolutionBody(BaseModel):
    """The council's decision; `safety_note` is the note of the safety inspection."""

    number: Name
    passed_on: Day
    safety_note: Note = ""

    def resolution(self) -> Resolution:
        """The resolution."""
        return Resolution(self.number, self.passed_on, self.safety_note)


class PassedBody(BaseModel):
    """The council's decision behind a policy; `passed_on` is null where nobody said when."""

    number: str
    passed_on: date | None
    safety_note: str


class EnactRequest(BaseModel):
    """What enacting needs: the resolution, and the codes of findings that whoever acts accepts by name."""

    resolution: ResolutionBody
    signed_off: Annotated[list[FindingCode], Field(max_length=50)] = []


class CopyRequest(BaseModel):
    """The zones that get a draft like this policy."""

    zones: Annotated[list[ZoneName], Field(min_length=1, max_length=100)]


class EnactedBody(BaseModel):
    """A policy as enacted. `enacted_by` is null where it came with the municipality's file."""

    version: int
    state: PolicyState
    policy: PolicyDocument
    resolution: PassedBody | None
    enacted_by: str | None
    enacted_at: datetime
    signed_off: list[str]


class EnactedAnswer(EnactedBody, Answer):
    """One enacted policy."""


class DraftBody(BaseModel):
    """A draft and who changed it last."""

    id: str
    zone: str
    state: PolicyState = PolicyState.DRAFT
    policy: PolicyDocument
    changed_by: str
    changed_at: datetime


class DraftAnswer(DraftBody, Answer):
    """One draft."""


class DraftsAnswer(Answer):
    """Drafts, in the order of the zones asked for."""

    drafts: list[DraftBody]


class PoliciesAnswer(Answer):
    """All that was ever enacted for a zone, and its drafts."""

    zone: str
    name: str
    policies: list[EnactedBody]
    drafts: list[DraftBody]


class FindingBody(BaseModel):
    """What is to be known of a draft: `first` is the first night on which it occurs."""

    code: FindingCode
    severity: Severity
    first: date | None
    subject: str
    sentence: str
    to_sign_off: bool


class FindingsAnswer(Answer):
    """What the linter says of a draft."""

    findings: list[FindingBody]


class FindingsProblem(Problem):
    """Why a draft cannot be enacted as it is."""

    findings: list[FindingBody]


class ExceptionBody(BaseModel):
    """An exception as entered, and as withdrawn."""

    id: str
    exception: ExceptionDocument
    entered_by: str | None
    entered_at: datetime | None
    withdrawn_by: str | None
    withdrawn_at: datetime | None


class ExceptionAnswer(ExceptionBody, Answer):
    """One exception."""


class ExceptionsAnswer(Answer):
    """All exceptions ever entered for a zone."""

    exceptions: list[ExceptionBody]


class TemplateBody(BaseModel):
    """A policy to start from."""

    id: str
    name: str
    description: str
    policy: PolicyDocument


class TemplatesAnswer(Answer):
    """All templates."""

    templates: list[TemplateBody]


def passed_body(resolution: Resolution | None) -> PassedBody | None:
    """A resolution as JSON."""
    if resolution is None:
        return None
    return PassedBody(number=resolution.number, passed_on=resolution.passed_on, safety_note=resolution.safety_note)


def enacted_body(enactment: Enactment, state: PolicyState) -> EnactedBody:
    """An enacted policy as JSON."""
    policy = enactment.policy
    return EnactedBody(
        version=policy.version,
        state=state,
        policy=policy_document(policy),
        resolution=passed_body(policy.resolution),
        enacted_by=enactment.enacted_by,
        enacted_at=enactment.enacted_at,
        signed_off=list(enactment.signed_off),
    )


def draft_body(zone: str, draft: Draft) -> DraftBody:
    """A draft as JSON."""
    return DraftBody(
        id=draft.id,
        zone=zone,
        policy=policy_document(draft.policy),
        changed_by=draft.changed_by,
        changed_at=draft.changed_at,
    )


def policies_answer(board: Board, now: datetime, speed: float) -> PoliciesAnswer:
    """All policies of a zone as JSON."""
    zone = board.zone.key.zone
    return PoliciesAnswer(
        zone=zone,
        name=board.zone.name,
        policies=[enacted_body(enactment, state) for enactment, state in board.enacted],
        drafts=[draft_body(zone, draft) for draft in board.drafts],
        now=now,
        speed=speed,
    )


def finding_body(finding: Finding, language: str) -> FindingBody:
    """A finding as JSON."""
    return FindingBody(
        code=finding.code,
        severity=finding.severity,
        first=finding.first,
        subject=finding.subject,
        sentence=sentence(finding, language),
        to_sign_off=finding.code in TO_SIGN_OFF,
    )


def exception_body(record: ExceptionRecord) -> ExceptionBody:
    """An exception as JSON."""
    exception = record.exception
    return ExceptionBody(
        id=exception.id,
        exception=exception_document(exception),
        entered_by=record.entered_by,
        entered_at=exception.since,
        withdrawn_by=record.withdrawn_by,
        withdrawn_at=exception.until,
    )
