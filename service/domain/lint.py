"""The linter: what a council should know of a draft before it is enacted.

It runs the draft through a year of nights and says what would come of it. Not looked at, since nothing here can
compute it: how bright the lamps are on the ground, what traffic law asks of a road, and what later imports change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta

from service.domain.inventory import Inventory, Zone
from service.domain.lint_outputs import output_findings
from service.domain.lint_press import press_findings
from service.domain.lint_schedule import schedule_findings
from service.domain.lint_study import Fact, Finding, FindingCode, Severity, Study, study
from service.domain.policy import Policy, Rulebook
from service.domain.words import PolicyState

__all__ = ["Finding", "FindingCode", "Severity", "lint"]

_WEIGHT = {severity: weight for weight, severity in enumerate(Severity)}


def lint(draft: Policy, zone: Zone, inventory: Inventory, zones: Mapping[str, Zone], today: date) -> list[Finding]:
    """All findings about a draft for a zone, the heaviest first, then by first night, code and subject.

    Exceptions are left out: they are not the draft's. `zones` are the municipality's by id;
    `today` is the date of the evening of the night now running.
    At most one finding has a given code and subject.
    """
    ruled = replace(zone, rulebook=Rulebook(zone.rulebook.policies))
    studied = study(draft, ruled, inventory, zones, today)
    found: dict[tuple[FindingCode, str], Finding] = {}
    for finding in _all(studied):
        key = (finding.code, finding.subject)
        found[key] = min(found.get(key, finding), finding, key=_order)
    return sorted(found.values(), key=_order)


def _order(finding: Finding) -> tuple[int, date, FindingCode, str]:
    return _WEIGHT[finding.severity], finding.first or date.min, finding.code, finding.subject


def _all(studied: Study) -> Iterator[Finding]:
    yield from _dates(studied)
    yield from _along(studied)
    yield from schedule_findings(studied)
    yield from output_findings(studied)
    yield from press_findings(studied)


def _dates(studied: Study) -> Iterator[Finding]:
    """Nothing rules nights that have begun, and whatever else would still begin is named if it no longer does."""
    draft, today = studied.draft, studied.today
    if draft.valid_from <= today:
        facts: dict[str, Fact] = {"valid_from": draft.valid_from, "earliest": today + timedelta(days=1)}
        yield Finding(FindingCode.STARTS_IN_THE_PAST, Severity.ERROR, draft.valid_from, "valid_from", facts)
    after = studied.zone.rulebook
    before = Rulebook(after.policies[:-1])
    if draft.until is not None and not any(
        other.holds_on(draft.until + timedelta(days=1)) for other in before.policies
    ):
        left: dict[str, Fact] = {"version": before.first.version}
        yield Finding(FindingCode.NOTHING_RULES_AFTER, Severity.WARNING, draft.until + timedelta(days=1), "until", left)
    for other in before.policies:
        coming = before.state_on(other.version, today) is PolicyState.ENACTED
        if coming and after.state_on(other.version, today) is PolicyState.SUPERSEDED:
            number = other.resolution.number if other.resolution else ""
            overtaken: dict[str, Fact] = {
                "version": other.version,
                "valid_from": other.valid_from,
                "resolution": number,
            }
            subject = f"versions.{other.version}"
            yield Finding(FindingCode.OVERTAKES, Severity.WARNING, other.valid_from, subject, overtaken)


def _along(studied: Study) -> Iterator[Finding]:
    own, seen = studied.zone.key.zone, set[str]()
    for name in studied.draft.along:
        if name == own:
            code = FindingCode.ALONG_ITSELF
        elif name not in studied.zones:
            code = FindingCode.ALONG_UNKNOWN
        elif name in seen:
            code = FindingCode.ALONG_TWICE
        else:
            seen.add(name)
            continue
        yield Finding(code, Severity.ERROR, None, f"along.{name}", {"zone": name})
