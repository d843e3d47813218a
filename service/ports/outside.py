"""The outside world as protocols: clock, store, lamps, access, watch."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from service.domain.inventory import ControllerKey
from service.domain.orders import Order
from service.domain.reports import Message
from service.ports.records import Plan
from service.ports.transactions import Tx

T = TypeVar("T")


class Clock(Protocol):
    """The only source of time. `speed` is how many seconds of it pass in a real second."""

    @property
    def speed(self) -> float:
        """Seconds of this clock per real second."""
        ...

    def now(self) -> datetime:
        """The present moment, UTC."""
        ...

    def machine_ms(self) -> int:
        """The machine's own UTC time in milliseconds, whatever this clock says."""
        ...

    async def wait(self, *events: asyncio.Event, until: datetime | None = None) -> bool:
        """Wait until one of `events` is set (True) or `until` has come (False), whichever is first."""
        ...


class Store(Protocol):
    """Runs short transactions in worker threads.

    UnavailableError when the database is away, held by another program or busy for too long, or the store is closed;
    InvalidError for a value that it cannot hold. A cancelled caller leaves nothing half done: its transaction never
    began, or runs to its end.
    """

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a read transaction on one snapshot."""
        ...

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work`, once, in a write transaction: one after another, over all programs that use the database.

        It is on disk when this returns. An exception rolls back.
        """
        ...

    async def close(self) -> None:
        """End the worker threads and close all connections."""
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to staff: to whom (addresses, or one URL), its words, and the same as a JSON object for machines."""

    to: tuple[str, ...]
    subject: str
    text: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker is there and everything it had kept for us has been delivered."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The broker is away: nothing is known of any controller until it is back."""


class Lamps(Protocol):
    """The way to the controllers."""

    @property
    def connected(self) -> bool:
        """Whether the broker is there right now."""
        ...

    @property
    def changed(self) -> asyncio.Event:
        """Set whenever `connected` changes; the reader clears it."""
        ...

    async def order(self, controller: ControllerKey, desired_n: int, at: datetime, orders: Mapping[int, Order]) -> bool:
        """Publish an order, retained; False when the broker did not take it."""
        ...

    async def plan(self, controller: ControllerKey, plan_n: int, at: datetime, plan: Plan) -> bool:
        """Publish a plan, retained; False when the broker did not take it."""
        ...

    async def time(self, at: datetime, speed: float, seq: int) -> bool:
        """Tell all controllers the time; `seq` is the machine's own UTC milliseconds."""
        ...

    def messages(self) -> AsyncIterator[list[Message | Connected | Disconnected]]:
        """Everything that arrives, in batches of what is there, in order; ends when closed.

        `Connected` comes after the retained messages of a (re)connect, `Disconnected` when the broker went.
        """
        ...

    @property
    def dropped(self) -> Mapping[str, int]:
        """Messages dropped so far, by kind of fault."""
        ...

    async def close(self) -> None:
        """Disconnect and end `messages`."""
        ...


class Access(Protocol):
    """Who may connect to the broker, and which topics are theirs."""

    async def add(self, secrets: Mapping[ControllerKey, str]) -> None:
        """Let controllers in with these secrets; replaces an earlier secret. All or none."""
        ...

    async def revoke(self, controller: ControllerKey) -> None:
        """Shut a controller out: its live connection closes and its secret opens nothing."""
        ...

    async def known(self) -> set[ControllerKey]:
        """The controllers that are let in."""
        ...


STAFF = ""
"""Rung like a zone by what staff alone sees: faults, locks. No zone has an empty id."""


class Watch(Protocol):
    """Tells whoever shows a zone that something about it may have changed. Level-triggered: no queue."""

    def ring(self, municipality: str, zones: Iterable[str]) -> None:
        """Say that zones of a municipality changed."""
        ...

    def ring_all(self) -> None:
        """Say that everything may have changed."""
        ...

    def version(self, municipality: str, zones: Iterable[str] | None = None) -> int:
        """A number that grows with every change of one of the zones (None: of any zone)."""
        ...

    def listen(self) -> asyncio.Event:
        """An event that is set on every ring until `ignore` is called with it."""
        ...

    def ignore(self, event: asyncio.Event) -> None:
        """Stop setting an event got from `listen`."""
        ...


class Notify(Protocol):
    """One way to staff: e-mail or webhook."""

    async def send(self, message: Notice) -> None:
        """Hand a message over; when this returns, the other side has taken it. NotSentError says why not."""
        ...
