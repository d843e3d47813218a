"""The service as a child process: `python -m service serve` with its own environment."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support import ready

ROOT = Path(__file__).parents[2]


@dataclass
class ServiceProcess:
    """The service on loopback. `start` after `stop` or `kill` uses the same port and the same data.

    All calls are synchronous; in a test whose own event loop must go on meanwhile call the waiting ones by
    `asyncio.to_thread`.
    """

    environment: Mapping[str, str]
    folder: Path
    process: ready.Child | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Where it serves HTTP."""
        return f"http://127.0.0.1:{self.environment['DORFLICHT_HTTP_PORT']}"

    def start(self) -> None:
        """Start; returns at once, while it is not yet listening."""
        assert self.process is None, "the service is running already"
        environment = clean(os.environ) | dict(self.environment)
        self.process = ready.start(["serve"], environment, self.folder / "service.log")

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self.process is not None and self.process.poll() is None

    def stop(self, within: float = 10) -> int:
        """End it in order (SIGTERM) and wait; its exit code. 0 when it was not running."""
        return self._end(signal.SIGTERM, within)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL) and wait."""
        self._end(signal.SIGKILL, 10)

    def output(self) -> str:
        """What it printed so far, over all its starts."""
        path = self.folder / "service.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def _end(self, how: signal.Signals, within: float) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            return process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without this project's own settings, so that a developer's shell changes no test."""
    return {name: value for name, value in environment.items() if not name.startswith("DORFLICHT_")}
