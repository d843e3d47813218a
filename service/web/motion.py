"""The motion: one page to print for the council with today's rules, the drafts and all-night light side by side."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from itertools import chain
from pathlib import Path

import jinja2
from markupsafe import Markup

from service.domain.words import Reason
from service.usecases.simulation_report import BoundsBody, FiguresBody, ReportBody, ScenarioBody
from service.web.motion_layout import LAYOUTS, Content, Layout, fits
from service.web.motion_words import Rules, Say, Words
from service.web.texts import DEFAULT

__all__ = ["MOTION_HEADERS", "motion_page"]

_HERE = Path(__file__).parent
_STYLE = (_HERE / "templates" / "motion.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

MOTION_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with the page: it loads and runs nothing, and only its own style holds."""

_TEXTS: Mapping[str, Say] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((_HERE / "texts" / "motion").glob("*.json"))
}

_ORDER = {"today": 0, "draft": 1, "all-night": 2}
_FILLS = {"today": "#888", "draft": "#000", "all-night": "#ddd"}
_WIDTH, _LEFT, _LONGEST, _STEP = 720, 170, 380, 16


@dataclass(frozen=True, slots=True)
class _Line:
    """A row of a table; `also` marks the second bound of the row above."""

    label: str
    cells: list[str]
    also: bool = False


@dataclass(frozen=True, slots=True)
class _Draft:
    label: str
    title: str
    rules: list[Rules]


@dataclass(frozen=True, slots=True)
class _Arranged:
    layout: Layout
    drafts: list[_Draft]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class _Bar:
    y: int
    label: str
    value: str
    low: float
    high: float
    fill: str


@dataclass(frozen=True, slots=True)
class _Chart:
    bars: list[_Bar]
    label: str
    height: int
    width: int = _WIDTH
    left: int = _LEFT


def motion_page(report: ReportBody, language: str) -> str:
    """The motion as a whole HTML document that needs no other file; German where `language` has no texts."""
    code = language.strip().lower().split("-")[0]
    code = code if code in _TEXTS else DEFAULT
    return _template().render(language=code, style=Markup(_STYLE), **_Motion(report, _TEXTS[code]).content())  # noqa: S704 - our own file


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("motion.html")


