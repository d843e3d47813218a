"""Problem details (RFC 9457): every error answers in the same shape, with a machine-readable reason."""

import json
import math
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from service.errors import DorflichtError
from service.ports import Clock

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """An error or a refusal. `reason` is stable; `detail` is a sentence for people."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
    retry_at: datetime | None = None
    now: datetime
    speed: float


RESPONSES: dict[int | str, dict[str, Any]] = {
    code: {"model": Problem, "description": HTTPStatus(code).phrase} for code in (400, 404, 422)
}
"""For every route: what FastAPI and the edge answer by themselves."""


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """RESPONSES and more codes."""
    more: dict[int | str, dict[str, Any]] = {
        code: {**RESPONSES[404], "description": HTTPStatus(code).phrase} for code in codes
    }
    return {**RESPONSES, **more}


def problem_body(
    status: int,
    reason: str,
    detail: str,
    clock: Clock,
    *,
    title: str | None = None,
    retry_at: datetime | None = None,
    model: type[Problem] = Problem,
    **more: Any,
) -> str:
    """The JSON text of a problem; `more` are the fields that `model` adds."""
    return model(
        type=f"urn:dorflicht:problem:{reason}",
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        reason=reason,
        retry_at=retry_at,
        now=clock.now(),
        speed=clock.speed,
        **more,
    ).model_dump_json()


def respond(status: int, body: str, clock: Clock, headers: dict[str, str] | None = None) -> Response:
    """A problem as a response, with Retry-After in real seconds where there is a time to wait for."""
    extra = dict(headers or {})
    if status in (429, 503):
        retry_at = json.loads(body).get("retry_at")
        seconds = 30.0
        if retry_at is not None:
            seconds = (datetime.fromisoformat(retry_at) - clock.now()).total_seconds() / clock.speed
        extra["Retry-After"] = str(max(1, math.ceil(seconds)))
    return Response(body, status, extra, MEDIA_TYPE)


def install(app: FastAPI, clock: Clock, not_found: Callable[[Request], Response] | None = None) -> None:
    """Make the app answer every error as a problem; but a wrong address of a page by the page `not_found`."""

    describe = app.openapi

    def openapi() -> dict[str, Any]:
        return _with_media_type(describe())

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI's own way to change the document

    def answer(
        status: int,
        reason: str,
        detail: str,
        headers: dict[str, str] | None = None,
        retry_at: datetime | None = None,
    ) -> Response:
        return respond(status, problem_body(status, reason, detail, clock, retry_at=retry_at), clock, headers)

    def lost_page(request: Request, status: int) -> Response | None:
        if not_found is None or status != 404 or request.url.path.startswith(("/api/", "/static/")):
            return None
        return not_found(request)

    @app.exception_handler(DorflichtError)
    async def _ours(request: Request, error: DorflichtError) -> Response:
        if (page := lost_page(request, error.status)) is not None:
            return page
        headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else None
        return answer(error.status, error.reason, error.detail, headers, error.retry_at)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        faults = (
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors()
        )
        return answer(422, "invalid", "; ".join(faults))

    @app.exception_handler(HTTPException)
    async def _http(request: Request, error: HTTPException) -> Response:
        if (page := lost_page(request, error.status_code)) is not None:
            return page
        reasons = {404: "not_found", 405: "method_not_allowed"}
        headers = dict(error.headers) if error.headers else None
        return answer(error.status_code, reasons.get(error.status_code, "http"), str(error.detail), headers)


def _with_media_type(document: dict[str, Any]) -> dict[str, Any]:
    """FastAPI notes every model as application/json; problems have a media type of their own."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for response in operation["responses"].values():
                content = response.get("content", {})
                schema = content.get("application/json", {}).get("schema", {})
                if schema.get("$ref") == "#/components/schemas/Problem":
                    content[MEDIA_TYPE] = content.pop("application/json")
    return document
