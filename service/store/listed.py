"""A column's value among those of a list that is one parameter: the statement is the same however many there are."""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Boolean, Column, Dialect, String, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import ColumnElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _List(TypeDecorator[Sequence[Any]]):
    """A list of numbers or texts: an array, or JSON where the database has no arrays."""

    impl = String
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        """Of items of a type."""
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the database keeps it as."""
        return dialect.type_descriptor(String() if dialect.name == "sqlite" else ARRAY(self.item))

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        """The parameter."""
        return json.dumps(value) if dialect.name == "sqlite" else value


class Listed(ColumnElement[bool]):
    """Whether `column` is one of the values given as `name`."""

    inherit_cache = False
    type = Boolean()
    _is_implicitly_boolean = True  # or SQLAlchemy writes “= 1” behind it, and SQLite no longer uses an index

    def __init__(self, column: Column[Any], name: str) -> None:
        """Of this column."""
        self.column = column
        self.values = bindparam(name, type_=_List(column.type))


@compiles(Listed)
def _array(element: Listed, compiler: Any, **_: Any) -> str:
    return f"{compiler.process(element.column)} = ANY ({compiler.process(element.values)})"


@compiles(Listed, "sqlite")
def _json(element: Listed, compiler: Any, **_: Any) -> str:
    column, values = compiler.process(element.column), compiler.process(element.values)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - written by the compiler
