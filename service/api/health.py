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

    @router.get("/live")
    async def live() -> LiveAnswer:
        """The process answers."""
        return LiveAnswer(live=True)

    @router.get("/ready", response_model=HealthAnswer, responses={503: {"model": HealthAnswer}})
    async def ready() -> JSONResponse:
        """Ready: the store takes writes, the broker is connected, the conductor lives. Else 503, saying which."""
        store = await _writable(context)
        broker, conductor = context.lamps.connected, context.alive()
        body = HealthAnswer(ready=store and broker and conductor, store=store, broker=broker, conductor=conductor)
        return JSONResponse(body.model_dump(), 200 if body.ready else 503)

    return router


async def _writable(context: Context) -> bool:
    try:
        async with asyncio.timeout(5):
            await context.store.write(lambda tx: tx.touch())
    except (UnavailableError, TimeoutError):
        return False
    return True