class _Motion:
    """A report in the words and numbers of one language."""

    def __init__(self, report: ReportBody, say: Say) -> None:
        self._report, self._say, self._words = report, say, Words(say)
        self._nights = (report.last - report.first).days + 1
        self._scenarios = sorted(report.scenarios, key=lambda scenario: _ORDER[scenario.kind])
        self._drafts = [scenario for scenario in self._scenarios if scenario.kind == "draft"]
        self._today, self._all_night = self._of_kind("today"), self._of_kind("all-night")
        self._bounded = any(scenario.one_presser for scenario in self._scenarios)

    def _of_kind(self, kind: str) -> ScenarioBody:
        return next(scenario for scenario in self._scenarios if scenario.kind == kind)

    def content(self) -> dict[str, object]:
        """What the template shows."""
        figures, differences, zones = list(self._figures()), list(self._differences()), list(self._zones())
        arranged = self._arranged(len(figures) + len(differences), zones)
        layout = arranged.layout
        return {
            "report": self._report,
            "say": self._say,
            "title": self._say["title"].format(name=self._report.name),
            "period": self._period(),
            "drafts": arranged.drafts,
            "figures": figures,
            "dense": layout.dense,
            "chart": self._chart() if layout.chart else None,
            "differences": differences,
            "zones": zones if layout.zones else [],
            "labels": [self._label(scenario) for scenario in self._scenarios],
            "bounded": self._bounded,
            "notes": arranged.notes,
        }

    def _label(self, scenario: ScenarioBody) -> str:
        if scenario.kind != "draft":
            return self._say["today" if scenario.kind == "today" else "all_night"]
        if len(self._drafts) == 1:
            return self._say["draft"]
        return self._say["draft_letter"].format(letter=chr(ord("A") + self._drafts.index(scenario)))

    def _period(self) -> str:
        first, last = self._words.date(self._report.first), self._words.date(self._report.last)
        sentence = self._say["period_one" if self._nights == 1 else "period"]
        return sentence.format(nights=self._words.number(self._nights), first=first, last=last)

    def _draft(self, draft: ScenarioBody, most: int) -> _Draft:
        label = self._label(draft)
        return _Draft(label, self._say["named"].format(label=label, name=draft.name), self._words.rules(draft, most))

    def _arranged(self, rows: int, zones: list[_Line]) -> _Arranged:
        """The drafts and notes of the first layout that fits on a page, else of the smallest."""
        for layout in LAYOUTS:
            arranged = _Arranged(
                layout,
                [self._draft(draft, layout.rules) for draft in self._drafts],
                list(self._notes(zones_shown=layout.zones)),
            )
            content = Content(
                titles=[draft.title for draft in arranged.drafts],
                rules=[rules for draft in arranged.drafts for rules in draft.rules],
                notes=arranged.notes,
                zones=[zone.label for zone in zones],
                rows=rows,
                bars=len(self._scenarios),
            )
            if fits(layout, content):
                break
        return arranged

    def _figures(self) -> Iterator[_Line]:
        for scenario in self._scenarios:
            label, zones = self._label(scenario), max(len(scenario.zones), 1)
            if scenario.one_presser is None:
                yield _Line(label, self._cells(scenario.different_pressers, zones))
            else:
                many, one = (self._say[key].format(label=label) for key in ("many", "one"))
                yield _Line(many, self._cells(scenario.different_pressers, zones))
                yield _Line(one, self._cells(scenario.one_presser, zones), also=True)

    def _cells(self, figures: FiguresBody, zones: int) -> list[str]:
        bright = sum(figures.refused_by.get(reason, 0) for reason in (Reason.DAYLIGHT, Reason.ALREADY_LIT))
        return [
            self._words.number(figures.kwh, 1),
            self._words.number(figures.money, 2),
            self._words.number(figures.co2_kg, 1),
            self._words.number(figures.burning_hours),
            self._dark(figures, zones),
            self._words.number(figures.granted),
            self._words.number(figures.refused),
            self._words.number(bright),
        ]

    def _dark(self, figures: FiguresBody, zones: int) -> str:
        """Hours of darkness of one zone in one night, on average."""
        return self._words.number(Decimal(figures.dark_minutes) / 60 / zones / self._nights, 1)

    def _differences(self) -> Iterator[_Line]:
        for draft in self._drafts:
            label, others = self._label(draft), (self._today, self._all_night)
            cells = list(self._compared(draft.different_pressers, [other.different_pressers for other in others]))
            if not any(scenario.one_presser for scenario in (draft, *others)):
                yield _Line(label, cells)
                continue
            many, one = (self._say[key].format(label=label) for key in ("many", "one"))
            yield _Line(many, cells)
            yield _Line(one, list(self._compared(_one(draft), [_one(other) for other in others])), also=True)

    def _compared(self, figures: FiguresBody, others: list[FiguresBody]) -> Iterator[str]:
        for other in others:
            yield self._words.signed(figures.kwh - other.kwh, 1)
            yield self._words.signed(_minus(figures.money, other.money), 2)
            yield self._words.signed(_minus(figures.co2_kg, other.co2_kg), 1)
            yield self._words.signed((figures.kwh - other.kwh) / other.kwh * 100, 1) if other.kwh else "–"

    def _zones(self) -> Iterator[_Line]:
        for n, zone in enumerate(self._today.zones):
            bodies = [scenario.zones[n].different_pressers for scenario in self._scenarios]
            yield _Line(zone.name, list(chain(*((self._words.number(b.kwh, 1), self._dark(b, 1)) for b in bodies))))

    def _chart(self) -> _Chart:
        pairs = [sorted((s.different_pressers.kwh, _one(s).kwh)) for s in self._scenarios]
        scale = _LONGEST / (float(max(high for _, high in pairs)) or 1)
        bars = []
        for n, (scenario, (low, high)) in enumerate(zip(self._scenarios, pairs, strict=True)):
            ends = [self._words.number(kwh, 1) for kwh in (low, high)]
            value = ends[0] if ends[0] == ends[1] else self._say["range"].format(low=ends[0], high=ends[1])
            bars.append(
                _Bar(
                    y=n * _STEP + 2,
                    label=self._label(scenario),
                    value=self._say["kwh"].format(value=value),
                    low=round(float(low) * scale, 1),
                    high=round(float(high) * scale, 1),
                    fill=_FILLS[scenario.kind],
                )
            )
        spoken = " ".join(self._say["bar"].format(label=bar.label, value=bar.value) for bar in bars)
        return _Chart(bars, self._say["chart"].format(bars=spoken), len(bars) * _STEP)

    def _notes(self, *, zones_shown: bool) -> Iterator[str]:
        yield self._presses()
        if self._bounded:
            yield self._say["bounds"]
        totals = [scenario.different_pressers for scenario in self._scenarios]
        if any(figures.money is None for figures in totals):
            yield self._say["no_money"]
        if any(figures.co2_kg is None for figures in totals):
            yield self._say["no_co2"]
        yield self._say["in_short"]
        yield self._say["left_out"]
        yield self._say["how_scenarios"]
        yield self._say["reading"]
        yield self._say["months_in_csv" if zones_shown else "zones_in_csv"]

    def _presses(self) -> str:
        presses = self._report.presses
        count = self._words.number(presses.count)
        if presses.source == "recorded":
            return self._say["recorded"].format(count=count)
        often = self._say["often_lamps"]
        if presses.per_night is not None:
            often = self._say["often_fixed"].format(n=self._words.number(Decimal(str(presses.per_night)), 1))
        curious = self._say["curious"] if presses.curious else ""
        return self._say["model"].format(count=count, often=often, curious=curious, seed=presses.seed)


def _one(bounds: BoundsBody) -> FiguresBody:
    """As if all presses of a night and zone came from one: where nothing limits them, it makes no difference."""
    return bounds.one_presser or bounds.different_pressers


def _minus(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else a - b
