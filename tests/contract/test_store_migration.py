"""A database of an earlier release, with what a village had in it, goes on to say the same."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import MetaData, create_engine, inspect

from service.domain.entries import Entry, ZonedEntry
from service.domain.faults import Fault, Subject
from service.domain.inventory import AlertRules, Output, OutputKey
from service.domain.leases import Lease, Progress
from service.domain.policy import Policy, PressRules, Resolution, Rulebook
from service.domain.reports import ControllerState, MeterState, Signal
from service.domain.schedule import Anchor, Schedule, Step
from service.domain.words import Cause, Channel, FailState, FaultKind, FaultState, LeaseState, Reason
from service.errors import ConflictError
from service.ports import Enactment, ExceptionRecord, PressRecord, Tx
from service.store import engines, migrate, open_store
from service.store.codec import exception_to_json, policy_to_json, schedule_to_json
from service.store.columns import to_us
from service.store.migrate import alembic_config
from service.store.tables import Base
from tests.contract.test_store_policies import FESTIVAL
from tests.support.leck import ALL_NIGHT, CABINET, CROSSING, METER, NOW, STREET, later
from tests.support.stores import query

MARCH = datetime(2026, 2, 28, 23, tzinfo=UTC)
"""Midnight in Leck, so still the night of 28 February."""

OLD_DARK = [
    {"anchor": "sunset", "level": 100, "clock": None, "offset_min": -10},
    {"anchor": "clock", "level": 0, "clock": "23:00:00", "offset_min": 0},
    {"anchor": "clock", "level": 50, "clock": "05:00:59.000001", "offset_min": 5},
    {"anchor": "sunrise", "level": 0, "clock": None, "offset_min": 0},
]
OLD_ALL_NIGHT = [
    {"anchor": "sunset", "level": 100, "clock": None, "offset_min": 0},
    {"anchor": "sunrise", "level": 0, "clock": None, "offset_min": 0},
]
DARK = Schedule(
    (
        Step(Anchor.SUNSET, 100, None, -10),
        Step(Anchor.CLOCK, 0, time(23)),
        Step(Anchor.CLOCK, 50, time(5), 5),
        Step(Anchor.SUNRISE, 0),
    )
)
FIRST = Policy(
    date(2025, 1, 1), DARK, PressRules(10, 80, 45, 5), along=("kreuzung", "am-see"), fail_state=FailState.LIT,
    cut_off_after_min=720, version=1, resolution=Resolution("2024/7 – Ö", None),
)  # fmt: skip
SECOND = replace(
    FIRST,
    valid_from=date(2026, 2, 28),
    schedule=ALL_NIGHT,
    press=PressRules(12),
    fail_state=FailState.PLAN,
    cut_off_after_min=1440,
    version=2,
    resolution=None,
)
LEASE = Lease("a" * 32, STREET, (STREET, CROSSING), NOW, later(minutes=10), 80)


def village_of_then() -> dict[str, list[tuple[Any, ...]]]:
    """Rows by table, in the columns' order."""
    march, start, passed = to_us(MARCH), to_us(datetime(2025, 1, 1, 11, tzinfo=UTC)), to_us(NOW)  # noon in Leck
    now, until = to_us(NOW), to_us(LEASE.until)
    plain = (100, 60, 0, "plan", 1440, None, passed)
    return {
        "municipality": [
            (1, "leck", "Leck", "Europe/Berlin", 54.77, 8.98, "de", "EUR", OLD_DARK, ""),
            (2, "there", "There", "Pacific/Auckland", -36.8, 174.8, "en", "NZD", OLD_DARK, ""),
        ],
        "price": [(1, date(2025, 1, 1), "0.30", "assumed")],
        "zone": [
            (1, 1, "hauptstrasse", "Hauptstraße", True),
            (2, 1, "kreuzung", "Kreuzung", False),
            (3, 1, "am-see", "Am See", True),
            (4, 2, "hauptstrasse", "Main street", True),
        ],
        "zone_along": [(1, 3, 1), (1, 2, 0)],
        "policy": [
            (1, 1, march, OLD_ALL_NIGHT, 12, *plain),
            (2, 1, start, OLD_DARK, 10, 80, 45, 5, "lit", 720, "2024/7 – Ö", passed),
            (3, 2, start, OLD_DARK, 11, *plain),
            (4, 3, start + 1, OLD_DARK, 13, *plain),  # of one night with the next, but passed before it
            (5, 3, start, OLD_DARK, 14, *plain),
            (6, 4, march, OLD_DARK, 15, *plain),
        ],
        "lease": [(1000, LEASE.id, 1, "hauptstrasse kreuzung", now, until, 80, "lit", 2, 3, None)],
        "press": [
            (1000, "p", 1, now, "web", None, LEASE.id),
            (1001, "q", 2, now + 1, "web", "daylight", None),
        ],
    }


