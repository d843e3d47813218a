"""What an import changes: what is added, changed, removed and left as it is, and what new safety outputs cost."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta

from service.domain.curve import Curve
from service.domain.dimming import share
from service.domain.inventory import Inventory, Municipality, Output, OutputKey, Zone, curve_of
from service.usecases.rows_contradict import told

YEAR = 365
"""Nights of which a safety output's cost is the sum."""

Values = Mapping[str, object]
"""The fields of one thing; what is no text is compared and never shown."""


@dataclass(frozen=True, slots=True)
class Change:
    """A field of one thing that becomes another; without values where they are too long to show."""

    thing: str
    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What becomes of all things of one kind, by their ids; `changes` has a line for each field."""

    kind: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    unchanged: int
    changes: tuple[Change, ...]

    @property
    def changed(self) -> int:
        """How many things change."""
        return len({change.thing for change in self.changes})


@dataclass(frozen=True, slots=True)
class SafetyOutput:
    """An output that becomes a safety output: `kwh` is what it uses more in a year than by its zone's schedule."""

    output: OutputKey
    safety_lamps: int
    lamps: int
    kwh: float


@dataclass(frozen=True, slots=True)
class Changes:
    """What an import does to one municipality."""

    municipality: str
    tallies: tuple[Tally, ...]
    safety: tuple[SafetyOutput, ...]


def changes_of(before: Inventory | None, after: Inventory, tonight: date) -> Changes:
    """What becomes of a municipality; `tonight` is the first night of the year that costs are reckoned for."""
    old, new = ({} if before is None else _things(before)), _things(after)
    tallies = tuple(_tally(kind, old.get(kind, {}), new[kind]) for kind in new)
    return Changes(after.municipality.id, tallies, _new_safety(before, after, tonight))


def _tally(kind: str, old: Mapping[str, Values], new: Mapping[str, Values]) -> Tally:
    changes = tuple(
        Change(name, field, *_shown(old[name][field], value))
        for name, values in new.items()
        if name in old and old[name] != values
        for field, value in values.items()
        if old[name][field] != value
    )
    kept = sum(name in old for name in new)
    return Tally(
        kind,
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        kept - len({change.thing for change in changes}),
        changes,
    )


def _shown(old: object, new: object) -> tuple[str, str]:
    return (old, new) if isinstance(old, str) and isinstance(new, str) else ("", "")


def _things(inventory: Inventory) -> dict[str, dict[str, Values]]:
    """All things by kind and id, as texts that can be compared and shown."""
    home = inventory.municipality
    things: dict[str, dict[str, Values]] = {
        "municipality": {home.id: _municipality(home)},
        "zone": {z.key.zone: {"name": z.name, "listed": told(z.listed)} for z in inventory.zones},
        "controller": {},
        "output": {},
        "lamp": {},
    }
    for one in inventory.controllers:
        feeder = None if one.feeder is None else one.feeder[1:]
        things["controller"][one.key.controller] = {
            "controller_name": one.name,
            "kind": one.kind,
            "feeder": told(feeder),
        }
        measured = {n: meter.key.n for meter in one.meters for n in meter.outputs}
        for output in one.outputs:
            things["output"][told(output.key[1:])] = _output(output, measured.get(output.key.n))
    for lamp in inventory.lamps:
        things["lamp"][lamp.id] = {
            "output": told(lamp.output[1:]),
            "watts": repr(lamp.watts),
            "lat": repr(lamp.lat),
            "lon": repr(lamp.lon),
            "pole": lamp.pole,
            "safety": told(lamp.safety),
            "ring": lamp.ring.value,
        }
    return things


def _municipality(home: Municipality) -> Values:
    """The municipality's fields; alerts go to addresses that are shown to nobody."""
    place = home.place
    values: dict[str, object] = {field.name: getattr(home, field.name) for field in fields(home)}
    del values["place"]
    return values | {"position": f"{place.lat}, {place.lon}", "timezone": place.tz, "region": place.region}


def _output(output: Output, meter: int | None) -> Values:
    return {
        "zone": output.zone,
        "min": told(output.min_level),
        "max": told(output.max_level),
        "step": told(output.step),
        "button": told(output.button),
        "meter": told(meter),
        "safety": told(output.safety),
    }


def _new_safety(before: Inventory | None, after: Inventory, tonight: date) -> tuple[SafetyOutput, ...]:
    was = set() if before is None else {o.key for c in before.controllers for o in c.outputs if o.safety}
    # zones that are there keep their rules; of one without any nothing can be reckoned, and the store refuses it
    homes = [after] if before is None else [after, before]
    ruled = {zone.key.zone: zone for home in homes for zone in home.zones if zone.rulebook.policies}
    safe: dict[OutputKey, int] = {}
    for lamp in after.lamps:
        safe[lamp.output] = safe.get(lamp.output, 0) + lamp.safety
    hours: dict[Curve, float] = {}
    return tuple(
        SafetyOutput(
            output.key,
            safe.get(output.key, 0),
            output.lamps,
            _more(output, ruled[output.zone], after.municipality, tonight, hours),
        )
        for controller in after.controllers
        for output in controller.outputs
        if output.safety and output.key not in was and output.zone in ruled
    )


def _more(output: Output, zone: Zone, home: Municipality, tonight: date, hours: dict[Curve, float]) -> float:
    """kWh a year by which the safety schedule costs more than the zone's."""
    by_safety, by_zone = (
        _full_hours(curve_of(replace(output, safety=safety), zone, home), tonight, hours) for safety in (True, False)
    )
    return output.watts * (by_safety - by_zone) / 1000


def _full_hours(curve: Curve, tonight: date, hours: dict[Curve, float]) -> float:
    """Hours at full watts that come to the same energy as a year by a curve."""
    plain = Curve(curve.ruling, curve.place, curve.fit, curve.output)  # the caps on presses change no plan
    if plain not in hours:
        hours[plain] = sum(
            share(stretch.level) * (stretch.end - stretch.start) / timedelta(hours=1)
            for n in range(YEAR)
            for stretch in plain.night(tonight + timedelta(days=n))
        )
    return hours[plain]
