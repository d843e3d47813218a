"""The life of a fault: suspected, open, acknowledged, closed; by evidence that lasts, or by people."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.domain.faults import MOST_ENTRIES, Detail, Fault, Finding, Subject, told
from service.domain.health_evidence import Matter
from service.domain.words import FaultKind, FaultState, FaultStep

RETURNS_WITHIN = timedelta(days=30)
"""A fault that comes back sooner after its close is reopened, not made anew."""

FLAPS_WITHIN = timedelta(days=1)
LONGEST_CLOSE = timedelta(days=1)
"""However often a fault came back, it closes by itself when its evidence has been gone for this long."""

SHORTEST_OUTAGE = timedelta(minutes=5)
"""A shorter absence of the service, as at a restart, is no fault."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long evidence lasts before its fault opens, and is gone before it closes by itself.

    Times are on the service's clock, or with `real` in real time, as waiting for messages takes. With `holds` a
    suspicion outlives times in which nothing can be told: lamps are judged while they are lit.
    """

    opens: timedelta
    closes: timedelta
    real: bool = False
    holds: bool = False


def _minutes(opens: int, closes: int, *, real: bool = False, holds: bool = False) -> Patience:
    return Patience(timedelta(minutes=opens), timedelta(minutes=closes), real, holds)


PATIENCE = {
    FaultKind.LAMP_FAILURE: _minutes(2, 10, holds=True),
    FaultKind.LAMP_UNEXPECTED_ON: _minutes(2, 10, holds=True),
    FaultKind.LAMP_POWER_TOO_HIGH: _minutes(2, 10, holds=True),
    FaultKind.LAMP_POWER_TOO_LOW: _minutes(2, 10, holds=True),
    FaultKind.RELAY_FAILURE: _minutes(2, 10, holds=True),
    FaultKind.CYCLING_FAILURE: _minutes(2, 60, holds=True),
    FaultKind.SUPPLY_LOSS: _minutes(1, 5),
    FaultKind.CIRCUIT_BREAKER_TRIPPED: _minutes(1, 10, holds=True),
    FaultKind.COMMUNICATION_FAILURE: _minutes(5, 10, real=True),
    FaultKind.CABINET_DOOR_OPEN: _minutes(1, 5),
    FaultKind.LOCAL_OVERRIDE: _minutes(1, 5),
    FaultKind.CLOCK_NOT_VALID: _minutes(5, 10, real=True),
    FaultKind.ORDER_NOT_CONFIRMED: _minutes(1, 10, real=True),
    FaultKind.CIRCUITS_SWAPPED: _minutes(2, 10, holds=True),
    FaultKind.METER_NOT_PLAUSIBLE: _minutes(1, 10),
    FaultKind.BROKER_OUTAGE: _minutes(1, 2, real=True),
    FaultKind.SERVICE_OUTAGE: _minutes(0, 0, real=True),
}
"""Of every kind."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of faults: `saved` are to be kept as they are now, `deleted` were suspected only.

    `opened`, `reopened` and `closed` (by themselves) are among the saved ones, for the alerts.
    """

    saved: tuple[Fault, ...] = ()
    deleted: tuple[Fault, ...] = ()
    opened: tuple[Fault, ...] = ()
    reopened: tuple[Fault, ...] = ()
    closed: tuple[Fault, ...] = ()


def advance(
    known: Sequence[Fault],
    found: Sequence[Finding],
    municipality: str,
    now: datetime,
    speed: float,
    new_id: Callable[[], str],
    *,
    sound: Collection[Matter],
) -> Changes:
    """Let faults go on by what was found wrong and what was found `sound` at `now`, with the broker there.

    `known` are the municipality's faults that are not closed, and those that were closed within RETURNS_WITHIN. What is
    neither found nor sound was not judged: its fault stays, and a suspicion stays only where its kind holds. Evidence
    that lasts opens a fault, or the closed one again that was about the same; soundness that lasts closes it, later
    with each time that it came back within a day. Whatever flaps in between stays as it is.
    """
    life = _Life(known, municipality, now, speed, new_id)
    for finding in found:
        life.see(finding)
    seen = {Matter(finding.subject, finding.kind) for finding in found}
    broker = Matter(Subject(), FaultKind.BROKER_OUTAGE)
    for matter in life.live.keys() - seen:
        life.miss(matter, sound=matter in sound or matter == broker)
    return life.changes()


def outage(
    known: Sequence[Fault],
    since: datetime,
    municipality: str,
    now: datetime,
    speed: float,
    new_id: Callable[[], str],
) -> Changes:
    """Instead of `advance` while the broker is away, `since` when it is: one fault for itself, and nothing is judged.

    All open faults stay. What messages alone could tell begins anew when the broker is back; `advance` closes
    the outage.
    """
    life = _Life(known, municipality, now, speed, new_id)
    life.forget()
    life.see(Finding(Subject(), FaultKind.BROKER_OUTAGE, {"from": since.isoformat()}), since)
    return life.changes()


def service_outage(
    known: Sequence[Fault],
    since: datetime,
    municipality: str,
    now: datetime,
    speed: float,
    new_id: Callable[[], str],
) -> Changes:
    """After the service was away from `since` to `now`: one fault, opened and closed at once; suspicions begin anew.

    None where it was shorter than SHORTEST_OUTAGE. Each outage is a fault of its own, told once: among the `opened`.
    """
    life = _Life(known, municipality, now, speed, new_id)
    life.forget()
    if now - since >= SHORTEST_OUTAGE * speed:
        detail: Detail = {"from": since.isoformat(), "until": now.isoformat()}
        kind = FaultKind.SERVICE_OUTAGE
        fault = Fault(new_id(), municipality, Subject(), kind, FaultState.CLOSED, since, now, detail)
        life.open_closed(told(told(fault, now, FaultStep.OPENED), now, FaultStep.CLOSED))
    return life.changes()


class _Life:
    """Faults of a municipality at a moment, and what becomes of them."""

    def __init__(
        self, known: Sequence[Fault], municipality: str, now: datetime, speed: float, new_id: Callable[[], str]
    ) -> None:
        self.live = {Matter(f.subject, f.kind): f for f in known if f.state is not FaultState.CLOSED}
        self._opened: list[Fault] = []
        self._before = {fault.id: fault for fault in known}
        self._ended = [fault for fault in known if fault.state is FaultState.CLOSED]
        self._municipality, self._now, self._speed, self._new_id = municipality, now, speed, new_id
        self._after: dict[str, Fault] = {}
        self._deleted: list[Fault] = []
        self._reopened: list[Fault] = []
        self._closed: list[Fault] = []

    def see(self, finding: Finding, since: datetime | None = None) -> None:
        """Evidence of a fault, seen since a moment or now."""
        matter = Matter(finding.subject, finding.kind)
        fault = self.live.get(matter)
        if fault is None:
            first = self._now if since is None else min(since, self._now)
            fault = Fault(self._new_id(), self._municipality, *matter, FaultState.SUSPECTED, first)
        detail = finding.detail if _differs(fault.detail, finding.detail) else fault.detail
        # A clock that was set back must not let a suspicion wait for its return.
        fault = replace(fault, detail=detail, gone_since=None, since=min(fault.since, self._now))
        opens = _clock(PATIENCE[fault.kind].opens, fault.kind, self._speed)
        if fault.state is FaultState.SUSPECTED and self._now - fault.since >= opens:
            fault = self._open(fault)
        self._put(fault)

    def _open(self, suspected: Fault) -> Fault:
        earlier = self._returning(Matter(suspected.subject, suspected.kind))
        if earlier is None:
            fault = told(replace(suspected, state=FaultState.OPEN), self._now, FaultStep.OPENED)
            self._opened.append(fault)
            return fault
        if suspected.id in self._before:
            self._deleted.append(self._before[suspected.id])
        self._after.pop(suspected.id, None)
        fault = replace(suspected, id=earlier.id, state=FaultState.OPEN, history=earlier.history)
        fault = told(fault, self._now, FaultStep.REOPENED)
        self._reopened.append(fault)
        return fault

    def _returning(self, matter: Matter) -> Fault | None:
        """The fault about the same that was closed last, if that is not long ago."""
        ended = [f for f in self._ended if (f.subject, f.kind) == matter and _closed_at(f) is not None]
        last = max(ended, key=lambda f: (_closed_at(f), f.id), default=None)
        at = _closed_at(last) if last is not None else None
        return last if at is not None and self._now - at <= RETURNS_WITHIN else None

    def miss(self, matter: Matter, *, sound: bool) -> None:
        """No evidence of a known fault: it is sound, or was not judged."""
        fault = self.live[matter]
        if fault.state is FaultState.SUSPECTED:
            if sound or not PATIENCE[fault.kind].holds:
                self._drop(matter)
            return
        if not sound:
            return
        gone = self._now if fault.gone_since is None else min(fault.gone_since, self._now)
        fault = replace(fault, gone_since=gone)
        if self._now - gone >= _closes(fault, self._now, self._speed):
            self.close(fault)
        else:
            self._put(fault)

    def close(self, fault: Fault) -> None:
        """Close a fault by itself."""
        fault = told(replace(fault, state=FaultState.CLOSED), self._now, FaultStep.CLOSED)
        self._closed.append(fault)
        self._put(fault)

    def open_closed(self, fault: Fault) -> None:
        """A fault that was over before anyone could tell of it."""
        self._opened.append(fault)
        self._after[fault.id] = fault

    def forget(self) -> None:
        """Let begin anew what was counted towards opening or closing; what is open stays."""
        for matter, fault in list(self.live.items()):
            if fault.state is FaultState.SUSPECTED and matter != Matter(Subject(), FaultKind.BROKER_OUTAGE):
                self._drop(matter)
            elif fault.gone_since is not None:
                self._put(replace(fault, gone_since=None))

    def _drop(self, matter: Matter) -> None:
        fault = self.live.pop(matter)
        self._after.pop(fault.id, None)
        self._deleted.append(fault)

    def _put(self, fault: Fault) -> None:
        self.live[Matter(fault.subject, fault.kind)] = fault
        self._after[fault.id] = fault

    def changes(self) -> Changes:
        """What differs from what was known."""
        saved = tuple(fault for fault in self._after.values() if fault != self._before.get(fault.id))
        opened, reopened, closed = (tuple(faults) for faults in (self._opened, self._reopened, self._closed))
        return Changes(saved, tuple(self._deleted), opened, reopened, closed)


def _clock(time: timedelta, kind: FaultKind, speed: float) -> timedelta:
    return time * speed if PATIENCE[kind].real else time


def _closes(fault: Fault, now: datetime, speed: float) -> timedelta:
    """How long evidence must be gone: twice as long for each time that it came back within a day."""
    returns = sum(e.step is FaultStep.REOPENED and now - e.at <= FLAPS_WITHIN for e in fault.history)
    patience = _clock(PATIENCE[fault.kind].closes, fault.kind, speed)
    return min(patience * float(1 << min(returns, 10)), max(LONGEST_CLOSE, patience))


def _closed_at(fault: Fault) -> datetime | None:
    return next((entry.at for entry in reversed(fault.history) if entry.step is FaultStep.CLOSED), None)


def _differs(kept: Detail, figures: Detail) -> bool:
    """Whether figures are worth a write: a word differs, or a number by more than a twentieth."""
    if kept.keys() != figures.keys():
        return True
    return any(_apart(kept[name], figure) for name, figure in figures.items())


def _apart(a: str | float | None, b: str | float | None) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return abs(a - b) > max(abs(a), abs(b)) / 20
    return a != b


def acknowledge(fault: Fault, by: str, now: datetime, text: str = "") -> Fault:
    """Somebody has seen it and takes care. ValueError where it is not open, or nobody is named."""
    _named(by)
    if fault.state is FaultState.ACKNOWLEDGED:
        raise ValueError(f"fault {fault.id}: acknowledged already; add a note, or close it")
    _open_to_people(fault)
    if fault.state is FaultState.CLOSED:
        raise ValueError(f"fault {fault.id}: closed; it opens again by itself when it returns, a note can be added")
    return told(replace(fault, state=FaultState.ACKNOWLEDGED), now, FaultStep.ACKNOWLEDGED, by, text)


def close(fault: Fault, by: str, now: datetime, text: str = "") -> Fault:
    """Somebody says that it is mended. While its evidence stands it opens again. ValueError where it is not open or
    acknowledged, or nobody is named."""
    _named(by)
    _open_to_people(fault)
    if fault.state is FaultState.CLOSED:
        raise ValueError(f"fault {fault.id}: closed already; add a note")
    return told(replace(fault, state=FaultState.CLOSED), now, FaultStep.CLOSED, by, text)


def note(fault: Fault, by: str, now: datetime, text: str) -> Fault:
    """Somebody adds words, also to a closed one. ValueError without words or a name, or while it is suspected."""
    _named(by)
    _open_to_people(fault)
    if not text.strip():
        raise ValueError("text: a note needs words")
    if len(fault.history) >= MOST_ENTRIES:
        raise ValueError("text: this fault has as many entries as are kept; go on elsewhere")
    return told(fault, now, FaultStep.NOTED, by, text)


def _named(by: str) -> None:
    if not by.strip():
        raise ValueError("by: say who does it, as a role")


def _open_to_people(fault: Fault) -> None:
    if fault.state is FaultState.SUSPECTED:
        raise ValueError(f"fault {fault.id}: only suspected; wait until its evidence has lasted and it is open")
