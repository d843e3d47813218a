"""Web presses come from our own pages: another site cannot press for its visitors."""

from urllib.parse import urlsplit

from fastapi import Request

from service.errors import ForbiddenError


def own_origin(request: Request) -> None:
    """Refuse a request that a browser sent from a foreign page; programs that are no browsers send neither header."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    host = request.headers.get("host", "")
    foreign = site is not None and site not in ("same-origin", "none")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        foreign = True
    if foreign:
        raise ForbiddenError("This request came from another site's page. Please press on the village's own page.")
