"""Rows as they were meant: each record of a table becomes a row, or everything that is wrong with it."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from math import cos, hypot, radians
from typing import Any

from service.domain.inventory import Inventory
from service.domain.sun import Place
from service.domain.words import RingSign
from service.errors import InvalidError
from service.usecases import rows_cells as cells
from service.usecases.rows import NEEDED, ColumnMap, Record, Table, places, shown

FARTHEST_KM = 50
"""A lamp farther from its municipality's position is taken for a mistake."""

_KM_PER_DEGREE = 111.2

OF_CONTROLLER = ("controller_name", "kind", "feeder")
OF_OUTPUT = ("zone", "min", "max", "step", "button", "meter")


@dataclass(frozen=True, slots=True)
class Row:
    """One lamp as a file has it. What a cell leaves empty is None, or is not in `shared`.

    `at` names the file and the line in it; `given` are the columns that the file has; `shared` holds what its
    controller and its output have in common with other rows. `lamp_text` and `controller_text` are the ids as the file
    writes them.
    """

    file: str
    at: str
    given: frozenset[str]
    lamp: str
    lamp_text: str
    controller: str
    controller_text: str
    output: int | None
    watts: float
    lat: float
    lon: float
    pole: str | None
    safety: bool | None
    ring: RingSign | None
    shared: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """A row that cannot be imported, and why; `lamp` is its id, as far as one can tell."""

    at: str
    faults: tuple[str, ...]
    lamp: str | None = None

    @property
    def lines(self) -> list[str]:
        """What to tell of it, one line for each fault."""
        return [f"{self.at}: {fault}" for fault in self.faults]


class Reader:
    """Reads the records of tables for one municipality."""

    def __init__(self, there: Inventory, by: ColumnMap) -> None:
        """Know what is there: rows may name zones by id or by name, and no lamp that stays where it is stands wrong."""
        self._home, self._by = there.municipality, by
        self._zones = {zone.key.zone: zone.name for zone in there.zones}
        self._standing = {(lamp.id, lamp.lat, lamp.lon) for lamp in there.lamps}
        names = [name.casefold() for name in self._zones.values()]
        self._by_name = {
            name.casefold(): zone for zone, name in self._zones.items() if names.count(name.casefold()) == 1
        }
        self._readers: dict[str, Callable[[str], Any]] = {
            "lamp": cells.slug,
            "controller": cells.slug,
            "controller_name": cells.name,
            "kind": cells.kind,
            "output": cells.whole(1, 8),
            "zone": self._zone,
            "watts": cells.watts,
            "lat": cells.degrees(90),
            "lon": cells.degrees(180),
            "pole": cells.name,
            "safety": cells.flag,
            "ring": cells.ring,
            "min": cells.whole(0, 100, ("%",)),
            "max": cells.whole(1, 100, ("%",)),
            "step": cells.whole(1, 100, ("%",)),
            "button": cells.flag,
            "meter": cells.whole(1, 8),
            "feeder": cells.feeder,
        }

    def read(self, file: str, table: Table) -> list[Row | Bad]:
        """The rows of a file, good and bad. InvalidError where columns are missing."""
        try:
            at = places(table, self._by)
        except InvalidError as error:
            raise InvalidError("\n".join(f"{file}: {line}" for line in error.detail.splitlines())) from error
        given = frozenset(at) | frozenset(self._by.constants)
        return [self._row(file, record, at, given) for record in table.records]

    def _row(self, file: str, record: Record, at: Mapping[str, int], given: Collection[str]) -> Row | Bad:
        where = f"{file}: {record.where}"
        texts, faults = self._texts(record, at)
        values: dict[str, Any] = {}
        for name, text in texts.items():
            try:
                values[name] = self._readers[name](text)
            except ValueError as error:
                faults.append(f"{name}: {error}")
        if record.fault:
            return Bad(where, (record.fault,), values.get("lamp"))
        named = {fault.partition(":")[0] for fault in faults}
        faults += [f"{name}: it is empty" for name in NEEDED if name not in values and name not in named]
        position = values.get("lat"), values.get("lon")
        if None not in position and (values.get("lamp"), *position) not in self._standing:
            faults += self._far(values["lat"], values["lon"])
        if faults:
            return Bad(where, tuple(faults), values.get("lamp"))
        return Row(
            file,
            where,
            frozenset(given),
            values["lamp"],
            texts["lamp"],
            values["controller"],
            texts["controller"],
            values.get("output"),
            values["watts"],
            values["lat"],
            values["lon"],
            values.get("pole"),
            values.get("safety"),
            values.get("ring"),
            {name: values[name] for name in (*OF_CONTROLLER, *OF_OUTPUT) if name in values},
        )

    def _texts(self, record: Record, at: Mapping[str, int]) -> tuple[dict[str, str], list[str]]:
        """What stands in the cells that are not empty, or is meant by them; and which hold nothing readable."""
        found = dict(self._by.constants)
        faults = []
        for name, n in at.items() if record.cells else ():
            cell = record.cells[n]
            if cell is None:
                faults.append(f"{name}: there is a list or an object; write a text or a number")
                continue
            found[name] = self._by.values.get(name, {}).get(cell, cell).strip()
        return {name: text for name, text in found.items() if text}, faults

    def _zone(self, text: str) -> str:
        zone = text if text in self._zones else self._by_name.get(text.casefold())
        if zone is not None:
            return zone
        known = ", ".join(f"{zone} ({name})" for zone, name in list(self._zones.items())[:10])
        more = f" and {len(self._zones) - 10} more" if len(self._zones) > 10 else ""
        raise ValueError(
            f"{self._home.name} has no zone {shown(text)}, it has {known}{more}. Write one of them, or say which is "
            "meant under [values.zone] of a mapping; a new zone comes with its rules from the municipality's TOML file"
        )

    def _far(self, lat: float, lon: float) -> list[str]:
        away = _km(self._home.place, lat, lon)
        if away <= FARTHEST_KM:
            return []
        swapped = abs(lon) <= 90 and _km(self._home.place, lon, lat) <= FARTHEST_KM
        hint = "lat and lon are swapped" if swapped else "is it a mistake?"
        return [f"lat, lon: {lat}, {lon} is {away:.0f} km from {self._home.name}, more than {FARTHEST_KM}: {hint}"]


def _km(place: Place, lat: float, lon: float) -> float:
    """About how far a position is away, as if the earth were flat around the place (fine within some 100 km)."""
    east = (lon - place.lon + 180) % 360 - 180
    return _KM_PER_DEGREE * hypot(lat - place.lat, east * cos(radians(place.lat)))
