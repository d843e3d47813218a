"""Sums over coarse entries as they lie packed: a year of a hundred lamps, without a million entries in between."""

import json
import zlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from itertools import accumulate


def sums_of(outputs: Collection[int], rows: Iterable[tuple[int, int, bytes]]) -> Counter[int]:
    """The energy (mWh) of some outputs by quality; rows as they lie in their table: quality, energy and entries.

    Rows whose outputs are all wanted, or none, are not read further. The numbers of the others are read at once for
    all rows of the same outputs: one by one would take five times as long."""
    found: Counter[int] = Counter()
    parts: dict[tuple[int, bytes], list[bytes]] = defaultdict(list)
    wanted: dict[bytes, list[bool]] = {}
    for quality, energy, entries in rows:
        steps, rest = zlib.decompress(entries)[1:].split(b"]", 1)
        of = wanted.get(steps)
        if of is None:
            of = wanted[steps] = [output in outputs for output in accumulate(json.loads(steps + b"]"))]
        if all(of):
            found[quality] += energy
        elif any(of):
            parts[quality, steps].append(rest[2 : rest.index(b"]")])
    for (quality, steps), texts in parts.items():
        of, energies = wanted[steps], json.loads(b"[" + b",".join(texts) + b"]")
        found[quality] += sum(sum(energies[n :: len(of)]) for n, own in enumerate(of) if own)
    return found
