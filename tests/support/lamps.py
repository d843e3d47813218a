"""Lamps in memory: what was published is kept to look at, and a test says what arrives."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from service.domain.inventory import ControllerKey
from service.domain.orders import Order
from service.domain.reports import Message
from service.ports import Connected, Disconnected, Plan


@dataclass
class MemoryLamps:
    """`service.ports.Lamps` without a broker. `heard` grows with every publication; `published` is set then."""

    connected: bool = True
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    orders: list[tuple[ControllerKey, int]] = field(default_factory=list)
    plans: list[tuple[ControllerKey, int]] = field(default_factory=list)
    times: list[tuple[datetime, float, int]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    published: asyncio.Event = field(default_factory=asyncio.Event)
    _inbox: "asyncio.Queue[list[Message | Connected | Disconnected] | None]" = field(default_factory=asyncio.Queue)

    async def order(self, controller: ControllerKey, desired_n: int, at: datetime, orders: Mapping[int, Order]) -> bool:
        if self.connected:
            self.orders.append((controller, desired_n))
            self.published.set()
        return self.connected

    async def plan(self, controller: ControllerKey, plan_n: int, at: datetime, plan: Plan) -> bool:
        if self.connected:
            self.plans.append((controller, plan_n))
        return self.connected

    async def time(self, at: datetime, speed: float, seq: int) -> bool:
        self.times.append((at, speed, seq))
        self.published.set()
        return self.connected

    def say(self, *messages: Message | Connected | Disconnected) -> None:
        """A batch arrives."""
        self._inbox.put_nowait(list(messages))

    async def messages(self) -> AsyncIterator[list[Message | Connected | Disconnected]]:
        while (batch := await self._inbox.get()) is not None:
            yield batch

    async def close(self) -> None:
        self._inbox.put_nowait(None)
