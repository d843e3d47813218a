"""A fleet of simulated controllers as a process of its own, measured from outside."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.village import BenchError
from device_sim.many import Many
from tests.support.broker_process import ROOT

_LONGEST_S = 900
_END_WITHIN_S = 60.0


@dataclass
class FleetProcess:
    """`python -m device_sim --quiet` with one part of the fleet; its files lie in `folder`."""

    folder: Path
    part: Many
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def _results(self) -> Path:
        return self.folder / f"{self.part.municipality}.json"

    @property
    def _log(self) -> Path:
        return self.folder / f"{self.part.municipality}.log"

    def __enter__(self) -> Self:
        """Start it."""
        words = ["--villages", str(self.folder / f"{self.part.municipality}.toml"), "--port", str(self.port)]
        words += ["--credentials", str(self.folder / "credentials.json"), "--quiet"]
        words += ["--for", str(_LONGEST_S), "--json", str(self._results)]
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "device_sim", *words]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, if it still runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def finish(self) -> dict[str, Any]:
        """End it in order, and read its results. BenchError."""
        process = self._running()
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired as error:
            raise BenchError(f"the fleet {self.part.municipality} did not end") from error
        if code:
            raise BenchError(f"the fleet {self.part.municipality} failed: {self._log.read_text('utf-8', 'replace')}")
        found: dict[str, Any] = json.loads(self._results.read_text("utf-8"))
        return found

    def memory_mb(self) -> float:
        """What it holds in memory now."""
        pages = int(Path(f"/proc/{self._running().pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    def cpu_s(self) -> float:
        """How long it has computed so far."""
        stat = Path(f"/proc/{self._running().pid}/stat").read_text("ascii")
        return sum(map(int, stat.rpartition(")")[2].split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise BenchError(f"the fleet {self.part.municipality} ended: {self._log.read_text('utf-8', 'replace')}")
        return self._process
