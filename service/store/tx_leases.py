"""Leases and kept answers."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Integer,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    type_coerce,
    update,
)

from service.domain.inventory import ZoneKey
from service.domain.leases import Alike, Lease, Progress, Span
from service.domain.orders import MAX_STEPS
from service.domain.words import LeaseState
from service.ports import Answer
from service.store import tables
from service.store.columns import UtcTime
from service.store.tables import table
from service.store.tx_base import AnyRow, AnySelect, BaseTx, municipality, zone

lease_table = table(tables.LeaseRow)
answer_table = table(tables.AnswerRow)
probe = table(tables.ProbeRow)

_at = bindparam("at", type_=UtcTime)
_MINUTE = 60_000_000
_ALL = 2**31 - 1
_LONGER_THAN_A_LEASE = timedelta(days=1)

_LEASES: AnySelect = (
    select(
        lease_table.c.public_id,
        municipality.c.slug.label("municipality"),
        zone.c.slug.label("zone"),
        lease_table.c.lights,
        lease_table.c.start_at,
        lease_table.c.until_at,
        lease_table.c.level,
        lease_table.c.warn,
        lease_table.c.state,
        lease_table.c.confirmed,
        lease_table.c.total,
        lease_table.c.ordered_at,
    )
    .select_from(lease_table)
    .join(zone, zone.c.id == lease_table.c.zone_id)
    .join(municipality, municipality.c.id == zone.c.municipality_id)
)
_LEASE = _LEASES.where(lease_table.c.public_id == bindparam("lease"))
_lease_of = zone.join(municipality).join(lease_table, lease_table.c.zone_id == zone.c.id)
_running = and_(
    municipality.c.slug == bindparam("municipality"),
    lease_table.c.until_at > _at,
    # All states by name, which leaves nothing out, so that the index is searched by its second column, too.
    lease_table.c.state.in_([literal_column(f"'{state.value}'") for state in LeaseState]),
)
_alike = (
    lease_table.c.zone_id,
    lease_table.c.lights,
    lease_table.c.level,
    lease_table.c.warn,
    lease_table.c.state,
)
_GROUPS = (
    select(
        *_alike,
        func.max(lease_table.c.start_at, type_=UtcTime).label("last_start"),
        func.max(lease_table.c.until_at, type_=UtcTime).label("end"),
        func.count().label("count"),
    )
    .select_from(_lease_of)
    .where(_running)
    .group_by(*_alike)
)
_GROUP = _LEASES.where(
    lease_table.c.zone_id == bindparam("zone_id"),
    lease_table.c.lights == bindparam("lights"),
    lease_table.c.level == bindparam("level"),
    lease_table.c.warn == bindparam("warn"),
    lease_table.c.state == bindparam("state"),
)
_FIRST_TO_END = (
    _GROUP.where(lease_table.c.until_at > _at)
    .order_by(lease_table.c.until_at, lease_table.c.id)
    .limit(bindparam("first", type_=Integer))
)
_LAST_TO_END = _GROUP.where(lease_table.c.until_at == _at).order_by(lease_table.c.id.desc()).limit(1)
_minute = type_coerce(lease_table.c.start_at, BigInteger).op("/")(
    literal_column(str(_MINUTE))
)  # whole, in C; // is not
_PRESSED = (
    select(func.min(lease_table.c.start_at, type_=UtcTime), func.max(lease_table.c.until_at, type_=UtcTime))
    .select_from(_lease_of)
    .where(_running, zone.c.slug == bindparam("zone"), lease_table.c.state != LeaseState.FAILED.value)
    .group_by(_minute)
)
_GIVEN = (
    select(lease_table.c.lights, lease_table.c.start_at, lease_table.c.until_at)
    .select_from(_lease_of)
    .where(
        _running,
        lease_table.c.start_at < bindparam("end", type_=UtcTime),
        # Says nothing new, but ends the search of the index, which is by until_at, before all later leases.
        lease_table.c.until_at < bindparam("latest", type_=UtcTime),
        lease_table.c.state != LeaseState.FAILED.value,
    )
)
_progress = (lease_table.c.state, lease_table.c.confirmed, lease_table.c.total, lease_table.c.ordered_at)
_WAITING = (
    select(municipality.c.slug.label("municipality"), lease_table.c.lights, lease_table.c.level, *_progress)
    .select_from(_lease_of)
    .where(_running, lease_table.c.state != LeaseState.LIT.value)
    .distinct()
    .order_by(lease_table.c.lights, lease_table.c.level, *_progress)
)
_ADD_LEASE = insert(lease_table)
_SET_PROGRESS = (
    update(lease_table)
    .where(
        lease_table.c.zone_id.in_(
            select(zone.c.id).join(municipality).where(municipality.c.slug == bindparam("municipality"))
        ),
        lease_table.c.until_at > _at,
        lease_table.c.lights == bindparam("of_lights"),
        lease_table.c.level == bindparam("of_level"),
        lease_table.c.state == bindparam("from_state"),
        lease_table.c.confirmed == bindparam("from_confirmed"),
        lease_table.c.total == bindparam("from_total"),
        lease_table.c.ordered_at.is_not_distinct_from(bindparam("from_ordered_at", type_=UtcTime)),
    )
    .values(
        state=bindparam("to_state"),
        confirmed=bindparam("to_confirmed"),
        total=bindparam("to_total"),
        ordered_at=bindparam("to_ordered_at", type_=UtcTime),
    )
)
_ANSWER = select(answer_table.c.status, answer_table.c.body).where(answer_table.c.scope == bindparam("scope"))
_FORGET_ANSWERS = delete(answer_table).where(answer_table.c.at < _at)
_TOUCH = update(probe).values(n=probe.c.n + 1)


class LeasesTx(BaseTx):
    """What was bought, and what was answered."""

    def add_lease(self, lease: Lease, total: int) -> None:
        """Keep a lease, in state granted."""
        [zone_id, *_] = self._zones([lease.zone, *lease.lights])
        self._quick(
            _ADD_LEASE,
            {
                "public_id": lease.id,
                "zone_id": zone_id,
                "lights": _slugs(lease.lights),
                "start_at": lease.start,
                "until_at": lease.until,
                "level": lease.level,
                "warn": lease.warn,
                "state": LeaseState.GRANTED.value,
                "confirmed": 0,
                "total": total,
                "ordered_at": None,
            },
        )

    def lease(self, lease_id: str) -> tuple[Lease, Progress] | None:
        """One lease and how far it has come."""
        found = _leases(self._rows(_LEASE, lease=lease_id))
        return found[0] if found else None

    def light_pressed(self, zone: ZoneKey, since: datetime) -> list[Span]:
        """When leases pressed in `zone` that end after `since` give light, failed ones left out; by their beginning.

        Leases that begin in the same minute last at least a minute, and are one span.
        """
        return sorted(
            Span(*row) for row in self._rows(_PRESSED, municipality=zone.municipality, zone=zone.zone, at=since)
        )

    def light_given(self, zone: ZoneKey, start: datetime, end: datetime) -> list[Span]:
        """When leases that light `zone`, pressed there or elsewhere, give light within [start, end) at any time;
        failed ones left out; by their beginning."""
        latest = end + _LONGER_THAN_A_LEASE
        rows = self._rows(_GIVEN, municipality=zone.municipality, at=start, end=end, latest=latest)
        return sorted(Span(row.start_at, row.until_at) for row in rows if zone.zone in row.lights.split())

    def leases_running(self, municipality: str, now: datetime) -> list[tuple[Lease, Progress]]:
        """Leases of all zones that end after `now`, with their progress.

        Of those that light and warn alike and are in the same state only the first to end, as many as an order may
        have steps, and the last: it has begun, so there is light up to its end, and no room to name more.
        """
        found = {}
        for *alike, last_start, end, count in self._rows(_GROUPS, municipality=municipality, at=now):
            group = dict(zip(("zone_id", "lights", "level", "warn", "state"), alike, strict=True))
            # After the clock was set back some may not have begun: then there can be gaps, and all count.
            first = MAX_STEPS if last_start <= now else _ALL
            for row in self._rows(_FIRST_TO_END, **group, at=now, first=first):
                found[row.public_id] = row
            if count > first:
                for row in self._rows(_LAST_TO_END, **group, at=end):
                    found[row.public_id] = row
        return _leases(found.values())

    def leases_waiting(self, municipality: str, now: datetime) -> list[Alike]:
        """Leases that end after `now` and are not lit yet, those alike as one."""
        rows = self._rows(_WAITING, municipality=municipality, at=now)
        return [Alike(_lights(row), row.level, _progress_of(row)) for row in rows]

    def set_progress(self, leases: Alike, progress: Progress, now: datetime) -> None:
        """Replace the progress of all leases alike that end after `now`."""
        before = leases.progress
        self._zones(leases.lights)
        values = {
            "municipality": leases.lights[0].municipality,
            "at": now,
            "of_lights": _slugs(leases.lights),
            "of_level": leases.level,
            "from_state": before.state.value,
            "from_confirmed": before.confirmed,
            "from_total": before.total,
            "from_ordered_at": before.ordered_at,
            "to_state": progress.state.value,
            "to_confirmed": progress.confirmed,
            "to_total": progress.total,
            "to_ordered_at": progress.ordered_at,
        }
        self._quick(_SET_PROGRESS, values)

    def answer(self, scope: str) -> Answer | None:
        """The kept answer of a scope (a hash of zone and key)."""
        for status, body in self._rows(_ANSWER, scope=scope):
            return Answer(status, body)
        return None

    def keep_answer(self, scope: str, answer: Answer, at: datetime) -> None:
        """Keep an answer. ConflictError when the scope has one."""
        values = {"scope": scope, "status": answer.status, "body": answer.body, "at": at}
        self._insert_once(answer_table, values, "an answer of this scope")

    def forget(self, answers_before: datetime) -> int:
        """Delete kept answers older than a moment; returns how many."""
        return self._run(_FORGET_ANSWERS, {"at": answers_before}).rowcount

    def touch(self) -> None:
        """Write something harmless, to prove that writing works."""
        if self._run(_TOUCH, {}).rowcount == 0:
            self._insert_new(probe, {"id": 1, "n": 1})


def _leases(rows: Iterable[AnyRow]) -> list[tuple[Lease, Progress]]:
    """Leases with their progress from rows of `_LEASES`, by id."""
    return [
        (
            Lease(
                row.public_id,
                ZoneKey(row.municipality, row.zone),
                _lights(row),
                row.start_at,
                row.until_at,
                row.level,
                row.warn,
            ),
            _progress_of(row),
        )
        for row in sorted(rows, key=lambda row: str(row.public_id))
    ]


def _progress_of(row: AnyRow) -> Progress:
    return Progress(LeaseState(row.state), row.confirmed, row.total, row.ordered_at)


def _lights(row: AnyRow) -> tuple[ZoneKey, ...]:
    return tuple(ZoneKey(row.municipality, slug) for slug in row.lights.split())


def _slugs(lights: Iterable[ZoneKey]) -> str:
    return " ".join(key.zone for key in lights)
