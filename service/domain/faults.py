"""Faults: what is known to be broken, since when, and what people did about it. `health` finds the evidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from service.domain.words import FaultKind, FaultState, FaultStep

MOST_ENTRIES = 200
"""Entries of a fault's history; beyond them its oldest ones that nobody wrote are dropped, but for the first."""

Detail = Mapping[str, str | float | int | None]
"""Figures behind a fault, by name: watts, expected watts, how many lamps are dark at least and at most ..."""


class Subject(NamedTuple):
    """What a fault is about, within a municipality: all of it (no controller), a controller, or one of its outputs."""

    controller: str | None = None
    output: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence of a fault, as it is right now."""

    subject: Subject
    kind: FaultKind
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FaultEntry:
    """Something that happened to a fault: when, what, by whom (None: by itself), and their words."""

    at: datetime
    step: FaultStep
    by: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a municipality. There is at most one that is not closed for a subject and kind.

    `since` is when its evidence was first seen after the last close, `gone_since` when it was last missed (None while
    it is there, or was never missed); `detail` are the latest figures.
    """

    id: str
    municipality: str
    subject: Subject
    kind: FaultKind
    state: FaultState
    since: datetime
    gone_since: datetime | None = None
    detail: Detail = field(default_factory=dict)
    history: tuple[FaultEntry, ...] = ()

    @property
    def opened_at(self) -> datetime | None:
        """When it was opened, or opened again, last; None while it is only suspected."""
        steps = (FaultStep.OPENED, FaultStep.REOPENED)
        return next((entry.at for entry in reversed(self.history) if entry.step in steps), None)


def told(fault: Fault, at: datetime, step: FaultStep, by: str | None = None, text: str = "") -> Fault:
    """A fault with one more entry in its history, which is in order whatever the clock did."""
    history = fault.history
    if len(history) >= MOST_ENTRIES:
        oldest = next((n for n, entry in enumerate(history) if n and entry.by is None), None)
        if oldest is not None:
            history = history[:oldest] + history[oldest + 1 :]
    last = history[-1].at if history else at
    return replace(fault, history=(*history, FaultEntry(max(at, last), step, by, text)))
