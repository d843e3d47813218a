"""The demo's clock: forward only. These routes exist only when `dorflicht demo` started the service."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from service.api.context import Context
from service.api.origin import own_origin
from service.api.problems import responses
from service.api.schemas import ClockAnswer


class ClockRequest(BaseModel):
    """How far to move the demo's clock forward, or how fast it is to run."""

    model_config = ConfigDict(extra="forbid")

    forward_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 0
    speed: Annotated[float, Field(ge=1, le=600)] | None = None


def build(context: Context, move: Callable[[timedelta, float | None], None]) -> APIRouter:
    """The demo's routes; `move` moves the clock and tells everybody."""
    router = APIRouter(prefix="/api/v1/demo", tags=["demo"], responses=responses(403))

    @router.post("/clock", dependencies=[Depends(own_origin)])
    async def clock(asked: ClockRequest) -> ClockAnswer:
        """Move the demo's clock forward, or change its speed."""
        move(timedelta(minutes=asked.forward_minutes), asked.speed)
        return ClockAnswer(now=context.clock.now(), speed=context.clock.speed)

    return router
