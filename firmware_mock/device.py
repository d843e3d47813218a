"""What surrounds the core on the pole, as the link sees it."""

from typing import Any, Protocol

from firmware_mock.core import Core


class Device(Protocol):
    """Meters and lasting memory around a core."""

    core: Core

    def on_time(self, payload: bytes, mono_ms: int) -> None:
        """A live time message arrived; hand it to the core."""
        ...

    def settle(self, mono_ms: int) -> None:
        """Called after everything that may have moved the core: meter what burned until now."""
        ...

    def watts(self) -> dict[str, float]:
        """What each meter measures now, in W."""
        ...

    def dress(self, report: dict[str, Any], mono_ms: int) -> None:
        """Add `meters` and `burn_s` to a report that is about to go out."""
        ...

    def keep(self) -> None:
        """Store journal and meters; on disk when this returns."""
        ...
