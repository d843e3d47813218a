"""The operator's commands: prepare the broker, import villages, serve."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner

from service.cli import app
from service.errors import DorflichtError
from tests.e2e.world import environment
from tests.support.broker_process import BrokerProcess
from tests.support.service_process import ROOT, clean
from tests.support.villages import GLASAU, LECK, LUETJENHOLM


def _run(variables: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "service", *words]
    environ = clean(os.environ) | dict(variables)
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=60)


def _here(variables: Mapping[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """The same in this process, many times faster."""
    env = {**dict.fromkeys(os.environ.keys() - clean(os.environ).keys()), **variables}
    result = CliRunner().invoke(app, words, env=env)
    if isinstance(result.exception, DorflichtError):
        return subprocess.CompletedProcess(words, 1, result.stdout, result.exception.detail)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return subprocess.CompletedProcess(words, result.exit_code, result.stdout, result.stderr)


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


def test_a_clerk_brings_lamps_in_looks_first_and_gets_them_out_again(tmp_path: Path) -> None:
    variables = {"DORFLICHT_DATABASE_URL": f"sqlite:///{tmp_path / 'd.db'}"}
    glasau = GLASAU.read_text("utf-8")
    village = tmp_path / "glasau.toml"
    village.write_text(glasau[: glasau.index("[[controller]]")], "utf-8")
    lamps = tmp_path / "lampen.csv"
    lines = [
        "Leuchten-Nr;Kreis;Leistung [W];Breite;Länge;Schulweg;Bemerkung",
        *(
            f"GL {n}/1;{zone};18,5;54,03;10,5{n};{safe};"
            for n, zone, safe in ((1, "Dorfstraße", "x"), (2, "Am See", ""))
        ),
        "GL 3/1;Kirchweg;viel;54,03;10,53;;",
        "GL 4/1;Kirchweg;30;54,03;10,54;;",
    ]
    lamps.write_bytes("\r\n".join(lines).encode("cp1252"))
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('lamp = "Leuchten-Nr"\nzone = "Kreis"\nlat = "Breite"\nlon = "Länge"\n', "utf-8")
    words = ["import", str(village), str(lamps), "--municipality", "glasau", "--mapping", str(mapping)]
    words += ["--map", "watts=Leistung [W]", "--map", "safety=Schulweg", "--map", "controller=Leuchten-Nr"]

    dry = _here(variables, *words, "--dry-run")
    assert dry.returncode == 1
    assert "lampen.csv: line 4: watts: 'viel' is no number" in dry.stderr
    assert "lamp: 3 added, 0 changed, 0 removed, 0 unchanged" in dry.stdout
    assert "output gl-1-1/1 becomes a safety output" in dry.stdout
    assert not (tmp_path / "d.db").exists()
    refused = _here(variables, *words)
    assert (refused.returncode, "1 row is bad, so nothing was imported" in refused.stderr) == (1, True)
    done = _here(variables, *words, "--skip-bad")
    assert done.returncode == 0, done.stderr
    assert "1 municipalities with 3 lamps on 3 controllers imported" in done.stdout

    for name, more in (("a.csv", ()), ("b.csv", ("--decimal-comma",)), ("c.geojson", ("--format", "geojson"))):
        out = tmp_path / name
        assert _here(variables, "export", "glasau", "--out", str(out), *more).returncode == 0
        again = _here(variables, "import", str(out), "--municipality", "glasau", "--remove-missing", "--dry-run")
        assert again.returncode == 0, again.stderr
        for kind, count in (("controller", 3), ("output", 3), ("lamp", 3)):
            assert f"{kind}: 0 added, 0 changed, 0 removed, {count} unchanged" in again.stdout
    assert _here(variables, "export", "glasau").stdout == (tmp_path / "a.csv").read_text("utf-8")
    assert "There is no municipality" in _here(variables, "export", "nowhere").stderr


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
