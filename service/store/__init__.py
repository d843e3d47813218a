"""The database edge: tables, migrations and one Store for SQLite and PostgreSQL."""

from service.store.migrate import migrate
from service.store.store import SqlStore, open_store

__all__ = ["SqlStore", "migrate", "open_store"]
