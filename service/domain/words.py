"""The glossary's enumerations: one word for each thing, as it stands in tables, topics and pages."""

from enum import StrEnum


class Cause(StrEnum):
    """Why an output has its level. The rank decides among equal levels: first named, first served."""

    LOCK = "lock"
    RESCUE = "rescue"
    SAFETY = "safety"
    TEST = "test"
    OVERRIDE = "override"
    PRESS = "press"
    LOCAL = "local"
    EXCEPTION = "exception"
    SCHEDULE = "schedule"
    FAILSAFE = "failsafe"


CAUSE_RANK = tuple(Cause)
"""By rank: the first decides among equal levels."""


class Quality(StrEnum):
    """How an energy entry is known, best first; where two apply, the later one is said.

    Measured by the output's own meter; apportioned from a meter of several outputs; interpolated over a change of level
    that no report told; computed from watts and level, for lack of a meter.
    """

    MEASURED = "measured"
    APPORTIONED = "apportioned"
    INTERPOLATED = "interpolated"
    COMPUTED = "computed"


class Period(StrEnum):
    """What energy is rolled up over, in local time: an hour, a day from midnight, a night from noon, a month."""

    HOUR = "hour"
    DAY = "day"
    NIGHT = "night"
    MONTH = "month"


class Availability(StrEnum):
    """Whether a controller can be spoken to. Unknown until a message or a will says otherwise."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


class Reason(StrEnum):
    """Why a press is refused."""

    DAYLIGHT = "daylight"
    NOT_WELCOME = "not_welcome"
    QUIET = "quiet"
    ALREADY_LIT = "already_lit"
    CODE_NEEDED = "code_needed"
    NOT_ADMITTED = "not_admitted"
    LONGEST = "longest"
    PRESSER_LIMIT = "presser_limit"
    ZONE_MINUTES = "zone_minutes"
    ZONE_ENERGY = "zone_energy"
    UNREACHABLE = "unreachable"
    LOCKED = "locked"


class Admission(StrEnum):
    """Who may press: anyone, whoever has the code at the lamp, or only whom the municipality admitted."""

    ANYONE = "anyone"
    CODE = "code"
    ADMITTED = "admitted"


class PolicyState(StrEnum):
    """How far a policy has come: drafted, enacted and still to come, in force tonight, or superseded for good."""

    DRAFT = "draft"
    ENACTED = "enacted"
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"


class JobState(StrEnum):
    """How far a simulation has come."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class PressedState(StrEnum):
    """What may be told of a night's presses: their sum, but not before its noon; nothing any more, or never known."""

    TOLD = "told"
    NOT_YET = "not_yet"
    FORGOTTEN = "forgotten"
    NOT_RECORDED = "not_recorded"


class Channel(StrEnum):
    """The way a press reached us."""

    WEB = "web"
    BUTTON = "button"
    SMS = "sms"
    CALL = "call"
    TOKEN = "token"  # noqa: S105 - a channel, no secret


class LeaseState(StrEnum):
    """How far a granted press has come. `lit` and `partly` only after reports said so."""

    GRANTED = "granted"
    ORDERED = "ordered"
    LIT = "lit"
    PARTLY = "partly"
    FAILED = "failed"


class LightState(StrEnum):
    """What is confirmed of a zone's light."""

    LIT = "lit"
    PARTLY = "partly"
    DARK = "dark"
    UNKNOWN = "unknown"


class Basis(StrEnum):
    """Where a number of lit lamps comes from: each lamp's own report, or an estimate by a circuit's meter."""

    REPORT = "report"
    METER = "meter"


class FailState(StrEnum):
    """What a controller does when it has been cut off for longer than the policy allows."""

    PLAN = "plan"
    LIT = "lit"
    DARK = "dark"


class RingSign(StrEnum):
    """Whether a lamp carries the red ring (sign 394), which marks lamps that do not burn all night."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class FaultKind(StrEnum):
    """What is wrong, in TALQ 2.7.1's words where it has one; the last six are ours."""

    LAMP_FAILURE = "lampFailure"
    LAMP_UNEXPECTED_ON = "lampUnexpectedOn"
    LAMP_POWER_TOO_HIGH = "lampPowerTooHigh"
    LAMP_POWER_TOO_LOW = "lampPowerTooLow"
    RELAY_FAILURE = "relayFailure"
    CYCLING_FAILURE = "cyclingFailure"
    SUPPLY_LOSS = "supplyLoss"
    CIRCUIT_BREAKER_TRIPPED = "circuitBreakerTripped"
    COMMUNICATION_FAILURE = "communicationFailure"
    CABINET_DOOR_OPEN = "cabinetDoorOpen"
    LOCAL_OVERRIDE = "localOverride"
    CLOCK_NOT_VALID = "clockNotValid"
    ORDER_NOT_CONFIRMED = "orderNotConfirmed"
    CIRCUITS_SWAPPED = "circuitsSwapped"
    METER_NOT_PLAUSIBLE = "meterNotPlausible"
    BROKER_OUTAGE = "brokerOutage"
    SERVICE_OUTAGE = "serviceOutage"


class FaultState(StrEnum):
    """How far a fault has come. A suspected one is not told yet: its evidence has not lasted long enough."""

    SUSPECTED = "suspected"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CLOSED = "closed"


class FaultStep(StrEnum):
    """What happened to a fault."""

    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    NOTED = "noted"
    CLOSED = "closed"
    REOPENED = "reopened"


class EventKind(StrEnum):
    """What a controller tells apart from its reports."""

    BUTTON = "button"
    DOOR = "door"
    FAULT = "fault"
    LOCAL_OVERRIDE = "local_override"


class AlertKind(StrEnum):
    """Why staff gets a message."""

    FAULT_OPENED = "fault_opened"
    FAULT_REOPENED = "fault_reopened"
    FAULT_CLOSED = "fault_closed"
    LOCK_ENDING = "lock_ending"


class AlertChannel(StrEnum):
    """The way a message to staff goes."""

    EMAIL = "email"
    WEBHOOK = "webhook"
