"""Use cases run on a real store: SQLite in a temporary folder, migrated once and copied for each test."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.store import SqlStore, migrate, open_store
from tests.unit.villages import glasau, leck, luetjenholm, utc
from tests.usecases.acting import Village

NIGHT = utc("2026-11-22T00:12:00")


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty, migrated database file."""
    path = tmp_path_factory.mktemp("usecases") / "empty.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
async def store(migrated: Path, tmp_path: Path) -> AsyncIterator[SqlStore]:
    """A store with the three villages."""
    path = tmp_path / "store.db"
    shutil.copy(migrated, path)
    opened = open_store(f"sqlite:///{path}")
    for inventory in (luetjenholm(), glasau(), leck()):
        await opened.write(lambda tx, i=inventory: tx.save_inventory(i, NIGHT))  # type: ignore[misc]
    yield opened
    await opened.close()


@pytest.fixture
def village(store: SqlStore) -> Village:
    """Lütjenholm at 01:12 in the night, with nothing heard yet."""
    return Village(store, "luetjenholm", NIGHT)
