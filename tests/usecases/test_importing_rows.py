"""Lamps from CSV and GeoJSON into a store: shown before, all or nothing, and the same again."""

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from service.domain.inventory import ControllerKey, FixedPrice, Inventory, SupplyPoint
from service.errors import ConflictError, InvalidError, UnknownError
from service.store import SqlStore
from service.usecases.enroll import Enrolled, enroll_files
from service.usecases.importing import read_inventory
from service.usecases.inventory_bring import Asked
from service.usecases.inventory_changes import Change, Tally
from service.usecases.inventory_files import read_files
from service.usecases.inventory_rows import rows_of
from service.usecases.look import municipality_of
from service.usecases.policies import inventory_of
from service.usecases.rows_csv import write_csv
from service.usecases.rows_geojson import write_geojson
from service.wire.access import RulesFileAccess, replace_file
from tests.unit.villages import utc
from tests.usecases.acting import Village

ROOT = Path(__file__).parents[2]
LECK = (ROOT / "tests/fixtures/leck.toml").read_text("utf-8")
BARE = LECK[: LECK.index("[[controller]]")]
NOW = utc("2026-11-22T00:12:00")
HEAD = "lamp;controller;output;zone;watts;lat;lon;safety;kind"
GLASAU = Asked("glasau")


class Office:
    """Somebody who has files, and a store."""

    def __init__(self, store: SqlStore, folder: Path) -> None:
        self.store, self.folder = store, folder

    def file(self, name: str, text: str) -> Path:
        """A file of that name."""
        path = self.folder / name
        path.write_text(text, "utf-8")
        return path

    async def bring(self, *paths: Path, asked: Asked = GLASAU, credentials: Path | None = None) -> Enrolled:
        """Import files."""
        access = RulesFileAccess(self.folder / "access.json")
        files = read_files(paths, asked.by, asked.encoding)
        return await enroll_files(self.store, access, files, asked, credentials, replace_file, NOW)

    async def rows(self, *rows: str, asked: Asked = GLASAU, head: str = HEAD) -> Enrolled:
        """Import a CSV file with these rows."""
        return await self.bring(self.file("rows.csv", "\n".join((head, *rows))), asked=asked)

    async def inventory(self, municipality: str = "glasau") -> Inventory:
        """What stands there."""

        return await self.store.read(lambda tx: inventory_of(tx, municipality_of(tx, municipality)))


@pytest.fixture
def office(store: SqlStore, tmp_path: Path) -> Office:
    return Office(store, tmp_path)


def row(n: int, watts: str = "30", controller: str = "", zone: str = "dorfstrasse", safety: str = "") -> str:
    """A lamp in Glasau: the first 31 stand in dorfstrasse."""
    return f"m{n:02}-01;{controller or f'lamp-{n:02}'};1;{zone};{watts};54.0;10.5;{safety};luminaire"


def tally(done: Enrolled, kind: str) -> Tally:
    """What became of all things of a kind."""
    return next(tally for changes in done.brought.changes for tally in changes.tallies if tally.kind == kind)


def counts(done: Enrolled, kind: str) -> tuple[int, int, int, int]:
    """How many were added, changed, removed and left."""
    found = tally(done, kind)
    return len(found.added), found.changed, len(found.removed), found.unchanged


async def test_it_tells_what_is_added_and_changed_from_what_to_what(office: Office) -> None:
    done = await office.rows(row(1, "18,5"), row(2), row(99, controller="new"))
    assert counts(done, "lamp") == (1, 2, 0, 83)
    assert tally(done, "lamp").added == ("m99-01",)
    assert Change("m01-01", "watts", "30.0", "18.5") in tally(done, "lamp").changes
    assert tally(done, "controller").added == ("new",)
    again = await office.rows(row(1, "18,5"), row(2), row(99, controller="new"))
    for kind in ("municipality", "zone", "controller", "output", "lamp"):
        added, changed, removed, _ = counts(again, kind)
        assert (added, changed, removed) == (0, 0, 0)


async def test_a_dry_run_tells_the_same_and_writes_nothing(office: Office) -> None:
    database = office.folder / "store.db"
    before, held = await office.inventory(), database.read_bytes()
    rows = (row(1, "18.5"), row(99), row(40, zone="kirchweg"), row(80, zone="am-see"))
    dry = await office.rows(*rows, asked=replace(GLASAU, dry_run=True, remove_missing=True))
    assert counts(dry, "lamp") == (1, 3, 82, 0)
    assert database.read_bytes() == held
    assert await office.inventory() == before
    wet = await office.rows(*rows, asked=replace(GLASAU, remove_missing=True))
    assert wet.brought == dry.brought


