"""What the command line asks of the ledger."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from service.app.outside import clock_of
from service.app.simulating import require_database
from service.domain.inventory import Municipality
from service.domain.periods import label, periods
from service.domain.words import Period
from service.errors import UnknownError
from service.ports import Store
from service.settings import Settings
from service.store import open_store
from service.usecases.coarsening import hours_at_once
from service.usecases.rollups import rebuild_hours, rebuild_month, rebuildable, roll_up


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was rolled up anew in a municipality: how many hours, from which month on (YYYY-MM), and how many sums of
    hours, days, nights and months had to be set right."""

    municipality: str
    hours: int
    since: str
    mended: int


def rebuild_energy(settings: Settings, municipality: str | None = None) -> list[Rebuilt]:
    """Roll up anew what entries are there for, of one municipality or all. UnknownError for one that is not there."""
    require_database(settings.database_url)
    return asyncio.run(_rebuild_all(settings, municipality))


async def _rebuild_all(settings: Settings, municipality: str | None) -> list[Rebuilt]:
    store = open_store(settings.database_url)
    try:
        homes = await store.read(lambda tx: tx.municipalities())
        chosen = [home for home in homes if municipality in (None, home.id)]
        if municipality is not None and not chosen:
            known = ", ".join(home.id for home in homes) or "none"
            raise UnknownError(f"--municipality {municipality}: there is none of this id; there are: {known}.")
        return [await rebuild(store, home, clock_of(settings).now()) for home in chosen]
    finally:
        await store.close()


async def rebuild(store: Store, home: Municipality, now: datetime) -> Rebuilt:
    """Roll up a municipality's energy anew in short transactions, beside a running service or without one."""
    controllers = await store.read(lambda tx: tx.controllers(home.id))
    at_once = hours_at_once(sum(len(controller.outputs) for controller in controllers))
    while await store.write(partial(roll_up, home=home, most_hours=at_once)):
        pass
    months = await store.read(lambda tx: rebuildable(tx, home, now))
    done = mended = 0
    for start, end in months:
        hours = list(periods(Period.HOUR, start, end, home.place.tz))
        for n in range(0, len(hours), at_once):
            some = hours[n : n + at_once]
            mended += await store.write(partial(rebuild_hours, home=home, hours=some))
        mended += await store.write(partial(rebuild_month, home=home, start=start))
        done += sum(hour < now for hour, _ in hours)
    since = label(Period.MONTH, months[0][0] if months else now, home.place.tz)
    return Rebuilt(home.id, done, since, mended)
