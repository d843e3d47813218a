"""Routes of energy: what light cost, for everybody and for staff."""

import json
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from service.api.context import Context
from service.api.energy_bodies import MOST_PER_PAGE, EnergyAnswer, Unit, csv_of, page_of, pages_of
from service.api.paths import MunicipalityId
from service.api.schemas import Answer
from service.api.staff import ActingAs
from service.domain.inventory import ID_PATTERN
from service.errors import InvalidError
from service.ports import Clock
from service.usecases.energy import Account, By, council_energy, public_energy

FRESH = "public, max-age=60"
"""For how long anybody may keep the public figures without asking: they change when a night ends."""
OWN = "private, no-cache"

_OK: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/csv": {"schema": {"type": "string"}}},
        "description": "JSON by pages, or all of it as CSV.",
    },
    304: {"description": "What If-None-Match names is still so."},
}

From = Annotated[date | None, Query(alias="from", description="The first night, by the date of its evening.")]
To = Annotated[date | None, Query(description="The last night; without it, the last that has ended.")]


class Shape(NamedTuple):
    """How an account is to be told."""

    unit: Unit
    page: int
    per_page: int
    csv: bool


async def _shape(  # asynchronous, for FastAPI hands every other dependency to a thread
    unit: Annotated[Unit, Query(description="What energy is told in, and what its fields are called.")] = Unit.WH,
    page: Annotated[int, Query(ge=1, description="Counted from 1.")] = 1,
    per_page: Annotated[int, Query(ge=1, le=MOST_PER_PAGE, description="How many parts on a page.")] = 100,
    form: Annotated[
        Literal["json", "csv"] | None,
        Query(alias="format", description="Wins over Accept. CSV has all parts: it has no pages."),
    ] = None,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Shape:
    wanted = [part.partition(";")[0].strip() for part in accept.split(",")]
    prefers_csv = "text/csv" in wanted and "application/json" not in wanted
    return Shape(unit, page, per_page, form == "csv" if form else prefers_csv)


ShapeOf = Annotated[Shape, Depends(_shape)]


def build(context: Context) -> APIRouter:
    """The route for everybody, under `.../municipalities`."""
    router = APIRouter()

    @router.get("/{municipality}/energy", response_model=EnergyAnswer, responses=_OK)
    async def energy(
        request: Request,
        municipality: MunicipalityId,
        shape: ShapeOf,
        first: From = None,
        to: To = None,
        by: Literal["night", "month"] = "night",
    ) -> Response:
        """Energy per night or month, after it ended, without what presses and push-buttons cost: too coarse to show a
        walk.

        Nights are rounded to 0.1 kWh, months to 1 kWh; money and CO2 are those of the rounded figures. By month, all
        calendar months that `from` to `to` touch are told whole. A month has ended at the noon after its last day.
        Nights are kept for twelve whole months, months for good. At most 400 nights or 11 years at once.
        """
        now = context.clock.now()
        account = await context.store.read(lambda tx: public_energy(tx, municipality, first, to, By(by), now))
        return _answer(request, account, shape, context.clock, FRESH)

    return router


def build_council(context: Context) -> APIRouter:
    """The route for staff, under `.../council`."""
    router = APIRouter()

    @router.get("/energy", response_model=EnergyAnswer, responses=_OK)
    async def energy_for_staff(
        request: Request,
        municipality: MunicipalityId,
        by_whom: ActingAs,
        shape: ShapeOf,
        first: From = None,
        to: To = None,
        zone: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
        by: By = By.NIGHT,
    ) -> Response:
        """Energy by cause, hour, night, month, zone or controller, of all zones or one.

        Only nights that have ended are told, after their noon. By hour nothing shows when somebody pressed: it is a
        night's energy spread over its hours by the plan (evenly from sunset to sunrise where the plan gives no light),
        and what presses and push-buttons cost is not in it.
        Prices and emission factors count from the local midnight of their date. By month, all calendar months that
        `from` to `to` touch are told whole. By cause and zone a time from the first day of a month to the last day of
        one is counted from midnight to midnight as well, any other from noon to noon: `start` and `end` say so.
        Nights are kept for twelve whole months; of older ones there are whole months, by month, cause and zone.
        At most 62 nights at once by hour and controller, 400 by night, 11 years by month, cause and zone.
        """
        now = context.clock.now()
        account = await context.store.read(lambda tx: council_energy(tx, municipality, first, to, zone, by, now))
        return _answer(request, account, shape, context.clock, OWN)

    return router


def _answer(request: Request, account: Account, shape: Shape, clock: Clock, keeping: str) -> Response:
    """JSON or CSV, with an ETag of all but the time; 304 where the caller has it already."""
    if shape.csv:
        text = csv_of(account, shape.unit)
        name = f'attachment; filename="energy-{account.by}-{account.first}-{account.last}.csv"'
        headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": name}
        return _unless_known(request, text, text, keeping, headers)
    pages = pages_of(account, shape.per_page)
    if shape.page > pages:
        raise InvalidError(f"page: there is no page {shape.page}; ask for one from 1 to {pages}.")
    headers, following = {"Content-Type": "application/json"}, None
    if shape.page < pages:
        following = f"?{request.url.include_query_params(page=shape.page + 1).query}"
        headers["Link"] = f'<{following}>; rel="next"'
    shown = page_of(account, shape.unit, shape.page, shape.per_page, following)
    fields = shown.model_dump(mode="json", exclude_unset=True)
    told = Answer(now=clock.now(), speed=clock.speed).model_dump(mode="json")
    return _unless_known(request, json.dumps({**fields, **told}), json.dumps(fields), keeping, headers)


def _unless_known(request: Request, body: str, tagged: str, keeping: str, headers: dict[str, str]) -> Response:
    tag = f'"{sha256(tagged.encode()).hexdigest()[:32]}"'
    common = {"ETag": tag, "Cache-Control": keeping, "Vary": "Accept"}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=common)
    return Response(body, headers={**common, **headers})
