"""Inventories come in from files, and go out to one."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from service.app.outside import access_of
from service.app.simulating import require_database
from service.clock import SystemClock
from service.domain.inventory import Inventory
from service.errors import InvalidError, SetupError
from service.settings import Settings
from service.store import migrate, open_store
from service.usecases.enroll import Enrolled, enroll_files
from service.usecases.inventory_bring import Asked
from service.usecases.inventory_changes import Changes, Tally
from service.usecases.inventory_files import Files, read_files
from service.usecases.inventory_rows import rows_of
from service.usecases.look import municipality_of
from service.usecases.policies import inventory_of
from service.usecases.rows import ColumnMap, column_map
from service.usecases.rows_csv import write_csv
from service.usecases.rows_geojson import write_geojson
from service.wire.access import replace_file

__all__ = [
    "Asked",
    "Changes",
    "Enrolled",
    "Tally",
    "bring_in",
    "columns",
    "export_inventory",
    "import_files",
]

Format = Literal["csv", "geojson"]


def columns(mapping: Path | None, pairs: Iterable[str], constants: Iterable[str]) -> ColumnMap:
    """Which column is which, by a mapping file and FIELD=COLUMN and FIELD=TEXT pairs."""
    try:
        document = None if mapping is None else mapping.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"{mapping}: cannot be read: {error}") from error
    return column_map(pairs, constants, document)


def import_files(settings: Settings, files: Sequence[Path], credentials: Path | None) -> Enrolled:
    """Read municipality files into the database and let their controllers in; all or nothing of the former."""
    return bring_in(settings, files, Asked(), credentials)


def bring_in(settings: Settings, paths: Sequence[Path], asked: Asked, credentials: Path | None) -> Enrolled:
    """Read files into the database and let their controllers in; all or nothing of the former.

    A dry run changes nothing, and where there is no database yet, it makes none.
    """
    files = read_files(paths, asked.by, asked.encoding)
    url = settings.database_url
    if not asked.dry_run:
        migrate(url)
        return asyncio.run(_bring_in(settings, url, files, asked, credentials))
    if _is_there(url):
        return asyncio.run(_bring_in(settings, url, files, asked, None))
    with TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/dry-run.db"
        migrate(url)
        return asyncio.run(_bring_in(settings, url, files, asked, None))


def _is_there(url: str) -> bool:
    try:
        require_database(url)
    except SetupError:
        return False
    return True


async def _bring_in(settings: Settings, url: str, files: Files, asked: Asked, credentials: Path | None) -> Enrolled:
    store = open_store(url)
    access = None if credentials is None else access_of(settings)
    try:
        return await enroll_files(store, access, files, asked, credentials, replace_file, SystemClock().now())
    finally:
        await store.close()


def export_inventory(settings: Settings, municipality: str, format_: Format, *, decimal_comma: bool) -> str:
    """A municipality's lamps as a file that an import reads back. UnknownError for one that is not there."""
    require_database(settings.database_url)
    rows = rows_of(asyncio.run(_inventory(settings, municipality)))
    return write_geojson(rows) if format_ == "geojson" else write_csv(rows, decimal_comma)


async def _inventory(settings: Settings, municipality: str) -> Inventory:
    store = open_store(settings.database_url)
    try:
        return await store.read(lambda tx: inventory_of(tx, municipality_of(tx, municipality)))
    finally:
        await store.close()
