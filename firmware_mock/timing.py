"""The only place where the firmware asks for time: a monotonic counter and a timer. Tests may give their own."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Make it never happen."""
        ...


class Timing(Protocol):
    """Monotonic time and timers."""

    def mono_ms(self) -> int:
        """Milliseconds of a monotonic counter."""
        ...

    def call_later(self, ms: float, call: Callable[[], None]) -> Timer:
        """Call once after `ms` milliseconds."""
        ...

    async def sleep(self, ms: float) -> None:
        """Wait `ms` milliseconds."""
        ...


class RealTiming:
    """The machine's monotonic clock and the running event loop's timers."""

    def mono_ms(self) -> int:
        """Milliseconds of the machine's monotonic counter."""
        return time.monotonic_ns() // 1_000_000  # noqa: TID251 - the firmware's own clock

    def call_later(self, ms: float, call: Callable[[], None]) -> Timer:
        """Call once after `ms` milliseconds."""
        return asyncio.get_running_loop().call_later(ms / 1000, call)

    async def sleep(self, ms: float) -> None:
        """Wait `ms` milliseconds."""
        await asyncio.sleep(ms / 1000)  # noqa: TID251 - the firmware's own clock
