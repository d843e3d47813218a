"""`dorflicht estimate`: needs no database, no settings and no broker."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.support.service_process import ROOT, clean


def _run(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "service", "estimate", *words]
    variables = clean(os.environ) | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, capture_output=True, text=True, cwd=home, env=variables, timeout=60)


def test_loewenstedt_is_estimated_and_bad_figures_are_sentences(tmp_path: Path) -> None:
    words = ("--lamps", "107", "--watts", "25", "--hours", "4000", "--dark-hours", "1790")
    text = _run(tmp_path, *words)
    assert text.returncode == 0, text.stderr
    assert "today                             10,700.0      3,210.00       3,884.1" in text.stdout
    assert "give back at most 12.2 % of what the dark hours save" in text.stdout
    assert "come back after 1.3 years" in text.stdout

    body = json.loads(_run(tmp_path, *words, "--price", "0.20", "--presses-per-night", "0", "--format", "json").stdout)
    assert body["asked"]["price"] == "0.20"
    assert body["saved"] == {"kwh": "4788.2", "money": "957.65", "co2_kg": "1738.1"}

    refused = _run(tmp_path, *words, "--years", "1.5")
    assert refused.returncode == 1
    assert refused.stderr == "--years: 1.5 is not a whole number between 1 and 50.\n"
    refused = _run(tmp_path, *words, "--investment", "1.500")
    assert refused.returncode == 1
    assert refused.stderr == "--investment: “1.500” could be 1500 or 1.5; write 1500 or 1.5.\n"
    assert list(tmp_path.iterdir()) == []
