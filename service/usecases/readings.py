"""Readings of the utility's meters, and how far the ledger is from them."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

from service.domain.inventory import Municipality, OutputKey, SupplyPoint
from service.domain.periods import period_of
from service.domain.words import Period, Quality
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import Tx, UtilityReading
from service.usecases.look import municipality_of

EVERYTHING = SupplyPoint("all", "all")
"""The supply point of a municipality that names none: everything is behind it."""

WARN_ABOVE = Decimal(2)
"""Percent by which the ledger may be off before somebody should look."""

_MICROSECOND = timedelta(microseconds=1)

MOST_KWH = 1_000_000_000
"""A meter that shows more does not stand in a village."""

Unknown = Literal["forgotten", "not_over"]
"""Why the ledger cannot be compared: its entries are gone, or the night of the last reading is not over."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From one reading of a supply point to the next: the utility's advance and the ledger's, in kWh.

    `ledger_kwh` is None where entries of that time are gone, and until the noon after the last reading: `unknown` says
    which. `quality` says how much of it is known how (mWh).

    Of the nights in which the readings lie, all energy counts by the share of the night's time (noon to noon).
    """

    point: SupplyPoint
    first: UtilityReading
    last: UtilityReading
    ledger_kwh: Decimal | None
    quality: dict[Quality, int]
    unknown: Unknown | None = None

    @property
    def utility_kwh(self) -> Decimal:
        """What the utility's meter went on."""
        return self.last.kwh - self.first.kwh

    @property
    def deviation_kwh(self) -> Decimal | None:
        """How much more the ledger has than the utility."""
        return None if self.ledger_kwh is None else self.ledger_kwh - self.utility_kwh

    @property
    def deviation_percent(self) -> Decimal | None:
        """The deviation in percent of the utility's advance; None where there was none."""
        if self.deviation_kwh is None or not self.utility_kwh:
            return None
        return self.deviation_kwh / self.utility_kwh * 100

    @property
    def warning(self) -> bool:
        """Whether the ledger is off by more than it may be; where the meter stood still, by anything."""
        if self.deviation_percent is None:
            return bool(self.deviation_kwh)
        return abs(self.deviation_percent) > WARN_ABOVE


def points_of(home: Municipality) -> tuple[SupplyPoint, ...]:
    """The supply points of a municipality; one for everything where it names none."""
    return home.supply_points or (EVERYTHING,)


def add_reading(tx: Tx, municipality: str, reading: UtilityReading, now: datetime) -> UtilityReading:
    """Enter what a meter showed; a moment without an offset is local time. Returns it as kept.

    InvalidError for an unknown point, a moment to come or before 2000, more than three decimals or nine digits before
    them, and where it does not fit between its neighbours. ConflictError where the point has a reading of that moment.
    """
    home = municipality_of(tx, municipality)
    at = _moment(home, reading.at)
    _check(home, reading, at, now)
    for other in tx.readings(home.id):
        if other.supply_point == reading.supply_point and other.withdrawn_at is None:
            _fit(home, other, at, reading.kwh)
    kept = UtilityReading(
        reading.id, reading.supply_point, at, reading.kwh, reading.entered_by, now, reading.note.strip()
    )
    tx.add_reading(home.id, kept)
    return kept


def withdraw_reading(tx: Tx, municipality: str, reading: str, by: str, now: datetime) -> None:
    """Let a reading count no more. UnknownError when there is none; ConflictError says who withdrew it before."""
    home = municipality_of(tx, municipality)
    if tx.withdraw_reading(home.id, reading, by, now):
        return
    found = next((kept for kept in tx.readings(home.id) if kept.id == reading), None)
    if found is None:
        raise UnknownError(f"{home.name} has no reading “{reading}”.")
    raise ConflictError(f"reading: {found.withdrawn_by} withdrew “{reading}” already.")


def readings_of(tx: Tx, municipality: str) -> list[UtilityReading]:
    """All readings ever entered, withdrawn ones too, by supply point and moment."""
    return tx.readings(municipality_of(tx, municipality).id)


def compare(
    tx: Tx, municipality: str, now: datetime, start: datetime | None = None, end: datetime | None = None
) -> list[Stretch]:
    """Each two successive readings of each supply point beside the ledger; only stretches that reach into [start, end)
    where these are given."""
    home = municipality_of(tx, municipality)
    counted = [reading for reading in tx.readings(home.id) if reading.withdrawn_at is None]
    kept_from = tx.ledger_state(home.id).kept_from
    found = []
    for point in points_of(home):
        of_point = sorted((r for r in counted if r.supply_point == point.id), key=lambda r: r.at)
        asked = [
            (first, last)
            for first, last in pairwise(of_point)
            if (end is None or first.at < end) and (start is None or last.at > start)
        ]
        ledger = _Ledger(tx, home, point) if asked else None
        for first, last in asked:
            unknown = _unknown(home, first, last, now, kept_from)
            quality = {} if unknown or ledger is None else ledger.between(first.at, last.at)
            energy = None if unknown else Decimal(sum(quality.values())).scaleb(-6)
            found.append(Stretch(point, first, last, energy, quality, unknown))
    return found


