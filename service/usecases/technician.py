"""What technicians see: controllers as they are known now, faults, and what people do about them."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from service.domain.faults import Fault
from service.domain.inventory import Controller, Meter, Output
from service.domain.lights import availability
from service.domain.maintenance import Commissioned, Lock, OutputTest, lock_on
from service.domain.maintenance_verdict import OutputVerdict
from service.domain.reports import ControllerState, MeterState, OutputState
from service.domain.words import Availability, FaultKind, FaultState
from service.errors import ConflictError, UnknownError
from service.ports import Tx
from service.usecases.look import municipality_of
from service.usecases.maintenance import controller_of, find_test, verdicts_of

STANDING = frozenset({FaultState.OPEN, FaultState.ACKNOWLEDGED})
"""The states of faults that somebody has to do something about."""

TOLD = STANDING | {FaultState.CLOSED}


@dataclass(frozen=True, slots=True)
class OutputView:
    """An output with what is known of it."""

    output: Output
    state: OutputState | None
    lock: Lock | None
    commissioned: Commissioned | None


@dataclass(frozen=True, slots=True)
class ControllerView:
    """A controller with what is known of it. `order_confirmed`: it said that it follows the last order."""

    controller: Controller
    state: ControllerState
    availability: Availability
    order_confirmed: bool
    outputs: tuple[OutputView, ...]
    meters: tuple[tuple[Meter, MeterState | None], ...]
    open_faults: int


@dataclass(frozen=True, slots=True)
class OutputTestView:
    """A commissioning test and what came of it so far."""

    test: OutputTest
    verdicts: tuple[OutputVerdict, ...]


def look_at_controllers(tx: Tx, municipality: str, now: datetime, speed: float) -> list[ControllerView]:
    """All controllers of a municipality, by id."""
    municipality_of(tx, municipality)
    controllers = tx.controllers(municipality)
    states = tx.controller_states(c.key for c in controllers)
    outputs = tx.output_states(output.key for c in controllers for output in c.outputs)
    meters = tx.meter_states(meter.key for c in controllers for meter in c.meters)
    sent = tx.sent_orders(c.key for c in controllers)
    locks, commissioned = tx.locks(municipality, now), tx.commissioned(municipality)
    faults = Counter(fault.subject.controller for fault in tx.faults(municipality, STANDING))
    return [
        ControllerView(
            controller=c,
            state=states[c.key],
            availability=availability(states[c.key], now, speed),
            order_confirmed=c.key in sent and states[c.key].desired_n >= sent[c.key].desired_n,
            outputs=tuple(
                OutputView(o, outputs.get(o.key), lock_on(o, locks, now), commissioned.get(o.key)) for o in c.outputs
            ),
            meters=tuple((meter, meters.get(meter.key)) for meter in c.meters),
            open_faults=faults[c.key.controller],
        )
        for c in controllers
    ]


@dataclass(frozen=True, slots=True)
class FaultFilter:
    """Which faults are asked for; empty means all."""

    states: Collection[FaultState] = ()
    kinds: Collection[FaultKind] = ()
    controllers: Collection[str] = ()
    zones: Collection[str] = ()


def list_faults(tx: Tx, municipality: str, wanted: FaultFilter) -> list[Fault]:
    """The faults of a municipality, the oldest first; only suspected ones are not told.

    UnknownError for a controller or a zone that does not exist: a slip of the pen must not look like health.
    """
    home = municipality_of(tx, municipality)
    for controller in wanted.controllers:
        controller_of(tx, municipality, controller)
    known = {zone.key.zone for zone in tx.zones(municipality)} if wanted.zones else set()
    for zone in wanted.zones:
        if zone not in known:
            raise UnknownError(f"{home.name} has no zone “{zone}”.")
    found: Iterable[Fault] = tx.faults(municipality, TOLD & set(wanted.states) if wanted.states else TOLD)
    if wanted.kinds:
        found = (fault for fault in found if fault.kind in wanted.kinds)
    if wanted.controllers:
        found = (fault for fault in found if fault.subject.controller in wanted.controllers)
    if wanted.zones:
        lit = {(o.key.controller, o.key.n): o.zone for c in tx.controllers(municipality) for o in c.outputs}
        found = (fault for fault in found if _zones(fault, lit) & set(wanted.zones))
    return list(found)


def _zones(fault: Fault, zone_of: dict[tuple[str, int], str]) -> set[str]:
    controller, output = fault.subject
    return {zone for (c, n), zone in zone_of.items() if controller in (None, c) and output in (None, n)}


def find_fault(tx: Tx, municipality: str, fault: str) -> Fault:
    """A fault that was opened, or UnknownError."""
    found = tx.fault(municipality, fault)
    if found is None or found.state is FaultState.SUSPECTED:
        raise UnknownError("There is no such fault.")
    return found


def change_fault(tx: Tx, municipality: str, fault: str, change: Callable[[Fault], Fault]) -> Fault:
    """Acknowledge, close or note (see domain.faults); ConflictError where that makes no sense."""
    found = find_fault(tx, municipality, fault)
    try:
        changed = change(found)
    except ValueError as error:
        raise ConflictError(str(error)) from error
    tx.save_fault(changed)
    return changed


def look_at_test(tx: Tx, municipality: str, test: str) -> OutputTestView:
    """A commissioning test with the verdict so far."""
    found = find_test(tx, municipality, test)
    return OutputTestView(found, verdicts_of(tx, found))
