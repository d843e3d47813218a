"""The walls between the rooms stand, no room asks the machine for the time, and both checks can fail."""

import shutil
import socket
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from pytest_socket import SocketBlockedError

ROOT = Path(__file__).parents[2]
ROOMS = ("broker", "device_sim", "firmware_mock", "service")
SCRIPTS = Path(sysconfig.get_path("scripts"))


def lint_imports(tree: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on a tree, by the contracts in its pyproject.toml."""
    return subprocess.run(
        [SCRIPTS / "lint-imports", "--no-cache", "--no-logo"], cwd=tree, capture_output=True, text=True, timeout=60
    )


def ask_for_time(tree: Path) -> subprocess.CompletedProcess[str]:
    """ruff's banned calls on a tree, by the rules in its pyproject.toml."""
    return subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--select", "TID251", *ROOMS],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=60,
    )


def copy_to(tree: Path) -> Path:
    """A copy of the rooms in which walls may be broken."""
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, tree / room, ignore=lambda _, names: [name for name in names if not _is_source(name)]
        )
    shutil.copy(ROOT / "pyproject.toml", tree)
    return tree


def _is_source(name: str) -> bool:
    """Packages and modules; what else stands in a room plays no part in its walls."""
    return name.endswith(".py") or ("." not in name and name != "__pycache__")


def test_the_walls_stand() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


def test_no_room_asks_the_machine_for_the_time() -> None:
    result = ask_for_time(ROOT)
    assert result.returncode == 0, result.stdout


BREACHES = [
    ("service.domain.energy", "logging", "The domain is pure: no framework, no I/O"),
    ("service.domain.press", "service.ports", "Rooms of the service import downwards only"),
    ("service.usecases.press", "service.store", "Rooms of the service import downwards only"),
    ("service.store.__init__", "service.api", "Rooms of the service import downwards only"),
    ("service.cellar", "", "Rooms of the service import downwards only"),
    ("service.cli.__init__", "service.domain", "The command line knows app and settings alone"),
    ("service.web.__init__", "broker", "The broker is the only seam between service and lamps"),
    ("firmware_mock.__init__", "service.errors", "The broker is the only seam between service and lamps"),
    ("device_sim.__init__", "service.errors", "The simulated village knows the firmware alone"),
    ("broker.__init__", "device_sim", "Nobody but the simulated village imports the firmware"),
    ("firmware_mock.core.__init__", "datetime", "The firmware core runs on MicroPython"),
]


@pytest.fixture(scope="module")
def breached(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy in which every wall has a breach."""
    tree = copy_to(tmp_path_factory.mktemp("breached"))
    for module, imported, _ in BREACHES:
        with (tree / f"{module.replace('.', '/')}.py").open("a", encoding="utf-8") as source:
            source.write(f"\nimport {imported}\n" if imported else "")
    result = lint_imports(tree)
    assert result.returncode == 1
    return " ".join(result.stdout.partition("Broken contracts")[2].split())


@pytest.mark.parametrize(("module", "imported", "contract"), BREACHES)
def test_a_breach_in_a_wall_is_seen(breached: str, module: str, imported: str, contract: str) -> None:
    importer = module.removesuffix(".__init__")
    assert contract in breached
    assert (f"{importer} -> {imported} (l." if imported else "cellar") in breached


QUESTIONS = [
    "import time; time.time()",
    "import time; time.monotonic()",
    "from time import monotonic; monotonic()",
    "import time; time.sleep(1)",
    "import datetime; datetime.datetime.now()",
    "from datetime import date; date.today()",
    "import asyncio; asyncio.sleep(1)",
]


def test_a_question_for_the_time_is_seen_in_every_room(tmp_path: Path) -> None:
    tree = copy_to(tmp_path)
    asked = [tree / room / f"late_{n}.py" for room in ROOMS for n in range(len(QUESTIONS))]
    for n, path in enumerate(asked):
        path.write_text(QUESTIONS[n % len(QUESTIONS)] + "\n", encoding="utf-8")
    result = ask_for_time(tree)
    assert result.returncode == 1
    assert [path for path in asked if str(path.relative_to(tree)) not in result.stdout] == []


def test_unit_tests_reach_no_network() -> None:
    with pytest.warns(UserWarning, match="socket"), pytest.raises(SocketBlockedError):
        socket.socket(socket.AF_INET)
