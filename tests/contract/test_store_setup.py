"""Opening and migrating a database: the schema is the models', and what cannot work says so in one sentence."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from service.errors import SetupError
from service.store import migrate, open_store
from service.store.migrate import _KNOWN, alembic_config, require_schema
from service.store.tables import Base
from tests.support.ports import free_port
from tests.support.stores import query, sqlite_url


def test_the_migrations_make_what_the_models_say(store_url: str) -> None:
    engine = create_engine(store_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_migrating_twice_changes_nothing(blank_url: str) -> None:
    migrate(blank_url)
    query(blank_url, "INSERT INTO probe (id, n) VALUES (1, 7)")
    migrate(blank_url)
    assert query(blank_url, "SELECT n FROM probe") == [(7,)]


async def test_a_migrated_database_opens(blank_url: str) -> None:
    migrate(blank_url)
    store = open_store(blank_url)
    await store.write(lambda tx: tx.touch())
    await store.close()


def test_a_failing_migration_leaves_no_half(blank_url: str) -> None:
    query(blank_url, "CREATE TABLE meter_state (mine INTEGER)")  # stands in the way of one of the later tables
    with pytest.raises(SetupError, match="meter_state"):
        migrate(blank_url)
    with pytest.raises(SetupError, match="no tables yet"):
        open_store(blank_url)
    query(blank_url, "DROP TABLE meter_state")
    migrate(blank_url)


def test_a_database_without_tables_is_not_opened(blank_url: str) -> None:
    with pytest.raises(SetupError, match="no tables yet: migrate it first"):
        open_store(blank_url)


def test_a_newer_schema_is_left_alone(blank_url: str) -> None:
    migrate(blank_url)
    query(blank_url, "UPDATE alembic_version SET version_num = '9999'")
    for use in (open_store, migrate):
        with pytest.raises(SetupError, match=r"migrated by a newer program \(revision 9999\)"):
            use(blank_url)
    assert query(blank_url, "SELECT version_num FROM alembic_version") == [("9999",)]


def test_an_older_schema_is_not_opened(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(require_schema.__globals__, "_KNOWN", [*_KNOWN, "9998"])  # as if there were one more step
    with pytest.raises(SetupError, match="older program: migrate it first"):
        open_store(store_url)


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may write everywhere: become somebody else for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    migrate(sqlite_url(tmp_path))
    for folder in (tmp_path.parent, tmp_path):
        folder.chmod(0o755)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty").chmod(0o555)
    try:
        with without_rights():
            with pytest.raises(SetupError, match="cannot be used: "):
                migrate(sqlite_url(tmp_path / "empty"))
            with pytest.raises(SetupError, match=f"{tmp_path}.*cannot be used: "):
                open_store(sqlite_url(tmp_path))
    finally:
        (tmp_path / "empty").chmod(0o755)


def rights(folder: Path) -> dict[str, str]:
    """Who may do what with each file of a folder."""
    return {path.name: oct(path.stat().st_mode & 0o777) for path in folder.iterdir()}


async def test_database_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    migrate(sqlite_url(tmp_path))
    store = open_store(sqlite_url(tmp_path))
    await store.write(lambda tx: tx.touch())
    modes = rights(tmp_path)
    await store.close()
    assert modes == {f"dorflicht.db{end}": "0o600" for end in ("", "-wal", "-shm")}


async def test_a_database_that_is_there_keeps_its_rights(tmp_path: Path) -> None:
    migrate(sqlite_url(tmp_path))
    (tmp_path / "dorflicht.db").chmod(0o660)
    await open_store(sqlite_url(tmp_path)).close()
    assert rights(tmp_path)["dorflicht.db"] == "0o660"


def test_a_file_that_cannot_be_a_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "dorflicht.db").write_text("a shopping list, and not a short one: " * 100)
    for use in (open_store, migrate):
        with pytest.raises(SetupError, match="file is not a database"):
            use(sqlite_url(tmp_path))
        with pytest.raises(SetupError, match="unable to open database file"):
            use(sqlite_url(tmp_path / "missing"))


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    for use in (open_store, migrate):
        with pytest.raises(SetupError, match="cannot be used: ") as caught:
            use(f"postgresql+psycopg://me:hidden@127.0.0.1:{free_port()}/dorflicht")
        assert "127.0.0.1" in caught.value.detail
        assert "hidden" not in caught.value.detail


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x?uri=true", "mysql://x/y", "postgresql://x/y"],
)
def test_an_address_that_no_store_is_made_for_is_refused(url: str) -> None:
    for use in (open_store, migrate):
        with pytest.raises(SetupError, match="give sqlite:///PATH"):
            use(url)


def test_the_steps_are_known_by_the_names_of_their_files() -> None:
    with create_engine("sqlite://").connect() as connection:
        steps = ScriptDirectory.from_config(alembic_config(connection))
        assert steps.get_current_head() == _KNOWN[-1]
        assert {step.revision for step in steps.walk_revisions()} == set(_KNOWN)
