"""The part of a transaction that is about broken things, work at lamps, messages to staff and controllers' secrets."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol

from service.domain.alerts import Alert
from service.domain.faults import Fault
from service.domain.inventory import ControllerKey, OutputKey
from service.domain.maintenance import Commissioned, Lock, OutputTest
from service.domain.reports import Signal
from service.domain.words import FaultKind, FaultState
from service.ports.records import ClaimCode


class CareTx(Protocol):
    """What is broken, who works where, what was commissioned."""

    def faults(self, municipality: str, states: Collection[FaultState] | None = None) -> list[Fault]:
        """The faults of a municipality, in the given states or all, by `since` and id."""
        ...

    def faults_known(self, municipality: str, closed_since: datetime) -> list[Fault]:
        """The faults of a municipality that are not closed, and closed ones with their last entry (the close, or a note
        after it) at `closed_since` or later, by `since` and id."""
        ...

    def fault(self, municipality: str, fault: str) -> Fault | None:
        """One fault of a municipality."""
        ...

    def save_fault(self, fault: Fault) -> None:
        """Insert a fault, or replace the one with its id."""
        ...

    def delete_fault(self, municipality: str, fault: str) -> None:
        """Delete a fault that was only suspected."""
        ...

    def forget_faults(self, before: datetime) -> int:
        """Delete faults that were closed before a moment (by their last entry); returns how many."""
        ...

    def signals(self, municipality: str) -> list[Signal]:
        """What controllers told by events and have not taken back, by controller, kind and output."""
        ...

    def forget_signals(self, kind: FaultKind, before: datetime) -> int:
        """Take back signals of a kind that were set before a moment; returns how many."""
        ...

    def set_signal(self, signal: Signal, *, on: bool) -> None:
        """Keep a signal, or take it back. One that is kept already keeps its `since`."""
        ...

    def locks(self, municipality: str, since: datetime) -> list[Lock]:
        """The locks that end after `since`, ended early or not, by start and id."""
        ...

    def lock(self, municipality: str, lock: str) -> Lock | None:
        """One lock of a municipality."""
        ...

    def save_lock(self, lock: Lock) -> None:
        """Insert a lock, or replace the one with its id."""
        ...

    def output_tests(self, municipality: str, since: datetime) -> list[OutputTest]:
        """The commissioning tests that end after `since`, by beginning and id."""
        ...

    def output_test(self, municipality: str, test: str) -> OutputTest | None:
        """One commissioning test of a municipality."""
        ...

    def save_output_test(self, test: OutputTest) -> None:
        """Insert a test, or replace the one with its id."""
        ...

    def forget_maintenance(self, before: datetime) -> int:
        """Delete locks and commissioning tests that ended before a moment; returns how many."""
        ...

    def forget_contacts(self, before: datetime) -> int:
        """Blank the `contact` of locks that ended before a moment; returns of how many."""
        ...

    def commissioned(self, municipality: str) -> dict[OutputKey, Commissioned]:
        """What each output drew when it was last commissioned; others are left out."""
        ...

    def save_commissioned(self, commissioned: Commissioned) -> None:
        """Replace what an output drew when it was commissioned."""
        ...

    def seen_alive(self) -> datetime | None:
        """When the service last said that it runs; None before the first time."""
        ...

    def keep_alive(self, at: datetime) -> None:
        """Say that the service runs."""
        ...


class AlertTx(Protocol):
    """Messages to staff."""

    def alerts_due(self, now: datetime) -> list[Alert]:
        """The alerts of all municipalities with a delivery that is due at `now`, by time and id."""
        ...

    def next_alert(self) -> datetime | None:
        """When the next delivery of any alert is due."""
        ...

    def save_alert(self, alert: Alert) -> None:
        """Insert an alert, or replace the one with its id."""
        ...

    def forget_alerts(self, before: datetime) -> int:
        """Delete alerts from before a moment of which no delivery is due any more; returns how many."""
        ...


class CredentialTx(Protocol):
    """How controllers get in and out."""

    def claim_code(self, digest: str) -> ClaimCode | None:
        """A claim code by the hash of it."""
        ...

    def claim_codes(self, municipality: str) -> list[ClaimCode]:
        """The last claim code made for each controller, by controller."""
        ...

    def save_claim_code(self, code: ClaimCode) -> None:
        """Replace the controller's claim code: a controller has one at most."""
        ...

    def forget_controller(self, controller: ControllerKey) -> None:
        """Forget what a controller said of itself (state, levels, meter readings, signals): another device
        takes its place. Counters of orders and plans, energy and faults stay."""
        ...
