"""What the whole test session shares."""

import os
import shutil
import tempfile

import pytest

_FOLDER = pytest.StashKey[str]()
_SWITCH, _PLACE = "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"


def pytest_configure(config: pytest.Config) -> None:
    """Let child processes keep what Python compiled, in a folder of this session: the service starts many times."""
    if os.environ.get("PYTEST_XDIST_WORKER") is None:
        config.stash[_FOLDER] = os.environ[_PLACE] = tempfile.mkdtemp(prefix="dorflicht-pyc-")
        os.environ.pop(_SWITCH, None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
