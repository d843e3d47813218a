"""A first estimate for a village that has nothing yet: a handful of figures in, a year's energy, money and CO2 out.

The whole village counts as one circuit: every lamp burns its full watts, all night today, and later all night but for
the dark hours; a press lights all lamps. So what presses give back is the most that so many can.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

NIGHTS = 365
"""Nights of a year."""


class Field(StrEnum):
    """What the estimate is made from.

    Lamps; watts of each with its driver; hours a year that they burn today; hours of these in which they would be dark;
    price of a kWh; grams of CO2 that it stands for; presses in a night and minutes of light each; what the control
    costs once and each year; years to look ahead.
    """

    LAMPS = "lamps"
    WATTS = "watts"
    HOURS = "hours"
    DARK_HOURS = "dark_hours"
    PRICE = "price"
    G_PER_KWH = "g_per_kwh"
    PRESSES_PER_NIGHT = "presses_per_night"
    PRESS_MINUTES = "press_minutes"
    INVESTMENT = "investment"
    YEARLY_COST = "yearly_cost"
    YEARS = "years"


class Bounds(NamedTuple):
    """What a field may be, in whole numbers only where `whole`; `default` None where only the village can know."""

    low: Decimal
    high: Decimal
    default: Decimal | None
    whole: bool = False


def _bounds(low: str, high: str, default: str | None, *, whole: bool = False) -> Bounds:
    return Bounds(Decimal(low), Decimal(high), None if default is None else Decimal(default), whole)


BOUNDS: Mapping[Field, Bounds] = {
    Field.LAMPS: _bounds("1", "100000", None, whole=True),
    Field.WATTS: _bounds("1", "1000", None),
    Field.HOURS: _bounds("1", "8784", "4000"),
    Field.DARK_HOURS: _bounds("0", "8784", "1790"),
    Field.PRICE: _bounds("0", "10", "0.30"),
    Field.G_PER_KWH: _bounds("0", "2000", "363"),
    Field.PRESSES_PER_NIGHT: _bounds("0", "1000", "3"),
    Field.PRESS_MINUTES: _bounds("0", "240", "12"),
    Field.INVESTMENT: _bounds("0", "100000000", "1500"),
    Field.YEARLY_COST: _bounds("0", "100000000", "100"),
    Field.YEARS: _bounds("1", "50", "10", whole=True),
}
"""Where the defaults come from: street lamps in Germany burn 4,000 to 4,270 h a year all night; at 54.6 degrees north
1,790 of the hours between 00:30 and 05:30 are dark ones (our own reckoning from sunset and sunrise); German
municipalities pay 0.20 to 0.50 EUR; 363 g/kWh is the German grid of 2024; 12 minutes and about three presses a night
are Löwenstedt's, 1,500 EUR and 100 EUR a year what Lütjenholm paid for its control (NDR, 2019-11-06)."""


ONE_CABINET_LAMPS = 200
"""Lamps up to which the default investment, that of a village of one cabinet and some thirty lamps, says something."""


class Problem(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    NO_NUMBER = "no_number"
    OUT_OF_BOUNDS = "out_of_bounds"
    NOT_WHOLE = "not_whole"
    MORE_THAN_HOURS = "more_than_hours"


def problems(values: Mapping[Field, Decimal | None]) -> dict[Field, Problem]:
    """What is wrong with the fields' values, by field; None, or no value, is missing."""
    found: dict[Field, Problem] = {}
    for field, bounds in BOUNDS.items():
        value = values.get(field)
        if value is None:
            found[field] = Problem.MISSING
        elif not value.is_finite():
            found[field] = Problem.NO_NUMBER
        elif not bounds.low <= value <= bounds.high:
            found[field] = Problem.OUT_OF_BOUNDS
        elif bounds.whole and value != value.to_integral_value():
            found[field] = Problem.NOT_WHOLE
    hours, dark = values.get(Field.HOURS), values.get(Field.DARK_HOURS)
    if hours is not None and dark is not None and not found.keys() & {Field.HOURS, Field.DARK_HOURS} and dark > hours:
        found[Field.DARK_HOURS] = Problem.MORE_THAN_HOURS
    return found


class Year(NamedTuple):
    """Energy (kWh), money and CO2 (kg) of a year; not rounded."""

    kwh: Decimal
    money: Decimal
    co2_kg: Decimal


class Never(StrEnum):
    """Why an investment never comes back: nothing is saved, or the yearly costs eat it up."""

    NOTHING_SAVED = "nothing_saved"
    YEARLY_COST = "yearly_cost"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A year today (`before`) and with dark hours and presses (`after`).

    `dark` is what the dark hours save if nobody presses, `given_back` what presses use of it at most, `saved` what
    remains; `one_press` is the light of one press. `gain` is the money saved in a year less the yearly cost,
    `payback_years` the investment over it (None: `never` says why), `balance` what remains after the given years.
    """

    before: Year
    after: Year
    dark: Year
    given_back: Year
    saved: Year
    one_press: Year
    gain: Decimal
    payback_years: Decimal | None
    never: Never | None
    balance: Decimal

    @property
    def saved_percent(self) -> Decimal:
        """The share of today's energy that is saved; of money and CO2 it is the same."""
        return 100 * self.saved.kwh / self.before.kwh

    @property
    def given_back_percent(self) -> Decimal:
        """The share of what the dark hours save that presses use; 0 without dark hours."""
        return 100 * self.given_back.kwh / self.dark.kwh if self.dark.kwh else Decimal(0)


def too_cheap(values: Mapping[Field, Decimal]) -> bool:
    """Whether the default investment, which pays one cabinet, stands beside far more lamps than one cabinet has."""
    return values[Field.LAMPS] > ONE_CABINET_LAMPS and values[Field.INVESTMENT] == BOUNDS[Field.INVESTMENT].default


def estimate(values: Mapping[Field, Decimal]) -> Estimate:
    """The estimate from fields without problems; ValueError names the first that has one."""
    for field, problem in problems(values).items():
        raise ValueError(f"{field}: {problem}")
    kilowatts = values[Field.LAMPS] * values[Field.WATTS] / 1000

    def year(hours: Decimal) -> Year:
        kwh = kilowatts * hours
        return Year(kwh, kwh * values[Field.PRICE], kwh * values[Field.G_PER_KWH] / 1000)

    hours, dark = values[Field.HOURS], values[Field.DARK_HOURS]
    press = values[Field.PRESS_MINUTES] / 60
    back = min(NIGHTS * values[Field.PRESSES_PER_NIGHT] * press, dark)
    saved = year(dark - back)
    gain = saved.money - values[Field.YEARLY_COST]
    never = None
    if gain <= 0:
        never = Never.YEARLY_COST if saved.money > 0 else Never.NOTHING_SAVED
    return Estimate(
        before=year(hours),
        after=year(hours - dark + back),
        dark=year(dark),
        given_back=year(back),
        saved=saved,
        one_press=year(press),
        gain=gain,
        payback_years=None if never else values[Field.INVESTMENT] / gain,
        never=never,
        balance=values[Field.YEARS] * gain - values[Field.INVESTMENT],
    )
