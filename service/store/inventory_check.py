"""Whether an inventory holds together, before anything of it is saved."""

from collections import Counter
from collections.abc import Iterable, Mapping

from service.domain.inventory import Inventory
from service.errors import InvalidError

Name = tuple[str | int, ...]
"""What one thing of a kind is called within its municipality."""


def names(inventory: Inventory) -> dict[str, set[Name]]:
    """The names of all things by kind. InvalidError for one that is there twice."""
    found: dict[str, list[Name]] = {
        "zone": [(one.key.zone,) for one in inventory.zones],
        "controller": [(one.key.controller,) for one in inventory.controllers],
        "output": [one.key[1:] for each in inventory.controllers for one in each.outputs],
        "meter": [one.key[1:] for each in inventory.controllers for one in each.meters],
        "lamp": [(one.id,) for one in inventory.lamps],
        "price": [(one.valid_from.isoformat(),) for one in inventory.municipality.prices],
        "emission factor": [(one.valid_from.isoformat(),) for one in inventory.municipality.emission_factors],
        "fixed price": [(one.valid_from.isoformat(),) for one in inventory.municipality.fixed_prices],
        "supply point": [(one.id,) for one in inventory.municipality.supply_points],
        "exception": [(zone.key.zone, one.id) for zone in inventory.zones for one in zone.rulebook.exceptions],
    }
    for kind, listed in found.items():
        for name in _twice(listed):
            raise InvalidError(f"{kind}: {'/'.join(map(str, name))} is there twice")
    return {kind: set(listed) for kind, listed in found.items()}


def _twice(listed: Iterable[Name]) -> list[Name]:
    return [name for name, times in Counter(listed).items() if times > 1]


def check(inventory: Inventory, names: Mapping[str, set[Name]]) -> None:
    """InvalidError for a zone without a policy, or a reference to something that the inventory lacks."""
    for zone in inventory.zones:
        if not zone.rulebook.policies:
            raise InvalidError(f"zone {zone.key.zone}: policies: there is none")
    rules = [(zone.key.zone, policy) for zone in inventory.zones for policy in zone.rulebook.policies]
    references: list[tuple[str, str, Name]] = [
        *((f"zone {zone}: along", "zone", (other,)) for zone, policy in rules for other in policy.along),
        *(
            (f"zone {zone}: quiet", "output", cap.output)
            for zone, policy in rules
            for cap in policy.quiet
            if cap.output
        ),
        *(
            (f"output {o.key.controller}/{o.key.n}: zone", "zone", (o.zone,))
            for c in inventory.controllers
            for o in c.outputs
        ),
        *(
            (f"meter {m.key.controller}/{m.key.n}: outputs", "output", (m.key.controller, n))
            for c in inventory.controllers
            for m in c.meters
            for n in m.outputs
        ),
        *(
            (f"controller {c.key.controller}: feeder", "output", c.feeder[1:])
            for c in inventory.controllers
            if c.feeder is not None
        ),
        *(
            (f"supply point {point.id}: controllers", "controller", (name,))
            for point in inventory.municipality.supply_points
            for name in point.controllers
        ),
        *((f"lamp {one.id}: output", "output", one.output[1:]) for one in inventory.lamps),
    ]
    for where, kind, name in references:
        if name not in names[kind]:
            raise InvalidError(f"{where}: {kind} {'/'.join(map(str, name))} is not in the inventory")
