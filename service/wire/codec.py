"""Payloads of the wire, version 1 (broker/topics.md): values out, bytes in, and back."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import resources
from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from service.domain.inventory import ControllerKey
from service.domain.orders import Order
from service.domain.reports import Counters, Event, MeterReading, OutputReport, Report, Status
from service.domain.schedule import Step
from service.domain.words import Cause, EventKind, FaultKind
from service.ports import OutputPlan, Plan, PlanStep

MAX_PAYLOAD = 32 * 1024
"""Bytes; a longer payload is dropped unread."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Milliseconds = Annotated[int, Field(ge=0, le=4_102_444_800_000)]
Duration = Annotated[int, Field(ge=0, le=2**53)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Level = Annotated[int, Field(ge=0, le=100)]
Number = Annotated[str, StringConstraints(pattern="^[1-8]$")]


class DecodeError(ValueError):
    """A payload that does not hold against the contract; the first argument names the kind of fault."""

    @property
    def about_meters(self) -> bool:
        """Whether a meter said what no meter can say."""
        return str(self).startswith("malformed meters")


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore", allow_inf_nan=False, frozen=True)


B = TypeVar("B", bound=_Body)


class _Output(_Body):
    level: Level
    cause: Cause


class _Meter(_Body):
    w: Annotated[float, Field(ge=0, le=1_000_000)]
    v: Annotated[float, Field(ge=0, le=1000)] | None = None
    wh_total: Annotated[float, Field(ge=0, le=1e9)]
    outputs: Annotated[list[Number], Field(max_length=8)]


class _Report(_Body):
    plan_n: Count
    desired_n: Count
    session: Count
    boot: Count
    seq: Count
    at: Milliseconds | None
    clock: Literal["valid", "unset"]
    uptime_ms: Duration
    outputs: Annotated[dict[Number, _Output], Field(min_length=1, max_length=8)]
    meters: Annotated[dict[Number, _Meter], Field(max_length=8)]
    fw: Annotated[str, StringConstraints(pattern="^[ -~]{0,64}$")]


class _Status(_Body):
    online: bool
    session: Count


class _Event(_Body):
    id: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_-]{1,64}$")]
    type: EventKind
    at: Milliseconds | None
    output: Annotated[int, Field(ge=1, le=8)] | None = None
    served: Literal["local"] | None = None
    on: bool = True
    code: Literal["lampFailure", "relayFailure", "supplyLoss", "circuitBreakerTripped"] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.type is EventKind.BUTTON and self.output is None:
            raise ValueError("output")
        if self.type is EventKind.FAULT and self.code is None:
            raise ValueError("code")
        return self


class _PlanCounter(_Body):
    plan_n: Count


class _DesiredCounter(_Body):
    desired_n: Count


_BODIES = (_Output, _Meter, _Report, _Status, _Event, _PlanCounter, _DesiredCounter)
_FIELDS = frozenset(name for model in _BODIES for name in model.model_fields)


def _read(model: type[B], payload: bytes) -> B:
    if len(payload) > MAX_PAYLOAD:
        raise DecodeError("oversized")
    try:
        return model.model_validate_json(payload)
    except ValidationError as error:
        raise DecodeError(f"malformed {_where(error.errors()[0]['loc']) or 'body'}") from error


def _where(path: tuple[int | str, ...]) -> str:
    """The fields on the way to a fault. Keys are the sender's own words: neither counted apart nor logged."""
    told = (part for part in path if isinstance(part, str) and not re.fullmatch("[1-8]", part))
    return ".".join(part if part in _FIELDS else "*" for part in told)


def moment(milliseconds: int) -> datetime:
    """A moment from the wire's milliseconds since 1970 UTC."""
    return _EPOCH + timedelta(milliseconds=milliseconds)


