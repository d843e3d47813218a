"""A council's rules for one zone: what lamps do by themselves, and what a press may do."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from service.domain.schedule import (
    Anchor,
    Deviation,
    Moment,
    NightRules,
    Program,
    QuietCap,
    Schedule,
    Window,
    checked,
    never_after,
)
from service.domain.words import Admission, FailState, PolicyState

_BEGINNING = datetime.min.replace(tzinfo=UTC)
LONGEST_PRESS = timedelta(minutes=240)
"""One press buys no more light than this."""


def _between(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name}: {value} is not between {low} and {high}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What presses may use up in one night; None sets no limit.

    `per_presser` counts presses of one browser, number or button (not of a person); `zone_minutes` are those that
    light pressed here lasts, overlaps counted once; `zone_wh` is all energy of the zone's own outputs, what the
    schedule burns included. Open web presses cannot use up the last `reserve_percent` of what the zone's limits
    leave to presses.
    """

    per_presser: int | None = None
    zone_minutes: int | None = None
    zone_wh: int | None = None
    reserve_percent: int = 33

    def __post_init__(self) -> None:
        """Refuse limits that make no sense."""
        for name, value, most in (
            ("per_presser", self.per_presser, 1000),
            ("zone_minutes", self.zone_minutes, 1440),
            ("zone_wh", self.zone_wh, 10_000_000),
        ):
            if value is not None:
                _between(name, value, 1, most)
        _between("reserve_percent", self.reserve_percent, 0, 90)