def first_release(url: str, village: Mapping[str, list[tuple[Any, ...]]]) -> None:
    """Make the tables of the first release, and put a village into them."""
    release(url, "0001", village)


def release(url: str, revision: str, village: Mapping[str, list[tuple[Any, ...]]]) -> None:
    """Make the tables of a release, and put a village into them."""
    engine = engines.migrator(engines.parse_url(url))
    with engine.begin() as connection:
        config = alembic_config(connection)
        command.upgrade(config, revision)
        then = MetaData()
        then.reflect(connection)
        for name, rows in village.items():
            into = then.tables[name]
            connection.execute(into.insert(), [dict(zip(into.c.keys(), row, strict=True)) for row in rows])
    engine.dispose()


async def test_what_ruled_in_the_first_release_rules_on(blank_url: str) -> None:
    first_release(blank_url, village_of_then())
    migrate(blank_url)
    store = open_store(blank_url)
    zones = {zone.key.zone: zone for zone in await store.read(lambda tx: tx.zones("leck"))}
    enactments = await store.read(lambda tx: tx.enactments(STREET))
    [there] = await store.read(lambda tx: tx.zones("there"))
    home = await store.read(lambda tx: tx.municipality("leck"))
    await store.close()
    assert zones["hauptstrasse"].rulebook == Rulebook((FIRST, SECOND))
    assert zones["hauptstrasse"].name == "Hauptstraße"
    assert enactments == [Enactment(FIRST, None, NOW), Enactment(SECOND, None, NOW)]
    assert zones["kreuzung"].rulebook.policies[0].along == ()
    assert not zones["kreuzung"].listed
    of_one_night = zones["am-see"].rulebook.policies
    assert [(p.version, p.press.minutes, p.valid_from) for p in of_one_night] == [
        (1, 13, date(2025, 1, 1)),
        (2, 14, date(2025, 1, 1)),
    ]
    assert there.rulebook.policies[0].valid_from == date(2026, 3, 1)  # noon in Auckland: that day's night begins
    assert home is not None
    assert (home.safety_schedule, home.place.region, home.emission_factors) == (DARK, "", ())
    assert len(home.prices) == 1
    assert set(query(blank_url, "SELECT resolution_passed_on, enacted_by FROM policy_version")) == {(None, None)}


async def test_presses_and_leases_of_the_first_release_are_kept(blank_url: str) -> None:
    first_release(blank_url, village_of_then())
    migrate(blank_url)
    store = open_store(blank_url)
    presses = [
        PressRecord("p", STREET, NOW, Channel.WEB, None, LEASE.id),
        PressRecord("q", CROSSING, later(microseconds=1), Channel.WEB, Reason.DAYLIGHT, None),
    ]
    lit = [(LEASE, Progress(LeaseState.LIT, 2, 3))]
    assert await store.read(lambda tx: tx.leases_running("leck", NOW)) == lit
    assert await store.read(lambda tx: tx.presses("leck", NOW, later(minutes=1))) == presses
    third = replace(SECOND, version=3)
    await store.write(lambda tx: tx.enact(STREET, Enactment(third, "Anna", NOW)))
    await store.write(lambda tx: tx.add_exception(STREET, ExceptionRecord(FESTIVAL, "Anna")))
    await store.write(lambda tx: tx.add_lease(replace(LEASE, id="b" * 32, warn=True), 2))
    street = await store.read(lambda tx: tx.zone(STREET))
    assert street is not None
    assert street.rulebook == Rulebook((FIRST, SECOND, third), (FESTIVAL,))
    assert await store.write(lambda tx: tx.forget_presses(later(hours=1))) == 2
    assert await store.read(lambda tx: tx.lease(LEASE.id)) is None
    await store.close()


