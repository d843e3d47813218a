"""What was used beside what other rules would have drawn, as JSON. Units are in the names.

`kwh` is exact, to the mWh; money has two places, CO2 three, percent one. What is null is not known; `missing` of the
whole says why.
"""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import BaseModel

from service.domain.words import Quality


class AmountBody(BaseModel):
    """Energy and what it stands for, without the fixed price."""

    kwh: Decimal
    money: Decimal | None
    co2_kg: Decimal | None


class PercentBody(BaseModel):
    """What was saved, in percent of what it is compared with; null where that is nothing or not known."""

    kwh: Decimal | None
    money: Decimal | None
    co2_kg: Decimal | None


class ComparedBody(BaseModel):
    """What was used, what the other rules would have drawn (`against`), and the difference; negative: more was used."""

    used: AmountBody
    against: AmountBody
    saved: AmountBody
    percent: PercentBody


class SavingZone(ComparedBody):
    """A zone, from when on it is compared, and the lamps of it that are."""

    zone: str
    name: str
    since: datetime
    lamps: int
    watts: Decimal


class SavingPeriod(ComparedBody):
    """A month (2026-11) or night (the date of its evening)."""

    period: str


class SavingPresses(BaseModel):
    """What presses and push-buttons cost (`cost`), what the darkness that they make acceptable saves (`darkness`:
    all-night light less the plan as it stood, both modelled), and what remains (`net`)."""

    cost: AmountBody
    darkness: AmountBody
    net: AmountBody


class QualityPart(BaseModel):
    """How much of what was used is known how."""

    quality: Quality
    kwh: Decimal
    percent: Decimal


class CountedBy(BaseModel):
    """A price of a kWh, or grams of CO2 of a kWh, from a day to another, both included. Null: there is no entry."""

    first: date
    last: date
    value: Decimal | None
    source: str | None


class ProofBody(BaseModel):
    """The saving of greenhouse gas for a funding application, and all that it was computed from.

    `statement` says in sentences how. `lamps` and `watts` are those that are compared; `silent_lamps` hang on outputs
    that never reported, and count on neither side.
    """

    greenhouse_gas_percent: Decimal | None
    against_kg: Decimal | None
    used_kg: Decimal | None
    saved_kg: Decimal | None
    lamps: int
    watts: Decimal
    silent_lamps: int
    quality: list[QualityPart]
    emission_factors: list[CountedBy]
    prices: list[CountedBy]
    statement: list[str]


class Lacking(StrEnum):
    """Why money or CO2 of a saving is not known: the table has no entry for a part of the time; or an entry changed
    within a month of which only the sum is left."""

    NO_PRICE = "no_price"
    NO_EMISSION_FACTOR = "no_emission_factor"
    PRICE_CHANGED_WITHIN = "price_changed_within"
    EMISSION_FACTOR_CHANGED_WITHIN = "emission_factor_changed_within"


class SavingMissing(BaseModel):
    """What is not known from a day to another, both included."""

    why: Lacking
    first: date
    last: date


class SavingBody(BaseModel):
    """What light used in [start, end) beside what other rules would have drawn with the same lamps and nights.

    `against` is all-night, the date whose policies are taken for all zones, or ZONE:VERSION of one policy. `last` is
    the last night, or the last day of whole months, that is told. `periods` are whole months if they were asked for,
    else nights. Zones of `unrecorded` have no energy on record, or nobody knows since when, and count on neither side.
    """

    municipality: str
    name: str
    first: date
    last: date
    start: datetime
    end: datetime
    timezone: str
    currency: str
    against: str
    total: ComparedBody
    zones: list[SavingZone]
    periods: list[SavingPeriod]
    presses: SavingPresses
    proof: ProofBody
    unrecorded: list[str]
    missing: list[SavingMissing]
