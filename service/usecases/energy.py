"""Energy: what light cost, for staff and for everybody; the public never sees what could show a walk."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo

from service.domain.entries import PRESSED
from service.domain.inventory import Municipality, ZoneKey
from service.domain.periods import label, midnight, months_on, period_of
from service.domain.stretches import stretches
from service.domain.sun import night_of, noon
from service.domain.tariffs import Cost, Sources, sources, total
from service.domain.tiles import CALENDAR, NIGHTS, tiles
from service.domain.words import Cause, Period
from service.errors import InvalidError
from service.ports import Tx
from service.usecases.look import municipality_of
from service.usecases.press import find
from service.usecases.rollups import sums_by_cause, sums_by_zone
from service.usecases.spreading import spread

PUBLIC_NIGHT_STEP = 100_000
"""mWh to which public figures of a night are rounded: the light of one press is not much more."""

PUBLIC_MONTH_STEP = 1_000_000
"""mWh to which public figures of a month are rounded."""

_DAY = timedelta(days=1)


class By(StrEnum):
    """What energy is told by."""

    CAUSE = "cause"
    HOUR = "hour"
    NIGHT = "night"
    MONTH = "month"
    ZONE = "zone"
    CONTROLLER = "controller"


_ELEVEN_YEARS = 11 * 365 + 3
_MOST = {
    By.HOUR: (62, "62 nights", "by night"),
    By.CONTROLLER: (62, "62 nights", "by zone"),
    By.NIGHT: (400, "400 nights", "by month"),
}
_FAR = (_ELEVEN_YEARS, "11 years", "")
"""How many nights one question may span, in words, and what to ask by for more."""

_MONTHLY = frozenset({By.CAUSE, By.ZONE, By.MONTH})
"""These count whole months from midnight to midnight, so that forgetting changes no figure of theirs."""

_LABELS = {By.HOUR: Period.HOUR, By.NIGHT: Period.NIGHT, By.MONTH: Period.MONTH}


@dataclass(frozen=True, slots=True)
class Sum:
    """Energy in mWh and what it costs. `label` is a night's date, an hour's local start, a month, a cause, the id of a
    zone or controller, or "total"; `name` what a zone or controller is called."""

    label: str
    energy_mwh: int
    cost: Cost
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Energy in [start, end), asked for as the nights from `first` to `last`, in parts and in all.

    Nights last from noon to noon. By month `first` and `last` are the first and last day of whole calendar months; so
    are they by cause and zone where they were asked for so, and then it counts from midnight to midnight. What presses
    and push-buttons cost is in it up to `presses_until`, and not at all where that is None.
    """

    first: date
    last: date
    start: datetime
    end: datetime
    by: By
    currency: str
    sources: Sources
    presses_until: datetime | None
    parts: tuple[Sum, ...]

    @property
    def total(self) -> Sum:
        """All parts together; no money, or no CO2, where one of them has none."""
        costs = total((part.label, part.cost) for part in self.parts)
        return Sum("total", sum(part.energy_mwh for part in self.parts), costs.cost)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a municipality: a time, and up to when presses are told."""

    home: Municipality
    by: By
    first: date
    last: date
    start: datetime
    end: datetime
    presses_until: datetime | None = None

    @property
    def tz(self) -> str:
        return self.home.place.tz

    def tells(self, cause: Cause, start: datetime) -> bool:
        """Whether energy of a cause from `start` on is told."""
        return cause not in PRESSED or (self.presses_until is not None and start < self.presses_until)


def public_energy(tx: Tx, municipality: str, first: date | None, last: date | None, by: By, now: datetime) -> Account:
    """For everybody, by night or by month, of those that have ended; a month ends with the night of its last day.
    Without dates, of the last one.

    What presses and push-buttons cost is left out, and the rest rounded: too coarse to show a walk. Money and CO2 are
    those of the rounded figures; where a price or factor changed, what was used before and after is rounded each.
    """
    if by not in {By.NIGHT, By.MONTH}:
        raise InvalidError("by: everybody may ask by night or by month.")
    home = municipality_of(tx, municipality)
    tz = home.place.tz
    ended = noon(night_of(now, tz), tz)
    if by is By.MONTH:
        ended = period_of(Period.MONTH, ended, tz)[0]
    newest = night_of(now, tz) - _DAY if by is By.NIGHT else _local_date(ended - _DAY, tz)
    asked = _asked(home, by, first, last, newest)
    asked = replace(asked, end=max(asked.start, min(asked.end, ended)))
    step = PUBLIC_NIGHT_STEP if by is By.NIGHT else PUBLIC_MONTH_STEP
    return _account(tx, asked, None, step)


def council_energy(
    tx: Tx, municipality: str, first: date | None, last: date | None, zone: str | None, by: By, now: datetime
) -> Account:
    """For staff, of all zones or one; without dates, of the last night that ended (by month: of its month).

    Only nights that have ended are told: whoever looked at the running one again and again would see somebody press.
    By hour nothing shows when that was: it is a night's energy spread over its hours by the plan, and what presses cost
    is not in it. InvalidError for more than can be answered at once, for nights that are not over, and for those of
    which months alone are left.
    """
    home = municipality_of(tx, municipality)
    if zone is not None:
        find(tx, ZoneKey(municipality, zone))
    tonight = night_of(now, home.place.tz)
    asked = _asked(home, by, first, last, tonight - _DAY)
    ended = noon(tonight, home.place.tz)
    if asked.start >= ended:
        raise InvalidError(f"from: the night of {asked.first} is not over; ask after its noon, or for earlier nights.")
    asked = replace(asked, end=min(asked.end, ended))
    return _account(tx, asked if by is By.HOUR else replace(asked, presses_until=asked.end), zone)


def _asked(home: Municipality, by: By, first: date | None, last: date | None, newest: date) -> _Asked:
    """The asked nights, checked; where one end is missing, up to the newest, or the newest alone."""
    last = last or max(first or newest, newest)
    first = first or last
    for name, day in (("from", first), ("to", last)):
        if not 2000 <= day.year < 2200:
            raise InvalidError(f"{name}: {day} is not between the years 2000 and 2199.")
    if last < first:
        raise InvalidError("to: must not lie before from.")
    most, words, other = _MOST.get(by, _FAR)
    if (last - first).days >= most:
        way_out = f"ask in parts, or {other}" if other else "ask in parts"
        raise InvalidError(f"to: by {by} at most {words} at once; {way_out}.")
    if by is By.MONTH:
        first, last = first.replace(day=1), months_on(last, 1) - _DAY
    tz, after = home.place.tz, last + _DAY
    if by in _MONTHLY and first.day == after.day == 1:
        return _Asked(home, by, first, last, midnight(first, tz), midnight(after, tz))
    return _Asked(home, by, first, last, noon(first, tz), noon(after, tz))


def _account(tx: Tx, asked: _Asked, zone: str | None, step: int = 1) -> Account:
    """Gather, price and name; every energy is rounded to `step`."""
    home = asked.home
    kept_from = tx.ledger_state(home.id).kept_from
    _check_kept(asked, kept_from)
    parted = stretches(home, asked.start, asked.end, kept_from)
    gather = {By.CONTROLLER: _by_controller, By.HOUR: _by_hour}.get(asked.by, _from_rollups)
    found: dict[str, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    begun: dict[str, datetime] = {}
    for name, start, energy in gather(tx, asked, parted.starts, zone):
        found[name][parted.of(start)] += energy
        begun[name] = min(start, begun.get(name, start))
    names = _names(tx, asked)
    parts = []
    for name in sorted(found, key=lambda name: (begun[name], name) if asked.by in _LABELS else (asked.start, name)):
        amounts = {since: (energy + step // 2) // step * step for since, energy in found[name].items()}
        price = sum((parted.cost(since, energy) for since, energy in amounts.items()), Cost())
        parts.append(Sum(name, sum(amounts.values()), price, names.get(name)))
    return Account(
        first=asked.first,
        last=asked.last,
        start=asked.start,
        end=asked.end,
        by=asked.by,
        currency=home.currency,
        sources=sources(home, asked.start, asked.end),
        presses_until=asked.presses_until,
        parts=tuple(parts),
    )


_Lines = Iterator[tuple[str, datetime, int]]
"""Label, beginning, mWh."""


def _by_controller(tx: Tx, asked: _Asked, cuts: Iterable[datetime], zone: str | None) -> _Lines:
    """From entries; these never reach over a cut."""
    within = {cut for cut in (*cuts, asked.presses_until) if cut is not None and asked.start < cut < asked.end}
    for start, end in pairwise([asked.start, *sorted(within), asked.end]):
        for controller, its_zone, cause, energy in tx.energy_by_controller(asked.home.id, start, end):
            if zone in {None, its_zone} and asked.tells(cause, start):
                yield controller, start, energy


def _by_hour(tx: Tx, asked: _Asked, _: Iterable[datetime], zone: str | None) -> _Lines:
    """From the roll-ups of nights; no cut lies within an hour."""
    for start, energy in spread(tx, asked.home, asked.start, asked.end, zone).items():
        yield label(Period.HOUR, start, asked.tz), start, energy


def _from_rollups(tx: Tx, asked: _Asked, cuts: Iterable[datetime], zone: str | None) -> _Lines:
    """From the longest roll-ups that neither a cut nor the time up to which presses are told divides."""
    kinds = NIGHTS if asked.by is By.NIGHT else CALENDAR
    within = [cut for cut in (*cuts, asked.presses_until) if cut is not None]
    name = _namer(asked)
    for kind, start, end in tiles(kinds, asked.start, asked.end, asked.tz, within):
        if asked.by is By.ZONE:
            for (its_zone, cause), energy in sums_by_zone(tx, asked.home, kind, start, end, zone).items():
                if asked.tells(cause, start):
                    yield its_zone, start, energy
            continue
        for (begun, cause), energy in sums_by_cause(tx, asked.home, kind, start, end, zone).items():
            if asked.tells(cause, begun):
                yield name(begun, cause), begun, energy


def _namer(asked: _Asked) -> Callable[[datetime, Cause], str]:
    """The label of a cause, or of the period that a moment lies in: there are more sums than periods, so it is kept."""
    if asked.by not in _LABELS:
        return lambda _, cause: cause.value
    kind, known = _LABELS[asked.by], dict[datetime, str]()

    def name(moment: datetime, _: Cause) -> str:
        if moment not in known:
            known[moment] = label(kind, period_of(kind, moment, asked.tz)[0], asked.tz)
        return known[moment]

    return name


def _names(tx: Tx, asked: _Asked) -> dict[str, str]:
    """What zones or controllers are called, where it is told by them."""
    if asked.by is By.ZONE:
        return {zone.key.zone: zone.name for zone in tx.zones(asked.home.id)}
    if asked.by is By.CONTROLLER:
        return {controller.key.controller: controller.name for controller in tx.controllers(asked.home.id)}
    return {}


def _check_kept(asked: _Asked, kept_from: datetime | None) -> None:
    """Of what is forgotten there are whole months, and no nights any more."""
    if kept_from is None or asked.start >= kept_from:
        return
    if asked.by in _MONTHLY and asked.start == midnight(asked.first, asked.tz):
        return
    night = period_of(Period.NIGHT, kept_from, asked.tz)
    since = _local_date(night[0] if night[0] >= kept_from else night[1], asked.tz)
    other = "for whole months, from the first day of one to the last of one" if asked.by in _MONTHLY else "by month"
    raise InvalidError(f"from: of the nights before {since} only months are left; ask from {since} on, or {other}.")


def _local_date(moment: datetime, tz: str) -> date:
    return moment.astimezone(ZoneInfo(tz)).date()
