"""Enroll: put municipalities into the store and let their controllers in."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_urlsafe

from service.domain.inventory import ControllerKey, Inventory
from service.errors import InvalidError
from service.ports import Access, Store, Tx
from service.usecases.importing import read_inventory


@dataclass(frozen=True, slots=True)
class Enrolled:
    """How many municipalities, lamps and controllers were read, how many controllers were newly let in, and which were
    left alone because they came in, or went out, by codes and commands of their own."""

    municipalities: int
    controllers: int
    lamps: int
    new: int
    left: tuple[ControllerKey, ...] = ()


def read_files(paths: Sequence[Path]) -> list[Inventory]:
    """Read municipality files; InvalidError names the file and each wrong field."""
    inventories = []
    for path in paths:
        try:
            inventories.append(read_inventory(path.read_text("utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidError(f"{path}: cannot be read: {error}") from error
        except InvalidError as error:
            lines = "\n".join(f"{path}: {line}" for line in error.detail.splitlines())
            raise InvalidError(lines) from error
    return inventories


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
    """Save inventories; with `access` and a credentials file, let in the controllers that have no secret there.

    Whoever had a claim code, or was revoked, is left as it is.
    The secrets are written before they open anything, so that a crash between leaves nobody locked out.
    """
    await store.write(lambda tx: save(tx, inventories, now))
    keys = {controller.key for inventory in inventories for controller in inventory.controllers}
    new: dict[ControllerKey, str] = {}
    left: set[ControllerKey] = set()
    if access is not None and credentials is not None:
        held = _held(credentials)
        let_in = await access.known()
        left = await store.read(lambda tx: _by_code(tx, inventories)) & keys
        new = {
            key: held.get(_name(key)) or token_urlsafe(32)
            for key in keys - left
            if key not in let_in or _name(key) not in held
        }
        if new:
            write(credentials, json.dumps(held | {_name(key): secret for key, secret in new.items()}, indent=1))
            await access.add(new)
    lamps = sum(len(inventory.lamps) for inventory in inventories)
    return Enrolled(len(inventories), len(keys), lamps, len(new), tuple(sorted(left)))


def _by_code(tx: Tx, inventories: Sequence[Inventory]) -> set[ControllerKey]:
    """The controllers that ever had a claim code, or were revoked."""
    return {code.controller for inventory in inventories for code in tx.claim_codes(inventory.municipality.id)}


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
