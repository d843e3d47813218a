"""Housekeeping: what is due is found from stored state; APScheduler only wakes it."""

import logging
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from service.ports import Clock, Store, Tx

KEEP_ANSWERS = timedelta(hours=24)
KEEP_REPORT_KEYS = timedelta(days=2)
"""A report that comes later than this is late by its counters anyway."""

KEEP_FAULTS = timedelta(days=800)
"""Closed ones: two years and a bit show what comes back every autumn. Work at lamps is kept as long."""
KEEP_CONTACTS = timedelta(days=1)
"""Of a lock that ended: nobody is warned of it any more."""
KEEP_ALERTS = timedelta(days=90)

log = logging.getLogger(__name__)


class Housekeeping:
    """Deletes what has served its time. Light never depends on it."""

    def __init__(self, store: Store, clock: Clock, keep_presses: timedelta) -> None:
        """Prepare; nothing happens before `start`."""
        self._store, self._clock, self._keep_presses = store, clock, keep_presses
        self._presses_looked_at: datetime | None = None
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
        """Do all that is due by the clock; returns how many rows went."""
        now = self._clock.now()
        gone = await self._store.write(lambda tx: self._forget(tx, now))
        if gone:
            log.info("Housekeeping: deleted %d rows", gone)
        return gone

    def _forget(self, tx: Tx, now: datetime) -> int:
        gone = tx.forget(now - KEEP_ANSWERS, now - KEEP_REPORT_KEYS)
        if self._presses_looked_at is None or now - self._presses_looked_at >= timedelta(days=1):
            gone += tx.forget_presses(now - self._keep_presses)
            gone += tx.forget_faults(now - KEEP_FAULTS) + tx.forget_alerts(now - KEEP_ALERTS)
            gone += tx.forget_maintenance(now - KEEP_FAULTS)
            tx.forget_contacts(now - KEEP_CONTACTS)
            self._presses_looked_at = now
        return gone
