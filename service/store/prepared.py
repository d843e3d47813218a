"""Core statements compiled once for each database, then run by its driver: what a press waits for is short.

SQLAlchemy looks at a statement anew whenever it is executed, which for the small ones of a press costs ten times
what the database does. Here that is done once; values still go in and come out by the columns' own types.
"""

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.base import Executable
from sqlalchemy.types import TypeEngine

Convert = Callable[[Any], Any]
Key = TypeVar("Key", str, int)


class Result(NamedTuple):
    """What a statement gave: its rows (named tuples), or how many rows it changed."""

    rows: Sequence[Any]
    changed: int


class Prepared:
    """One statement for one database, with values for the given names. No expanding parameters."""

    def __init__(self, statement: Any, dialect: Dialect, names: Sequence[str]) -> None:
        """Compile."""
        compiled = statement.compile(dialect=dialect, column_keys=list(names))
        self._sql = str(compiled)
        self._in_order: Sequence[str] = compiled.positiontup
        self._as_named = list(self._in_order) == list(names)
        self._names = list(names)
        self._constants = {name: bind.value for name, bind in compiled.binds.items() if name not in names}
        into = _converters({name: (bind.type, None) for name, bind in compiled.binds.items()}, dialect)
        for name in self._constants.keys() & into.keys():
            self._constants[name] = into.pop(name)(self._constants[name])
        self._into = list(into.items())
        self._columns = list(statement.exported_columns) if hasattr(statement, "exported_columns") else []
        self._row = _row_type([column.name for column in self._columns])._make
        self._dialect = dialect
        self._out: list[tuple[int, Convert]] | None = None

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Result:
        """Run on a connection, within its transaction."""
        driver: Any = connection.connection.dbapi_connection
        cursor = driver.execute(self._sql, self._parameters(values))
        rows = self._read(cursor) if self._columns else []
        changed = cursor.rowcount
        cursor.close()
        return Result(rows, changed)

    def run_each(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Run with the values of each row in turn."""
        self._run_many(connection, [self._parameters(values) for values in rows])

    def run_raw(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        """Run with each row's values in turn, which are in the order of the names and as the driver takes them."""
        if not self._as_named:
            places = [self._names.index(name) for name in self._in_order]
            rows = [[row[place] for place in places] for row in rows]
        self._run_many(connection, rows)

    def fetch_raw(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """The rows as the driver gives them."""
        driver: Any = connection.connection.dbapi_connection
        cursor = driver.execute(self._sql, self._parameters(values))
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        cursor.close()
        return rows

    def _run_many(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        driver: Any = connection.connection.dbapi_connection
        cursor = driver.cursor()
        cursor.executemany(self._sql, rows)
        cursor.close()

    def _parameters(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        bound = {**self._constants, **values}
        for name, convert in self._into:
            bound[name] = convert(bound[name])
        return tuple([bound[name] for name in self._in_order])

    def _read(self, cursor: Any) -> list[Any]:
        if self._out is None:  # the driver tells its own types only now
            codes = [description[1] for description in cursor.description]
            types = {i: (column.type, codes[i]) for i, column in enumerate(self._columns)}
            self._out = list(_converters(types, self._dialect, results=True).items())
        rows = []
        for row in cursor.fetchall():
            values = list(row)
            for i, convert in self._out:
                values[i] = convert(values[i])
            rows.append(self._row(values))
        return rows


@lru_cache(maxsize=1024)
def prepare(statement: Executable, dialect: Dialect, names: tuple[str, ...]) -> Prepared:
    """The same, compiled at the first call. Statements are the modules' constants and few."""
    return Prepared(statement, dialect, names)


def _converters(
    types: Mapping[Key, tuple[TypeEngine[Any], Any]], dialect: Dialect, *, results: bool = False
) -> dict[Key, Convert]:
    """What types do to values on their way in or out, where they do anything; with each the driver's own type."""
    found: dict[Key, Convert] = {}
    for name, (type_, code) in types.items():
        there = type_.dialect_impl(dialect)
        convert = there.result_processor(dialect, code) if results else there.bind_processor(dialect)
        if convert is not None:
            found[name] = convert
    return found


def _row_type(names: Sequence[str]) -> Any:
    """A named tuple; of columns with the same name the first has it."""
    fields = [name if name not in names[:i] else f"column_{i}" for i, name in enumerate(names)]
    return namedtuple("Row", fields, rename=True)
