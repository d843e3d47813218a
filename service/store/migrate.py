"""Bring a database to the newest schema, and tell whether it has it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection
from sqlalchemy.exc import DBAPIError

from service.errors import SetupError
from service.store.engines import migrator, parse_url


def migrate(url: str) -> None:
    """Bring the database to the newest schema; all of it or nothing.

    SetupError when the database cannot be reached or written, or was migrated by a newer program.
    """
    parsed = parse_url(url)
    engine = migrator(parsed)
    config = _config()
    try:
        with usable(parsed), engine.begin() as connection:
            _refuse_newer(connection, config)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def require_schema(connection: Connection) -> None:
    """SetupError unless the database has exactly the schema that this program was written for."""
    config = _config()
    current = _refuse_newer(connection, config)
    if current is None:
        raise SetupError("the database has no tables yet: migrate it first")
    if current != ScriptDirectory.from_config(config).get_current_head():
        raise SetupError("the database was last used by an older program: migrate it first")


@contextmanager
def usable(url: URL) -> Iterator[None]:
    """Turn the database's own errors into one sentence."""
    try:
        yield
    except DBAPIError as error:
        shown = url.render_as_string(hide_password=True)
        why = str(error.orig).strip().splitlines()
        raise SetupError(f"the database {shown} cannot be used: {why[0] if why else 'no reason given'}") from error


def _refuse_newer(connection: Connection, config: Config) -> str | None:
    """The revision that the database has; None without any."""
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise SetupError(f"the database was migrated by a newer program (revision {current}): use that one, or newer")
    return current


def _config() -> Config:
    config = Config()
    folder = Path(__file__).parent / "migrations"
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    return config
