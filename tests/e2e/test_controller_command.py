"""`dorflicht controller` beside a running service, on both brokers: in, and out again."""

import asyncio
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from device_sim import SimDevice, Village
from service.app.credentials import list_controllers
from service.cli import app, main
from service.errors import DorflichtError
from tests.e2e.conftest import Open
from tests.e2e.waiting import until
from tests.e2e.world import World, settings
from tests.support.service_process import ROOT, clean
from tests.support.stores import query
from tests.support.villages import pair

ONE = "pair/lamp-1"
WITHIN = 2.0
"""Seconds in which a revoked controller must be gone."""

Done = subprocess.CompletedProcess[str]


def dorflicht(variables: Mapping[str, str], *words: str, typed: str = "", apart: bool = False) -> Done:
    """Run a command in this process, many times faster than in one of its own (`apart`); whatever it says, no
    traceback."""
    if apart:
        command = [sys.executable, "-m", "service", *words]
        environ = clean(os.environ) | dict(variables)
        done = subprocess.run(command, input=typed, capture_output=True, text=True, cwd=ROOT, env=environ, timeout=60)
        assert "Traceback" not in done.stderr, done.stderr
        return done
    env = {**dict.fromkeys(os.environ.keys() - clean(os.environ).keys()), **variables}
    result = CliRunner().invoke(app, words, input=typed, env=env)
    if isinstance(result.exception, DorflichtError):
        return Done(words, 1, result.stdout, result.exception.detail)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Done(words, result.exit_code, result.stdout, result.stderr)


async def controller(w: World, *words: str, typed: str = "", apart: bool = False) -> Done:
    """`dorflicht controller` with the service's settings."""
    return await asyncio.to_thread(dorflicht, w.service.environment, "controller", *words, typed=typed, apart=apart)


async def well(w: World, *words: str, typed: str = "", apart: bool = False) -> str:
    """The same, where it must work; what it printed."""
    done = await controller(w, *words, typed=typed, apart=apart)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def refused(w: World, *words: str, typed: str = "") -> str:
    """The same, where it must not; why."""
    done = await controller(w, *words, typed=typed)
    assert done.returncode == 1
    assert done.stdout == ""
    return done.stderr


async def listed(w: World) -> dict[str, Any]:
    """How the first lamp stands: what `list --json` prints, without a process for each look."""
    found = await asyncio.to_thread(list_controllers, settings(w.service.environment), "pair")
    return next(one for one in found if one["controller"] == ONE)


async def stands(w: World, **wanted: object) -> dict[str, Any]:
    """Wait until the first lamp stands as wanted."""
    return await until(lambda: listed(w), lambda seen: wanted.items() <= seen.items(), f"{ONE} {wanted}")


def code_in(printed: str) -> str:
    """The claim code in what `add` or `replace` printed."""
    assert printed.startswith(f"{ONE}: ")
    return printed.removeprefix(f"{ONE}: ").partition(",")[0]


async def kept(w: World, *leaves: str) -> dict[str, bytes]:
    """What the broker has kept of the first lamp on these leaves."""
    found: dict[str, bytes] = {}
    end = f"dorflicht/v1/{ONE}/end"
    async with w.wiretap(*(f"dorflicht/v1/{ONE}/{leaf}" for leaf in (*leaves, "end"))) as tap, asyncio.timeout(10):
        await tap.publish(end, b"1", qos=1)
        async for message in tap.messages:
            if str(message.topic) == end:
                break
            assert isinstance(message.payload, bytes)
            found[str(message.topic).rpartition("/")[2]] = message.payload
    return found


def device(w: World, secret: str, memory: str) -> Village:
    """Another device for the first lamp; `memory` is its own folder."""
    return Village(
        w.files,
        {ONE: secret},
        port=w.broker.port,
        state_dir=w.folder / memory,
        demo=True,
        only=ONE,
        backoff_most_s=0.5,
        protocol=w.broker.protocol,
    )


async def stays_out(gone: SimDevice) -> None:
    """Wait until a device has tried to come back some times, in vain."""
    await until(lambda: not gone.connected, what="the live connection is closed", within=WITHIN)
    session = gone.core.session
    await until(lambda: gone.connected or gone.core.session >= session + 3, what="it tried again")
    assert not gone.connected


