"""Findings about a draft's schedule: daylight, order of steps, rules, clock changes, sun and holidays."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.domain.lint_study import (
    Fact,
    Finding,
    FindingCode,
    Severity,
    Study,
    conditions,
    minutes,
    moments,
    overlap,
    programs,
)
from service.domain.schedule import Anchor, Moment, Program, first_occurrence
from service.domain.sun import Night, Place, night, twilight

HINT_AFTER_MIN = 10
"""Minutes of light beside sunset or sunrise that nobody needs to hear of: a lamp warms up, a hill takes the sun."""

WARNING_AFTER_MIN = 30
ERROR_AFTER_MIN = 120

RULE_YEARS = 10
"""So many years a rule is looked for a night in: long enough for leap days and what falls on odd weekdays."""

Happened = tuple[list[bool], list[bool], list[bool]]
"""For each step of a program in one night: whether it happened, changed the level, waited for one before it."""


def schedule_findings(study: Study) -> Iterator[Finding]:
    """All findings about the schedule, and about the moments and conditions that the draft names elsewhere."""
    yield from _daylight(study)
    for path, program, days in programs(study):
        yield from _steps(study, path, program, days)
    yield from _rules(study)
    yield from _clock_changes(study)
    yield from _twilight(study)
    if not study.place.region:
        for path, when in conditions(study.draft):
            if when.holiday is not None:
                yield Finding(FindingCode.HOLIDAY_REGION_MISSING, Severity.ERROR, None, path)
    schedule = study.draft.schedule
    if study.ruled and not any(
        step.level for steps in (schedule.steps, *(r.steps for r in schedule.rules)) for step in steps
    ):
        yield Finding(FindingCode.NEVER_LIT_BY_ITSELF, Severity.WARNING, None, "schedule")
    if study.own and not study.ruled:
        yield Finding(FindingCode.SCHEDULE_RULES_NOTHING, Severity.HINT)


def _daylight(study: Study) -> Iterator[Finding]:
    """The longest light by day on one side of a night, of all outputs that follow the schedule."""
    found = [(minutes(_by_day(study, tonight)), tonight.date) for tonight in study.nights()]
    found = [(burnt, day) for burnt, day in found if burnt > HINT_AFTER_MIN]
    if not found:
        return
    worst, day = max(found, key=lambda each: each[0])
    severity = Severity.HINT if worst <= WARNING_AFTER_MIN else Severity.WARNING
    severity = severity if worst <= ERROR_AFTER_MIN else Severity.ERROR
    facts: dict[str, Fact] = {"minutes": worst, "worst": day, "nights": len(found), "of": len(study.days)}
    yield Finding(FindingCode.BURNS_IN_DAYLIGHT, severity, found[0][1], "", facts)


def _by_day(study: Study, tonight: Night) -> timedelta:
    longest = timedelta()
    for group in study.ruled:
        lit = [part for part in group.curve.night(tonight.date) if part.level > 0]
        evening = sum((overlap(part, tonight.start, tonight.sunset) for part in lit), timedelta())
        morning = sum((overlap(part, tonight.sunrise, tonight.end) for part in lit), timedelta())
        longest = max(longest, evening, morning)
    return longest


def _steps(study: Study, path: str, program: Program, days: list[date]) -> Iterator[Finding]:
    nights = [(day, *_happened(program, study.place, day)) for day in days]
    if not nights:
        return
    never = {n for n in range(len(program)) if not any(happens[n] for _, happens, _, _ in nights)}
    for n, step in enumerate(program):
        facts: dict[str, Fact] = {"level": step.level, "nights": len(nights)}
        if n in never:
            yield Finding(FindingCode.STEP_NEVER_HAPPENS, Severity.WARNING, days[0], f"{path}.{n}", facts)
        elif not any(changes[n] for _, _, changes, _ in nights):
            yield Finding(FindingCode.STEP_REPEATS, Severity.HINT, days[0], f"{path}.{n}", facts)
        waited = [day for day, _, _, waits in nights if waits[n]]
        if waited and not {n, n - 1} & never:
            facts = {"nights": len(waited), "of": len(nights)}
            yield Finding(FindingCode.STEPS_SWAP, Severity.HINT, waited[0], f"{path}.{n}", facts)


def _happened(program: Program, place: Place, day: date) -> Happened:
    tonight = night(place, day)
    planned = [step.moment.on(place, day) for step in program]
    at: list[datetime] = []
    for moment in planned:
        at.append(min(max(moment, at[-1] if at else tonight.start), tonight.end))
    waits = [n > 0 and planned[n] < at[n - 1] for n in range(len(program))]
    happens = [start < end for start, end in zip(at, [*at[1:], tonight.end], strict=True)] if at else []
    changes, level = [], 0
    for step, does in zip(program, happens, strict=True):
        changes.append(does and step.level != level)
        level = step.level if does else level
    return happens, changes, waits


def _rules(study: Study) -> Iterator[Finding]:
    """Rules that no night is left for, in the nights of the draft within RULE_YEARS."""
    draft, region = study.draft, study.place.region
    unused = set(range(len(draft.schedule.rules)))
    hidden: dict[int, tuple[date, int]] = {}
    day, last = draft.valid_from, draft.valid_from + timedelta(days=366 * RULE_YEARS)
    while unused and day <= last and draft.holds_on(day):
        ruling = draft.schedule.rule_on(day, region)
        unused -= {ruling}
        for n in unused - hidden.keys():
            if ruling is not None and draft.schedule.rules[n].when.hold(day, region):
                hidden[n] = day, ruling
        day += timedelta(days=1)
    for n in sorted(unused):
        path = f"schedule.rules.{n}"
        if n in hidden:
            first, ruling = hidden[n]
            yield Finding(FindingCode.RULE_HIDDEN, Severity.WARNING, first, path, {"by": ruling + 1})
        else:
            yield Finding(FindingCode.RULE_NEVER_HOLDS, Severity.WARNING, None, path)


def _clock_changes(study: Study) -> Iterator[Finding]:
    """Times of day that the night of a clock change has not, or has twice."""
    odd = {each.date for each in study.nights() if each.end - each.start != timedelta(days=1)}
    for path, moment, days in moments(study):
        seen: set[FindingCode] = set()
        for day in days:
            code = _surprise(moment, study.place, day) if day in odd else None
            if code is None or code in seen or moment.clock is None:
                continue
            seen.add(code)
            facts: dict[str, Fact] = {"clock": moment.clock, "then": _local(moment.clock, study.place, day)}
            yield Finding(code, Severity.HINT, day, path, facts)


def _surprise(moment: Moment, place: Place, day: date) -> FindingCode | None:
    if moment.clock is None:
        return None
    local = _date_time(moment.clock, day).replace(tzinfo=ZoneInfo(place.tz))
    early, late = local.utcoffset(), local.replace(fold=1).utcoffset()
    if early is None or late is None or early == late:
        return None
    return FindingCode.GAP_SURPRISE if early < late else FindingCode.FOLD_SURPRISE


def _date_time(clock: time, day: date) -> datetime:
    return datetime.combine(day if clock >= time(12) else day + timedelta(days=1), clock, UTC).replace(tzinfo=None)


def _local(clock: time, place: Place, day: date) -> time:
    """What a clock on the wall shows when the moment comes."""
    return first_occurrence(_date_time(clock, day), place.tz).astimezone(ZoneInfo(place.tz)).time()


def _twilight(study: Study) -> Iterator[Finding]:
    """Dusk and dawn in nights that have none: both are the middle of the night then."""
    for path, moment, days in moments(study):
        if moment.anchor not in (Anchor.DUSK, Anchor.DAWN):
            continue
        bright = [day for day in days if len(set(twilight(study.place, day))) == 1]
        if bright:
            facts: dict[str, Fact] = {"nights": len(bright), "of": len(days)}
            yield Finding(FindingCode.TWILIGHT_MISSING, Severity.WARNING, bright[0], path, facts)
