"""The rules file that the service writes: whole, private, and in the language of its schema."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from broker.rules import RulesFile
from service.domain.inventory import ControllerKey
from service.errors import InvalidError, SetupError
from service.wire.access import RulesFileAccess, controller_of, new_secret, user_name

SCHEMA = Path(__file__).parents[2] / "broker" / "schema" / "access.json"
POLE = ControllerKey("glasau", "pole-1")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def content(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(raw(path))
    return read


def raw(path: Path) -> str:
    return path.read_text("utf-8")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_it_is_written_by_the_schema_and_read_by_the_broker(path: Path) -> None:
    access, secret = RulesFileAccess(path), new_secret()
    access.add_service(secret)
    access.add_observer(secret)
    await access.add({POLE: secret})
    jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).validate(content(path))
    users = RulesFile(path).rules.users
    assert set(users) == {"service", "observer", "glasau.pole-1"}
    assert all(user.opens(secret) and not user.opens(secret[:-1]) for user in users.values())
    assert users["service"].may_publish("dorflicht/v1/glasau/pole-1/desired")
    assert not users["service"].may_publish("other/topic")
    assert not users["observer"].may_publish("dorflicht/v1/glasau/pole-1/desired")
    assert users["observer"].may_subscribe("dorflicht/v1/#")
    assert users["glasau.pole-1"].client_id == "glasau.pole-1"


async def test_it_keeps_secrets_and_salts_to_itself(path: Path) -> None:
    access, secret = RulesFileAccess(path), new_secret()
    access.add_service(secret)
    await access.add({POLE: secret})
    assert mode(path) == 0o600
    assert secret not in raw(path)
    written = [user["secret"] for user in content(path)["users"].values()]
    assert written[0] != written[1], "the same salt twice"


async def test_others_stay_when_controllers_come_and_go(path: Path) -> None:
    access = RulesFileAccess(path)
    assert await access.known() == set()
    access.add_service(new_secret())
    before = content(path)["users"]["service"]
    await access.add({POLE: new_secret()})
    assert await access.known() == {POLE}
    await access.revoke(POLE)
    await access.revoke(POLE)
    assert content(path)["users"] == {"service": before}
    assert await access.known() == set()


async def test_a_bad_id_or_secret_changes_nothing(path: Path) -> None:
    access = RulesFileAccess(path)
    for bad, field in (
        ({POLE: new_secret(), ControllerKey("glasau", "+"): new_secret()}, "controller"),
        ({POLE: new_secret(), ControllerKey("a.b", "c"): new_secret()}, "municipality"),
        ({POLE: new_secret(), ControllerKey("glasau", "x\n"): new_secret()}, "controller"),
        ({POLE: "guessable"}, "secret"),
    ):
        with pytest.raises(InvalidError, match=field):
            await access.add(bad)
    assert await access.known() == set()


async def test_changes_at_the_same_time_all_last(path: Path) -> None:
    keys = [ControllerKey("glasau", f"pole-{n}") for n in range(30)]
    await asyncio.gather(*(RulesFileAccess(path).add({key: new_secret()}) for key in keys))
    assert await RulesFileAccess(path).known() == set(keys)


@pytest.mark.parametrize("broken", ["{", "[]", '{"users": []}'])
def test_a_file_that_cannot_be_used_is_left_as_it_is(path: Path, broken: str) -> None:
    path.write_text(broken, "utf-8")
    with pytest.raises(SetupError, match=r"access\.json"):
        RulesFileAccess(path).add_service(new_secret())
    assert raw(path) == broken


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="nowhere"):
        await RulesFileAccess(tmp_path / "nowhere" / "access.json").add({POLE: new_secret()})


def test_a_user_name_leads_back_to_its_controller() -> None:
    assert controller_of(user_name(POLE)) == POLE
    assert controller_of("service") is None
