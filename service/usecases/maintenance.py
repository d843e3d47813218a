"""Maintenance: locks while somebody works at a lamp, and the test by which outputs and meters are commissioned."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_hex

from service.domain.inventory import Controller, ControllerKey, Output, ZoneKey, curve_of
from service.domain.lights import availability
from service.domain.maintenance import (
    LONGEST_LOCK,
    LONGEST_STAGE,
    SHORTEST_STAGE,
    Lock,
    OutputTest,
    Reading,
    lock_on,
)
from service.domain.maintenance_verdict import OutputVerdict, stages, verdict
from service.domain.words import Availability, Cause
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import Tx
from service.usecases.look import municipality_of

SETTLE = timedelta(seconds=5)
"""What a controller said until so long after a test belongs to it."""

GAP = timedelta(seconds=5)
"""All outputs of a test are dark for so long between two of them."""

MOST_LOCKS = 100
"""Locks of a municipality at a time: each may send a mail to an address of anybody's choice."""

_SHORTEST_LOCK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewLock:
    """What a lock is asked for: one of `zone` and `controller` (with an `output`, if it is about one)."""

    zone: str | None
    controller: str | None
    output: int | None
    reason: str
    until: datetime
    contact: str | None


def begin_lock(tx: Tx, municipality: str, wanted: NewLock, by: str, now: datetime) -> Lock:
    """Hold outputs at 0 from now on. InvalidError, UnknownError for what does not exist."""
    municipality_of(tx, municipality)
    if (wanted.zone is None) == (wanted.controller is None):
        raise InvalidError("zone, controller: name one of them.")
    if wanted.output is not None and wanted.controller is None:
        raise InvalidError("output: belongs to a controller; name that, too.")
    if wanted.zone is not None and tx.zone(ZoneKey(municipality, wanted.zone)) is None:
        raise UnknownError(f"zone: there is no zone “{wanted.zone}”.")
    if wanted.controller is not None:
        controller = controller_of(tx, municipality, wanted.controller)
        if wanted.output is not None and wanted.output not in (output.key.n for output in controller.outputs):
            raise UnknownError(f"output: {controller.key.controller} has no output {wanted.output}.")
    if not now + _SHORTEST_LOCK <= wanted.until <= now + LONGEST_LOCK:
        raise InvalidError("until: a lock lasts from one minute to 24 hours; begin another one after it.")
    if sum(lock.ends > now for lock in tx.locks(municipality, now)) >= MOST_LOCKS:
        raise ConflictError(f"{MOST_LOCKS} locks run already; give some back, or lock a whole zone.")
    lock = Lock(
        id=token_hex(8),
        municipality=municipality,
        zone=wanted.zone,
        controller=wanted.controller,
        output=wanted.output,
        reason=wanted.reason,
        by=by,
        start=now,
        until=wanted.until,
        contact=wanted.contact,
    )
    tx.save_lock(lock)
    return lock


def end_lock(tx: Tx, municipality: str, lock: str, by: str, now: datetime, *, of_another: bool = False) -> Lock:
    """Give a lock back before its time; somebody else's only `of_another`'s. ConflictError when it is over already."""
    found = tx.lock(municipality, lock)
    if found is None:
        raise UnknownError("There is no such lock.")
    if found.ends <= now:
        raise ConflictError("This lock is over already.")
    if by != found.by and not of_another:
        raise ConflictError(
            f"This is the lock of {found.by}, who may have hands in a lamp. Ask first; then say of_another."
        )
    ended = replace(found, ended_at=now, ended_by=by)
    tx.save_lock(ended)
    return ended


def is_dark(tx: Tx, lock: Lock, now: datetime, speed: float) -> bool:
    """Whether every output that a lock holds was reported dark by it, and nothing of that is old."""
    held = [o for c in tx.controllers(lock.municipality) for o in c.outputs if lock.holds(o)]
    owners = tx.controller_states({output.key.owner for output in held})
    said = tx.output_states(output.key for output in held)
    online = all(availability(state, now, speed) is Availability.ONLINE for state in owners.values())
    return online and all(
        output.key in said and (said[output.key].level, said[output.key].cause) == (0, Cause.LOCK) for output in held
    )


def recent_locks(tx: Tx, municipality: str, now: datetime) -> list[Lock]:
    """The locks that hold now, and those that ended within a day."""
    municipality_of(tx, municipality)
    return tx.locks(municipality, now - timedelta(days=1))


