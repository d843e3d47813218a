"""Statements: what a month or a year of light was, in energy, money, CO2, presses and burning hours.

Of a month or year whose last night is not over a statement tells the nights that are: so nobody learns from it when
somebody pressed tonight.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from service.domain.entries import PRESSED
from service.domain.inventory import EmissionFactor, FixedPrice, Municipality, Price
from service.domain.periods import label, period_of, periods
from service.domain.tariffs import Cost, InForce, changes, cost, fixed_cost, sources
from service.domain.tiles import CALENDAR, NIGHTS, tiles
from service.domain.words import Cause, Period, Quality, Reason
from service.ports import EnergySum, Tx
from service.usecases.burning import minutes, shining
from service.usecases.look import municipality_of
from service.usecases.readings import compare
from service.usecases.recorded import first_recorded, within
from service.usecases.rollups import sums
from service.usecases.saving import ALL_NIGHT, saving_between
from service.usecases.saving_bodies import AmountBody, CountedBy
from service.usecases.statement_bodies import (
    LevelHours,
    Missing,
    PartBody,
    PressCount,
    SavedBody,
    SourcesBody,
    StatementBody,
    StatementZone,
    TotalBody,
    ZoneSince,
    kwh,
    period_body,
    quality_bodies,
    rounded,
    rounded_or_none,
    stretch_body,
)
from service.usecases.statement_periods import Span, local_date, months_of, period_asked


class _Line(NamedTuple):
    """Energy (mWh) of a zone and cause in a night or month. Not `whole`: its price or factor changed within it, and
    nobody knows any more how much of it was before."""

    period: str
    zone: str
    cause: Cause
    energy_mwh: int
    cost: Cost
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a statement is asked of."""

    tx: Tx
    home: Municipality
    span: Span
    months: tuple[Span, ...]
    kept_from: datetime | None
    now: datetime
    recorded_from: datetime

    def forgotten(self, month: Span) -> bool:
        """Whether of a month only its sums are left."""
        return self.kept_from is not None and month.start < self.kept_from


def statement(tx: Tx, municipality: str, period: str, now: datetime, forgotten: datetime) -> StatementBody:
    """The statement of a month (2026-11) or a year (2026). Presses before `forgotten` are gone.

    UnknownError for a municipality that is not here, InvalidError for no period, one to come, or one before anything
    was recorded.
    """
    home = municipality_of(tx, municipality)
    span = period_asked(home, period, now)
    first = first_recorded(tx, home, span)
    asked = _Asked(tx, home, span, tuple(months_of(home, span, now)), tx.ledger_state(home.id).kept_from, now, first)
    told = _periods(asked)
    lines, quality = _booked(asked)
    parts = [_part(line) for line in lines]
    total = _total(home, span, lines)
    presses = None if span.start < forgotten else _presses(tx, home, span)
    saving = _saving(asked)
    readings = [stretch_body(stretch) for stretch in compare(tx, home.id, now, span.start, span.end)]
    controllers = tx.controllers(home.id)
    body = StatementBody(
        municipality=home.id,
        name=home.name,
        period=span.label,
        first=span.first,
        last=local_date(home, span.end - timedelta(microseconds=1)),
        start=span.start,
        end=span.end,
        told=span.told,
        timezone=home.place.tz,
        currency=home.currency,
        provisional=span.provisional,
        recorded_from=within(first, span),
        lamps=sum(output.lamps for controller in controllers for output in controller.outputs),
        zones=[StatementZone(zone=zone.key.zone, name=zone.name) for zone in tx.zones(home.id, since=now)],
        periods=[name for name, _ in told],
        energy=parts,
        by_period=[period_body(name, parts, recorded=end > first) for name, end in told],
        total=total,
        quality=quality_bodies(quality),
        presses=presses,
        pressed=_used([line for line in lines if line.cause in PRESSED]),
        saving=saving,
        burning=_burning(asked),
        readings=readings,
        sources=_sources(home, span),
        missing=[],
    )
    return body.model_copy(update={"missing": list(_missing(span, lines, body))})


