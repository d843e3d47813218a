"""The alerter: sends what is due to staff.

It sleeps until the next delivery is due or a nudge, and polls nothing. It sends outside of any transaction, after it
has recorded that a try begins, and records how the try ended. So a crash in between, or a store that is away just then,
can send a message twice and loses none.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial

from service.domain.alert_rules import Group
from service.domain.words import AlertChannel
from service.errors import NotSentError, UnavailableError
from service.ports import Clock, Notify, Store
from service.usecases.alerting import Batch, compose, gather, next_due, settle

log = logging.getLogger(__name__)

_AT_ONCE = 8
"""Messages that are under way on one channel at the same time."""


class Alerter:
    """Sends alerts, each channel by its own way. `nudge` says that there are new ones; it returns at once.

    When a group's last message went out is known since the start of the program only: after a restart the next one may
    come sooner.
    """

    def __init__(self, store: Store, clock: Clock, ways: Mapping[AlertChannel, Notify]) -> None:
        """Prepare; nothing happens before `run`. Deliveries on a channel without a way wait."""
        self._store, self._clock, self._ways = store, clock, ways
        self._nudged = asyncio.Event()
        self._last: dict[Group, datetime] = {}
        self._sending: dict[AlertChannel, asyncio.Task[None]] = {}

    def nudge(self) -> None:
        """Look again when the next delivery is due."""
        self._nudged.set()

    async def run(self) -> None:
        """Send until cancelled. What an error interrupted is tried again after its pause."""
        try:
            while True:
                self._nudged.clear()
                until = await self._look()
                await self._clock.wait(self._nudged, until=until)
        finally:
            tasks, self._sending = list(self._sending.values()), {}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self) -> datetime | None:
        """Begin what is due on channels that are not busy; returns when to look again."""
        free = [channel for channel in self._ways if channel not in self._sending]
        now = self._clock.now()
        due = await self._store.read(lambda tx: next_due(tx, now, free))
        if due is None or due > now:
            return due
        batches = await self._store.write(lambda tx: gather(tx, now, free, self._last))
        for channel in {batch.group.channel for batch in batches}:
            mine = [batch for batch in batches if batch.group.channel is channel]
            self._sending[channel] = asyncio.create_task(self._send_all(channel, mine))
        return now

    async def _send_all(self, channel: AlertChannel, batches: list[Batch]) -> None:
        turns = asyncio.Semaphore(_AT_ONCE)
        try:
            await asyncio.gather(*(self._send(turns, batch) for batch in batches))
        finally:
            self._sending.pop(channel, None)
            self._nudged.set()

    async def _send(self, turns: asyncio.Semaphore, batch: Batch) -> None:
        name = f"Alerts of {batch.group.municipality} by {batch.group.channel}"
        try:
            async with turns:
                refusal = await self._refusal(batch)
            now = self._clock.now()
            if refusal is None:
                self._last[batch.group] = now
            settled = await self._store.write(partial(settle, batch=batch, now=now, refusal=refusal))
        except UnavailableError as error:
            log.warning("%s go out again, whether they did or not: %s", name, error)
            return
        except Exception:
            log.exception("%s broke; they go out again", name)
            return
        if settled.retried:
            log.warning("%s: %d not sent, tried again from %s on: %s", name, settled.retried, settled.again, refusal)
        if settled.given_up:
            log.error("%s: %d given up: %s", name, settled.given_up, refusal)

    async def _refusal(self, batch: Batch) -> NotSentError | None:
        """Why a batch was not taken; None when it was."""
        notice = await self._store.read(lambda tx: compose(tx, batch))
        try:
            await self._ways[batch.group.channel].send(notice)
        except NotSentError as error:
            return error
        except Exception as error:
            log.exception("The way by %s broke", batch.group.channel)
            return NotSentError(f"the way itself broke ({type(error).__name__})")
        return None
