"""The outermost layer: host names, body size and security headers, for every answer."""

import logging
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import problem_body, respond
from service.ports import Clock

log = logging.getLogger(__name__)

MAX_BODY = 64 * 1024
"""Bytes that a request may carry."""

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=()",
}
"""Added where a route did not set its own."""


class Edge:
    """ASGI middleware; refuses what cannot be meant for us before any route sees it."""

    def __init__(self, app: ASGIApp, clock: Clock, allowed_hosts: Iterable[str]) -> None:
        """Wrap `app`; `allowed_hosts` without ports, "*" for any."""
        self._app, self._clock = app, clock
        self._hosts = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
        if headers.get("host", "").endswith("]"):
            host = headers["host"]
        length = headers.get("content-length", "0")
        if "*" not in self._hosts and host.lower() not in self._hosts:
            await self._refuse(400, "unknown_host", f"This service is not called {host!r}.", scope, receive, send)
        elif "transfer-encoding" in headers:
            text = "Send the request with a Content-Length."
            await self._refuse(411, "length_required", text, scope, receive, send)
        elif not length.isdigit() or int(length) > MAX_BODY:
            text = f"The request's body is larger than {MAX_BODY} bytes."
            await self._refuse(413, "too_large", text, scope, receive, send)
        else:
            await self._serve(scope, receive, _Sender(send))

    async def _serve(self, scope: Scope, receive: Receive, send: "_Sender") -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            log.error("Unexpected error at %s %s", scope["method"], scope["path"].encode(), exc_info=error)
            if send.started:
                raise
            text = "Something went wrong on our side. Please try again in a minute."
            await self._refuse(500, "internal", text, scope, receive, send)

    async def _refuse(self, status: int, reason: str, detail: str, scope: Scope, receive: Receive, send: Send) -> None:
        response = respond(status, problem_body(status, reason, detail, self._clock), self._clock)
        await response(scope, receive, send if isinstance(send, _Sender) else _Sender(send))


class _Sender:
    """Sends an answer with our headers, and knows whether it has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)