def milliseconds(at: datetime) -> int:
    """The wire's milliseconds since 1970 UTC."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def read_report(controller: ControllerKey, payload: bytes, retained: bool) -> Report:
    """Decode a report. Raises DecodeError."""
    body = _read(_Report, payload)
    return Report(
        controller=controller,
        plan_n=body.plan_n,
        desired_n=body.desired_n,
        session=body.session,
        boot=body.boot,
        seq=body.seq,
        at=None if body.at is None or body.clock == "unset" else moment(body.at),
        outputs={int(n): OutputReport(output.level, output.cause) for n, output in body.outputs.items()},
        meters={
            int(n): MeterReading(meter.w, meter.v, round(meter.wh_total * 1000), tuple(map(int, meter.outputs)))
            for n, meter in body.meters.items()
        },
        uptime_ms=body.uptime_ms,
        fw=body.fw,
        clock_valid=body.clock == "valid",
        retained=retained,
    )


def read_status(controller: ControllerKey, payload: bytes, retained: bool = False) -> Status:
    """Decode a birth or a will. Raises DecodeError."""
    body = _read(_Status, payload)
    return Status(controller, body.online, body.session, retained)


def read_event(controller: ControllerKey, payload: bytes) -> Event:
    """Decode an event. Raises DecodeError."""
    body = _read(_Event, payload)
    return Event(
        controller=controller,
        id=body.id,
        kind=body.type,
        at=None if body.at is None else moment(body.at),
        output=body.output,
        served=body.served is not None,
        on=body.on,
        code=None if body.code is None else FaultKind(body.code),
    )


def read_counter(controller: ControllerKey, leaf: str, payload: bytes) -> Counters:
    """The counter of a plan or an order that the broker had kept. Raises DecodeError."""
    if leaf == "plan":
        return Counters(controller, plan_n=_read(_PlanCounter, payload).plan_n)
    return Counters(controller, desired_n=_read(_DesiredCounter, payload).desired_n)


def write_desired(desired_n: int, at: datetime, orders: Mapping[int, Order]) -> bytes:
    """Encode an order."""
    outputs = {
        str(n): [
            {
                "from": milliseconds(step.start),
                "level": step.level,
                "until": milliseconds(step.until),
                "cause": step.cause.value,
                "ref": step.ref,
            }
            for step in order
        ]
        for n, order in orders.items()
    }
    return _bytes({"desired_n": desired_n, "at": milliseconds(at), "outputs": outputs})


def write_plan(plan_n: int, at: datetime, plan: Plan) -> bytes:
    """Encode a plan."""
    return _bytes(
        {
            "plan_n": plan_n,
            "at": milliseconds(at),
            "position": {"lat": plan.place.lat, "lon": plan.place.lon},
            "tz": posix_tz(plan.place.tz),
            "fail_state": plan.fail_state.value,
            "cut_off_after_min": plan.cut_off_after_min,
            "local_press": {"minutes": plan.local_press_minutes, "level": plan.local_press_level},
            "outputs": {str(n): _output_plan(output) for n, output in plan.outputs.items()},
        }
    )


def _output_plan(output: OutputPlan) -> dict[str, object]:
    body: dict[str, object] = {
        "safety": output.safety,
        "ends": milliseconds(output.ends),
        "steps": [_plan_step(step) for step in output.steps],
        "rule": [_rule_step(step) for step in output.rule],
    }
    if output.local:
        body["local"] = [{"at": milliseconds(at), "level": level} for at, level in output.local]
    return body


def _plan_step(step: PlanStep) -> dict[str, object]:
    body: dict[str, object] = {"at": milliseconds(step.at), "level": step.level}
    if step.cause is not Cause.SCHEDULE:
        body["cause"] = step.cause.value
    if step.fade_s:
        body["fade_s"] = step.fade_s
    return body


def _rule_step(step: Step) -> dict[str, object]:
    body: dict[str, object] = {"anchor": step.anchor.value, "level": step.level}
    if step.clock is not None:
        body["clock"] = step.clock.strftime("%H:%M")
    if step.offset_min:
        body["offset_min"] = step.offset_min
    if step.fade_s:
        body["fade_s"] = step.fade_s
    return body


def write_time(at: datetime, speed: float, seq: int) -> bytes:
    """Encode the present moment."""
    return _bytes({"at": milliseconds(at), "speed": speed, "seq": seq})


def _bytes(body: dict[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


@lru_cache(maxsize=256)
def posix_tz(name: str) -> str:
    """The POSIX TZ string of an IANA zone: the last line of its TZif file (RFC 8536)."""
    region, _, city = f"zoneinfo/{name}".rpartition("/")
    footer = resources.files("tzdata").joinpath(region, city).read_bytes().rstrip(b"\n").rpartition(b"\n")[2]
    return footer.decode("ascii")
