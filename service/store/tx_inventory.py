"""Saving an inventory: the one place where municipalities, zones, controllers, outputs, meters and lamps change."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.domain.inventory import Inventory, Lamp, Municipality, Output
from service.errors import ConflictError
from service.store import tables
from service.store.codec import alert_rules_to_json, schedule_to_json, supply_points_to_json
from service.store.inventory_check import Name, check, names
from service.store.inventory_kinds import CONTROLLER, LAMP, METER, OF, OUTPUT, REMOVED_IN_THIS_ORDER, ZONE, Kind
from service.store.tables import table
from service.store.tx_base import controller, municipality, output, zone
from service.store.tx_policies import PoliciesTx, along_of
from service.store.tx_village import VillageTx, emission_factor, feeder, fixed_price, meter_output, price

_lease = table(tables.LeaseRow)
_LIGHTS = select(_lease.c.lights).distinct().join(zone).where(zone.c.municipality_id == OF)
_output_test = table(tables.OutputTestRow)
_STAGES = select(controller.c.slug, _output_test.c.stages).join(controller).where(controller.c.municipality_id == OF)
_commissioned = table(tables.CommissionedRow)
_COMMISSIONED = (
    select(controller.c.slug, output.c.n, output.c.id, output.c.lamps, output.c.watts)
    .select_from(_commissioned.join(output).join(controller))
    .where(controller.c.municipality_id == OF)
)
_version = table(tables.InventoryVersionRow)
_COUNT_UP = {
    dialect: insert_into(_version).on_conflict_do_update(
        index_elements=[_version.c.id], set_={"version": _version.c.version + 1}
    )
    for dialect, insert_into in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_SAME_WATTS = 0.1
"""W by which the lamps of an output may differ from those that were commissioned."""

Ids = Mapping[Name, int]


class InventoryTx(VillageTx, PoliciesTx):
    """Bringing the tables to what an inventory says."""

    def save_inventory(self, inventory: Inventory, at: datetime) -> None:
        """Insert or update a municipality by its ids; ConflictError names what must not be removed."""
        wanted = names(inventory)
        check(inventory, wanted)
        self._forget_inventory()
        of = self._municipality_id(inventory)
        gone = {} if of is None else self._gone(inventory.municipality.id, of, wanted)
        of = self._save_municipality(inventory, of)
        zones = self._save_zones(inventory, of, at)
        outputs = self._save_outputs(inventory, of, zones)
        self._save_feeders(inventory, of, outputs)
        self._save_meters(inventory, of, outputs)
        self._save_lamps(inventory, of, outputs)
        self._remove(gone)
        self._forget_inventory()
        self._quick(_COUNT_UP[self._connection.dialect.name], {"id": 1, "version": 1})

    def _present(self, kind: Kind, of: int) -> dict[Name, int]:
        return {tuple(row[1:]): row[0] for row in self._rows(kind.present, of=of)}

    def _gone(self, slug: str, of: int, wanted: Mapping[str, set[Name]]) -> dict[str, list[int]]:
        """What is to be removed, by kind. ConflictError, before anything changed, when it must stay."""
        gone: dict[str, list[int]] = {}
        kept: list[str] = []
        for kind in REMOVED_IN_THIS_ORDER:
            left = {id_: name for name, id_ in self._present(kind, of).items() if name not in wanted[kind.name]}
            gone[kind.name] = list(left)
            for column in kind.recorded:
                found = self._run(select(column).where(column.in_(gone[kind.name])).distinct(), {}) if left else ()
                kept += [f"{kind.name} {'/'.join(map(str, left[row[0]]))}" for row in found]
            if left and kind is OUTPUT:
                kept += [f"output {c}/{n}" for c, n in self._tested(of).intersection(left.values())]
            if left and kind is ZONE:
                kept += self._lit(slug, of, {str(name) for (name,) in left.values()})
        if kept:
            raise ConflictError(f"{', '.join(sorted(set(kept)))}: cannot be removed, something is recorded there")
        return gone

    def _tested(self, of: int) -> set[Name]:
        """The outputs of the municipality that were lit in a commissioning test."""
        return {(slug, stage[0]) for slug, stages in self._rows(_STAGES, of=of) for stage in stages}

    def _lit(self, municipality: str, of: int, gone: set[str]) -> list[str]:
        """Which of the zones that are to go a lease of the municipality lights, or a policy of those that stay."""
        leased = {slug for (lights,) in self._rows(_LIGHTS, of=of) for slug in lights.split()}
        along = along_of(one for one in self.zones(municipality) if one.key.zone not in gone)
        lit = [f"zone {slug}" for slug in gone & leased]
        return lit + [f"zone {slug} (lit along with {along[slug]})" for slug in gone & along.keys()]

    def _remove(self, gone: Mapping[str, Sequence[int]]) -> None:
        for kind in REMOVED_IN_THIS_ORDER:
            ids = gone.get(kind.name)
            if not ids:
                continue
            if kind is ZONE:
                self._remove_rules(ids)
            for column in (*kind.forgotten, kind.table.c.id):
                self._run(delete(column.table).where(column.in_(ids)), {})

    def _sync(self, kind: Kind, of: int, wanted: Mapping[Name, Mapping[str, Any]]) -> dict[Name, int]:
        """Update what is there, insert what is not; returns the keys of all."""
        present = self._present(kind, of)
        old = [{"key": present[name], **values} for name, values in wanted.items() if name in present]
        new = [values for name, values in wanted.items() if name not in present]
        if old:
            self._run(update(kind.table).where(kind.table.c.id == bindparam("key")), old)
        if new:
            self._run(insert(kind.table), new)
        return self._present(kind, of)

    def _municipality_id(self, inventory: Inventory) -> int | None:
        slug = inventory.municipality.id
        found = self._run(select(municipality.c.id).where(municipality.c.slug == slug), {}).first()
        return None if found is None else int(found[0])

    def _save_municipality(self, inventory: Inventory, of: int | None) -> int:
        one = inventory.municipality
        values = {
            "slug": one.id,
            "name": one.name,
            "tz": one.place.tz,
            "lat": one.place.lat,
            "lon": one.place.lon,
            "region": one.place.region,
            "language": one.language,
            "currency": one.currency,
            "safety_schedule": schedule_to_json(one.safety_schedule),
            **({"note": inventory.note} if inventory.note or of is None else {}),
            "alerts": alert_rules_to_json(one.alerts),
            "supply_points": supply_points_to_json(one.supply_points),
        }
        if of is None:
            of = int(self._run(insert(municipality).returning(municipality.c.id), values).scalar_one())
        else:
            self._run(update(municipality).where(municipality.c.id == bindparam("key")), {"key": of, **values})
        self._replace_tariffs(one, of)
        return of

    def _replace_tariffs(self, one: Municipality, of: int) -> None:
        prices = [{"valid_from": p.valid_from, "per_kwh": p.per_kwh, "source": p.source} for p in one.prices]
        factors = [
            {"valid_from": f.valid_from, "g_per_kwh": f.g_per_kwh, "source": f.source} for f in one.emission_factors
        ]
        fixed = [{"valid_from": f.valid_from, "per_year": f.per_year, "source": f.source} for f in one.fixed_prices]
        for kept, values in ((price, prices), (emission_factor, factors), (fixed_price, fixed)):
            self._run(delete(kept).where(kept.c.municipality_id == of), {})
            if values:
                self._run(insert(kept), [{"municipality_id": of, **value} for value in values])

    def _save_zones(self, inventory: Inventory, of: int, at: datetime) -> dict[Name, int]:
        """Save the zones; those that are new get the rules that they come with."""
        known = self._present(ZONE, of)
        ids = self._sync(
            ZONE,
            of,
            {
                (one.key.zone,): {
                    "municipality_id": of,
                    "slug": one.key.zone,
                    "name": one.name,
                    "listed": one.listed,
                }
                for one in inventory.zones
            },
        )
        for one in inventory.zones:
            if (one.key.zone,) not in known:
                self._add_rulebook(one, at)
        return ids

    def _save_outputs(self, inventory: Inventory, of: int, zones: Ids) -> dict[Name, int]:
        controllers = self._sync(
            CONTROLLER,
            of,
            {
                (one.key.controller,): {
                    "municipality_id": of,
                    "slug": one.key.controller,
                    "kind": one.kind,
                    "name": one.name,
                }
                for one in inventory.controllers
            },
        )
        hanging: dict[Name, list[Lamp]] = {}
        for one in inventory.lamps:
            hanging.setdefault(one.output[1:], []).append(one)
        outputs = {one.key[1:]: one for each in inventory.controllers for one in each.outputs}
        wanted: dict[Name, dict[str, Any]] = {
            name: {
                "controller_id": controllers[one.key.controller,],
                "zone_id": zones[one.zone,],
                **_output_values(one, hanging.get(name, [])),
            }
            for name, one in outputs.items()
        }
        self._forget_commissioned(of, wanted)
        return self._sync(OUTPUT, of, wanted)

    def _forget_commissioned(self, of: int, wanted: Mapping[Name, Mapping[str, Any]]) -> None:
        """What an output drew says nothing of other lamps. To be called before the outputs are changed."""
        for row in self._rows(_COMMISSIONED, of=of):
            values = wanted.get((row.slug, row.n))
            if values and (values["lamps"] != row.lamps or round(abs(values["watts"] - row.watts), 6) > _SAME_WATTS):
                self._run(delete(_commissioned).where(_commissioned.c.output_id == row.id), {})

    def _save_feeders(self, inventory: Inventory, of: int, outputs: Ids) -> None:
        controllers = self._present(CONTROLLER, of)
        self._run(delete(feeder).where(feeder.c.controller_id.in_(controllers.values())), {})
        fed = [
            {"controller_id": controllers[one.key.controller,], "output_id": outputs[one.feeder[1:]]}
            for one in inventory.controllers
            if one.feeder is not None
        ]
        if fed:
            self._run(insert(feeder), fed)

    def _save_meters(self, inventory: Inventory, of: int, outputs: Ids) -> None:
        controllers = self._present(CONTROLLER, of)
        meters = {one.key[1:]: one for each in inventory.controllers for one in each.meters}
        ids = self._sync(
            METER,
            of,
            {name: {"controller_id": controllers[one.key.controller,], "n": one.key.n} for name, one in meters.items()},
        )
        self._run(delete(meter_output).where(meter_output.c.meter_id.in_(ids.values())), {})
        covered = [
            {"meter_id": ids[name], "output_id": outputs[one.key.controller, n]}
            for name, one in meters.items()
            for n in one.outputs
        ]
        if covered:
            self._run(insert(meter_output), covered)

    def _save_lamps(self, inventory: Inventory, of: int, outputs: Ids) -> None:
        lamps: dict[Name, dict[str, Any]] = {
            (one.id,): {
                "municipality_id": of,
                "slug": one.id,
                "output_id": outputs[one.output[1:]],
                "watts": one.watts,
                "lat": one.lat,
                "lon": one.lon,
                "pole": one.pole,
                "safety": one.safety,
                "ring": one.ring.value,
            }
            for one in inventory.lamps
        }
        self._sync(LAMP, of, lamps)


def _output_values(one: Output, lamps: Sequence[Lamp]) -> dict[str, Any]:
    return {
        "n": one.key.n,
        "min_level": one.min_level,
        "max_level": one.max_level,
        "step": one.step,
        "safety": any(lamp.safety for lamp in lamps),
        "lamps": len(lamps),
        "watts": math.fsum(lamp.watts for lamp in lamps),
        "button": one.button,
    }
