"""Who may connect to the broker: names, rights and secrets of controllers, and the adapter that replaces the
embedded broker's rules file. The adapter for Mosquitto is in `service.wire.dynsec`."""

import asyncio
import fcntl
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.domain.inventory import ID_PATTERN, ControllerKey
from service.errors import InvalidError, SetupError

SERVICE = "service"
"""The service's user name; its client ids begin with the same word."""

ROOT = "dorflicht/v1"
EVERYTHING = f"{ROOT}/#"
SHORTEST_SECRET = 32
"""Characters. Secrets are compared by fast hashes, so they must be random and long: `new_secret` makes them."""


@dataclass(frozen=True, slots=True)
class Rights:
    """The topics that a user may publish to and the filters that it may subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


SERVICE_RIGHTS = Rights((EVERYTHING,), (EVERYTHING,))
OBSERVER_RIGHTS = Rights((), (EVERYTHING,))


def new_secret() -> str:
    """A random secret of 256 bits, as text that fits into URLs and files."""
    return secrets.token_urlsafe(32)


def user_name(controller: ControllerKey) -> str:
    """A controller's user name, which is its client id too. InvalidError when an id is none."""
    for field, value in zip(("municipality", "controller"), controller, strict=True):
        if re.fullmatch(ID_PATTERN, value) is None:
            raise InvalidError(f"{field}: {value!r} is not made of 1 to 64 characters a-z, 0-9 and -")
    return f"{controller.municipality}.{controller.controller}"


def controller_of(name: str) -> ControllerKey | None:
    """The controller with this user name, or None for other users. Ids hold no dot."""
    municipality, dot, controller = name.partition(".")
    return ControllerKey(municipality, controller) if dot else None


def controller_rights(controller: ControllerKey) -> Rights:
    """What broker/topics.md grants a controller: its own leaves and the time."""
    own = f"{ROOT}/{controller.municipality}/{controller.controller}"
    return Rights(
        publish=tuple(f"{own}/{leaf}" for leaf in ("report", "status", "event")),
        subscribe=(*(f"{own}/{leaf}" for leaf in ("plan", "desired", "status")), f"{ROOT}/time"),
    )


def check_secret(secret: str) -> str:
    """The secret, when it is long enough; otherwise InvalidError."""
    if len(secret) < SHORTEST_SECRET:
        raise InvalidError(f"secret: needs at least {SHORTEST_SECRET} random characters")
    return secret


class RulesFileAccess:
    """`Access` by the file that the embedded broker watches (broker/schema/access.json).

    A change holds for new connections as soon as the call returns; within 1 s the broker closes live connections
    of users who were revoked or whose secret was replaced, and publishes their wills. Several
    processes may change the file: they take turns. A file that is not there yet counts as empty.
    """

    def __init__(self, path: Path) -> None:
        """Use the rules file at `path`; its folder must exist."""
        self._path = path

    async def add(self, secrets: Mapping[ControllerKey, str]) -> None:
        """Let controllers in with these secrets; replaces an earlier secret. All or none."""
        entries = {
            user_name(key): _entry(secret, controller_rights(key), client_id=user_name(key))
            for key, secret in secrets.items()
        }
        await asyncio.to_thread(self._change, lambda users: users.update(entries))

    async def revoke(self, controller: ControllerKey) -> None:
        """Shut a controller out: within 1 s its live connection closes, and its will is published."""
        name = user_name(controller)
        await asyncio.to_thread(self._change, lambda users: users.pop(name, None))

    async def known(self) -> set[ControllerKey]:
        """The controllers that are let in."""
        users = await asyncio.to_thread(self._read)
        return {key for key in map(controller_of, users) if key is not None}

    def add_service(self, secret: str) -> None:
        """Let the service in, with all topics of the contract. For the program that sets the broker up."""
        entry = _entry(secret, SERVICE_RIGHTS)
        self._change(lambda users: users.update({SERVICE: entry}))

    def add_observer(self, secret: str, name: str = "observer") -> None:
        """Let in somebody who may read every topic of the contract and publish nothing."""
        entry = _entry(secret, OBSERVER_RIGHTS)
        self._change(lambda users: users.update({name: entry}))

    def _read(self) -> dict[str, Any]:
        try:
            users = json.loads(self._path.read_text("utf-8"))["users"]
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SetupError(f"The broker's rules file {self._path} cannot be used: {error}.") from error
        if not isinstance(users, dict):
            raise SetupError(f"The broker's rules file {self._path} cannot be used: users is no mapping.")
        return users

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Read, change and replace the file; nobody ever sees half of it."""
        try:
            with self._path.with_name(self._path.name + ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                users = self._read()
                change(users)
                replace_file(self._path, json.dumps({"users": users}, indent=1))
        except OSError as error:
            raise SetupError(f"The broker's rules file {self._path} cannot be written: {error.strerror}.") from error


def _entry(secret: str, rights: Rights, client_id: str | None = None) -> dict[str, Any]:
    salt = secrets.token_bytes(16)
    digest = hashlib.blake2b(check_secret(secret).encode(), key=salt, digest_size=32).hexdigest()
    entry: dict[str, Any] = {
        "secret": f"blake2b:{salt.hex()}:{digest}",
        "publish": list(rights.publish),
        "subscribe": list(rights.subscribe),
    }
    return entry if client_id is None else entry | {"client_id": client_id}


def replace_file(path: Path, content: str) -> None:
    """Put a file with mode 0600 in the place of `path` at one stroke; it is on disk when this returns."""
    temporary = path.with_name(path.name + ".new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600, exist_ok=False)
    with temporary.open("w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or a power cut could bring back whom the file before let in
    finally:
        os.close(folder)
