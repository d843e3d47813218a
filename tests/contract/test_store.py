"""What every Store keeps of a village, and what it refuses to forget of it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from service.domain.entries import Entry
from service.domain.inventory import (
    ControllerKey,
    FixedPrice,
    Inventory,
    Lamp,
    Meter,
    MeterKey,
    OutputKey,
    SupplyPoint,
    ZoneKey,
)
from service.domain.leases import Lease
from service.domain.policy import LightException, Policy, Rulebook
from service.domain.reports import ControllerState, MeterState, OutputState
from service.domain.schedule import Anchor, Moment, QuietCap, Step, Window
from service.domain.words import Cause, Channel, Period, Quality, Reason
from service.errors import ConflictError, InvalidError
from service.ports import Burnt, Draft, Enactment, EnergySum, ExceptionRecord, PressRecord, SentOrder, SentPlan, Tx
from service.store import SqlStore
from tests.support.leck import (
    ALONE,
    CABINET,
    CROSSING,
    DARK,
    FIRST,
    METER,
    NOW,
    POLICY,
    SECOND,
    START,
    STREET,
    later,
    leck,
)
from tests.support.stores import query

NOWHERE = ZoneKey("leck", "nowhere")
FESTIVAL = LightException("festival", "Dorffest", START, START, (Step(Anchor.SUNSET, 100),))
ALL_NIGHT_LONG = Window(Moment(Anchor.SUNSET), Moment(Anchor.SUNRISE))
LEASE = Lease("a" * 32, STREET, (STREET, CROSSING), NOW, later(minutes=10), 80)


def counts(url: str) -> dict[str, int]:
    """Rows in each table of the inventory."""
    names = (
        "municipality",
        "price",
        "zone",
        "emission_factor",
        "policy_version",
        "policy_draft",
        "light_exception",
        "controller",
        "output",
        "meter",
        "meter_output",
        "lamp",
    )
    return {name: query(url, f"SELECT count(*) FROM {name}")[0][0] for name in names}  # noqa: S608 - names from above


async def test_an_inventory_comes_back_as_it_was_saved(village: SqlStore) -> None:
    wanted = leck()
    assert await village.read(lambda tx: tx.municipality("leck")) == wanted.municipality
    assert await village.read(lambda tx: tx.municipalities()) == [wanted.municipality]
    assert await village.read(lambda tx: tx.zones("leck")) == list(wanted.zones)
    assert await village.read(lambda tx: tx.zone(STREET)) == wanted.zones[0]
    assert await village.read(lambda tx: tx.controllers("leck")) == list(wanted.controllers)
    assert await village.read(lambda tx: tx.controllers_by_key([CABINET])) == list(wanted.controllers)
    assert await village.read(lambda tx: tx.outputs([STREET, CROSSING])) == list(wanted.controllers[0].outputs)
    assert await village.read(lambda tx: tx.outputs([CROSSING])) == [wanted.controllers[0].outputs[1]]
    assert await village.read(lambda tx: tx.lamps("leck")) == list(wanted.lamps)


async def test_an_output_counts_its_lamps_and_one_safety_lamp_makes_it_safe(store: SqlStore) -> None:
    wrong = leck()
    outputs = tuple(replace(output, lamps=7, watts=1.0, safety=False) for output in wrong.controllers[0].outputs)
    wrong = replace(wrong, controllers=(replace(wrong.controllers[0], outputs=outputs),))
    await store.write(lambda tx: tx.save_inventory(wrong, NOW))
    found = await store.read(lambda tx: tx.outputs([STREET, CROSSING]))
    assert [(o.lamps, o.watts, o.safety) for o in found] == [(2, 80.5, False), (1, 60.0, True)]


async def test_what_does_not_exist_is_none_or_left_out(village: SqlStore) -> None:
    other = ControllerKey("leck", "other")
    assert await village.read(lambda tx: tx.municipality("other")) is None
    assert await village.read(lambda tx: tx.zone(NOWHERE)) is None
    assert await village.read(lambda tx: tx.zones("other")) == []
    assert await village.read(lambda tx: tx.controllers("other")) == []
    assert await village.read(lambda tx: tx.lamps("other")) == []
    assert await village.read(lambda tx: tx.controllers_by_key([other])) == []
    assert await village.read(lambda tx: tx.outputs([NOWHERE])) == []
    assert await village.read(lambda tx: tx.outputs([])) == []
    assert await village.read(lambda tx: tx.controller_states([other])) == {}
    assert await village.read(lambda tx: tx.lease("b" * 32)) is None
    assert await village.read(lambda tx: tx.answer("scope")) is None


async def test_fixed_prices_and_supply_points_are_those_of_the_last_inventory(store: SqlStore) -> None:
    fixed = (
        FixedPrice(date(2025, 1, 1), Decimal("120.50"), "contract"),
        FixedPrice(date(2026, 1, 1), Decimal("130.123456789012345678"), "contract"),
    )
    points = (SupplyPoint("street", "Hauptstraße", ("cabinet-1",)), SupplyPoint("all", "Ganz Leck"))
    for home in (replace(leck().municipality, fixed_prices=fixed, supply_points=points), leck().municipality):
        await store.write(lambda tx, home=home: tx.save_inventory(replace(leck(), municipality=home), NOW))  # type: ignore[misc]
        assert await store.read(lambda tx: tx.municipality("leck")) == home
        assert await store.read(lambda tx: tx.municipalities()) == [home]


async def test_equal_ids_in_two_municipalities_are_two_things(village: SqlStore) -> None:
    there = moved(leck(), "glasau")
    await village.write(lambda tx: tx.save_inventory(there, NOW))
    both = await village.read(lambda tx: tx.outputs([STREET, ZoneKey("glasau", "kreuzung")]))
    assert [output.key for output in both] == [OutputKey("glasau", "cabinet-1", 2), FIRST]
    assert [m.id for m in await village.read(lambda tx: tx.municipalities())] == ["glasau", "leck"]


async def test_a_meter_of_one_output_is_its_own(store: SqlStore) -> None:
    village = leck()
    meters = (Meter(METER, (1, 2)), Meter(METER._replace(n=2), (2,)))
    village = replace(village, controllers=(replace(village.controllers[0], meters=meters),))
    shared, own = MeterState(1000, 50.0, NOW), MeterState(300, 20.0, NOW)
    await store.write(lambda tx: tx.save_inventory(village, NOW))
    await store.write(lambda tx: tx.save_meter_states({METER: shared}))
    await store.write(lambda tx: tx.save_meter_states({METER._replace(n=2): own}))
    seen = await store.read(lambda tx: tx.watched([STREET, CROSSING]))
    assert {w.output.key: w.meter for w in seen} == {FIRST: None, SECOND: own}


async def test_saving_twice_adds_nothing(village: SqlStore, store_url: str) -> None:
    before = counts(store_url)
    await village.write(lambda tx: tx.save_inventory(leck(), later(days=1)))
    assert counts(store_url) == before
    assert await village.read(lambda tx: tx.zones("leck")) == list(leck().zones)


async def test_a_zone_that_is_there_keeps_its_rules_whatever_the_inventory_says(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(with_policies(leck(), replace(POLICY, until=START)), NOW))
    assert await village.read(lambda tx: tx.zone(STREET)) == leck().zones[0]


async def test_a_new_zone_gets_all_its_rules_as_from_the_file(store: SqlStore) -> None:
    second = replace(POLICY, valid_from=date(2026, 6, 1), until=date(2026, 9, 1), resolution=None)
    wanted = with_policies(leck(), replace(POLICY, version=0), replace(second, version=0))
    book = replace(wanted.zones[0].rulebook, exceptions=(FESTIVAL,))
    wanted = replace(wanted, zones=(replace(wanted.zones[0], rulebook=book), wanted.zones[1]))
    await store.write(lambda tx: tx.save_inventory(wanted, NOW))
    kept = (POLICY, replace(second, version=2))
    street = await store.read(lambda tx: tx.zone(STREET))
    assert street is not None
    assert street.rulebook == Rulebook(kept, (FESTIVAL,))
    assert await store.read(lambda tx: tx.enactments(STREET)) == [Enactment(one, None, NOW) for one in kept]
    assert await store.read(lambda tx: tx.exceptions(STREET)) == [ExceptionRecord(FESTIVAL, None)]


async def test_an_inventory_changes_what_is_there(village: SqlStore) -> None:
    new = replace(
        leck(),
        municipality=replace(
            leck().municipality,
            name="Leck (Nordfriesland)",
            place=replace(leck().municipality.place, region=""),
            prices=leck().municipality.prices[1:],
            emission_factors=(),
            safety_schedule=DARK,
        ),
        zones=(replace(leck().zones[0], name="Dorf", listed=False), leck().zones[1]),
        controllers=(
            replace(
                leck().controllers[0],
                outputs=(replace(leck().controllers[0].outputs[0], zone="kreuzung", lamps=3, watts=141.5),),
                meters=(Meter(METER, (1,)),),
            ),
        ),
        lamps=(
            *leck().lamps[:1],
            Lamp("h-2", FIRST, 41.5, 54.0, 9.0, "H2"),
            replace(leck().lamps[2], output=FIRST, safety=False),
        ),
    )
    await village.write(lambda tx: tx.save_inventory(new, NOW))
    assert await village.read(lambda tx: tx.municipality("leck")) == new.municipality
    assert await village.read(lambda tx: tx.zones("leck")) == list(new.zones)
    assert await village.read(lambda tx: tx.controllers("leck")) == list(new.controllers)
    assert await village.read(lambda tx: tx.lamps("leck")) == list(new.lamps)


async def test_unrecorded_things_are_removed_with_their_rules(village: SqlStore, store_url: str) -> None:
    bare = replace(leck(), zones=leck().zones[1:], controllers=(), lamps=())

    def work(tx: Tx) -> None:
        for zone in (STREET, CROSSING):
            tx.save_draft(zone, Draft("draft", replace(ALONE, version=0), "Anna", NOW))
            tx.add_exception(zone, ExceptionRecord(FESTIVAL, "Anna"))
        tx.save_inventory(bare, NOW)

    await village.write(work)
    [crossing] = await village.read(lambda tx: tx.zones("leck"))
    assert crossing == replace(leck().zones[1], rulebook=Rulebook((ALONE,), (FESTIVAL,)))
    left = counts(store_url)
    ones = ("zone", "policy_version", "policy_draft", "light_exception")
    assert [left[name] for name in (*ones, "controller", "output", "meter", "lamp")] == [1, 1, 1, 1, 0, 0, 0, 0]


async def test_a_zone_that_another_ever_lit_along_is_not_removed(village: SqlStore, store_url: str) -> None:
    bare = replace(with_policies(leck(), ALONE), controllers=(), lamps=())
    bare = replace(bare, zones=bare.zones[:1])
    await village.write(lambda tx: tx.enact(STREET, Enactment(replace(ALONE, version=2), "Anna", NOW)))
    before = counts(store_url)
    with pytest.raises(ConflictError, match=r"zone kreuzung \(lit along with hauptstrasse\): cannot be removed"):
        await village.write(lambda tx: tx.save_inventory(bare, NOW))
    assert counts(store_url) == before
    await village.write(lambda tx: tx.save_inventory(replace(bare, zones=()), NOW))  # both may go together
    assert await village.read(lambda tx: tx.zones("leck")) == []


RECORD: dict[str, tuple[str, Callable[[Tx], object]]] = {
    "press": (
        "zone hauptstrasse",
        lambda tx: tx.add_press(PressRecord("p", STREET, NOW, Channel.WEB, Reason.DAYLIGHT, None)),
    ),
    "lease": ("zone hauptstrasse", lambda tx: tx.add_lease(replace(LEASE, lights=(STREET,)), 2)),
    "lit along": ("zone kreuzung", lambda tx: tx.add_lease(LEASE, 2)),
    "energy": ("output cabinet-1/1", lambda tx: tx.add_energy([Entry(FIRST, NOW, later(seconds=1), 5, Cause.PRESS)])),
    "order": ("controller cabinet-1", lambda tx: tx.keep_order(CABINET, SentOrder(1, {}), NOW)),
    "plan": ("controller cabinet-1", lambda tx: tx.keep_plan(CABINET, SentPlan(1, "digest"), NOW)),
    "state": ("controller cabinet-1", lambda tx: tx.save_controller_states({CABINET: ControllerState()})),
    "burning time": (
        "output cabinet-1/1",
        lambda tx: tx.set_burnt_month(START, [FIRST], [Burnt(FIRST, 100, timedelta(hours=1), 5)]),
    ),
    "roll-up": (
        "zone hauptstrasse",
        lambda tx: tx.set_rolled(
            "leck", Period.DAY, NOW, [EnergySum(NOW, "hauptstrasse", Cause.PRESS, Quality.MEASURED, 5)]
        ),
    ),
    "output": (
        "output cabinet-1/2",
        lambda tx: tx.save_output_states({SECOND: OutputState(0, Cause.SCHEDULE, NOW, NOW)}),
    ),
    "meter": ("meter cabinet-1/1", lambda tx: tx.save_meter_states({METER: MeterState(1, 2.0, NOW)})),
}


@pytest.mark.parametrize("recorded", RECORD)
async def test_recorded_things_are_not_removed(village: SqlStore, store_url: str, recorded: str) -> None:
    bare = replace(leck(), zones=(), controllers=(), lamps=())
    named, record = RECORD[recorded]
    await village.write(record)
    before = counts(store_url)
    with pytest.raises(ConflictError, match=named):
        await village.write(lambda tx: tx.save_inventory(bare, NOW))
    assert counts(store_url) == before
    assert await village.read(lambda tx: tx.controllers("leck")) == list(leck().controllers)


async def test_a_refused_inventory_changes_nothing_even_in_a_transaction_that_goes_on(village: SqlStore) -> None:
    bare = replace(leck(), municipality=replace(leck().municipality, name="Other"), zones=(), controllers=(), lamps=())

    def work(tx: Tx) -> None:
        tx.add_lease(LEASE, 2)
        with pytest.raises(ConflictError):
            tx.save_inventory(bare, NOW)

    await village.write(work)
    assert await village.read(lambda tx: tx.municipality("leck")) == leck().municipality


def with_policies(inventory: Inventory, *policies: Policy) -> Inventory:
    """The street's rules changed."""
    street = replace(inventory.zones[0], rulebook=Rulebook(policies))
    return replace(inventory, zones=(street, *inventory.zones[1:]))


