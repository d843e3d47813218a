"""Estimate: what dark hours would save a village that has nothing yet, from what somebody typed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel

from service.domain.estimate import BOUNDS, Estimate, Field, Never, Problem, Year, estimate, problems, too_cheap
from service.errors import InvalidError

LONGEST_NUMBER = 20
"""Characters that a number may have as typed."""

_ONE_CABINET = (
    "1,500 EUR is the price of one cabinet, for a village with some thirty lamps; so many lamps need several cabinets. "
    "Multiply, and give --investment and --yearly-cost."
)
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_TWO_WAYS = re.compile(r"-?[1-9][0-9]{0,2}([.,][0-9]{3})+([.,][0-9]+)?")
_SPACES = re.compile(r"[\s'’]")
_MINUS = str.maketrans("−–", "--")


class YearBody(BaseModel):
    """Energy, money and CO2 of a year."""

    kwh: Decimal
    money: Decimal
    co2_kg: Decimal


class EstimateBody(BaseModel):
    """An estimate, rounded: kWh and kg to one place, money to two, percent and years to one.

    `asked` are the figures that it was made from. `payback_years` is null where the investment never comes back;
    `never` says why.
    """

    asked: dict[Field, Decimal]
    before: YearBody
    after: YearBody
    dark: YearBody
    given_back: YearBody
    saved: YearBody
    saved_percent: Decimal
    given_back_percent: Decimal
    press_kwh: Decimal
    press_money: Decimal
    gain: Decimal
    payback_years: Decimal | None
    never: Never | None
    balance: Decimal


@dataclass(frozen=True, slots=True)
class Estimated:
    """What came of typed figures: an estimate, or what is wrong with which field."""

    body: EstimateBody | None
    problems: Mapping[Field, Problem]


def number(text: str, decimal: str = ".") -> Decimal | None:
    """A number as people write it, None if it is none.

    `decimal` is the language's mark ("," or "."), the other one groups thousands. Where marks stand that group
    nothing, a single one is taken as the decimal mark, whichever it is.
    """
    text = _SPACES.sub("", text).translate(_MINUS)
    if len(text) > LONGEST_NUMBER:
        return None
    group = "." if decimal == "," else ","
    if re.fullmatch(rf"-?[1-9][0-9]{{0,2}}({re.escape(group)}[0-9]{{3}})+({re.escape(decimal)}[0-9]+)?", text):
        text = text.replace(group, "")
    plain = text.replace(",", ".")
    return Decimal(plain) if _PLAIN.fullmatch(plain) else None


def estimate_of(typed: Mapping[Field, str], decimal: str = ".") -> Estimated:
    """Estimate from figures as typed; a field that is left out, or empty, has its default."""
    values: dict[Field, Decimal | None] = {}
    wrong: dict[Field, Problem] = {}
    for field, bounds in BOUNDS.items():
        text = typed.get(field, "").strip()
        values[field] = number(text, decimal) if text else bounds.default
        if text and values[field] is None:
            wrong[field] = Problem.NO_NUMBER
    found = problems(values) | wrong
    if found:
        return Estimated(None, {field: found[field] for field in BOUNDS if field in found})
    known = {field: value for field, value in values.items() if value is not None}
    return Estimated(_body(known, estimate(known)), {})


def estimated(typed: Mapping[Field, str]) -> EstimateBody:
    """The same for a command line, where numbers are plain: a point or a comma is the decimal mark, none groups
    thousands, and what could be either is refused. InvalidError names the first option that is wrong and the way out.
    """
    for field in BOUNDS:
        if _TWO_WAYS.fullmatch(text := _SPACES.sub("", typed.get(field, "")).translate(_MINUS)):
            raise InvalidError(f"{_option(field)}: {_plainly(text)}")
    outcome = estimate_of(typed)
    if outcome.body is None:
        field, problem = next(iter(outcome.problems.items()))
        raise InvalidError(f"{_option(field)}: {_way_out(field, problem, typed.get(field, ''))}")
    return outcome.body


def _option(field: Field) -> str:
    return "--" + field.replace("_", "-")


def _plainly(text: str) -> str:
    *groups, last = re.split("[.,]", text)
    if len(groups) == 1:
        whole, broken = groups[0] + last, f"{groups[0]}.{last}".rstrip("0").rstrip(".")
        return f"“{text}” could be {whole} or {broken}; write {whole} or {broken}."
    return f"“{text}” groups thousands; write the number without, like 1500 or 1.5."


def _way_out(field: Field, problem: Problem, text: str) -> str:
    low, high, default, whole = BOUNDS[field]
    between = f"a {'whole ' if whole else ''}number between {low:f} and {high:f}"
    if problem is Problem.NO_NUMBER:
        return f"“{text}” is no number; give {between}, written like {default or Decimal(25):f}."
    if problem is Problem.MORE_THAN_HOURS:
        return "lamps cannot be dark for longer than they burn today; give fewer, or more hours."
    return f"give {between}." if problem is Problem.MISSING else f"{text} is not {between}."


def text_of(body: EstimateBody) -> str:
    """The estimate as a text for a terminal."""
    asked = body.asked
    rows = [
        ("", "kWh", "EUR", "kg CO2"),
        ("today", *_cells(body.before)),
        ("with dark hours and presses", *_cells(body.after)),
        ("saved", *_cells(body.saved)),
    ]
    presses = _counted(asked[Field.PRESSES_PER_NIGHT], "press", "presses")
    give = "gives" if asked[Field.PRESSES_PER_NIGHT] == 1 else "give"
    minutes = _counted(asked[Field.PRESS_MINUTES], "minute", "minutes")
    lamps = _counted(asked[Field.LAMPS], "lamp", "lamps")
    lines = [
        f"{lamps} of {asked[Field.WATTS]:f} W, {asked[Field.HOURS]:f} h a year, "
        f"{asked[Field.DARK_HOURS]:f} h of them dark; in a year:",
        "",
        *(f"{name:<28}{kwh:>14}{money:>14}{co2:>14}" for name, kwh, money, co2 in rows),
        "",
        f"That is {body.saved_percent} % less. {presses} a night of {minutes} {give} back at most "
        f"{body.given_back_percent} % of what the dark hours save ({body.given_back.kwh:,} kWh); one press is "
        f"{body.press_kwh:,} kWh, {body.press_money:,} EUR.",
        _payback(body),
        *([_ONE_CABINET] if too_cheap(asked) else []),
        f"Reckoned with {asked[Field.PRICE]:f} EUR and {asked[Field.G_PER_KWH]:f} g of CO2 a kWh.",
    ]
    return "\n".join(lines) + "\n"


def _payback(body: EstimateBody) -> str:
    cost = f"{body.asked[Field.INVESTMENT]:,f} EUR and {body.asked[Field.YEARLY_COST]:,f} EUR a year"
    if body.never is Never.NOTHING_SAVED:
        return f"Payback: {cost} never come back, for no money is saved."
    if body.never is Never.YEARLY_COST:
        return f"Payback: {cost} never come back, for a year costs as much as it saves, or more."
    years = _counted(body.asked[Field.YEARS], "year", "years")
    remain = f"{body.balance:,} EUR remain" if body.balance >= 0 else f"it is still a loss of {-body.balance:,} EUR"
    return f"Payback: {cost} come back after {body.payback_years} years; after {years} {remain}."


def _counted(n: Decimal, one: str, more: str) -> str:
    return f"{n:f} {one if n == 1 else more}"


def _cells(year: YearBody) -> tuple[str, str, str]:
    return f"{year.kwh:,}", f"{year.money:,}", f"{year.co2_kg:,}"


def _body(asked: dict[Field, Decimal], made: Estimate) -> EstimateBody:
    return EstimateBody(
        asked=asked,
        before=_year(made.before),
        after=_year(made.after),
        dark=_year(made.dark),
        given_back=_year(made.given_back),
        saved=_year(made.saved),
        saved_percent=_rounded(made.saved_percent, "0.1"),
        given_back_percent=_rounded(made.given_back_percent, "0.1"),
        press_kwh=_rounded(made.one_press.kwh, "0.001"),
        press_money=_rounded(made.one_press.money, "0.01"),
        gain=_rounded(made.gain, "0.01"),
        payback_years=None if made.payback_years is None else _rounded(made.payback_years, "0.1"),
        never=made.never,
        balance=_rounded(made.balance, "0.01"),
    )


def _year(year: Year) -> YearBody:
    return YearBody(
        kwh=_rounded(year.kwh, "0.1"), money=_rounded(year.money, "0.01"), co2_kg=_rounded(year.co2_kg, "0.1")
    )


def _rounded(value: Decimal, places: str) -> Decimal:
    return value.quantize(Decimal(places))