def _booked(asked: _Asked) -> tuple[list[_Line], dict[Quality, int]]:
    """The energy by night or month, zone and cause."""
    quality: Counter[Quality] = Counter()
    energy: Counter[tuple[str, str, Cause, tuple[datetime, ...]]] = Counter()
    for month in asked.months:
        for name, priced, row in _rows(asked, month):
            energy[name, row.zone, row.cause, priced] += row.energy_mwh
            quality[row.quality] += row.energy_mwh
    found: dict[tuple[str, str, Cause], _Line] = {}
    for (name, zone, cause, priced), used in energy.items():
        before = found.get((name, zone, cause), _Line(name, zone, cause, 0, Cost()))
        price = _cost(asked.home, priced, used)
        found[name, zone, cause] = _Line(
            name, zone, cause, before.energy_mwh + used, before.cost + price, before.whole and len(priced) == 1
        )
    causes = list(Cause)
    return sorted(found.values(), key=lambda line: (line.period, line.zone, causes.index(line.cause))), quality


def _rows(asked: _Asked, month: Span) -> Iterator[tuple[str, tuple[datetime, ...], EnergySum]]:
    """Roll-ups of a month, as long ones as price and factor allow, with the names of their nights (in a year: of the
    month), and the moment whose price and factor they have; of a forgotten month all that it had."""
    tz, edges = asked.home.place.tz, changes(asked.home, month.start, month.told)
    if asked.forgotten(month):
        for row in sums(asked.tx, asked.home, Period.MONTH, month.start, month.told):
            yield month.label, (month.start, *edges), row
        return
    kinds = CALENDAR if asked.span.yearly else NIGHTS
    for tile in tiles(kinds, month.start, month.told, tz, edges):
        begun = bisect_right(edges, tile.start)
        priced = (edges[begun - 1] if begun else month.start,)
        names: dict[datetime, str] = {}
        for row in sums(asked.tx, asked.home, tile.kind, tile.start, tile.end):
            if row.start not in names:
                night = period_of(Period.NIGHT, row.start, tz)[0]
                names[row.start] = month.label if asked.span.yearly else label(Period.NIGHT, night, tz)
            yield names[row.start], priced, row


def _cost(home: Municipality, priced: Sequence[datetime], energy_mwh: int) -> Cost:
    """What energy costs; None where price or factor changed within it, and nobody knows any more how it was parted."""
    found = [cost(home, moment, energy_mwh) for moment in priced]
    return Cost(
        found[0].money if len({one.money for one in found}) == 1 else None,
        found[0].co2_kg if len({one.co2_kg for one in found}) == 1 else None,
    )


def _periods(asked: _Asked) -> list[tuple[str, datetime]]:
    """The names of nights or months, and when they end."""
    span, tz = asked.span, asked.home.place.tz
    if span.yearly or asked.forgotten(span):
        return [(month.label, month.end) for month in asked.months]
    return [(label(Period.NIGHT, start, tz), end) for start, end in periods(Period.NIGHT, span.start, span.told, tz)]


def _part(line: _Line) -> PartBody:
    return PartBody(
        period=line.period,
        zone=line.zone,
        cause=line.cause,
        kwh=kwh(line.energy_mwh),
        money=rounded_or_none(line.cost.money, "0.0001"),
        co2_kg=rounded_or_none(line.cost.co2_kg, "0.0001"),
    )


def _used(lines: Sequence[_Line]) -> AmountBody:
    together = sum((line.cost for line in lines), Cost())
    return AmountBody(
        kwh=kwh(sum(line.energy_mwh for line in lines)),
        money=rounded_or_none(together.money, "0.01"),
        co2_kg=rounded_or_none(together.co2_kg, "0.001"),
    )


def _total(home: Municipality, span: Span, lines: Sequence[_Line]) -> TotalBody:
    used = _used(lines)
    money = sum((line.cost for line in lines), Cost()).money
    fixed = fixed_cost(home, span.start, span.told)
    both = None if money is None or fixed is None else money + fixed
    return TotalBody(
        kwh=used.kwh,
        money=rounded_or_none(both, "0.01"),
        co2_kg=used.co2_kg,
        energy_money=used.money,
        fixed_money=rounded_or_none(fixed, "0.01"),
    )


