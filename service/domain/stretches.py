"""Stretches of time within which prices and emission factors stay what they are, so that energy can be priced."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from service.domain.inventory import Municipality
from service.domain.periods import period_of
from service.domain.tariffs import Cost, changes, cost
from service.domain.words import Period


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches by their beginnings, in order. `blurred` are months of which only the sum is left, with the changes
    within them: what a kilowatt-hour cost there depends on days that are forgotten."""

    home: Municipality
    starts: Sequence[datetime]
    blurred: Mapping[datetime, Sequence[datetime]]

    def of(self, moment: datetime) -> datetime:
        """The beginning of the stretch that a moment lies in."""
        return self.starts[bisect_right(self.starts, moment) - 1]

    def cost(self, start: datetime, energy_mwh: int) -> Cost:
        """What the energy of the stretch that begins at `start` costs; None where that cannot be told any more."""
        found = [cost(self.home, moment, energy_mwh) for moment in (start, *self.blurred.get(start, ()))]
        return Cost(
            found[0].money if len({one.money for one in found}) == 1 else None,
            found[0].co2_kg if len({one.co2_kg for one in found}) == 1 else None,
        )


def stretches(home: Municipality, start: datetime, end: datetime, kept_from: datetime | None = None) -> Stretches:
    """The stretches of [start, end). Of months that began before `kept_from` only sums are left: they stay whole."""
    starts, blurred = {start}, defaultdict[datetime, list[datetime]](list)
    for change in changes(home, start, end):
        month = period_of(Period.MONTH, change, home.place.tz)
        if change == month[0] or kept_from is None or month[0] >= kept_from:
            starts.add(change)
        else:
            blurred[month[0]].append(change)
            starts |= {moment for moment in month if start < moment < end}
    return Stretches(home, sorted(starts), blurred)
