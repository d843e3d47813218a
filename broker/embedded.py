"""The embedded broker: amqtt's packets, with entrance, connections, rights and delivery of our own.

amqtt 0.12.1 authenticates after it has changed sessions, never enforces keep-alive and leaves connections open
that it took over or that broke the protocol (docs/decisions/0001-amqtt-for-hbmqtt.md has the list). So
amqtt is told that its listener is external, `Entrance` hands each connection to `Connection`, and amqtt's own
sessions, subscriptions and broadcast loop stay empty. No private method of amqtt is called or overridden.
"""

import asyncio
import logging
import ssl
from collections import Counter
from collections.abc import Callable

from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.errors import BrokerError
from amqtt.mqtt.connack import BAD_USERNAME_PASSWORD, IDENTIFIER_REJECTED, NOT_AUTHORIZED

from broker.connection import REFUSED, Connection, Refusal
from broker.entrance import Entrance, EntranceError
from broker.rules import RulesError, RulesFile, User, covers

LOOK_EVERY = 0.25
"""Seconds between two looks at the rules file. A CONNECT looks too, so a new secret opens at once."""

log = logging.getLogger(__name__)


class EmbeddedBroker(Broker):  # type: ignore[misc]  # amqtt is not typed
    """Serves MQTT 3.1.1 by a rules file. Every session ends with its connection; retained messages end with
    the process."""

    def __init__(self, host: str, port: int, rules: RulesFile, tls: ssl.SSLContext | None = None) -> None:
        """Prepare to listen on `host` and `port` once started, by TLS alone where `tls` is given."""
        super().__init__({"listeners": {"default": {"type": "external", "bind": f"{host}:{port}"}}, "plugins": {}})
        self._entrance = Entrance(host, port, self._serve, lambda kind: self.note(kind, ""), tls)
        self._file = rules
        self._open: set[Connection] = set()
        self._clients: dict[str, Connection] = {}
        self._exact: dict[str, dict[Connection, int]] = {}
        self._wild: dict[str, dict[Connection, int]] = {}
        self._noted: set[tuple[str, str]] = set()
        self._stopping = asyncio.Event()
        self.refused: Counter[str] = Counter()

    async def start(self) -> None:
        """Begin to listen. BrokerError when the address cannot be had."""
        await super().start()
        try:
            self._entrance.open()
        except EntranceError as error:
            raise BrokerError(str(error)) from error

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, let_in: Callable[[], None]
    ) -> None:
        """Serve an accepted connection until it ends."""
        connection = Connection(self, reader, writer, let_in)
        self._open.add(connection)
        await connection.serve()

    async def watch(self) -> None:
        """Follow the rules file until `shutdown`: whoever it no longer lets in as before is disconnected."""
        while not self._stopping.is_set():
            self._follow()
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._stopping.wait()
            except TimeoutError:
                continue

    async def shutdown(self) -> None:
        """Close all connections, without their wills, and stop listening."""
        self._stopping.set()
        for connection in list(self._open):
            connection.close(with_will=False)
        await self._entrance.close()
        await super().shutdown()

    def _follow(self) -> None:
        try:
            if not self._file.refresh():
                return
        except RulesError as error:
            log.warning("%s The rules read before stay in force.", error)
            return
        users = self._file.rules.users
        for connection in list(self._open):
            if connection.user is not None and users.get(connection.user.name) != connection.user:
                connection.close()

    def admit(self, connection: Connection) -> User:
        """Check a CONNECT before anything else is touched; then end the connection it takes over, if any."""
        self._follow()
        session = connection.session
        user = self._file.rules.users.get(session.username or "")
        if user is None:
            raise Refusal(BAD_USERNAME_PASSWORD, "unknown user", "")
        if not user.opens(session.password or ""):
            raise Refusal(BAD_USERNAME_PASSWORD, "wrong secret", user.name)
        before = self._clients.get(connection.client_id)
        owner = before.user if before is not None else None
        if not self._file.rules.may_call_itself(user, connection.client_id) or owner not in (None, user):
            raise Refusal(IDENTIFIER_REJECTED, "client id of another", user.name)
        if session.will_flag and (session.will_qos == 3 or not user.may_publish(session.will_topic or "")):
            raise Refusal(NOT_AUTHORIZED, "will on a foreign topic", user.name)
        if before is not None:
            before.close()
        self._clients[connection.client_id] = connection
        connection.let_in()
        return user

    def left(self, connection: Connection) -> None:
        """Forget a connection that ended, and its subscriptions."""
        self._open.discard(connection)
        if self._clients.get(connection.client_id) is connection:
            del self._clients[connection.client_id]
        for table in (self._exact, self._wild):
            for topic_filter in [name for name, holders in table.items() if connection in holders]:
                self._drop(table, topic_filter, connection)

    @staticmethod
    def _drop(table: dict[str, dict[Connection, int]], topic_filter: str, connection: Connection) -> None:
        holders = table.get(topic_filter, {})
        holders.pop(connection, None)
        if not holders:
            table.pop(topic_filter, None)

    def _table(self, topic_filter: str) -> dict[str, dict[Connection, int]]:
        return self._wild if "+" in topic_filter or "#" in topic_filter else self._exact

    def subscribe(self, connection: Connection, topic_filter: str, qos: int) -> int:
        """Note a subscription, if the user may; the granted QoS, 1 at most, or REFUSED."""
        user = connection.user
        if user is None or not user.may_subscribe(topic_filter):
            self.note("subscription to foreign topics", user.name if user is not None else "")
            return REFUSED
        granted = min(qos, 1)
        self._table(topic_filter).setdefault(topic_filter, {})[connection] = granted
        return granted

    def unsubscribe(self, connection: Connection, topic_filter: str) -> None:
        """End a subscription, if there is one."""
        self._drop(self._table(topic_filter), topic_filter, connection)

    def publish(self, user: User, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        """Deliver a message to everyone subscribed, and retain it; an empty one clears what was retained.
        Dropped when the topic is not the user's."""
        if not user.may_publish(topic):
            self.note("message to a foreign topic", user.name)
            return
        if retain and data:
            self.retained_messages[topic] = RetainedApplicationMessage(None, topic, data, qos)
        elif retain:
            self.retained_messages.pop(topic, None)
        receivers = dict(self._exact.get(topic, {}))
        for topic_filter, holders in self._wild.items():
            if covers(topic_filter, topic):
                for connection, granted in holders.items():
                    receivers[connection] = max(granted, receivers.get(connection, 0))
        for connection, granted in receivers.items():
            connection.deliver(topic, data, min(qos, granted), retain=False)

    def kept(self, topic_filter: str) -> list[str]:
        """The topics with a retained message that a filter matches."""
        if self._table(topic_filter) is self._exact:
            return [topic_filter]
        return [topic for topic in self.retained_messages if covers(topic_filter, topic)]

    def retained(self, topic: str) -> tuple[bytes, int] | None:
        """A topic's retained message and its QoS."""
        message = self.retained_messages.get(topic)
        return None if message is None else (bytes(message.data), message.qos or 0)

    def note(self, kind: str, who: str) -> None:
        """Count something that was refused and log it once per kind and user."""
        self.refused[kind] += 1
        if (kind, who) not in self._noted:
            self._noted.add((kind, who))
            log.warning("Refused: %s (%s). Further ones of this kind are only counted.", kind, who or "no user")
