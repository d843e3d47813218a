"""Connections to SQLite and PostgreSQL, set up so that both keep the same promises."""

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
AWAY = (sqlite3.OperationalError, sqlite3.InterfaceError, psycopg.OperationalError, psycopg.InterfaceError)
"""What the drivers themselves raise when the database refuses, and when it cannot be used."""

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
        if parsed.database in (None, "", ":memory:"):
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
    """Like `writer`, but SQLite may rebuild a table that others refer to."""
    return _sqlite_writer(url, foreign_keys=False) if url.get_backend_name() == "sqlite" else _postgresql_writer(url)


def _sqlite(url: URL, size: int, pragmas: tuple[str, ...], begin: str) -> Engine:
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=size,
        max_overflow=0,
        connect_args={"timeout": LOCK_WAIT_S, "isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


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


def _postgresql_writer(url: URL) -> Engine:
    engine = create_engine(url, pool_size=1, max_overflow=0, pool_pre_ping=True)

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
    engine = create_engine(url, pool_size=READERS, max_overflow=0, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def set_up(connection: psycopg.Connection[Any], _record: Any) -> None:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True

    return engine
