"""The firmware's core stands the same cases on CPython and on the real MicroPython, and imports nothing it lacks."""

import ast
import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.micropython")

ROOT = Path(__file__).parents[2]
CORE = ROOT / "firmware_mock" / "core"
ROOM = ROOT / "tests" / "micropython"
MODULES = [f"tests.micropython.{path.stem}" for path in sorted(ROOM.glob("cases_*.py"))]


def cases_of(module: ModuleType) -> dict[str, Callable[[], None]]:
    """A module's cases by their names."""
    return {f"{module.__name__}.{name}": getattr(module, name) for name in dir(module) if name.startswith("case_")}


CASES = {name: case for module in MODULES for name, case in cases_of(importlib.import_module(module)).items()}


def imported() -> dict[str, str]:
    """What the core imports from outside itself, each with a file that does."""
    found = {}
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or "a relative import"]
            found.update({name: path.name for name in names if not name.startswith("firmware_mock.core")})
    return found


def files() -> dict[str, str]:
    """What the interpreter finds in its file system: the core, the cases and the contract's examples."""
    sources = [*CORE.rglob("*.py"), *ROOM.glob("*.py"), *(ROOT / "broker" / "examples").rglob("*.json")]
    return {
        "firmware_mock/__init__.py": "",
        "tests/__init__.py": "",
        **{path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sources},
    }


@pytest.fixture(scope="session")
def micropython() -> dict[str, Any]:
    """What the real interpreter says of all cases: its version, missing modules, and each case's result."""
    node = shutil.which("node")
    if node is None or not (ROOM / "node_modules").is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("MicroPython is not installed: make setup")
        pytest.skip("MicroPython is not installed: make setup")
    work = {"files": files(), "modules": MODULES, "imports": sorted(imported())}
    run = subprocess.run(
        [node, "run.mjs"], cwd=ROOM, input=json.dumps(work), capture_output=True, text=True, timeout=100
    )
    assert run.returncode == 0, run.stderr
    said: dict[str, Any] = json.loads(run.stdout)
    return said


@pytest.mark.parametrize("name", CASES, ids=lambda name: name.removeprefix("tests.micropython.cases_"))
def test_a_case_on_cpython(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    CASES[name]()


@pytest.mark.parametrize("name", CASES, ids=lambda name: name.removeprefix("tests.micropython.cases_"))
def test_a_case_on_micropython(name: str, micropython: dict[str, Any]) -> None:
    assert micropython["results"][name] == "", micropython["results"][name]


def test_it_was_micropython_and_every_case_ran(micropython: dict[str, Any]) -> None:
    assert "MicroPython" in micropython["version"]
    assert sorted(micropython["results"]) == sorted(CASES)


def test_the_core_imports_nothing_that_micropython_lacks(micropython: dict[str, Any]) -> None:
    assert micropython["missing"] == [], imported()


def test_what_the_core_imports_is_little() -> None:
    assert set(imported()) <= {"binascii", "json", "math", "struct"}
