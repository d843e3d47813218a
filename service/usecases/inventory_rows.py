"""An inventory as rows, one for each lamp: what an export writes, and an import reads back as the same inventory."""

from collections.abc import Sequence

from service.domain.inventory import Inventory
from service.errors import ConflictError
from service.usecases.rows_contradict import told
from service.usecases.rows_csv import Value


def rows_of(inventory: Inventory) -> list[Sequence[Value]]:
    """The rows in the order of our columns, by lamp. ConflictError where an output has no lamp to stand in a row."""
    outputs = {output.key: (c, output) for c in inventory.controllers for output in c.outputs}
    bare = sorted(told(key[1:]) for key in outputs.keys() - {lamp.output for lamp in inventory.lamps})
    if bare:
        raise ConflictError(
            f"{inventory.municipality.id}: no lamp hangs on output {', '.join(bare)}, so no row could name it"
        )
    rows: list[Sequence[Value]] = []
    for lamp in inventory.lamps:
        controller, output = outputs[lamp.output]
        meter = next((m.key.n for m in controller.meters if output.key.n in m.outputs), None)
        rows.append(
            (
                lamp.id,
                controller.key.controller,
                controller.name,
                controller.kind,
                output.key.n,
                output.zone,
                lamp.watts,
                lamp.lat,
                lamp.lon,
                lamp.pole,
                lamp.safety,
                lamp.ring.value,
                output.min_level,
                output.max_level,
                output.step,
                output.button,
                meter,
                None if controller.feeder is None else told(controller.feeder[1:]),
            )
        )
    return rows
