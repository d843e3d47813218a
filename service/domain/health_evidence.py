"""What is known of one controller when its health is judged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from service.domain.faults import Finding, Subject
from service.domain.inventory import Controller, MeterKey, Output, OutputKey
from service.domain.maintenance import Baselines
from service.domain.reports import ControllerState, MeterState, OutputState, Signal
from service.domain.words import Availability, FaultKind

SETTLES = timedelta(seconds=5)
"""A meter's reading that is younger than this, counted from the last change of an output, proves nothing yet."""


@dataclass(frozen=True, slots=True)
class Feeder:
    """The output that a controller hangs behind, as its own controller reports it.

    `state` is None where nothing was heard of it; `availability` is that of the feeder's controller.
    """

    availability: Availability
    state: OutputState | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of a controller at `now`; `speed` is how fast the clock runs against real time.

    Mappings and `signals` may hold more than this controller's; what is missing in them is not known. `asked` is
    the level (percent) that plan and order ask of an output right now, `locked` the outputs that a lock holds at 0,
    `fading` how long an output takes to its level. `lamps` are the watts of each lamp on an output: without them its
    lamps count as alike. `feeder` is None where the controller has none. `ordered_n` is the counter of the last
    order recorded for it, at `ordered_at`. Other controllers hang behind `feeds`: what these draw nobody knows here.
    """

    controller: Controller
    state: ControllerState
    availability: Availability
    now: datetime
    speed: float
    outputs: Mapping[OutputKey, OutputState] = field(default_factory=dict)
    meters: Mapping[MeterKey, MeterState] = field(default_factory=dict)
    asked: Mapping[OutputKey, int] = field(default_factory=dict)
    locked: frozenset[OutputKey] = frozenset()
    fading: Mapping[OutputKey, timedelta] = field(default_factory=dict)
    baselines: Baselines = field(default_factory=dict)
    lamps: Mapping[OutputKey, Sequence[float]] = field(default_factory=dict)
    signals: Sequence[Signal] = ()
    feeder: Feeder | None = None
    feeds: frozenset[OutputKey] = frozenset()
    ordered_n: int = 0
    ordered_at: datetime | None = None

    @property
    def told(self) -> list[Signal]:
        """What this controller told and has not taken back."""
        return [signal for signal in self.signals if signal.controller == self.controller.key]

    @property
    def subject(self) -> Subject:
        """The controller as what a fault is about."""
        return Subject(self.controller.key.controller)

    def about(self, output: Output) -> Subject:
        """One of its outputs as what a fault is about."""
        return Subject(self.controller.key.controller, output.key.n)


class Matter(NamedTuple):
    """Something that can be wrong with something."""

    subject: Subject
    kind: FaultKind


@dataclass(frozen=True, slots=True)
class Health:
    """What evidence says: `found` is wrong now, `sound` is known to be right now, at most one of them per matter.

    Of all that is in neither nothing can be told: a lamp cannot be judged while it is dark, nor anything behind a
    controller that does not answer.
    """

    found: tuple[Finding, ...] = ()
    sound: frozenset[Matter] = frozenset()


def together(parts: Iterable[Health]) -> Health:
    """What several parts say. Of what is found twice the first counts; what anyone finds wrong is not right."""
    found: dict[Matter, Finding] = {}
    sound: set[Matter] = set()
    for part in parts:
        for finding in part.found:
            found.setdefault(Matter(finding.subject, finding.kind), finding)
        sound |= part.sound
    return Health(tuple(found.values()), frozenset(sound - found.keys()))
