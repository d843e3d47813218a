"""Messages of the wire as values. A wrong value makes a message invalid, an unknown field is ignored."""

import json

from firmware_mock.core.posix_tz import Zone

MAX_BYTES = 32768
LATEST = 4102444800000
"""The last moment that may stand in a message: the year 2100."""
MAX_COUNTER = 2147483647
"""The highest plan_n, desired_n and session that may stand in a message."""
MAX_AHEAD = 86400000
"""How far after `at` an order may end, in milliseconds."""
CAUSES = ("lock", "rescue", "safety", "test", "override", "press", "local", "exception", "schedule", "failsafe")
"""By rank: the first decides among equal levels."""
_ORDER_CAUSES = CAUSES[:6]
_PLAN_CAUSES = ("schedule", "exception")
_ANCHORS = ("sunset", "sunrise", "dusk", "dawn", "clock")
_FAIL_STATES = ("plan", "lit", "dark")


class MessageError(ValueError):
    """A message that breaks the contract; says which field."""


class OrderStep:
    """A level in [start, until) with its cause."""

    def __init__(self, start: int, level: int, until: int, cause: str) -> None:
        self.start = start
        self.level = level
        self.until = until
        self.cause = cause


class Desired:
    """What outputs do beyond their plan, by output number."""

    def __init__(self, n: int, at: int, outputs: dict[str, list[OrderStep]]) -> None:
        self.n = n
        self.at = at
        self.outputs = outputs


class RuleStep:
    """From what the sun does (`anchor`) or a local clock time (ms after midnight) plus an offset (ms) on."""

    def __init__(self, anchor: str, clock: int, offset: int, level: int) -> None:
        self.anchor = anchor
        self.clock = clock
        self.offset = offset
        self.level = level


class PlanOutput:
    """One output's plan: levels with their causes from moments on, valid until `ends`; after that the rule.

    `local` says from which moments on up to which level a press of its button may light it when nobody answers.
    """

    def __init__(
        self,
        safety: bool,
        ends: int,
        steps: list[tuple[int, int, str]],
        rule: list[RuleStep],
        local: list[tuple[int, int]],
    ) -> None:
        self.safety = safety
        self.ends = ends
        self.steps = steps
        self.rule = rule
        self.local = local


class Plan:
    """What a controller carries out by itself. `cut_off` and `press_ms` (how long a press of a button lights an
    output when nobody answers, at `press_level`) in milliseconds."""

    def __init__(
        self,
        n: int,
        lat: float,
        lon: float,
        zone: Zone,
        fail_state: str,
        cut_off: int,
        press_ms: int,
        press_level: int,
        outputs: dict[str, PlanOutput],
    ) -> None:
        self.n = n
        self.lat = lat
        self.lon = lon
        self.zone = zone
        self.fail_state = fail_state
        self.cut_off = cut_off
        self.press_ms = press_ms
        self.press_level = press_level
        self.outputs = outputs


def _object(payload: bytes) -> dict[str, object]:
    if len(payload) > MAX_BYTES:
        raise MessageError("the message is too long")
    try:
        found = json.loads(payload.decode("utf-8"))
    except (ValueError, RuntimeError):  # RuntimeError: nested deeper than the parser can go
        raise MessageError("the message is not JSON") from None
    return _dict(found, "message")


