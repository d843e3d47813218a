"""Alerts to a webhook: one POST of a JSON object.

Where a secret is set, the header `X-Dorflicht-Signature: t=SECONDS,v1=HEX` proves who sent it: HEX is HMAC-SHA256 with
the secret over SECONDS (since 1970, as digits), a full stop and the body as received. Receivers should refuse a time
that is minutes old.
"""

import asyncio
import hashlib
import hmac
import json
import logging
from urllib.parse import urlsplit

import httpx

from service.errors import NotSentError
from service.ports import Clock, Notice

WITHIN_S = 20.0
"""A receiver has so many real seconds to answer."""

SIGNATURE = "X-Dorflicht-Signature"
_FOR_GOOD = (
    httpx.codes.BAD_REQUEST,
    httpx.codes.GONE,
    httpx.codes.REQUEST_ENTITY_TOO_LARGE,
    httpx.codes.UNPROCESSABLE_ENTITY,
)
"""What the same message would be told again. Other refusals somebody may set right: a key, a path, a gate before it."""

# They would write whole URLs into the log, and with them the secrets that many webhooks carry there.
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


class WebhookNotify:
    """Sends notices to their URLs. Follows no redirect, and takes nothing from the environment's proxies and netrc."""

    def __init__(self, clock: Clock, secret: str = "", *, within_s: float = WITHIN_S) -> None:
        """Prepare; nothing connects yet. With a secret messages are signed."""
        self._clock, self._secret, self._within_s = clock, secret.encode(), within_s

    async def send(self, message: Notice) -> None:
        """Post a notice. Only an answer of 2xx is a yes; 400, 410, 413 and 422 are a lasting no.

        NotSentError names the host alone: paths and queries of webhooks are secrets.
        """
        for url in message.to:
            await self._post(url, json.dumps(message.body, ensure_ascii=False, sort_keys=True).encode())

    async def _post(self, url: str, body: bytes) -> None:
        try:
            async with (
                asyncio.timeout(self._within_s),
                httpx.AsyncClient(follow_redirects=False, trust_env=False, timeout=self._within_s) as client,
                # The answer's body is of no interest, and may have no end.
                client.stream("POST", url, content=body, headers=self._headers(body)) as answer,
            ):
                status = answer.status_code
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, ValueError):
            raise NotSentError("the webhook's URL cannot be used", lasting=True) from None
        except (httpx.HTTPError, OSError) as error:  # TimeoutError is an OSError
            raise NotSentError(f"{_host(url)} did not take it ({type(error).__name__})") from None
        if not 200 <= status < 300:
            raise NotSentError(f"{_host(url)} answered {status}", lasting=status in _FOR_GOOD)

    def _headers(self, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "User-Agent": "dorflicht"}
        if self._secret:
            seconds = str(self._clock.machine_ms() // 1000)
            signed = hmac.new(self._secret, seconds.encode() + b"." + body, hashlib.sha256).hexdigest()
            headers[SIGNATURE] = f"t={seconds},v1={signed}"
        return headers


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "the webhook"
    except ValueError:
        return "the webhook"