def controller_of(tx: Tx, municipality: str, controller: str) -> Controller:
    """A controller of a municipality, or UnknownError."""
    found = tx.controllers_by_key([ControllerKey(municipality, controller)])
    if not found:
        raise UnknownError(f"There is no controller “{controller}” in {municipality_of(tx, municipality).name}.")
    return found[0]


def begin_test(
    tx: Tx, municipality: str, controller: str, seconds: int, by: str, now: datetime, speed: float
) -> OutputTest:
    """Light each output of a controller alone for so many seconds, one after the other.

    ConflictError while another test of it runs, somebody works there, nothing could be measured, or the demo's clock
    runs faster than meters can follow.
    """
    found = controller_of(tx, municipality, controller)
    if speed != 1:
        raise ConflictError("The demo's clock runs faster than life: set its speed to 1 for a test.")
    if not found.meters:
        raise ConflictError(f"{controller} has no meter: nothing could be measured.")
    if not SHORTEST_STAGE <= timedelta(seconds=seconds) <= LONGEST_STAGE:
        raise InvalidError("seconds: each output is lit for 5 to 300 seconds.")
    if any(test.controller == found.key for test in tx.output_tests(municipality, now)):
        raise ConflictError("A test of this controller runs already; wait for its end, or end it.")
    held = next((n for n, lock in _locked(found.outputs, tx.locks(municipality, now), now) if lock is not None), None)
    if held is not None:
        raise ConflictError(f"Somebody works at output {held}: it is locked. Test it when the lock is over.")
    test = OutputTest(token_hex(8), found.key, by, now, stages(found, now, seconds, round(GAP.total_seconds())))
    tx.save_output_test(test)
    return test


def _locked(outputs: Iterable[Output], locks: list[Lock], now: datetime) -> list[tuple[int, Lock | None]]:
    return [(output.key.n, lock_on(output, locks, now)) for output in outputs]


def end_test(tx: Tx, municipality: str, test: str, now: datetime) -> OutputTest:
    """Break a test off. ConflictError when it is over already."""
    found = find_test(tx, municipality, test)
    if found.until <= now:
        raise ConflictError("This test is over already.")
    ended = replace(found, ended_at=now)
    tx.save_output_test(ended)
    return ended


def find_test(tx: Tx, municipality: str, test: str) -> OutputTest:
    """A test with the readings so far, or UnknownError."""
    found = tx.output_test(municipality, test)
    if found is None:
        raise UnknownError("There is no such test.")
    return found if found.readings else replace(found, readings=_readings(tx, found))


def finished_tests(tx: Tx, municipality: str, now: datetime) -> list[OutputTest]:
    """The tests that are over and whose readings are not kept yet, with what the meters said."""
    over = (test for test in tx.output_tests(municipality, now - timedelta(days=1)) if test.until + SETTLE <= now)
    found = (replace(test, readings=_readings(tx, test)) for test in over if not test.readings)
    return [test for test in found if test.readings]


def verdicts_of(tx: Tx, test: OutputTest) -> tuple[OutputVerdict, ...]:
    """What came of a test, output by output. Of those that their plan or a press lit anyway nothing can be told."""
    controller = controller_of(tx, test.controller.municipality, test.controller.controller)
    home = municipality_of(tx, test.controller.municipality)
    zones = {zone.key.zone: zone for zone in tx.zones(home.id)}
    curves = {output.key.n: curve_of(output, zones[output.zone], home) for output in controller.outputs}
    outputs = {output.key.n: output for output in controller.outputs}
    lit = set()
    for stage in (stage for stage in test.stages if stage.output in outputs):
        zone = ZoneKey(home.id, outputs[stage.output].zone)
        pressed = tx.light_given(zone, stage.start - GAP, stage.until)
        if pressed or curves[stage.output].level_at(stage.start) > 0:
            lit.add(stage.output)
    return verdict(test, controller, lit)


def _readings(tx: Tx, test: OutputTest) -> tuple[Reading, ...]:
    """What the meters said from before the test to its end: their changes of power."""
    controllers = tx.controllers_by_key([test.controller])
    states = tx.meter_states(meter.key for controller in controllers for meter in controller.meters)
    readings = []
    for key, state in states.items():
        earlier = [sample for sample in state.samples if sample.at < test.at][-1:]
        during = [sample for sample in state.samples if test.at <= sample.at <= test.until + SETTLE]
        readings += [Reading(sample.at, key.n, sample.watts) for sample in (*earlier, *during)]
    return tuple(sorted(readings, key=lambda reading: (reading.at, reading.meter)))
