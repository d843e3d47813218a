"""Records: what the store keeps and hands out beside the domain's own values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from service.domain.inventory import ControllerKey, ZoneKey
from service.domain.orders import Order
from service.domain.policy import LightException, Policy
from service.domain.schedule import Step
from service.domain.sun import Place
from service.domain.words import Cause, Channel, FailState, Reason


@dataclass(frozen=True, slots=True)
class PressRecord:
    """A press as kept: granted with its lease, or refused with its reason; with neither where the controller had
    served it by itself before it told. Names nobody."""

    id: str
    zone: ZoneKey
    at: datetime
    channel: Channel
    refused: Reason | None
    lease: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that a council works on; nothing of it is in force. Its id is unique in its zone."""

    id: str
    policy: Policy
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Enactment:
    """A policy as enacted, by whom and when; `signed_off` are the codes of the findings that were accepted by name.

    `draft` is the id of the draft it was. It and `enacted_by` are None where it came with the municipality's file.
    """

    policy: Policy
    enacted_by: str | None
    enacted_at: datetime
    signed_off: tuple[str, ...] = ()
    draft: str | None = None


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """An exception and who entered it, at its `since`, and who withdrew it, at its `until`.

    `entered_by` is None where it came with the municipality's file.
    """

    exception: LightException
    entered_by: str | None
    withdrawn_by: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to an idempotent request, to be given again."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class SentOrder:
    """The last order recorded for a controller, by output number, and when it was recorded.

    `orders` is None where nobody knows what the controller holds: it, or the broker, knew a higher counter. `former`
    is the one recorded before it, which the controller may still follow.
    """

    desired_n: int
    orders: Mapping[int, Order] | None
    at: datetime | None = field(default=None, compare=False)
    former: "SentOrder | None" = field(default=None, compare=False)


class PlanStep(NamedTuple):
    """From a moment on an output gives `level` for `cause` (schedule or exception), faded to in `fade_s` seconds."""

    at: datetime
    level: int
    cause: Cause = Cause.SCHEDULE
    fade_s: int = 0


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """What one output does by itself: `steps` up to `ends`; then `rule` in every night.

    `local` is up to which level the output's button may light it by itself, from moments on; empty without a button.
    """

    steps: tuple[PlanStep, ...]
    ends: datetime
    rule: tuple[Step, ...]
    safety: bool
    local: tuple[tuple[datetime, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a controller carries out by itself for the coming nights."""

    place: Place
    outputs: Mapping[int, OutputPlan]
    fail_state: FailState
    cut_off_after_min: int
    local_press_minutes: int
    local_press_level: int


@dataclass(frozen=True, slots=True)
class SentPlan:
    """The last plan recorded for a controller: its counter and a digest of its content."""

    plan_n: int
    digest: str


@dataclass(frozen=True, slots=True)
class ClaimCode:
    """A code that gets a controller its secret, once and before it expires. Only its hash is kept."""

    controller: ControllerKey
    digest: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
