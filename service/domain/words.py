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


class Availability(StrEnum):
    """Whether a controller can be spoken to. Unknown until a message or a will says otherwise."""

    UNKNOWN = "unknown"
    ONLINE = "online"
    OFFLINE = "offline"


class Reason(StrEnum):
    """Why a press is refused."""

    DAYLIGHT = "daylight"
    ALREADY_LIT = "already_lit"
    LONGEST = "longest"
    UNREACHABLE = "unreachable"


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
