"""A simulated controller's lasting memory: two small files.

`.json` holds what changes seldom (plan, boot, session) and is replaced as a whole. `.run` holds what every report moves
(meters, counters): two slots written in turn and in place, one short write each, so that a process killed at any moment
leaves at least one slot whole, and no report waits for a file to be replaced.
"""

import json
import logging
import os
from pathlib import Path
from typing import Any

from device_sim.villages import VillageError

_SLOT_BYTES = 1024
_RUNNING = ("desired_n", "time_seq")
"""What of the firmware's journal stands among the meters."""

log = logging.getLogger("device_sim")


class Memory:
    """Keeps one controller's journal and meters. VillageError where its files cannot be read."""

    def __init__(self, folder: Path, name: str) -> None:
        self._seldom = folder / f"{name}.json"
        self._often = folder / f"{name}.run"
        self._written: dict[str, Any] | None = None
        self._turn = 0
        self._failed = False

    def load(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Journal and meters as last kept; both empty before the first time."""
        try:
            journal = json.loads(self._seldom.read_text("utf-8")) if self._seldom.exists() else {}
        except (OSError, ValueError) as error:
            raise VillageError(f"{self._seldom}: {error}") from error
        if not isinstance(journal, dict):
            raise VillageError(f"{self._seldom}: this is no controller's journal")
        slots = self._slots()
        last: dict[str, Any] = max(slots, key=lambda slot: slot["turn"], default={"turn": 0, "meters": {}})
        self._turn = last["turn"]
        return {**journal, **last.get("journal", {})}, last["meters"]

    def _slots(self) -> list[dict[str, Any]]:
        try:
            body = self._often.read_bytes() if self._often.exists() else b""
        except OSError as error:
            raise VillageError(f"{self._often}: {error}") from error
        slots = []
        for start in range(0, len(body), _SLOT_BYTES):
            try:
                slot = json.loads(body[start : start + _SLOT_BYTES])
            except ValueError:  # the slot that was being written when the machine went down; the other one is whole
                continue
            if isinstance(slot, dict) and {"turn", "meters"} <= set(slot):
                slots.append(slot)
        if body and not slots:
            raise VillageError(f"{self._often}: no meters can be read from this file")
        return slots

    def keep(self, journal: dict[str, Any], meters: dict[str, Any]) -> None:
        """Write what changed; a failure is told once, and the lamp goes on."""
        seldom = {name: value for name, value in journal.items() if name not in _RUNNING}
        self._turn += 1
        slot = {"turn": self._turn, "journal": {name: journal[name] for name in _RUNNING}, "meters": meters}
        line = json.dumps(slot, separators=(",", ":")).encode().ljust(_SLOT_BYTES)
        try:
            if seldom != self._written:
                aside = self._seldom.with_suffix(".new")
                aside.write_text(json.dumps(seldom), "utf-8")
                aside.replace(self._seldom)
                self._written = seldom
            often = os.open(self._often, os.O_WRONLY | os.O_CREAT, 0o644)
            try:
                os.pwrite(often, line, self._turn % 2 * _SLOT_BYTES)
            finally:
                os.close(often)
        except OSError as error:
            if not self._failed:
                log.error("%s cannot be written: %s", self._seldom, error)
            self._failed = True
