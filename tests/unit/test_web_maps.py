"""The small map: true to scale, north up, names where nothing else stands."""

import math

from service.web.maps import WIDTH, Drawing, draw
from service.web.places import MunicipalityPage, ZonePage

LONG = ZonePage("long", "Lange Straße", tuple((54.0 + step * 0.0001, 10.0 + step * 0.0006) for step in range(20)))
SIDE = ZonePage("side", "Seitenweg", tuple((54.001 - step * 0.0004, 10.006) for step in range(1, 9)))


def drawn(*zones: ZonePage) -> Drawing:
    drawing = draw(MunicipalityPage("m", "M", "de", zones))
    assert drawing is not None
    return drawing


def test_without_lamps_there_is_no_map() -> None:
    assert draw(MunicipalityPage("m", "M", "de", (ZonePage("z", "Z", ()),))) is None


def test_every_lamp_lies_on_the_map() -> None:
    drawing = drawn(LONG, SIDE)
    lamps = [lamp for zone in drawing.zones for lamp in zone.lamps]
    assert len(lamps) == 28
    assert all(0 < x < WIDTH and 0 < y < drawing.height for x, y in lamps)


def test_north_is_up_and_east_is_right() -> None:
    (zone,) = drawn(LONG).zones
    (x0, y0), (x1, y1) = zone.lamps[0], zone.lamps[-1]
    assert x1 > x0
    assert y1 < y0


def test_a_metre_is_as_long_northwards_as_eastwards() -> None:
    shrink = math.cos(math.radians(54))
    square = ((54.0, 10.0), (54.001, 10.0), (54.0, 10.0 + 0.001 / shrink))
    (zone,) = drawn(ZonePage("z", "Z", square)).zones
    origin, north, east = zone.lamps
    assert math.isclose(math.dist(origin, north), math.dist(origin, east), rel_tol=0.01)


def test_one_lamp_stands_in_the_middle() -> None:
    drawing = drawn(ZonePage("z", "Z", ((54.0, 10.0),)))
    assert drawing.zones[0].lamps == ((WIDTH / 2, drawing.height / 2),)
    assert drawing.zones[0].road == ""


def test_a_road_joins_neighbours_and_leaps_over_no_gap() -> None:
    gap = ZonePage("z", "Z", tuple((54.0, 10.0 + lon) for lon in (0, 0.001, 0.002, 0.012, 0.013, 0.014)))
    assert drawn(gap).zones[0].road.count("M") == 4
    assert drawn(LONG).zones[0].road.count("M") == 19


def test_names_lie_on_the_map_and_over_no_lamp() -> None:
    drawing = drawn(LONG, SIDE)
    lamps = [lamp for zone in drawing.zones for lamp in zone.lamps]
    for zone in drawing.zones:
        assert zone.label is not None
        label = zone.label
        assert 0 < label.x < WIDTH
        assert 0 < label.y < drawing.height
        assert min(math.dist((label.x, label.y), lamp) for lamp in lamps) > 8


def test_a_name_stands_by_its_own_road_and_not_at_the_end_of_another() -> None:
    across = ZonePage("across", "Am See", tuple((54.002 + step * 0.0003, 10.0057) for step in range(12)))
    drawing = drawn(LONG, across)
    name = drawing.zones[0].label
    assert name is not None
    gaps = [min(math.dist((name.x, name.y), lamp) for lamp in zone.lamps) for zone in drawing.zones]
    assert gaps[0] < gaps[1]


def test_the_only_zone_needs_no_name_on_the_map() -> None:
    assert drawn(LONG).zones[0].label is None
