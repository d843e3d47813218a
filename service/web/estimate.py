"""The estimate: a form for a village that has nothing yet, and what dark hours would save it; without JavaScript."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import jinja2
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from service.domain.estimate import BOUNDS, Field, Never, Problem, too_cheap
from service.usecases.estimating import LONGEST_NUMBER, EstimateBody, YearBody, estimate_of, number
from service.web.texts import choose

__all__ = ["ESTIMATE_HEADERS", "build", "estimate_page"]

_HERE = Path(__file__).parent
_STYLE = (_HERE / "templates" / "estimate.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

ESTIMATE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; font-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with the page: it runs nothing, loads our own font and icon alone, and only its own style holds."""

Say = Mapping[str, str]
_TEXTS: Mapping[str, Say] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((_HERE / "texts" / "estimate").glob("*.json"))
}
_GROUPS: Mapping[str, tuple[Field, ...]] = {
    "light": (Field.LAMPS, Field.WATTS, Field.HOURS, Field.DARK_HOURS),
    "energy": (Field.PRICE, Field.G_PER_KWH),
    "presses": (Field.PRESSES_PER_NIGHT, Field.PRESS_MINUTES),
    "control": (Field.INVESTMENT, Field.YEARLY_COST, Field.YEARS),
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A field of the form with what was typed into it, and what is wrong with that."""

    name: str
    label: str
    unit: str
    hint: str
    text: str
    error: str | None
    needed: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class _Bar:
    """`width` in percent of the longest."""

    label: str
    value: str
    width: float
    kind: str


@dataclass(frozen=True, slots=True)
class _Result:
    """An estimate in words and numbers of the language; `rows` are label, kWh, EUR, kg."""

    answer: str
    sentences: list[str]
    rows: list[tuple[str, str, str, str]]
    bars: list[_Bar]
    chart: str
    asked: list[tuple[str, str]]


def build() -> APIRouter:
    """The route `/estimate`; what was typed stands in its query, and is kept nowhere."""
    router = APIRouter(include_in_schema=False)

    @router.api_route("/estimate", methods=["GET", "HEAD"])
    async def estimate(request: Request) -> Response:
        asked = request.query_params.get("lang")
        language = choose(asked, request.headers.get("accept-language"), "")
        typed = {field: request.query_params[field] for field in Field if field in request.query_params}
        body = estimate_page(typed, language, keep=asked is not None)
        headers = {**ESTIMATE_HEADERS, "Cache-Control": "no-cache", "Content-Language": language}
        return HTMLResponse(body, headers={**headers, "Vary": "Accept-Language"})

    return router


def estimate_page(typed: Mapping[Field, str], language: str, *, keep: bool) -> str:
    """The page as a whole HTML document: a form, and the estimate where something was typed.

    A field that was not sent has its default; `keep` keeps the language when the form is sent.
    """
    say = _TEXTS[language]
    outcome = estimate_of(typed, say["decimal"])
    problems = outcome.problems if typed else {}
    page = _Page(say)
    return _template().render(
        language=language,
        languages=[
            (code, texts["lang_name"], urlencode({**_rewritten(typed, say, texts), "lang": code}))
            for code, texts in _TEXTS.items()
            if code != language
        ],
        keep=keep,
        say=say,
        style=Markup(_STYLE),  # noqa: S704 - our own file
        groups={name: [page.entry(field, typed, problems) for field in fields] for name, fields in _GROUPS.items()},
        wrong=len(problems),
        longest=2 * LONGEST_NUMBER,
        result=page.result(outcome.body) if typed and outcome.body else None,
    )


def _rewritten(typed: Mapping[Field, str], say: Say, other: Say) -> dict[str, str]:
    """What was typed, as another language writes it: 1.790 is not the same number in both."""
    values = ((field, text, number(text, say["decimal"])) for field, text in typed.items())
    return {field.value: text if value is None else _written(value, other) for field, text, value in values}


def _written(value: Decimal, say: Say) -> str:
    """A number as one would type it: nothing groups thousands."""
    return f"{value:f}".replace(".", say["decimal"])


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("estimate.html")


class _Page:
    """The words and numbers of one language."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def entry(self, field: Field, typed: Mapping[Field, str], problems: Mapping[Field, Problem]) -> _Entry:
        bounds, say = BOUNDS[field], self._say
        default = "" if bounds.default is None else _written(bounds.default, say)
        problem = problems.get(field)
        error = None
        if problem is not None:
            low, high = self._plain(bounds.low), self._plain(bounds.high)
            in_wholes = bounds.whole and problem in (Problem.OUT_OF_BOUNDS, Problem.NO_NUMBER)
            key = f"{problem}_whole" if in_wholes else problem
            error = say[f"error_{key}"].format(low=low, high=high)
        return _Entry(
            name=field,
            label=say[field],
            unit=say[f"{field}_unit"],
            hint=say[f"{field}_hint"],
            text=typed.get(field, default),
            error=error,
            needed=bounds.default is None,
            whole=bounds.whole,
        )

    def result(self, body: EstimateBody) -> _Result:
        say = self._say
        bars = list(self._bars(body))
        spoken = " ".join(say["bar"].format(label=bar.label, value=bar.value) for bar in bars)
        return _Result(
            answer=self._answer(body),
            sentences=list(self._sentences(body)),
            rows=[
                (say[name], *self._cells(year))
                for name, year in (
                    ("before", body.before),
                    ("after", body.after),
                    ("saved", body.saved),
                )
            ],
            bars=bars,
            chart=say["chart"].format(bars=spoken),
            asked=[
                (say[field], f"{self._plain(value)} {say[f'{field}_unit']}".strip())
                for field, value in body.asked.items()
            ],
        )

    def _answer(self, body: EstimateBody) -> str:
        if not body.saved.kwh:
            return self._say["answer_nothing"]
        return self._say["answer"].format(
            kwh=self._about(body.saved.kwh),
            money=self._about(body.saved.money),
            percent=self._number(body.saved_percent),
        )

    def _sentences(self, body: EstimateBody) -> Iterator[str]:
        say, asked = self._say, body.asked
        if body.saved.co2_kg:
            yield say["co2"].format(co2=self._weight(body.saved.co2_kg))
        if body.given_back.kwh:
            minutes = say["one_minute" if asked[Field.PRESS_MINUTES] == 1 else "minutes"]
            yield say["back_one" if asked[Field.PRESSES_PER_NIGHT] == 1 else "back"].format(
                n=self._plain(asked[Field.PRESSES_PER_NIGHT]),
                minutes=minutes.format(n=self._plain(asked[Field.PRESS_MINUTES])),
                percent=self._number(body.given_back_percent),
                kwh=self._number(body.given_back.kwh),
                press=self._number(body.press_kwh, 2),
                money=self._number(body.press_money, 2),
            )
        yield self._payback(body)
        if too_cheap(asked):
            yield say["one_cabinet"].format(
                once=self._number(asked[Field.INVESTMENT]), lamps=self._number(asked[Field.LAMPS])
            )

    def _payback(self, body: EstimateBody) -> str:
        say, asked = self._say, body.asked
        cost = say["cost"].format(
            once=self._number(asked[Field.INVESTMENT]), yearly=self._number(asked[Field.YEARLY_COST])
        )
        if body.never is not None:
            return say["never_nothing" if body.never is Never.NOTHING_SAVED else "never_cost"].format(cost=cost)
        if not asked[Field.INVESTMENT]:
            paid = say["paid_at_once"].format(cost=cost)
        else:
            paid = say["paid"].format(cost=cost, years=self._number(body.payback_years, 1))
        later = say["remain" if body.balance >= 0 else "lack"]
        years = say["one_year" if asked[Field.YEARS] == 1 else "n_years"].format(n=self._number(asked[Field.YEARS]))
        return f"{paid} {later.format(years=years, money=self._number(abs(body.balance)))}"

    def _bars(self, body: EstimateBody) -> Iterator[_Bar]:
        lit = body.after.kwh - body.given_back.kwh
        rows = (
            ("before", body.before.kwh, "all"),
            ("without_presses", lit, "plan"),
            ("after", body.after.kwh, "plan"),
        )
        for name, kwh, kind in rows:
            width = round(100 * kwh / body.before.kwh, 1)
            yield _Bar(self._say[name], f"{self._number(kwh)} kWh", float(width), kind)

    def _cells(self, year: YearBody) -> tuple[str, str, str]:
        return self._number(year.kwh), self._number(year.money), self._number(year.co2_kg)

    def _weight(self, kilograms: Decimal) -> str:
        if kilograms >= 1000:
            return self._say["tonnes"].format(n=self._number(kilograms / 1000, 1))
        return self._say["kilograms"].format(n=self._number(kilograms))

    def _about(self, value: Decimal) -> str:
        """Rounded to three digits: an estimate knows no more."""
        places = max(value.adjusted() - 2, 0)
        return self._number(round(value.scaleb(-places)) * Decimal(10) ** places)

    def _plain(self, value: Decimal) -> str:
        """A number with the places that it has."""
        exponent = value.as_tuple().exponent
        places = -exponent if isinstance(exponent, int) and exponent < 0 else 0
        return self._number(value, places)

    def _number(self, value: Decimal | None, places: int = 0) -> str:
        marks: dict[str, str | int | None] = {",": self._say["group"], ".": self._say["decimal"], "-": "−"}
        return f"{value or Decimal():,.{places}f}".translate(str.maketrans(marks))
