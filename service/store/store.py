"""The Store: transactions in worker threads, one writer and a few readers, on SQLite or PostgreSQL."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.errors import ConflictError, InvalidError, UnavailableError
from service.ports import Tx
from service.store import engines
from service.store.known import Memory
from service.store.migrate import require_schema, usable
from service.store.tx_alerts import AlertsTx
from service.store.tx_credentials import CredentialsTx
from service.store.tx_entries import EntriesTx
from service.store.tx_inventory import InventoryTx
from service.store.tx_leases import LeasesTx
from service.store.tx_ledger import BookingTx
from service.store.tx_maintenance import MaintenanceTx
from service.store.tx_presses import PressesTx
from service.store.tx_rollups import RollupsTx
from service.store.tx_watch import WatchTx

T = TypeVar("T")


class SqlTx(
    InventoryTx, PressesTx, LeasesTx, WatchTx, MaintenanceTx, AlertsTx, CredentialsTx, BookingTx, EntriesTx, RollupsTx
):
    """One transaction: all topics on one connection."""


class SqlStore:
    """Runs short transactions in worker threads.

    A cancelled caller leaves nothing half done: its transaction either never began, or runs to its end.
    """

    def __init__(self, writer: Engine, reader: Engine) -> None:
        """Use these engines; `open_store` makes them."""
        self._writer = writer
        self._reader = reader
        self._writing = ThreadPoolExecutor(1, "store-writer")
        self._reading = ThreadPoolExecutor(engines.READERS, "store-reader")
        self._memory = Memory()
        self._closed = False

    async def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a read transaction on one snapshot. UnavailableError when the database is away."""
        return await self._run(self._reading, self._reader, work)

    async def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in a write transaction; it is on disk when this returns. An exception rolls back.

        UnavailableError when the database is away or another program holds it for too long.
        """
        return await self._run(self._writing, self._writer, work)

    async def close(self) -> None:
        """End the worker threads, after what they have begun, and close all connections."""
        self._closed = True
        await asyncio.to_thread(self._shut)

    async def _run(self, threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Tx], T]) -> T:
        if self._closed:
            raise UnavailableError("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(threads, _transact, engine, self._memory, work)

    def _shut(self) -> None:
        self._writing.shutdown()
        self._reading.shutdown()
        self._writer.dispose()
        self._reader.dispose()


def open_store(url: str) -> SqlStore:
    """A store on `sqlite:///PATH` or `postgresql+psycopg://...`.

    SetupError when the database cannot be used, or its schema is missing, older or newer than this program.
    """
    parsed = engines.parse_url(url)
    writer = engines.writer(parsed)
    try:
        with usable(parsed), writer.begin() as connection:
            require_schema(connection)
    except BaseException:
        writer.dispose()
        raise
    return SqlStore(writer, engines.reader(parsed))


def _transact(engine: Engine, memory: Memory, work: Callable[[Tx], T]) -> T:
    with _plain_errors(), engine.begin() as connection:
        return work(SqlTx(connection, memory))


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Let no error of the database's own leave that a caller could act on."""
    try:
        yield
    except (IntegrityError, *engines.REFUSED) as error:
        raise ConflictError(f"the database refused: {getattr(error, 'orig', error)}") from error
    except (DataError, *engines.UNFIT) as error:
        raise InvalidError(f"the database cannot hold this: {getattr(error, 'orig', error)}") from error
    except (OperationalError, InterfaceError, *engines.AWAY) as error:
        raise UnavailableError(f"the database is away: {getattr(error, 'orig', error)}") from error
    except PoolTimeoutError as error:
        raise UnavailableError("the database is away: no connection is free") from error
    except StatementError as error:
        if isinstance(error.orig, ValueError):  # raised by a column type, not by the database
            raise error.orig from error
        raise