def village_with_rules() -> dict[str, list[tuple[Any, ...]]]:
    """Rows by table of the second release, in the columns' order; of each table at least one."""
    now, until = to_us(NOW), to_us(LEASE.until)
    schedule, rules = schedule_to_json(DARK), policy_to_json(FIRST)
    order = {"1": [[now, 80, until, "press", LEASE.id]]}
    return {
        "municipality": [
            (1, "leck", "Leck", "Europe/Berlin", 54.77, 8.98, "de", "EUR", schedule, "made up", "DE-SH"),
            (2, "there", "There", "Pacific/Auckland", -36.8, 174.8, "en", "NZD", schedule, "", ""),
        ],
        "price": [(1, date(2025, 1, 1), "0.30", "assumed")],
        "emission_factor": [(1, date(2025, 1, 1), 363, "assumed")],
        "zone": [
            (1, 1, "hauptstrasse", "Hauptstraße", True),
            (2, 1, "kreuzung", "Kreuzung", False),
            (3, 1, "am-see", "Am See", True),
        ],
        "policy_version": [
            (zone, 1, rules, FIRST.valid_from, "2024/7 – Ö", None, "", None, now, ["press_daylight"], None)
            for zone in (1, 2, 3)
        ],
        "policy_draft": [(1, "draft", rules, None, None, None, "the clerk", now)],
        "light_exception": [
            (1, FESTIVAL.id, exception_to_json(FESTIVAL), FESTIVAL.last, "the clerk", now, None, None)
        ],
        "controller": [(7, 1, "cabinet-1", "cabinet", "Schaltschrank")],
        "output": [(8, 7, 1, 1, 0, 100, 100, False, 1, 40.5), (9, 7, 2, 2, 10, 90, 5, True, 1, 60.0)],
        "meter": [(5, 7, 1)],
        "meter_output": [(5, 8), (5, 9)],
        "lamp": [
            (1, 1, "h-1", 8, 40.5, 54.77, 8.98, "H1", False, "yes"),
            (2, 1, "k-1", 9, 60.0, 54.77, 8.98, "K1", True, "no"),
        ],
        "lease": [(1000, LEASE.id, 1, "hauptstrasse kreuzung", now, until, 80, "lit", 2, 3, None, False)],
        "press": [(1000, "p", 1, now, "web", None, LEASE.id)],
        "answer": [("scope", 201, "{}", now)],
        "sent_order": [(7, 3, order, now)],
        "sent_plan": [(7, 4, "digest", now)],
        "controller_state": [(7, True, 1, 2, 3, 4, 5, now, now, "1.0")],
        "output_state": [(8, 80, "press", now, now), (9, 0, "schedule", now, now)],
        "meter_state": [(5, 2**53, 101.25, now)],
        "report_key": [(7, 2, 3, now)],
        "energy_entry": [(1000, 8, 1, now, until, 2**53, "press")],
        "probe": [(1, 7)],
    }  # fmt: skip