@dataclass(frozen=True, slots=True)
class PressRules:
    """When a press is welcome and what it buys.

    No `windows` means: whenever it is darker than the press would make it. `first_limits` hold instead of `limits`
    in the policy's first `first_nights` nights, when everybody wants to try it. With `warn_before_dark` the last
    minute is at half level where outputs can dim.
    """

    minutes: int
    level: int = 100
    longest_minutes: int = 60
    rest_minutes: int = 0
    windows: tuple[Window, ...] = ()
    admission: Admission = Admission.ANYONE
    limits: Limits = Limits()
    first_limits: Limits | None = None
    first_nights: int = 0
    warn_before_dark: bool = False

    def __post_init__(self) -> None:
        """Refuse rules under which no press could be granted."""
        _between("minutes", self.minutes, 1, LONGEST_PRESS // timedelta(minutes=1))
        _between("level", self.level, 1, 100)
        _between("longest_minutes", self.longest_minutes, 1, 1440)
        if self.longest_minutes < self.minutes:
            raise ValueError(f"longest_minutes: {self.longest_minutes} is less than one press buys ({self.minutes})")
        _between("rest_minutes", self.rest_minutes, 0, 1440)
        _between("first_nights", self.first_nights, 0, 366)
        if (self.first_limits is None) != (self.first_nights == 0):
            raise ValueError("first_nights: tighter limits and the number of nights that they hold belong together")

    @property
    def duration(self) -> timedelta:
        """What one press buys."""
        return timedelta(minutes=self.minutes)


@dataclass(frozen=True, slots=True)
class Resolution:
    """The council's decision behind a policy; `safety_note` is the note of the safety inspection.

    `passed_on` None: nobody said when.
    """

    number: str
    passed_on: date | None
    safety_note: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of a zone, in force from the night of `valid_from` to that of `until` (None: for good).

    `version` counts enacted policies of the zone from 1; a draft has 0.
    """

    valid_from: date
    schedule: Schedule
    press: PressRules
    until: date | None = None
    quiet: tuple[QuietCap, ...] = ()
    along: tuple[str, ...] = ()
    fail_state: FailState = FailState.PLAN
    cut_off_after_min: int = 1440
    version: int = 0
    resolution: Resolution | None = None

    def __post_init__(self) -> None:
        """Refuse a policy that ends before it begins."""
        _between("cut_off_after_min", self.cut_off_after_min, 1, 60 * 24 * 31)
        if self.until is not None and self.until < self.valid_from:
            raise ValueError(f"until: {self.until} lies before valid_from, {self.valid_from}")

    def holds_on(self, day: date) -> bool:
        """Whether it is in force in the night of the evening of `day` where no later version is."""
        return self.valid_from <= day and (self.until is None or day <= self.until)

    def limits_on(self, day: date) -> Limits:
        """The limits of a night: the tighter ones in the first nights."""
        rules = self.press
        if rules.first_limits is not None and day - self.valid_from < timedelta(days=rules.first_nights):
            return rules.first_limits
        return rules.limits


AT_SUNRISE = Moment(Anchor.SUNRISE)


@dataclass(frozen=True, slots=True)
class LightException:
    """A dated deviation from the schedule (a festival, the inn until 01:00), from one night to another.

    In each of these nights `steps` rule from the first of them to `end`, the schedule before and after; and only from
    `since`, when it was entered, to `until`, when it was withdrawn.
    """

    id: str
    name: str
    first: date
    last: date
    steps: Program
    end: Moment = AT_SUNRISE
    resolution: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse an exception that says nothing or ends before it begins."""
        checked(self.steps)
        if not self.steps:
            raise ValueError("steps: an exception needs at least one")
        if self.last < self.first:
            raise ValueError(f"last: {self.last} lies before first, {self.first}")
        if never_after(self.steps[0].moment, self.end):
            raise ValueError("end: it comes before the first step, or with it, in every night; a night begins at noon")

    def holds_on(self, day: date) -> bool:
        """Whether it deviates in the night of the evening of `day`."""
        return self.first <= day <= self.last

    @property
    def deviation(self) -> Deviation:
        """What it does in each of its nights."""
        return Deviation(self.steps, self.end, self.since, self.until)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All that ever ruled a zone: enacted policies and exceptions.

    `policies` must not be empty. Policies rule whole nights: of those that hold, the highest version is in force.
    """

    policies: tuple[Policy, ...]
    exceptions: tuple[LightException, ...] = ()

    def __hash__(self) -> int:
        """Cheap: rulebooks are keys of caches, and their parts are large."""
        last, exceptions = self.policies[-1], [exception.id for exception in self.exceptions[-1:]]
        return hash((len(self.policies), last.valid_from, last.press.minutes, last.schedule, *exceptions))

    def policy_on(self, day: date) -> Policy:
        """The policy in force in a night; where none holds, the one that began first."""
        if len(self.policies) == 1:
            return self.policies[0]
        holding = [policy for policy in self.policies if policy.holds_on(day)]
        return max(holding, key=lambda policy: policy.version) if holding else self.first

    @property
    def first(self) -> Policy:
        """The policy that began first; it stands in for the time before."""
        return min(self.policies, key=lambda policy: (policy.valid_from, -policy.version))

    def exceptions_on(self, day: date) -> list[LightException]:
        """The exceptions of a night, each outranking those before it: a later first night, then entered later."""
        holding = (exception for exception in self.exceptions if exception.holds_on(day))
        return sorted(holding, key=lambda one: (one.first, one.since or _BEGINNING, one.id))

    def ordinary_on(self, day: date) -> Program:
        """The ordinary program of the policy in force in a night."""
        return self.policy_on(day).schedule.steps

    def rules_on(self, day: date, region: str) -> NightRules:
        """The rules of a night: those of the policy in force, and its exceptions."""
        return _rules_on(self, day, region)

    def state_on(self, version: int, today: date) -> PolicyState:
        """Whether an enacted version is in force tonight, still to come, or superseded for good."""
        if self.policy_on(today).version == version:
            return PolicyState.IN_FORCE
        edges = {p.valid_from for p in self.policies}
        edges.update(p.until + timedelta(days=1) for p in self.policies if p.until is not None and p.until < date.max)
        coming = (day for day in edges if day > today)
        if any(self.policy_on(day).version == version for day in coming):
            return PolicyState.ENACTED
        return PolicyState.SUPERSEDED

    def with_draft(self, draft: Policy) -> "Rulebook":
        """The rulebook as it would be were the draft enacted now."""
        version = 1 + max(policy.version for policy in self.policies)
        return replace(self, policies=(*self.policies, replace(draft, version=version)))


@lru_cache(maxsize=8192)
def _rules_on(rulebook: Rulebook, day: date, region: str) -> NightRules:
    policy = rulebook.policy_on(day)
    exceptions = tuple(exception.deviation for exception in rulebook.exceptions_on(day))
    return NightRules(policy.schedule.rules_on(day, region).program, exceptions, policy.quiet)
