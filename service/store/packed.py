"""Coarse entries of a zone that differ in nothing but output and amounts, kept together in one row.

On PostgreSQL a row costs a hundred bytes before it says anything; a year of a hundred lamps would be half a million.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from operator import attrgetter
from typing import Any, NamedTuple

from service.store.entry_rows import QUARTER_US, EntryRow


class Kind(NamedTuple):
    """What the entries of a row have in common; `quarters` is how many their length is."""

    quarter: int
    zone_id: int
    quarters: int
    level: int
    cause: int
    quality: int

    @property
    def full(self) -> int:
        """The burning time of one that was lit all the time, in microseconds."""
        return self.quarters * QUARTER_US if self.level else 0


@dataclass(slots=True)
class Packed:
    """The entries of one kind, by output."""

    kind: Kind
    outputs: list[int]
    energies: list[int]
    lits: list[int]

    def rows(self) -> Iterable[EntryRow]:
        """The entries, one by one."""
        quarter, zone_id, quarters, level, cause, quality = self.kind
        start, length = quarter * QUARTER_US, quarters * QUARTER_US
        for output_id, energy, lit in self.items():
            yield EntryRow(energy, length, lit, start, output_id, zone_id, 0, level, cause, quality, None)

    def items(self) -> Iterable[tuple[int, int, int]]:
        """Output, energy and burning time of each."""
        return zip(self.outputs, self.energies, self.lits, strict=True)

    def raw(self) -> tuple[Any, ...]:
        """The row's values, in the table's order. Outputs are told by their steps, burning times by what is missing:
        small numbers pack well."""
        steps = [b - a for a, b in zip([0, *self.outputs], self.outputs, strict=False)]
        dark = [self.kind.full - lit for lit in self.lits]
        text = json.dumps([steps, self.energies, dark], separators=(",", ":"))
        return (sum(self.energies), *self.kind, zlib.compress(text.encode(), 9))


def kind_of(row: EntryRow) -> Kind | None:
    """The kind of an entry; None for one that is not coarse: with a lease, or not of whole quarters."""
    if row.ref is not None or row.start % QUARTER_US or row.length % QUARTER_US or not row.length:
        return None
    return Kind(row.start // QUARTER_US, row.zone_id, row.length // QUARTER_US, row.level, row.cause, row.quality)


def packed(kind: Kind, rows: Iterable[EntryRow]) -> Packed:
    """Entries of a kind together."""
    in_order = sorted(rows, key=attrgetter("output_id"))
    return Packed(
        kind,
        [row.output_id for row in in_order],
        [row.energy_mwh for row in in_order],
        [row.lit for row in in_order],
    )


def unpacked(raw: tuple[Any, ...]) -> Packed:
    """What `Packed.raw` wrote."""
    kind = Kind(*raw[1:7])
    steps, energies, dark = json.loads(zlib.decompress(raw[7]))
    return Packed(kind, list(accumulate(steps)), energies, [kind.full - part for part in dark])
