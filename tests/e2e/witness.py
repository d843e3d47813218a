"""A witness of what a village's outputs did: no change is too short for it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from device_sim import SimDevice, Village


@dataclass(frozen=True)
class Change:
    """An output took a level at a moment on its controller's own clock."""

    output: str
    level: int
    cause: str
    at: datetime


class Witness:
    """Stands beside every controller from its making on; `changes` in the order in which they happened."""

    def __init__(self, village: Village) -> None:
        """Begin to watch."""
        self.changes: list[Change] = []
        for key, device in village.devices.items():
            device.settle = self._beside(key, device, device.settle)  # type: ignore[assignment, method-assign] # looks on, and hands on

    def _beside(self, key: str, device: SimDevice, settle: Callable[[int], None]) -> Callable[[int], None]:
        before = dict(device.levels)

        def looking(mono_ms: int) -> None:
            settle(mono_ms)
            at = datetime.fromtimestamp(device.core.clock.now(mono_ms) / 1000, UTC)
            for n, output in device.core.outputs.items():
                if output.level != before[n]:
                    before[n] = output.level
                    self.changes.append(Change(f"{key}/{n}", output.level, output.cause, at))

        return looking