async def test_a_dry_run_shows_bad_rows_and_what_the_good_ones_would_do(office: Office) -> None:
    dry = await office.rows(row(1, "x"), row(2, "20"), asked=replace(GLASAU, dry_run=True))
    assert [bad.at for bad in dry.brought.bad] == ["rows.csv: line 2"]
    assert counts(dry, "lamp") == (0, 1, 0, 84)


async def test_nothing_is_imported_unless_all_is_right_or_bad_rows_may_be_left_out(office: Office) -> None:
    before = await office.inventory()
    with pytest.raises(InvalidError) as refused:
        await office.rows(row(1, "x"), row(2, "20"), row(3, zone="nowhere"))
    lines = refused.value.detail.splitlines()
    assert [line[:17] for line in lines[:2]] == ["rows.csv: line 2:", "rows.csv: line 4:"]
    assert lines[2] == "2 rows are bad, so nothing was imported; --skip-bad leaves them out."
    assert await office.inventory() == before
    done = await office.rows(row(1, "x"), row(2, "20"), asked=replace(GLASAU, skip_bad=True))
    assert (len(done.brought.bad), counts(done, "lamp")) == (1, (0, 1, 0, 84))
    assert (await office.inventory()).lamps[0] == before.lamps[0]


async def test_nothing_is_removed_while_nobody_knows_which_lamp_a_bad_row_is(office: Office) -> None:
    asked = replace(GLASAU, remove_missing=True, skip_bad=True)
    with pytest.raises(InvalidError, match="--remove-missing: which lamps the bad rows are"):
        await office.rows(row(1), ";lamp-02;1", asked=asked)
    assert len((await office.inventory()).lamps) == 85


async def test_what_has_records_stays(village: Village, office: Office) -> None:
    await village.say(village.report("cabinet-1", {1: 0}, wh=1000))
    text = f"{HEAD}\nl-01;other;1;dorf;25;54.7;9.05;;luminaire"
    for dry_run in (True, False):
        asked = Asked("luetjenholm", remove_missing=True, dry_run=dry_run)
        with pytest.raises(ConflictError, match=r"luetjenholm: .*controller cabinet-1.*: cannot be removed"):
            await office.bring(office.file("l.csv", text), asked=asked)
    assert len((await office.inventory("luetjenholm")).lamps) == 32


async def test_one_safety_lamp_makes_a_safety_output_and_its_cost_is_told(office: Office) -> None:
    done = await office.rows(row(1, safety="ja"), row(2))
    (safe,) = done.brought.changes[0].safety
    assert (safe.output.controller, safe.safety_lamps, safe.lamps) == ("lamp-01", 1, 1)
    # 6 dark hours and one at half light are lit instead, every night, and 5:00 to sunrise in winter
    assert 30 * 6 * 365 / 1000 < safe.kwh < 30 * 8 * 365 / 1000
    assert Change("lamp-01/1", "safety", "no", "yes") in tally(done, "output").changes
    assert (await office.rows(row(1, safety="ja"))).brought.changes[0].safety == ()


@pytest.mark.parametrize("kind", ["csv", "geojson"])
@pytest.mark.parametrize("name", ["luetjenholm", "glasau", "leck"])
async def test_an_export_changes_nothing(office: Office, name: str, kind: str) -> None:
    before = await office.inventory(name)
    rows = rows_of(before)
    text = write_geojson(rows) if kind == "geojson" else write_csv(rows, decimal_comma=False)
    path = office.file(f"{name}.{kind}", text)
    done = await office.bring(path, asked=Asked(name, remove_missing=True))
    assert [counts(done, what)[:3] for what in ("controller", "output", "lamp")] == [(0, 0, 0)] * 3
    assert await office.inventory(name) == before


async def test_a_new_municipality_comes_with_its_lamps_in_one_import(office: Office) -> None:
    toml = office.file("neu.toml", BARE.replace('id = "leck"', 'id = "neu"'))
    lamps = [f"n{n};c{n};1;{zone};20;54.77;8.98;;" for n, zone in enumerate(("hauptstrasse", "kreuzung"))]
    with pytest.raises(InvalidError) as refused:
        await office.bring(toml)
    assert "neu: zone hauptstrasse: no output belongs to it. Bring its lamps in the same import" in refused.value.detail
    done = await office.bring(toml, office.file("neu.csv", "\n".join((HEAD, *lamps))), asked=Asked("neu"))
    assert (done.municipalities, done.lamps, done.controllers) == (1, 2, 2)
    again = await office.bring(toml)  # a file without controllers and lamps leaves those that are there
    assert counts(again, "lamp") == (0, 0, 0, 2)
    assert len((await office.inventory("neu")).lamps) == 2


async def test_several_files_are_one_list_of_lamps(office: Office) -> None:
    one, two = office.file("a.csv", f"{HEAD}\n{row(1)}"), office.file("b.csv", f"{HEAD}\n{row(2)}\n{row(1, '5')}")
    with pytest.raises(InvalidError) as refused:
        await office.bring(one, two)
    assert refused.value.detail.startswith("a.csv: line 2: lamp: 'm01-01' stands in b.csv: line 3, too\n")


