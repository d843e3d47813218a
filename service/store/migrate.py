"""Bring a database to the newest schema, and tell whether it has it.

Alembic is loaded only where there is something to do: a start that finds all done is shorter by half a second.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from service.errors import SetupError
from service.store.engines import migrator, parse_url

if TYPE_CHECKING:
    from alembic.config import Config


_FOLDER = Path(__file__).parent / "migrations"
_KNOWN = sorted(path.name[1:5] for path in (_FOLDER / "versions").glob("r*.py"))
"""The revisions by the names of their files, in order."""


def migrate(url: str) -> None:
    """Bring the database to the newest schema; all of it or nothing.

    SetupError when the database cannot be reached or written, or was migrated by a newer program.
    """
    parsed = parse_url(url)
    engine = migrator(parsed)
    try:
        with usable(parsed), engine.begin() as connection:
            if _refuse_newer(connection) != _KNOWN[-1]:
                _upgrade(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection) -> "Config":
    """Alembic's settings for work on a connection."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def require_schema(connection: Connection) -> None:
    """SetupError unless the database has exactly the schema that this program was written for."""
    current = _refuse_newer(connection)
    if current is None:
        raise SetupError("the database has no tables yet: migrate it first")
    if current != _KNOWN[-1]:
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


def _refuse_newer(connection: Connection) -> str | None:
    """The revision that the database has; None without any."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    current: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    if current is not None and current not in _KNOWN:
        raise SetupError(f"the database was migrated by a newer program (revision {current}): use that one, or newer")
    return current
