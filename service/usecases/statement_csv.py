"""A statement as CSV: one table, plain numbers, units in the header. What a line has no value for is left empty."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal

from service.usecases.saving_bodies import AmountBody, CountedBy
from service.usecases.spreadsheets import plain_text
from service.usecases.statement_bodies import PartBody, ReadingStretch, StatementBody
from service.usecases.statement_periods import local_time

Cells = dict[str, object]


def statement_csv(body: StatementBody) -> str:
    """The statement, section by section; energy adds up to its total exactly."""
    money = f"money_{body.currency}"
    columns = (
        "section",
        "period",
        "zone",
        "name",
        "cause",
        "quality",
        "level_percent",
        "from",
        "to",
        "energy_kwh",
        money,
        "co2_kg",
        "share_percent",
        "output_hours",
        "lamp_hours",
        "count",
        f"price_{body.currency}_per_kwh",
        f"price_{body.currency}_per_year",
        "factor_g_per_kwh",
        "note",
    )
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    for cells in _lines(body):
        row = {
            money if key == "money" else key.replace("{currency}", body.currency): cell for key, cell in cells.items()
        }
        writer.writerow({"period": body.period, **{key: _plain(cell) for key, cell in row.items()}})
    return out.getvalue()


def _lines(body: StatementBody) -> Iterator[Cells]:
    names = {zone.zone: zone.name for zone in body.zones}
    yield {"section": "statement", "name": body.name, "from": body.first, "to": body.last, "note": _state(body)}
    for part in body.energy:
        yield _part(part, names.get(part.zone, ""))
    for period in body.by_period:
        yield {
            "section": "period_total",
            "period": period.period,
            "energy_kwh": period.kwh,
            "money": period.money,
            "co2_kg": period.co2_kg,
            "note": "not recorded" if period.kwh is None else None,
        }
    total = body.total
    yield {"section": "energy_total", **_used(total), "money": total.energy_money}
    yield {"section": "fixed_price_total", "money": total.fixed_money}
    yield {"section": "total", **_used(total)}
    for share in body.quality:
        yield {"section": "quality", "quality": share.quality, "energy_kwh": share.kwh, "share_percent": share.percent}
    yield {"section": "pressed", **_used(body.pressed)}
    yield from _presses(body)
    yield from _saving(body)
    for hours in body.burning:
        yield {
            "section": "burning",
            "level_percent": hours.level,
            "output_hours": hours.output_hours,
            "lamp_hours": hours.lamp_hours,
        }
    for stretch in body.readings:
        yield from _readings(stretch, body.timezone)
    for section, column, entries in (
        ("price", "price_{currency}_per_kwh", body.sources.prices),
        ("fixed_price", "price_{currency}_per_year", body.sources.fixed_prices),
        ("emission_factor", "factor_g_per_kwh", body.sources.emission_factors),
    ):
        for entry in entries:
            yield _source(section, column, entry)
    for why in body.missing:
        yield {"section": "missing", "note": why}


def _state(body: StatementBody) -> str:
    state = [f"provisional: told up to {local_time(body.told, body.timezone)}"] if body.provisional else []
    if body.recorded_from is not None:
        state.append(f"incomplete: recorded from {local_time(body.recorded_from, body.timezone)}")
    return "; ".join(state) or "final"


def _part(part: PartBody, name: str) -> Cells:
    return {
        "section": "energy",
        "period": part.period,
        "zone": part.zone,
        "name": name,
        "cause": part.cause,
        **_used(part),
    }


def _used(used: AmountBody) -> Cells:
    return {"energy_kwh": used.kwh, "money": used.money, "co2_kg": used.co2_kg}


def _presses(body: StatementBody) -> Iterator[Cells]:
    if body.presses is None:
        return
    yield {"section": "presses_granted", "count": body.presses.granted}
    yield {"section": "presses_refused", "count": body.presses.refused}
    for reason, count in body.presses.refused_by.items():
        yield {"section": "presses_refused_because", "name": reason, "count": count}


def _saving(body: StatementBody) -> Iterator[Cells]:
    if body.saving is None:
        return
    total, presses = body.saving.total, body.saving.presses
    yield {"section": "saving_used", **_used(total.used)}
    yield {"section": "saving_all_night", **_used(total.against)}
    yield {"section": "saving_saved", **_used(total.saved), "share_percent": total.percent.kwh}
    for zone in body.saving.later:
        since = local_time(zone.since, body.timezone)
        yield {"section": "saving_zone_later", "zone": zone.zone, "name": zone.name, "from": since}
    for name in body.saving.unrecorded:
        yield {"section": "saving_zone_not_recorded", "zone": name}
    yield {"section": "presses_cost", **_used(presses.cost)}
    yield {"section": "darkness_saves", **_used(presses.darkness)}
    yield {"section": "presses_and_darkness", **_used(presses.net)}


def _readings(stretch: ReadingStretch, timezone: str) -> Iterator[Cells]:
    where: Cells = {
        "name": stretch.supply_point,
        "from": local_time(stretch.since, timezone),
        "to": local_time(stretch.until, timezone),
    }
    yield {"section": "reading_utility", **where, "energy_kwh": stretch.utility_kwh}
    yield {"section": "reading_ledger", **where, "energy_kwh": stretch.ledger_kwh, "note": stretch.unknown}
    yield {
        "section": "reading_deviation",
        **where,
        "energy_kwh": stretch.deviation_kwh,
        "share_percent": stretch.deviation_percent,
        "note": "warning: above 2 %" if stretch.warning else None,
    }


def _source(section: str, column: str, entry: CountedBy) -> Cells:
    return {
        "section": section,
        "from": entry.first,
        "to": entry.last,
        column: entry.value,
        "note": entry.source,
    }


def _plain(cell: object) -> object:
    """Numbers without an exponent, and no text that a spreadsheet takes for a formula."""
    if isinstance(cell, Decimal):
        return f"{cell:f}"
    return plain_text(cell) if isinstance(cell, str) else cell
