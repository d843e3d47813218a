"""What the linter looks at and what it finds: a draft, its zone, and the nights in which it would rule."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from service.domain.conditions import Conditions
from service.domain.curve import Curve, Interval
from service.domain.inventory import Inventory, Output, Zone, ZoneKey, curve_of
from service.domain.policy import Policy, Rulebook
from service.domain.schedule import Moment, Program
from service.domain.sun import Night, Place, night

YEAR_NIGHTS = 366
"""So many nights are looked at, from the draft's first on: every season and both nights of a clock change."""


class Severity(StrEnum):
    """How much a finding weighs, the heaviest first: an error blocks enacting, a warning is signed off by name."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class FindingCode(StrEnum):
    """What may be wrong with a draft. Codes are stable: they stand in the API and in signed-off warnings."""

    BURNS_IN_DAYLIGHT = "burns_in_daylight"
    STEP_NEVER_HAPPENS = "step_never_happens"
    STEP_REPEATS = "step_repeats"
    STEPS_SWAP = "steps_swap"
    NEVER_LIT_BY_ITSELF = "never_lit_by_itself"
    RULE_NEVER_HOLDS = "rule_never_holds"
    RULE_HIDDEN = "rule_hidden"
    SCHEDULE_RULES_NOTHING = "schedule_rules_nothing"
    GAP_SURPRISE = "gap_surprise"
    FOLD_SURPRISE = "fold_surprise"
    TWILIGHT_MISSING = "twilight_missing"
    HOLIDAY_REGION_MISSING = "holiday_region_missing"
    DARK_WHERE_SAFETY = "dark_where_safety"
    SAFETY_LAMP_KEEPS_CIRCUIT = "safety_lamp_keeps_circuit"
    RING_SIGN_MISSING = "ring_sign_missing"
    RING_SIGN_UNKNOWN = "ring_sign_unknown"
    LEVEL_NOT_KEPT = "level_not_kept"
    CAP_DARKENS_RELAY = "cap_darkens_relay"
    CAP_NEVER_BINDS = "cap_never_binds"
    CAP_OUTPUT_UNKNOWN = "cap_output_unknown"
    WINDOW_NO_PRESS_CAN_USE = "window_no_press_can_use"
    PRESS_NEVER_HELPS = "press_never_helps"
    MINUTES_LONGER_THAN_WINDOW = "minutes_longer_than_window"
    LIMIT_BELOW_ONE_PRESS = "limit_below_one_press"
    SCHEDULE_EXCEEDS_ENERGY_LIMIT = "schedule_exceeds_energy_limit"
    FIRST_LIMITS_LOOSER = "first_limits_looser"
    REST_LEAVES_DARK = "rest_leaves_dark"
    PRESSER_IS_NO_PERSON = "presser_is_no_person"
    PRESSER_NOT_KNOWN_YET = "presser_not_known_yet"
    NOBODY_CAN_SHOW_YET = "nobody_can_show_yet"
    WARNING_NEEDS_DIMMER = "warning_needs_dimmer"
    ALONG_UNKNOWN = "along_unknown"
    ALONG_ITSELF = "along_itself"
    ALONG_TWICE = "along_twice"
    OVERTAKES = "overtakes"
    NOTHING_RULES_AFTER = "nothing_rules_after"
    STARTS_IN_THE_PAST = "starts_in_the_past"


Fact = int | str | date | time | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a council should know of its draft.

    `first` is the first night on which it occurs, by the date of its evening; None where it is no matter of nights.
    `subject` is the place in the draft as a path (`schedule.rules.0.steps.2`, counted from 0), empty where it is the
    draft as a whole. `facts` are the values that its sentence names.
    """

    code: FindingCode
    severity: Severity
    first: date | None = None
    subject: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Group:
    """Outputs of equal curve."""

    curve: Curve
    outputs: tuple[Output, ...]

    @property
    def watts(self) -> float:
        """Of all its outputs at level 100."""
        return sum(output.watts for output in self.outputs)

    @property
    def safety(self) -> bool:
        """Whether it follows the municipality's safety schedule."""
        return self.outputs[0].safety

    def wh_on(self, day: date) -> float:
        """Watt-hours that the plan burns in a night."""
        return self.watts * sum(hours(part.end - part.start) * part.level / 100 for part in self.curve.night(day))


