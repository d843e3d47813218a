"""Maintenance: locks, and the test by which outputs and meters are commissioned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.inventory import ControllerKey, Output, OutputKey

LONGEST_LOCK = timedelta(hours=24)
WARN_BEFORE = timedelta(minutes=15)
"""How long before its end the holder of a lock is warned."""

SHORTEST_STAGE, LONGEST_STAGE = timedelta(seconds=5), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Lock:
    """Somebody works there: outputs are held at 0 in [start, until), whatever else asks for light.

    Exactly one of `zone` and `controller` is set; `output` narrows a controller. `contact` is an e-mail address for
    the warning. `ended_at` and `ended_by` say who gave it back before its time.
    """

    id: str
    municipality: str
    zone: str | None
    controller: str | None
    output: int | None
    reason: str
    by: str
    start: datetime
    until: datetime
    contact: str | None = None
    warned_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def ends(self) -> datetime:
        """When it ends, or ended."""
        return self.until if self.ended_at is None else min(self.until, self.ended_at)

    def holds(self, output: Output) -> bool:
        """Whether it is about this output."""
        if output.key.municipality != self.municipality:
            return False
        if self.controller is None:
            return output.zone == self.zone
        return output.key.controller == self.controller and self.output in (None, output.key.n)


def lock_on(output: Output, locks: Iterable[Lock], now: datetime) -> Lock | None:
    """The lock that holds an output at `now`, of several the one that ends last."""
    holding = (lock for lock in locks if lock.start <= now < lock.ends and lock.holds(output))
    return max(holding, key=lambda lock: lock.ends, default=None)


def locked_until(locks: Sequence[Lock], outputs: Sequence[Output], now: datetime) -> datetime | None:
    """When the first of these outputs is free again; None where one is free now, or there are none."""
    ends = [None if (lock := lock_on(output, locks, now)) is None else lock.ends for output in outputs]
    held = [end for end in ends if end is not None]
    return min(held) if held and len(held) == len(outputs) else None


@dataclass(frozen=True, slots=True)
class Stage:
    """One output is lit alone in [start, until) of a test."""

    output: int
    start: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter said in a test, in W."""

    at: datetime
    meter: int
    watts: float


@dataclass(frozen=True, slots=True)
class OutputTest:
    """A commissioning test of a controller: its outputs lit one after the other, and what its meters said meanwhile."""

    id: str
    controller: ControllerKey
    by: str
    at: datetime
    stages: tuple[Stage, ...]
    readings: tuple[Reading, ...] = ()
    ended_at: datetime | None = None

    @property
    def until(self) -> datetime:
        """When the last output goes out."""
        until = self.stages[-1].until
        return until if self.ended_at is None else min(until, self.ended_at)


@dataclass(frozen=True, slots=True)
class Commissioned:
    """What an output drew at level 100 when it was commissioned, in W."""

    output: OutputKey
    watts: float
    at: datetime
    by: str


Baselines = Mapping[OutputKey, Commissioned]
