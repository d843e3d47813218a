"""A finished simulation on paper: the same figures as JSON and as CSV, for the API, the command line and motions."""

import asyncio
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel

from service.domain.scenarios import Figures, Lines, Outcome
from service.domain.words import JobState, Reason
from service.usecases.policy_documents import PolicyDocument, policy_document
from service.usecases.simulating import ALL_NIGHT, TODAY, Answered

Kind = Literal["today", "draft", "all-night"]


class FiguresBody(BaseModel):
    """What came of some nights. `money` and `co2_kg` are null where a night has no price or emission factor.

    `burning_hours` are lamp-hours at any level; `dark_minutes` those between sunset and sunrise at which a zone gives
    no light at all, of several zones their sum. `pressed_kwh` is the part of `kwh` that presses added to the plan.
    """

    kwh: Decimal
    pressed_kwh: Decimal
    money: Decimal | None
    co2_kg: Decimal | None
    burning_hours: Decimal
    dark_minutes: int
    granted: int
    refused: int
    refused_by: dict[Reason, int]


class BoundsBody(BaseModel):
    """Figures as if all presses came from different pressers, and as if all of a night and zone came from one.

    Who pressed is never recorded, so where a policy limits presses per presser the truth lies between; elsewhere
    `one_presser` is null.
    """

    different_pressers: FiguresBody
    one_presser: FiguresBody | None


class MonthBody(BoundsBody):
    """A month of a zone; a night belongs to the month of its evening."""

    month: str


class ZoneBody(BoundsBody):
    """A zone over the whole period, and month by month."""

    zone: str
    name: str
    months: list[MonthBody]


class ChangeBody(BaseModel):
    """The rules that a draft gives a zone, as drafted: with their own first and last night."""

    zone: str
    policy: PolicyDocument


class TodayBody(BaseModel):
    """Which policy stood for today in a zone; `until` where it is a trial that ends."""

    zone: str
    version: int
    resolution: str | None
    until: date | None


class ScenarioBody(BoundsBody):
    """A scenario over all zones and the whole period, and zone by zone; `changes` are the zones with other rules."""

    name: str
    kind: Kind
    changes: list[ChangeBody]
    zones: list[ZoneBody]


class PressesBody(BaseModel):
    """With which presses it was run: as many as were recorded, or a model. The hours are assumed in both."""

    source: Literal["recorded", "model"]
    count: int
    seed: int | None = None
    per_night: float | None = None
    curious: bool | None = None


class ReportBody(BaseModel):
    """What drafts would do, beside today's policy and all-night light, in the nights from `first` to `last`."""

    municipality: str
    name: str
    first: date
    last: date
    currency: str
    presses: PressesBody
    today: list[TodayBody]
    scenarios: list[ScenarioBody]


@dataclass(slots=True)
class Job:
    """A simulation on its way: how far it is, in nights, and what came of it; `error` says why nothing did."""

    id: str
    municipality: str
    of: int
    state: JobState = JobState.WAITING
    nights: int = 0
    report: ReportBody | None = None
    error: str | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)


def report_of(answered: Answered) -> ReportBody:
    """The report of a finished simulation."""
    question, model = answered.question, answered.question.presses
    presses = PressesBody(source="recorded", count=answered.presses)
    if model is not None:
        presses = PressesBody(
            source="model",
            count=answered.presses,
            seed=model.seed,
            per_night=model.per_night,
            curious=model.curious,
        )
    return ReportBody(
        municipality=answered.municipality.id,
        name=answered.municipality.name,
        first=question.first,
        last=question.last,
        currency=answered.municipality.currency,
        presses=presses,
        today=[
            TodayBody(
                zone=zone,
                version=policy.version,
                resolution=None if policy.resolution is None else policy.resolution.number,
                until=policy.until,
            )
            for zone, policy in sorted(answered.today.items())
        ],
        scenarios=[_scenario(answered, outcome) for outcome in answered.outcomes],
    )


def _scenario(answered: Answered, outcome: Outcome) -> ScenarioBody:
    kinds: dict[str, Kind] = {TODAY: "today", ALL_NIGHT: "all-night"}
    months = sorted({month for _, month in outcome.lines})
    zones = [zone.key.zone for zone in answered.zones]
    return ScenarioBody(
        name=outcome.name,
        kind=kinds.get(outcome.name, "draft"),
        changes=[
            ChangeBody(zone=zone, policy=policy_document(policy))
            for zone, policy in sorted(answered.question.drafts.get(outcome.name, {}).items())
        ],
        **_bounds(outcome, [(zone, month) for zone in zones for month in months]),
        zones=[
            ZoneBody(
                zone=zone.key.zone,
                name=zone.name,
                **_bounds(outcome, [(zone.key.zone, month) for month in months]),
                months=[MonthBody(month=f"{m:%Y-%m}", **_bounds(outcome, [(zone.key.zone, m)])) for m in months],
            )
            for zone in answered.zones
        ],
    )


def _bounds(outcome: Outcome, lines: Sequence[tuple[str, date]]) -> dict[str, FiguresBody | None]:
    def figures(of: Lines | None) -> FiguresBody | None:
        return None if of is None else _figures(sum((of[line] for line in lines if line in of), Figures()))

    return {"different_pressers": figures(outcome.lines), "one_presser": figures(outcome.one_presser)}


def _figures(figures: Figures) -> FiguresBody:
    return FiguresBody(
        kwh=_rounded(figures.kwh, "0.001"),
        pressed_kwh=_rounded(Decimal(figures.pressed_mwh).scaleb(-6), "0.001"),
        money=None if figures.money is None else _rounded(figures.money, "0.01"),
        co2_kg=None if figures.co2_kg is None else _rounded(figures.co2_kg, "0.001"),
        burning_hours=_rounded(Decimal(figures.burning // timedelta(seconds=1)) / 3600, "0.01"),
        dark_minutes=round(figures.dark / timedelta(minutes=1)),
        granted=figures.granted,
        refused=sum(figures.refused.values()),
        refused_by={reason: figures.refused[reason] for reason in Reason if figures.refused.get(reason)},
    )


def _rounded(value: Decimal, places: str) -> Decimal:
    return value.quantize(Decimal(places))


def csv_of(report: ReportBody) -> str:
    """The report as CSV: a line for each scenario, zone and month, and for each assumption about pressers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        [
            "scenario",
            "zone",
            "month",
            "pressers",
            "energy_kwh",
            "pressed_kwh",
            f"money_{report.currency}",
            "co2_kg",
            "burning_lamp_hours",
            "dark_minutes",
            "granted",
            "refused",
            *(f"refused_{reason}" for reason in Reason),
        ]
    )
    writer.writerows(_rows(report.scenarios))
    return out.getvalue()


def _rows(scenarios: Iterable[ScenarioBody]) -> Iterator[list[object]]:
    for scenario in scenarios:
        for zone in scenario.zones:
            for month in zone.months:
                for pressers, figures in (("different", month.different_pressers), ("one", month.one_presser)):
                    if figures is not None:
                        yield [_text(scenario.name), zone.zone, month.month, pressers, *_cells(figures)]


def _text(name: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{name}" if name[:1] in "=+-@\t\r" else name


def _cells(figures: FiguresBody) -> list[object]:
    return [
        figures.kwh,
        figures.pressed_kwh,
        "" if figures.money is None else figures.money,
        "" if figures.co2_kg is None else figures.co2_kg,
        figures.burning_hours,
        figures.dark_minutes,
        figures.granted,
        figures.refused,
        *(figures.refused_by.get(reason, 0) for reason in Reason),
    ]
