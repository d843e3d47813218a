"""Energy: what light cost, for staff and for everybody; the public never sees what could show a walk."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from service.domain.inventory import Municipality, ZoneKey
from service.domain.sun import night_of, noon
from service.domain.words import Cause
from service.errors import InvalidError
from service.ports import EnergyRow, Tx
from service.usecases.look import municipality_of
from service.usecases.press import find

MOST_NIGHTS = 62
"""Nights that one question may span."""

PUBLIC_STEP = 100_000
"""mWh to which public figures are rounded: the light of one press is not much more."""


@dataclass(frozen=True, slots=True)
class Sum:
    """Energy of a period in mWh and its price; `label` is a night's date, an hour's start or a cause."""

    label: str
    energy_mwh: int
    money: Decimal | None


def public_energy(tx: Tx, municipality: str, first: date, last: date, now: datetime) -> list[Sum]:
    """Per night from `first` to `last`, only nights that have ended; what presses cost is left out.

    Rounded, since light that a press took over from the schedule is missing in it.
    """
    home = municipality_of(tx, municipality)
    rows = _rows(tx, home, first, last, None)
    tonight = night_of(now, home.place.tz)
    kept = [row for row in rows if row.cause is not Cause.PRESS and _night(home, row) < tonight]
    return [_coarse(home, part) for part in _sums(home, kept, lambda row: _night(home, row).isoformat())]


def _coarse(home: Municipality, part: Sum) -> Sum:
    energy = (part.energy_mwh + PUBLIC_STEP // 2) // PUBLIC_STEP * PUBLIC_STEP
    price = home.price_on(date.fromisoformat(part.label))
    return Sum(part.label, energy, None if price is None else price.per_kwh * energy / 1_000_000)


def council_energy(
    tx: Tx, municipality: str, first: date, last: date, zone: str | None, by: str, now: datetime
) -> list[Sum]:
    """For staff, by `cause`, `hour` or `night`.

    What presses cost is counted per night only and after that night's noon: by hour it is left out.
    """
    home = municipality_of(tx, municipality)
    if zone is not None:
        find(tx, ZoneKey(municipality, zone), now)
    tonight = night_of(now, home.place.tz)
    rows = [
        row
        for row in _rows(tx, home, first, last, zone)
        if row.cause is not Cause.PRESS or (by != "hour" and _night(home, row) < tonight)
    ]
    labels: dict[str, Callable[[EnergyRow], str]] = {
        "cause": lambda row: row.cause.value,
        "hour": lambda row: row.start.replace(minute=0, second=0, microsecond=0).isoformat(),
        "night": lambda row: _night(home, row).isoformat(),
    }
    return _sums(home, rows, labels[by])


def _rows(tx: Tx, home: Municipality, first: date, last: date, zone: str | None) -> list[EnergyRow]:
    for name, day in (("from", first), ("to", last)):
        if not 2000 <= day.year < 2200:
            raise InvalidError(f"{name}: {day} is not between the years 2000 and 2199.")
    if last < first:
        raise InvalidError("to: must not lie before from.")
    if (last - first).days >= MOST_NIGHTS:
        raise InvalidError(f"to: at most {MOST_NIGHTS} nights at once; ask in parts.")
    tz = home.place.tz
    return tx.energy(home.id, noon(first, tz), noon(last + timedelta(days=1), tz), zone)


def _night(home: Municipality, row: EnergyRow) -> date:
    return night_of(row.start, home.place.tz)


def _sums(home: Municipality, rows: list[EnergyRow], label: Callable[[EnergyRow], str]) -> list[Sum]:
    energy: dict[str, int] = defaultdict(int)
    money: dict[str, Decimal] = defaultdict(Decimal)
    unpriced: set[str] = set()
    for row in rows:
        name = label(row)
        energy[name] += row.energy_mwh
        price = home.price_on(_night(home, row))
        if price is None:
            unpriced.add(name)
        else:
            money[name] += price.per_kwh * row.energy_mwh / 1_000_000
    return [Sum(name, energy[name], None if name in unpriced else money[name]) for name in sorted(energy)]
