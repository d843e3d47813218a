"""The page for council members tells the truth: its examples are run, and its figures are those of the program."""

import asyncio
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from service.api.findings import sentence
from service.domain.inventory import Inventory, ZoneKey
from service.domain.lint import Finding, Severity
from service.domain.policy import Policy
from service.domain.schedule import Program
from service.domain.words import Reason
from service.ports import Tx
from service.store import migrate, open_store
from service.usecases.enroll import read_files, save
from service.usecases.policies import create_draft, lint_draft
from service.usecases.policy_documents import PolicyDocument
from service.usecases.simulating import Model, Prepared, Question, prepare
from service.usecases.simulation_report import FiguresBody, ReportBody, report_of
from tests.support.villages import GLASAU, LECK, LUETJENHOLM

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policies.md").read_text("utf-8")
ZONES = {"luetjenholm": "dorf", "glasau": "dorfstrasse", "leck": "hauptstrasse"}
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
MODEL = Model(seed=1, per_night=None, curious=False)
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
QUESTION = Question(date(2026, 12, 1), date(2027, 11, 30), {}, MODEL)
NIGHTS = (QUESTION.last - QUESTION.first) // timedelta(days=1) + 1
FIGURE = re.compile(r"(?<![\d.,])([\d,]*\d(?:\.\d+)?) (kWh|EUR|kg)\b")


@dataclass(frozen=True, slots=True)
class Example:
    """One of the page's examples, as the program sees it."""

    policy: Policy
    inventory: Inventory
    findings: tuple[Finding, ...]
    report: ReportBody
    curious: ReportBody

    def figures(self, scenario: str, zone: str) -> FiguresBody:
        """A zone's figures of the year."""
        return _figures(self.report, scenario, zone)


def _figures(report: ReportBody, scenario: str, zone: str) -> FiguresBody:
    zones = next(one.zones for one in report.scenarios if one.name == scenario)
    return next(one.different_pressers for one in zones if one.zone == zone)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Example]:
    """The three examples, linted and simulated on the real inventories."""
    url = f"sqlite:///{tmp_path_factory.mktemp('council')}/dorflicht.db"
    migrate(url)
    return asyncio.run(_run(url))


async def _run(url: str) -> dict[str, Example]:
    inventories = read_files([LUETJENHOLM, GLASAU, LECK])
    store = open_store(url)
    try:
        await store.write(lambda tx: save(tx, inventories, NOW))
        return await store.write(lambda tx: {one.municipality.id: _example(tx, one) for one in inventories})
    finally:
        await store.close()


def _example(tx: Tx, inventory: Inventory) -> Example:
    name = inventory.municipality.id
    document = (DOCS / "policies" / f"{name}.toml").read_text("utf-8")
    policy = PolicyDocument.model_validate(tomllib.loads(document)).policy()
    key = ZoneKey(name, ZONES[name])
    draft = create_draft(tx, key, policy, "the test", NOW)
    question = replace(QUESTION, drafts={"draft": {key.zone: policy}})
    return Example(
        policy,
        inventory,
        lint_draft(tx, key, draft.id, NOW).findings,
        _report(prepare(tx, name, question, NOW, LONG_AGO)),
        _report(prepare(tx, name, replace(question, presses=replace(MODEL, curious=True)), NOW, LONG_AGO)),
    )


def _report(prepared: Prepared) -> ReportBody:
    return report_of(prepared.run())


