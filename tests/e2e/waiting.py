"""Waiting for something to become so: bounded, and it tells what it saw last."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")

WITHIN = 30.0
"""Real seconds that a shared machine gets for what takes far less on an idle one."""


@overload
async def until(
    look: Callable[[], Awaitable[T]], right: Callable[[T], object] = ..., what: str = ..., within: float = ...
) -> T: ...


@overload
async def until(
    look: Callable[[], T], right: Callable[[T], object] = ..., what: str = ..., within: float = ...
) -> T: ...


async def until(
    look: Callable[[], Any],
    right: Callable[[Any], object] = bool,
    what: str = "what the test waits for",
    within: float = WITHIN,
) -> Any:
    """Look again and again until `right` says yes, and return what was seen; AssertionError with the last sight."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        seen = look()
        value = await seen if inspect.isawaitable(seen) else seen
        if right(value):
            return value
        assert loop.time() < deadline, f"{what}: not so within {within:g} s; seen last: {value!r}"
        await asyncio.sleep(0.02)  # noqa: TID251 - the pause between two looks, bounded by the deadline
