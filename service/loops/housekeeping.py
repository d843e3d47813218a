"""Housekeeping: what is due is found from stored state; APScheduler only wakes it."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from service.domain.inventory import Controller, Municipality
from service.domain.words import FaultKind
from service.ports import Clock, Store, Tx
from service.usecases.coarsening import coarsen_entries, coarsen_states, exact_from, hours_at_once
from service.usecases.forgetting import forget_entries, kept_since
from service.usecases.rollups import roll_up

KEEP_ANSWERS = timedelta(hours=24)
KEEP_FAULTS = timedelta(days=800)
"""Closed ones: two years and a bit show what comes back every autumn. Work at lamps is kept as long."""
KEEP_CONTACTS = timedelta(days=1)
"""Of a lock that ended: nobody is warned of it any more."""
KEEP_ALERTS = timedelta(days=90)
METER_TRUSTED_AGAIN = timedelta(days=1)
"""So long a meter must have said nothing that cannot be."""
_CONTROLLERS_AT_ONCE = 100

log = logging.getLogger(__name__)


class Housekeeping:
    """Keeps the ledger's roll-ups, and deletes or coarsens what has served its time. Light never depends on it."""

    def __init__(self, store: Store, clock: Clock, keep_presses: timedelta, exact_nights: int = 14) -> None:
        """Prepare; nothing happens before `start`. What shows when somebody pressed is exact for `exact_nights`."""
        self._store, self._clock, self._keep_presses = store, clock, keep_presses
        self._exact_nights = exact_nights
        self._presses_looked_at: datetime | None = None
        self._coarse_until: datetime | None = None
        self._scheduler = AsyncIOScheduler(timezone="UTC")

    def start(self) -> None:
        """Wake up every ten minutes, and once now."""
        self._scheduler.add_job(self.run_due, "interval", minutes=10, misfire_grace_time=None, coalesce=True)
        self._scheduler.add_job(self.run_due)
        self._scheduler.start()

    def stop(self) -> None:
        """Wake up no more."""
        self._scheduler.shutdown(wait=False)

    async def run_due(self) -> int:
        """Do all that is due by the clock, in short transactions that let others between; returns how many rows went.

        Each takes up what is stored as the one before left it, so that nothing is lost where it ends half-way."""
        now = self._clock.now()
        gone = await self._store.write(lambda tx: self._forget(tx, now))
        if gone:
            log.info("Housekeeping: deleted %d rows", gone)
        homes = await self._store.read(lambda tx: tx.municipalities())
        for home in homes:
            await self._keep_ledger(home, now)
        if homes:
            await self._coarsen(homes, min(exact_from(home, now, self._exact_nights) for home in homes))
        return gone

    async def _keep_ledger(self, home: Municipality, now: datetime) -> None:
        controllers = await self._controllers(home)
        outputs = [output.key for controller in controllers for output in controller.outputs]
        hours = hours_at_once(len(outputs))
        exact, kept = exact_from(home, now, self._exact_nights), kept_since(home, now)
        for step in (
            partial(roll_up, home=home, most_hours=hours),
            partial(coarsen_entries, home=home, before=exact, most_hours=hours),
            partial(forget_entries, home=home, outputs=outputs, before=kept, most_hours=hours),
        ):
            while await self._store.write(step):
                pass

    async def _coarsen(self, homes: Sequence[Municipality], before: datetime) -> None:
        """Coarsen presses, and what is known of controllers."""
        if self._coarse_until == before:
            return
        await self._store.write(lambda tx: tx.coarsen_presses(before))
        for home in homes:
            controllers = await self._controllers(home)
            for n in range(0, len(controllers), _CONTROLLERS_AT_ONCE):
                some = controllers[n : n + _CONTROLLERS_AT_ONCE]
                await self._store.write(partial(coarsen_states, controllers=some, before=before))
        self._coarse_until = before

    async def _controllers(self, home: Municipality) -> list[Controller]:
        return await self._store.read(lambda tx: tx.controllers(home.id))

    def _forget(self, tx: Tx, now: datetime) -> int:
        gone = tx.forget(now - KEEP_ANSWERS)
        tx.forget_signals(FaultKind.METER_NOT_PLAUSIBLE, now - METER_TRUSTED_AGAIN)
        if self._presses_looked_at is None or now - self._presses_looked_at >= timedelta(days=1):
            gone += tx.forget_presses(now - self._keep_presses)
            gone += tx.forget_faults(now - KEEP_FAULTS) + tx.forget_alerts(now - KEEP_ALERTS)
            gone += tx.forget_maintenance(now - KEEP_FAULTS)
            tx.forget_contacts(now - KEEP_CONTACTS)
            self._presses_looked_at = now
        return gone
