"""The rules file: who may connect to the embedded broker, and which topics are theirs (schema/access.json)."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECRET = re.compile(r"blake2b:([0-9a-f]{32}):([0-9a-f]{64})")


class RulesError(Exception):
    """The rules file cannot be used; the sentence names the file and the field."""


def is_topic(topic: str) -> bool:
    """Whether a message may be published to `topic`: not empty, no wildcard, no NUL."""
    return topic != "" and not any(mark in topic for mark in "+#\0")


def is_filter(topic_filter: str) -> bool:
    """Whether `topic_filter` is a filter: wildcards fill whole levels, `#` stands last, no NUL."""
    levels = topic_filter.split("/")
    if topic_filter == "" or "\0" in topic_filter:
        return False
    if "#" in topic_filter and (topic_filter.count("#") > 1 or levels[-1] != "#"):
        return False
    return all(level == "+" for level in levels if "+" in level)


def covers(allowed: str, wanted: str) -> bool:
    """Whether every topic that filter (or topic) `wanted` matches is matched by filter `allowed`.

    Topics that begin with `$` are covered by a filter that spells the `$` only.
    """
    mine, theirs = allowed.split("/"), wanted.split("/")
    if theirs[0].startswith("$") and mine[0] in ("+", "#"):
        return False
    for position, level in enumerate(mine):
        if level == "#":
            return True
        if position >= len(theirs) or theirs[position] == "#":
            return False
        if level not in ("+", theirs[position]):
            return False
    return len(mine) == len(theirs)


@dataclass(frozen=True, slots=True)
class User:
    """One user of the rules file. Equal when nothing about it changed."""

    name: str
    salt: bytes
    digest: bytes
    client_id: str | None
    publish: tuple[str, ...]
    subscribe: tuple[str, ...]

    def opens(self, secret: str) -> bool:
        """Whether `secret` is this user's. Fast on purpose: secrets are random and have 256 bits."""
        found = hashlib.blake2b(secret.encode("utf-8", "replace"), key=self.salt, digest_size=32).digest()
        return hmac.compare_digest(found, self.digest)

    def may_publish(self, topic: str) -> bool:
        """Whether a message, or a will, of this user may go to `topic`."""
        return is_topic(topic) and any(covers(allowed, topic) for allowed in self.publish)

    def may_subscribe(self, topic_filter: str) -> bool:
        """Whether all that `topic_filter` matches is this user's to read."""
        return is_filter(topic_filter) and any(covers(allowed, topic_filter) for allowed in self.subscribe)


class Rules:
    """All users, by name, and the client ids that belong to one of them alone."""

    def __init__(self, users: Mapping[str, User]) -> None:
        """Keep the users; RulesError when two of them claim one client id."""
        self.users = dict(users)
        self._owners: dict[str, str] = {}
        for user in self.users.values():
            if user.client_id is None:
                continue
            if user.client_id in self._owners:
                owner = self._owners[user.client_id]
                raise RulesError(f"users.{user.name}.client_id: {user.client_id!r} belongs to {owner!r} already")
            self._owners[user.client_id] = user.name

    def may_call_itself(self, user: User, client_id: str) -> bool:
        """Whether `user` may take `client_id`: its own one, or any that is nobody's."""
        if user.client_id is not None:
            return client_id == user.client_id
        return self._owners.get(client_id, user.name) == user.name


class RulesFile:
    """The rules as they stand in a file that may be replaced at any time."""

    def __init__(self, path: Path) -> None:
        """Read the file; RulesError when it cannot be used."""
        self._path = path
        self._seen: tuple[int, ...] = ()
        self.rules = Rules({})
        self.refresh()

    def refresh(self) -> bool:
        """Read the file again if it was changed since; whether it was.

        RulesError, once per change, when it cannot be used: the rules read before stay in force.
        """
        try:
            state = self._path.stat()
            seen = (state.st_mtime_ns, state.st_size, state.st_ino)
        except OSError as error:
            if self._seen == (0,):
                return False
            self._seen = (0,)
            raise RulesError(f"The rules file {self._path} cannot be read: {error.strerror}.") from error
        if seen == self._seen:
            return False
        self._seen = seen
        self.rules = _load(self._path)
        return True


def _load(path: Path) -> Rules:
    try:
        content = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise RulesError(f"The rules file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise RulesError(f"The rules file {path} is not JSON: {error}.") from error
    try:
        users = _field("users", content, "users", dict)
        return Rules({name: _user(name, entry) for name, entry in users.items()})
    except RulesError as error:
        raise RulesError(f"The rules file {path} is not valid: {error}.") from error


def _field(where: str, holder: Any, name: str, kind: type) -> Any:
    """The field `name` of a JSON object, which must be there and of `kind`."""
    value = holder.get(name) if isinstance(holder, dict) else None
    if not isinstance(value, kind):
        raise RulesError(f"{where}: needs a {'list' if kind is list else 'string' if kind is str else 'mapping'}")
    return value


def _user(name: str, entry: Any) -> User:
    where = f"users.{name}"
    secret = SECRET.fullmatch(_field(f"{where}.secret", entry, "secret", str))
    if secret is None:
        raise RulesError(f"{where}.secret: is not blake2b:salt:digest")
    client_id = entry.get("client_id")
    if client_id is not None and not isinstance(client_id, str):
        raise RulesError(f"{where}.client_id: needs a string")
    return User(
        name=name,
        salt=bytes.fromhex(secret[1]),
        digest=bytes.fromhex(secret[2]),
        client_id=client_id,
        publish=_filters(f"{where}.publish", entry, "publish"),
        subscribe=_filters(f"{where}.subscribe", entry, "subscribe"),
    )


def _filters(where: str, entry: Any, name: str) -> tuple[str, ...]:
    filters = _field(where, entry, name, list)
    for topic_filter in filters:
        if not isinstance(topic_filter, str) or not is_filter(topic_filter):
            raise RulesError(f"{where}: {topic_filter!r} is not a topic filter")
    return tuple(filters)
