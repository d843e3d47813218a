"""Alerts: messages to staff, kept until they are sent or given up."""

from dataclasses import dataclass, field
from datetime import datetime

from service.domain.words import AlertChannel, AlertKind


@dataclass(frozen=True, slots=True)
class Delivery:
    """How far an alert has come on one channel: tried `attempts` times, due again at `due`, None when that is over.

    `sent_at` stays None where it was given up.
    """

    due: datetime | None
    attempts: int = 0
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """A message to staff about a fault or a lock (`about` is its id), to whom it may concern or to `contact` alone."""

    id: str
    municipality: str
    kind: AlertKind
    at: datetime
    about: str
    urgent: bool
    contact: str | None = None
    deliveries: dict[AlertChannel, Delivery] = field(default_factory=dict)
