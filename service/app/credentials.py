"""What `dorflicht controller` asks for: the use cases on the real store and broker, and what they hand out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from service.app.outside import access_of, broker_of
from service.app.simulating import require_database
from service.clock import SystemClock
from service.domain.inventory import ControllerKey
from service.errors import DorflichtError, InvalidError, SetupError
from service.ports import Access, Store
from service.settings import Settings, is_loopback
from service.store import open_store
from service.usecases import credentials
from service.usecases.credentials import Credential, Label
from service.usecases.standings import Standing, standings
from service.web.label import ON_A_SHEET, labels_html, labels_svg
from service.wire.access import ROOT, replace_file, user_name
from service.wire.farewell import MqttFarewell

T = TypeVar("T")

_PORTS = {False: 1883, True: 8883}
"""MQTT's registered ports, without and with TLS."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the device finds the broker; None is as the service does. Without a word on it, TLS is used beyond this
    machine, and on MQTT's own port for it where the service does without."""

    host: str | None = None
    port: int | None = None
    tls: bool | None = None


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts behind the use cases, and the present moment."""

    store: Store
    access: Access
    farewell: MqttFarewell
    now: datetime


def add_controllers(settings: Settings, names: Sequence[str], days: int, label: Path | None) -> list[str]:
    """Make claim codes, and labels in a file; a line for each, which is the only place where its code stands."""
    keys = list(dict.fromkeys(map(_key, names)))
    _check_label(label, len(keys))
    made = _run(settings, lambda p: credentials.add(p.store, p.access, p.farewell, keys, p.now, timedelta(days=days)))
    return _handed_out(made, label)


def replace_controller(settings: Settings, name: str, days: int, label: Path | None) -> list[str]:
    """Shut a device out, forget what it said, and make a claim code for the one that takes its place."""
    key = _key(name)
    _check_label(label, 1)
    valid = timedelta(days=days)
    made = _run(settings, lambda p: credentials.replace_device(p.store, p.access, p.farewell, key, p.now, valid))
    return _handed_out([made], label)


def claim_controller(settings: Settings, code: str, reach: Reach, to: Path | None) -> str:
    """Turn a claim code into a device's configuration: into a new file `to`, else as JSON to be shown once."""
    with_file = _Handover(settings, reach, to)
    made = with_file.during(
        lambda: _run(settings, lambda p: credentials.claim(p.store, p.access, code, with_file, p.now))
    )
    return with_file.told(made)


def rotate_controller(settings: Settings, name: str, reach: Reach, to: Path | None) -> str:
    """Give a device a new secret, handed over as `claim_controller` does."""
    key = _key(name)
    with_file = _Handover(settings, reach, to)
    made = with_file.during(
        lambda: _run(settings, lambda p: credentials.rotate(p.store, p.access, p.farewell, key, with_file, p.now))
    )
    return with_file.told(made)


def revoke_controller(settings: Settings, name: str) -> None:
    """Shut a controller out."""
    key = _key(name)
    _run(settings, lambda p: credentials.revoke(p.store, p.access, p.farewell, key, p.now))


def list_controllers(settings: Settings, municipality: str | None) -> list[dict[str, Any]]:
    """How controllers stand, by JSON's own values."""
    found = _run(settings, lambda p: standings(p.store, p.access, municipality, p.now))
    return [_standing_json(standing) for standing in found]