async def test_controllers_of_rows_are_let_in_as_those_of_a_municipality_file(office: Office) -> None:
    credentials, path = (
        office.folder / "credentials.json",
        office.file("a.csv", f"{HEAD}\n{row(99, controller='SK 9')}"),
    )
    dry = await office.bring(path, asked=replace(GLASAU, dry_run=True), credentials=credentials)
    assert (dry.new, credentials.exists()) == (0, False)
    done = await office.bring(path, credentials=credentials)
    assert (done.new, list(json.loads(credentials.read_text("ascii")))) == (1, ["glasau/sk-9"])
    assert await RulesFileAccess(office.folder / "access.json").known() == {ControllerKey("glasau", "sk-9")}
    assert (await office.bring(path, credentials=credentials)).new == 0


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        (Asked(), InvalidError, "--municipality is missing: say whose lamps these are. There are glasau, leck,"),
        (Asked("nowhere"), UnknownError, "no municipality 'nowhere'. There are glasau, leck, luetjenholm."),
    ],
)
async def test_whose_lamps_they_are_must_be_said(
    office: Office, asked: Asked, error: type[Exception], says: str
) -> None:
    with pytest.raises(error) as refused:
        await office.rows(row(1), asked=asked)
    assert says in str(refused.value)


async def test_how_a_file_was_read_is_told(office: Office) -> None:
    done = await office.rows("GL 1/2;SK 1;1;dorfstrasse;30;54;10.5;;;x;", head=f"{HEAD};Baujahr;")
    assert done.brought.notes == (
        "rows.csv: read as UTF-8, separated by semicolons",
        "rows.csv: columns that are not used: 'Baujahr'",
        "ids are small letters, digits and hyphens: 'GL 1/2' is gl-1-2, 'SK 1' is sk-1",
    )


def test_a_file_of_another_kind_or_size_is_refused(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidError, match=r"its name must end in \.toml"):
        read_files([office.file("lamps.xlsx", "")])
    monkeypatch.setattr("service.usecases.inventory_files.MOST_BYTES", 10)
    with pytest.raises(InvalidError, match=r"lamps\.csv: it is larger than"):
        read_files([office.file("lamps.csv", "x" * 11)])
    monkeypatch.setattr("service.usecases.rows_csv.MOST_ROWS", 1)
    monkeypatch.setattr("service.usecases.inventory_files.MOST_BYTES", 10_000)
    with pytest.raises(InvalidError, match="more than 1 rows"):
        read_files([office.file("lamps.csv", f"{HEAD}\n{row(1)}\n{row(2)}")])


# tariffs and supply points in the municipality's file

TARIFFS = """
fixed_prices = [{ valid_from = 2025-01-01, per_year = "120.50", source = "bill" }]
supply_points = [{ id = "dorf", name = "Dorf", controllers = ["cabinet-1"] }, { id = "rest", name = "Rest" }]
"""


def with_tariffs(old: str = "", new: str = "") -> Inventory:
    """Leck with fixed prices and supply points."""
    assert old in TARIFFS
    return read_inventory(LECK.replace('language = "de"', f'language = "de"{TARIFFS.replace(old, new)}', 1))


def test_fixed_prices_and_supply_points_can_stand_in_the_file() -> None:
    home = with_tariffs().municipality
    assert home.fixed_prices == (FixedPrice(date(2025, 1, 1), Decimal("120.50"), "bill"),)
    assert home.supply_points == (SupplyPoint("dorf", "Dorf", ("cabinet-1",)), SupplyPoint("rest", "Rest"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"cabinet-1"', '"cabinet-9"', "municipality.supply_points: dorf: no controller 'cabinet-9'"),
        ('"cabinet-1"', '"cabinet-1", "cabinet-1"', "dorf: controller 'cabinet-1' stands there 2 times"),
        ('id = "rest"', 'id = "dorf"', "municipality.supply_points: id 'dorf' stands there 2 times"),
        ('id = "rest"', 'id = "Rest 1"', "municipality.supply_points.1.id"),
        ('"120.50"', '"-1"', "municipality.fixed_prices.0.per_year"),
        ('"120.50"', '"NaN"', "municipality.fixed_prices.0.per_year"),
        ('"bill" }', '"bill" }, { valid_from = 2025-01-01, per_year = 1, source = "x" }', "2025-01-01 stands there 2"),
    ],
)  # fmt: skip
def test_a_tariff_or_supply_point_that_is_wrong_is_named(old: str, new: str, says: str) -> None:
    with pytest.raises(InvalidError) as refused:
        with_tariffs(old, new)
    assert says in refused.value.detail
