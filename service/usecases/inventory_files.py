"""The files of an import: municipalities as TOML, lamps as CSV or GeoJSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.domain.inventory import Inventory
from service.errors import InvalidError
from service.usecases.importing import read_inventory
from service.usecases.rows import AS_NAMED, MOST_BYTES, ColumnMap, Table
from service.usecases.rows_csv import read_csv
from service.usecases.rows_geojson import read_geojson

_CSV, _GEOJSON = (".csv", ".tsv", ".txt"), (".geojson", ".json")


@dataclass(frozen=True, slots=True)
class Files:
    """What was read: municipalities, and tables of lamps by the names of their files."""

    inventories: tuple[Inventory, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()


def read_files(paths: Sequence[Path], by: ColumnMap = AS_NAMED, encoding: str | None = None) -> Files:
    """Read files, each by the end of its name. InvalidError names the file and each wrong field or line."""
    inventories: list[Inventory] = []
    tables: list[tuple[str, Table]] = []
    for path in paths:
        try:
            if path.suffix.lower() == ".toml":
                inventories.append(read_inventory(_content(path).decode("utf-8")))
            else:
                tables.append((path.name, _table(path, by, encoding)))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidError(f"{path}: cannot be read: {error}") from error
        except InvalidError as error:
            lines = "\n".join(f"{path}: {line}" for line in error.detail.splitlines())
            raise InvalidError(lines) from error
    names = [name for name, _ in tables]
    if len(set(names)) < len(names):
        tables = [(f"{name} ({n})", table) for n, (name, table) in enumerate(tables, start=1)]
    return Files(tuple(inventories), tuple(tables))


def _table(path: Path, by: ColumnMap, encoding: str | None) -> Table:
    if path.suffix.lower() in _CSV:
        return read_csv(_content(path), by.names, encoding)
    if path.suffix.lower() in _GEOJSON:
        return read_geojson(_content(path))
    raise InvalidError(
        f"nobody knows what is in it: its name must end in .toml, {', '.join(_CSV)} or {' or '.join(_GEOJSON)}"
    )


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InvalidError(f"it is larger than {MOST_BYTES // 1_000_000} MB: divide it")
    return data
