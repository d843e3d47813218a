"""Findings about what hangs in the street: safety, ring signs, and levels that an output cannot give."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta

from service.domain.curve import Fit
from service.domain.inventory import Lamp, Output, OutputKey, curve_of
from service.domain.lint_study import (
    YEAR_NIGHTS,
    Fact,
    Finding,
    FindingCode,
    Group,
    Severity,
    Study,
    hours,
    overlap,
    programs,
)
from service.domain.schedule import QuietCap
from service.domain.sun import Night
from service.domain.words import RingSign

TWILIGHT = timedelta(hours=1)
"""A lamp that is dark only this close to sunset or sunrise still burns all night, as sign 394 means it."""

FAR_OFF = 10
"""A level that misses what was asked by more percent than this is a warning, else a hint."""


def output_findings(study: Study) -> Iterator[Finding]:
    """All findings about outputs and lamps."""
    yield from _safety(study)
    yield from _kept_circuits(study)
    yield from _ring_signs(study)
    yield from _levels(study)
    yield from _caps(study)


def _safety(study: Study) -> Iterator[Finding]:
    """Safety outputs follow the municipality's safety schedule: where that is dark, no draft helps."""
    safe = [group for group in study.own if group.safety]
    dark = [tonight.date for tonight in study.nights() if any(_dark(group, tonight) for group in safe)]
    if dark:
        names = study.names(output for group in safe for output in group.outputs)
        facts: dict[str, Fact] = {"outputs": names, "nights": len(dark), "of": len(study.days)}
        yield Finding(FindingCode.DARK_WHERE_SAFETY, Severity.ERROR, dark[0], "", facts)


def _dark(group: Group, tonight: Night, margin: timedelta = timedelta()) -> bool:
    start, end = tonight.sunset + margin, tonight.sunrise - margin
    return any(part.level == 0 and overlap(part, start, end) for part in group.curve.night(tonight.date))


def _kept_circuits(study: Study) -> Iterator[Finding]:
    lasting = study.lasting()
    for output in (output for group in study.own if group.safety for output in group.outputs):
        lamps = [lamp for lamp in study.inventory.lamps if lamp.output == output.key]
        others = [lamp for lamp in lamps if not lamp.safety]
        if len(others) == len(lamps):  # the output itself was declared one of safety, whatever hangs on it
            continue
        kept = curve_of(output, lasting, study.inventory.municipality)
        free = curve_of(replace(output, safety=False), lasting, study.inventory.municipality)
        dark_hours = 0.0
        for day in _year(study.draft.valid_from):
            dark = [part for part in free.night(day) if part.level == 0]
            dark_hours += sum(
                hours(overlap(part, gap.start, gap.end)) * part.level / 100 for part in kept.night(day) for gap in dark
            )
        kwh = dark_hours * sum(lamp.watts for lamp in others) / 1000
        if round(kwh) > 0:
            names = tuple(sorted(lamp.pole for lamp in lamps if lamp.safety))
            facts: dict[str, Fact] = {
                "kwh": round(kwh),
                "lamps": names,
                "others": len(others),
                "output": study.names([output])[0],
            }
            subject = f"outputs.{output.key.controller}.{output.key.n}"
            yield Finding(FindingCode.SAFETY_LAMP_KEEPS_CIRCUIT, Severity.WARNING, None, subject, facts)


def _year(first: date) -> Iterator[date]:
    return (first + timedelta(days=step) for step in range(YEAR_NIGHTS - 1))


def _ring_signs(study: Study) -> Iterator[Finding]:
    dark_from: dict[OutputKey, date] = {}
    for group in study.own:
        first = next((each.date for each in study.nights() if _dark(group, each, TWILIGHT)), None)
        if first is not None:
            dark_from.update((output.key, first) for output in group.outputs)
    for sign, code, severity in (
        (RingSign.NO, FindingCode.RING_SIGN_MISSING, Severity.ERROR),
        (RingSign.UNKNOWN, FindingCode.RING_SIGN_UNKNOWN, Severity.WARNING),
    ):
        lamps = [lamp for lamp in study.inventory.lamps if lamp.ring is sign and lamp.output in dark_from]
        if lamps:
            first = min(dark_from[lamp.output] for lamp in lamps)
            yield Finding(code, severity, first, "", {"count": len(lamps), "lamps": _poles(lamps)})


