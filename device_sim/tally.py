"""What a controller did, counted for the fleet's results."""

from typing import Any

from firmware_mock.core import Core, decode


class Tally:
    """Counts over all boots. `lags_ms`: from the moment that an order gives to the report that answers it, in real ms.

    Lags are told by the controller's clock. It is as late as the quickest message that set it, so a lag is too short by
    that journey, and never below 0.
    """

    __slots__ = ("connects", "lags_ms", "orders", "reports")

    def __init__(self) -> None:
        self.connects = 0
        self.orders = 0
        self.reports = 0
        self.lags_ms: list[float] = []


class CountedCore(Core):
    """The firmware's core, with somebody who counts beside it."""

    def __init__(self, tally: Tally, config: dict[str, Any], journal: dict[str, Any] | None, mono_ms: int) -> None:
        self._tally = tally
        self._ordered_at: int | None = None
        super().__init__(config, journal, mono_ms)

    def on_desired(self, payload: bytes, retained: bool, mono_ms: int) -> None:
        """Count an order, and remember what moment it gives."""
        self._tally.orders += 1
        if not retained:
            try:
                self._ordered_at = decode.desired(payload).at
            except decode.MessageError:
                self._ordered_at = None
        super().on_desired(payload, retained, mono_ms)

    def report(self, mono_ms: int) -> dict[str, object]:
        """Count a report, and how long its order took."""
        self._tally.reports += 1
        if self._ordered_at is not None and self.clock.valid:
            lag = (self.clock.now(mono_ms) - self._ordered_at) / self.clock.speed
            self._tally.lags_ms.append(max(0.0, lag))
        self._ordered_at = None
        return super().report(mono_ms)
