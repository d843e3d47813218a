"""Import: a municipality's file becomes an inventory, or a list of all that is wrong."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from service.domain.inventory import ControllerKey
from service.errors import InvalidError
from service.store import SqlStore
from service.usecases.enroll import enroll, read_files
from service.usecases.importing import read_inventory
from service.wire.access import RulesFileAccess, replace_file
from tests.unit.villages import leck, utc

ROOT = Path(__file__).parents[2]
GOOD = (ROOT / "tests/fixtures/leck.toml").read_text("utf-8")
NOW = utc("2026-11-22T00:12:00")


@pytest.mark.parametrize(
    ("name", "zones", "controllers", "lamps"),
    [("luetjenholm", 1, 1, 32), ("glasau", 3, 85, 85)],
)
def test_the_demo_has_117_lamps(name: str, zones: int, controllers: int, lamps: int) -> None:
    inventory = read_inventory((ROOT / f"villages/{name}.toml").read_text("utf-8"))
    assert (len(inventory.zones), len(inventory.controllers), len(inventory.lamps)) == (zones, controllers, lamps)
    assert "made up" in inventory.note


def test_lecks_cabinet_is_what_it_should_be() -> None:
    inventory = read_inventory(GOOD)
    outputs = inventory.controllers[0].outputs
    assert [(o.zone, o.safety, o.lamps, o.watts, o.step) for o in outputs] == [
        ("hauptstrasse", False, 2, 80.0, 100),
        ("kreuzung", True, 1, 60.0, 100),
    ]
    assert inventory.controllers[0].meters[0].outputs == (1, 2)
    assert inventory.zones[0].lights(NOW.date()) == leck().zones[0].lights(NOW.date())


def test_a_policy_begins_with_its_night() -> None:
    dated = GOOD.replace("minutes = 10 }\nalong", "minutes = 10 }\nvalid_from = 2026-07-01\nalong")
    assert read_inventory(dated).zones[0].rulebook.first.valid_from == date(2026, 7, 1)


def test_everything_that_a_policy_may_say_can_stand_in_the_file() -> None:
    rich = (
        GOOD.replace(
            "press = { minutes = 10 }\nalong",
            """press = { minutes = 10, windows = [{ start = "22:00", end = "dawn" }], limits = { zone_minutes = 90 } }
until = 2027-03-31
quiet = [{ level = 30, start = "00:00", end = "04:00", when = { months = [5, 6, 7] } }]
resolution = { number = "2026/7", passed_on = 2026-06-01, safety_note = "walked" }
along""",
            1,
        )
        .replace(
            "[schedules]\n",
            """[schedules]
weekend = { steps = [{ at = "dusk", level = 100, fade_s = 60 }, { at = "23:00", level = 0 }], rules = [
    { when = { weekdays = ["fri", "sat"], holiday = false }, steps = [{ at = "sunset+10", level = 100 }] },
] }
""",
        )
        .replace('schedule = "dark-after-eleven"', 'schedule = "weekend"', 1)
    )
    policy = read_inventory(rich).zones[0].rulebook.first
    assert (policy.until, policy.resolution and policy.resolution.number) == (date(2027, 3, 31), "2026/7")
    assert (policy.press.limits.zone_minutes, policy.quiet[0].window.when.months) == (90, (5, 6, 7))
    assert policy.schedule.rules[0].when.weekdays == (4, 5)
    assert policy.schedule.steps[0].fade_s == 60


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lat = 54.77\n", "lat = 154.77\n", "municipality.lat"),
        ('timezone = "Europe/Berlin"', 'timezone = "Europe/Atlantis"', "municipality.timezone"),
        ('id = "leck"', 'id = "Leck#"', "municipality.id"),
        ('at = "23:00", level = 0', 'at = "25:00", level = 0', "schedules.dark-after-eleven.steps.1.at"),
        ('at = "23:00", level = 0', 'at = "23:00", level = 101', "level"),
        ("minutes = 10 }\nalong", "minutes = 0 }\nalong", "zone.0.press: Value error, minutes"),
        ('along = ["kreuzung"]', 'along = ["nowhere"]', "along: no zone 'nowhere'"),
        ('schedule = "dark-after-eleven"\npress', 'schedule = "x"\npress', "schedule 'x'"),
        ('language = "de"', 'language = "de"\nregion = "DE-XX"', "municipality.region"),
        ("outputs = [1, 2]", "outputs = [1, 3]", "meter: no output 3"),
        ('zone = "kreuzung", step', 'zone = "nowhere", step', "no zone 'nowhere'"),
        ('id = "h-2"', 'id = "h-1"', "'h-1' stands there 2 times"),
        ("output = 2", "output = 5", "lamp k-1: no output 5"),
        ("watts = 60", "watts = -1", "watts"),
        ("listed = false", "listet = false", "listet"),
        ("[municipality]", "[municipality", "not a TOML file"),
    ],
)
def test_what_is_wrong_is_named(old: str, new: str, says: str) -> None:
    assert old in GOOD
    with pytest.raises(InvalidError) as refused:
        read_inventory(GOOD.replace(old, new, 1))
    assert says in refused.value.detail


def test_all_faults_are_named_at_once() -> None:
    bad = GOOD.replace('along = ["kreuzung"]', 'along = ["nowhere"]').replace("output = 2", "output = 5")
    with pytest.raises(InvalidError) as refused:
        read_inventory(bad)
    assert len(refused.value.detail.splitlines()) == 3  # the zone, the lamp, and the output without a lamp


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=r"missing\.toml"):
        read_files([tmp_path / "missing.toml"])


async def test_enrolling_twice_changes_nothing(store: SqlStore, tmp_path: Path) -> None:
    access = RulesFileAccess(tmp_path / "access.json")
    credentials = tmp_path / "credentials.json"
    first = await enroll(store, access, [leck()], credentials, replace_file, NOW)
    held: Mapping[str, str] = json.loads(credentials.read_text("ascii"))
    second = await enroll(store, access, [leck()], credentials, replace_file, NOW)
    assert (first.new, second.new) == (1, 0)
    assert list(held) == ["leck/cabinet-1"]
    assert json.loads(credentials.read_text("ascii")) == held
    assert credentials.stat().st_mode & 0o777 == 0o600
    assert await access.known() == {ControllerKey("leck", "cabinet-1")}


async def test_lost_credentials_are_made_anew(store: SqlStore, tmp_path: Path) -> None:
    access = RulesFileAccess(tmp_path / "access.json")
    credentials = tmp_path / "credentials.json"
    await enroll(store, access, [leck()], credentials, replace_file, NOW)
    credentials.unlink()
    assert (await enroll(store, access, [leck()], credentials, replace_file, NOW)).new == 1
    assert credentials.exists()
