"""Simulate drafts from the command line, with the same figures as the API."""

import asyncio
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from service.app.outside import clock_of
from service.domain.inventory import ZoneKey
from service.domain.policy import Policy
from service.errors import InvalidError, SetupError
from service.ports import Tx
from service.settings import Settings
from service.store import open_store
from service.usecases.policies import draft_of
from service.usecases.policy_documents import PolicyDocument
from service.usecases.simulating import Model, Prepared, Question, prepare
from service.usecases.simulation_report import csv_of, report_of
from service.web.motion import motion_page

Format = Literal["json", "csv", "html"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What to simulate: `drafts` by name and zone are a policy's file (TOML or JSON) or a stored draft's id.

    Without `recorded`, presses are assumed: `per_night` in each zone (None: by its lamps) from a seed; `curious` adds
    two weeks in which everybody tries it.
    """

    municipality: str
    drafts: Mapping[str, Mapping[str, str]]
    first: date
    last: date
    recorded: bool
    seed: int
    per_night: float | None
    curious: bool
    format: Format
    language: str


def simulate_policies(settings: Settings, asked: Asked, progress: Callable[[int, int], None]) -> str:
    """The report as JSON, CSV or a motion to print; `progress` hears how many nights of how many are done."""
    prepared = asyncio.run(_prepare(settings, asked))
    report = report_of(prepared.run(lambda done: progress(done.nights, done.of)))
    if asked.format == "csv":
        return csv_of(report)
    if asked.format == "html":
        return motion_page(report, asked.language)
    return report.model_dump_json(indent=2) + "\n"


async def _prepare(settings: Settings, asked: Asked) -> Prepared:
    require_database(settings.database_url)
    store = open_store(settings.database_url)
    now = clock_of(settings).now()
    try:
        forgotten = now - timedelta(days=settings.keep_presses_nights)
        return await store.read(lambda tx: prepare(tx, asked.municipality, _question(tx, asked), now, forgotten))
    finally:
        await store.close()


def require_database(url: str) -> None:
    """Whoever only asks makes no database."""
    path = url.removeprefix("sqlite:///")
    if path != url and not Path(path).exists():
        raise SetupError(
            f"There is no database {path}: set DORFLICHT_DATABASE_URL, or fill one by “dorflicht import FILE”."
        )


def _question(tx: Tx, asked: Asked) -> Question:
    drafts = {
        name: {zone: _policy(tx, ZoneKey(asked.municipality, zone), text) for zone, text in zones.items()}
        for name, zones in asked.drafts.items()
    }
    model = None if asked.recorded else Model(asked.seed, asked.per_night, asked.curious)
    return Question(asked.first, asked.last, drafts, model)


def _policy(tx: Tx, key: ZoneKey, text: str) -> Policy:
    path = Path(text)
    if path.suffix not in (".toml", ".json"):
        return draft_of(tx, key, text).policy
    try:
        content = path.read_text("utf-8")
        if path.suffix == ".json":
            return PolicyDocument.model_validate_json(content).policy()
        return PolicyDocument.model_validate(tomllib.loads(content)).policy()
    except ValidationError as error:
        faults = (f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InvalidError("\n".join(faults)) from error
    except (OSError, ValueError) as error:
        raise InvalidError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
