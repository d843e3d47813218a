"""The residents' pages: a shell with names and places; everything live comes from the JSON API in the browser."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from mimetypes import guess_type
from pathlib import Path

import jinja2
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from service.errors import UnknownError
from service.web.maps import WIDTH, draw
from service.web.places import MunicipalityPage, ZonePage
from service.web.texts import TEXTS, choose

__all__ = ["HEADERS", "MunicipalityPage", "ZonePage", "build", "not_found"]

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
"""Sent with every page and every static file: nothing from elsewhere, nothing inline, nobody frames us."""

_HERE = Path(__file__).parent
_TYPES = {".woff2": "font/woff2", ".js": "text/javascript", ".svg": "image/svg+xml"}
_METHODS = ["GET", "HEAD"]

Look = Callable[[str], Awaitable[MunicipalityPage | None]]
Listing = Callable[[], Awaitable[list[MunicipalityPage]]]


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    etag: str


def build(look: Look, listing: Listing, *, demo: bool) -> APIRouter:
    """The routes `/`, `/m/{m}`, `/m/{m}/z/{zone}` and `/static/...`.

    `look` finds a municipality by its id, `listing` names all; `demo` shows the control of the demo's clock.
    An id that does not exist, and a static file that does not, raise UnknownError.
    """
    router = APIRouter(include_in_schema=False)
    files = _static_files()

    @router.api_route("/", methods=_METHODS)
    async def home(request: Request) -> Response:
        return _page(request, "home.html", "", municipalities=await listing())

    @router.api_route("/m/{m}", methods=_METHODS)
    async def municipality(request: Request, m: str) -> Response:
        page = await _known(look, m)
        hero = page.zones[0] if len(page.zones) == 1 else None
        return _municipality(request, page, hero, demo=demo, single=False)

    @router.api_route("/m/{m}/z/{zone}", methods=_METHODS)
    async def one_zone(request: Request, m: str, zone: str) -> Response:
        page = await _known(look, m)
        hero = next((known for known in page.zones if known.id == zone), None)
        if hero is None:
            raise UnknownError(f"There is no zone {zone!r} in {page.name}.")
        return _municipality(request, page, hero, demo=demo, single=len(page.zones) > 1)

    @router.api_route("/static/{path:path}", methods=_METHODS)
    async def static(request: Request, path: str) -> Response:
        file = files.get(path)
        if file is None:
            raise UnknownError(f"There is no file {path!r}.")
        headers = {**HEADERS, "Cache-Control": "no-cache", "ETag": file.etag}
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        return Response(file.body, media_type=file.media_type, headers=headers)

    return router


def not_found(request: Request) -> Response:
    """The page, with status 404, for an address that leads nowhere, in the reader's language."""
    return _page(request, "not_found.html", "", status=404)


async def _known(look: Look, m: str) -> MunicipalityPage:
    page = await look(m)
    if page is None:
        raise UnknownError(f"There is no municipality {m!r} here.")
    return page


def _municipality(
    request: Request,
    page: MunicipalityPage,
    hero: ZonePage | None,
    *,
    demo: bool,
    single: bool,
) -> Response:
    return _page(
        request,
        "municipality.html",
        page.language,
        page=page,
        hero=hero,
        others=[zone for zone in page.zones if zone != hero],
        single=single,
        drawing=draw(page),
        map_width=WIDTH,
        demo=demo,
    )


def _page(request: Request, name: str, own_language: str, *, status: int = 200, **content: object) -> Response:
    asked = request.query_params.get("lang")
    language = choose(asked, request.headers.get("accept-language"), own_language)
    body = (
        _templates()
        .get_template(name)
        .render(
            **content,
            language=language,
            texts=TEXTS[language],
            languages={code: texts["lang_name"] for code, texts in TEXTS.items() if code != language},
            suffix=f"?lang={language}" if asked in TEXTS else "",
        )
    )
    headers = {**HEADERS, "Cache-Control": "no-cache", "Content-Language": language, "Vary": "Accept-Language"}
    return HTMLResponse(body, status, headers)


@cache
def _templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = _words
    return environment


def _words(text: str, **values: object) -> str:
    return text.format(**values)


def _static_files() -> dict[str, _File]:
    """All files below `static/`, by their path in the URL: few and small, so they live in memory."""
    root = _HERE / "static"
    return {path.relative_to(root).as_posix(): _read(path) for path in root.rglob("*") if path.is_file()}


def _read(path: Path) -> _File:
    body = path.read_bytes()
    media_type = _TYPES.get(path.suffix) or guess_type(path.name)[0] or "application/octet-stream"
    return _File(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:16]}"')
