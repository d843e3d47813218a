"""The JSON of the technicians' routes."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from service.api.schemas import Answer
from service.domain.faults import Fault
from service.domain.inventory import ID_PATTERN
from service.domain.maintenance import Lock, OutputTest
from service.domain.maintenance_verdict import TestOutcome
from service.domain.words import Availability, Cause, FaultKind, FaultState, FaultStep
from service.usecases.alert_documents import EmailAddress
from service.usecases.maintenance import SETTLE
from service.usecases.technician import ControllerView, OutputTestView

NO_ISOLATION = (
    "A lock keeps Dorflicht from switching the lamps on. It is no electrical isolation: "
    "switch off, secure and test for voltage before you touch anything."
)

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500, pattern=r"^[^\x00]*$")]
Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class FaultEntryBody(BaseModel):
    """Something that happened to a fault; `by` is null where it happened by itself."""

    at: datetime
    step: FaultStep
    by: str | None
    text: str


class FaultBody(BaseModel):
    """A fault. Without a controller it is about the whole municipality, without an output about the controller.

    `gone_since` says since when there is no more evidence of it; `detail` has the latest figures by name.
    """

    id: str
    kind: FaultKind
    controller: str | None
    output: int | None
    state: FaultState
    since: datetime
    opened_at: datetime | None
    gone_since: datetime | None
    detail: dict[str, str | float | int | None]
    history: list[FaultEntryBody]


class FaultsAnswer(Answer):
    """Faults, the oldest first."""

    faults: list[FaultBody]


class FaultAnswer(Answer):
    """One fault."""

    fault: FaultBody


class WordsRequest(BaseModel):
    """Words to keep with a fault."""

    text: Text


class RemarkRequest(BaseModel):
    """Words to keep with a fault, if there are any."""

    text: Text | None = None


class LockRequest(BaseModel):
    """A lock: one of `zone` and `controller`, and an `output` if it is about one. It begins now.

    `contact` is an e-mail address that is told 15 minutes before the end.
    """

    zone: Id | None = None
    controller: Id | None = None
    output: Annotated[int, Field(ge=1, le=8)] | None = None
    reason: Text
    until: AwareDatetime
    contact: EmailAddress | None = None


class LockBody(BaseModel):
    """A lock; `ends` is when it is, or was, over. It holds for sure where it is `dark`: every output reported so just
    now. Otherwise it was ordered, and nobody knows.
    """

    id: str
    zone: str | None
    controller: str | None
    output: int | None
    reason: str
    by: str
    start: datetime
    until: datetime
    ends: datetime
    ended_by: str | None
    contact: str | None
    dark: bool


class EndLockRequest(BaseModel):
    """`of_another` ends a lock that somebody else holds."""

    of_another: bool = False


class LocksAnswer(Answer):
    """Locks that hold now, or ended within the last day."""

    locks: list[LockBody]
    notice: str = NO_ISOLATION


class LockAnswer(Answer):
    """One lock."""

    lock: LockBody
    notice: str = NO_ISOLATION


class OutputNow(BaseModel):
    """An output as last reported; all null before its first report. `lock` is the lock that holds it."""

    n: int
    zone: str
    lamps: int
    watts: float
    safety: bool
    button: bool
    level: int | None
    cause: Cause | None
    since: datetime | None
    confirmed_at: datetime | None
    lock: str | None
    commissioned_watts: float | None


class MeterNow(BaseModel):
    """A meter's last reading; null before the first."""

    n: int
    outputs: list[int]
    watts: float | None
    volts: float | None
    wh_total: float | None
    at: datetime | None


class ControllerNow(BaseModel):
    """A controller as it is known now. Where `availability` is not online, what it said is old: see `heard_at`."""

    id: str
    kind: str
    name: str
    feeder: str | None
    availability: Availability
    heard_at: datetime | None
    clock_valid: bool | None
    fw: str
    order_confirmed: bool
    outputs: list[OutputNow]
    meters: list[MeterNow]
    open_faults: int


class ControllersAnswer(Answer):
    """Controllers as they are known now."""

    controllers: list[ControllerNow]


class WatchAnswer(ControllersAnswer):
    """What changed for technicians: controllers that differ, and all faults and locks that stand."""

    faults: list[FaultBody]
    locks: list[LockBody]


