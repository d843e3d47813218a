"""Enroll: put municipalities into the store, from files of several kinds, and let their controllers in."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_urlsafe

from service.domain.inventory import ControllerKey, Inventory
from service.errors import InvalidError
from service.ports import Access, Store, Tx
from service.usecases import inventory_files
from service.usecases.inventory_bring import NOTHING, Asked, Brought, bring
from service.usecases.inventory_files import Files


@dataclass(frozen=True, slots=True)
class Enrolled:
    """How many municipalities, lamps and controllers were read, how many controllers were newly let in, and which were
    left alone because they came in, or went out, by codes and commands of their own. `brought` says what changed."""

    municipalities: int
    controllers: int
    lamps: int
    new: int
    left: tuple[ControllerKey, ...] = ()
    brought: Brought = NOTHING


def read_files(paths: Sequence[Path]) -> list[Inventory]:
    """Read municipality files; InvalidError names the file and each wrong field."""
    return list(inventory_files.read_files(paths).inventories)


def save(tx: Tx, inventories: Sequence[Inventory], now: datetime) -> None:
    """Save inventories: all or none."""
    for inventory in inventories:
        tx.save_inventory(inventory, now)


async def enroll(
    store: Store,
    access: Access | None,
    inventories: Sequence[Inventory],
    credentials: Path | None,
    write: Callable[[Path, str], None],
    now: datetime,
) -> Enrolled:
    """Save inventories and let their controllers in, as `enroll_files` does."""
    return await enroll_files(store, access, Files(tuple(inventories)), Asked(), credentials, write, now)


async def enroll_files(
    store: Store,
    access: Access | None,
    files: Files,
    asked: Asked,
    credentials: Path | None,
    write: Callable[[Path, str], None],
    now: datetime,
) -> Enrolled:
    """Save what files say; with `access` and a credentials file, let in the controllers that have no secret there.

    Whoever had a claim code, or was revoked, is left as it is.
    The secrets are written before they open anything, so that a crash between leaves nobody locked out.
    """
    brought = await bring(store, files, asked, now)
    if asked.dry_run:
        return _enrolled(brought)
    keys = brought.controllers
    new: dict[ControllerKey, str] = {}
    left: set[ControllerKey] = set()
    if access is not None and credentials is not None:
        held = _held(credentials)
        let_in = await access.known()
        left = await store.read(lambda tx: _by_code(tx, brought)) & keys
        new = {
            key: held.get(_name(key)) or token_urlsafe(32)
            for key in keys - left
            if key not in let_in or _name(key) not in held
        }
        if new:
            write(credentials, json.dumps(held | {_name(key): secret for key, secret in new.items()}, indent=1))
            await access.add(new)
    return _enrolled(brought, len(new), tuple(sorted(left)))


def _enrolled(brought: Brought, new: int = 0, left: tuple[ControllerKey, ...] = ()) -> Enrolled:
    return Enrolled(len(brought.changes), len(brought.controllers), brought.lamps, new, left, brought)


def _by_code(tx: Tx, brought: Brought) -> set[ControllerKey]:
    """The controllers that ever had a claim code, or were revoked."""
    return {code.controller for changes in brought.changes for code in tx.claim_codes(changes.municipality)}


def _name(key: ControllerKey) -> str:
    return f"{key.municipality}/{key.controller}"


def _held(path: Path) -> dict[str, str]:
    try:
        held = json.loads(path.read_text("utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise InvalidError(f"{path}: is no credentials file: {error}") from error
    if not isinstance(held, dict) or not all(isinstance(value, str) for value in held.values()):
        raise InvalidError(f"{path}: is no credentials file: it must map municipality/controller to secrets")
    return held