async def test_a_revoked_controller_is_cut_off_shown_offline_and_may_come_back_by_a_new_code(
    world: Open, tmp_path: Path
) -> None:
    async with world(pair(tmp_path)) as w:
        await stands(w, availability="online", let_in=True)
        assert await kept(w, "plan", "desired") != {}
        session = w.village[ONE].core.session
        assert await well(w, "revoke", ONE) == f"{ONE} is revoked.\n"
        await stays_out(w.village[ONE])
        assert json.loads((await kept(w, "status"))["status"]) == {"online": False, "session": session}
        assert await kept(w, "plan", "desired") == {}
        await stands(w, availability="offline", let_in=False)
        assert w.village["pair/lamp-2"].connected
        await w.village[ONE].kill()

        code = code_in(await well(w, "add", ONE))
        configuration = json.loads(await well(w, "claim", code, "--host", "broker.example"))
        secret = configuration.pop("secret")
        assert configuration == {
            "municipality": "pair",
            "controller": "lamp-1",
            "user": "pair.lamp-1",
            "broker": {"host": "broker.example", "port": 8883, "tls": True},
            "root": "dorflicht/v1",
        }
        async with device(w, secret, "new") as village:
            await stands(w, availability="online", let_in=True, fw="mock-1.0")
            await until(lambda: village[ONE].core.plan_n > 0, what="its plan")
            assert (await w.press("pair/weg")).status_code == 201
            await village[ONE].wait_level("1", 100)


async def test_another_device_takes_the_place_and_is_heard_from_one_on(world: Open, tmp_path: Path) -> None:
    async with world(pair(tmp_path)) as w:
        old = w.village[ONE]
        for _ in range(2):
            await old.power_cycle()
            await until(lambda: old.connected, what="it is back")
        await until(lambda: listed(w), lambda seen: seen["heard_at"] is not None, "the old one is heard")
        label = tmp_path / "label.svg"
        code = code_in(await well(w, "replace", ONE, "--label", str(label)))
        assert code in label.read_text("utf-8")
        await stays_out(old)
        assert await kept(w, "report", "status") == {}
        await old.kill()
        standing = await stands(w, let_in=False)
        assert standing["code_until"] is not None

        to = tmp_path / "device.json"
        assert str(to) in await well(w, "claim", "-", "--to", str(to), typed=f"{code.lower()}\n")
        assert stat.S_IMODE(to.stat().st_mode) == 0o600
        secret = json.loads(to.read_text("utf-8"))["secret"]
        async with device(w, secret, "new") as village:
            assert village[ONE].core.boot < old.core.boot
            assert village[ONE].core.session < old.core.session
            seen = await stands(w, availability="online", clock_valid=True)
            assert seen["heard_at"] is not None
            assert village[ONE].core.plan_n > 0, "the plan that the broker had kept"
        told = w.service.output() + w.broker.output()
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("dorflicht.db*"))  # noqa: ASYNC240 - a small file
        for clear in (secret, code, code.replace("-", "")):
            assert clear not in told
            assert clear.encode() not in stored


async def test_a_rotated_secret_opens_for_the_same_device_alone(world: Open, tmp_path: Path) -> None:
    async with world(pair(tmp_path)) as w:
        old = w.village[ONE]
        secret = json.loads(await well(w, "rotate", ONE))["secret"]
        await stays_out(old)
        await stands(w, availability="offline", let_in=True)
        await old.kill()
        async with device(w, secret, "lamps") as village:
            assert village[ONE].core.boot > old.core.boot
            await stands(w, availability="online", let_in=True)


async def test_codes_that_do_not_open_are_told_why(world: Open, tmp_path: Path) -> None:
    async with world(pair(tmp_path), lamps=False) as w:
        assert "rotate pair/lamp-1" in await refused(w, "add", ONE)
        code = code_in(await well(w, "replace", ONE))
        other = "4" if code[0] == "3" else "3"
        assert "mistyped" in await refused(w, "claim", other + code[1:])
        elsewhere = await asyncio.to_thread(another_installation, tmp_path / "elsewhere", w)
        assert "not known here" in await refused(w, "claim", elsewhere)
        assert "secret" in await well(w, "claim", code)
        assert "was used on" in await refused(w, "claim", code)

        code = code_in(await well(w, "replace", ONE))
        past = "UPDATE claim_code SET expires_at = made_at"
        await asyncio.to_thread(query, w.service.environment["DORFLICHT_DATABASE_URL"], past)
        assert "not good since" in await refused(w, "claim", code)
        assert json.loads(await well(w, "list", "pair", "--json", apart=True))[0] == await listed(w)


