"""Whatever becomes of reports on their way, and whatever meters do: what is booked is what they went on, to the mWh."""

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.dimming import share
from service.domain.inventory import ControllerKey, Inventory
from service.domain.reports import MeterReading, OutputReport, Report
from service.domain.words import Cause
from service.store import SqlStore, open_store
from service.usecases.record import record
from tests.unit.villages import leck, utc
from tests.usecases.acting import Village

CABINET = ControllerKey("leck", "cabinet-1")
BEGINS = utc("2026-11-20T20:00:00")
NUMBERS = count()


class Happening(NamedTuple):
    """What happens until the next report: so long, levels and cause from then on, what the meter does, and what
    becomes of the report."""

    seconds: int
    levels: tuple[int, int]
    cause: Cause
    meter: str
    fate: str
    parts: tuple[int, ...]


HAPPENINGS = st.lists(
    st.builds(
        Happening,
        st.integers(0, 3 * 3600),
        st.tuples(st.sampled_from([0, 100]), st.sampled_from([0, 10, 50, 90])),
        st.sampled_from([Cause.SCHEDULE, Cause.PRESS, Cause.LOCAL]),
        st.sampled_from(["runs", "runs", "runs", "resets", "jumps", "silent"]),
        st.sampled_from(["arrives", "arrives", "lost", "doubled", "late", "restarted", "lagging"]),
        st.sampled_from([(1, 2), (1, 2), (1, 2), (1,), (2,)]),
    ),
    max_size=14,
)


@dataclass
class Pole:
    """A cabinet with a meter over two outputs."""

    inventory: Inventory
    total: float = 5_000.0
    boot: int = 1
    seq: int = 0
    levels: tuple[int, int] = (0, 0)

    def burns(self, seconds: int) -> None:
        """Let the lamps draw for a while."""
        outputs = self.inventory.controllers[0].outputs
        watts = sum(output.watts * share(level) for output, level in zip(outputs, self.levels, strict=True))
        self.total += watts * seconds / 3600

    def says(self, one: Happening, now_s: int) -> Report:
        """The next report."""
        self.seq += 1
        at = BEGINS + timedelta(seconds=now_s - (90 if one.fate == "lagging" else 0))
        meters = {} if one.meter == "silent" else {1: MeterReading(0.0, 230.0, round(self.total * 1000), (1, 2))}
        levels = dict(enumerate(self.levels, start=1))
        return Report(
            CABINET, 1, 1, 1, self.boot, self.seq, at,
            {n: OutputReport(levels[n], one.cause) for n in one.parts}, meters, 1000, "pole",
        )  # fmt: skip


async def play(store: SqlStore, happenings: Sequence[Happening]) -> tuple[int, int]:
    """What was booked, and what of the meter's advances was told and could be true."""
    await store.write(lambda tx: tx.forget_controller(CABINET))
    village, pole = Village(store, "leck", BEGINS), Pole(leck())
    before = sum(entry.energy_mwh for entry in await village.entries())
    told: list[Report] = []
    held: list[Report] = []
    now_s = 0
    for one in [Happening(0, (0, 0), Cause.SCHEDULE, "runs", "arrives", (1, 2)), *happenings]:
        now_s += one.seconds
        pole.burns(one.seconds)
        pole.levels = one.levels
        pole.total = {"resets": 0.0, "jumps": pole.total + 90_000_000.0}.get(one.meter, pole.total)
        if one.fate == "restarted":
            pole.boot, pole.seq = pole.boot + 1, 0
        said = pole.says(one, now_s)
        arriving = {"lost": [], "doubled": [said, said], "late": []}.get(one.fate, [said])
        now = BEGINS + timedelta(seconds=now_s)
        batch = [*arriving, *held]
        held = [said] if one.fate == "late" else []
        told += batch
        await store.write(lambda tx, batch=batch, now=now: record(tx, batch, now, 1.0))  # type: ignore[misc]
    after = sum(entry.energy_mwh for entry in await village.entries())
    return after - before, advances(told)


def advances(told: Sequence[Report]) -> int:
    """What the meter went on between the reports that were heard, jumps left out that no lamp can draw."""
    total = 0
    last: int | None = None
    newest = (0, 0)
    for report in told:
        reading = report.meters.get(1)
        if (report.boot, report.seq) <= newest:
            continue
        newest = (report.boot, report.seq)
        if reading is None:
            continue
        if last is not None:
            advance = reading.total_mwh - last if reading.total_mwh >= last else reading.total_mwh
            total += advance if advance < 80_000_000_000 else 0
        last = reading.total_mwh
    return total


@pytest.fixture(scope="module")
def ledger(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that knows Leck, to copy."""
    path = tmp_path_factory.mktemp("properties") / "leck.db"
    shutil.copy(migrated, path)

    async def fill() -> None:
        store = open_store(f"sqlite:///{path}")
        await store.write(lambda tx: tx.save_inventory(leck(), BEGINS))
        await store.close()

    asyncio.run(fill())
    return path


@settings(max_examples=40, deadline=None)
@given(HAPPENINGS)
def test_what_is_booked_is_what_the_meter_went_on(ledger: Path, happenings: list[Happening]) -> None:
    async def run() -> tuple[int, int]:
        copy = ledger.with_name(f"{next(NUMBERS)}.db")
        shutil.copy(ledger, copy)
        store = open_store(f"sqlite:///{copy}")
        try:
            return await play(store, happenings)
        finally:
            await store.close()
            copy.unlink()

    booked, went_on = asyncio.run(run())
    assert booked == went_on


@settings(max_examples=25, deadline=None)
@given(HAPPENINGS)
def test_without_a_meter_no_second_is_counted_twice(ledger: Path, happenings: list[Happening]) -> None:
    async def run() -> list[tuple[float, float]]:
        copy = ledger.with_name(f"{next(NUMBERS)}.db")
        shutil.copy(ledger, copy)
        store = open_store(f"sqlite:///{copy}")
        inventory = leck()
        bare = replace(inventory, controllers=(replace(inventory.controllers[0], meters=()),))
        try:
            await store.write(lambda tx: tx.save_inventory(bare, BEGINS))
            await play(store, [one._replace(meter="silent") for one in happenings])
            entries = await Village(store, "leck", BEGINS).entries()
        finally:
            await store.close()
            copy.unlink()
        spans: dict[int, list[tuple[float, float]]] = {}
        lit: dict[int, timedelta] = {}
        for entry in entries:
            lit[entry.output.n] = lit.get(entry.output.n, timedelta()) + entry.lit
            spans.setdefault(entry.output.n, []).append((entry.start.timestamp(), entry.end.timestamp()))
        return [
            (lit[n].total_seconds(), max(end for _, end in own) - min(start for start, _ in own))
            for n, own in spans.items()
        ]

    for lit, passed in asyncio.run(run()):
        assert lit <= passed + 1e-6
