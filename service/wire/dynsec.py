"""Who may connect to Mosquitto: the dynamic-security plugin, by its command topic and by its file.

The plugin writes its whole file anew for every command (1,000 controllers took 14 s), so many controllers are
enrolled by `write_dynsec_file` before the broker starts. Changing a role disconnects everyone who holds it,
so every controller has a role of its own and the service's role is never changed at run time.
"""

import asyncio
import base64
import hashlib
import json
import secrets as randomness
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import aiomqtt

from service.domain.inventory import ControllerKey
from service.errors import ConflictError, SetupError, UnavailableError
from service.wire.access import (
    SERVICE,
    SERVICE_RIGHTS,
    Rights,
    check_secret,
    controller_of,
    controller_rights,
    replace_file,
    user_name,
)

CONTROL = "$CONTROL/dynamic-security/v1"
RESPONSE = f"{CONTROL}/response"
BATCH = 40
"""Commands in one message: some 30 KB, under the packet size that broker/mosquitto/mosquitto.conf allows."""

PAGE = 500
"""User names asked for at once."""

ROUNDS = 101
"""PBKDF2 rounds, the plugin's own number. More would slow the broker and add nothing: secrets have 256 bits."""

HARMLESS = {"createRole": "already exists", "deleteClient": "not found", "deleteRole": "not found"}
"""Ends of the plugin's errors that say: it is so already. A role stays behind when a call is cut off."""

Command = dict[str, Any]


