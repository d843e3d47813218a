"""One night of a simulation: each curve worked out once, and the light of outputs that share it."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

from service.domain.curve import Curve, Gain, Interval, within
from service.domain.dimming import share
from service.domain.inventory import Inventory, Zone, curve_of
from service.domain.leases import Span
from service.domain.sun import Night

_MICROSECOND = timedelta(microseconds=1)
_HOUR = timedelta(hours=1) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class NightCurve(Curve):
    """A curve that is asked about one night alone, of which it answers the same without computing it again.

    `plan` is that night, `lit` the stretches in it above level 0.
    """

    plan: tuple[Interval, ...] = ()
    lit: list["Light"] = field(default_factory=list)
    capped: dict[int, tuple[Interval, ...]] = field(default_factory=dict, compare=False)
    gained: dict[int, tuple[Gain, ...]] = field(default_factory=dict, compare=False)

    def night(self, day: date) -> tuple[Interval, ...]:
        """The one night."""
        return self.plan

    def intervals(self, start: datetime, end: datetime) -> Iterator[Interval]:
        """As the curve's own, within the night."""
        return within(self.plan, start, end)

    def pressed(self, level: int, start: datetime, end: datetime) -> Iterator[Interval]:
        """As the curve's own, within the night."""
        return within(self.pressed_all_night(level), start, end)

    def pressed_all_night(self, level: int) -> tuple[Interval, ...]:
        """What the output gives when presses ask for `level` from noon to noon."""
        if level not in self.capped:
            self.capped[level] = tuple(Curve.pressed(self, level, self.plan[0].start, self.plan[-1].end))
        return self.capped[level]

    def gains(self, level: int, start: datetime, end: datetime) -> Iterator[Gain]:
        """As the curve's own, within the night."""
        if level not in self.gained:
            self.gained[level] = tuple(Curve.gains(self, level, self.plan[0].start, self.plan[-1].end))
        return iter(
            [
                Gain(max(a, start), min(b, end), levels)  # max and min take twice as long
                for a, b, levels in self.gained[level]
                if a < end and start < b and start < end
            ]
        )


def night_curve(curve: Curve, tonight: Night) -> NightCurve:
    """A curve for one night alone."""
    plan = curve.night(tonight.date)
    lit = [Light(part.start, part.end, part.level) for part in plan if part.level]
    return NightCurve(curve.ruling, curve.place, curve.fit, curve.output, curve.press_ruling, plan, lit)


class Group(NamedTuple):
    """Outputs of one zone that share a curve, which is named by its place in a list of all."""

    curve: int
    watts: float
    lamps: int


def groups_of(inventory: Inventory, zone: Zone, curves: dict[Curve, int]) -> list[Group]:
    """The outputs of a zone in groups; `curves` numbers all curves met so far and learns the new ones."""
    groups: dict[int, Group] = {}
    for output in (o for c in inventory.controllers for o in c.outputs if o.zone == zone.key.zone):
        curve = curve_of(output, zone, inventory.municipality)
        n = curves.setdefault(curve, len(curves))
        so_far = groups.get(n, Group(n, 0.0, 0))
        groups[n] = Group(n, so_far.watts + output.watts, so_far.lamps + output.lamps)
    return list(groups.values())


def append(spans: list[Span], span: Span) -> None:
    """Add a span that begins no earlier than the last, joined with it where they touch."""
    if spans and span.start <= spans[-1].until:
        spans[-1] = Span(spans[-1].start, max(spans[-1].until, span.until))
    else:
        spans.append(span)


class Light(NamedTuple):
    """Light of one level above 0 in [start, end)."""

    start: datetime
    end: datetime
    level: int


def light_of(curve: NightCurve, pressed: Mapping[int, list[Span]]) -> list[Light]:
    """Where outputs give light, the highest of their plan and of pressed light (spans by level) at each moment."""
    tracks = [curve.lit, *(_given(curve, level, spans) for level, spans in pressed.items())]
    if len(tracks) == 1:
        return tracks[0]
    changes = [(at, n, 0) for n, track in enumerate(tracks) for _, at, _ in track]
    changes += [(at, n, level) for n, track in enumerate(tracks) for at, _, level in track]
    changes.sort()  # where a stretch of a track follows another, the end comes first
    levels = [0] * len(tracks)
    light: list[Light] = []
    for (at, n, level), following in itertools.pairwise(changes):
        levels[n] = level
        if at < following[0] and any(levels):
            light.append(Light(at, following[0], max(levels)))
    return light


def _given(curve: NightCurve, level: int, spans: Iterable[Span]) -> list[Light]:
    parts = [part for part in curve.pressed_all_night(level) if part.level]
    return [
        Light(max(start, part.start), min(until, part.end), part.level)
        for start, until in spans
        for part in parts
        if start < part.end and part.start < until
    ]


def hours_at_full(light: Iterable[Light]) -> float:
    """The hours of full light that burn as much."""
    lit = Counter[int]()
    for start, end, level in light:
        lit[level] += (end - start) // _MICROSECOND
    return sum(lasting * share(level) for level, lasting in lit.items()) / _HOUR
