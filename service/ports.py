"""What the use cases and loops need from the outside, as protocols; adapters live in their own rooms."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from service.domain.energy import Entry
from service.domain.inventory import (
    Controller,
    ControllerKey,
    Inventory,
    Lamp,
    MeterKey,
    Municipality,
    Output,
    OutputKey,
    Zone,
    ZoneKey,
)
from service.domain.leases import Alike, Lease, Progress, Span
from service.domain.lights import Watched
from service.domain.orders import Order
from service.domain.policy import LightException, Policy
from service.domain.reports import ControllerState, Message, MeterState, OutputState
from service.domain.schedule import Step
from service.domain.sun import Place
from service.domain.words import Cause, Channel, FailState, Reason

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


@dataclass(frozen=True, slots=True)
class PressRecord:
    """A press as kept: granted with its lease, or refused with its reason. Names nobody."""

    id: str
    zone: ZoneKey
    at: datetime
    channel: Channel
    refused: Reason | None
    lease: str | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that a council works on; nothing of it is in force. Its id is unique in its zone."""

    id: str
    policy: Policy
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Enactment:
    """A policy as enacted, by whom and when; `signed_off` are the codes of the findings that were accepted by name.

    `draft` is the id of the draft it was. It and `enacted_by` are None where it came with the municipality's file.
    """

    policy: Policy
    enacted_by: str | None
    enacted_at: datetime
    signed_off: tuple[str, ...] = ()
    draft: str | None = None


@dataclass(frozen=True, slots=True)
class ExceptionRecord:
    """An exception and who entered it, at its `since`, and who withdrew it, at its `until`.

    `entered_by` is None where it came with the municipality's file.
    """

    exception: LightException
    entered_by: str | None
    withdrawn_by: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to an idempotent request, to be given again."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class SentOrder:
    """The last order recorded for a controller, by output number.

    `orders` is None where nobody knows what the controller holds: it, or the broker, knew a higher counter.
    """

    desired_n: int
    orders: Mapping[int, Order] | None


class PlanStep(NamedTuple):
    """From a moment on an output gives `level` for `cause` (schedule or exception), faded to in `fade_s` seconds."""

    at: datetime
    level: int
    cause: Cause = Cause.SCHEDULE
    fade_s: int = 0


@dataclass(frozen=True, slots=True)
class OutputPlan:
    """What one output does by itself: `steps` up to `ends`; then `rule` in every night."""

    steps: tuple[PlanStep, ...]
    ends: datetime
    rule: tuple[Step, ...]
    safety: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What a controller carries out by itself for the coming nights."""

    place: Place
    outputs: Mapping[int, OutputPlan]
    fail_state: FailState
    cut_off_after_min: int
    local_press_minutes: int
    local_press_level: int


@dataclass(frozen=True, slots=True)
class SentPlan:
    """The last plan recorded for a controller: its counter and a digest of its content."""

    plan_n: int
    digest: str


@dataclass(frozen=True, slots=True)
class EnergyRow:
    """One booked stretch of energy of one output, with the output's zone."""

    zone: str
    start: datetime
    end: datetime
    energy_mwh: int
    cause: Cause


