"""Whether the service lives and is ready to light."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from service.api.context import Context
from service.api.schemas import HealthAnswer, LiveAnswer
from service.errors import UnavailableError


def build(context: Context) -> APIRouter:
    """The health routes."""
    router = APIRouter(prefix="/api/v1/health", tags=["health"])
    writable = _Writable(context)

    @router.get("/live")
    async def live() -> LiveAnswer:
        """The process answers."""
        return LiveAnswer(live=True)

    @router.get("/ready", response_model=HealthAnswer, responses={503: {"model": HealthAnswer}})
    async def ready() -> JSONResponse:
        """Ready: the store takes writes, the broker is connected, the conductor lives. Else 503, saying which."""
        store = await writable()
        broker, conductor = context.lamps.connected, context.alive()
        body = HealthAnswer(ready=store and broker and conductor, store=store, broker=broker, conductor=conductor)
        return JSONResponse(body.model_dump(), 200 if body.ready else 503)

    return router


class _Writable:
    """Whether the store takes writes; asked of it at most once a second, whoever asks us how often."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._asked_ms = 0
        self._answer: asyncio.Task[bool] | None = None

    async def __call__(self) -> bool:
        now_ms = self._context.clock.machine_ms()
        if self._answer is None or (self._answer.done() and now_ms - self._asked_ms >= 1000):
            self._asked_ms = now_ms
            self._answer = asyncio.ensure_future(self._ask())
        return await asyncio.shield(self._answer)

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(5):
                await self._context.store.write(lambda tx: tx.touch())
        except (UnavailableError, TimeoutError):
            return False
        return True
