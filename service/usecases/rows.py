"""Rows: an inventory as a table with one row for each lamp, as offices keep it (docs/inventory.md has the columns)."""

import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from service.errors import InvalidError

FIELDS = (
    *("lamp", "controller", "controller_name", "kind", "output", "zone", "watts", "lat", "lon", "pole", "safety"),
    *("ring", "min", "max", "step", "button", "meter", "feeder"),
)
"""Our columns, in the order in which an export writes them."""

NEEDED = ("lamp", "controller", "zone", "watts", "lat", "lon")
MOST_BYTES = 50_000_000
MOST_ROWS = 100_000

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it stands in its file: `where` names its line or feature.

    A cell is None where there is no plain text or number. `fault` says what is wrong with the row as a whole; without
    cells nobody knows which lamp it is.
    """

    where: str
    cells: Sequence[str | None]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows; cells stand in the order of `columns`. `notes` say how the file was read."""

    columns: tuple[str, ...]
    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnMap:
    """How an office's columns become ours.

    `columns`: our column -> its name in the file (empty: it has none). `constants`: our column -> what it is in all
    rows. `values`: our column -> what stands in a cell -> what is meant.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """How the columns that we look for may be called, in small letters."""
        return {name.casefold() for name in (*FIELDS, *self.columns.values()) if name}


AS_NAMED = ColumnMap()
"""The file's columns are called as ours."""


def shown(text: str) -> str:
    """A text from a file as it may stand in a message: short, on one line, in quotes."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def column_map(pairs: Iterable[str], constants: Iterable[str], document: str | None) -> ColumnMap:
    """The column map of a mapping file (TOML), and of FIELD=COLUMN and FIELD=TEXT pairs, which win over it."""
    try:
        parsed = {} if document is None else tomllib.loads(document)
    except tomllib.TOMLDecodeError as error:
        raise InvalidError(f"mapping: not a TOML file: {error}") from error
    held = {"set": parsed.pop("set", {}), "values": parsed.pop("values", {})}
    _texts("mapping", parsed)
    _texts("mapping: [set]", held["set"])
    if not isinstance(held["values"], dict):
        raise InvalidError("mapping: values: write a table [values.zone] for each of our columns that needs one")
    _known("mapping: values", held["values"])
    for name, meant in held["values"].items():
        _texts(f"mapping: [values.{name}]", meant, columns=False)
    return ColumnMap(parsed | _pairs("--map", pairs), held["set"] | _pairs("--set", constants), held["values"])


def _texts(where: str, table: object, *, columns: bool = True) -> None:
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise InvalidError(f'{where}: write lines like lamp = "Leuchten-Nr", with the text in quotes')
    if columns:
        _known(where, table)


def _known(where: str, names: Collection[str]) -> None:
    for name in names:
        if name not in FIELDS:
            raise InvalidError(f"{where}: {shown(name)} is none of our columns; they are {', '.join(FIELDS)}")


def _pairs(option: str, pairs: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            example = 'lamp="Leuchten-Nr"' if option == "--map" else "zone=dorf"
            raise InvalidError(f"{option} {shown(pair)}: write {option} {example}")
        _known(option, [name.strip()])
        found[name.strip()] = text.strip()
    return found


def places(table: Table, by: ColumnMap) -> dict[str, int]:
    """Where each of our columns stands in the table, as far as it is there. InvalidError names what is missing."""
    there: dict[str, list[int]] = {}
    for n, name in enumerate(table.columns):
        there.setdefault(name.strip().casefold(), []).append(n)
    found: dict[str, int] = {}
    faults = []
    for ours in FIELDS:
        wanted = by.columns.get(ours, ours).strip()
        at = there.get(wanted.casefold(), []) if wanted else []
        exact = [n for n in at if table.columns[n].strip() == wanted]
        if ours in by.constants and ours not in by.columns:
            continue
        if len(exact or at) > 1:
            faults.append(f"two columns are called {shown(wanted)}, which is to be {ours}: rename one")
        elif at:
            found[ours] = (exact or at)[0]
        elif ours in by.columns and wanted:
            faults.append(f"there is no column {shown(wanted)}, which is to be {ours}")
    missing = [ours for ours in NEEDED if ours not in found and ours not in by.constants]
    if missing and not faults:
        faults.append(
            f"columns are missing: {', '.join(missing)}. Say which they are, as in --map {missing[0]}=COLUMN; "
            f"or give all rows the same, as in --set {missing[0]}=TEXT"
        )
    if faults:
        columns = ", ".join(shown(name) for name in table.columns if name.strip()) or "no columns"
        raise InvalidError("\n".join([*faults, f"the first line, or the properties, have: {columns}"]))
    return found
