"""Health: from what a controller says, and does not say, to what is wrong with it. Nothing is debounced here."""

from datetime import timedelta

from service.domain.faults import Finding, Subject
from service.domain.health_evidence import Evidence, Feeder, Health, Matter, together
from service.domain.health_power import judge_power
from service.domain.inventory import Output
from service.domain.lights import CONFIRM_WITHIN
from service.domain.reports import Signal
from service.domain.words import Availability, FaultKind

BOOTS_WITHIN = timedelta(minutes=2)
"""How long a controller behind a feeder may be silent after the feeder was switched on, in real time."""

RESTS = timedelta(minutes=15)
"""An output that went out more recently may stay dark for the sake of its relay or its lamps."""

_LAMPS = (FaultKind.LAMP_FAILURE, FaultKind.RELAY_FAILURE)
_SIGNALS = (FaultKind.CIRCUIT_BREAKER_TRIPPED, FaultKind.CABINET_DOOR_OPEN, FaultKind.LOCAL_OVERRIDE)

_EXPLAINS = (
    FaultKind.SUPPLY_LOSS,
    FaultKind.CIRCUIT_BREAKER_TRIPPED,
    FaultKind.RELAY_FAILURE,
    FaultKind.CYCLING_FAILURE,
    FaultKind.LAMP_FAILURE,
    FaultKind.LAMP_UNEXPECTED_ON,
    FaultKind.LAMP_POWER_TOO_HIGH,
    FaultKind.LAMP_POWER_TOO_LOW,
)
"""Of causes of wrong light at one place the first explains those behind it."""

_BY_HAND = frozenset({FaultKind.LOCAL_OVERRIDE, FaultKind.SUPPLY_LOSS, FaultKind.CIRCUIT_BREAKER_TRIPPED})


def examine(evidence: Evidence) -> Health:
    """What is wrong with a controller right now, and what is known to be right.

    Behind a feeder that is off, or was switched on a moment ago, nothing can be told. A controller that cannot be
    spoken to has that fault and those that it told of itself; silence behind a feeder of which nobody knows is the
    feeder's matter.
    """
    feeder, here = evidence.feeder, evidence.availability is Availability.ONLINE
    if feeder is not None and (_no_power(feeder, evidence) or not (here or _known(feeder))):
        return Health()
    told = Health(tuple(_told(signal, evidence) for signal in evidence.told))
    if not here:
        return together([Health((_silent(evidence),)), told])
    parts = [judge_power(evidence), told, _untold(evidence), _clock(evidence), _order(evidence)]
    levels = [_level(evidence, output) for output in evidence.controller.outputs]
    answers = Health(sound=frozenset({Matter(evidence.subject, FaultKind.COMMUNICATION_FAILURE)}))
    return _explained(together([answers, *parts, *levels]))


def _known(feeder: Feeder) -> bool:
    return feeder.availability is Availability.ONLINE and feeder.state is not None


def _no_power(feeder: Feeder, evidence: Evidence) -> bool:
    """Whether the feeder is known to be off, or has not been on for long enough."""
    if not _known(feeder) or feeder.state is None:
        return False
    return feeder.state.level == 0 or evidence.now - feeder.state.since < BOOTS_WITHIN * evidence.speed


def _silent(evidence: Evidence) -> Finding:
    heard = evidence.state.heard_at
    detail = {
        "availability": evidence.availability.value,
        "heard_at": heard.isoformat() if heard is not None else None,
    }
    return Finding(evidence.subject, FaultKind.COMMUNICATION_FAILURE, detail)


def _told(signal: Signal, evidence: Evidence) -> Finding:
    """What a controller told; a lamp or relay of a controller with one output is that output's."""
    n = signal.output
    if n is None and signal.kind in _LAMPS and len(evidence.controller.outputs) == 1:
        n = evidence.controller.outputs[0].key.n
    return Finding(Subject(signal.controller.controller, n), signal.kind, {"told_since": signal.since.isoformat()})


def _untold(evidence: Evidence) -> Health:
    """What a controller would have told: right, unless a meter judges it."""
    controller = evidence.controller
    metered = {n for meter in controller.meters for n in meter.outputs}
    kinds = [*_SIGNALS, *(() if metered else (FaultKind.SUPPLY_LOSS,))]
    sound = {Matter(evidence.subject, kind) for kind in (*kinds, FaultKind.METER_NOT_PLAUSIBLE)}
    if all(len(meter.outputs) == 1 for meter in controller.meters):
        sound |= {Matter(evidence.subject, kind) for kind in _LAMPS}
    for output in controller.outputs:
        judged = () if output.key.n in metered else (*_LAMPS, FaultKind.SUPPLY_LOSS)
        sound |= {Matter(evidence.about(output), kind) for kind in (*_SIGNALS, *judged)}
    return Health(sound=frozenset(sound))


def _clock(evidence: Evidence) -> Health:
    matter = Matter(evidence.subject, FaultKind.CLOCK_NOT_VALID)
    if evidence.state.clock_valid is None:
        return Health()
    return Health(sound=frozenset({matter})) if evidence.state.clock_valid else Health((Finding(*matter),))


def _order(evidence: Evidence) -> Health:
    """Whether the controller has taken the last order."""
    matter = Matter(evidence.subject, FaultKind.ORDER_NOT_CONFIRMED)
    if _acknowledged(evidence):
        return Health(sound=frozenset({matter}))
    if not _due(evidence):
        return Health()
    detail = {"ordered_n": evidence.ordered_n, "confirmed_n": evidence.state.desired_n}
    return Health((Finding(*matter, detail),))


def _acknowledged(evidence: Evidence) -> bool:
    return evidence.state.desired_n >= evidence.ordered_n


def _due(evidence: Evidence) -> bool:
    """Whether the last order should have been carried out by now."""
    at = evidence.ordered_at
    return at is None or evidence.now - at > CONFIRM_WITHIN * evidence.speed


def _level(evidence: Evidence, output: Output) -> Health:
    """Whether an output gives what is asked of it, or stays dark where somebody works."""
    state, asked = evidence.outputs.get(output.key), evidence.asked.get(output.key)
    by_hand = {signal.output for signal in evidence.told if signal.kind in _BY_HAND}
    if state is None or asked is None or by_hand & {None, output.key.n} or not _acknowledged(evidence):
        return Health()
    matter = Matter(evidence.about(output), FaultKind.ORDER_NOT_CONFIRMED)
    locked = output.key in evidence.locked
    if not locked and state.level == 0 < asked and evidence.now - state.since < RESTS:
        return Health()
    if (state.level > 0) if locked else (state.level < output.keeps(asked)):
        detail = {"asked_level": 0 if locked else output.keeps(asked), "level": state.level}
        return Health((Finding(*matter, detail),)) if _due(evidence) else Health()
    return Health(sound=frozenset({matter}))


def _explained(health: Health) -> Health:
    """Of several causes of wrong light at one place the one that explains the others; those are not told."""
    first: dict[Subject, int] = {}
    for finding in health.found:
        if finding.kind in _EXPLAINS:
            rank = _EXPLAINS.index(finding.kind)
            first[finding.subject] = min(rank, first.get(finding.subject, rank))
    found = tuple(
        finding
        for finding in health.found
        if finding.kind not in _EXPLAINS or _EXPLAINS.index(finding.kind) == first[finding.subject]
    )
    return Health(found, health.sound)
