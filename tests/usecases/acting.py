"""Plays the parts around the use cases: a resident who presses, controllers that report, time that passes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from service.domain.entries import Entry
from service.domain.inventory import ControllerKey, ZoneKey
from service.domain.leases import Progress
from service.domain.reports import Message, MeterReading, OutputReport, Report, Status
from service.domain.words import Cause, Channel
from service.ports import Answer, Store
from service.usecases.conduct import Conducted, conduct, conduct_zones
from service.usecases.look import ZoneView, look_at_zones
from service.usecases.press import Pressed, Surroundings, press
from service.usecases.record import Recorded, record


@dataclass
class Village:
    """A municipality in a store, and a clock whose hands the test turns."""

    store: Store
    id: str
    now: datetime
    speed: float = 1.0
    connected: bool = True
    seqs: dict[str, int] = field(default_factory=dict)

    def later(self, **by: float) -> None:
        """Turn the clock's hands."""
        self.now += timedelta(**by)

    async def press(self, zone: str, key: str | None = None) -> dict[str, Any]:
        """Press; the answer as the edge would keep it: granted or refused."""
        around = Surroundings(self.now, self.speed, self.connected, Channel.WEB)

        def answer(pressed: Pressed) -> Answer:
            if pressed.lease is not None:
                lease = pressed.lease
                body = {"lease": lease.id, "until": lease.until.isoformat(), "total": pressed.outputs_total}
                return Answer(201, json.dumps(body))
            assert pressed.refused is not None
            retry_at = pressed.refused.retry_at
            body = {"reason": pressed.refused.reason.value, "retry_at": retry_at and retry_at.isoformat()}
            return Answer(409, json.dumps(body))

        zone_key = ZoneKey(self.id, zone)
        given = await self.store.write(lambda tx: press(tx, zone_key, around, key, answer))
        body: dict[str, Any] = json.loads(given.body)
        return {"status": given.status, **body}

    async def conduct(self, *zones: str, again: bool = False) -> Conducted:
        """What the conductor does when it is nudged for zones, or for everything."""
        keys = frozenset(ZoneKey(self.id, zone) for zone in zones)
        if zones:
            return await self.store.write(lambda tx: conduct_zones(tx, self.id, keys, self.now, self.speed))
        return await self.store.write(lambda tx: conduct(tx, self.id, self.now, self.speed, again=again))

    async def say(self, *messages: Message) -> Recorded:
        """Messages arrive."""
        return await self.store.write(lambda tx: record(tx, messages, self.now, self.speed))

    async def entries(self) -> list[Entry]:
        """All that was booked, by start."""
        ever = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
        return [row.entry for row in await self.store.read(lambda tx: tx.entries(self.id, *ever))]

    async def look(self, zone: str) -> ZoneView:
        """What is shown of a zone."""
        found = await self.store.read(
            lambda tx: look_at_zones(tx, self.id, [zone], self.now, self.speed, self.connected)
        )
        return found[0]

    async def progress(self, lease: str) -> Progress:
        """How far a lease has come."""
        found = await self.store.read(lambda tx: tx.lease(lease))
        assert found is not None
        return found[1]

    def status(self, controller: str, *, online: bool = True, session: int = 1, retained: bool = False) -> Status:
        """A birth or a will."""
        return Status(ControllerKey(self.id, controller), online, session, retained)

    def report(  # every part of a report that a test may want to bend
        self,
        controller: str,
        levels: Mapping[int, int],
        *,
        cause: Cause = Cause.SCHEDULE,
        plan_n: int = 1,
        desired_n: int = 1,
        session: int = 1,
        boot: int = 1,
        seq: int | None = None,
        wh: float | None = None,
        watts: float = 0.0,
        at: datetime | None = None,
        retained: bool = False,
    ) -> Report:
        """A report with one meter over the given outputs, if `wh` is given."""
        number = self.seqs.get(controller, 0) + 1 if seq is None else seq
        self.seqs[controller] = number
        meters = {} if wh is None else {1: MeterReading(watts, 230.0, round(wh * 1000), tuple(levels))}
        return Report(
            controller=ControllerKey(self.id, controller),
            plan_n=plan_n,
            desired_n=desired_n,
            session=session,
            boot=boot,
            seq=number,
            at=at or self.now,
            outputs={n: OutputReport(level, cause) for n, level in levels.items()},
            meters=meters,
            uptime_ms=1000,
            fw="test",
            retained=retained,
        )
