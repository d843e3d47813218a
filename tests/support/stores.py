"""Databases and stores, the same for SQLite and PostgreSQL. Fixtures: import them in a conftest."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from service.store import SqlStore, migrate, open_store
from service.store.tables import Base
from tests.support.leck import NOW, leck
from tests.support.postgres import Postgres, running_postgres

KINDS = ("sqlite", "postgresql")
_DATABASE = "migrated"
_FILE = "dorflicht.db"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL server for the whole test session."""
    with running_postgres(durable=False) as server:
        server.run(f"CREATE DATABASE {_DATABASE}")
        migrate(server.url(_DATABASE))
        yield server


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite database to copy."""
    folder = tmp_path_factory.mktemp("migrated")
    migrate(sqlite_url(folder))
    return folder / _FILE


@pytest.fixture(params=KINDS)
def blank_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path)
        return
    with request.getfixturevalue("postgres").database() as url:
        yield url


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a migrated, empty database. On PostgreSQL emptied, not made anew: that is 30 times faster."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / _FILE)
        yield sqlite_url(tmp_path)
        return
    url = request.getfixturevalue("postgres").url(_DATABASE)
    _empty(url)
    yield url


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    """An open, migrated, empty store, on each database in turn."""
    opened = open_store(store_url)
    yield opened
    await opened.close()


@pytest.fixture
async def village(store: SqlStore) -> SqlStore:
    """A store that knows Leck."""
    await store.write(lambda tx: tx.save_inventory(leck(), NOW))
    return store


def sqlite_url(folder: Path) -> str:
    """The address of the database file in a folder."""
    return f"sqlite:///{folder / _FILE}"


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Look into, or change, a database behind the store's back."""
    engine = create_engine(url)
    with engine.begin() as connection:
        done = connection.execute(text(statement))
        rows = [tuple(row) for row in done] if done.returns_rows else []
    engine.dispose()
    return rows


def _empty(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