@dataclass(frozen=True, slots=True)
class Study:
    """A draft as it would be in force.

    `zone` has the draft in its rulebook; `days` are the nights looked at; `own` are the zone's outputs, `along`
    those of the zones it would light along; `zones` are the municipality's by id.
    """

    draft: Policy
    zone: Zone
    inventory: Inventory
    zones: Mapping[str, Zone]
    today: date
    days: tuple[date, ...]
    own: tuple[Group, ...]
    along: tuple[Group, ...]

    @property
    def place(self) -> Place:
        """Where the zone is."""
        return self.inventory.municipality.place

    @property
    def ruled(self) -> tuple[Group, ...]:
        """The zone's outputs that follow its schedule: safety outputs do not."""
        return tuple(group for group in self.own if not group.safety)

    def nights(self) -> Iterator[Night]:
        """The nights looked at, with their sun."""
        return (night(self.place, day) for day in self.days)

    def lasting(self) -> Zone:
        """The zone as if the draft ruled for good, for figures of a whole year."""
        return replace(self.zone, rulebook=Rulebook((replace(self.draft, until=None, version=1),)))

    def names(self, outputs: Iterable[Output]) -> tuple[str, ...]:
        """What people call outputs: their controller's name, with the output's number where it has several."""
        controllers = {controller.key: controller for controller in self.inventory.controllers}
        return tuple(
            f"{controllers[output.key.owner].name}/{output.key.n}"
            if len(controllers[output.key.owner].outputs) > 1
            else controllers[output.key.owner].name
            for output in outputs
        )


def study(draft: Policy, zone: Zone, inventory: Inventory, zones: Mapping[str, Zone], today: date) -> Study:
    """A draft put to the test in its zone."""
    drafted = replace(zone, rulebook=zone.rulebook.with_draft(draft))
    days = [draft.valid_from + timedelta(days=step) for step in range(YEAR_NIGHTS)]
    others = [zones[name] for name in dict.fromkeys(draft.along) if name in zones and name != zone.key.zone]
    return Study(
        draft,
        drafted,
        inventory,
        zones,
        today,
        tuple(day for day in days if draft.holds_on(day)),
        _groups(drafted, inventory),
        tuple(group for other in others for group in _groups(other, inventory)),
    )


def _groups(zone: Zone, inventory: Inventory) -> tuple[Group, ...]:
    grouped: dict[Curve, list[Output]] = {}
    for controller in inventory.controllers:
        for output in controller.outputs:
            if ZoneKey(output.key.municipality, output.zone) == zone.key:
                grouped.setdefault(curve_of(output, zone, inventory.municipality), []).append(output)
    return tuple(Group(curve, tuple(outputs)) for curve, outputs in grouped.items())


def programs(study: Study) -> Iterator[tuple[str, Program, list[date]]]:
    """Every program of the draft's schedule: where it stands, its steps, and the nights looked at that it rules."""
    schedule, region = study.draft.schedule, study.place.region
    ruled: dict[int | None, list[date]] = {}
    for day in study.days:
        ruled.setdefault(schedule.rule_on(day, region), []).append(day)
    yield "schedule.steps", schedule.steps, ruled.get(None, [])
    for n, rule in enumerate(schedule.rules):
        yield f"schedule.rules.{n}.steps", rule.steps, ruled.get(n, [])


def moments(study: Study) -> Iterator[tuple[str, Moment, list[date]]]:
    """Every moment that the draft names, where it stands, and the nights looked at on which it counts."""
    for path, program, days in programs(study):
        for n, step in enumerate(program):
            yield f"{path}.{n}", step.moment, days
    windows = [(f"press.windows.{n}", window) for n, window in enumerate(study.draft.press.windows)]
    windows += [(f"quiet.{n}", cap.window) for n, cap in enumerate(study.draft.quiet)]
    for path, window in windows:
        days = [day for day in study.days if window.when.hold(day, study.place.region)]
        yield f"{path}.start", window.start, days
        yield f"{path}.end", window.end, days


def conditions(draft: Policy) -> Iterator[tuple[str, Conditions]]:
    """All conditions of a draft, and where they stand."""
    for n, rule in enumerate(draft.schedule.rules):
        yield f"schedule.rules.{n}", rule.when
    for n, window in enumerate(draft.press.windows):
        yield f"press.windows.{n}", window.when
    for n, cap in enumerate(draft.quiet):
        yield f"quiet.{n}", cap.window.when


def some_or_all(nights: int, of: int, for_all: Severity) -> Severity:
    """The severity of what is so in some nights only: a warning at most."""
    return for_all if nights == of else Severity.WARNING


def hours(span: timedelta) -> float:
    """A span in hours."""
    return span / timedelta(hours=1)


def minutes(span: timedelta) -> int:
    """A span in whole minutes."""
    return span // timedelta(minutes=1)


def overlap(part: Interval, start: datetime, end: datetime) -> timedelta:
    """How long a stretch of a curve lies within [start, end)."""
    return max(min(part.end, end) - max(part.start, start), timedelta())