def _run(settings: Settings, work: Callable[[_Parts], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        async with _opened(settings) as parts:
            return await work(parts)

    return asyncio.run(run())


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[_Parts]:
    if not settings.mqtt_password.get_secret_value():
        raise SetupError("DORFLICHT_MQTT_PASSWORD is not set: the broker lets the service in by it.")
    require_database(settings.database_url)
    broker = broker_of(settings)
    store = open_store(settings.database_url)
    try:
        yield _Parts(store, access_of(settings), MqttFarewell(broker), SystemClock().now())
    finally:
        await store.close()


def _key(name: str) -> ControllerKey:
    municipality, slash, controller = name.partition("/")
    if not slash:
        raise InvalidError(f"controller: {name!r} is not MUNICIPALITY/CONTROLLER, as in leck/cabinet-1")
    key = ControllerKey(municipality, controller)
    user_name(key)
    return key


# labels


def _check_label(path: Path | None, count: int) -> None:
    """Say what is wrong with a label's file before a code is made for it."""
    if path is None:
        return
    if path.suffix not in (".svg", ".html"):
        raise InvalidError(f"--label {path}: the name must end in .svg or .html")
    if path.suffix == ".svg" and count > ON_A_SHEET:
        raise InvalidError(
            f"--label {path}: one .svg sheet holds {ON_A_SHEET} labels, not {count}; .html holds any number"
        )
    if not path.parent.is_dir():
        raise InvalidError(f"--label {path}: there is no folder {path.parent}")
    if path.exists():
        raise InvalidError(f"--label {path}: this file is there already, and its codes may be good; name another one")


def _handed_out(labels: Sequence[Label], path: Path | None) -> list[str]:
    lines = [f"{_name(made.controller)}: {made.code}, good once until {_minute(made.expires_at)}" for made in labels]
    if path is None:
        return lines
    drawn = labels_svg(labels) if path.suffix == ".svg" else labels_html(labels)
    try:
        replace_file(path, drawn)
    except OSError as error:
        return [*lines, f"The codes above are good, but {path} cannot be written: {error.strerror}."]
    return [*lines, f"Wrote {path}."]


# secrets


class _Handover:
    """Hands a secret over to a file of its own before it opens anything, or lets it be shown."""

    def __init__(self, settings: Settings, reach: Reach, to: Path | None) -> None:
        self._host = reach.host or settings.mqtt_host
        self._tls = settings.mqtt_tls or not is_loopback(self._host) if reach.tls is None else reach.tls
        self._port = reach.port or (settings.mqtt_port if self._tls == settings.mqtt_tls else _PORTS[self._tls])
        self._to = to
        self._wrote = False
        if to is not None and to.exists():
            raise InvalidError(f"--to {to}: this file is there already; delete it or name another")

    def __call__(self, credential: Credential) -> None:
        if self._to is None:
            return
        try:
            self._to.touch(mode=0o600, exist_ok=False)
            self._wrote = True
            replace_file(self._to, self._configuration(credential))
        except OSError as error:
            raise InvalidError(f"--to {self._to}: cannot be written: {error.strerror}") from error

    def during(self, work: Callable[[], Credential]) -> Credential:
        """Do the work; where it fails, no file is left with a secret that opens nothing.

        Where it is broken off, the file stays: its secret may open already.
        """
        try:
            return work()
        except DorflichtError:
            if self._to is not None and self._wrote:
                self._to.unlink(missing_ok=True)
            raise

    def told(self, credential: Credential) -> str:
        """What to print: the configuration, unless a file has it."""
        if self._to is None:
            return self._configuration(credential)
        return f"Wrote the configuration of {_name(credential.controller)} to {self._to}."

    def _configuration(self, credential: Credential) -> str:
        key = credential.controller
        return json.dumps(
            {
                "municipality": key.municipality,
                "controller": key.controller,
                "user": user_name(key),
                "secret": credential.secret,
                "broker": {"host": self._host, "port": self._port, "tls": self._tls},
                "root": ROOT,
            },
            indent=2,
        )


def _standing_json(standing: Standing) -> dict[str, Any]:
    return {
        "controller": _name(standing.controller),
        "name": standing.name,
        "let_in": standing.let_in,
        "code_until": None if standing.code_until is None else standing.code_until.isoformat(),
        "availability": standing.availability.value,
        "heard_at": None if standing.heard_at is None else standing.heard_at.isoformat(),
        "fw": standing.fw,
        "clock_valid": standing.clock_valid,
    }


def _name(key: ControllerKey) -> str:
    return f"{key.municipality}/{key.controller}"


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
