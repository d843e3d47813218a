"""What a year of a town costs to ask for: 1,400 lamps in 20 zones, from roll-ups on SQLite. No broker."""

import asyncio
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from service.domain.inventory import EmissionFactor, Inventory, Municipality, Price, Zone, ZoneKey
from service.domain.periods import midnight, periods
from service.domain.words import Cause, Period, Quality
from service.ports import EnergySum, Tx
from service.store import SqlStore, migrate, open_store
from service.usecases.energy import By, council_energy
from tests.support.broker_process import ROOT
from tests.unit.villages import luetjenholm

LAMPS, ZONES = 1400, 20
WATTS = 30
TARGET_MS = 200.0
YEAR = 2025
CHANGE = date(YEAR, 6, 15)
"""When the price of energy changes: for the days and hours around it shorter roll-ups are read."""
_ROUNDS = 5
_DAY = timedelta(days=1)
_PARTS = (
    (Cause.SCHEDULE, Quality.MEASURED, 90),
    (Cause.PRESS, Quality.MEASURED, 8),
    (Cause.SCHEDULE, Quality.INTERPOLATED, 1),
    (Cause.FAILSAFE, Quality.COMPUTED, 1),
)
"""What a zone's energy of any period is made of, and how much of it each is, in percent."""


@dataclass(frozen=True, slots=True)
class Asking:
    """The median and the worst of some answers, in milliseconds, and how many parts they had."""

    by: str
    median_ms: float
    worst_ms: float
    parts: int

    @property
    def met(self) -> bool:
        """Whether it stays under its target."""
        return self.median_ms < TARGET_MS


def measure() -> list[Asking]:
    """Fill a year and ask for it: some seconds. Of hours only those that are read: they are not in the others' way."""
    (ROOT / "data").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "data") as name:
        return asyncio.run(_measure(Path(name)))


def table(found: list[Asking]) -> str:
    """The answers as text."""
    head = f"A year of {LAMPS:,} lamps in {ZONES} zones, from roll-ups on SQLite, the price changed in June:"
    rows = [
        f"  by {row.by:12}{row.median_ms:9.1f} ms   worst {row.worst_ms:7.1f} ms   {row.parts:4} parts"
        f"   < {TARGET_MS:g} ms: {'met' if row.met else 'missed'}"
        for row in found
    ]
    return "\n".join([head, *rows])


async def _measure(folder: Path) -> list[Asking]:
    url = f"sqlite:///{folder / 'town.db'}"
    await asyncio.to_thread(migrate, url)
    store = open_store(url)
    try:
        home = await store.write(_fill)
        now = midnight(date(YEAR + 1, 3, 1), home.place.tz)
        return [await _ask(store, by, now) for by in (By.CAUSE, By.ZONE, By.NIGHT, By.MONTH)]
    finally:
        await store.close()


async def _ask(store: SqlStore, by: By, now: datetime) -> Asking:
    """Nights from noon to noon: neither ends where a month does, so that no answer is cheaper than it may be."""
    first, last = date(YEAR, 1, 2), date(YEAR + 1, 1, 1)
    times = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        account = await store.read(lambda tx: council_energy(tx, "town", first, last, None, by, now))
        times.append((time.perf_counter() - began) * 1000)
    return Asking(by.value, sorted(times)[_ROUNDS // 2], max(times), len(account.parts))


def _fill(tx: Tx) -> Municipality:
    town = _town()
    tx.save_inventory(town, midnight(date(YEAR, 1, 1), town.municipality.place.tz))
    tz = town.municipality.place.tz
    year = midnight(date(YEAR, 1, 1), tz), midnight(date(YEAR + 1, 1, 3), tz)
    change = midnight(CHANGE - 2 * _DAY, tz), midnight(CHANGE + 2 * _DAY, tz)
    edges = (year[0], year[0] + 2 * _DAY), (year[1] - 2 * _DAY, year[1])
    for kind in (Period.MONTH, Period.NIGHT, Period.DAY):
        _roll(tx, town, kind, *year)
    for stretch in (change, *edges):
        _roll(tx, town, Period.HOUR, *stretch)
    return town.municipality


def _roll(tx: Tx, town: Inventory, kind: Period, start: datetime, end: datetime) -> None:
    for begun, ended in periods(kind, start, end, town.municipality.place.tz):
        tx.set_rolled("town", kind, begun, _sums(town, begun, ended))


def _sums(town: Inventory, start: datetime, end: datetime) -> list[EnergySum]:
    lit = min((end - start) / timedelta(days=1) * 11, (end - start) / timedelta(hours=1))
    zone_mwh = round(LAMPS / ZONES * WATTS * lit * 1000)
    return [
        EnergySum(start, zone.key.zone, cause, quality, zone_mwh * percent // 100)
        for zone in town.zones
        for cause, quality, percent in _PARTS
    ]


def _town() -> Inventory:
    """Zones alone: nothing is read of the lamps themselves."""
    village = luetjenholm()
    home = replace(
        village.municipality,
        id="town",
        name="Town",
        prices=(
            Price(date(YEAR - 1, 1, 1), Decimal("0.30"), "assumed"),
            Price(CHANGE, Decimal("0.35"), "assumed"),
        ),
        emission_factors=(EmissionFactor(date(YEAR - 1, 1, 1), 363, "assumed"),),
    )
    rulebook = village.zones[0].rulebook
    zones = tuple(Zone(ZoneKey("town", f"zone-{n:02}"), f"Zone {n}", rulebook) for n in range(1, ZONES + 1))
    return Inventory(home, zones, (), ())
