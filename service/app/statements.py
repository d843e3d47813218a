"""Statements from the command line, with the same figures as the API."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from service.app.outside import clock_of
from service.app.simulating import require_database
from service.settings import Settings
from service.store import open_store
from service.usecases.statement_bodies import StatementBody
from service.usecases.statement_csv import statement_csv
from service.usecases.statements import statement
from service.web.statement import statement_page


@dataclass(frozen=True, slots=True)
class AskedStatement:
    """Of what to tell, how and in which language: `period` is a month like 2026-11 or a year like 2026."""

    municipality: str
    period: str
    format: Literal["json", "csv", "html"]
    language: str


def energy_statement(settings: Settings, asked: AskedStatement) -> str:
    """The statement as JSON, CSV or a page to print."""
    body = asyncio.run(_statement(settings, asked))
    if asked.format == "csv":
        return statement_csv(body)
    if asked.format == "html":
        return statement_page(body, asked.language)
    return body.model_dump_json(indent=2) + "\n"


async def _statement(settings: Settings, asked: AskedStatement) -> StatementBody:
    require_database(settings.database_url)
    store = open_store(settings.database_url)
    now = clock_of(settings).now()
    forgotten = now - timedelta(days=settings.keep_presses_nights)
    try:
        return await store.read(lambda tx: statement(tx, asked.municipality, asked.period, now, forgotten))
    finally:
        await store.close()