def _presses(tx: Tx, home: Municipality, span: Span) -> PressCount:
    presses = tx.presses(home.id, span.start, span.told)
    refused = Counter(press.refused for press in presses if press.refused is not None)
    return PressCount(
        granted=sum(press.refused is None for press in presses),
        refused=sum(refused.values()),
        refused_by={reason: refused[reason] for reason in Reason if refused[reason]},
    )


def _saving(asked: _Asked) -> SavedBody | None:
    """Beside all-night light; None where no night is over, or no zone has energy on record."""
    home, span = asked.home, asked.span
    if span.told == span.start:
        return None
    found = saving_between(asked.tx, home, span.start, span.end, ALL_NIGHT, asked.now, home.language)
    if not found.zones:
        return None
    later = [
        ZoneSince(zone=zone.zone, name=zone.name, since=zone.since) for zone in found.zones if zone.since > span.start
    ]
    return SavedBody(total=found.total, presses=found.presses, later=later, unrecorded=found.unrecorded)


def _burning(asked: _Asked) -> list[LevelHours]:
    outputs: dict[int, Decimal] = defaultdict(Decimal)
    lamps: dict[int, Decimal] = defaultdict(Decimal)
    for each in shining(asked.tx, asked.home, asked.months):
        for burnt in each.burnt:
            outputs[burnt.level] += minutes(burnt.lit) / 60
            lamps[burnt.level] += minutes(burnt.lit) / 60 * each.output.lamps
    return [
        LevelHours(level=level, output_hours=rounded(hours, "0.01"), lamp_hours=rounded(lamps[level], "0.01"))
        for level, hours in sorted(outputs.items(), reverse=True)
        if hours
    ]


def _sources(home: Municipality, span: Span) -> SourcesBody:
    found = sources(home, span.start, span.told)
    return SourcesBody(
        prices=[_source(home, part, None if part.entry is None else part.entry.per_kwh) for part in found.prices],
        fixed_prices=[
            _source(home, part, None if part.entry is None else part.entry.per_year) for part in found.fixed_prices
        ],
        emission_factors=[
            _source(home, part, None if part.entry is None else part.entry.g_per_kwh) for part in found.emission_factors
        ],
    )


def _source(
    home: Municipality,
    part: InForce[Price] | InForce[FixedPrice] | InForce[EmissionFactor],
    value: Decimal | int | None,
) -> CountedBy:
    return CountedBy(
        first=local_date(home, part.start),
        last=local_date(home, part.end - timedelta(microseconds=1)),
        value=None if value is None else Decimal(value),
        source=None if part.entry is None else part.entry.source,
    )


def _missing(span: Span, lines: Sequence[_Line], body: StatementBody) -> Iterator[Missing]:
    whole = [line for line in lines if line.whole]
    kinds = {stretch.unknown for stretch in body.readings}
    facts = {
        Missing.NOT_OVER: span.provisional,
        Missing.NOT_RECORDED: body.recorded_from is not None,
        Missing.ZONES_NOT_RECORDED: body.saving is not None and bool(body.saving.unrecorded),
        Missing.NOTHING_BOOKED: not lines,
        Missing.NIGHTS_FORGOTTEN: not span.yearly and body.periods == [span.label],
        Missing.NO_PRICE: any(line.cost.money is None for line in whole),
        Missing.NO_FIXED_PRICE: body.total.fixed_money is None,
        Missing.NO_EMISSION_FACTOR: any(line.cost.co2_kg is None for line in whole),
        Missing.CHANGED_WITHIN: any(None in (line.cost.money, line.cost.co2_kg) for line in lines if not line.whole),
        Missing.PRESSES_FORGOTTEN: body.presses is None,
        Missing.NO_SAVING: body.saving is None,
        Missing.NO_READINGS: not body.readings,
        Missing.READINGS_FORGOTTEN: "forgotten" in kinds,
        Missing.READINGS_NOT_OVER: "not_over" in kinds,
    }
    yield from (why for why in Missing if facts[why])