async def test_what_stood_and_was_said_in_the_second_release_is_kept(blank_url: str) -> None:
    release(blank_url, "0002", village_with_rules())
    migrate(blank_url)
    store = open_store(blank_url)
    home = await store.read(lambda tx: tx.municipality("leck"))
    [cabinet] = await store.read(lambda tx: tx.controllers("leck"))
    states = await store.read(lambda tx: tx.controller_states([CABINET]))
    readings = await store.read(lambda tx: tx.meter_states([METER]))
    orders = await store.read(lambda tx: tx.sent_orders([CABINET]))
    street = await store.read(lambda tx: tx.zone(STREET))
    await store.close()
    assert home is not None
    assert (home.alerts, home.place.region, home.safety_schedule) == (AlertRules(), "DE-SH", DARK)
    assert [output.button for output in cabinet.outputs] == [False, False]
    assert cabinet.outputs[1] == Output(OutputKey(*CABINET, 2), "kreuzung", 10, 90, 5, True, 1, 60.0)
    assert cabinet.feeder is None
    assert states == {CABINET: ControllerState(True, 1, 2, 3, 4, 5, NOW, NOW, "1.0", None)}
    assert readings == {METER: MeterState(2**53, 101.25, NOW, None, ())}
    assert orders[CABINET].desired_n == 3
    assert street is not None
    assert street.rulebook == Rulebook((FIRST,), (replace(FESTIVAL, since=NOW),))


def test_no_row_of_the_second_release_is_lost_or_changed(blank_url: str) -> None:
    village = village_with_rules()
    release(blank_url, "0002", village)
    kept = village.keys() - {"report_key", "energy_entry"}
    columns = {name: ", ".join(names) for name, names in columns_of(blank_url, kept).items()}
    before = {name: query(blank_url, f"SELECT {columns[name]} FROM {name}") for name in kept}  # noqa: S608 - names from above
    assert {name: len(rows) for name, rows in before.items()} == {name: len(village[name]) for name in kept}
    migrate(blank_url)
    after = {name: query(blank_url, f"SELECT {columns[name]} FROM {name}") for name in kept}  # noqa: S608 - names from above
    assert after == before


def columns_of(url: str, names: Iterable[str]) -> dict[str, list[str]]:
    """The columns of some tables."""
    engine = create_engine(url)
    columns = {name: [column["name"] for column in inspect(engine).get_columns(name)] for name in names}
    engine.dispose()
    return columns


async def test_the_second_releases_village_has_room_for_what_is_new(blank_url: str) -> None:
    release(blank_url, "0002", village_with_rules())
    migrate(blank_url)
    store = open_store(blank_url)
    fault = Fault("f" * 32, "leck", Subject("cabinet-1", 1), FaultKind.LAMP_FAILURE, FaultState.OPEN, NOW)

    def work(tx: Tx) -> None:
        tx.save_fault(fault)
        tx.set_signal(Signal(CABINET, FaultKind.CABINET_DOOR_OPEN, None, NOW), on=True)
        tx.keep_alive(NOW)

    await store.write(work)
    assert await store.read(lambda tx: tx.faults("leck")) == [fault]
    assert len(await store.read(lambda tx: tx.signals("leck"))) == 1
    with pytest.raises(ConflictError):
        await store.write(lambda tx: tx.save_fault(replace(fault, id="e" * 32)))
    await store.close()


HOUR = datetime(2026, 11, 21, 22, tzinfo=UTC)


def village_with_energy() -> dict[str, list[tuple[Any, ...]]]:
    """Rows by table of the third release, as far as they are about what is booked and sent."""
    village = village_with_rules()
    hour, sharp = to_us(HOUR), to_us(NOW)
    booked = [
        (8, 1, hour, hour + 3_600_000_000, 5, "schedule"),
        (8, 1, sharp, sharp + 1, 2**53, "press"),
        (8, 1, sharp, sharp + 7, 3, "local"),  # of the same moment
        (9, 2, hour, sharp - 1, 0, "safety"),
        (9, 2, sharp, sharp, 4, "lock"),
    ]
    nobody: dict[str, Any] = {"emails": [], "webhook": None, "quiet_from": None, "quiet_until": None}
    return village | {
        "municipality": [(*row, nobody) for row in village["municipality"]],
        "output": [(*row, False) for row in village["output"]],
        "controller_state": [(*row, None) for row in village["controller_state"]],
        "meter_state": [(*row, "[]", None) for row in village["meter_state"]],
        "energy_entry": [(1000 + n, *row) for n, row in enumerate(booked)],
    }


