"""Energy: what light cost, for staff and for everybody; the public never sees what could show a walk."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

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
    """Energy in mWh and its price; `label` is a night's date, an hour's local start, a cause, or "total"."""

    label: str
    energy_mwh: int
    money: Decimal | None


@dataclass(frozen=True, slots=True)
class Account:
    """Energy of the nights from `first` to `last`, in parts and in all."""

    first: date
    last: date
    by: str
    currency: str
    parts: tuple[Sum, ...]

    @property
    def total(self) -> Sum:
        """All parts together; no money where one of them has none."""
        moneys = [part.money for part in self.parts]
        money = None if None in moneys else sum((m for m in moneys if m is not None), Decimal())
        return Sum("total", sum(part.energy_mwh for part in self.parts), money)


def public_energy(tx: Tx, municipality: str, first: date | None, last: date | None, now: datetime) -> Account:
    """Per night from `first` to `last` (the last night that ended), only nights that have ended.

    What presses cost is left out, and the rest rounded: too coarse to show a walk.
    """
    home = municipality_of(tx, municipality)
    first, last = _nights(home, first, last, now)
    tonight = night_of(now, home.place.tz)
    rows = _rows(tx, home, first, last, None)
    kept = [row for row in rows if row.cause is not Cause.PRESS and _night(home, row) < tonight]
    sums = _sums(home, kept, lambda row: _night(home, row).isoformat())
    return Account(first, last, "night", home.currency, tuple(_coarse(home, part) for part in sums))


def _coarse(home: Municipality, part: Sum) -> Sum:
    energy = (part.energy_mwh + PUBLIC_STEP // 2) // PUBLIC_STEP * PUBLIC_STEP
    price = home.price_on(date.fromisoformat(part.label))
    return Sum(part.label, energy, None if price is None else price.per_kwh * energy / 1_000_000)


def council_energy(
    tx: Tx, municipality: str, first: date | None, last: date | None, zone: str | None, by: str, now: datetime
) -> Account:
    """For staff, by `cause`, `hour` or `night`; without dates, of the last night that ended.

    What presses cost is counted per night only and after that night's noon: by hour it is left out.
    """
    home = municipality_of(tx, municipality)
    first, last = _nights(home, first, last, now)
    if zone is not None:
        find(tx, ZoneKey(municipality, zone))
    tonight = night_of(now, home.place.tz)
    rows = [
        row
        for row in _rows(tx, home, first, last, zone)
        if row.cause is not Cause.PRESS or (by != "hour" and _night(home, row) < tonight)
    ]
    labels: dict[str, Callable[[EnergyRow], str]] = {
        "cause": lambda row: row.cause.value,
        "hour": lambda row: _hour(home, row),
        "night": lambda row: _night(home, row).isoformat(),
    }
    return Account(first, last, by, home.currency, tuple(_sums(home, rows, labels[by])))


def _nights(home: Municipality, first: date | None, last: date | None, now: datetime) -> tuple[date, date]:
    """The asked nights; where one end is missing, up to the last night that ended, or that night alone."""
    ended = night_of(now, home.place.tz) - timedelta(days=1)
    last = last or max(first or ended, ended)
    return first or last, last


def _hour(home: Municipality, row: EnergyRow) -> str:
    """The hour in local time, with its offset: on the night with 25 hours two of them differ by that alone."""
    return row.start.replace(minute=0, second=0, microsecond=0).astimezone(ZoneInfo(home.place.tz)).isoformat()


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
