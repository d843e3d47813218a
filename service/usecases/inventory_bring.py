"""Bring in: make the store's inventories what files say, all or nothing, and tell what changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from service.domain.inventory import ControllerKey, Inventory
from service.domain.sun import night_of
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import Tx
from service.usecases.importing_checks import idle_zone_faults, supply_point_faults
from service.usecases.inventory_changes import Changes, changes_of
from service.usecases.inventory_files import Files
from service.usecases.policies import inventory_of
from service.usecases.rows import AS_NAMED, ColumnMap, Table, places, shown
from service.usecases.rows_merge import Merged, merge
from service.usecases.rows_read import Bad, Reader, Row

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


class TakenBack(Exception):  # noqa: N818 - no error
    """Ends a transaction that was only to show what it does."""

    def __init__(self, brought: Brought) -> None:
        """Carry what it did."""
        super().__init__("nothing is kept")
        self.brought = brought


def bring(tx: Tx, files: Files, asked: Asked, now: datetime) -> Brought:
    """Save what the files say. InvalidError names each row and field that is wrong, ConflictError what must stay.

    With `dry_run` it raises TakenBack after all is done, so that nothing of it is kept.
    """
    before: dict[str, Inventory | None] = {}
    after: dict[str, Inventory] = {}
    keys: set[ControllerKey] = set()
    for inventory in files.inventories:
        home = inventory.municipality.id
        before[home] = _there(tx, home)
        after[home] = _completed(inventory, before[home])
        keys |= {controller.key for controller in inventory.controllers}
    lamps = sum(len(inventory.lamps) for inventory in files.inventories)
    bad: tuple[Bad, ...] = ()
    if files.tables:
        home = _home(tx, asked, after)
        before.setdefault(home, _there(tx, home))
        merged = _merged(after.get(home) or before[home], files.tables, asked)
        after[home], bad = merged.inventory, merged.bad
        keys |= {ControllerKey(home, row.controller) for row in merged.good}
        lamps += len(merged.good)
    for inventory in after.values():
        _save(tx, inventory, bad, now)
    changes = tuple(
        changes_of(before[name], one, night_of(now, one.municipality.place.tz)) for name, one in after.items()
    )
    notes = _notes(files.tables, asked.by, merged.good) if files.tables else ()
    brought = Brought(lamps, frozenset(keys), changes, bad, notes)
    if asked.dry_run:
        raise TakenBack(brought)
    return brought


def _there(tx: Tx, municipality: str) -> Inventory | None:
    home = tx.municipality(municipality)
    return None if home is None else inventory_of(tx, home)


def _completed(inventory: Inventory, there: Inventory | None) -> Inventory:
    """A file without controllers and lamps says nothing of them: they stay."""
    if there is None or inventory.controllers or inventory.lamps:
        return inventory
    return replace(inventory, controllers=there.controllers, lamps=there.lamps)


def _home(tx: Tx, asked: Asked, files: Mapping[str, Inventory]) -> str:
    """The municipality that tables are for."""
    known = sorted({*files, *(home.id for home in tx.municipalities())})
    there = f"There are {', '.join(known)}." if known else "There is none yet."
    way = "A new one comes from its own TOML file, which may stand in the same import before the lamps."
    if asked.municipality is None:
        raise InvalidError(f"--municipality is missing: say whose lamps these are. {there} {way}")
    if asked.municipality not in known:
        raise UnknownError(f"There is no municipality {shown(asked.municipality)}. {there} {way}")
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


def _save(tx: Tx, inventory: Inventory, bad: Sequence[Bad], now: datetime) -> None:
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
    try:
        tx.save_inventory(inventory, now)
    except (ConflictError, InvalidError) as error:
        raise type(error)(f"{home.id}: {error.detail}") from error


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
