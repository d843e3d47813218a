"""What the parts of a transaction share: running statements, and finding the keys inside by the ids outside."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Insert, Select, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from service.domain.inventory import ControllerKey, MeterKey, OutputKey, ZoneKey
from service.errors import ConflictError, UnknownError
from service.store import tables
from service.store.known import Known, Memory, OutputId
from service.store.listed import Listed
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


class Among(NamedTuple):
    """A statement narrowed to one pair of ids, `municipality` and `slug`, and one narrowed to many,
    `municipalities` and `slugs`, which may find more pairs than were asked for."""

    one: AnySelect
    many: AnySelect


def among(statement: AnySelect, slug: Any) -> Among:
    """Narrow a statement to ids that are given later."""
    return Among(
        statement.where(municipality.c.slug == bindparam("municipality"), slug == bindparam("slug")),
        statement.where(Listed(municipality.c.slug, "municipalities"), Listed(slug, "slugs")),
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
_VERSION = select(table(tables.InventoryVersionRow).c.version)
_ZONES_OF = select(zone.c.id, zone.c.slug).join(municipality).where(municipality.c.slug == bindparam("municipality"))
_OUTPUTS_OF = (
    select(output.c.id, controller.c.slug, output.c.n)
    .select_from(municipality.join(controller))
    .join(output, output.c.controller_id == controller.c.id)
    .where(municipality.c.slug == bindparam("municipality"))
)


class BaseTx:
    """One transaction on one connection."""

    def __init__(self, connection: Connection, memory: Memory) -> None:
        """Work on a connection that has begun its transaction."""
        self._connection = connection
        self._memory = memory
        self._remembered: Known | None = None

    @property
    def _known(self) -> Known:
        """What is known of the inventory as this transaction sees it."""
        if self._remembered is None:
            versions = [row[0] for row in self._rows(_VERSION)]
            self._remembered = self._memory.of(versions[0] if versions else None)
        return self._remembered

    def _run(self, statement: Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Done:
        return self._connection.execute(statement, values)

    def _quick(self, statement: Executable, values: Mapping[str, Any]) -> Result:
        """Run a statement that is a module's constant, has no expanding parameters and gets all its values."""
        return prepare(statement, self._connection.dialect, tuple(values)).run(self._connection, values)

    def _quick_each(self, statement: Executable, values: Iterable[Mapping[str, Any]]) -> None:
        """`_quick` for each of some values with the same names, all at once."""
        rows = list(values)
        if rows:
            prepare(statement, self._connection.dialect, tuple(rows[0])).run_each(self._connection, rows)

    def _rows(self, statement: Executable, **values: Any) -> Sequence[AnyRow]:
        """Rows of a statement that `_quick` can run."""
        return self._quick(statement, values).rows

    def _among(self, statement: Among, keys: Iterable[Key]) -> Iterator[AnyRow]:
        """Rows of a statement made by `among`; keys begin with the municipality and the slug."""
        wanted = sorted({(key[0], key[1]) for key in keys})
        if len(wanted) == 1:
            yield from self._rows(statement.one, municipality=wanted[0][0], slug=wanted[0][1])
            return
        if wanted:
            homes, slugs = sorted({key[0] for key in wanted}), [key[1] for key in wanted]
            yield from self._rows(statement.many, municipalities=homes, slugs=slugs)

    def _upsert(self, into: Table, values: Mapping[str, Any]) -> None:
        """Insert a row, or replace the one with the same primary key."""
        self._quick(_upsert(self._connection.dialect.name, into), values)

    def _raw(self, statement: Executable, **values: Any) -> Sequence[tuple[Any, ...]]:
        """Rows of a statement that `_quick` can run, as the driver gives them: for what is read by the hundred."""
        return prepare(statement, self._connection.dialect, tuple(values)).fetch_raw(self._connection, values)

    def _raw_each(self, statement: Executable, names: tuple[str, ...], rows: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of some rows at once; their values are in the order of the names, and as the driver
        takes them."""
        if rows:
            prepare(statement, self._connection.dialect, names).run_raw(self._connection, rows)

    def _upsert_raw(self, into: Table, rows: Sequence[Sequence[Any]]) -> None:
        """`_upsert` for each of some rows at once, with the values of all columns as the driver takes them."""
        self._raw_each(_upsert(self._connection.dialect.name, into), _names(into), rows)

    def _insert_new(self, into: Table, values: Mapping[str, Any]) -> bool:
        """Insert a row; False when one with the same unique key is there already."""
        return bool(self._quick(_insert_new(self._connection.dialect.name, into), values).rows)

    def _insert_once(self, into: Table, values: Mapping[str, Any], what: str) -> None:
        """Insert a row. ConflictError when it is there already."""
        if not self._insert_new(into, values):
            raise ConflictError(f"{what} is kept already")

    def _municipality(self, slug: str) -> int:
        """The key of a municipality. UnknownError when it does not exist."""
        known = self._known.municipality_ids
        if slug not in known:
            for (id_,) in self._rows(_MUNICIPALITY, municipality=slug):
                known[slug] = id_
        try:
            return known[slug]
        except KeyError:
            raise UnknownError(f"municipality: {slug} does not exist") from None

    def _zones(self, keys: Sequence[ZoneKey]) -> list[int]:
        """Keys of zones. UnknownError for one that does not exist."""
        known = self._known.zone_ids
        if not known.keys() >= set(keys):
            known |= {ZoneKey(m, z): id_ for m, z, id_ in self._among(_ZONES, keys)}
        return [_found(known, key, "zone") for key in keys]

    def _controller(self, key: ControllerKey) -> int:
        """The key of a controller. UnknownError when it does not exist."""
        return _found(self._controllers_known([key]), key, "controller")

    def _controllers(self, keys: Collection[ControllerKey]) -> list[int]:
        """Keys of controllers. UnknownError for one that does not exist."""
        known = self._controllers_known(keys)
        return [_found(known, key, "controller") for key in keys]

    def _controllers_known(self, keys: Collection[ControllerKey]) -> Mapping[ControllerKey, int]:
        """Keys of controllers, of those at least that exist among the given ones."""
        known = self._known.controller_ids
        missing = [key for key in keys if key not in known]
        if missing:
            known |= {ControllerKey(m, c): id_ for m, c, id_ in self._among(_CONTROLLERS, missing)}
        return known

    def _outputs(self, keys: Iterable[OutputKey]) -> list[OutputId]:
        """Keys of outputs and of their zones. UnknownError for one that does not exist."""
        keys = list(keys)
        known = self._outputs_known(keys)
        return [_found(known, key, "output") for key in keys]

    def _outputs_known(self, keys: Collection[OutputKey]) -> Mapping[OutputKey, OutputId]:
        """Keys of outputs, of those at least that exist among the given ones."""
        known = self._known.output_ids
        missing = [key for key in keys if key not in known]
        if missing:
            known |= {
                OutputKey(m, c, n): OutputId(id_, zone_id) for m, c, n, id_, zone_id in self._among(_OUTPUTS, missing)
            }
        return known

    def _meters_known(self, keys: Collection[MeterKey]) -> Mapping[MeterKey, int]:
        """Keys of meters, of those at least that exist among the given ones."""
        known = self._known.meter_ids
        missing = [key for key in keys if key not in known]
        if missing:
            known |= {MeterKey(m, c, n): id_ for m, c, n, id_ in self._among(_METERS, missing)}
        return known

    def _meters(self, keys: Collection[MeterKey]) -> list[int]:
        """Keys of meters. UnknownError for one that does not exist."""
        known = self._meters_known(keys)
        return [_found(known, key, "meter") for key in keys]

    def _zone_slugs(self, municipality: str) -> dict[int, str]:
        """The slugs of a municipality's zones by key; nothing for an unknown one."""
        known = self._known.zones_of
        if municipality not in known:
            rows = self._rows(_ZONES_OF, municipality=municipality)
            if not rows:
                return {}
            known[municipality] = dict(rows)
        return known[municipality]

    def _output_keys(self, municipality: str) -> dict[int, OutputKey]:
        """A municipality's outputs by key; nothing for an unknown one."""
        known = self._known.outputs_of
        if municipality not in known:
            rows = self._rows(_OUTPUTS_OF, municipality=municipality)
            if not rows:
                return {}
            known[municipality] = {id_: OutputKey(municipality, slug, n) for id_, slug, n in rows}
        return known[municipality]

    def _forget_inventory(self) -> None:
        """Remember nothing that other transactions know, nor tell them of what this one finds, to its end."""
        self._remembered = Known()


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
def _names(of: Table) -> tuple[str, ...]:
    return tuple(of.c.keys())


@cache
def _insert_new(dialect: str, into: Table) -> Executable:
    return _insert(dialect, into).on_conflict_do_nothing().returning(*into.primary_key.columns)
