"""The journal in a file: each record is on the disk before the next is begun, and an older version's files count."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from device_sim.memory import Memory
from firmware_mock.core.journal import SLOTS

JOURNAL = {"boot": 3, "session": 7, "plan": "{}", "events": [], "locks": {}}
METERS = {"energy": {"1": 5}, "burn_ms": {"1": 6}}


def test_what_was_kept_is_loaded(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "a.b")
    assert memory.load() == ({}, {})
    memory.keep(JOURNAL, METERS)
    memory.keep({**JOURNAL, "session": 8}, METERS)
    assert Memory(tmp_path, "a.b").load() == ({**JOURNAL, "session": 8}, METERS)


def test_each_record_is_on_the_disk_before_the_next_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    write, sync = os.pwrite, os.fsync

    def pwrite(file: int, body: bytes, at: int) -> int:
        seen.append([start for start, _ in SLOTS].index(at))
        return write(file, body, at)

    def fsync(file: int) -> None:
        seen.append("safe")
        sync(file)

    monkeypatch.setattr(os, "pwrite", pwrite)
    monkeypatch.setattr(os, "fsync", fsync)
    memory = Memory(tmp_path, "a.b")
    memory.load()
    memory.keep(JOURNAL, METERS)
    assert seen == [3, "safe", 1, "safe", "safe"], "plan, state, and the folder that has a new file"
    memory.keep({**JOURNAL, "session": 8}, METERS)
    assert seen[5:] == [0, "safe"]


def test_a_write_that_fails_costs_nothing_and_the_next_one_counts(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "a.b")
    memory.load()
    memory.keep(JOURNAL, METERS)
    file = tmp_path / "a.b.journal"
    aside = file.rename(tmp_path / "aside")
    file.mkdir()
    memory.keep({**JOURNAL, "session": 8}, METERS)
    file.rmdir()
    aside.rename(file)
    assert Memory(tmp_path, "a.b").load()[0]["session"] == 7
    memory.keep({**JOURNAL, "session": 9}, METERS)
    assert Memory(tmp_path, "a.b").load()[0]["session"] == 9


def test_session_boot_and_meters_go_on_from_an_older_versions_files(tmp_path: Path) -> None:
    (tmp_path / "a.b.json").write_text(json.dumps({"boot": 4, "session": 9, "plan": "{}", "plan_n": 2}), "utf-8")
    slots = [{"turn": n, "journal": {"desired_n": n, "time_seq": 5}, "meters": {"energy": {"1": n}}} for n in (6, 7)]
    (tmp_path / "a.b.run").write_bytes(b"".join(json.dumps(slot).encode().ljust(1024) for slot in slots) + b"{torn")
    journal, meters = Memory(tmp_path, "a.b").load()
    assert (journal["boot"], journal["session"], journal["desired_n"], meters) == (4, 9, 7, {"energy": {"1": 7}})
    memory = Memory(tmp_path, "a.b")
    memory.load()
    memory.keep({**journal, "session": 10}, meters)
    assert Memory(tmp_path, "a.b").load()[0]["session"] == 10