def raw(title: str) -> str:
    """The page's text from a heading to the next."""
    found = re.search(rf"^### {title}.*?$(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"docs/policies.md has no section {title}"
    return found[1]


def section(title: str) -> str:
    """The same with each run of space as one."""
    return " ".join(raw(title).split())


def quoted(title: str) -> set[str]:
    """The findings that a section quotes."""
    lines = (line.removeprefix(">").strip() for line in raw(title).splitlines() if line.startswith(">"))
    return set(re.split(r"(?:^| )- (?=Error|Warning|Hint)", " ".join(lines))[1:])


SECTIONS = {"luetjenholm": "Lütjenholm", "glasau": "Glasau", "leck": "Leck"}


def kwh(value: Decimal) -> str:
    """Energy as the page writes it."""
    return f"{value:,.0f} kWh"


def money(value: Decimal | None) -> str:
    """Money as the page writes it."""
    return "not known" if value is None else f"{value:,.2f} EUR"


def co2(value: Decimal | None) -> str:
    """CO2 as the page writes it."""
    return "not known" if value is None else f"{value:,.0f} kg"


def row(label: str, figures: FiguresBody) -> str:
    """A line of an example's table."""
    dark = figures.dark_minutes / 60 / NIGHTS
    cells = [label, kwh(figures.kwh), money(figures.money), co2(figures.co2_kg), f"{dark:.1f} h"]
    return f"| {' | '.join(cells)} | {figures.granted} | {figures.refused} |"


def known(example: Example, zone: str) -> Iterator[str]:
    """Every energy, sum of money and mass of CO2 that an example's text may name: figures and their differences."""
    year = [example.figures(scenario, zone) for scenario in ("today", "draft", "all-night")]
    for a in year:
        yield from (kwh(a.kwh), money(a.money), co2(a.co2_kg), kwh(a.pressed_kwh))
        for b in year:
            yield kwh(abs(a.kwh - b.kwh))
            if a.money is not None and b.money is not None:
                yield money(abs(a.money - b.money))
            if a.co2_kg is not None and b.co2_kg is not None:
                yield co2(abs(a.co2_kg - b.co2_kg))


def trial(example: Example) -> str:
    """What Glasau's draft costs more than today from December to March, while its trial lasts."""
    sums = []
    for name in ("draft", "today"):
        zones = next(one.zones for one in example.report.scenarios if one.name == name)
        months = next(zone.months for zone in zones if zone.zone == "dorfstrasse")
        sums.append(sum((m.different_pressers.money or Decimal(0) for m in months if m.month <= "2027-03"), Decimal(0)))
    return money(sums[0] - sums[1])


def press_cost(example: Example, minutes: int) -> tuple[str, str]:
    """What minutes of all lamps burn and cost."""
    watts = sum(lamp.watts for lamp in example.inventory.lamps)
    used = Decimal(watts) * minutes / 60_000
    return f"{used:,.2f} kWh", f"{used * example.inventory.municipality.prices[0].per_kwh:,.2f} EUR"


@pytest.mark.parametrize("name", ZONES)
def test_the_examples_table_is_the_programs(name: str, examples: dict[str, Example]) -> None:
    text = section(SECTIONS[name])
    for scenario, label in (("today", "today"), ("draft", "the draft"), ("all-night", "light all night")):
        assert row(label, examples[name].figures(scenario, ZONES[name])) in text


@pytest.mark.parametrize("name", ZONES)
def test_no_figure_stands_in_an_example_that_the_program_does_not_give(name: str, examples: dict[str, Example]) -> None:
    example = examples[name]
    allowed = set(known(example, ZONES[name]))
    if name == "luetjenholm":
        allowed |= {*press_cost(example, 12), *press_cost(example, 120)}
    if name == "glasau":
        allowed |= {trial(example)}
    if name == "leck":
        crossing = example.figures("draft", "kreuzung")
        allowed |= {kwh(crossing.kwh), money(crossing.money)}
    text = section(SECTIONS[name])
    wrong = [" ".join(figure) for figure in FIGURE.findall(text) if " ".join(figure) not in allowed]
    assert wrong == []


@pytest.mark.parametrize("name", ZONES)
def test_an_example_has_no_errors_and_the_page_says_all_that_the_linter_does(
    name: str, examples: dict[str, Example]
) -> None:
    findings = examples[name].findings
    assert [finding for finding in findings if finding.severity is Severity.ERROR] == []
    told = {f"{finding.severity.capitalize()}: {sentence(finding, 'en')}" for finding in findings}
    assert quoted(SECTIONS[name]) == told


def said(name: str, example: Example) -> Iterator[str]:
    """What the page says of an example's presses, with the program's figures."""
    today, draft = (example.figures(scenario, ZONES[name]) for scenario in ("today", "draft"))
    if name == "luetjenholm":
        curious = _figures(example.curious, "draft", "dorf")
        yield f"{example.report.presses.count} presses are assumed"
        yield f"{example.curious.presses.count} presses instead of {example.report.presses.count}"
        yield f"refuses {curious.refused_by[Reason.ZONE_MINUTES]} of them because the minutes of the night are used up"
        yield f"{draft.refused_by[Reason.ALREADY_LIT]} of the {draft.refused} refused presses"
    if name == "glasau":
        yield f"from December to March alone it costs {trial(example)} more"
        yield f"{draft.granted} presses are granted, as many as today" if draft.granted == today.granted else "never"
    if name == "leck":
        crossing = example.figures("draft", "kreuzung")
        yield f"{draft.refused_by[Reason.QUIET]} presses meet the quiet hours"
        yield f"burns {kwh(crossing.kwh)} a year, {money(crossing.money)}"


@pytest.mark.parametrize("name", ZONES)
def test_what_the_page_says_of_presses_is_so(name: str, examples: dict[str, Example]) -> None:
    text = section(SECTIONS[name])
    assert [words for words in said(name, examples[name]) if words not in text] == []


def clocks(steps: Program) -> tuple[str, ...]:
    """The times of day in a program, as the page writes them."""
    return tuple(f"{step.clock:%H:%M}" for step in steps if step.clock is not None)


def lamps(example: Example, zone: str) -> list[float]:
    """The watts of each lamp of a zone."""
    outputs = {output.key for one in example.inventory.controllers for output in one.outputs if output.zone == zone}
    return [lamp.watts for lamp in example.inventory.lamps if lamp.output in outputs]


def rules(name: str, example: Example) -> Iterator[str]:
    """What the page says of an example's rules, of those of today, and of the lamps."""
    policy, press, watts = example.policy, example.policy.press, lamps(example, ZONES[name])
    zone = next(one for one in example.inventory.zones if one.key.zone == ZONES[name])
    now, then = (clocks(one.schedule.steps) for one in (zone.rulebook.first, policy))
    if name == "luetjenholm" and press.first_limits is not None and press.limits.zone_minutes is not None:
        off, on = clocks(policy.schedule.rules[0].steps)
        yield f"{len(watts)} lamps of {watts[0]:g} watts"
        yield f"Today: dark from {now[0]} to {now[1]}"
        yield f"Ordinary nights: light from sunset to {then[0]} and from {then[1]} to sunrise"
        yield f"Fridays and Saturdays: light from sunset to {off} and from {on} to sunrise"
        yield f"{press.minutes} minutes, at most {press.longest_minutes} at a stretch"
        yield f"At most {press.limits.zone_minutes} minutes of pressed light"
        yield f"get {press.limits.zone_minutes * (100 - press.limits.reserve_percent) // 100} of them"
        yield f"In the first {press.first_nights} nights at most {press.first_limits.zone_minutes} minutes"
        yield f"The limit of {press.limits.zone_minutes} minutes refuses nobody"
    if name == "glasau" and policy.until is not None:
        yield f"{len(watts)} lamps of {watts[0]:g} watts"
        yield f"Today: half light from {now[0]}, dark from {now[1]} to {now[2]}"
        yield f"Half light from {then[0]} as today. From {then[1]} to {then[2]} dim light of"
        yield f"dim light of {policy.schedule.steps[2].level} percent instead of dark"
        yield f"full light for {press.minutes} minutes"
        yield f"from {policy.valid_from:%-d %B} to {policy.until:%-d %B}."
        yield f"From noon on {policy.until + timedelta(days=1):%-d %B} the old rules"
        yield f"from {then[0]} to {then[1]}, and from {then[2]}, half light is what the street has"
    if name == "leck":
        (cap,) = policy.quiet
        start, end = cap.window.start.clock, cap.window.end.clock
        yield f"two lamps of {watts[0]:g} watts"
        yield f"a safety lamp of {lamps(example, 'kreuzung')[0]:g} watts"
        yield f"Today: dark from {now[0]} to {now[1]}"
        yield f"Light from sunset to {then[0]} and from {then[1]} to sunrise: an hour longer"
        yield f'Quiet hours from {start:%H:%M} to {end:%H:%M}. The council wrote "at most {cap.level} percent"'
        yield f'"{cap.level} percent" means dark, and whoever presses at 02:00 gets nothing'
        yield f"A press gives {press.minutes} minutes. The crossing (`{policy.along[0]}`) is lit along"


@pytest.mark.parametrize("name", ZONES)
def test_an_example_holds_what_its_section_says(name: str, examples: dict[str, Example]) -> None:
    text = section(SECTIONS[name])
    assert f"(policies/{name}.toml)" in text
    assert [words for words in rules(name, examples[name]) if words not in text] == []
