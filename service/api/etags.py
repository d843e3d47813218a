"""Answers that need not be sent again: an ETag of the content, and 304 for whoever has it."""

from hashlib import sha256

from fastapi import Request
from fastapi.responses import Response

OWN = "private, no-cache"
"""For staff alone: a browser may keep it, and asks each time."""


def tagged(request: Request, response: Response, keeping: str = OWN) -> Response:
    """The response with its ETag; without its content where the caller has it already."""
    tag = f'"{sha256(response.body).hexdigest()[:32]}"'
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    common = {"ETag": tag, "Cache-Control": keeping}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=common)
    response.headers.update(common)
    return response
