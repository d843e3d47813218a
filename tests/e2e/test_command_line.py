"""The operator's commands: prepare the broker, import villages, serve."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.world import environment
from tests.support.broker_process import BrokerProcess
from tests.support.service_process import ROOT, clean
from tests.support.villages import LECK, LUETJENHOLM


def _run(variables: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "service", *words]
    environ = clean(os.environ) | dict(variables)
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=60)


def test_import_lets_controllers_in_once(broker: BrokerProcess, tmp_path: Path) -> None:
    variables = environment(broker, f"sqlite:///{tmp_path / 'd.db'}", tmp_path)
    credentials = tmp_path / "credentials.json"
    words = ("import", str(LUETJENHOLM), str(LECK), "--credentials", str(credentials))
    first = _run(variables, *words)
    assert first.returncode == 0, first.stderr
    assert "2 municipalities with 35 lamps on 2 controllers imported; 2 controllers newly let in." in first.stdout
    secrets = json.loads(credentials.read_text("utf-8"))
    assert secrets.keys() == {"luetjenholm/cabinet-1", "leck/cabinet-1"}
    assert credentials.stat().st_mode & 0o077 == 0

    second = _run(variables, *words)
    assert "0 controllers newly let in." in second.stdout
    assert json.loads(credentials.read_text("utf-8")) == secrets


def test_faults_of_files_and_settings_are_sentences(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(LECK.read_text("utf-8").replace("watts = 60", "watts = -60"), "utf-8")
    variables = {"DORFLICHT_DATABASE_URL": f"sqlite:///{tmp_path / 'd.db'}"}
    refused = _run(variables, "import", str(bad))
    assert refused.returncode != 0
    assert f"{bad}: " in refused.stderr
    assert "watts" in refused.stderr
    assert "Traceback" not in refused.stderr

    refused = _run({"DORFLICHT_HTTP_PORT": "eighty"}, "serve")
    assert refused.returncode != 0
    assert "DORFLICHT_HTTP_PORT" in refused.stderr
    assert "Traceback" not in refused.stderr

    refused = _run({**variables, "DORFLICHT_DEMO": "true", "DORFLICHT_HTTP_HOST": "192.0.2.1"}, "serve")
    assert refused.returncode != 0
    assert "demo" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_whoever_only_asks_makes_no_database(tmp_path: Path) -> None:
    variables = {"DORFLICHT_DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}"}
    refused = _run(variables, "simulate-policy", "luetjenholm", "--draft", "dorf=draft-1")
    assert refused.returncode != 0
    assert refused.stderr.startswith(f"There is no database {tmp_path / 'none.db'}")
    assert "dorflicht import" in refused.stderr
    assert list(tmp_path.iterdir()) == []
