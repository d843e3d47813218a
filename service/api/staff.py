"""Who may use the staff paths: whoever has the bearer token."""

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Annotated

from fastapi import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.errors import UnauthorizedError

_bearer = HTTPBearer(auto_error=False, description="The token of DORFLICHT_STAFF_TOKEN.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def staff_guard(token: str) -> Callable[[Credentials], Awaitable[None]]:
    """A dependency that lets the token's bearer pass. An empty token opens nothing."""

    async def guard(credentials: Credentials) -> None:
        given = b"" if credentials is None else credentials.credentials.encode()
        if not token or not compare_digest(given, token.encode()):
            raise UnauthorizedError("Staff only: send the staff token as “Authorization: Bearer …”.")

    return guard
