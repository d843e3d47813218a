"""What PostgreSQL may not do: make the only writer wait for ever, or fail with an error of its own."""

import asyncio
import socket
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from service.errors import InvalidError, SetupError, UnavailableError
from service.ports import Tx
from service.store import SqlStore, engines, migrate, open_store
from tests.support.leck import NOW, leck
from tests.support.postgres import Postgres

DEADLINE_S = 20


def sleep(tx: Tx) -> None:
    """Let the database work for too long."""
    tx._connection.execute(text("SELECT pg_sleep(60)"))  # type: ignore[attr-defined]  # no port makes it slow


async def test_a_statement_that_takes_too_long_is_given_up(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "STATEMENT_S", 1)
    with postgres.database() as url:
        migrate(url)
        store = open_store(url)
        for run in (store.read, store.write):
            with pytest.raises(UnavailableError, match="statement timeout"):
                await asyncio.wait_for(run(sleep), DEADLINE_S)
        await store.write(lambda tx: tx.touch())
        await store.close()


def test_waits_are_limited_and_the_address_may_say_otherwise(postgres: Postgres) -> None:
    with postgres.database() as url:
        for make in (engines.writer, engines.reader):
            assert shown(make(engines.parse_url(url))) == ("15s", "15s", "15000")
        assert shown(engines.migrator(engines.parse_url(url))) == ("0", "0", "15000")
        other = f"{url}{'&' if '?' in url else '?'}tcp_user_timeout=4000"
        assert shown(engines.writer(engines.parse_url(other)))[2] == "4000"


def shown(engine: Engine) -> tuple[str, str, str]:
    """An engine's limits, and what libpq was told."""
    with engine.connect() as connection:
        server = [
            connection.exec_driver_sql(f"SHOW {name}").scalar_one()
            for name in ("statement_timeout", "idle_in_transaction_session_timeout")
        ]
        told = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]  # it is there
    engine.dispose()
    return server[0], server[1], told["tcp_user_timeout"]


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines._POSTGRESQL_WAITS, "connect_timeout", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql+psycopg://me@127.0.0.1:{silent.getsockname()[1]}/dorflicht"
        with pytest.raises(SetupError, match="timeout"):
            open_store(url)


async def test_what_postgresql_cannot_hold_is_invalid(postgres: Postgres) -> None:
    with postgres.database() as url:
        migrate(url)
        store = open_store(url)
        odd = replace(leck(), municipality=replace(leck().municipality, name="Le\0ck"))
        with pytest.raises(InvalidError, match="NUL"):
            await store.write(lambda tx: tx.save_inventory(odd, NOW))
        await store.write(lambda tx: tx.save_inventory(leck(), NOW))
        with pytest.raises(InvalidError, match="NUL"):
            await ask_for_nul(store)
        await store.close()


async def ask_for_nul(store: SqlStore) -> None:
    """Ask by the short way, past SQLAlchemy."""
    await store.read(lambda tx: tx.municipality("le\0ck"))