class Tx(Protocol):
    """One transaction of the store. Synchronous: it runs in a worker thread from begin to commit.

    Lists come in a stable order (by id). A key that does not exist gives None, or is left out of a mapping;
    writing to one raises UnknownError, and a moment without its time zone ValueError.
    """

    # inventory
    def municipalities(self) -> list[Municipality]:
        """All municipalities."""
        ...

    def municipality(self, municipality: str) -> Municipality | None:
        """One municipality with its prices and safety schedule."""
        ...

    def zones(self, municipality: str, *, since: datetime | None = None) -> list[Zone]:
        """All zones with their rulebooks (enacted policies, exceptions, withdrawn ones too), listed or not.

        With `since`, rulebooks are for moments from then on: exceptions that were withdrawn before it, or whose last
        night ended some days before it, are left out.
        """
        ...

    def zone(self, key: ZoneKey, *, since: datetime | None = None) -> Zone | None:
        """One zone with its rulebook; with `since` without the exceptions that `zones` leaves out."""
        ...

    def controllers(self, municipality: str) -> list[Controller]:
        """All controllers of a municipality with their outputs and meters."""
        ...

    def controllers_by_key(self, keys: Iterable[ControllerKey]) -> list[Controller]:
        """The controllers that exist among the given ones, with their outputs and meters."""
        ...

    def outputs(self, zones: Iterable[ZoneKey]) -> list[Output]:
        """The outputs that belong to the given zones."""
        ...

    def lamps(self, municipality: str) -> list[Lamp]:
        """All lamps of a municipality."""
        ...

    def save_inventory(self, inventory: Inventory, at: datetime) -> None:
        """Insert or update a municipality by its ids.

        Zones, controllers, outputs, meters and lamps that the inventory lacks are removed, where nothing was
        recorded for them yet and no policy lights them along; otherwise ConflictError names them and nothing
        changes. A zone that is new gets its policies and exceptions; one that is there keeps its own, whatever the
        inventory says: rules are the council's. Lamps decide their output's `lamps`, `watts` and `safety`.
        InvalidError where the inventory refers to something it lacks.
        """
        ...

    # policies
    def drafts(self, zone: ZoneKey) -> list[Draft]:
        """The zone's drafts, by id."""
        ...

    def save_draft(self, zone: ZoneKey, draft: Draft) -> None:
        """Insert a draft, or replace the one with its id."""
        ...

    def delete_draft(self, zone: ZoneKey, draft: str) -> bool:
        """Delete a draft; False when there is none."""
        ...

    def enactments(self, zone: ZoneKey) -> list[Enactment]:
        """All that was ever enacted for the zone, by version."""
        ...

    def enact(self, zone: ZoneKey, enactment: Enactment) -> None:
        """Add an enacted policy for good. ConflictError when the zone has its version already."""
        ...

    def exceptions(self, zone: ZoneKey) -> list[ExceptionRecord]:
        """All exceptions ever entered for the zone, withdrawn ones too, by first night, as entered, and by id."""
        ...

    def add_exception(self, zone: ZoneKey, record: ExceptionRecord) -> None:
        """Add an exception. ConflictError when the zone has its id already."""
        ...

    def withdraw_exception(self, zone: ZoneKey, exception: str, by: str, at: datetime) -> bool:
        """Let an exception hold no longer from `at` on; False when there is none, or it was withdrawn already."""
        ...

    # presses and leases
    def add_press(self, press: PressRecord) -> None:
        """Keep a press, before or after the lease that it names, in the same transaction."""
        ...

    def add_lease(self, lease: Lease, total: int) -> None:
        """Keep a lease, in state granted, with the number of outputs that it is to light."""
        ...

    def lease(self, lease_id: str) -> tuple[Lease, Progress] | None:
        """One lease and how far it has come."""
        ...

    def light_pressed(self, zone: ZoneKey, since: datetime) -> list[Span]:
        """When leases pressed in `zone` that end after `since` give light, failed ones left out; by their beginning.

        Leases that begin in the same minute are one span.
        """
        ...

    def light_given(self, zone: ZoneKey, start: datetime, end: datetime) -> list[Span]:
        """When leases that light `zone`, pressed there or elsewhere, give light within [start, end) at any time;
        failed ones left out; by their beginning."""
        ...

    def presses(self, municipality: str, start: datetime, end: datetime) -> list[PressRecord]:
        """The presses of [start, end), granted and refused, by time."""
        ...

    def forget_presses(self, before: datetime) -> int:
        """Delete presses before a moment, and leases that ended before it; returns how many presses."""
        ...

    def leases_running(self, municipality: str, now: datetime) -> list[tuple[Lease, Progress]]:
        """Leases of all zones that end after `now`, with their progress.

        Of begun ones that light the same zones at the same level and are in the same state some may stand for all:
        those that end first, as many as an order has steps, and the one that ends last.
        """
        ...

    def leases_waiting(self, municipality: str, now: datetime) -> list[Alike]:
        """Leases that end after `now` and are not lit yet, those alike as one."""
        ...

    def set_progress(self, leases: Alike, progress: Progress, now: datetime) -> None:
        """Replace the progress of all leases alike that end after `now`."""
        ...

    # orders and plans
    def sent_orders(self, controllers: Iterable[ControllerKey]) -> dict[ControllerKey, SentOrder]:
        """The last order recorded for each controller; controllers without one are left out."""
        ...

    def keep_order(self, controller: ControllerKey, order: SentOrder, at: datetime) -> None:
        """Record the order that is about to be published."""
        ...

    def sent_plans(self, municipality: str) -> dict[ControllerKey, SentPlan]:
        """The last plan recorded for each controller of a municipality."""
        ...

    def keep_plan(self, controller: ControllerKey, plan: SentPlan, at: datetime) -> None:
        """Record the plan that is about to be published."""
        ...

    def raise_counters(self, controller: ControllerKey, plan_n: int, desired_n: int) -> bool:
        """Make the recorded counters at least as high as the given ones; never lower them.

        Returns whether one was lower. Where one was lower, what was recorded with it is forgotten: `orders`
        becomes None, the plan's digest empty. A missing counter counts as 0.
        """
        ...

    # what controllers say
    def controller_states(self, controllers: Iterable[ControllerKey]) -> dict[ControllerKey, ControllerState]:
        """What is known of each controller that exists; unknown ids are left out."""
        ...

    def save_controller_state(self, controller: ControllerKey, state: ControllerState) -> None:
        """Replace what is known of a controller."""
        ...

    def watched(self, zones: Iterable[ZoneKey]) -> list[Watched]:
        """All that is known of the outputs of the given zones, by their keys.

        A meter counts for an output only where it measures nothing else, the first of several.
        """
        ...

    def forget_availability(self) -> None:
        """Make every controller's availability unknown: nobody can tell any more."""
        ...

    def output_states(self, outputs: Iterable[OutputKey]) -> dict[OutputKey, OutputState]:
        """The last reported state of each output; outputs never heard of are left out."""
        ...

    def save_output_state(self, output: OutputKey, state: OutputState) -> None:
        """Replace the state of an output."""
        ...

    def meter_states(self, meters: Iterable[MeterKey]) -> dict[MeterKey, MeterState]:
        """The last reading of each meter; meters never read are left out."""
        ...

    def save_meter_state(self, meter: MeterKey, state: MeterState) -> None:
        """Replace the reading of a meter."""
        ...

    def new_report(self, controller: ControllerKey, boot: int, seq: int, at: datetime) -> bool:
        """Keep (controller, boot, seq); False when it was there already."""
        ...

    def add_energy(self, entries: Sequence[Entry]) -> None:
        """Book energy. An entry that adjoins the output's last one, in the same hour, of the same cause and in
        the same zone, extends it. Entries stay with the zone that the output belonged to at the time."""
        ...

    def energy(self, municipality: str, start: datetime, end: datetime, zone: str | None = None) -> list[EnergyRow]:
        """Entries that start in [start, end), of all zones or one, by start."""
        ...

    # idempotency and housekeeping
    def answer(self, scope: str) -> Answer | None:
        """The kept answer of a scope (a hash of zone and key)."""
        ...

    def keep_answer(self, scope: str, answer: Answer, at: datetime) -> None:
        """Keep an answer. ConflictError when the scope has one already."""
        ...

    def forget(self, answers_before: datetime, reports_before: datetime) -> int:
        """Delete kept answers and report keys older than the given moments; returns how many."""
        ...

    def touch(self) -> None:
        """Write something harmless, to prove that writing works."""
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