class OutputTestRequest(BaseModel):
    """A commissioning test: each output is lit alone for so many seconds."""

    seconds: Annotated[int, Field(ge=5, le=300)] = 20


class StageBody(BaseModel):
    """One output of a test: when it is lit, by how much a meter rose and by how much it should
    have (W), the meters that followed, and the verdict once the test is over."""

    output: int
    start: datetime
    until: datetime
    verdict: TestOutcome | None
    watts: float | None
    expected_watts: float | None
    meters: list[int]


class OutputTestBody(BaseModel):
    """A commissioning test."""

    id: str
    controller: str
    by: str
    at: datetime
    until: datetime
    over: bool
    stages: list[StageBody]


class OutputTestAnswer(Answer):
    """One commissioning test."""

    test: OutputTestBody


def fault_body(fault: Fault) -> FaultBody:
    """A fault as JSON."""
    return FaultBody(
        id=fault.id,
        kind=fault.kind,
        controller=fault.subject.controller,
        output=fault.subject.output,
        state=fault.state,
        since=fault.since,
        opened_at=fault.opened_at,
        gone_since=fault.gone_since,
        detail=dict(fault.detail),
        history=[FaultEntryBody(at=e.at, step=e.step, by=e.by, text=e.text) for e in fault.history],
    )


def lock_body(lock: Lock, *, dark: bool = False) -> LockBody:
    """A lock as JSON; `dark` where its outputs said so."""
    return LockBody(
        id=lock.id,
        zone=lock.zone,
        controller=lock.controller,
        output=lock.output,
        reason=lock.reason,
        by=lock.by,
        start=lock.start,
        until=lock.until,
        ends=lock.ends,
        ended_by=lock.ended_by,
        contact=lock.contact,
        dark=dark,
    )


def controller_body(view: ControllerView) -> ControllerNow:
    """A controller as JSON."""
    feeder = view.controller.feeder
    return ControllerNow(
        id=view.controller.key.controller,
        kind=view.controller.kind,
        name=view.controller.name,
        feeder=None if feeder is None else f"{feeder.controller}/{feeder.n}",
        availability=view.availability,
        heard_at=view.state.heard_at,
        clock_valid=view.state.clock_valid,
        fw=view.state.fw,
        order_confirmed=view.order_confirmed,
        outputs=[
            OutputNow(
                n=one.output.key.n,
                zone=one.output.zone,
                lamps=one.output.lamps,
                watts=one.output.watts,
                safety=one.output.safety,
                button=one.output.button,
                level=None if one.state is None else one.state.level,
                cause=None if one.state is None else one.state.cause,
                since=None if one.state is None else one.state.since,
                confirmed_at=None if one.state is None else one.state.confirmed_at,
                lock=None if one.lock is None else one.lock.id,
                commissioned_watts=None if one.commissioned is None else one.commissioned.watts,
            )
            for one in view.outputs
        ],
        meters=[
            MeterNow(
                n=meter.key.n,
                outputs=list(meter.outputs),
                watts=None if state is None else state.watts,
                volts=None if state is None else state.volts,
                wh_total=None if state is None else state.total_mwh / 1000,
                at=None if state is None else state.at,
            )
            for meter, state in view.meters
        ],
        open_faults=view.open_faults,
    )


def output_test_body(view: OutputTestView, now: datetime) -> OutputTestBody:
    """A commissioning test as JSON."""
    test: OutputTest = view.test
    said = {verdict.output: verdict for verdict in view.verdicts}
    return OutputTestBody(
        id=test.id,
        controller=test.controller.controller,
        by=test.by,
        at=test.at,
        until=test.until,
        over=now >= test.until + SETTLE,
        stages=[
            StageBody(
                output=stage.output,
                start=stage.start,
                until=stage.until,
                verdict=said[stage.output].outcome if stage.output in said and now >= test.until + SETTLE else None,
                watts=said[stage.output].watts if stage.output in said else None,
                expected_watts=said[stage.output].expected_watts if stage.output in said else None,
                meters=list(said[stage.output].followed) if stage.output in said else [],
            )
            for stage in test.stages
        ],
    )