def _dict(value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise MessageError(name + " is no object")
    return value


def _list(value: object, name: str, least: int, most: int) -> list[object]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise MessageError(name + " is no list of an allowed length")
    return value


def _get(holder: dict[str, object], name: str) -> object:
    if name not in holder:
        raise MessageError(name + " is missing")
    return holder[name]


def _integer(holder: dict[str, object], name: str, low: int, high: int) -> int:
    value = _get(holder, name)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise MessageError(name + " is no whole number in its range")
    return value


def _number(holder: dict[str, object], name: str, low: int, high: int) -> int | float:
    value = _get(holder, name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise MessageError(name + " is no number in its range")
    return value


def _flag(holder: dict[str, object], name: str) -> bool:
    value = _get(holder, name)
    if not isinstance(value, bool):
        raise MessageError(name + " is neither true nor false")
    return value


def _word(holder: dict[str, object], name: str, allowed: tuple[str, ...]) -> str:
    value = _get(holder, name)
    if not isinstance(value, str) or value not in allowed:
        raise MessageError(name + " is no word that is known here")
    return value


def _outputs(holder: dict[str, object]) -> dict[str, object]:
    outputs = _dict(_get(holder, "outputs"), "outputs")
    for n in outputs:
        if len(n) != 1 or not "1" <= n <= "8":
            raise MessageError("outputs has a number that is not 1 to 8")
    return outputs


def desired(payload: bytes) -> Desired:
    """An order. Raises MessageError, also where a step ends more than 24 h after `at`."""
    message = _object(payload)
    at = _integer(message, "at", 0, LATEST)
    outputs = {
        n: [_order_step(_dict(step, "step"), at) for step in _list(steps, "steps", 0, 8)]
        for n, steps in _outputs(message).items()
    }
    return Desired(_integer(message, "desired_n", 0, MAX_COUNTER), at, outputs)


def _order_step(step: dict[str, object], at: int) -> OrderStep:
    until = _integer(step, "until", 0, LATEST)
    if until > at + MAX_AHEAD:
        raise MessageError("until is more than a day ahead")
    ref = step.get("ref")
    if ref is not None and (not isinstance(ref, str) or len(ref) > 64):
        raise MessageError("ref is no text of up to 64 characters")
    _fade(step)
    start = _integer(step, "from", 0, LATEST)
    return OrderStep(start, _integer(step, "level", 0, 100), until, _word(step, "cause", _ORDER_CAUSES))


def _fade(step: dict[str, object]) -> None:
    """Refuse a wrong fade. A right one is not kept: a modelled lamp does not fade."""
    if "fade_s" in step:
        _integer(step, "fade_s", 0, 600)


def plan(payload: bytes) -> Plan:
    """A plan. Raises MessageError."""
    message = _object(payload)
    _integer(message, "at", 0, LATEST)
    position = _dict(_get(message, "position"), "position")
    local = _dict(_get(message, "local_press"), "local_press")
    return Plan(
        _integer(message, "plan_n", 0, MAX_COUNTER),
        _number(position, "lat", -90, 90),
        _number(position, "lon", -180, 180),
        _zone(_get(message, "tz")),
        _word(message, "fail_state", _FAIL_STATES),
        _integer(message, "cut_off_after_min", 1, 44640) * 60000,
        _integer(local, "minutes", 0, 240) * 60000,
        _integer(local, "level", 0, 100),
        {n: _plan_output(_dict(output, "output")) for n, output in _outputs(message).items()},
    )


def _zone(text: object) -> Zone:
    if not isinstance(text, str) or not 3 <= len(text) <= 64:
        raise MessageError("tz is no text of 3 to 64 characters")
    try:
        return Zone(text)
    except ValueError as error:
        raise MessageError(str(error)) from None


def _plan_output(output: dict[str, object]) -> PlanOutput:
    steps = [_plan_step(_dict(item, "step")) for item in _list(_get(output, "steps"), "steps", 1, 250)]
    rule = [_rule_step(_dict(item, "rule")) for item in _list(_get(output, "rule"), "rule", 0, 20)]
    local = (
        [_limit(_dict(item, "local")) for item in _list(output["local"], "local", 0, 250)] if "local" in output else []
    )
    return PlanOutput(_flag(output, "safety"), _integer(output, "ends", 0, LATEST), steps, rule, local)


def _limit(entry: dict[str, object]) -> tuple[int, int]:
    return _integer(entry, "at", 0, LATEST), _integer(entry, "level", 0, 100)


def _plan_step(step: dict[str, object]) -> tuple[int, int, str]:
    """From when on, which level, and why."""
    _fade(step)
    cause = _word(step, "cause", _PLAN_CAUSES) if "cause" in step else "schedule"
    return _integer(step, "at", 0, LATEST), _integer(step, "level", 0, 100), cause


def _rule_step(step: dict[str, object]) -> RuleStep:
    _fade(step)
    anchor = _word(step, "anchor", _ANCHORS)
    clock = _clock(step["clock"]) if "clock" in step else 0
    if anchor == "clock" and "clock" not in step:
        raise MessageError("clock is missing")
    offset = _integer(step, "offset_min", -720, 720) if "offset_min" in step else 0
    return RuleStep(anchor, clock, offset * 60000, _integer(step, "level", 0, 100))


def _clock(text: object) -> int:
    """HH:MM as milliseconds after midnight."""
    if not isinstance(text, str) or len(text) != 5 or text[2] != ":":
        raise MessageError("clock is not HH:MM")
    for at in (0, 1, 3, 4):
        if not "0" <= text[at] <= "9":
            raise MessageError("clock is not HH:MM")
    hours, minutes = int(text[:2]), int(text[3:])
    if hours > 23 or minutes > 59:
        raise MessageError("clock is no time of day")
    return (hours * 60 + minutes) * 60000


def time(payload: bytes) -> tuple[int, int | float, int]:
    """The present moment, the speed at which it goes on, and the message's number. Raises MessageError."""
    message = _object(payload)
    speed = _number(message, "speed", 0, 3600)
    if speed <= 0:
        raise MessageError("speed is not above 0")
    whole = int(speed)
    return (
        _integer(message, "at", 0, LATEST),
        whole if whole == speed else speed,
        _integer(message, "seq", 0, LATEST),
    )


def status(payload: bytes) -> tuple[bool, int]:
    """Online or not, and the session. Raises MessageError."""
    message = _object(payload)
    return _flag(message, "online"), _integer(message, "session", 0, MAX_COUNTER)
