"""Rows of lamps: what an export writes reads back the same, and what an office writes is understood or named."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from service.domain.inventory import Inventory
from service.errors import ConflictError, InvalidError
from service.usecases.importing import read_inventory
from service.usecases.inventory_rows import rows_of
from service.usecases.rows import AS_NAMED, ColumnMap, column_map
from service.usecases.rows_csv import read_csv, write_csv
from service.usecases.rows_geojson import read_geojson, write_geojson
from service.usecases.rows_merge import Merged, merge
from service.usecases.rows_read import Reader
from tests.unit.rows_villages import HOME, ZONES, inventories, settled
from tests.unit.villages import leck

ROOT = Path(__file__).parents[2]
HEAD = "lamp,controller,output,zone,watts,lat,lon"
NONE = Inventory(HOME, ZONES, (), ())
FEEDERS = """
[[controller]]
id = "inn"
kind = "luminaire"
name = "=Gasthof"
outputs = [{ n = 1, zone = "hauptstrasse", button = true, min = 10, max = 90 }]
feeder = { controller = "cabinet-1", output = 1 }
[[lamp]]
id = "g-1"
controller = "inn"
output = 1
watts = 20.25
lat = 54.77
lon = 8.98
pole = "-1"
"""


def merged(
    text: str | bytes, before: Inventory = NONE, by: ColumnMap = AS_NAMED, *, remove: bool = False, geo: bool = False
) -> Merged:
    """What becomes of an inventory by a file."""
    data = text if isinstance(text, bytes) else text.encode("utf-8")
    table = read_geojson(data) if geo else read_csv(data, by.names, None)
    rows = Reader(before, by).read("f", table)
    return merge(before, rows, remove_missing=remove)


def faults(text: str, before: Inventory = NONE, by: ColumnMap = AS_NAMED) -> list[str]:
    """What is wrong with the rows of a CSV file."""
    return [line for row in merged(text, before, by).bad for line in row.lines]


def row(lamp: str, controller: str = "c", output: str = "1", zone: str = "kreuzung", watts: str = "20") -> str:
    """A line of a CSV file with the columns of HEAD, in Leck."""
    return f"{lamp},{controller},{output},{zone},{watts},54.77,8.98"


def csv(*rows: str, head: str = HEAD) -> str:
    """A CSV file of rows."""
    return "\n".join((head, *rows))


def both_ways(inventory: Inventory) -> None:
    """What is written reads back the same, into a village without lamps and over itself."""
    bare = replace(inventory, controllers=(), lamps=())
    for before in (bare, inventory):
        for text, geo in (
            (write_csv(rows_of(inventory), decimal_comma=False), False),
            (write_csv(rows_of(inventory), decimal_comma=True), False),
            (write_geojson(rows_of(inventory)), True),
        ):
            found = merged(text, before, remove=True, geo=geo)
            assert found.bad == ()
            assert found.inventory == inventory


# there and back


@pytest.mark.parametrize("name", ["villages/luetjenholm", "villages/glasau", "tests/fixtures/leck"])
def test_every_village_reads_back_as_it_was_written(name: str) -> None:
    both_ways(settled(read_inventory((ROOT / f"{name}.toml").read_text("utf-8"))))


def test_feeders_buttons_and_dimmers_read_back_too() -> None:
    text = (ROOT / "tests/fixtures/leck.toml").read_text("utf-8") + FEEDERS
    inventory = settled(read_inventory(text))
    assert inventory.controllers[1].feeder is not None
    both_ways(inventory)


@settings(max_examples=25, deadline=None)
@given(inventory=inventories())
def test_any_inventory_reads_back_as_it_was_written(inventory: Inventory) -> None:
    both_ways(inventory)


def test_an_output_without_a_lamp_cannot_be_written() -> None:
    with pytest.raises(ConflictError, match="output cabinet-1/2"):
        rows_of(replace(leck(), lamps=tuple(lamp for lamp in leck().lamps if lamp.output.n == 1)))


def test_no_spreadsheet_takes_a_text_for_a_formula() -> None:
    inventory = settled(read_inventory((ROOT / "tests/fixtures/leck.toml").read_text("utf-8") + FEEDERS))
    text = write_csv(rows_of(inventory), decimal_comma=False)
    assert ",'=Gasthof," in text
    assert ",'-1," in text


# how offices write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [";", ",", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_separator_encoding_and_line_end_is_understood(encoding: str, separator: str, end: str) -> None:
    lines = [
        ["lamp", "controller", "zone", "watts", "lat", "lon", "pole", "safety", "", ""],
        ["l1", "c", "kreuzung", '"18,5"', '"54,77"', '"8,98"', "Mühle", "x", "", ""],
        ["", "", "", "", "", "", "", "", "", ""],
    ]
    data = end.join(separator.join(line) for line in lines).encode(encoding)
    found = merged(data)
    assert found.bad == ()
    lamp = found.inventory.lamps[0]
    assert (lamp.watts, lamp.lat, lamp.lon, lamp.pole, lamp.safety) == (18.5, 54.77, 8.98, "Mühle", True)


def test_a_line_that_names_the_separator_is_believed() -> None:
    assert merged("sep=;\n" + csv(row("l1")).replace(",", ";")).bad == ()


@pytest.mark.parametrize("word", ["yes", "JA", "1", "x", "wahr"])
@pytest.mark.parametrize("other", ["no", "Nein", "0", "", "falsch"])
def test_flags_are_yes_or_no_in_every_office(word: str, other: str) -> None:
    found = merged(csv(row("l1") + f",{word}", row("l2", "d") + f",{other}", head=f"{HEAD},safety"))
    assert [lamp.safety for lamp in found.inventory.lamps] == [True, False]


def test_defaults_are_a_relay_for_several_lamps_and_a_dimmer_for_one() -> None:
    found = merged(csv(row("l1", "SK 1"), row("l2", "SK 1"), row("GL 7/1", "m"))).inventory
    luminaire, cabinet = found.controllers
    assert (cabinet.kind, cabinet.name, cabinet.outputs[0].step, cabinet.meters, cabinet.feeder) == (
        *("cabinet", "SK 1", 100),
        *((), None),
    )
    assert (luminaire.kind, luminaire.outputs[0].step, luminaire.outputs[0].min_level) == ("luminaire", 1, 0)
    assert [lamp.pole for lamp in found.lamps] == ["GL 7/1", "l1", "l2"]


def test_columns_and_cells_are_mapped() -> None:
    by = column_map(
        ["watts=Leistung [W]", "lamp=Nr"], ["controller=c"], '[values.zone]\n"Kreuz." = "kreuzung"\n[set]\nmeter = "2"'
    )
    found = merged("Nr;Leistung [W];lat;lon;zone\n7;20;54,77;8,98;Kreuz.", by=by)
    assert found.bad == ()
    assert found.inventory.controllers[0].meters[0].key.n == 2
    assert (found.inventory.lamps[0].id, found.inventory.controllers[0].outputs[0].zone) == ("7", "kreuzung")


def test_a_zone_may_be_called_by_its_name() -> None:
    assert merged(csv(row("l1", zone="HAUPTSTRASSE"), row("l2", "d", zone="Hauptstraße"))).bad == ()


def test_what_one_row_says_of_an_output_holds_for_its_others() -> None:
    found = merged(csv(row("l1") + ",10,", row("l2") + ",,2", head=f"{HEAD},min,meter")).inventory.controllers[0]
    assert (found.outputs[0].min_level, found.meters[0].outputs) == (10, (1,))


def test_a_column_that_the_file_lacks_leaves_what_is_there() -> None:
    before = settled(leck())
    rows = (row(lamp.id, "cabinet-1", "1", "hauptstrasse", "12.5") for lamp in before.lamps[:2])
    found = merged(csv(*rows), before)
    cabinet, old = found.inventory.controllers[0], before.controllers[0]
    assert (cabinet.meters, cabinet.name, cabinet.outputs[1]) == (old.meters, old.name, old.outputs[1])
    assert [(lamp.watts, lamp.pole, lamp.ring) for lamp in found.inventory.lamps[:2]] == [
        (12.5, lamp.pole, lamp.ring) for lamp in before.lamps[:2]
    ]


def test_nothing_goes_that_the_file_lacks_unless_it_may() -> None:
    before = settled(leck())
    text = csv(row("new", "inn", zone="hauptstrasse"))
    kept = merged(text, before).inventory
    assert [lamp.id for lamp in kept.lamps] == ["h-01", "h-02", "k-01", "new"]
    gone = merged(text, before, remove=True).inventory
    assert [one.key.controller for one in gone.controllers] == ["inn"]
    assert [lamp.id for lamp in gone.lamps] == ["new"]


def test_a_lamp_of_a_bad_row_stays_as_it_is() -> None:
    before = settled(leck())
    text = csv(row("h-01", "cabinet-1", zone="hauptstrasse"), row("k-01", "cabinet-1", "2", watts="many"))
    found = merged(text, before, remove=True)
    assert [bad.lamp for bad in found.bad] == ["k-01"]
    assert [lamp.id for lamp in found.inventory.lamps] == ["h-01", "k-01"]
    assert found.inventory.lamps[1] == before.lamps[2]


# what is wrong is named, all of it


@pytest.mark.parametrize(
    ("column", "text", "says"),
    [
        ("watts", "NaN", "is no number"), ("watts", "inf", "is no number"), ("watts", "1e999", "is no number"),
        ("watts", '"1.234,5"', "is no number"), ("watts", "0", "not above 0"), ("watts", "-5", "not above 0"),
        ("watts", "2001", "at most 2000 W"), ("watts", "", "it is empty"), ("watts", "20 lm", "is no number"),
        ("lat", "95", "not between -90 and 90"), ("lat", "5987123.11", "export the positions as WGS84"),
        ("lat", "0", "km from Leck"), ("lon", "181", "not between -180 and 180"),
        ("zone", "nowhere", "Leck has no zone 'nowhere', it has hauptstrasse (Hauptstraße), kreuzung (Kreuzung)"),
        ("output", "9", "not a whole number from 1 to 8"), ("output", "1.5", "not a whole number"),
        ("lamp", "///", "has no letter"), ("lamp", "", "it is empty"), ("lamp", "x" * 200, "are the most"),
        ("kind", "box", "neither luminaire nor cabinet"), ("safety", "maybe", "neither yes nor no"),
        ("ring", "red", "none of yes, no and unknown"), ("min", "101", "from 0 to 100"), ("max", "0", "from 1 to 100"),
        ("step", "0", "from 1 to 100"), ("meter", "0", "from 1 to 8"), ("button", "2", "neither yes nor no"),
        ("feeder", "cabinet-1", "write it as controller/output"), ("feeder", "c/1", "it is its own"),
        ("feeder", "d/1", "no output 1 at controller 'd'"), ("pole", "a\u0000b", "invisible characters"),
        ("pole", '"a\nb"', "line breaks"), ("controller_name", "n" * 121, "120 are the most"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_cell_is_named_with_its_line(column: str, text: str, says: str) -> None:
    cells = dict(zip(HEAD.split(","), row("l1").split(","), strict=True)) | {column: text}
    found = faults(csv("", ",".join(cells.values()), head=",".join(cells)))
    assert len(found) == 1
    assert found[0].startswith("f: line 3: lat, lon: " if "km" in says else f"f: line 3: {column}: ")
    assert says in found[0]


def test_swapped_positions_are_told_from_far_ones() -> None:
    assert "lat and lon are swapped" in faults(csv("l1,c,1,kreuzung,20,8.98,54.77"))[0]
    assert "is it a mistake?" in faults(csv("l1,c,1,kreuzung,20,48.1,11.6"))[0]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ((row("a"), row("a", "d")), ("lamp: 'a' stands in line 3, too", "lamp: 'a' stands in line 2, too")),
        (
            (row("GL 1/2"), row("GL 1-2", "d")),
            ("lamp: 'GL 1/2', and 'GL 1-2' in line 3, would both be called gl-1-2", "lamp: 'GL 1-2', and 'GL 1/2' in"),
        ),
        (
            (row("a", "SK 1"), row("b", "SK-1")),
            ("controller: 'SK 1', and 'SK-1' in line 3, would both", "controller: 'SK-1', and 'SK 1' in line 2"),
        ),
        (
            (row("a"), row("b", zone="hauptstrasse")),
            ("zone: kreuzung, but line 3 says hauptstrasse of the same output c/1", "zone: hauptstrasse, but line 2"),
        ),
    ],
)
def test_rows_that_contradict_one_another_name_both_lines(rows: tuple[str, str], says: tuple[str, str]) -> None:
    found = merged(csv(*rows, row("good", "other")))
    assert [bad.at for bad in found.bad] == ["f: line 2", "f: line 3"]
    for bad, text in zip(found.bad, says, strict=True):
        assert text in bad.lines[0]
    assert [lamp.id for lamp in found.inventory.lamps] == ["good"]


def test_two_kinds_of_one_controller_name_both_lines() -> None:
    found = faults(csv(row("a") + ",cabinet", row("b") + ",", row("d") + ",luminaire", head=f"{HEAD},kind"))
    assert found[0] == "f: line 2: kind: cabinet, but line 4 says luminaire of the same controller c"
    assert found[2] == "f: line 4: kind: luminaire, but line 2 says cabinet of the same controller c"


def test_a_row_that_hangs_on_a_bad_one_is_bad_too() -> None:
    text = csv(row("a", "cabinet", watts="x") + ",", row("b", "inn") + ",cabinet/1", head=f"{HEAD},feeder")
    assert [line.split(": ")[2] for line in faults(text)] == ["watts", "feeder"]


def test_the_last_lamp_of_an_output_does_not_leave_it_dark_behind() -> None:
    text = csv(row("k-01", "cabinet-1", "1", "hauptstrasse"))
    assert "k-01 is the last lamp of cabinet-1/2" in faults(text, settled(leck()))[0]
    assert len(merged(text, settled(leck()), remove=True).inventory.controllers[0].outputs) == 1


def test_lines_are_those_of_the_file_even_after_line_breaks_in_cells() -> None:
    text = csv('"a",c,1,kreuzung,20,54.77,8.98,"two\nlines"', row("b", watts="x") + ",", head=f"{HEAD},note")
    assert [line[:11] for line in faults(text)] == ["f: line 4: "]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a,c,1,kreuzung", "4 cells, but 7 columns: is it cut off?"),
        (row("a") + ",more", "8 cells, but 7 columns: is a separator in a text"),
        ('"a"b,c,1,kreuzung,20,54.77,8.98', "quotation marks do not fit together"),
        ("a" * 200_000 + ",c,1,kreuzung,20,54.77,8.98", "a cell is far too long"),
    ],
)
def test_a_ragged_row_is_bad_and_the_next_is_read(line: str, says: str) -> None:
    found = merged(csv(line, row("good")))
    assert says in found.bad[0].lines[0]
    assert found.bad[0].lamp is None
    assert [lamp.id for lamp in found.inventory.lamps] == ["good"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        ("\n\n", "the file is empty"),
        (HEAD, "the file has no rows"),
        ("Stand 2026\n" + HEAD, "columns are missing: lamp, controller, zone, watts, lat, lon"),
        ("Nr;Leistung\n1;2", "have: 'Nr', 'Leistung'"),
        (csv(row("a") + ",b", head=HEAD + ",lamp"), "two columns are called 'lamp'"),
        (csv('"a,c,1,kreuzung,20,54.77,8.98', row("b")), "line 2: a quotation mark is opened there and never closed"),
        (b"\x81\xff,", "say which encoding it has"),
    ],
)
def test_a_file_that_is_no_table_of_lamps_is_refused_as_a_whole(text: str | bytes, says: str) -> None:
    with pytest.raises(InvalidError) as refused:
        merged(text)
    assert says in refused.value.detail


@pytest.mark.parametrize(
    ("pairs", "document", "says"),
    [
        (["lamp"], None, "write --map lamp="),
        (["lamb=Nr"], None, "--map: 'lamb' is none of our columns; they are lamp, controller"),
        (["lamp=Nr"], None, "there is no column 'Nr', which is to be lamp"),
        ([], "lamp = 1", "with the text in quotes"),
        ([], "[values]\nzone = 1", "mapping: [values.zone]"),
        ([], "[values.zonne]", "'zonne' is none of our columns"),
        ([], "lamp =", "mapping: not a TOML file"),
    ],
)
def test_a_mapping_that_is_wrong_is_named(pairs: list[str], document: str | None, says: str) -> None:
    with pytest.raises(InvalidError) as refused:
        merged(csv(row("a")), by=column_map(pairs, [], document))
    assert says in refused.value.detail


POINT = '{"type": "Point", "coordinates": [8.98, 54.77]}'


def feature(properties: str, geometry: str = POINT, more: str = "") -> str:
    """A GeoJSON file of one lamp."""
    held = f'"lamp": "a", "controller": "c", "zone": "kreuzung", "watts": 20{properties}'
    one = f'{{"type": "Feature", "id": 7, "geometry": {geometry}, "properties": {{{held}}}}}'
    return f'{{"type": "FeatureCollection"{more}, "features": [{one}]}}'


def test_geojson_has_its_types() -> None:
    found = merged(feature(', "safety": true, "min": 10, "max": 80.0, "feeder": null, "lat": 3'), geo=True)
    assert found.bad == ()
    output, lamp = found.inventory.controllers[0].outputs[0], found.inventory.lamps[0]
    assert (output.min_level, output.max_level, output.safety, lamp.lat, lamp.lon) == (10, 80, True, 54.77, 8.98)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (feature("", "null"), "f: features[0] (id '7'): geometry: it is no Point"),
        (feature("", '{"type": "LineString", "coordinates": [[8, 54], [9, 54]]}'), "geometry: it is no Point"),
        (feature("", '{"type": "Point", "coordinates": [54.77, 8.98]}'), "lat and lon are swapped"),
        (feature("", '{"type": "Point", "coordinates": [1e999, 54.77]}'), "lon: 'inf' is no number"),
        (feature(', "pole": ["a"]'), "pole: there is a list or an object"),
        (feature(f', "output": 1{"0" * 400}'), "output: "),
        (feature("").replace('"a"', "null"), "lamp: it is empty"),
    ],
)
def test_a_feature_that_is_wrong_is_named(text: str, says: str) -> None:
    found = [line for bad in merged(text, geo=True).bad for line in bad.lines]
    assert len(found) == 1
    assert says in found[0]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "nested too deeply"),
        ("{}", "FeatureCollection"),
        ('{"type": "FeatureCollection", "features": []}', "features: there is none"),
        (feature(', "watts": 30'), "has 'watts' twice"),
        (feature(', "min": NaN'), "NaN is no number in JSON"),
        (feature("", more=', "crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}'), "export them as EPSG"),
        ("\ud800".encode("utf-8", "surrogatepass"), "it is no GeoJSON"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_geojson_of_lamps_is_refused(text: str | bytes, says: str) -> None:
    with pytest.raises(InvalidError) as refused:
        merged(text, geo=True)
    assert says in refused.value.detail
