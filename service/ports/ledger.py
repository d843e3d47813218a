"""The ledger: energy entries, their roll-ups, readings of the utility and what was signed off."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Protocol

from service.domain.entries import Entry, ZonedEntry
from service.domain.inventory import OutputKey
from service.domain.words import Cause, Period, Quality


class EnergySum(NamedTuple):
    """Energy in mWh of a zone by cause and quality, from `start` on: of a rolled-up period, or a quarter of an hour."""

    start: datetime
    zone: str
    cause: Cause
    quality: Quality
    energy_mwh: int


class Burnt(NamedTuple):
    """How long an output was lit at a level (percent, above 0), and the energy of all its entries of that level."""

    output: OutputKey
    level: int
    lit: timedelta
    energy_mwh: int


@dataclass(frozen=True, slots=True)
class UtilityReading:
    """What the utility's meter at a supply point showed: kWh at a moment. A withdrawn one counts no more."""

    id: str
    supply_point: str
    at: datetime
    kwh: Decimal
    entered_by: str
    entered_at: datetime
    note: str = ""
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedStatement:
    """A month's burning times as somebody signed them off: `document` is the statement as JSON."""

    month: date
    signed_by: str
    signed_at: datetime
    document: str


@dataclass(frozen=True, slots=True)
class LedgerState:
    """How far forgetting has come in a municipality: entries that start before `coarse_until` are coarsened, those
    before `kept_from` are gone, of which monthly sums remain. None: nothing yet."""

    coarse_until: datetime | None = None
    kept_from: datetime | None = None


class LedgerTx(Protocol):
    """What was booked. `municipality` is an id; unknown ones have nothing."""

    def add_energy(self, entries: Sequence[Entry]) -> None:
        """Book energy, and mark the hours that it falls into as stale.

        An entry that adjoins (its start is the end of) one of the same output, zone, cause, ref, level and quality
        extends it, but never over a quarter of an hour at which the local time of its municipality has a full hour.
        Entries stay with the zone that the output belonged to at the time. UnknownError for an output that does not
        exist."""
        ...

    def entries(self, municipality: str, start: datetime, end: datetime, zone: str | None = None) -> list[ZonedEntry]:
        """Entries that start in [start, end), of all zones or one, by start, then output."""
        ...

    def entries_of(self, outputs: Collection[OutputKey], start: datetime, end: datetime) -> list[ZonedEntry]:
        """Entries of some outputs that start in [start, end), by output and start."""
        ...

    def replace_entries(
        self, outputs: Collection[OutputKey], start: datetime, end: datetime, entries: Sequence[ZonedEntry]
    ) -> None:
        """Put `entries` in the place of those of `outputs` that start in [start, end). Marks nothing as stale: sums of
        hours must stay what they are."""
        ...

    def energy_sums(self, municipality: str, start: datetime, end: datetime) -> list[EnergySum]:
        """Sums of the entries that start in [start, end), by zone, cause, quality and the quarter of an hour (UTC) of
        their start."""
        ...

    def energy_by_controller(
        self, municipality: str, start: datetime, end: datetime
    ) -> list[tuple[str, str, Cause, int]]:
        """Controller, zone, cause and mWh of the entries that start in [start, end), by controller."""
        ...

    def energy_of(self, outputs: Collection[OutputKey], start: datetime, end: datetime) -> list[tuple[Quality, int]]:
        """mWh by quality, from the entries of some outputs that start in [start, end)."""
        ...

    def burnt(self, outputs: Collection[OutputKey], start: datetime, end: datetime) -> list[Burnt]:
        """By output and level, from the entries that start in [start, end)."""
        ...

    def delete_entries(self, outputs: Collection[OutputKey], before: datetime) -> int:
        """Delete entries that start before a moment; returns how many. Roll-ups stay, and nothing becomes stale."""
        ...

    # roll-ups

    def stale_hours(self, municipality: str) -> list[datetime]:
        """Full hours of UTC with entries that were booked since they were last rolled up, in order."""
        ...

    def mark_stale(self, municipality: str, hours: Iterable[datetime]) -> None:
        """Mark full hours of UTC as stale."""
        ...

    def clear_stale(self, municipality: str, hours: Iterable[datetime]) -> None:
        """The given hours of UTC have been rolled up."""
        ...

    def set_rolled(self, municipality: str, period: Period, start: datetime, sums: Iterable[EnergySum]) -> None:
        """Replace the roll-up of the period that begins at `start`; the sums' own `start` is not looked at."""
        ...

    def roll(self, municipality: str, period: Period, start: datetime, end: datetime) -> None:
        """Replace the roll-up of the period from `start` to `end` by the sums of its rolled-up hours."""
        ...

    def rolled(
        self, municipality: str, period: Period, start: datetime, end: datetime, zone: str | None = None
    ) -> list[EnergySum]:
        """Roll-ups of periods that begin in [start, end), by start, zone, cause and quality."""
        ...

    def rolled_by_cause(
        self, municipality: str, period: Period, start: datetime, end: datetime, zone: str | None = None
    ) -> list[tuple[datetime, Cause, int]]:
        """The same, summed over zones (but for `zone`) and qualities: beginning, cause and mWh."""
        ...

    def rolled_by_zone(
        self, municipality: str, period: Period, start: datetime, end: datetime, zone: str | None = None
    ) -> list[tuple[str, Cause, int]]:
        """The same, summed over all periods and qualities: zone, cause and mWh."""
        ...

    def delete_rolled(self, municipality: str, period: Period, before: datetime) -> None:
        """Delete roll-ups of periods that begin before a moment."""
        ...

    def set_burnt_month(self, month: date, outputs: Collection[OutputKey], sums: Sequence[Burnt]) -> None:
        """Replace what outputs burnt in a month (its first day)."""
        ...

    def burnt_month(self, municipality: str, month: date) -> list[Burnt]:
        """What was kept by `set_burnt_month`, by output and level."""
        ...

    def ledger_state(self, municipality: str) -> LedgerState:
        """How far forgetting has come."""
        ...

    def set_ledger_state(self, municipality: str, state: LedgerState) -> None:
        """Note how far forgetting has come."""
        ...

    # readings and signatures

    def add_reading(self, municipality: str, reading: UtilityReading) -> None:
        """Keep a reading. ConflictError when its id is there already."""
        ...

    def withdraw_reading(self, municipality: str, reading: str, by: str, at: datetime) -> bool:
        """Let a reading count no more; False when there is none, or it was withdrawn already."""
        ...

    def readings(self, municipality: str) -> list[UtilityReading]:
        """All readings ever entered, withdrawn ones too, by supply point and moment."""
        ...

    def sign(self, municipality: str, statement: SignedStatement) -> None:
        """Keep a signed statement for good. ConflictError when its month is signed already."""
        ...

    def signed(self, municipality: str, month: date) -> SignedStatement | None:
        """The signed statement of a month (its first day)."""
        ...
