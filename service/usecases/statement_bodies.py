"""A statement on paper: what a month or a year of light was, as JSON. Units are in the names.

`kwh` is exact, to the mWh; money and CO2 of parts are rounded to four places, those of totals to two and three. What
is null is not known; `missing` says why.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel

from service.domain.words import Cause, Quality, Reason
from service.usecases.readings import Stretch, Unknown
from service.usecases.saving_bodies import AmountBody, ComparedBody, CountedBy, QualityPart, SavingPresses


class Missing(StrEnum):
    """Why a statement lacks something."""

    NOT_OVER = "not_over"
    NOT_RECORDED = "not_recorded"
    ZONES_NOT_RECORDED = "zones_not_recorded"
    NOTHING_BOOKED = "nothing_booked"
    NO_PRICE = "no_price"
    NO_FIXED_PRICE = "no_fixed_price"
    NO_EMISSION_FACTOR = "no_emission_factor"
    CHANGED_WITHIN = "changed_within"
    NIGHTS_FORGOTTEN = "nights_forgotten"
    PRESSES_FORGOTTEN = "presses_forgotten"
    NO_SAVING = "no_saving"
    NO_READINGS = "no_readings"
    READINGS_FORGOTTEN = "readings_forgotten"
    READINGS_NOT_OVER = "readings_not_over"


class PartBody(AmountBody):
    """What a zone used for a cause in a night (a date, that of its evening) or month (2026-11).

    Of the nights over the edges of a month only the hours within it count.
    """

    period: str
    zone: str
    cause: Cause


class PeriodBody(BaseModel):
    """What all zones and causes used in a night or month; null where it is over before anything was recorded."""

    period: str
    kwh: Decimal | None
    money: Decimal | None
    co2_kg: Decimal | None


class TotalBody(AmountBody):
    """All of it; `money` with the fixed price."""

    energy_money: Decimal | None
    fixed_money: Decimal | None


class PressCount(BaseModel):
    """How many presses were granted and refused."""

    granted: int
    refused: int
    refused_by: dict[Reason, int]


class LevelHours(BaseModel):
    """How long was lit at a level (percent): in hours of outputs and in hours of their lamps."""

    level: int
    output_hours: Decimal
    lamp_hours: Decimal


class ReadingStretch(BaseModel):
    """From one reading of a supply point to the next: the utility's advance beside the ledger, in kWh.

    `ledger_kwh` is null where entries of that time are gone (`unknown`: forgotten), or the night of the last reading
    is not over (not_over). `warning` above 2 % deviation.
    """

    supply_point: str
    name: str
    since: datetime
    until: datetime
    utility_kwh: Decimal
    ledger_kwh: Decimal | None
    deviation_kwh: Decimal | None
    deviation_percent: Decimal | None
    warning: bool
    unknown: Unknown | None
    quality: list[QualityPart]


class SourcesBody(BaseModel):
    """Prices of a kWh, fixed prices of a year, and grams of CO2 of a kWh."""

    prices: list[CountedBy]
    fixed_prices: list[CountedBy]
    emission_factors: list[CountedBy]


class ZoneSince(BaseModel):
    """From when on a zone is compared."""

    zone: str
    name: str
    since: datetime


class SavedBody(BaseModel):
    """What was used beside all-night light with the same lamps in the same nights, and what presses cost and make
    acceptable. Zones of `later` count from a moment within the time on; those of `unrecorded` have no energy on
    record, and count on neither side."""

    total: ComparedBody
    presses: SavingPresses
    later: list[ZoneSince]
    unrecorded: list[str]


class StatementZone(BaseModel):
    """A zone by id and name."""

    zone: str
    name: str


class StatementBody(BaseModel):
    """What light was in a calendar month or year of local time, from `start` to `end`.

    `provisional` until the noon after its last night: then it tells of nights that are over, up to `told`. `periods`
    are its nights or months in order, those without light too; `energy` adds up to `total` exactly, and so does
    `by_period`. `recorded_from`: from when on there are records, null where there are from its start on.
    """

    municipality: str
    name: str
    period: str
    first: date
    last: date
    start: datetime
    end: datetime
    told: datetime
    timezone: str
    currency: str
    provisional: bool
    recorded_from: datetime | None
    lamps: int
    zones: list[StatementZone]
    periods: list[str]
    energy: list[PartBody]
    by_period: list[PeriodBody]
    total: TotalBody
    quality: list[QualityPart]
    presses: PressCount | None
    pressed: AmountBody
    saving: SavedBody | None
    burning: list[LevelHours]
    readings: list[ReadingStretch]
    sources: SourcesBody
    missing: list[Missing]


def period_body(name: str, parts: Iterable[PartBody], *, recorded: bool) -> PeriodBody:
    """What the parts of a period come to; nothing is known of one that was not `recorded`."""
    if not recorded:
        return PeriodBody(period=name, kwh=None, money=None, co2_kg=None)
    mine = [part for part in parts if part.period == name]
    money, co2 = [part.money for part in mine], [part.co2_kg for part in mine]
    return PeriodBody(period=name, kwh=sum((part.kwh for part in mine), Decimal()), money=_sum(money), co2_kg=_sum(co2))


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal()
    for value in values:
        if value is None:
            return None
        total += value
    return total


def quality_bodies(sums: dict[Quality, int]) -> list[QualityPart]:
    """How much of some energy (mWh) is known how, best first."""
    total = sum(sums.values())
    return [
        QualityPart(
            quality=quality,
            kwh=kwh(sums[quality]),
            percent=rounded(Decimal(sums[quality]) * 100 / total, "0.1") if total else Decimal(0),
        )
        for quality in Quality
        if sums.get(quality)
    ]


def stretch_body(stretch: Stretch) -> ReadingStretch:
    """A comparison of readings as JSON."""
    return ReadingStretch(
        supply_point=stretch.point.id,
        name=stretch.point.name,
        since=stretch.first.at,
        until=stretch.last.at,
        utility_kwh=stretch.utility_kwh,
        ledger_kwh=stretch.ledger_kwh,
        deviation_kwh=stretch.deviation_kwh,
        deviation_percent=rounded_or_none(stretch.deviation_percent, "0.01"),
        warning=stretch.warning,
        unknown=stretch.unknown,
        quality=quality_bodies(stretch.quality),
    )


def kwh(energy_mwh: int) -> Decimal:
    """mWh as kWh, exactly."""
    return Decimal(energy_mwh).scaleb(-6)


def rounded(value: Decimal, places: str) -> Decimal:
    """To some places: "0.01" are two."""
    return value.quantize(Decimal(places))


def rounded_or_none(value: Decimal | None, places: str) -> Decimal | None:
    """The same of what may not be known."""
    return None if value is None else rounded(value, places)
