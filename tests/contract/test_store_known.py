"""What a Store remembers of the inventory is never older than what is in the database."""

from dataclasses import replace

import pytest

from service.domain.entries import Entry
from service.domain.inventory import Controller, Inventory
from service.domain.words import Cause
from service.errors import UnknownError
from service.ports import Tx
from service.store import SqlStore, open_store
from tests.contract.test_store import moved
from tests.support.leck import CABINET, FIRST, NOW, later, leck


def renamed(name: str) -> Inventory:
    """Leck with another name for itself and for its cabinet."""
    [cabinet] = leck().controllers
    return replace(
        leck(), municipality=replace(leck().municipality, name=name), controllers=(replace(cabinet, name=name),)
    )


def seen(tx: Tx) -> tuple[str, str]:
    """The names of the municipality and of its cabinet."""
    home = tx.municipality("leck")
    [cabinet] = tx.controllers_by_key([CABINET])
    assert home is not None
    return home.name, cabinet.name


async def test_what_another_program_saved_is_seen_at_once(village: SqlStore, store_url: str) -> None:
    other = open_store(store_url)
    for name in ("second", "third"):
        await village.read(seen)
        await village.write(seen)
        await other.write(lambda tx, name=name: tx.save_inventory(renamed(name), NOW))  # type: ignore[misc]
        assert await village.read(seen) == await village.write(seen) == (name, name)
    await other.close()


@pytest.mark.parametrize("looked", [True, False])
async def test_what_was_not_kept_is_not_remembered(village: SqlStore, looked: bool) -> None:
    before = await village.write(seen)

    def work(tx: Tx) -> None:
        tx.save_inventory(renamed("never"), NOW)
        assert seen(tx) == ("never", "never")
        raise LookupError("broken on purpose")

    with pytest.raises(LookupError, match="broken on purpose"):
        await village.write(work)
    if looked:
        assert await village.read(seen) == await village.write(seen) == before
    await village.write(lambda tx: tx.save_inventory(renamed("kept"), NOW))
    assert await village.read(seen) == await village.write(seen) == ("kept", "kept")


async def test_what_is_gone_is_not_remembered(village: SqlStore) -> None:
    assert len(await village.write(lambda tx: tx.controllers_by_key([CABINET]))) == 1
    bare = replace(leck(), controllers=(), lamps=())
    await village.write(lambda tx: tx.save_inventory(bare, NOW))
    assert await village.read(lambda tx: tx.controllers_by_key([CABINET])) == []
    assert await village.read(lambda tx: tx.controller_states([CABINET])) == {}
    with pytest.raises(UnknownError, match="cabinet-1/1"):
        await village.write(lambda tx: tx.add_energy([Entry(FIRST, NOW, later(seconds=1), 5, Cause.TEST)]))


async def test_what_comes_new_is_found_by_who_asked_before(village: SqlStore) -> None:
    there = moved(leck(), "there")
    [cabinet] = there.controllers

    def found(tx: Tx) -> list[Controller]:
        assert (tx.municipality("there") is None) == (not tx.zones("there"))
        return tx.controllers_by_key([cabinet.key, CABINET])

    assert [one.key for one in await village.read(found)] == [CABINET]
    await village.write(lambda tx: tx.save_inventory(there, NOW))
    assert await village.read(found) == [*leck().controllers, cabinet]
