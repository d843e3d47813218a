"""Inventories of all kinds, for whatever reads and writes rows."""

import math
from dataclasses import replace

from hypothesis import strategies as st

from service.domain.inventory import (
    Controller,
    ControllerKey,
    Inventory,
    Lamp,
    Meter,
    MeterKey,
    Output,
    OutputKey,
)
from service.domain.words import RingSign
from tests.unit.villages import leck

HOME = leck().municipality
ZONES = leck().zones

_IDS = ("-", "--", "0815", "sk-1", "-3", "1e5", "yes", "x" * 64, "no", "0", "lamp", "a--b-")
_texts = st.one_of(
    st.sampled_from(["=cmd|' /C calc'!A0", "'=1", "-3", "+49", "@x", "'", '5"', "a;b,c", "1,5", "ä ß"]),
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=4),
).filter(lambda text: text.isprintable() and text == text.strip())
_watts = st.floats(0, 2000, exclude_min=True, allow_nan=False)
_near = st.floats(-0.2, 0.2)


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """A municipality with cabinets, luminaires, dimmers, relays, buttons, several meters and feeders."""
    controllers: list[Controller] = []
    lamps: list[Lamp] = []
    lamp_ids = [f"l-{n}" for n in range(30)] + list(draw(st.permutations(_IDS)))
    for name in sorted(draw(st.sets(st.sampled_from(_IDS), min_size=1, max_size=3))):
        key = ControllerKey(HOME.id, name)
        outputs = []
        for n in sorted(draw(st.sets(st.integers(1, 8), min_size=1, max_size=3))):
            own = [
                Lamp(
                    lamp_ids.pop(),
                    OutputKey(*key, n),
                    draw(_watts),
                    HOME.place.lat + draw(_near),
                    HOME.place.lon + draw(_near),
                    draw(_texts),
                    draw(st.booleans()),
                    draw(st.sampled_from(RingSign)),
                )
                for _ in range(draw(st.integers(1, 3)))
            ]
            lamps += own
            low, high = sorted(draw(st.tuples(st.integers(0, 100), st.integers(1, 100))))
            zone = draw(st.sampled_from(ZONES)).key.zone
            step, button = draw(st.integers(1, 100)), draw(st.booleans())
            outputs.append(Output(OutputKey(*key, n), zone, low, max(high, 1), step, button=button))
        meter_of = {output.key.n: draw(st.none() | st.integers(1, 8)) for output in outputs}
        meters = tuple(
            Meter(MeterKey(*key, meter), tuple(n for n, of in meter_of.items() if of == meter))
            for meter in sorted({meter for meter in meter_of.values() if meter})
        )
        feeder = draw(st.none() | st.sampled_from(controllers[0].outputs).map(lambda o: o.key)) if controllers else None
        kind = draw(st.sampled_from(["luminaire", "cabinet"]))
        controllers.append(Controller(key, kind, draw(_texts), tuple(outputs), meters, feeder))
    return settled(Inventory(HOME, ZONES, tuple(controllers), tuple(lamps)))


def settled(inventory: Inventory) -> Inventory:
    """The inventory as the store gives it back: in order, outputs summed up from their lamps."""
    lamps = tuple(sorted(inventory.lamps, key=lambda lamp: lamp.id))
    controllers = tuple(
        replace(one, outputs=tuple(_summed(output, lamps) for output in one.outputs))
        for one in sorted(inventory.controllers, key=lambda one: one.key)
    )
    return replace(inventory, controllers=controllers, lamps=lamps, note="")


def _summed(output: Output, lamps: tuple[Lamp, ...]) -> Output:
    own = [lamp for lamp in lamps if lamp.output == output.key]
    watts = math.fsum(lamp.watts for lamp in own)
    return replace(output, safety=any(lamp.safety for lamp in own), lamps=len(own), watts=watts)
