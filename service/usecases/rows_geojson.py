"""GeoJSON (RFC 7946) with one feature for each lamp, read as a table of rows, and written so that it reads back."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from service.errors import InvalidError
from service.usecases.rows import FIELDS, MOST_ROWS, Record, Table, shown
from service.usecases.rows_csv import Value

_WGS84 = ("CRS84", "EPSG::4326", "EPSG:4326")
_POSITION = ("lat", "lon")


def read_geojson(data: bytes) -> Table:
    """The table in a GeoJSON file: properties as columns, and the position as lat and lon. InvalidError if it is
    none."""
    document = _document(data)
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        raise InvalidError('it is no GeoJSON of lamps: it must be an object of type "FeatureCollection"')
    crs = document.get("crs")
    if crs is not None and not any(name in json.dumps(crs) for name in _WGS84):
        raise InvalidError("crs: positions must be WGS84: export them as EPSG:4326")
    features = document.get("features")
    if not isinstance(features, list) or not features:
        raise InvalidError("features: there is none; write one for each lamp")
    if len(features) > MOST_ROWS:
        raise InvalidError(f"features: more than {MOST_ROWS}: divide the file")
    columns: dict[str, None] = {}
    for feature in features:
        columns |= dict.fromkeys(_properties(feature))
    names = [name for name in columns if name.strip().casefold() not in _POSITION]
    records = tuple(_record(n, feature, names) for n, feature in enumerate(features))
    return Table((*names, *_POSITION), records)


def _document(data: bytes) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"), parse_constant=_no_number, object_pairs_hook=_object)
    except RecursionError as error:
        raise InvalidError("it is no GeoJSON: it is nested too deeply") from error
    except ValueError as error:
        raise InvalidError(f"it is no GeoJSON: {error}") from error


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number in JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        raise ValueError(f"one object has {shown(twice)} twice")
    return made


def _properties(feature: object) -> dict[str, Any]:
    properties = feature.get("properties") if isinstance(feature, dict) else None
    return properties if isinstance(properties, dict) else {}


def _record(n: int, feature: object, names: Sequence[str]) -> Record:
    where = f"features[{n}]"
    if not isinstance(feature, dict):
        return Record(where, (), "it is no feature")
    if isinstance(name := feature.get("id"), str | int):
        where += f" (id {shown(str(name))})"
    properties = _properties(feature)
    cells = [_text(properties.get(column)) for column in names]
    position = _position(feature.get("geometry"))
    if position is None:
        return Record(where, (*cells, "0", "0"), "geometry: it is no Point with longitude and latitude")
    return Record(where, (*cells, *position))


def _text(value: object) -> str | None:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, float) and math.isfinite(value) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, int | float) else None


def _position(geometry: object) -> tuple[str, str] | None:
    """Latitude and longitude of a Point, or of a MultiPoint that is one point."""
    if not isinstance(geometry, dict):
        return None
    at = geometry.get("coordinates")
    if geometry.get("type") == "MultiPoint" and isinstance(at, list) and len(at) == 1:
        at = at[0]
    elif geometry.get("type") != "Point":
        return None
    if not isinstance(at, list) or not 2 <= len(at) <= 4:
        return None
    if any(isinstance(part, bool) or not isinstance(part, int | float) for part in at[:2]):
        return None
    return str(at[1]), str(at[0])


def write_geojson(rows: Iterable[Sequence[Value]]) -> str:
    """The GeoJSON of rows in the order of our columns, one feature a line."""
    features = ",\n".join(json.dumps(_feature(row), ensure_ascii=False) for row in rows)
    return f'{{"type": "FeatureCollection", "features": [\n{features}\n]}}\n'


def _feature(row: Sequence[Value]) -> dict[str, Any]:
    properties = dict(zip(FIELDS, row, strict=True))
    lat, lon = properties.pop("lat"), properties.pop("lon")
    geometry = {"type": "Point", "coordinates": [lon, lat]}
    return {"type": "Feature", "id": properties["lamp"], "geometry": geometry, "properties": properties}
