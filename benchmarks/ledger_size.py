"""How many MB the ledger of a hundred luminaires takes in a year, on SQLite and on PostgreSQL. No broker, no rush.

Each night is booked in two halves of every hour, as if reports had brought it, so that rows are extended like those in
use. The service's own housekeeping keeps the roll-ups, and makes coarse what is older than 14 nights.
"""

import asyncio
import itertools
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text

from service.domain.entries import Entry, local_hours
from service.domain.inventory import Controller, ControllerKey, Inventory, Lamp, Meter, MeterKey, Output, OutputKey
from service.domain.leases import Lease
from service.domain.sun import night
from service.domain.words import Cause, Channel, Quality
from service.ports import PressRecord, Tx
from service.store import SqlStore, migrate, open_store
from service.usecases.coarsening import coarsen_entries, exact_from
from service.usecases.rollups import roll_up
from tests.support.broker_process import ROOT
from tests.support.postgres import Postgres, running_postgres
from tests.unit.villages import glasau

CONTROLLERS, WATTS = 100, 30
FIRST, NIGHTS = date(2026, 1, 1), 365
EXACT_NIGHTS = 14
TARGET_MB = 50.0

_DAY = timedelta(days=1)
_DARK = time(0, 30), time(5, 30)
_LASTS = timedelta(minutes=15)
_MILLISECOND = timedelta(milliseconds=1)
_MANY = 10_000
_CLEAN_UP = 14
"""Nights after which PostgreSQL's autovacuum would have come by."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a year of a village takes in a database, in MB; of tables only those that matter. `packed` is the SQLite
    file after VACUUM."""

    village: str
    database: str
    entries: int
    mb: float
    packed: float | None
    tables: dict[str, float]


@dataclass(frozen=True, slots=True)
class Light:
    """A stretch of light of all lamps, and why; `ref` is the lease."""

    start: datetime
    end: datetime
    cause: Cause
    ref: str | None = None


def sizes(nights: int = NIGHTS) -> Iterator[Size]:
    """Measure both villages on both databases; PostgreSQL where it is installed."""
    for village, presses in (("all night", None), ("dark 00:30-05:30, 3 presses", 3)):
        (ROOT / "data").mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "data") as folder:
            yield _sqlite(village, Path(folder) / "size.db", presses, nights)
        try:
            with running_postgres(durable=False) as server:
                yield _postgresql(village, server, presses, nights)
        except pytest.skip.Exception as error:
            print(error)


def table(found: Size) -> str:
    """A size as text."""
    parts = ", ".join(f"{name} {mb:.1f}" for name, mb in found.tables.items())
    packed = "" if found.packed is None else f" ({found.packed:.1f} after VACUUM)"
    met = "met" if found.mb < TARGET_MB else "missed"
    return (
        f"{found.village}, {found.database}: {found.mb:.1f} MB{packed}   < {TARGET_MB:g}: {met}\n"
        f"    {found.entries} entries; {parts}"
    )


def _sqlite(village: str, file: Path, presses: int | None, nights: int) -> Size:
    url = f"sqlite:///{file}"
    entries = asyncio.run(_live(url, presses, nights))
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        ask = "SELECT name, SUM(pgsize) FROM dbstat GROUP BY name"
        tables: dict[str, int] = dict(connection.execute(text(ask)).tuples().all())
        before = file.stat().st_size
        connection.execute(text("VACUUM"))
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    engine.dispose()
    return Size(village, "SQLite", entries, before / 1e6, file.stat().st_size / 1e6, _largest(tables))


def _postgresql(village: str, server: Postgres, presses: int | None, nights: int) -> Size:
    with server.database() as url:
        entries = asyncio.run(_live(url, presses, nights))
        engine = create_engine(url)
        with engine.connect() as connection:
            ask = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"
            tables: dict[str, int] = dict(connection.execute(text(ask)).tuples().all())
        engine.dispose()
    return Size(village, "PostgreSQL", entries, sum(tables.values()) / 1e6, None, _largest(tables))


def _largest(tables: dict[str, int]) -> dict[str, float]:
    """The five largest, in MB."""
    return {name: size / 1e6 for name, size in sorted(tables.items(), key=lambda one: -one[1])[:5]}


