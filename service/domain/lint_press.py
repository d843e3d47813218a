"""Findings about a draft's presses: windows, limits, rest and warnings that keep nothing of what they promise."""

from collections.abc import Iterator
from datetime import date, datetime

from service.domain.lint_study import (
    Fact,
    Finding,
    FindingCode,
    Group,
    Severity,
    Study,
    minutes,
    some_or_all,
)
from service.domain.policy import Limits
from service.domain.press import SHORTEST
from service.domain.schedule import Window
from service.domain.sun import Night, night
from service.domain.words import Admission


def press_findings(study: Study) -> Iterator[Finding]:
    """All findings about presses."""
    rules = study.draft.press
    for n, window in enumerate(rules.windows):
        yield from _window(study, f"press.windows.{n}", window)
    if not rules.windows:
        yield from _no_window(study)
    for path, limits in _limits(study):
        yield from _one_press(study, path, limits)
        if limits.per_presser is not None:
            facts: dict[str, Fact] = {"presses": limits.per_presser}
            yield Finding(FindingCode.PRESSER_IS_NO_PERSON, Severity.HINT, None, f"press.{path}.per_presser", facts)
            yield Finding(FindingCode.PRESSER_NOT_KNOWN_YET, Severity.WARNING, None, f"press.{path}.per_presser")
    yield from _energy(study)
    if rules.admission is not Admission.ANYONE:
        asked: dict[str, Fact] = {"asked": rules.admission.value}
        yield Finding(FindingCode.NOBODY_CAN_SHOW_YET, Severity.WARNING, None, "press.admission", asked)
    if rules.rest_minutes > 0:
        facts = {"minutes": rules.rest_minutes}
        yield Finding(FindingCode.REST_LEAVES_DARK, Severity.WARNING, None, "press.rest_minutes", facts)
    if rules.warn_before_dark and not any(_can_warn(group, rules.level) for group in study.own):
        yield Finding(FindingCode.WARNING_NEEDS_DIMMER, Severity.HINT, None, "press.warn_before_dark")
    yield from _looser(rules.limits, rules.first_limits)


def _no_window(study: Study) -> Iterator[Finding]:
    """Presses that are always welcome and never of use; in a zone that is only lit along nobody presses."""
    if not study.own or not study.zone.listed:
        return
    if not any(_helps(study, tonight, tonight.sunset, tonight.sunrise) for tonight in study.nights()):
        facts: dict[str, Fact] = {"level": study.draft.press.level}
        yield Finding(FindingCode.PRESS_NEVER_HELPS, Severity.WARNING, None, "press", facts)


def _window(study: Study, path: str, window: Window) -> Iterator[Finding]:
    """Nights on which the window is of no use, and those on which it is shorter than what one press buys."""
    days = [day for day in study.days if window.when.hold(day, study.place.region)]
    hours_of = {day: window.on(study.place, day) for day in days}
    useless = [day for day in days if not _helps(study, night(study.place, day), *hours_of[day])]
    if len(useless) == len(days):
        facts: dict[str, Fact] = {"nights": len(useless), "of": len(days)}
        first = useless[0] if useless else None
        yield Finding(FindingCode.WINDOW_NO_PRESS_CAN_USE, Severity.ERROR, first, path, facts)
        return
    if useless:
        facts = {"nights": len(useless), "of": len(days)}
        yield Finding(FindingCode.WINDOW_NO_PRESS_CAN_USE, Severity.WARNING, useless[0], path, facts)
    open_days = [day for day in days if hours_of[day][0] < hours_of[day][1]]
    lengths = {day: hours_of[day][1] - hours_of[day][0] for day in open_days}
    short = [day for day in open_days if lengths[day] < study.draft.press.duration]
    if short:
        facts = {
            "window": minutes(min(lengths.values())),
            "minutes": study.draft.press.minutes,
            "nights": len(short),
            "of": len(open_days),
        }
        severity = Severity.WARNING if len(short) == len(open_days) else Severity.HINT
        yield Finding(FindingCode.MINUTES_LONGER_THAN_WINDOW, severity, short[0], path, facts)


def _helps(study: Study, tonight: Night, start: datetime, end: datetime) -> bool:
    """Whether a press within [start, end) of a night gives more light, the caps and the sun allowing."""
    rules = study.draft.press
    first, last = max(start, tonight.sunset), min(end, tonight.sunrise - SHORTEST)
    if first >= last:
        return False
    if not any(part.level for group in study.own for part in group.curve.pressed(rules.level, first, last)):
        return False
    until = min(last + rules.duration, tonight.sunrise)
    groups = (*study.own, *study.along)
    return any(True for group in groups for _ in group.curve.gains(rules.level, first, until))


