"""What controllers say, as values: the edge decodes messages into these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from service.domain.inventory import ControllerKey
from service.domain.orders import Order
from service.domain.words import Cause, EventKind, FaultKind

MOST_BEHIND = timedelta(hours=1)
"""A controller's clock that lags by more is wrong."""

LONGEST_GAP = timedelta(days=31)
"""What was used in a longer silence counts as used in its end."""

MOST_AHEAD = 1_000_000
"""By how much a controller may know a higher counter than the service."""

HIGHEST_BELIEVED = 2**30 - 1
"""The highest counter that the service follows: half of what the wire can say is left for its own orders."""


@dataclass(frozen=True, slots=True)
class OutputReport:
    """Level in percent and why, as the controller holds it."""

    level: int
    cause: Cause


@dataclass(frozen=True, slots=True)
class MeterReading:
    """A meter's power in W, voltage in V and cumulative energy in mWh, and the outputs it covers."""

    watts: float
    volts: float | None
    total_mwh: int
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `at` is None while the controller's clock is not set; `retained` when the broker kept it."""

    controller: ControllerKey
    plan_n: int
    desired_n: int
    session: int
    boot: int
    seq: int
    at: datetime | None
    outputs: Mapping[int, OutputReport]
    meters: Mapping[int, MeterReading]
    uptime_ms: int
    fw: str
    clock_valid: bool = True
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """A birth or a last will: online or not, in which session; `retained` when the broker kept it."""

    controller: ControllerKey
    online: bool
    session: int
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Counters:
    """Counters found in the service's own retained messages or in a controller's report."""

    controller: ControllerKey
    plan_n: int = 0
    desired_n: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a controller, with an id that it gives once. `at` is None without a valid clock.

    `output` is the one that a button belongs to, or that a fault is about; `served` says that the controller lit it
    by itself. `on` tells whether a door, a hand switch or a fault (named by `code`) begins or is over.
    """

    controller: ControllerKey
    id: str
    kind: EventKind
    at: datetime | None
    output: int | None = None
    served: bool = False
    on: bool = True
    code: FaultKind | None = None


@dataclass(frozen=True, slots=True)
class Nonsense:
    """A report whose meters said what no meter can say: it was refused whole."""

    controller: ControllerKey


Message = Report | Status | Counters | Event | Nonsense


@dataclass(frozen=True, slots=True)
class Signal:
    """What a controller told by an event and has not taken back: an open door, a hand switch, a fault of its own."""

    controller: ControllerKey
    kind: FaultKind
    output: int | None
    since: datetime


@dataclass(frozen=True, slots=True)
class ControllerState:
    """What is known of a controller; all zero and unknown before its first message.

    `plan_n` and `desired_n` are what it says it applied; `heard_at` is the moment of its last report on the
    service's clock. `followed` is the order with that `desired_n` by output number, empty where nobody knows it.
    """

    online: bool | None = None
    session: int = 0
    boot: int = 0
    seq: int = 0
    plan_n: int = 0
    desired_n: int = 0
    heard_at: datetime | None = None
    reported_at: datetime | None = None
    fw: str = ""
    clock_valid: bool | None = None
    followed: Mapping[int, Order] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OutputState:
    """The last reported level of an output, why, since when, and when it was last confirmed."""

    level: int
    cause: Cause
    since: datetime
    confirmed_at: datetime


class Sample(NamedTuple):
    """A meter's power in W, and what its outputs' lamps draw nominally at their levels of that moment."""

    at: datetime
    watts: float
    nominal: float


MOST_SAMPLES = 24
"""How many of a meter's last changes of power are remembered."""


@dataclass(frozen=True, slots=True)
class MeterState:
    """The last reading of a meter: cumulative energy in mWh, power in W, voltage in V (None where it tells none).

    `samples` are its last changes of power, oldest first, at most MOST_SAMPLES; the last one stands for the power now.
    """

    total_mwh: int
    watts: float
    at: datetime
    volts: float | None = None
    samples: tuple[Sample, ...] = ()


_FLUTTER = 0.05
"""Part of a power below which a change is the mains' own."""


def sampled(before: MeterState | None, reading: MeterReading, at: datetime, nominal: float) -> tuple[Sample, ...]:
    """A meter's last changes of power with a new reading: one that changed neither power nor load adds nothing."""
    samples = () if before is None else before.samples
    if samples:
        last = samples[-1]
        same = abs(reading.watts - last.watts) <= max(1.0, _FLUTTER * max(last.watts, reading.watts))
        if same and nominal == last.nominal:
            return samples
    return (*samples[1 - MOST_SAMPLES :], Sample(at, reading.watts, nominal))


def moment_of(report: Report, last: datetime | None, now: datetime) -> datetime:
    """When a report was made: never after `now`, and not before the `last` one, unless the clock was set back.

    Between the two anything is believed, since a demo that skips time tells of it in order. What a broker kept may
    be old.
    """
    if report.at is None:
        return now
    said = min(report.at, now)
    if last is not None and last <= said:
        return said
    if report.retained:
        return max(said, now - LONGEST_GAP) if last is None else min(last, now)
    if now - said > MOST_BEHIND:
        return now
    return said if last is None else min(last, now)


def believable(said: int, known: int) -> bool:
    """Whether a counter that a controller claims may be true, where the service knows of `known`."""
    return said <= known or (said <= HIGHEST_BELIEVED and said - known <= MOST_AHEAD)
