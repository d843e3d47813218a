"""Books energy by chance, and says by plain sums over entries what the ledger must say."""

import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from service.domain.entries import Entry, ZonedEntry, local_hours
from service.domain.inventory import Inventory, Municipality, OutputKey
from service.domain.periods import period_of
from service.domain.words import Cause, Period, Quality
from service.ports import Burnt, EnergySum, LedgerState, Store, Tx

Sums = Counter[tuple[datetime, str, Cause, Quality]]
EVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass
class Ledger:
    """The ledger of a municipality in a store, with all its outputs."""

    store: Store
    home: Municipality
    outputs: list[OutputKey]
    chance: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - the same every time

    async def book(self, *entries: Entry) -> None:
        """Book entries."""
        await self.store.write(lambda tx: tx.add_energy(entries))

    async def book_by_chance(self, start: datetime, end: datetime, count: int) -> None:
        """Some stretches of some minutes, anywhere in [start, end) and in no order, cut at local hours."""
        await self.book(*(entry for _ in range(count) for entry in self.stretch(start, end)))

    def stretch(self, start: datetime, end: datetime) -> list[Entry]:
        """A stretch by chance, cut at local hours."""
        pick = self.chance
        begin = start + pick.random() * (end - start)
        begin = begin.replace(microsecond=begin.microsecond // 1000 * 1000)
        until = begin + timedelta(milliseconds=pick.randint(1, 6_000_000))
        cuts = [begin, *local_hours(begin, until, self.home.place.tz), until]
        output, cause = pick.choice(self.outputs), pick.choice([Cause.PRESS, Cause.SCHEDULE, Cause.LOCAL, Cause.SAFETY])
        quality, level = pick.choice(list(Quality)), pick.choice([0, 40, 100])
        ref = "f" * 32 if cause is Cause.PRESS else None
        return [
            Entry(output, a, b, pick.randint(0, 50_000), cause, ref, level, b - a if level else timedelta(), quality)
            for a, b in itertools.pairwise(cuts)
        ]

    async def entries(self) -> list[ZonedEntry]:
        """All entries."""
        return await self.store.read(lambda tx: tx.entries(self.home.id, *EVER))

    async def truth(self, kind: Period, start: datetime = EVER[0], end: datetime = EVER[1]) -> Sums:
        """The sums of entries, of periods of a kind that begin in [start, end)."""
        found: Sums = Counter()
        for zone, entry in await self.entries():
            begun, _ = period_of(kind, entry.start, self.home.place.tz)
            if start <= begun < end:
                found[begun, zone, entry.cause, entry.quality] += entry.energy_mwh
        return Counter({key: energy for key, energy in found.items() if energy})

    async def rolled(self, kind: Period) -> list[EnergySum]:
        """Roll-ups as they stand."""
        return await self.store.read(lambda tx: tx.rolled(self.home.id, kind, *EVER))

    async def state(self) -> LedgerState:
        """How far forgetting has come."""
        return await self.store.read(lambda tx: tx.ledger_state(self.home.id))

    async def all(self) -> dict[str, Any]:
        """Everything that the ledger knows."""
        found: dict[str, Any] = {kind.value: await self.rolled(kind) for kind in Period}
        months = {row.start for row in await self.rolled(Period.MONTH)}
        days = [start.astimezone(UTC) + timedelta(days=1) for start in sorted(months)]
        found["burnt"] = await self.store.read(
            lambda tx: [burnt for day in days for burnt in tx.burnt_month(self.home.id, day.date().replace(day=1))]
        )
        found["state"], found["entries"] = await self.state(), sorted(map(repr, await self.entries()))
        found["stale"] = await self.store.read(lambda tx: tx.stale_hours(self.home.id))
        return found

    async def steps(self, step: Callable[[Tx], bool], most: int | None = None) -> int:
        """Take a step again and again until nothing is left to do, or so many times; returns how many."""
        done = 0
        while done != most:
            done += 1
            if not await self.store.write(step):
                break
        return done


async def ledger_of(store: Store, inventory: Inventory, tz: str, now: datetime) -> Ledger:
    """The ledger of a municipality that keeps the time of `tz`."""
    home = inventory.municipality
    moved = replace(inventory, municipality=replace(home, place=replace(home.place, tz=tz)))
    await store.write(lambda tx: tx.save_inventory(moved, now))
    outputs = [output.key for controller in inventory.controllers for output in controller.outputs]
    return Ledger(store, moved.municipality, outputs)


def as_sums(rows: list[EnergySum]) -> Sums:
    """What a reader told, by its key."""
    found: Sums = Counter({(row.start, row.zone, row.cause, row.quality): row.energy_mwh for row in rows})
    assert len(found) == len(rows)
    return found


def added(burnt: list[Burnt]) -> dict[tuple[OutputKey, int], tuple[timedelta, int]]:
    """What was burnt by output and level, without what is nothing."""
    found: dict[tuple[OutputKey, int], tuple[timedelta, int]] = {}
    for one in burnt:
        lit, energy = found.get((one.output, one.level), (timedelta(), 0))
        found[one.output, one.level] = lit + one.lit, energy + one.energy_mwh
    return {key: value for key, value in found.items() if value != (timedelta(), 0)}
