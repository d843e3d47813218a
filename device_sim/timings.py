"""A controller's quartz that runs fast or slow."""

from collections.abc import Callable

from firmware_mock.timing import Timer, Timing

_MILLION = 1_000_000


class DriftingTiming:
    """Another timing, fast by `ppm` parts in a million (slow where negative)."""

    def __init__(self, true: Timing, ppm: int) -> None:
        self._true = true
        self._rate = _MILLION + ppm

    def mono_ms(self) -> int:
        """Milliseconds by this quartz."""
        return self._true.mono_ms() * self._rate // _MILLION

    def call_later(self, ms: float, call: Callable[[], None]) -> Timer:
        """Call once after `ms` milliseconds by this quartz."""
        return self._true.call_later(ms * _MILLION / self._rate, call)

    async def sleep(self, ms: float) -> None:
        """Wait `ms` milliseconds by this quartz."""
        await self._true.sleep(ms * _MILLION / self._rate)
