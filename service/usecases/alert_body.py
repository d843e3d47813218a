"""Alerts as a JSON object, for machines."""

from collections.abc import Sequence

from service.domain.faults import Fault
from service.domain.inventory import Municipality
from service.domain.maintenance import Lock
from service.usecases.alert_texts import Told

MOST_ALERTS = 500
"""Alerts that a body holds before the others are only counted: receivers refuse bodies that are too large."""


def body_of(home: Municipality, told: Sequence[Told]) -> dict[str, object]:
    """The first alerts of a message, MOST_ALERTS at most. `count` is how many there are, `more` how many it leaves out.

    Whoever got an alert twice knows it by its id; times are ISO 8601 in UTC.
    """
    listed = [_alert(one) for one in told[:MOST_ALERTS]]
    return {"municipality": home.id, "count": len(told), "more": len(told) - len(listed), "alerts": listed}


def _alert(told: Told) -> dict[str, object]:
    alert = told.alert
    common: dict[str, object] = {
        "id": alert.id,
        "kind": alert.kind.value,
        "urgent": alert.urgent,
        "at": alert.at.isoformat(),
        "about": alert.about,
    }
    if isinstance(told.about, Fault):
        return common | {"fault": _fault(told.about)}
    if isinstance(told.about, Lock):
        return common | {"lock": _lock(told.about)}
    return common


def _fault(fault: Fault) -> dict[str, object]:
    return {
        "id": fault.id,
        "kind": fault.kind.value,
        "state": fault.state.value,
        "subject": {"controller": fault.subject.controller, "output": fault.subject.output},
        "since": fault.since.isoformat(),
        "detail": dict(fault.detail),
    }


def _lock(lock: Lock) -> dict[str, object]:
    return {
        "id": lock.id,
        "subject": {"zone": lock.zone, "controller": lock.controller, "output": lock.output},
        "since": lock.start.isoformat(),
        "until": lock.ends.isoformat(),
    }