def _unknown(
    home: Municipality, first: UtilityReading, last: UtilityReading, now: datetime, kept_from: datetime | None
) -> Unknown | None:
    begins, _ = period_of(Period.NIGHT, first.at, home.place.tz)
    _, ends = period_of(Period.NIGHT, last.at, home.place.tz)
    if kept_from is not None and begins < kept_from:
        return "forgotten"
    return "not_over" if ends > now else None


def _moment(home: Municipality, at: datetime) -> datetime:
    try:
        local = at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(home.place.tz))
        return local.astimezone(UTC)
    except OverflowError as error:
        raise InvalidError("at: give the moment of the reading, of 2000 or later.") from error


def _check(home: Municipality, reading: UtilityReading, at: datetime, now: datetime) -> None:
    points = points_of(home)
    if reading.supply_point not in {point.id for point in points}:
        known = ", ".join(point.id for point in points)
        raise InvalidError(f"supply_point: {home.name} has no “{reading.supply_point}”; there is {known}.")
    if at > now:
        raise InvalidError("at: the reading lies in the future; give the moment at which somebody read the meter.")
    if at.year < 2000:
        raise InvalidError("at: the reading is of before 2000; give the moment at which somebody read the meter.")
    if not reading.kwh.is_finite() or reading.kwh < 0:
        raise InvalidError("kwh: give what the meter shows, a number from 0 on.")
    if reading.kwh >= MOST_KWH or reading.kwh != reading.kwh.quantize(Decimal("0.001")):
        raise InvalidError("kwh: at most nine digits and three decimals; give kilowatt-hours.")


def _fit(home: Municipality, other: UtilityReading, at: datetime, kwh: Decimal) -> None:
    when = f"{other.at.astimezone(ZoneInfo(home.place.tz)):%Y-%m-%d %H:%M}"
    if other.at == at:
        raise ConflictError(
            f"at: there is a reading of {when} already, {other.kwh} kWh (“{other.id}”); withdraw it to correct it."
        )
    before = other.at < at
    if (before and kwh < other.kwh) or (not before and kwh > other.kwh):
        how = "less than the earlier" if before else "more than the later"
        raise InvalidError(
            f"kwh: {kwh} is {how} reading of {when}, {other.kwh} kWh (“{other.id}”). Correct it, or withdraw that one "
            "if it is wrong; a meter that was replaced needs a supply point of its own."
        )


def _behind(tx: Tx, home: Municipality, point: SupplyPoint) -> list[OutputKey]:
    return [
        output.key
        for controller in tx.controllers(home.id)
        if not point.controllers or controller.key.controller in point.controllers
        for output in controller.outputs
    ]


class _Ledger:
    """The energy (mWh) behind a supply point, by quality."""

    def __init__(self, tx: Tx, home: Municipality, point: SupplyPoint) -> None:
        self._tx, self._tz = tx, home.place.tz
        self._outputs = _behind(tx, home, point)

    def between(self, start: datetime, end: datetime) -> dict[Quality, int]:
        """In [start, end): whole nights, and of those that an edge cuts the share of their time on this side of it."""
        first, last = (period_of(Period.NIGHT, edge, self._tz)[0] for edge in (start, end))
        found = self._sums(first, last)
        found.update(self._before(end))
        found.subtract(self._before(start))
        return {quality: found[quality] for quality in Quality if found[quality]}

    def _before(self, edge: datetime) -> Counter[Quality]:
        """Of all energy of the night that `edge` lies in, the share of the night's time that is over by then.

        Whatever it was for: plan and standby pause where a press runs, so that finer shares of them would tell to the
        minute, by readings close to each other, when somebody pressed. So within a night there is one rate.
        """
        start, end = period_of(Period.NIGHT, edge, self._tz)
        over, whole = (edge - start) // _MICROSECOND, (end - start) // _MICROSECOND
        energy = self._sums(start, end) if over else Counter[Quality]()
        return Counter({quality: mwh * over // whole for quality, mwh in energy.items()})

    def _sums(self, start: datetime, end: datetime) -> Counter[Quality]:
        return Counter(dict(self._tx.energy_of(self._outputs, start, end) if start < end else ()))
