"""How entries lie in their table: as rows of small numbers. All times in here are microseconds."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from service.domain.entries import Entry
from service.domain.inventory import OutputKey
from service.store.columns import CAUSES, QUALITIES, from_us, to_us

QUARTER_US = 900_000_000
HOUR_US = 3_600_000_000

_MICROSECOND = timedelta(microseconds=1)
_CAUSE_NUMBERS, _QUALITY_NUMBERS = dict(CAUSES), dict(QUALITIES)
CAUSE_WORDS: dict[int, Any] = {number: word for word, number in CAUSES}
_QUALITIES: dict[int, Any] = {number: word for word, number in QUALITIES}

COLUMNS = (
    "energy_mwh",
    "length_us",
    "lit_us",
    "quarter",
    "output_id",
    "start_us",
    "zone_id",
    "n",
    "level",
    "cause",
    "quality",
    "ref",
)
"""Of the table, in its order."""

EXTENDING = ("to_energy_mwh", "to_length_us", "to_lit_us", "of_quarter", "of_output_id", "of_start_us", "of_n")
"""The names of what `extended` gives."""

PLACE = EXTENDING[3:]
"""The names of what `place` gives."""

Look = tuple[int, int, int, int, int, str | None]
"""What two entries must have in common to be one: output, zone, level, cause, quality, ref."""


@dataclass(slots=True)
class EntryRow:
    """An entry with keys and numbers. `n` tells it from others of its output that begin at the same moment."""

    energy_mwh: int
    length: int
    lit: int
    start: int
    output_id: int
    zone_id: int
    n: int
    level: int
    cause: int
    quality: int
    ref: str | None

    def look(self) -> Look:
        """What it is, but for its time and energy."""
        return self.output_id, self.zone_id, self.level, self.cause, self.quality, self.ref

    def raw(self) -> tuple[Any, ...]:
        """The values of COLUMNS."""
        quarter, start_us = divmod(self.start, QUARTER_US)
        return (
            *self._amounts(),
            quarter,
            self.output_id,
            start_us,
            self.zone_id,
            self.n,
            self.level,
            self.cause,
            self.quality,
            self.ref,
        )

    def place(self) -> tuple[int, ...]:
        """The values of PLACE."""
        quarter, start_us = divmod(self.start, QUARTER_US)
        return quarter, self.output_id, start_us, self.n

    def extended(self) -> tuple[Any, ...]:
        """The values of EXTENDING."""
        return (*self._amounts(), *self.place())

    def entry(self, output: OutputKey) -> Entry:
        """The entry."""
        return Entry(
            output,
            from_us(self.start),
            from_us(self.start + self.length),
            self.energy_mwh,
            CAUSE_WORDS[self.cause],
            self.ref,
            self.level,
            timedelta(microseconds=self.lit),
            _QUALITIES[self.quality],
        )

    def _amounts(self) -> tuple[int, int | None, int | None]:
        all_lit = self.length if self.level else 0
        return (
            self.energy_mwh,
            None if self.length == HOUR_US else self.length,
            None if self.lit == all_lit else self.lit,
        )


def row_of(entry: Entry, output_id: int, zone_id: int) -> EntryRow:
    """The row of an entry, the first of its moment."""
    return EntryRow(
        entry.energy_mwh,
        (entry.end - entry.start) // _MICROSECOND,
        entry.lit // _MICROSECOND,
        to_us(entry.start),
        output_id,
        zone_id,
        0,
        entry.level,
        _CAUSE_NUMBERS[entry.cause],
        _QUALITY_NUMBERS[entry.quality],
        entry.ref,
    )


def row_from(raw: tuple[Any, ...]) -> EntryRow:
    """The row with the values of COLUMNS."""
    energy, length, lit, quarter, output_id, start_us, zone_id, n, level, cause, quality, ref = raw
    if length is None:
        length = HOUR_US
    if lit is None:
        lit = length if level else 0
    start = quarter * QUARTER_US + start_us
    return EntryRow(energy, length, lit, start, output_id, zone_id, n, level, cause, quality, ref)


def bounds(start: datetime, end: datetime) -> dict[str, int]:
    """What `starts in [start, end)` is asked with."""
    first, first_us = divmod(to_us(start), QUARTER_US)
    last, last_us = divmod(to_us(end), QUARTER_US)
    return {"first": first, "first_us": first_us, "last": last, "last_us": last_us}