def lighting(*along: str) -> Inventory:
    """The street alone, lighting others along."""
    inventory = with_policies(leck(), replace(POLICY, along=along))
    return replace(inventory, zones=inventory.zones[:1])


WRONG = {
    "zone hauptstrasse: along: zone nowhere": lighting("nowhere"),
    "output cabinet-1/2: zone: zone kreuzung": lighting(),
    "lamp h-1: output: output cabinet-1/1": replace(leck(), controllers=()),
    "meter cabinet-1/1: outputs: output cabinet-1/3": replace(
        leck(), controllers=(replace(leck().controllers[0], meters=(Meter(METER, (3,)),)),)
    ),
    "zone hauptstrasse: quiet: output cabinet-1/8 is not": with_policies(
        leck(), replace(POLICY, quiet=(QuietCap(0, ALL_NIGHT_LONG, ("cabinet-1", 8)),))
    ),
    "zone hauptstrasse: policies: there is none": with_policies(leck()),
    "exception: hauptstrasse/festival is there twice": replace(
        leck(), zones=(replace(leck().zones[0], rulebook=Rulebook((ALONE,), (FESTIVAL, FESTIVAL))),)
    ),
    "emission factor: 2025-01-01 is there twice": replace(
        leck(), municipality=replace(leck().municipality, emission_factors=2 * leck().municipality.emission_factors[:1])
    ),
    "fixed price: 2025-01-01 is there twice": replace(
        leck(),
        municipality=replace(leck().municipality, fixed_prices=2 * (FixedPrice(date(2025, 1, 1), Decimal(1), ""),)),
    ),
    "supply point: all is there twice": replace(
        leck(), municipality=replace(leck().municipality, supply_points=2 * (SupplyPoint("all", "All"),))
    ),
    "supply point north: controllers: controller cabinet-9 is not": replace(
        leck(),
        municipality=replace(leck().municipality, supply_points=(SupplyPoint("north", "North", ("cabinet-9",)),)),
    ),
    "lamp: h-1 is there twice": replace(leck(), lamps=(*leck().lamps, leck().lamps[0])),
    "zone: kreuzung is there twice": replace(leck(), zones=(*leck().zones, leck().zones[1])),
}


@pytest.mark.parametrize("sentence", WRONG)
async def test_an_inventory_that_does_not_hold_together_is_refused(store: SqlStore, sentence: str) -> None:
    with pytest.raises(InvalidError, match=sentence):
        await store.write(lambda tx: tx.save_inventory(WRONG[sentence], NOW))
    assert await store.read(lambda tx: tx.municipalities()) == []


def moved(inventory: Inventory, municipality: str) -> Inventory:
    """The same village under another id."""
    zones = tuple(replace(zone, key=ZoneKey(municipality, zone.key.zone)) for zone in inventory.zones)
    [cabinet] = inventory.controllers
    cabinet = replace(
        cabinet,
        key=ControllerKey(municipality, "cabinet-1"),
        outputs=tuple(replace(one, key=OutputKey(municipality, "cabinet-1", one.key.n)) for one in cabinet.outputs),
        meters=tuple(replace(one, key=MeterKey(municipality, "cabinet-1", one.key.n)) for one in cabinet.meters),
    )
    lamps = tuple(replace(one, output=OutputKey(municipality, "cabinet-1", one.output.n)) for one in inventory.lamps)
    home = replace(inventory.municipality, id=municipality)
    return Inventory(home, zones, (cabinet,), lamps, inventory.note)