async def test_entries_of_the_third_release_go_over_with_all_their_energy(blank_url: str) -> None:
    release(blank_url, "0003", village_with_energy())
    migrate(blank_url)
    store = open_store(blank_url)
    entries = await store.read(lambda tx: tx.entries("leck", HOUR, later(days=1)))
    stale = await store.read(lambda tx: tx.stale_hours("leck"))
    await store.close()
    one, two = OutputKey(*CABINET, 1), OutputKey(*CABINET, 2)
    tick = timedelta(microseconds=1)
    full = HOUR + timedelta(hours=1)
    assert entries == [
        ZonedEntry("hauptstrasse", Entry(one, HOUR, full, 5, Cause.SCHEDULE, None, 100, timedelta(hours=1))),
        ZonedEntry("kreuzung", Entry(two, HOUR, NOW - tick, 0, Cause.SAFETY)),
        ZonedEntry("hauptstrasse", Entry(one, NOW, NOW + tick, 2**53, Cause.PRESS, None, 100, tick)),
        ZonedEntry("hauptstrasse", Entry(one, NOW, NOW + 7 * tick, 3, Cause.LOCAL, None, 100, 7 * tick)),
        ZonedEntry("kreuzung", Entry(two, NOW, NOW, 4, Cause.LOCK)),
    ]
    assert stale == [HOUR, full]


async def test_entries_of_the_third_release_are_extended(blank_url: str) -> None:
    release(blank_url, "0003", village_with_energy())
    migrate(blank_url)
    store = open_store(blank_url)
    one, tick = OutputKey(*CABINET, 1), timedelta(microseconds=1)
    more = Entry(one, NOW + tick, NOW + 2 * tick, 1, Cause.PRESS, None, 100, tick)
    await store.write(lambda tx: tx.add_energy([more]))
    [_, longer, _] = await store.read(lambda tx: tx.entries_of([one], HOUR, later(days=1)))
    orders = await store.read(lambda tx: tx.sent_orders([CABINET]))
    await store.close()
    assert (longer.entry.end, longer.entry.energy_mwh) == (NOW + 2 * tick, 2**53 + 1)
    assert (orders[CABINET].desired_n, orders[CABINET].former) == (3, None)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_nothing_is_left_of_the_old_tables_and_no_default_is_the_databases(blank_url: str, revision: str) -> None:
    villages = {"0001": village_of_then, "0002": village_with_rules, "0003": village_with_energy}
    release(blank_url, revision, villages[revision]())
    migrate(blank_url)
    engine = create_engine(blank_url)
    with engine.connect() as connection:
        now = MetaData()
        now.reflect(connection)
    engine.dispose()
    assert now.tables.keys() - {"alembic_version"} == Base.metadata.tables.keys()
    defaults = {f"{column}": column.server_default for table in now.tables.values() for column in table.c}
    counted = {name for name, default in defaults.items() if default is not None}
    assert counted <= {f"{name}.id" for name in now.tables}  # PostgreSQL's sequences
    if blank_url.startswith("sqlite"):
        assert query(blank_url, "PRAGMA foreign_key_check") == []


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_an_empty_database_migrates(blank_url: str, revision: str) -> None:
    release(blank_url, revision, {})
    migrate(blank_url)
    assert query(blank_url, "SELECT count(*) FROM policy_version") == [(0,)]


def test_there_is_no_way_back_that_would_lose_rules(store_url: str) -> None:
    engine = engines.migrator(engines.parse_url(store_url))
    with engine.connect() as connection:
        config = alembic_config(connection)
        with pytest.raises(RuntimeError, match="no way back from 0004"):
            command.downgrade(config, "0001")
    engine.dispose()
