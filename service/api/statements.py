"""Routes for staff: statements of a month or a year, and the burning times that are signed off."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from service.api.citizen import Language
from service.api.context import Context
from service.api.etags import tagged
from service.api.paths import MunicipalityId
from service.api.problems import responses
from service.api.staff import ActingAs
from service.usecases.burning import BurningStatement, burning, burning_csv, sign_off
from service.usecases.statement_bodies import StatementBody
from service.usecases.statement_csv import statement_csv
from service.usecases.statements import statement

RenderStatement = Callable[[StatementBody, str], Response]
"""A page to print of a statement, in a language."""

PeriodAsked = Annotated[str, Path(max_length=10, description="A month like 2026-11, or a year like 2026.")]
MonthAsked = Annotated[str, Path(max_length=10, description="A month like 2026-11.")]

_SAME: dict[int | str, dict[str, Any]] = {304: {"description": "What If-None-Match names is still so."}}
_TABLE: dict[str, Any] = {"text/csv": {"schema": {"type": "string"}}}
_PAGE: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}


class SignOffRequest(BaseModel):
    """Whether the burning times of a month may be signed off of which the first part was not recorded."""

    model_config = ConfigDict(extra="forbid")

    incomplete: bool = False


def build(context: Context, render: RenderStatement) -> APIRouter:
    """The routes under `.../council/`; `render` makes a page of a statement in a language."""
    router = APIRouter(responses=responses(401))
    _statements(router, context, render)
    _burning(router, context)
    return router


def _statements(router: APIRouter, context: Context, render: RenderStatement) -> None:
    @router.get(
        "/statements/{period}",
        response_model=StatementBody,
        responses={**_SAME, 200: {"content": {**_TABLE, **_PAGE}, "description": "JSON, CSV or a page to print."}},
    )
    async def statement_of_period(
        request: Request,
        municipality: MunicipalityId,
        period: PeriodAsked,
        by: ActingAs,
        language: Language,
        format: Annotated[Literal["json", "csv", "html"], Query()] = "json",  # noqa: A002 - the parameter's name in the address
    ) -> Response:
        """What light was in a calendar month or year: energy, money, CO2, presses, saving, burning hours, readings.

        Until the noon after its last night it is provisional, and tells of the nights that are over.
        """
        now = context.clock.now()
        forgotten = now - context.keep_presses
        body = await context.store.read(lambda tx: statement(tx, municipality, period, now, forgotten))
        if format == "html":
            page = tagged(request, render(body, language))
            page.headers["Vary"] = "Accept-Language"  # on 304 as well
            return page
        if format == "csv":
            return tagged(request, _csv(statement_csv(body), f"statement-{municipality}-{period}"))
        return tagged(request, Response(body.model_dump_json(), media_type="application/json"))


def _burning(router: APIRouter, context: Context) -> None:
    @router.get(
        "/burning/{month}",
        response_model=BurningStatement,
        responses={**_SAME, 200: {"content": _TABLE, "description": "JSON, or the burning times as CSV."}},
    )
    async def burning_of_month(
        request: Request,
        municipality: MunicipalityId,
        month: MonthAsked,
        by: ActingAs,
        format: Annotated[Literal["json", "csv"], Query()] = "json",  # noqa: A002 - the parameter's name in the address
    ) -> Response:
        """How long each output was lit at which level in a month, as recomputed now; and whether the statement that
        was signed off says the same, else which outputs differ."""
        now = context.clock.now()
        found = await context.store.read(lambda tx: burning(tx, municipality, month, now))
        if format == "csv":
            return tagged(request, _csv(burning_csv(found.statement), f"burning-{municipality}-{month}"))
        return tagged(request, Response(found.model_dump_json(), media_type="application/json"))

    @router.post("/burning/{month}/sign-off", status_code=201, responses=responses(401, 409))
    async def sign_burning_off(
        municipality: MunicipalityId, month: MonthAsked, by: ActingAs, body: SignOffRequest | None = None
    ) -> BurningStatement:
        """Keep the burning times of a month that is over as they are now, for good; once, and signed by who acts.

        409 where nothing of it was recorded, and where records begin within it, unless `incomplete` is true.
        """
        now, incomplete = context.clock.now(), body is not None and body.incomplete
        return await context.store.write(lambda tx: sign_off(tx, municipality, month, by, now, incomplete=incomplete))


def _csv(text: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(text, media_type="text/csv", headers=headers)
