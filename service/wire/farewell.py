"""The service's last words in the name of a controller that was shut out."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from secrets import token_hex

import aiomqtt

from service.domain.inventory import ControllerKey
from service.errors import UnavailableError
from service.wire.access import SERVICE
from service.wire.codec import DecodeError, read_status
from service.wire.lamps import ECHO, ROOT, Broker


class MqttFarewell:
    """`service.usecases.credentials.Farewell` over MQTT.

    Mosquitto sends no will for a controller that is shut out, so this does. The embedded broker sends it, and has read
    its rules anew by the time that it lets us in: whoever was shut out before is disconnected then on both.
    """

    def __init__(self, broker: Broker, *, timeout: float = 10.0) -> None:
        """Sign in as the service does; `timeout` in seconds bounds each wait for the broker."""
        self._broker = broker
        self._timeout = timeout

    async def say(self, controller: ControllerKey, session: int, forget: Collection[str]) -> None:
        """Publish that a controller is offline in its last session, then clear its retained messages of some leaves."""
        own = f"{ROOT}/{controller.municipality}/{controller.controller}"
        async with self._connected() as client:
            last = max(session, await self._kept_session(client, controller, f"{own}/status"))
            offline = json.dumps({"online": False, "session": last})
            await client.publish(f"{own}/status", offline, qos=1, retain=True)
            for leaf in forget:
                await client.publish(f"{own}/{leaf}", b"", qos=1, retain=True)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiomqtt.Client]:
        broker = self._broker
        try:
            async with aiomqtt.Client(
                broker.host,
                broker.port,
                username=broker.username,
                password=broker.password,
                identifier=f"{SERVICE}-farewell-{token_hex(8)}",
                protocol=aiomqtt.ProtocolVersion.V5 if broker.version == "5" else aiomqtt.ProtocolVersion.V311,
                timeout=self._timeout,
                tls_context=broker.tls,
                socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
            ) as client:
                yield client
        except (aiomqtt.MqttError, TimeoutError) as error:
            said = str(error) or "it did not answer in time"
            raise UnavailableError(f"The broker at {broker.host}:{broker.port} cannot be reached: {said}.") from error

    async def _kept_session(self, client: aiomqtt.Client, controller: ControllerKey, topic: str) -> int:
        """The session of the retained status; 0 without one. Our own word comes back after all that was kept."""
        word, session = token_hex(8).encode(), 0
        await client.subscribe([(topic, 1), (ECHO, 1)])
        await client.publish(ECHO, word, qos=1)
        async with asyncio.timeout(self._timeout):
            async for message in client.messages:
                if message.payload == word:
                    break
                if str(message.topic) == topic and isinstance(message.payload, bytes):
                    session = max(session, _session(controller, message.payload))
        return session


def _session(controller: ControllerKey, payload: bytes) -> int:
    try:
        return read_status(controller, payload).session
    except DecodeError:
        return 0  # whatever it is, it tells of no session
