"""One transaction of the store, topic by topic; `Tx` is all of them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol

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
from service.domain.reports import ControllerState, MeterState, OutputState
from service.ports.care import AlertTx, CareTx, CredentialTx
from service.ports.ledger import LedgerTx
from service.ports.records import (
    Answer,
    Draft,
    Enactment,
    ExceptionRecord,
    PressRecord,
    SentOrder,
    SentPlan,
)


class VillageTx(Protocol):
    """What stands in the village."""

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
        inventory says: rules are the council's. Lamps decide their output's `lamps`, `watts` and `safety`. An empty
        note leaves the kept one. InvalidError where the inventory refers to something it lacks.
        """
        ...


class PolicyTx(Protocol):
    """The council's rules."""

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


class PressTx(Protocol):
    """Presses and what they bought."""

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

    def coarsen_presses(self, before: datetime) -> int:
        """Make what is told of presses before a moment, and of leases that ended before it, coarse; returns how many.

        A press comes at the beginning of its quarter of an hour and names no lease. A lease begins at that of its own,
        lasts whole quarters (at least one, else the nearest number) and gets another random id.
        """
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


class OrderTx(Protocol):
    """Orders and plans that were sent."""

    def sent_orders(self, controllers: Iterable[ControllerKey]) -> dict[ControllerKey, SentOrder]:
        """The last order recorded for each controller; controllers without one are left out."""
        ...

    def keep_order(self, controller: ControllerKey, order: SentOrder, at: datetime) -> None:
        """Record the order that is about to be published."""
        ...

    def replace_order(self, controller: ControllerKey, order: SentOrder) -> None:
        """Put an order, with the `former` one that it names, in the place of what was recorded for a controller, if
        anything was."""
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


class ReportTx(Protocol):
    """What controllers say."""

    def controller_states(self, controllers: Iterable[ControllerKey]) -> dict[ControllerKey, ControllerState]:
        """What is known of each controller that exists; unknown ids are left out."""
        ...

    def save_controller_states(self, states: Mapping[ControllerKey, ControllerState]) -> None:
        """Replace what is known of controllers."""
        ...

    def watched(self, zones: Iterable[ZoneKey]) -> list[Watched]:
        """All that is known of the outputs of the given zones, by their keys.

        A meter counts for an output only where it measures nothing else, the first of several; without its samples.
        """
        ...

    def forget_availability(self) -> None:
        """Make every controller's availability unknown: nobody can tell any more."""
        ...

    def output_states(self, outputs: Iterable[OutputKey]) -> dict[OutputKey, OutputState]:
        """The last reported state of each output; outputs never heard of are left out."""
        ...

    def save_output_states(self, states: Mapping[OutputKey, OutputState]) -> None:
        """Replace the states of outputs."""
        ...

    def meter_states(self, meters: Iterable[MeterKey]) -> dict[MeterKey, MeterState]:
        """The last reading of each meter; meters never read are left out."""
        ...

    def save_meter_states(self, states: Mapping[MeterKey, MeterState]) -> None:
        """Replace the readings of meters."""
        ...


class UpkeepTx(Protocol):
    """Idempotency and housekeeping."""

    def answer(self, scope: str) -> Answer | None:
        """The kept answer of a scope (a hash of zone and key)."""
        ...

    def keep_answer(self, scope: str, answer: Answer, at: datetime) -> None:
        """Keep an answer. ConflictError when the scope has one already."""
        ...

    def forget(self, answers_before: datetime) -> int:
        """Delete kept answers older than a moment; returns how many."""
        ...

    def touch(self) -> None:
        """Write something harmless, to prove that writing works."""
        ...


class Tx(
    VillageTx,
    PolicyTx,
    PressTx,
    OrderTx,
    ReportTx,
    CareTx,
    AlertTx,
    CredentialTx,
    LedgerTx,
    UpkeepTx,
    Protocol,
):
    """One transaction of the store. Synchronous: it runs in a worker thread from begin to commit.

    Lists come in a stable order (by id). A key that does not exist gives None, or is left out of a mapping;
    writing to one raises UnknownError, and a moment without its time zone ValueError.
    """