def another_installation(folder: Path, w: World) -> str:
    """A claim code for the same controller, made by another service with a broker of its own."""
    folder.mkdir()
    variables = {
        **w.service.environment,
        "DORFLICHT_DATABASE_URL": f"sqlite:///{folder / 'd.db'}",
        "DORFLICHT_ACCESS": "rules",
        "DORFLICHT_ACCESS_FILE": str(folder / "access.json"),
    }
    assert dorflicht(variables, "import", str(w.files[0])).returncode == 0
    return code_in(dorflicht(variables, "controller", "add", ONE).stdout)


async def test_a_broker_that_is_away_is_said_and_the_same_command_finishes(world: Open, tmp_path: Path) -> None:
    async with world(pair(tmp_path)) as w:
        await w.kill_broker()
        assert "cannot be reached" in await refused(w, "revoke", ONE)
        await w.start_broker()
        await well(w, "revoke", ONE)
        await stays_out(w.village[ONE])
        await stands(w, availability="offline", let_in=False)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[object, str, str]]:
    """Runs commands in this process, many times faster than in their own: exit code, output, errors."""

    def run(variables: Mapping[str, str], *words: str) -> tuple[object, str, str]:
        with monkeypatch.context() as patch:
            for name in os.environ.keys() - clean(os.environ).keys():
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["dorflicht", *words])
            with pytest.raises(SystemExit) as ended:
                main()
        return ended.value.code, *capsys.readouterr()

    return run


def test_what_cannot_be_meant_is_said_before_anything_is_done(
    tmp_path: Path, here: Callable[..., tuple[object, str, str]]
) -> None:
    variables = {
        "DORFLICHT_DATABASE_URL": f"sqlite:///{tmp_path / 'd.db'}",
        "DORFLICHT_MQTT_PASSWORD": "x" * 32,
        "DORFLICHT_ACCESS_FILE": str(tmp_path / "access.json"),
    }

    def said(*words: str, **more: str) -> str:
        code, shown, why = here(variables | more, "controller", *words)
        assert (code, shown) == (1, "")
        return why

    def shown(*words: str) -> str:
        code, shown, why = here(variables, *words)
        assert code == 0, why
        return shown

    assert "dorflicht import" in said("add", ONE)
    assert list(tmp_path.iterdir()) == []
    assert "imported" in shown("import", str(pair(tmp_path)))
    assert "DORFLICHT_MQTT_PASSWORD" in said("add", ONE, DORFLICHT_MQTT_PASSWORD="")
    assert "MUNICIPALITY/CONTROLLER" in said("add", "lamp-1")
    assert "controller: 'LAMP'" in said("add", "pair/LAMP")
    assert "no pair/lamp-9" in said("add", ONE, "pair/lamp-9")
    assert "--label" in said("add", ONE, "--label", str(tmp_path / "label.pdf"))
    assert "no folder" in said("add", ONE, "--label", str(tmp_path / "nowhere" / "label.svg"))
    taken = tmp_path / "taken.json"
    taken.touch()
    assert "there already" in said("claim", "C7XH-4K9M-TRWY-ACDE-FGH3", "--to", str(taken))
    assert "20 characters" in said("claim", "C7XH")
    assert "there is no 'nowhere'" in said("list", "nowhere")

    made = shown("controller", "add", ONE, "pair/lamp-2", "--label", str(tmp_path / "labels.html"))
    codes = [line.split()[1].rstrip(",") for line in made.splitlines()[:2]]
    page = (tmp_path / "labels.html").read_text("utf-8")
    assert all(page.count(code) == 2 for code in codes), "once to read, once for the QR code's name"
    assert "Weg, Mast 1" in page
    table = shown("controller", "list", "pair").splitlines()
    assert table[0].split("  ")[0] == "controller"
    assert table[1].startswith("pair/lamp-1  no      20")
    assert "cannot be written" in said("claim", codes[0], "--to", str(tmp_path / "nowhere" / "device.json"))
    assert "secret" in shown("controller", "claim", codes[0]), "the code was good still"
