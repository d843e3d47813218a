"""What the parts of a transaction share: running statements, and finding the keys inside by the ids outside."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Insert, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from service.domain.inventory import ControllerKey, MeterKey, OutputKey, ZoneKey
from service.errors import ConflictError, UnknownError
from service.store import tables
from service.store.prepared import Result, prepare
from service.store.tables import table

municipality = table(tables.MunicipalityRow)
zone = table(tables.ZoneRow)
controller = table(tables.ControllerRow)
output = table(tables.OutputRow)
meter = table(tables.MeterRow)

AnyRow = Any
AnySelect = Select[*tuple[Any, ...]]
Done = CursorResult[*tuple[Any, ...]]
Key = TypeVar("Key", ZoneKey, ControllerKey, OutputKey, MeterKey)

_AT_ONCE = 5000
"""Ids in one statement: SQLite takes 32,766 parameters, PostgreSQL 65,535."""


class OutputId(NamedTuple):
    """The key of an output and of the zone it belongs to."""

    id: int
    zone_id: int


class Among(NamedTuple):
    """A statement narrowed to one pair of ids, `municipality` and `slug`, and one narrowed to many,
    `municipalities` and `slugs`, which may find more pairs than were asked for."""

    one: AnySelect
    many: AnySelect


def among(statement: AnySelect, slug: Any) -> Among:
    """Narrow a statement to ids that are given later."""
    return Among(
        statement.where(municipality.c.slug == bindparam("municipality"), slug == bindparam("slug")),
        statement.where(
            municipality.c.slug.in_(bindparam("municipalities", expanding=True)),
            slug.in_(bindparam("slugs", expanding=True)),
        ),
    )


_MUNICIPALITY = select(municipality.c.id).where(municipality.c.slug == bindparam("municipality"))
_ZONES = among(
    select(municipality.c.slug, zone.c.slug, zone.c.id).select_from(zone).join(municipality),
    zone.c.slug,
)
_CONTROLLERS = among(
    select(municipality.c.slug, controller.c.slug, controller.c.id).select_from(controller).join(municipality),
    controller.c.slug,
)
_OUTPUTS = among(
    select(municipality.c.slug, controller.c.slug, output.c.n, output.c.id, output.c.zone_id)
    .select_from(output)
    .join(controller)
    .join(municipality),
    controller.c.slug,
)
_METERS = among(
    select(municipality.c.slug, controller.c.slug, meter.c.n, meter.c.id)
    .select_from(meter)
    .join(controller)
    .join(municipality),
    controller.c.slug,
)


class BaseTx:
    """One transaction on one connection.

    Keys found once are remembered until the transaction ends or the inventory is saved.
    """

    def __init__(self, connection: Connection) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._municipality_ids: dict[str, int] = {}
        self._zone_ids: dict[ZoneKey, int] = {}
        self._controller_ids: dict[ControllerKey, int] = {}
        self._output_ids: dict[OutputKey, OutputId] = {}
        self._meter_ids: dict[MeterKey, int] = {}

    def _run(self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Done:
        return self._connection.execute(statement, values)

    def _quick(self, statement: Executable, values: Mapping[str, Any]) -> Result:
        """Run a statement that is a module's constant, has no expanding parameters and gets all its values."""
        return prepare(statement, self._connection.dialect, tuple(values)).run(self._connection, values)

    def _quick_each(self, statement: Executable, values: Iterable[Mapping[str, Any]]) -> None:
        """`_quick` for each of some values with the same names."""
        for each in values:
            self._quick(statement, each)

    def _rows(self, statement: Executable, **values: Any) -> Sequence[AnyRow]:
        """Rows of a statement that `_quick` can run."""
        return self._quick(statement, values).rows

    def _among(self, statement: Among, keys: Iterable[Key]) -> Iterator[AnyRow]:
        """Rows of a statement made by `among`; keys begin with the municipality and the slug."""
        wanted = sorted({(key[0], key[1]) for key in keys})
        if len(wanted) == 1:
            yield from self._rows(statement.one, municipality=wanted[0][0], slug=wanted[0][1])
            return
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            homes, slugs = sorted({key[0] for key in part}), [key[1] for key in part]
            yield from self._run(statement.many, {"municipalities": homes, "slugs": slugs})

    def _upsert(self, into: Table, values: Mapping[str, Any]) -> None:
        """Insert a row, or replace the one with the same primary key."""
        self._quick(_upsert(self._connection.dialect.name, into), values)

    def _insert_new(self, into: Table, values: Mapping[str, Any]) -> bool:
        """Insert a row; False when one with the same unique key is there already."""
        return bool(self._quick(_insert_new(self._connection.dialect.name, into), values).rows)

    def _insert_once(self, into: Table, values: Mapping[str, Any], what: str) -> None:
        """Insert a row. ConflictError when it is there already."""
        if not self._insert_new(into, values):
            raise ConflictError(f"{what} is kept already")

    def _municipality(self, slug: str) -> int:
        """The key of a municipality. UnknownError when it does not exist."""
        if slug not in self._municipality_ids:
            for (id_,) in self._rows(_MUNICIPALITY, municipality=slug):
                self._municipality_ids[slug] = id_
        try:
            return self._municipality_ids[slug]
        except KeyError:
            raise UnknownError(f"municipality: {slug} does not exist") from None

    def _zones(self, keys: Sequence[ZoneKey]) -> list[int]:
        """Keys of zones. UnknownError for one that does not exist."""
        if not self._zone_ids.keys() >= set(keys):
            self._zone_ids |= {ZoneKey(m, z): id_ for m, z, id_ in self._among(_ZONES, keys)}
        return [_found(self._zone_ids, key, "zone") for key in keys]

    def _controller(self, key: ControllerKey) -> int:
        """The key of a controller. UnknownError when it does not exist."""
        if key not in self._controller_ids:
            self._controller_ids |= {ControllerKey(m, c): id_ for m, c, id_ in self._among(_CONTROLLERS, [key])}
        return _found(self._controller_ids, key, "controller")

    def _outputs(self, keys: Iterable[OutputKey]) -> list[OutputId]:
        """Keys of outputs and of their zones. UnknownError for one that does not exist."""
        keys = list(keys)
        if not self._output_ids.keys() >= set(keys):
            self._output_ids |= {
                OutputKey(m, c, n): OutputId(id_, zone_id) for m, c, n, id_, zone_id in self._among(_OUTPUTS, keys)
            }
        return [_found(self._output_ids, key, "output") for key in keys]

    def _meter(self, key: MeterKey) -> int:
        """The key of a meter. UnknownError when it does not exist."""
        if key not in self._meter_ids:
            self._meter_ids |= {MeterKey(m, c, n): id_ for m, c, n, id_ in self._among(_METERS, [key])}
        return _found(self._meter_ids, key, "meter")

    def _forget_ids(self) -> None:
        self._municipality_ids.clear()
        self._zone_ids.clear()
        self._controller_ids.clear()
        self._output_ids.clear()
        self._meter_ids.clear()


Found = TypeVar("Found")


def _found(known: Mapping[Key, Found], key: Key, what: str) -> Found:
    try:
        return known[key]
    except KeyError:
        raise UnknownError(f"{what}: {'/'.join(map(str, key))} does not exist") from None


def _insert(dialect: str, into: Table) -> sqlite.Insert | postgresql.Insert:
    return sqlite.insert(into) if dialect == "sqlite" else postgresql.insert(into)


@cache
def _upsert(dialect: str, into: Table) -> Insert:
    statement = _insert(dialect, into)
    keys = list(into.primary_key.columns)
    rest = {column.name: statement.excluded[column.name] for column in into.c if column not in set(keys)}
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


@cache
def _insert_new(dialect: str, into: Table) -> Executable:
    return _insert(dialect, into).on_conflict_do_nothing().returning(*into.primary_key.columns)