def _poles(lamps: Iterable[Lamp]) -> tuple[str, ...]:
    return tuple(sorted(lamp.pole for lamp in lamps))


def _levels(study: Study) -> Iterator[Finding]:
    """Levels asked for by steps and presses that outputs give otherwise."""
    ruled, all_own = _by_fit(study.ruled), _by_fit(study.own)
    asked = [
        (f"{path}.{n}", step.level, ruled)
        for path, program, _ in programs(study)
        for n, step in enumerate(program)
        if step.level > 0
    ]
    asked.append(("press.level", study.draft.press.level, all_own))
    for path, level, fits in asked:
        yield from _missed(study, path, level, [(fit.level(level), outputs) for fit, outputs in fits.items()])


def _missed(study: Study, path: str, asked: int, given: list[tuple[int, list[Output]]]) -> Iterator[Finding]:
    """One finding for all outputs that miss a level, where any does."""
    missing = [(level, outputs) for level, outputs in given if outputs and level != asked]
    if missing:
        levels = [level for level, _ in missing]
        severity = Severity.WARNING if max(abs(level - asked) for level in levels) > FAR_OFF else Severity.HINT
        names = study.names(output for _, outputs in missing for output in outputs)
        facts: dict[str, Fact] = {"asked": asked, "least": min(levels), "most": max(levels)}
        yield Finding(FindingCode.LEVEL_NOT_KEPT, severity, None, path, facts | {"outputs": names, "count": len(names)})


def _by_fit(groups: Iterable[Group]) -> dict[Fit, list[Output]]:
    fits: dict[Fit, list[Output]] = {}
    for group in groups:
        fits.setdefault(group.curve.fit, []).extend(group.outputs)
    return fits


def _caps(study: Study) -> Iterator[Finding]:
    known = {(output.key.controller, output.key.n) for group in study.own for output in group.outputs}
    for n, cap in enumerate(study.draft.quiet):
        path = f"quiet.{n}"
        if cap.output is not None and cap.output not in known:
            name = f"{cap.output[0]}/{cap.output[1]}"
            yield Finding(FindingCode.CAP_OUTPUT_UNKNOWN, Severity.ERROR, None, path, {"output": name})
            continue
        if not any(_binds(cap, tonight, study) for tonight in study.nights()):
            yield Finding(FindingCode.CAP_NEVER_BINDS, Severity.WARNING, None, path, {"level": cap.level})
        yield from _capped(study, path, cap)


def _binds(cap: QuietCap, tonight: Night, study: Study) -> bool:
    start, end = cap.window.on(study.place, tonight.date)
    return max(start, tonight.sunset) < min(end, tonight.sunrise)


def _capped(study: Study, path: str, cap: QuietCap) -> Iterator[Finding]:
    """What outputs give under a cap: a relay nothing, a dimmer its next lower step."""
    meant = [
        (fit, [each for each in outputs if cap.output in (None, (each.key.controller, each.key.n))])
        for fit, outputs in _by_fit(study.ruled).items()
    ]
    given = [(fit.level(100, cap.level), outputs) for fit, outputs in meant if fit.most > cap.level]
    yield from _missed(study, path, cap.level, [(level, outputs) for level, outputs in given if level > 0])
    darkened = [output for level, outputs in given for output in outputs if level == 0 < cap.level]
    if darkened:
        facts: dict[str, Fact] = {"level": cap.level, "count": len(darkened), "outputs": study.names(darkened)}
        yield Finding(FindingCode.CAP_DARKENS_RELAY, Severity.WARNING, None, path, facts)
