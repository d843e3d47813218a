"""Time that a test moves by hand: what was put off happens exactly when its moment is reached."""

import asyncio
import heapq
import itertools
from collections.abc import Callable


class FakeTimer:
    """A call that is due later."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Make it never happen."""
        self.call = None


class FakeTiming:
    """A `firmware_mock.timing.Timing` that stands still but for `wait`."""

    def __init__(self, start_ms: int = 5_000) -> None:
        self._now = float(start_ms)
        self._order = itertools.count()
        self._due: list[tuple[float, int, FakeTimer]] = []

    def mono_ms(self) -> int:
        """Milliseconds of the counter."""
        return int(self._now)

    def call_later(self, ms: float, call: Callable[[], None]) -> FakeTimer:
        """Call once when `ms` have passed."""
        timer = FakeTimer(call)
        heapq.heappush(self._due, (self._now + ms, next(self._order), timer))
        return timer

    async def sleep(self, ms: float) -> None:
        """Wait until the test has let `ms` pass."""
        over = asyncio.Event()
        self.call_later(ms, over.set)
        await over.wait()

    def wait(self, ms: float, late_ms: float = 0) -> None:
        """Let time pass. With `late_ms` every call comes so much too late, as on a busy machine."""
        end = self._now + ms
        while self._due and self._due[0][0] <= end:
            due, _, timer = heapq.heappop(self._due)
            self._now = max(self._now, due + late_ms)
            if timer.call is not None:
                timer.call()
        self._now = max(self._now, end)
