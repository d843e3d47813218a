"""Saving: what light used beside what other rules would have drawn, and what presses cost and make acceptable.

The other rules are modelled with the lamps of today in the same hours; what was used comes from the ledger. Only
nights that have ended are told, because of what presses cost.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from service.domain.baseline import Baseline, ruled_by
from service.domain.entries import PRESSED
from service.domain.inventory import ID_PATTERN, Inventory, Municipality, OutputKey, Zone, ZoneKey
from service.domain.periods import label, midnight, month_of, months_on, period_of, periods
from service.domain.scenarios import all_night
from service.domain.sun import night_of, noon
from service.domain.tariffs import Cost, changes, cost
from service.domain.tiles import CALENDAR, NIGHTS, tiles
from service.domain.words import Period, Quality
from service.errors import InvalidError
from service.ports import Tx
from service.usecases.look import municipality_of
from service.usecases.policies import enacted_policy, inventory_of
from service.usecases.rollups import sums
from service.usecases.saving_bodies import SavingBody
from service.usecases.saving_report import Amount, Compared, Reckoned, Table, body_of

__all__ = ["ALL_NIGHT", "Against", "SavingBody", "against_of", "saving", "saving_between"]

MOST_NIGHTS = 732
"""Nights that one comparison may span: two years."""

_EVER = datetime(2000, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_VERSION = re.compile(rf"({ID_PATTERN[1:-1]}):([1-9][0-9]{{0,5}})")


@dataclass(frozen=True, slots=True)
class Against:
    """What to compare with, as `name` says it: all-night light, what was in force on a `day` for all zones, or the
    policy `version` of one `zone`, which alone is compared then."""

    name: str
    day: date | None = None
    zone: str | None = None
    version: int = 0


ALL_NIGHT = Against("all-night")


def against_of(text: str) -> Against:
    """What is written as all-night, 2026-01-31 or ZONE:VERSION; InvalidError where it is none of these."""
    if text == ALL_NIGHT.name:
        return ALL_NIGHT
    if found := _VERSION.fullmatch(text):
        return Against(text, zone=found[1], version=int(found[2]))
    try:
        return Against(text, day=date.fromisoformat(text))
    except ValueError as error:
        raise InvalidError("against: write all-night, a date like 2026-01-31, or a policy as ZONE:VERSION.") from error


def saving(
    tx: Tx, municipality: str, first: date | None, last: date | None, against: Against, now: datetime, language: str
) -> SavingBody:
    """Compare the nights from `first` to `last`, or whole calendar months where they are the first day of one and the
    last day of one; without dates the last month that has ended. `language` is that of the statement.

    InvalidError names what is wrong: a period that is none, too long, to come, or of which months alone are left.
    """
    home = municipality_of(tx, municipality)
    tz, ended = home.place.tz, night_of(now, home.place.tz) - _DAY
    if first is None and last is None:
        first = months_on(month_of(noon(ended + _DAY, tz), tz), -1)
        last = months_on(first, 1) - _DAY
    last = last or max(first or ended, ended)
    first = first or last.replace(day=1)
    for name, day in (("from", first), ("to", last)):
        if not 2000 <= day.year < 2200:
            raise InvalidError(f"{name}: {day} is not between the years 2000 and 2199.")
    if last < first:
        raise InvalidError(f"to: {last} lies before from, {first}.")
    if (last - first).days >= MOST_NIGHTS:
        raise InvalidError("to: at most two years at once; ask in parts.")
    if first.day == (last + _DAY).day == 1:
        return saving_between(tx, home, midnight(first, tz), midnight(last + _DAY, tz), against, now, language)
    return saving_between(tx, home, noon(first, tz), noon(last + _DAY, tz), against, now, language, Period.NIGHT)


def saving_between(
    tx: Tx,
    home: Municipality,
    start: datetime,
    end: datetime,
    against: Against,
    now: datetime,
    language: str,
    kind: Period = Period.MONTH,
) -> SavingBody:
    """Compare the months, or the nights, from `start` to `end` (both at the edge of one), as far as they have ended."""
    tz = home.place.tz
    end = min(end, noon(night_of(now, tz), tz))
    if end <= start:
        raise InvalidError(f"from: no night of this time has ended in {home.name}; ask for an earlier one.")
    kept_from = tx.ledger_state(home.id).kept_from
    if kind is Period.NIGHT and kept_from is not None and start < kept_from:
        kept = label(Period.DAY, kept_from, tz)
        raise InvalidError(
            f"from: of the nights before {kept} only months are left; ask for whole months, "
            "from the first day of one to the last of one."
        )
    asked = _Asked(home, start, end, kind, kept_from)
    inventory = inventory_of(tx, home)
    if against.day is not None:
        _check_in_force(inventory, against.day, night_of(now, tz))
    others = _ruled(tx, inventory, against)
    keys = [output.key for controller in inventory.controllers for output in controller.outputs]
    heard = tx.output_states(keys).keys()
    since = _recorded(tx, asked, [zone.key.zone for zone in others])
    return body_of(_reckoned(tx, asked, inventory, others, heard, since), against.name, against.day, language)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A time in a municipality, in months or nights, up to a noon at most. `cuts` are the changes of prices and factors
    at which it can be divided; where but a month's sum is left, `blurred` has those within it by its beginning."""

    home: Municipality
    start: datetime
    end: datetime
    kind: Period
    kept_from: datetime | None
    cuts: list[datetime] = field(default_factory=list)
    blurred: dict[datetime, list[datetime]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for change in changes(self.home, self.start, self.end):
            month, _ = period_of(Period.MONTH, change, self.tz)
            if self.kept_from is None or change >= self.kept_from or change == month:
                self.cuts.append(change)
            else:
                self.blurred[month].append(change)

    @property
    def tz(self) -> str:
        return self.home.place.tz

    def period(self, moment: datetime) -> str:
        """The name of the month or night that a moment lies in."""
        return label(self.kind, period_of(self.kind, moment, self.tz)[0], self.tz)

    def parts(self, since: datetime) -> Iterator[tuple[datetime, datetime]]:
        """All from `since` on, divided by its periods and wherever a price or factor changes."""
        within = (start for start, _ in periods(self.kind, since, self.end, self.tz))
        edges = {since, self.end, *within, *changes(self.home, since, self.end)}
        yield from pairwise(sorted(edge for edge in edges if since <= edge <= self.end))

    def cost(self, start: datetime, energy_mwh: int) -> Cost:
        """What recorded energy costs; None where a forgotten month cannot be divided any more."""
        found = [cost(self.home, moment, energy_mwh) for moment in (start, *self.blurred.get(start, ()))]
        return Cost(
            found[0].money if len({one.money for one in found}) == 1 else None,
            found[0].co2_kg if len({one.co2_kg for one in found}) == 1 else None,
        )


def _check_in_force(inventory: Inventory, day: date, tonight: date) -> None:
    """InvalidError where nothing was in force yet in the night of `day`, or that night is to come."""
    first = min((zone.rulebook.first.valid_from for zone in inventory.zones), default=tonight)
    if first <= day <= tonight:
        return
    wrong = f"{day} is still to come" if day > tonight else f"on {day} no rules were in force yet"
    raise InvalidError(
        f"against: {wrong} in {inventory.municipality.name}, where the first night with rules is that of {first}; "
        f"give a date from {first} to {tonight}, or write all-night."
        if first <= tonight
        else f"against: no rules are in force in {inventory.municipality.name} before {first}; write all-night."
    )


def _ruled(tx: Tx, inventory: Inventory, against: Against) -> Sequence[Zone]:
    """The zones that are compared, with the rules to compare with."""
    if against.day is not None:
        return [ruled_by(zone, zone.policy_on(against.day)) for zone in inventory.zones]
    if against.zone is not None:
        key = ZoneKey(inventory.municipality.id, against.zone)
        policy = enacted_policy(tx, key, against.version)
        return [ruled_by(zone, policy) for zone in inventory.zones if zone.key == key]
    return all_night(against.name, inventory).zones


def _recorded(tx: Tx, asked: _Asked, zones: Iterable[str]) -> dict[str, datetime]:
    """From when on each zone is compared: from the first local hour with energy on record, if that lies within the
    time. Of that month nothing is compared where its hours are gone. Zones without any are left out."""
    home, names = asked.home, set(zones)
    begun: dict[str, datetime] = {}
    for row in sums(tx, home, Period.MONTH, _EVER, asked.end):
        if row.zone in names:
            begun.setdefault(row.zone, row.start)
    since = {zone: max(asked.start, month) for zone, month in begun.items()}
    for month in sorted(
        {month for month in begun.values() if period_of(Period.MONTH, month, asked.tz)[1] > asked.start}
    ):
        end = period_of(Period.MONTH, month, asked.tz)[1]
        fresh = {zone for zone, first in begun.items() if first == month}
        if asked.kept_from is not None and month < asked.kept_from:
            since |= dict.fromkeys(fresh, end)
            continue
        for row in sums(tx, home, Period.HOUR, month, end):
            if row.zone in fresh:
                fresh.remove(row.zone)
                since[row.zone] = max(asked.start, row.start)
    return {zone: moment for zone, moment in since.items() if moment < asked.end}


def _reckoned(
    tx: Tx,
    asked: _Asked,
    inventory: Inventory,
    others: Sequence[Zone],
    heard: Iterable[OutputKey],
    since: dict[str, datetime],
) -> Reckoned:
    counted = set(heard)
    compared = [zone for zone in others if zone.key.zone in since]
    names = {zone.key.zone for zone in compared}
    used, quality, pressed = _used(tx, asked, since)
    against = Baseline(inventory, compared, counted)
    bright = Baseline(inventory, [z for z in all_night("", inventory).zones if z.key.zone in names], counted)
    plan = Baseline(inventory, [zone for zone in inventory.zones if zone.key.zone in names], counted)
    table: Table = {key: Compared(used=amount) for key, amount in used.items()}
    lit = planned = Amount()
    for zone, moment in since.items():
        for start, end in asked.parts(moment):
            key = zone, asked.period(start)
            lit += _modelled(asked, bright, zone, start, end)
            planned += _modelled(asked, plan, zone, start, end)
            table[key] = table.get(key, Compared()) + Compared(against=_modelled(asked, against, zone, start, end))
    return Reckoned(
        home=asked.home,
        start=asked.start,
        end=asked.end,
        kind=asked.kind,
        inventory=inventory,
        zones=compared,
        unrecorded=sorted({zone.key.zone for zone in others} - names),
        heard=counted,
        since=since,
        table=table,
        quality=quality,
        pressed=pressed,
        darkness=lit - planned,
        blurred=asked.blurred,
    )


def _modelled(asked: _Asked, baseline: Baseline, zone: str, start: datetime, end: datetime) -> Amount:
    energy = baseline.energy(zone, start, end)
    return Amount(energy, cost(asked.home, start, energy)) if energy else Amount()


def _used(
    tx: Tx, asked: _Asked, since: dict[str, datetime]
) -> tuple[dict[tuple[str, str], Amount], Counter[Quality], Amount]:
    """What the ledger says: by zone and period, by quality, and what presses and push-buttons cost."""
    table: dict[tuple[str, str], Amount] = defaultdict(Amount)
    quality, pressed = Counter[Quality](), Amount()
    kinds = NIGHTS if asked.kind is Period.NIGHT else CALENDAR
    for moment in sorted(set(since.values())):
        for tile in tiles(kinds, moment, asked.end, asked.tz, asked.cuts):
            for row in sums(tx, asked.home, tile.kind, tile.start, tile.end):
                if since.get(row.zone) != moment:
                    continue
                amount = Amount(row.energy_mwh, asked.cost(row.start, row.energy_mwh))
                table[row.zone, asked.period(row.start)] += amount
                quality[row.quality] += row.energy_mwh
                if row.cause in PRESSED:
                    pressed += amount
    return table, quality, pressed
