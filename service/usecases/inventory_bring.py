"""Bring in: make the store's inventories what files say, all or nothing, and tell what changed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from service.domain.inventory import ControllerKey, Inventory
from service.domain.sun import night_of
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import Store, Tx
from service.usecases.importing_checks import idle_zone_faults, supply_point_faults
from service.usecases.inventory_changes import Changes, changes_of
from service.usecases.inventory_files import Files
from service.usecases.policies import inventory_of
from service.usecases.rows import AS_NAMED, ColumnMap, Table, places, shown
from service.usecases.rows_merge import Merged, merge
from service.usecases.rows_read import Bad, Reader, Row

MOST_TRIES = 5
"""Times that an import is worked out anew because what it builds on changed meanwhile."""

_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Asked:
    """How to bring in tables of lamps: into which municipality, by which columns, and what to do beyond adding and
    changing. With `dry_run` nothing is kept; with `skip_bad` rows that cannot be used are left out."""

    municipality: str | None = None
    by: ColumnMap = AS_NAMED
    encoding: str | None = None
    dry_run: bool = False
    skip_bad: bool = False
    remove_missing: bool = False


@dataclass(frozen=True, slots=True)
class Brought:
    """What was brought in, or would be: how many lamps on which controllers the files had, what changed in each
    municipality, the rows left out, and how the files were read."""

    lamps: int = 0
    controllers: frozenset[ControllerKey] = frozenset()
    changes: tuple[Changes, ...] = ()
    bad: tuple[Bad, ...] = ()
    notes: tuple[str, ...] = ()


NOTHING = Brought()


@dataclass(frozen=True, slots=True)
class There:
    """What an import looks at in the store: the inventories that it is about, None for one that is not there yet, and,
    where it has tables, the ids of all municipalities."""

    inventories: Mapping[str, Inventory | None]
    municipalities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """What an import makes of what is there: the inventories to be saved, and what it tells of them."""

    there: There
    after: tuple[Inventory, ...]
    brought: Brought


class _TakenBack(Exception):  # noqa: N818 - no error
    """Ends a transaction that was only to show whether the store would refuse."""


async def bring(store: Store, files: Files, asked: Asked, now: datetime) -> Brought:
    """Save what the files say. InvalidError names each row and field that is wrong, ConflictError what must stay.

    What takes long is done while others may write. If they change what it builds on, it is done again, some times;
    then ConflictError. With `dry_run` the store is asked all the same, and keeps nothing.
    """
    for _ in range(MOST_TRIES):
        there = await store.read(partial(look, files=files, asked=asked))
        done = await asyncio.to_thread(work_out, there, files, asked, now)
        try:
            if await store.write(partial(keep, done=done, dry_run=asked.dry_run, now=now)):
                return done.brought
        except _TakenBack:
            return done.brought
    raise ConflictError(
        f"{', '.join(there.inventories)}: somebody else changed the inventory or its rules each of the {MOST_TRIES} "
        "times that the import was worked out, so nothing was imported. Please try again when they are done."
    )


def look(tx: Tx, files: Files, asked: Asked) -> There:
    """What stands where the files belong."""
    about = [inventory.municipality.id for inventory in files.inventories]
    if not files.tables:
        return There({name: _there(tx, name) for name in about})
    if asked.municipality is not None:
        about.append(asked.municipality)
    known = tuple(home.id for home in tx.municipalities())
    return There({name: _there(tx, name) for name in about}, known)


def work_out(there: There, files: Files, asked: Asked, now: datetime) -> WorkedOut:
    """What becomes of what is there. InvalidError names each row and field that is wrong. May take seconds."""
    before = there.inventories
    after: dict[str, Inventory] = {}
    keys: set[ControllerKey] = set()
    for inventory in files.inventories:
        home = inventory.municipality.id
        after[home] = _completed(inventory, before[home])
        keys |= {controller.key for controller in inventory.controllers}
    lamps = sum(len(inventory.lamps) for inventory in files.inventories)
    bad: tuple[Bad, ...] = ()
    notes: tuple[str, ...] = ()
    if files.tables:
        home = _home(there, asked, after)
        merged = _merged(after.get(home) or before[home], files.tables, asked)
        after[home], bad = merged.inventory, merged.bad
        keys |= {ControllerKey(home, row.controller) for row in merged.good}
        lamps += len(merged.good)
        notes = _notes(files.tables, asked.by, merged.good)
    for inventory in after.values():
        _check(inventory, bad)
    changes = tuple(
        changes_of(before[name], one, night_of(now, one.municipality.place.tz)) for name, one in after.items()
    )
    return WorkedOut(there, tuple(after.values()), Brought(lamps, frozenset(keys), changes, bad, notes))


def keep(tx: Tx, done: WorkedOut, *, dry_run: bool, now: datetime) -> bool:
    """Save what was worked out; False, and nothing is saved, where what is there is not what it was worked out from.

    As short as can be, since nobody else writes meanwhile. Others' rules are compared, too: costs are told by them.
    """
    if any(_there(tx, name) != inventory for name, inventory in done.there.inventories.items()):
        return False
    for inventory in done.after:
        try:
            tx.save_inventory(inventory, now)
        except (ConflictError, InvalidError) as error:
            raise type(error)(f"{inventory.municipality.id}: {error.detail}") from error
    if dry_run:
        raise _TakenBack
    return True


def _there(tx: Tx, municipality: str) -> Inventory | None:
    home = tx.municipality(municipality)
    return None if home is None else inventory_of(tx, home)


def _completed(inventory: Inventory, there: Inventory | None) -> Inventory:
    """A file without controllers and lamps says nothing of them: they stay."""
    if there is None or inventory.controllers or inventory.lamps:
        return inventory
    return replace(inventory, controllers=there.controllers, lamps=there.lamps)


def _home(there: There, asked: Asked, files: Mapping[str, Inventory]) -> str:
    """The municipality that tables are for."""
    known = sorted({*files, *there.municipalities})
    ones = f"There are {', '.join(known)}." if known else "There is none yet."
    way = "A new one comes from its own TOML file, which may stand in the same import before the lamps."
    if asked.municipality is None:
        raise InvalidError(f"--municipality is missing: say whose lamps these are. {ones} {way}")
    if asked.municipality not in known:
        raise UnknownError(f"There is no municipality {shown(asked.municipality)}. {ones} {way}")
    return asked.municipality


def _merged(there: Inventory | None, tables: Sequence[tuple[str, Table]], asked: Asked) -> Merged:
    """The inventory with the rows of all tables. InvalidError lists the bad ones, unless they may be left out."""
    if there is None:
        raise AssertionError("the municipality was found before")
    reader = Reader(there, asked.by)
    merged = merge(
        there,
        [row for file, table in tables for row in reader.read(file, table)],
        remove_missing=asked.remove_missing,
    )
    lines = [line for row in merged.bad for line in row.lines]
    unknown = asked.remove_missing and any(row.lamp is None for row in merged.bad)
    if unknown:
        lines.append(
            "--remove-missing: which lamps the bad rows are is not known of all of them, so nothing is removed"
        )
    elif asked.skip_bad or asked.dry_run:
        return merged
    if lines:
        many = "1 row is" if len(merged.bad) == 1 else f"{len(merged.bad)} rows are"
        way = "" if unknown else "; --skip-bad leaves them out"
        raise InvalidError("\n".join([*lines, f"{many} bad, so nothing was imported{way}."]))
    return merged


def _check(inventory: Inventory, bad: Sequence[Bad]) -> None:
    """InvalidError for a zone or supply point with nothing in it."""
    home = inventory.municipality
    lit = {output.zone for controller in inventory.controllers for output in controller.outputs}
    idle = idle_zone_faults((zone.key.zone for zone in inventory.zones), lit)
    faults = [
        f"{fault}. Bring its lamps in the same import, as in “dorflicht import {home.id}.toml lamps.csv "
        f"--municipality {home.id}”, or take the zone out of the TOML file"
        for fault in idle
    ]
    faults += supply_point_faults(home.supply_points, {one.key.controller for one in inventory.controllers})
    if faults:
        lines = [line for row in bad for line in row.lines]
        raise InvalidError("\n".join([*lines, *(f"{home.id}: {fault}" for fault in faults)]))


def _notes(tables: Sequence[tuple[str, Table]], by: ColumnMap, rows: Sequence[Row]) -> tuple[str, ...]:
    """How the files were read, as far as whoever gave them should look whether it is right."""
    notes = []
    for file, table in tables:
        used = set(places(table, by).values())
        idle = [shown(name) for n, name in enumerate(table.columns) if n not in used and name]
        notes += [f"{file}: {note}" for note in table.notes]
        if idle:
            notes.append(f"{file}: columns that are not used: {', '.join(idle)}")
    made = {row.lamp_text: row.lamp for row in rows} | {row.controller_text: row.controller for row in rows}
    changed = [f"{shown(text)} is {name}" for text, name in made.items() if text != name]
    if changed:
        more = f", and so on ({len(changed)} in all)" if len(changed) > _EXAMPLES else ""
        notes.append(f"ids are small letters, digits and hyphens: {', '.join(changed[:_EXAMPLES])}{more}")
    return tuple(notes)
