"""Spreading: a night's energy over its hours by the plan, so that no hour shows when somebody pressed.

Leaving presses out of the hours would not do: whatever light a press replaces is missing in its hour.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from service.domain.baseline import Baseline
from service.domain.energy import split
from service.domain.entries import PRESSED
from service.domain.inventory import Inventory, Municipality
from service.domain.periods import period_of, periods
from service.domain.sun import night, night_of
from service.domain.words import Period
from service.ports import Tx
from service.usecases.policies import inventory_of
from service.usecases.rollups import Stretch, sums

_NO_TIME = timedelta()
_SECOND = timedelta(seconds=1)


def spread(tx: Tx, home: Municipality, start: datetime, end: datetime, zone: str | None = None) -> dict[datetime, int]:
    """mWh of the local hours of the nights that begin in [start, end), of all zones or one; hours without any are left
    out.

    What a zone used in a night, without what presses and push-buttons cost, is spread by what its plan would have
    drawn in each hour with the lamps of today; where the plan gives no light, evenly over the time from sunset to
    sunrise. Each night's hours add up to it exactly.
    """
    used: Counter[tuple[str, datetime]] = Counter()
    for row in sums(tx, home, Period.NIGHT, start, end, zone):
        if row.cause not in PRESSED:
            used[row.zone, row.start] += row.energy_mwh
    inventory = inventory_of(tx, home)
    plan = _plan(inventory, {its_zone for its_zone, _ in used})
    found: Counter[datetime] = Counter()
    for (its_zone, begun), energy in sorted(used.items()):
        hours = list(periods(Period.HOUR, *period_of(Period.NIGHT, begun, home.place.tz), home.place.tz))
        weights = [plan.energy(its_zone, *hour) for hour in hours]
        shares = split(energy, weights if any(weights) else _darkness(home, hours))
        found.update({hour: share for (hour, _), share in zip(hours, shares, strict=True)})
    return {hour: found[hour] for hour in sorted(found) if found[hour]}


def _plan(inventory: Inventory, zones: Collection[str]) -> Baseline:
    """What the rules in force draw in some zones."""
    outputs = {output.key for controller in inventory.controllers for output in controller.outputs}
    return Baseline(inventory, [zone for zone in inventory.zones if zone.key.zone in zones], outputs)


def _darkness(home: Municipality, hours: Sequence[Stretch]) -> list[int]:
    """How many seconds of each hour of a night the sun is down."""
    tonight = night(home.place, night_of(hours[0][0], home.place.tz))
    dark = (min(end, tonight.sunrise) - max(start, tonight.sunset) for start, end in hours)
    return [max(length, _NO_TIME) // _SECOND for length in dark]
