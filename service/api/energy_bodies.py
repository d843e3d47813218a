"""Energy as JSON and CSV. What a figure is in stands in its name: `wh` or `kwh`, never both."""

import csv
import io
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel, Field

from service.api.schemas import Answer
from service.usecases.energy import Account, By, Sum
from service.usecases.spreadsheets import plain_text

MOST_PER_PAGE = 1000


class Unit(StrEnum):
    """What energy is told in."""

    WH = "wh"
    KWH = "kwh"


_NAMED = frozenset({By.ZONE, By.CONTROLLER})
_MWH = {Unit.WH: 1000, Unit.KWH: 1_000_000}


class EnergyBody(BaseModel):
    """Energy of one part, as `wh` or as `kwh`, exact to the mWh. Money and CO2 are decimal strings of four places;
    null where no price, or no factor, was in force for some of it, or it cannot be told any more."""

    label: str = Field(
        description="An hour's local time with its offset, the date of a night's evening, a month as YYYY-MM, a cause, "
        "or the id of a zone or controller."
    )
    name: str | None = Field(None, description="What a zone or controller is called; null where it is gone.")
    wh: float = Field(0, description="Only with unit=wh.")
    kwh: float = Field(0, description="Only with unit=kwh.")
    money: Decimal | None
    currency: str
    co2_kg: Decimal | None


class PriceBody(BaseModel):
    """What a kWh cost in a part of the time; null where no price was in force."""

    start: datetime
    end: datetime
    per_kwh: Decimal | None
    source: str | None


class FactorBody(BaseModel):
    """Grams of CO2 that a kWh stood for in a part of the time; null where no factor was in force."""

    start: datetime
    end: datetime
    g_per_kwh: int | None
    source: str | None


class EnergyPage(BaseModel):
    """Energy in [`start`, `end`), asked for by the nights, or whole months, from `first` to `last`.

    `total` is that of all pages. What presses and push-buttons cost is in all figures up to `presses_until`, and in
    none where that is null. By hour it is always null, and each night's energy is spread over its hours by the plan.
    `next` asks for the next page.
    """

    first: date
    last: date
    start: datetime
    end: datetime
    by: By
    unit: Unit
    presses_until: datetime | None
    energy: list[EnergyBody]
    total: EnergyBody
    prices: list[PriceBody]
    emission_factors: list[FactorBody]
    page: int
    pages: int
    per_page: int
    of: int = Field(description="How many parts there are on all pages.")
    next: str | None


class EnergyAnswer(EnergyPage, Answer):
    """A page of energy, and when it was told."""


def page_of(account: Account, unit: Unit, page: int, per_page: int, following: str | None) -> EnergyPage:
    """A page of an account; `following` asks for the next one."""
    shown = account.parts[(page - 1) * per_page : page * per_page]
    return EnergyPage(
        first=account.first,
        last=account.last,
        start=account.start,
        end=account.end,
        by=account.by,
        unit=unit,
        presses_until=account.presses_until,
        energy=[_body(account, part, unit, named=account.by in _NAMED) for part in shown],
        total=_body(account, account.total, unit),
        prices=[
            PriceBody(start=start, end=end, per_kwh=entry and entry.per_kwh, source=entry and entry.source)
            for start, end, entry in account.sources.prices
        ],
        emission_factors=[
            FactorBody(start=start, end=end, g_per_kwh=entry and entry.g_per_kwh, source=entry and entry.source)
            for start, end, entry in account.sources.emission_factors
        ],
        page=page,
        pages=pages_of(account, per_page),
        per_page=per_page,
        of=len(account.parts),
        next=following,
    )


def pages_of(account: Account, per_page: int) -> int:
    """How many pages there are; an empty account has one."""
    return max(1, -(-len(account.parts) // per_page))


def csv_of(account: Account, unit: Unit) -> str:
    """All parts as CSV with units in the header. No total: whoever adds the lines up would count twice."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = ["name"] if account.by in _NAMED else []
    writer.writerow([account.by, *names, f"energy_{unit}", f"money_{account.currency}", "co2_kg"])
    writer.writerows(_lines(account, unit))
    return out.getvalue()


def _lines(account: Account, unit: Unit) -> Iterator[list[object]]:
    for part in account.parts:
        names = [plain_text(part.name or "")] if account.by in _NAMED else []
        energy = Decimal(part.energy_mwh) / _MWH[unit]
        yield [part.label, *names, f"{energy:f}", _shown(part.cost.money), _shown(part.cost.co2_kg)]


def _body(account: Account, part: Sum, unit: Unit, *, named: bool = False) -> EnergyBody:
    """Fields that are not set are left out of the answer: one unit alone, and a name only where parts have one."""
    money, co2_kg = _shown(part.cost.money), _shown(part.cost.co2_kg)
    body = EnergyBody(label=part.label, money=money, currency=account.currency, co2_kg=co2_kg)
    amount = part.energy_mwh / _MWH[unit]
    if unit is Unit.WH:
        body.wh = amount
    else:
        body.kwh = amount
    if named:
        body.name = part.name
    return body


def _shown(amount: Decimal | None) -> Decimal | None:
    """To four places, so that sums of small nights stay true."""
    return None if amount is None else amount.quantize(Decimal("0.0001"))