def _limits(study: Study) -> Iterator[tuple[str, Limits]]:
    """The limits that hold in any night looked at, and where they stand."""
    rules = study.draft.press
    used = {id(study.draft.limits_on(day)) for day in study.days}
    for path, limits in (("limits", rules.limits), ("first_limits", rules.first_limits)):
        if limits is not None and id(limits) in used:
            yield path, limits


def _share(study: Study, limits: Limits) -> float:
    """The part of a limit that open web presses may use up."""
    return 1 - limits.reserve_percent / 100 if study.draft.press.admission is Admission.ANYONE else 1.0


def _one_press(study: Study, path: str, limits: Limits) -> Iterator[Finding]:
    """Minutes that do not last for one press: for none at all, or for none from the web beside the reserve."""
    if limits.zone_minutes is None:
        return
    wanted, free = study.draft.press.minutes, limits.zone_minutes * _share(study, limits)
    if free < wanted:
        severity = Severity.ERROR if limits.zone_minutes < wanted else Severity.WARNING
        facts: dict[str, Fact] = {
            "limit": limits.zone_minutes,
            "minutes": wanted,
            "open": int(free),
            "reserve": round(100 - 100 * _share(study, limits)),
        }
        yield Finding(FindingCode.LIMIT_BELOW_ONE_PRESS, severity, None, f"press.{path}.zone_minutes", facts)


def _energy(study: Study) -> Iterator[Finding]:
    """Nights on which the schedule alone passes the energy limit, or leaves too little of it for one press."""
    rules = study.draft.press
    for path, limits in _limits(study):
        days = [day for day in study.days if study.draft.limits_on(day) is limits]
        subject, limit = f"press.{path}.zone_wh", limits.zone_wh
        if limit is None:
            continue
        planned = {day: sum(group.wh_on(day) for group in study.own) for day in days}
        over = [day for day in days if planned[day] > limit]
        if over:
            severity = some_or_all(len(over), len(days), Severity.ERROR)
            most = max(planned.values())
            facts: dict[str, Fact] = {
                "limit_wh": limit,
                "planned_wh": round(most),
                "nights": len(over),
                "of": len(days),
            }
            yield Finding(FindingCode.SCHEDULE_EXCEEDS_ENERGY_LIMIT, severity, over[0], subject, facts)
        costs = {day: _dearest(study, day) * rules.minutes / 60 for day in days if planned[day] <= limit}
        share = _share(study, limits)
        short = [day for day, cost in costs.items() if (limit - planned[day]) * share < cost]
        if short:
            severity = some_or_all(len(short), len([cost for cost in costs.values() if cost]), Severity.ERROR)
            facts = {
                "limit_wh": limit,
                "left_wh": int(min((limit - planned[day]) * share for day in short)),
                "press_wh": round(max(costs[day] for day in short)),
                "nights": len(short),
                "of": len(days),
            }
            yield Finding(FindingCode.LIMIT_BELOW_ONE_PRESS, severity, short[0], subject, facts)


def _dearest(study: Study, day: date) -> float:
    """The most watts that a press adds to the plan of the zone's own outputs at any moment of a night."""
    tonight, level = night(study.place, day), study.draft.press.level
    gains = [
        (gain, group.watts * gain.levels / 100)
        for group in study.own
        for gain in group.curve.gains(level, tonight.sunset, tonight.sunrise)
    ]
    return max((sum(watts for of, watts in gains if of.start <= gain.start < of.end) for gain, _ in gains), default=0.0)


def _can_warn(group: Group, level: int) -> bool:
    fit = group.curve.fit
    return fit.level(-(-level // 2)) < fit.level(level)


def _looser(limits: Limits, first: Limits | None) -> Iterator[Finding]:
    """Limits of the first nights that allow more than those that follow."""
    if first is None:
        return
    for name in ("per_presser", "zone_minutes", "zone_wh"):
        then, later = getattr(first, name), getattr(limits, name)
        if later is not None and (then is None or then > later):
            facts: dict[str, Fact] = {"limit": later}
            yield Finding(FindingCode.FIRST_LIMITS_LOOSER, Severity.HINT, None, f"press.first_limits.{name}", facts)
