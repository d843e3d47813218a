"""Faults and signals, and when the service last ran."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, select

from service.domain.faults import Fault, FaultEntry, Subject
from service.domain.inventory import ControllerKey, OutputKey
from service.domain.reports import Signal
from service.domain.words import FaultKind, FaultState, FaultStep
from service.errors import InvalidError
from service.store import tables
from service.store.columns import UtcTime, from_us, to_us
from service.store.tables import table
from service.store.tx_base import AnyRow, AnySelect, BaseTx, controller, municipality, output

fault_table = table(tables.FaultRow)
signal_table = table(tables.SignalRow)
alive = table(tables.SeenAliveRow)

_of = municipality.c.slug == bindparam("municipality")
_NOT_CLOSED = frozenset(FaultState) - {FaultState.CLOSED}
_STATES = {f"state_{n}": state for n, state in enumerate(FaultState)}
_EVERY_FAULT: AnySelect = (
    select(fault_table, municipality.c.slug.label("municipality"), controller.c.slug.label("controller"), output.c.n)
    .select_from(municipality)
    .join(fault_table, fault_table.c.municipality_id == municipality.c.id)
    .outerjoin(controller, controller.c.id == fault_table.c.controller_id)
    .outerjoin(output, output.c.id == fault_table.c.output_id)
    .where(_of)
)
_FAULTS = _EVERY_FAULT.where(fault_table.c.state.in_([bindparam(name) for name in _STATES]))
_CLOSED_SINCE = _EVERY_FAULT.where(
    fault_table.c.state == FaultState.CLOSED.value, fault_table.c.changed_at >= bindparam("since", type_=UtcTime)
)
_FAULT = _EVERY_FAULT.where(fault_table.c.public_id == bindparam("fault"))
_DELETE_FAULT = delete(fault_table).where(
    fault_table.c.public_id == bindparam("fault"), fault_table.c.municipality_id == bindparam("of")
)
_FORGET_FAULTS = delete(fault_table).where(
    fault_table.c.state == FaultState.CLOSED.value, fault_table.c.changed_at < bindparam("before", type_=UtcTime)
)
_SIGNALS = (
    select(controller.c.slug.label("controller"), signal_table.c.kind, output.c.n, signal_table.c.since)
    .select_from(municipality)
    .join(controller)
    .join(signal_table, signal_table.c.controller_id == controller.c.id)
    .outerjoin(output, output.c.id == signal_table.c.output_id)
    .where(_of)
)
_FORGET_SIGNALS = delete(signal_table).where(
    signal_table.c.kind == bindparam("of_kind"), signal_table.c.since < bindparam("before", type_=UtcTime)
)
_TAKE_BACK = delete(signal_table).where(
    signal_table.c.controller_id == bindparam("of"),
    signal_table.c.kind == bindparam("of_kind"),
    signal_table.c.output_id.is_not_distinct_from(bindparam("of_output", type_=output.c.id.type)),
)
_ALIVE = select(alive.c.at)


class SubjectIds(NamedTuple):
    """The keys of what a fault or a lock is about, each where it has one."""

    municipality_id: int
    controller_id: int | None
    output_id: int | None


class CareTx(BaseTx):
    """What is broken."""

    def faults(self, municipality: str, states: Collection[FaultState] | None = None) -> list[Fault]:
        """The faults of a municipality, in the given states or all, by `since` and id."""
        if states is None:
            rows = self._rows(_EVERY_FAULT, municipality=municipality)
        else:
            asked = {name: state.value if state in states else "" for name, state in _STATES.items()}
            rows = self._rows(_FAULTS, municipality=municipality, **asked)
        return _in_order(_fault(row) for row in rows)

    def faults_known(self, municipality: str, closed_since: datetime) -> list[Fault]:
        """The faults of a municipality that are not closed, and closed ones with their last entry (the close, or a note
        after it) at `closed_since` or later, by `since` and id."""
        closed = self._rows(_CLOSED_SINCE, municipality=municipality, since=closed_since)
        return _in_order([*self.faults(municipality, _NOT_CLOSED), *(_fault(row) for row in closed)])

    def fault(self, municipality: str, fault: str) -> Fault | None:
        """One fault of a municipality."""
        for row in self._rows(_FAULT, municipality=municipality, fault=fault):
            return _fault(row)
        return None

    def save_fault(self, fault: Fault) -> None:
        """Insert a fault, or replace the one with its id. ConflictError where another fault that is not closed has its
        subject and kind."""
        self._upsert(
            fault_table,
            {
                "public_id": fault.id,
                **self._subject(fault.municipality, fault.subject)._asdict(),
                "kind": fault.kind.value,
                "state": fault.state.value,
                "since": fault.since,
                "gone_since": fault.gone_since,
                "detail": dict(fault.detail),
                "history": [[to_us(one.at), one.step.value, one.by, one.text] for one in fault.history],
                "changed_at": fault.history[-1].at if fault.history else fault.since,
            },
        )

    def delete_fault(self, municipality: str, fault: str) -> None:
        """Delete a fault that was only suspected."""
        self._quick(_DELETE_FAULT, {"fault": fault, "of": self._municipality(municipality)})

    def forget_faults(self, before: datetime) -> int:
        """Delete faults that were closed before a moment (by their last entry); returns how many."""
        return self._quick(_FORGET_FAULTS, {"before": before}).changed

    def signals(self, municipality: str) -> list[Signal]:
        """What controllers told by events and have not taken back, by controller, kind and output."""
        found = [
            Signal(ControllerKey(municipality, row.controller), FaultKind(row.kind), row.n, row.since)
            for row in self._rows(_SIGNALS, municipality=municipality)
        ]
        return sorted(found, key=lambda one: (one.controller, one.kind, one.output or 0))

    def forget_signals(self, kind: FaultKind, before: datetime) -> int:
        """Take back signals of a kind that were set before a moment; returns how many."""
        return self._quick(_FORGET_SIGNALS, {"of_kind": kind.value, "before": before}).changed

    def set_signal(self, signal: Signal, *, on: bool) -> None:
        """Keep a signal, or take it back. One that is kept already keeps its `since`."""
        home, slug = signal.controller
        ids = self._subject(home, Subject(slug, signal.output))
        if not on:
            values = {"of": ids.controller_id, "of_kind": signal.kind.value, "of_output": ids.output_id}
            self._quick(_TAKE_BACK, values)
            return
        self._insert_new(
            signal_table,
            {
                "controller_id": ids.controller_id,
                "output_id": ids.output_id,
                "kind": signal.kind.value,
                "since": signal.since,
            },
        )

    def seen_alive(self) -> datetime | None:
        """When the service last said that it runs; None before the first time."""
        rows = self._rows(_ALIVE)
        return rows[0].at if rows else None

    def keep_alive(self, at: datetime) -> None:
        """Say that the service runs."""
        self._upsert(alive, {"id": 1, "at": at})

    def _subject(self, municipality: str, subject: Subject) -> SubjectIds:
        """The keys of a subject. UnknownError where it does not exist; InvalidError for an output of no controller."""
        of = self._municipality(municipality)
        if subject.controller is None:
            if subject.output is not None:
                raise InvalidError(f"subject: output {subject.output} of no controller: name its controller")
            return SubjectIds(of, None, None)
        key = ControllerKey(municipality, subject.controller)
        if subject.output is None:
            return SubjectIds(of, self._controller(key), None)
        [found] = self._outputs([OutputKey(*key, subject.output)])
        return SubjectIds(of, self._controller(key), found.id)


def _fault(row: AnyRow) -> Fault:
    return Fault(
        row.public_id,
        row.municipality,
        Subject(row.controller, row.n),
        FaultKind(row.kind),
        FaultState(row.state),
        row.since,
        row.gone_since,
        row.detail,
        _history(row.history),
    )


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: (fault.since, fault.id))


def _history(entries: Sequence[Sequence[Any]]) -> tuple[FaultEntry, ...]:
    return tuple(FaultEntry(from_us(at), FaultStep(step), by, text) for at, step, by, text in entries)
