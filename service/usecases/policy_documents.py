"""Policies and exceptions as documents: one form for the API, municipality files, templates and the store."""

from functools import lru_cache
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from service.domain.inventory import ID_PATTERN
from service.domain.policy import LightException, Limits, Policy, PressRules
from service.domain.schedule import QuietCap
from service.domain.words import Admission, FailState
from service.usecases.schedule_documents import (
    At,
    Day,
    Part,
    ScheduleDocument,
    StepDocument,
    WindowDocument,
    conditions_document,
    moment,
    moment_text,
    schedule_document,
    steps_document,
    window_document,
)

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("write one line of visible characters")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=120, strip_whitespace=True), AfterValidator(_one_line)]
"""One line that can be shown and printed."""


class LimitsDocument(Part):
    """What presses may use up in one night."""

    per_presser: int | None = None
    zone_minutes: int | None = None
    zone_wh: int | None = None
    reserve_percent: int = 33

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.limits()
        return self

    def limits(self) -> Limits:
        """The limits. ValueError where they make no sense."""
        return Limits(self.per_presser, self.zone_minutes, self.zone_wh, self.reserve_percent)


class PressDocument(Part):
    """When a press is welcome and what it buys."""

    minutes: int
    level: int = 100
    longest_minutes: int = 60
    rest_minutes: int = 0
    windows: Annotated[tuple[WindowDocument, ...], Field(max_length=10)] = ()
    admission: Admission = Admission.ANYONE
    limits: LimitsDocument = LimitsDocument()
    first_limits: LimitsDocument | None = None
    first_nights: int = 0
    warn_before_dark: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.rules()
        return self

    def rules(self) -> PressRules:
        """The rules. ValueError where no press could be granted under them."""
        return PressRules(
            self.minutes,
            self.level,
            self.longest_minutes,
            self.rest_minutes,
            tuple(window.window() for window in self.windows),
            self.admission,
            self.limits.limits(),
            None if self.first_limits is None else self.first_limits.limits(),
            self.first_nights,
            self.warn_before_dark,
        )


class OutputDocument(Part):
    """One output of the zone."""

    controller: Id
    n: Annotated[int, Field(ge=1, le=8)]


class QuietDocument(WindowDocument):
    """At most `level` within the window, for the zone or one of its outputs."""

    level: Annotated[int, Field(ge=0, le=99)]
    output: OutputDocument | None = None

    def cap(self) -> QuietCap:
        """The quiet cap."""
        output = None if self.output is None else (self.output.controller, self.output.n)
        return QuietCap(self.level, self.window(), output)


class PolicyDocument(Part):
    """The rules of a zone, for the nights from `valid_from` to `until`."""

    valid_from: Day
    until: Day | None = None
    schedule: ScheduleDocument
    press: PressDocument
    quiet: Annotated[tuple[QuietDocument, ...], Field(max_length=10)] = ()
    along: Annotated[tuple[Id, ...], Field(max_length=20)] = ()
    fail_state: FailState = FailState.PLAN
    cut_off_after_min: int = 1440

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.policy()
        return self

    def policy(self) -> Policy:
        """The policy, as a draft. ValueError where its parts contradict each other."""
        return Policy(
            self.valid_from,
            self.schedule.schedule(),
            self.press.rules(),
            self.until,
            tuple(cap.cap() for cap in self.quiet),
            self.along,
            self.fail_state,
            self.cut_off_after_min,
        )


class ExceptionDocument(Part):
    """A deviation from the schedule in the nights from `first` to `last`, in each from its first step to `end`."""

    name: Name
    first: Day
    last: Day
    steps: Annotated[tuple[StepDocument, ...], Field(min_length=1, max_length=20)]
    end: At = "sunrise"
    resolution: Name | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        self.exception("check")
        return self

    def exception(self, exception_id: str) -> LightException:
        """The exception under an id. ValueError where it ends before it begins."""
        steps = tuple(step.step() for step in self.steps)
        return LightException(exception_id, self.name, self.first, self.last, steps, moment(self.end), self.resolution)


def policy_document(policy: Policy) -> PolicyDocument:
    """The document of a policy; version and resolution are not in it."""
    press = policy.press
    return PolicyDocument(
        valid_from=policy.valid_from,
        until=policy.until,
        schedule=schedule_document(policy.schedule),
        press=PressDocument(
            minutes=press.minutes,
            level=press.level,
            longest_minutes=press.longest_minutes,
            rest_minutes=press.rest_minutes,
            windows=tuple(window_document(window) for window in press.windows),
            admission=press.admission,
            limits=_limits(press.limits),
            first_limits=None if press.first_limits is None else _limits(press.first_limits),
            first_nights=press.first_nights,
            warn_before_dark=press.warn_before_dark,
        ),
        quiet=tuple(_quiet(cap) for cap in policy.quiet),
        along=policy.along,
        fail_state=policy.fail_state,
        cut_off_after_min=policy.cut_off_after_min,
    )


def exception_document(exception: LightException) -> ExceptionDocument:
    """The document of an exception."""
    return ExceptionDocument(
        name=exception.name,
        first=exception.first,
        last=exception.last,
        steps=steps_document(exception.steps),
        end=moment_text(exception.end),
        resolution=exception.resolution,
    )


@lru_cache(maxsize=4096)
def policy_from_json(text: str) -> Policy:
    """The policy of a stored document, as a draft."""
    return PolicyDocument.model_validate_json(text).policy()


def _limits(limits: Limits) -> LimitsDocument:
    return LimitsDocument(
        per_presser=limits.per_presser,
        zone_minutes=limits.zone_minutes,
        zone_wh=limits.zone_wh,
        reserve_percent=limits.reserve_percent,
    )


def _quiet(cap: QuietCap) -> QuietDocument:
    return QuietDocument(
        level=cap.level,
        start=moment_text(cap.window.start),
        end=moment_text(cap.window.end),
        when=conditions_document(cap.window.when),
        output=None if cap.output is None else OutputDocument(controller=cap.output[0], n=cap.output[1]),
    )
