"""The small map: lamps along their roads, north up, names beside the roads. No tiles, no outside source."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from service.web.places import MunicipalityPage, ZonePage

Point = tuple[float, float]
Box = tuple[float, float, float, float]

WIDTH = 360.0
_MARGIN = 18.0
_MIN_HEIGHT, _MAX_HEIGHT = 120.0, 240.0
_SMALLEST, _LARGEST = 1.6, 3.2
_LETTER, _LINE, _CLEAR = 7.4, 14.0, 9.0
_LABEL_TRIES = 16


@dataclass(frozen=True, slots=True)
class Label:
    """A zone's name on the map: the point of its baseline, and the SVG `text-anchor` there."""

    x: float
    y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class ZoneDrawing:
    """A zone on the map: where its lamps stand, the road between them as an SVG path, and its label."""

    id: str
    name: str
    lamps: tuple[Point, ...]
    road: str
    label: Label | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A municipality's map in SVG units, `WIDTH` wide; `radius` is that of a lamp."""

    height: float
    radius: float
    zones: tuple[ZoneDrawing, ...]


@lru_cache(maxsize=64)
def draw(page: MunicipalityPage) -> Drawing | None:
    """The map of all lamps of the page's zones, or None where there are none."""
    everywhere = [lamp for zone in page.zones for lamp in zone.lamps]
    if not everywhere:
        return None
    height, placed = _project(page.zones, everywhere)
    labels = _labels(page.zones, placed, height)
    drawn = (
        ZoneDrawing(zone.id, zone.name, lamps, _road(lamps), label)
        for zone, lamps, label in zip(page.zones, placed, labels, strict=True)
    )
    return Drawing(round(height, 1), _radius(placed), tuple(drawn))


def _project(zones: tuple[ZonePage, ...], everywhere: list[Point]) -> tuple[float, list[tuple[Point, ...]]]:
    """Degrees to SVG units, north up and true to scale; the height follows from the village's shape."""
    lats, lons = [lat for lat, _ in everywhere], [lon for _, lon in everywhere]
    shrink = math.cos(math.radians((min(lats) + max(lats)) / 2))
    wide, high = (max(lons) - min(lons)) * shrink, max(lats) - min(lats)
    room = WIDTH - 2 * _MARGIN
    scale = min(room / wide if wide else math.inf, (_MAX_HEIGHT - 2 * _MARGIN) / high if high else math.inf)
    scale = scale if math.isfinite(scale) else 0.0
    height = max(high * scale + 2 * _MARGIN, _MIN_HEIGHT)
    left, top = (WIDTH - wide * scale) / 2, (height - high * scale) / 2

    def place(lat: float, lon: float) -> Point:
        return (
            round(left + (lon - min(lons)) * shrink * scale, 1),
            round(top + (max(lats) - lat) * scale, 1),
        )

    return height, [tuple(place(lat, lon) for lat, lon in zone.lamps) for zone in zones]


def _radius(placed: list[tuple[Point, ...]]) -> float:
    """As large as lamps can be drawn without touching their neighbours, within bounds."""
    gaps = sorted(math.dist(a, b) for lamps in placed for a, b in pairwise(lamps))
    fitting = gaps[len(gaps) // 2] * 0.46 if gaps else _LARGEST
    return round(min(max(fitting, _SMALLEST), _LARGEST), 1)


def _road(lamps: tuple[Point, ...]) -> str:
    """The shortest tree that joins the lamps, without the leaps that no road makes, as an SVG path."""
    edges = list(_tree(lamps))
    if not edges:
        return ""
    lengths = sorted(math.dist(a, b) for a, b in edges)
    longest = 3 * lengths[len(lengths) // 2]
    return "".join(f"M{a[0]:g} {a[1]:g}L{b[0]:g} {b[1]:g}" for a, b in edges if math.dist(a, b) <= longest)


def _tree(lamps: tuple[Point, ...]) -> Iterator[tuple[Point, Point]]:
    """The edges of the lamps' minimum spanning tree, by Prim's algorithm."""
    if not lamps:
        return
    nearest = {index: (math.dist(lamps[0], lamps[index]), 0) for index in range(1, len(lamps))}
    while nearest:
        index = min(nearest, key=lambda candidate: nearest[candidate])
        yield lamps[nearest.pop(index)[1]], lamps[index]
        for other, (distance, _) in nearest.items():
            closer = math.dist(lamps[index], lamps[other])
            if closer < distance:
                nearest[other] = (closer, index)


def _labels(zones: tuple[ZonePage, ...], placed: list[tuple[Point, ...]], height: float) -> list[Label | None]:
    """A free spot beside its lamps for each zone's name; None where there is none. One zone needs no name."""
    if len(zones) < 2:
        return [None] * len(zones)
    lamps = [lamp for zone in placed for lamp in zone]
    taken: list[Box] = []
    labels: list[Label | None] = []
    for zone, own in zip(zones, placed, strict=True):
        others = [lamp for lamps_there in placed if lamps_there is not own for lamp in lamps_there]
        best: tuple[float, Label, Box] | None = None
        for label, box in _spots(own, len(zone.name) * _LETTER):
            if not _free(box, height, lamps, taken):
                continue
            off = _off(box, own, others)
            if best is None or off < best[0]:
                best = (off, label, box)
        labels.append(best[1] if best else None)
        if best:
            taken.append(best[2])
    return labels


def _spots(own: tuple[Point, ...], wide: float) -> Iterator[tuple[Label, Box]]:
    """Places for a label around some of the zone's lamps, each with the box it covers."""
    step = max(1, len(own) // _LABEL_TRIES)
    for x, y in own[::step]:
        for away in (16.0, 26.0):
            for row in (y, y - away, y + away):
                top, base, bottom = row - _LINE / 2, row + _LINE / 3, row + _LINE / 2
                yield Label(x + away, base, "start"), (x + away, top, x + away + wide, bottom)
                yield Label(x - away, base, "end"), (x - away - wide, top, x - away, bottom)
            for centre in (y - away, y + away):
                box = (x - wide / 2, centre - _LINE / 2, x + wide / 2, centre + _LINE / 2)
                yield Label(x, centre + _LINE / 3, "middle"), box


def _free(
    box: Box,
    height: float,
    lamps: list[Point],
    taken: list[Box],
) -> bool:
    """Whether a box (left, top, right, bottom) lies on the map and over neither lamps nor other labels."""
    left, top, right, bottom = box
    if left < 4 or right > WIDTH - 4 or top < 4 or bottom > height - 4:
        return False
    if any(left - _CLEAR < x < right + _CLEAR and top - _CLEAR < y < bottom + _CLEAR for x, y in lamps):
        return False
    return all(right < other[0] or other[2] < left or bottom + 4 < other[1] or other[3] + 4 < top for other in taken)


def _off(box: Box, own: tuple[Point, ...], others: list[Point]) -> float:
    """How badly a name stands there: its way from the road's middle, and more so beside another road's lamps."""
    left, top, right, bottom = box

    def gap(lamp: Point) -> float:
        x, y = lamp
        return math.hypot(max(left - x, 0, x - right), max(top - y, 0, y - bottom))

    middle = sum(x for x, _ in own) / len(own), sum(y for _, y in own) / len(own)
    beside = max(0.0, 2 * _LINE - min(map(gap, others), default=math.inf))
    return math.dist(((left + right) / 2, (top + bottom) / 2), middle) + 3 * beside
