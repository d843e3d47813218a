"""The service's ear at a broker, in tests of controllers without a service."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiomqtt

from tests.support.broker_process import BrokerProcess
from tests.support.poles import T, validator

PATIENCE_S = 20


class Ear:
    """The service's ear: everything that controllers said, each message held against its schema."""

    def __init__(self, client: aiomqtt.Client, base: str) -> None:
        self.client = client
        self.base = base
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._news = asyncio.Event()
        self._seq = T

    async def listen(self) -> None:
        async for message in self.client.messages:
            leaf = str(message.topic).rsplit("/", 1)[1]
            if leaf in ("report", "status", "event") and isinstance(message.payload, bytes) and message.payload:
                body = json.loads(message.payload)
                validator(leaf).validate(body)
                assert message.qos == 1
                assert not (leaf == "event" and message.retain)
                self.heard.append((leaf, body))
                self._news.set()

    def all(self, leaf: str) -> list[dict[str, Any]]:
        """All that was heard in one leaf."""
        return [body for said, body in self.heard if said == leaf]

    async def until(self, leaf: str, wanted: Callable[[dict[str, Any]], bool], since: int = 0) -> dict[str, Any]:
        """The first message from number `since` on that is wanted."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for said, body in self.heard[since:]:
                    if said == leaf and wanted(body):
                        return body
                self._news.clear()
                await self._news.wait()

    async def time(self, at: int, speed: float = 1) -> None:
        """Tell the time."""
        self._seq += 1
        await self.client.publish("dorflicht/v1/time", json.dumps({"at": at, "speed": speed, "seq": self._seq}))

    async def say(self, leaf: str, body: dict[str, Any], *, retain: bool = True) -> None:
        """Publish something to the controller, such as a plan or an order."""
        await self.client.publish(f"{self.base}/{leaf}", json.dumps(body), qos=1, retain=retain)


class Listening:
    """A connected ear for the length of a `with`."""

    def __init__(self, broker: BrokerProcess, base: str) -> None:
        self._base = base
        self._client = broker.service_client()

    async def __aenter__(self) -> Ear:
        await self._client.__aenter__()
        await self._client.subscribe("dorflicht/v1/#", qos=1)
        ear = Ear(self._client, self._base)
        self._task = asyncio.create_task(ear.listen())
        return ear

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        await self._client.__aexit__(None, None, None)
