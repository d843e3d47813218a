"""Connections to SQLite and PostgreSQL, set up so that both keep the same promises."""

import contextlib
import os
import sqlite3
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from service.errors import SetupError

READERS = 4
"""Threads, and so connections, that read at the same time."""

LOCK_WAIT_S = 10
"""How long a write waits for another program's write before it gives up."""

REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError)
UNFIT = (sqlite3.DataError, psycopg.DataError)
AWAY = (sqlite3.OperationalError, sqlite3.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
"""What the drivers themselves raise when the database refuses, cannot hold a value, and cannot be used."""

STATEMENT_S = 15
"""How long PostgreSQL works on one statement, or waits for the next of a transaction, before it gives up."""

_POSTGRESQL_WAITS = {
    "connect_timeout": 10,
    "tcp_user_timeout": 15_000,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
"""Seconds, but `tcp_user_timeout` milliseconds, after which a host that vanished is given up. The address may say
otherwise."""

_WRITE_LOCK = 0x646F7266
"""PostgreSQL's advisory lock that every write holds: any number, but the same in all programs."""


def parse_url(url: str) -> URL:
    """The parts of a database address. SetupError for one that no Store is made for."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SetupError(
            "the database address cannot be read: give sqlite:///PATH or postgresql+psycopg://..."
        ) from error
    if parsed.drivername in ("sqlite", "sqlite+pysqlite"):
        if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
            raise SetupError("the database address names no file: give sqlite:///PATH")
        return parsed
    if parsed.drivername == "postgresql+psycopg":
        return parsed
    raise SetupError(f"no store for {parsed.drivername}: give sqlite:///PATH or postgresql+psycopg://...")


def writer(url: URL) -> Engine:
    """One connection whose transactions exclude every other write, in this program or another."""
    return _sqlite_writer(url) if url.get_backend_name() == "sqlite" else _postgresql_writer(url)


def reader(url: URL) -> Engine:
    """Connections whose transactions see one snapshot and cannot write."""
    return _sqlite_reader(url) if url.get_backend_name() == "sqlite" else _postgresql_reader(url)


def migrator(url: URL) -> Engine:
    """Like `writer`, but SQLite may rebuild a table that others refer to, and PostgreSQL may take its time."""
    if url.get_backend_name() == "sqlite":
        return _sqlite_writer(url, foreign_keys=False)
    return _postgresql_writer(url, patient=True)


def _sqlite(url: URL, size: int, pragmas: tuple[str, ...], begin: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        connect_args={"timeout": LOCK_WAIT_S, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "do_connect")
    def keep_private(*_: Any) -> None:
        _create(str(url.database))

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _create(file: str) -> None:
    """Make a file that is not there yet for its owner alone; SQLite gives what it puts beside it the same rights."""
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise sqlite3.OperationalError(f"unable to open database file: {error.strerror}") from error


def _sqlite_writer(url: URL, *, foreign_keys: bool = True) -> Engine:
    pragmas = (
        "journal_mode=WAL",
        "synchronous=FULL",
        "secure_delete=ON",
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
    )
    return _sqlite(url, 1, pragmas, "BEGIN IMMEDIATE")


def _sqlite_reader(url: URL) -> Engine:
    return _sqlite(url, READERS, ("query_only=ON",), "BEGIN")


def _postgresql(url: URL, size: int, *, patient: bool = False) -> Engine:
    statement_s = 0 if patient else STATEMENT_S
    waits = {name: value for name, value in _POSTGRESQL_WAITS.items() if name not in url.query}
    engine = create_engine(
        url, pool_size=size, max_overflow=0, pool_pre_ping=True, connect_args=waits, paramstyle="format"
    )

    @event.listens_for(engine, "connect")
    def limit(connection: psycopg.Connection[Any], _record: Any) -> None:
        connection.execute(f"SET statement_timeout = '{statement_s}s'")
        connection.execute(f"SET idle_in_transaction_session_timeout = '{statement_s}s'")
        connection.commit()

    return engine


def _postgresql_writer(url: URL, *, patient: bool = False) -> Engine:
    engine = _postgresql(url, 1, patient=patient)

    @event.listens_for(engine, "connect")
    def set_up(connection: psycopg.Connection[Any], _record: Any) -> None:
        connection.execute(f"SET lock_timeout = '{LOCK_WAIT_S}s'")
        connection.execute("SET synchronous_commit = on")
        connection.commit()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        # READ COMMITTED: each later statement sees everything that was committed before this lock was ours.
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")

    return engine


def _postgresql_reader(url: URL) -> Engine:
    engine = _postgresql(url, READERS)

    @event.listens_for(engine, "connect")
    def set_up(connection: psycopg.Connection[Any], _record: Any) -> None:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True

    return engine
