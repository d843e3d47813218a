"""Web presses come from our own pages: another site cannot press for its visitors."""

from urllib.parse import urlsplit

from fastapi import Request

from service.errors import ForbiddenError


async def own_origin(request: Request) -> None:
    """Refuse a request that a browser sent from a foreign page; programs that are no browsers send neither header.

    Asynchronous, for FastAPI hands every other dependency to a thread.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    foreign_site = site is not None and site not in ("same-origin", "none")
    if foreign_site or (origin is not None and _host_of(origin) != host.lower()):
        raise ForbiddenError("This request came from another site's page. Please press on the village's own page.")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None
