"""Work at lamps: maintenance locks, commissioning tests, and what outputs drew in them."""

from datetime import datetime

from sqlalchemy import bindparam, delete, null, select, update

from service.domain.faults import Subject
from service.domain.inventory import ControllerKey, OutputKey, ZoneKey
from service.domain.maintenance import Commissioned, Lock, OutputTest, Reading, Stage
from service.store import tables
from service.store.columns import UtcTime, from_us, to_us
from service.store.tables import table
from service.store.tx_base import AnyRow, AnySelect, controller, municipality, output, zone
from service.store.tx_care import CareTx

lock_table = table(tables.MaintenanceLockRow)
test_table = table(tables.OutputTestRow)
commissioned_table = table(tables.CommissionedRow)

_of = municipality.c.slug == bindparam("municipality")
_since = bindparam("since", type_=UtcTime)
_EVERY_LOCK: AnySelect = (
    select(
        lock_table,
        municipality.c.slug.label("municipality"),
        zone.c.slug.label("zone"),
        controller.c.slug.label("controller"),
        output.c.n,
    )
    .select_from(municipality)
    .join(lock_table, lock_table.c.municipality_id == municipality.c.id)
    .outerjoin(zone, zone.c.id == lock_table.c.zone_id)
    .outerjoin(controller, controller.c.id == lock_table.c.controller_id)
    .outerjoin(output, output.c.id == lock_table.c.output_id)
    .where(_of)
)
_LOCKS = _EVERY_LOCK.where(lock_table.c.ends_at > _since)
_LOCK = _EVERY_LOCK.where(lock_table.c.public_id == bindparam("lock"))
_EVERY_TEST: AnySelect = (
    select(test_table, municipality.c.slug.label("municipality"), controller.c.slug.label("controller"))
    .select_from(municipality)
    .join(test_table, test_table.c.municipality_id == municipality.c.id)
    .join(controller, controller.c.id == test_table.c.controller_id)
    .where(_of)
)
_TESTS = _EVERY_TEST.where(test_table.c.ends_at > _since)
_TEST = _EVERY_TEST.where(test_table.c.public_id == bindparam("test"))
_before = bindparam("before", type_=UtcTime)
_FORGET_LOCKS = delete(lock_table).where(lock_table.c.ends_at < _before)
_FORGET_TESTS = delete(test_table).where(test_table.c.ends_at < _before)
_FORGET_CONTACTS = (
    update(lock_table).values(contact=null()).where(lock_table.c.ends_at < _before, lock_table.c.contact.is_not(None))
)
_COMMISSIONED = (
    select(commissioned_table, controller.c.slug.label("controller"), output.c.n)
    .select_from(municipality)
    .join(controller)
    .join(output, output.c.controller_id == controller.c.id)
    .join(commissioned_table, commissioned_table.c.output_id == output.c.id)
    .where(_of)
    .order_by(output.c.id)
)


class MaintenanceTx(CareTx):
    """Who works where, and what was commissioned."""

    def locks(self, municipality: str, since: datetime) -> list[Lock]:
        """The locks that end after `since`, ended early or not, by start and id."""
        found = [_lock(row) for row in self._rows(_LOCKS, municipality=municipality, since=since)]
        return sorted(found, key=lambda lock: (lock.start, lock.id))

    def lock(self, municipality: str, lock: str) -> Lock | None:
        """One lock of a municipality."""
        for row in self._rows(_LOCK, municipality=municipality, lock=lock):
            return _lock(row)
        return None

    def save_lock(self, lock: Lock) -> None:
        """Insert a lock, or replace the one with its id."""
        zone_id = None if lock.zone is None else self._zones([ZoneKey(lock.municipality, lock.zone)])[0]
        self._upsert(
            lock_table,
            {
                "public_id": lock.id,
                "zone_id": zone_id,
                **self._subject(lock.municipality, Subject(lock.controller, lock.output))._asdict(),
                "reason": lock.reason,
                "held_by": lock.by,
                "start_at": lock.start,
                "until_at": lock.until,
                "contact": lock.contact,
                "warned_at": lock.warned_at,
                "ended_at": lock.ended_at,
                "ended_by": lock.ended_by,
                "ends_at": lock.ends,
            },
        )

    def output_tests(self, municipality: str, since: datetime) -> list[OutputTest]:
        """The commissioning tests that end after `since`, by beginning and id."""
        found = [_test(row) for row in self._rows(_TESTS, municipality=municipality, since=since)]
        return sorted(found, key=lambda test: (test.stages[0].start, test.id))

    def output_test(self, municipality: str, test: str) -> OutputTest | None:
        """One commissioning test of a municipality."""
        for row in self._rows(_TEST, municipality=municipality, test=test):
            return _test(row)
        return None

    def save_output_test(self, test: OutputTest) -> None:
        """Insert a test, or replace the one with its id."""
        self._outputs(OutputKey(*test.controller, stage.output) for stage in test.stages)
        self._upsert(
            test_table,
            {
                "public_id": test.id,
                "municipality_id": self._municipality(test.controller.municipality),
                "controller_id": self._controller(test.controller),
                "tested_by": test.by,
                "at": test.at,
                "stages": [[one.output, to_us(one.start), to_us(one.until)] for one in test.stages],
                "readings": [[to_us(one.at), one.meter, one.watts] for one in test.readings],
                "ended_at": test.ended_at,
                "ends_at": test.until,
            },
        )

    def forget_maintenance(self, before: datetime) -> int:
        """Delete locks and commissioning tests that ended before a moment; returns how many."""
        return sum(self._quick(forget, {"before": before}).changed for forget in (_FORGET_LOCKS, _FORGET_TESTS))

    def forget_contacts(self, before: datetime) -> int:
        """Blank the `contact` of locks that ended before a moment; returns of how many."""
        return self._quick(_FORGET_CONTACTS, {"before": before}).changed

    def commissioned(self, municipality: str) -> dict[OutputKey, Commissioned]:
        """What each output drew when it was last commissioned; others are left out."""
        rows = self._rows(_COMMISSIONED, municipality=municipality)
        keys = (OutputKey(municipality, row.controller, row.n) for row in rows)
        return {key: Commissioned(key, row.watts, row.at, row.tested_by) for key, row in zip(keys, rows, strict=True)}

    def save_commissioned(self, commissioned: Commissioned) -> None:
        """Replace what an output drew when it was commissioned."""
        [found] = self._outputs([commissioned.output])
        self._upsert(
            commissioned_table,
            {
                "output_id": found.id,
                "watts": commissioned.watts,
                "at": commissioned.at,
                "tested_by": commissioned.by,
            },
        )


def _lock(row: AnyRow) -> Lock:
    return Lock(
        row.public_id,
        row.municipality,
        row.zone,
        row.controller,
        row.n,
        row.reason,
        row.held_by,
        row.start_at,
        row.until_at,
        row.contact,
        row.warned_at,
        row.ended_at,
        row.ended_by,
    )


def _test(row: AnyRow) -> OutputTest:
    return OutputTest(
        row.public_id,
        ControllerKey(row.municipality, row.controller),
        row.tested_by,
        row.at,
        tuple(Stage(n, from_us(start), from_us(until)) for n, start, until in row.stages),
        tuple(Reading(from_us(at), meter, watts) for at, meter, watts in row.readings),
        row.ended_at,
    )
