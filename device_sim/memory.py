"""A simulated controller's lasting memory: the firmware's journal in one small file, written in place.

Each record is on the disk before the next is begun, so neither the end of the process nor that of the machine costs
more than the record that was being written.
"""

import contextlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from device_sim.villages import VillageError
from firmware_mock.core.journal import SLOTS, Journal, JournalError

log = logging.getLogger("device_sim")


class Memory:
    """Keeps one controller's journal and meters. VillageError where its file cannot be read."""

    def __init__(self, folder: Path, name: str) -> None:
        self._file = folder / f"{name}.journal"
        self._older = folder / f"{name}.json", folder / f"{name}.run"
        self._journal = Journal([b""] * len(SLOTS))
        self._failed = False

    def load(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Journal and meters as last kept; both empty before the first time."""
        try:
            body = self._file.read_bytes() if self._file.exists() else b""
            self._journal = Journal([body[start : start + size] for start, size in SLOTS])
        except (OSError, JournalError) as error:
            raise VillageError(f"{self._file}: {error}; without this file the controller begins anew") from error
        state: dict[str, Any] = self._journal.state or self._read_older()
        meters = state.pop("meters", {})
        return state, meters

    def _read_older(self) -> dict[str, Any]:
        """What a version before the journal kept in two files; sessions and meters must go on from there."""
        seldom, often = self._older
        try:
            state: dict[str, Any] = json.loads(seldom.read_text("utf-8")) if seldom.exists() else {}
            run = often.read_bytes() if often.exists() else b""
            last: dict[str, Any] = {"turn": 0}
            for start in range(0, len(run), 1024):
                with contextlib.suppress(ValueError):  # the slot that was being written when the machine went down
                    last = max(last, json.loads(run[start : start + 1024]), key=lambda slot: int(slot["turn"]))
            if run and "meters" not in last:
                raise ValueError("no meters can be read")
            return {**state, **last.get("journal", {}), "meters": last.get("meters", {})}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise VillageError(f"{seldom}, {often}: {error!r}; without them the controller begins anew") from error

    def keep(self, journal: dict[str, Any], meters: dict[str, Any]) -> None:
        """Write what changed; on the disk when this returns. A failure is told once, and the lamp goes on."""
        try:
            self._write(self._journal.writes({**journal, "meters": meters}))
            self._journal.written()
        except (OSError, JournalError) as error:
            if not self._failed:
                log.error("%s cannot be written: %s", self._file, error)
            self._failed = True

    def _write(self, records: list[tuple[int, bytes]]) -> None:
        new = not self._file.exists()
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            for slot, record in records:
                os.pwrite(file, record, SLOTS[slot][0])
                os.fsync(file)
        finally:
            os.close(file)
        if new:
            folder = os.open(self._file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


class NoMemory:
    """Remembers nothing beyond the process: a fleet that is only measured needs no files."""

    def load(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Nothing yet."""
        return {}, {}

    def keep(self, journal: dict[str, Any], meters: dict[str, Any]) -> None:
        """Keep nothing."""
