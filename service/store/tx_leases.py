"""Presses, leases and kept answers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, insert, not_, or_, select, type_coerce, update

from service.domain.inventory import ZoneKey
from service.domain.leases import Lease, Progress
from service.domain.orders import MAX_STEPS
from service.domain.words import LeaseState
from service.errors import UnknownError
from service.ports import Answer, PressRecord
from service.store import tables
from service.store.columns import UtcTime
from service.store.tables import table
from service.store.tx_base import AnyRow, AnySelect, BaseTx, municipality, zone

press_table = table(tables.PressRow)
lease_table = table(tables.LeaseRow)
lease_zone = table(tables.LeaseZoneRow)
answer_table = table(tables.AnswerRow)
report_key = table(tables.ReportKeyRow)
probe = table(tables.ProbeRow)

_lit = zone.alias("lit")
_at = bindparam("at", type_=UtcTime)
_MINUTE = 60_000_000

_LEASES: AnySelect = (
    select(
        lease_table.c.public_id,
        municipality.c.slug,
        zone.c.slug,
        _lit.c.slug,
        lease_table.c.start_at,
        lease_table.c.until_at,
        lease_table.c.level,
        lease_table.c.state,
        lease_table.c.confirmed,
        lease_table.c.total,
    )
    .select_from(lease_table)
    .join(zone, zone.c.id == lease_table.c.zone_id)
    .join(municipality, municipality.c.id == zone.c.municipality_id)
    .join(lease_zone, lease_zone.c.lease_id == lease_table.c.id)
    .join(_lit, _lit.c.id == lease_zone.c.zone_id)
    .order_by(lease_zone.c.position)
)
_LEASE = _LEASES.where(lease_table.c.public_id == bindparam("lease"))

_ends_later = (
    select(lease_table.c.id)
    .join(zone, zone.c.id == lease_table.c.zone_id)
    .join(municipality, municipality.c.id == zone.c.municipality_id)
    .where(municipality.c.slug == bindparam("municipality"), lease_table.c.until_at > _at)
)
_is_lit = lease_table.c.state == LeaseState.LIT.value


def _thinned(leases: AnySelect, alike: tuple[Any, ...], order: tuple[Any, ...], first: int) -> AnySelect:
    """`_LEASES` of the given ids, without the lit ones that are neither among the first of those `alike` in `order`,
    nor the last of them to end."""
    last = (lease_table.c.until_at.desc(), lease_table.c.id.desc())
    numbered = leases.add_columns(
        _is_lit.label("lit"),
        func.row_number().over(partition_by=(_is_lit, *alike), order_by=order).label("first"),
        func.row_number().over(partition_by=(_is_lit, *alike), order_by=last).label("last"),
    ).subquery()
    kept = select(numbered.c.id).where(or_(not_(numbered.c.lit), numbered.c.first <= first, numbered.c.last == 1))
    return _LEASES.where(lease_table.c.id.in_(kept))


_RUNNING = _thinned(
    _ends_later,
    (lease_table.c.zone_id, lease_table.c.level),
    (lease_table.c.until_at, lease_table.c.id),
    MAX_STEPS,
)
_PRESSED = _thinned(
    _ends_later.where(zone.c.slug == bindparam("zone"), lease_table.c.state != LeaseState.FAILED.value),
    (type_coerce(lease_table.c.start_at, BigInteger) // _MINUTE,),
    (lease_table.c.start_at, lease_table.c.id),
    1,
)
_ADD_LEASE = insert(lease_table).returning(lease_table.c.id)
_ADD_LEASE_ZONE = insert(lease_zone)
_SET_PROGRESS = (
    update(lease_table)
    .where(lease_table.c.public_id == bindparam("lease"))
    .values(state=bindparam("to_state"), confirmed=bindparam("of_confirmed"), total=bindparam("of_total"))
)
_ANSWER = select(answer_table.c.status, answer_table.c.body).where(answer_table.c.scope == bindparam("scope"))
_FORGET_ANSWERS = delete(answer_table).where(answer_table.c.at < _at)
_FORGET_REPORTS = delete(report_key).where(report_key.c.at < _at)
_TOUCH = update(probe).values(n=probe.c.n + 1)


class LeasesTx(BaseTx):
    """What was pressed, what it bought, and what was answered."""

    def add_press(self, press: PressRecord) -> None:
        """Keep a press."""
        [zone_id] = self._zones([press.zone])
        self._insert_once(
            press_table,
            {
                "public_id": press.id,
                "zone_id": zone_id,
                "at": press.at,
                "channel": press.channel.value,
                "refused": None if press.refused is None else press.refused.value,
                "lease": press.lease,
            },
            f"press {press.id}",
        )

    def add_lease(self, lease: Lease) -> None:
        """Keep a lease, in state granted."""
        [zone_id, *lights] = self._zones([lease.zone, *lease.lights])
        [(lease_id,)] = self._quick(
            _ADD_LEASE,
            {
                "public_id": lease.id,
                "zone_id": zone_id,
                "start_at": lease.start,
                "until_at": lease.until,
                "level": lease.level,
                "state": LeaseState.GRANTED.value,
                "confirmed": 0,
                "total": 0,
            },
        ).rows
        self._quick_each(
            _ADD_LEASE_ZONE,
            [{"lease_id": lease_id, "zone_id": lit, "position": i} for i, lit in enumerate(lights)],
        )

    def lease(self, lease_id: str) -> tuple[Lease, Progress] | None:
        """One lease and how far it has come."""
        found = _leases(self._rows(_LEASE, lease=lease_id))
        return found[0] if found else None

    def leases_pressed(self, zone: ZoneKey, since: datetime) -> list[Lease]:
        """Leases pressed in `zone` that end after `since`, failed ones left out.

        Of lit ones that began in the same minute only the first to begin and the last to end: they last at least a
        minute, so the others add nothing to how long the light goes on.
        """
        rows = self._rows(_PRESSED, municipality=zone.municipality, zone=zone.zone, at=since)
        return [lease for lease, _ in _leases(rows)]

    def leases_running(self, municipality: str, now: datetime) -> list[tuple[Lease, Progress]]:
        """Leases of all zones that end after `now`, with their progress.

        Of lit ones of the same zone and level only the first to end, as many as an order may have steps, and the
        last: the others can neither be named in an order nor lengthen it.
        """
        return _leases(self._rows(_RUNNING, municipality=municipality, at=now))

    def set_progress(self, lease_id: str, progress: Progress) -> None:
        """Replace a lease's progress."""
        values = {
            "lease": lease_id,
            "to_state": progress.state.value,
            "of_confirmed": progress.confirmed,
            "of_total": progress.total,
        }
        if self._quick(_SET_PROGRESS, values).changed == 0:
            raise UnknownError(f"lease: {lease_id} does not exist")

    def answer(self, scope: str) -> Answer | None:
        """The kept answer of a scope (a hash of zone and key)."""
        for status, body in self._rows(_ANSWER, scope=scope):
            return Answer(status, body)
        return None

    def keep_answer(self, scope: str, answer: Answer, at: datetime) -> None:
        """Keep an answer. ConflictError when the scope has one."""
        values = {"scope": scope, "status": answer.status, "body": answer.body, "at": at}
        self._insert_once(answer_table, values, "an answer of this scope")

    def forget(self, answers_before: datetime, reports_before: datetime) -> int:
        """Delete kept answers and report keys older than the given moments; returns how many."""
        answers = self._run(_FORGET_ANSWERS, {"at": answers_before}).rowcount
        return answers + self._run(_FORGET_REPORTS, {"at": reports_before}).rowcount

    def touch(self) -> None:
        """Write something harmless, to prove that writing works."""
        if self._run(_TOUCH, {}).rowcount == 0:
            self._insert_new(probe, {"id": 1, "n": 1})


def _leases(rows: Iterable[AnyRow]) -> list[tuple[Lease, Progress]]:
    """Leases with their progress from rows of `_LEASES`: a row for each zone that a lease lights, in order."""
    lights: dict[str, list[ZoneKey]] = {}
    found: dict[str, AnyRow] = {}
    for row in rows:
        id_, home, _, lit, *_ = row
        if id_ in lights:
            lights[id_].append(ZoneKey(home, lit))
        else:
            lights[id_], found[id_] = [ZoneKey(home, lit)], row
    leases = []
    for id_ in sorted(found):
        _, home, pressed, _, start, until, level, state, confirmed, total = found[id_]
        lease = Lease(id_, ZoneKey(home, pressed), tuple(lights[id_]), start, until, level)
        leases.append((lease, Progress(LeaseState(state), confirmed, total)))
    return leases