async def _live(url: str, presses: int | None, nights: int) -> int:
    """A year of a village; returns how many entries it had."""
    entries = 0
    migrate(url)
    store = open_store(url)
    village = _village()
    chance = random.Random(1)  # noqa: S311 - no secret
    await store.write(lambda tx: tx.save_inventory(village, datetime(2026, 1, 1, tzinfo=UTC)))
    for n in range(nights):
        day = FIRST + n * _DAY
        lights = list(_lights(day, presses, chance))
        entries += await _night(store, village, lights, chance)
        await _keep_house(store, village, datetime.combine(day + _DAY, time(13), UTC))
        if n % _CLEAN_UP == 0:
            _clean_up(url)
    await store.close()
    return entries


def _village() -> Inventory:
    """Luminaires of one lamp, in three zones."""
    home = glasau()
    controllers, lamps = [], []
    for n in range(CONTROLLERS):
        key = ControllerKey(home.municipality.id, f"lamp-{n}")
        output = OutputKey(*key, 1)
        own = Output(output, home.zones[n % 3].key.zone, watts=WATTS)
        controllers.append(Controller(key, "luminaire", f"Mast {n}", (own,), (Meter(MeterKey(*key, 1), (1,)),)))
        lamps.append(Lamp(f"l-{n}", output, WATTS, 54.0, 10.5, str(n)))
    return replace(home, controllers=tuple(controllers), lamps=tuple(lamps))


def _lights(day: date, presses: int | None, chance: random.Random) -> Iterator[Light]:
    """The light of the night of the evening of `day`: all night, or with presses in its dark window."""
    place = glasau().municipality.place
    sun = night(place, day)
    if presses is None:
        yield Light(sun.sunset, sun.sunrise, Cause.SCHEDULE)
        return
    dark, lit = (datetime.combine(day + _DAY, at, ZoneInfo(place.tz)).astimezone(UTC) for at in _DARK)
    yield Light(sun.sunset, dark, Cause.SCHEDULE)
    apart = (lit - dark) / presses
    for n in range(presses):
        start = (
            dark + n * apart + timedelta(milliseconds=chance.randrange(int((apart - _LASTS).total_seconds()) * 1000))
        )
        yield Light(start, start + _LASTS, Cause.PRESS, f"{chance.getrandbits(128):032x}")
    if lit < sun.sunrise:
        yield Light(lit, sun.sunrise, Cause.SCHEDULE)


async def _night(store: SqlStore, village: Inventory, lights: list[Light], chance: random.Random) -> int:
    """Book the halves of all hours of some lights, and keep the presses; returns how many entries that makes."""
    halves: tuple[list[Entry], list[Entry]] = [], []
    for light in lights:
        edges = [light.start, *local_hours(light.start, light.end, village.municipality.place.tz), light.end]
        for start, end in itertools.pairwise(edges):
            middle = start + (end - start) / 2
            for controller in village.controllers:
                output = controller.outputs[0].key
                halves[0].append(_entry(output, start, middle, light, chance))
                halves[1].append(_entry(output, middle, end, light, chance))

    zones = tuple(zone.key for zone in village.zones)

    def begin(tx: Tx) -> None:
        for light in lights:
            if light.ref is not None:
                tx.add_lease(Lease(light.ref, zones[0], zones, light.start, light.end, 100), CONTROLLERS)
                tx.add_press(PressRecord(light.ref[::-1], zones[0], light.start, Channel.WEB, None, light.ref))
        tx.add_energy(halves[0])

    await store.write(begin)
    await store.write(lambda tx: tx.add_energy(halves[1]))
    return len(halves[0])


def _entry(output: OutputKey, start: datetime, end: datetime, light: Light, chance: random.Random) -> Entry:
    used = round((end - start) / timedelta(hours=1) * WATTS * 1000 * (0.97 + 0.06 * chance.random()))
    return Entry(output, start, end, used, light.cause, light.ref, 100, end - start, Quality.MEASURED)


async def _keep_house(store: SqlStore, village: Inventory, now: datetime) -> None:
    """What the service does every noon."""
    home = village.municipality
    before = exact_from(home, now, EXACT_NIGHTS)
    while await store.write(lambda tx: roll_up(tx, home, _MANY)):
        pass
    while await store.write(lambda tx: coarsen_entries(tx, home, before, 48)):
        pass
    await store.write(lambda tx: tx.coarsen_presses(before))


def _clean_up(url: str) -> None:
    if url.startswith("postgresql"):
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("VACUUM"))
        engine.dispose()