class DynsecAccess:
    """`Access` by commands to a running Mosquitto with the dynamic-security plugin.

    Each call connects anew as the user that may use the command topic (the service), under a client id of its
    own, and returns when the plugin has answered; a change is then in force and live connections of
    revoked controllers, and of those whose secret was replaced, are closed.

    On `revoke` and on a replaced secret **Mosquitto sends no will**: the controller's retained `status` goes on
    saying online. The caller writes `{"online": false}` with the last session to its `status` itself, and
    after `revoke` clears the retained `plan` and `desired`.

    UnavailableError when the broker is away, refuses the service or does not answer in time.
    """

    def __init__(
        self,
        host: str,
        port: int,
        username: str,
        password: str,
        *,
        protocol: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V311,
        timeout: float = 10.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Reach the broker as the given user, by plain TCP without `tls`; `timeout` in seconds bounds each wait for an
        answer."""
        self._host, self._port = host, port
        self._username, self._password = username, password
        self._protocol = protocol
        self._timeout = timeout
        self._tls = tls

    async def add(self, secrets: Mapping[ControllerKey, str]) -> None:
        """Let controllers in with these secrets; replaces an earlier secret.

        All or none: when one is refused (ConflictError), those that were new are taken out again. What was done
        before the broker vanished stays done: call again.
        """
        for secret in secrets.values():
            check_secret(secret)
        names = {user_name(key): key for key in secrets}
        here = await self._user_names()
        roles: list[Command] = []
        clients: list[Command] = []
        for name, key in names.items():
            if name in here:
                clients.append({"command": "setClientPassword", "username": name, "password": secrets[key]})
                continue
            roles.append({"command": "createRole", "rolename": name, "acls": _acls(controller_rights(key))})
            entry = {"username": name, "clientid": name, "password": secrets[key], "roles": [{"rolename": name}]}
            clients.append({"command": "createClient"} | entry)
        outcome = await self._send([*roles, *clients])
        refused = [f"{command['command']} {command.get('username')}: {error}" for command, error in outcome if error]
        if refused:
            made = [command for command, error in outcome if command["command"] == "createClient" and not error]
            await self._send(_out(command["username"] for command in made))
            raise ConflictError(f"Mosquitto refused to let controllers in: {'; '.join(refused)}.")

    async def revoke(self, controller: ControllerKey) -> None:
        """Shut a controller out: its live connection is closed, without its will, and its secret opens nothing."""
        name = user_name(controller)
        refused = [error for _, error in await self._send(_out([name])) if error]
        if refused:
            raise ConflictError(f"Mosquitto refused to revoke {name}: {'; '.join(refused)}.")

    async def known(self) -> set[ControllerKey]:
        """The controllers that are let in."""
        return {key for key in map(controller_of, await self._user_names()) if key is not None}

    async def _user_names(self) -> set[str]:
        names: set[str] = set()
        offset = 0
        async with self._session() as session:
            while True:
                listing = {"command": "listClients", "verbose": False, "count": PAGE, "offset": offset}
                [answer] = await session.ask([listing])
                if "error" in answer:
                    raise UnavailableError(f"Mosquitto did not list its users: {answer['error']}.")
                page = answer["data"]["clients"]
                names.update(page)
                offset += len(page)
                if not page or offset >= answer["data"]["totalCount"]:
                    return names

    async def _send(self, commands: list[Command]) -> list[tuple[Command, str]]:
        """Run commands in order; each with its error, empty where what it asks for is so now."""
        outcome: list[tuple[Command, str]] = []
        async with self._session() as session:
            for start in range(0, len(commands), BATCH):
                part = commands[start : start + BATCH]
                for command, answer in zip(part, await session.ask(part), strict=True):
                    error = str(answer.get("error", ""))
                    fine = error.lower().endswith(HARMLESS.get(command["command"], "\0"))
                    outcome.append((command, "" if fine else error))
        return outcome

    def _session(self) -> "_Session":
        client = aiomqtt.Client(
            self._host,
            self._port,
            username=self._username,
            password=self._password,
            identifier=f"{SERVICE}-access-{randomness.token_hex(8)}",
            protocol=self._protocol,
            timeout=self._timeout,
            tls_context=self._tls,
        )
        return _Session(client, self._timeout)


class _Session:
    """One connection for commands."""

    def __init__(self, client: aiomqtt.Client, timeout: float) -> None:
        self._client = client
        self._timeout = timeout

    async def __aenter__(self) -> "_Session":
        try:
            await self._client.__aenter__()
            await self._client.subscribe(RESPONSE, qos=1)
        except aiomqtt.MqttError as error:
            raise UnavailableError(f"Mosquitto cannot be reached for access commands: {error}.") from error
        return self

    async def __aexit__(self, *about: object) -> None:
        try:
            await self._client.__aexit__(None, None, None)
        except aiomqtt.MqttError:
            return  # the broker is gone: so is the connection that was to be closed

    async def ask(self, commands: list[Command]) -> list[Command]:
        """Send commands in one message and wait for all their answers, in order.

        Other sessions' answers arrive on the same topic; the correlation tells them apart.
        """
        mark = randomness.token_hex(8)
        marked = [command | {"correlationData": f"{mark}-{n}"} for n, command in enumerate(commands)]
        answers: dict[str, Command] = {}
        try:
            async with asyncio.timeout(self._timeout):
                await self._client.publish(CONTROL, json.dumps({"commands": marked}), qos=1)
                async for message in self._client.messages:
                    for answer in json.loads(bytes(message.payload))["responses"]:
                        answers[answer.get("correlationData", "")] = answer
                    if all(command["correlationData"] in answers for command in marked):
                        break
        except TimeoutError as error:
            raise UnavailableError("Mosquitto's dynamic-security plugin did not answer in time.") from error
        except aiomqtt.MqttError as error:
            raise UnavailableError(f"Mosquitto went away during access commands: {error}.") from error
        return [answers[command["correlationData"]] for command in marked]


def _out(names: Iterable[str]) -> list[Command]:
    clients = [{"command": "deleteClient", "username": name} for name in names]
    return [*clients, *({"command": "deleteRole", "rolename": command["username"]} for command in clients)]


def _acl(kind: str, topic: str) -> Command:
    return {"acltype": kind, "topic": topic, "allow": True}


def _acls(rights: Rights) -> list[Command]:
    """The plugin's words for rights. Everything it is not told is denied, reception too."""
    return [
        *(_acl("publishClientSend", topic) for topic in rights.publish),
        *(_acl("publishClientReceive", topic) for topic in rights.subscribe),
        *(_acl("subscribePattern" if "#" in topic else "subscribeLiteral", topic) for topic in rights.subscribe),
    ]


def _client(name: str, secret: str, client_id: str | None = None) -> Command:
    salt = randomness.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", check_secret(secret).encode(), salt, ROUNDS, dklen=64)
    entry = {
        "username": name,
        "password": base64.b64encode(digest).decode(),
        "salt": base64.b64encode(salt).decode(),
        "iterations": ROUNDS,
        "roles": [{"rolename": name}],
    }
    return entry if client_id is None else entry | {"clientid": client_id}


def write_dynsec_file(path: Path, service_secret: str, controllers: Mapping[ControllerKey, str]) -> None:
    """Write the plugin's first file: default deny, the service, and any number of controllers with secrets.

    For a broker that is not running: the plugin reads the file at its start only, and writes over it. It must
    be able to write there and beside it, so hand file and folder to the broker's user. SetupError when the
    file cannot be written.
    """
    commands = Rights((f"{CONTROL}/#",), (f"{CONTROL}/#",))
    clients = [_client(SERVICE, service_secret)]
    roles = [{"rolename": SERVICE, "acls": [*_acls(SERVICE_RIGHTS), *_acls(commands)]}]
    for key, secret in controllers.items():
        name = user_name(key)
        clients.append(_client(name, secret, client_id=name))
        roles.append({"rolename": name, "acls": _acls(controller_rights(key))})
    content = {
        "defaultACLAccess": {
            "publishClientSend": False,
            "publishClientReceive": False,
            "subscribe": False,
            "unsubscribe": True,
        },
        "clients": clients,
        "groups": [],
        "roles": roles,
    }
    try:
        replace_file(path, json.dumps(content, indent=1))
    except OSError as error:
        raise SetupError(f"Mosquitto's access file {path} cannot be written: {error.strerror}.") from error
