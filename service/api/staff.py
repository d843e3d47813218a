"""Who may use the staff paths: whoever has the bearer token and says who acts."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from hmac import compare_digest
from typing import Annotated

from fastapi import Depends, Header, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from service.errors import InvalidError, UnauthorizedError

_bearer = HTTPBearer(auto_error=False, description="The token of DORFLICHT_STAFF_TOKEN.")
Credentials = Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]


def staff_guard(token: str) -> Callable[[Credentials], Awaitable[None]]:
    """A dependency that lets the token's bearer pass. An empty token opens nothing."""

    async def guard(credentials: Credentials) -> None:
        given = b"" if credentials is None else credentials.credentials.encode()
        if not token or not compare_digest(given, token.encode()):
            raise UnauthorizedError("Staff only: send the staff token as “Authorization: Bearer …”.")

    return guard


async def _acting_as(
    name: Annotated[
        str, Header(alias="X-Acting-As", min_length=1, max_length=120, description="Who acts: a name, in UTF-8.")
    ],
) -> str:
    with suppress(UnicodeError):  # HTTP hands over bytes as Latin-1: people send UTF-8, and some do send Latin-1
        name = name.encode("latin-1").decode()
    name = " ".join(name.split())
    if not name.isprintable() or not name:
        raise InvalidError("X-Acting-As: send the name of whoever acts.")
    return name


ActingAs = Annotated[str, Depends(_acting_as)]
"""Who acts, by their own word: until there are roles, everybody with the token may be anybody."""
