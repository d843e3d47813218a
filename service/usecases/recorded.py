"""From when on anything is recorded: what lies before is not known, and is no zero."""

from datetime import datetime

from service.domain.inventory import Municipality
from service.domain.periods import label, midnight, month_of, months_on, period_of, periods
from service.domain.words import Period
from service.errors import InvalidError
from service.ports import Tx
from service.usecases.coarsening import oldest
from service.usecases.statement_periods import Span


def first_record(tx: Tx, home: Municipality) -> datetime | None:
    """The quarter of an hour of the first entry; of a forgotten time the beginning of the first month with a sum. None
    where nothing was ever recorded."""
    month, tz = oldest(tx, home), home.place.tz
    if month is None:
        return None
    kept_from = tx.ledger_state(home.id).kept_from
    if kept_from is not None and month < kept_from:
        return month
    # Sums leave out hours without energy: recording may have begun with some, in the month before.
    before = midnight(months_on(month_of(month, tz), -1), tz)
    for start, end in periods(Period.DAY, before, period_of(Period.MONTH, month, tz)[1], tz):
        if rows := tx.energy_sums(home.id, start, end):
            return min(row.start for row in rows)
    return month


def first_recorded(tx: Tx, home: Municipality, span: Span) -> datetime:
    """The same for a paper; InvalidError where its whole time lies before."""
    first = first_record(tx, home)
    if first is None:
        raise InvalidError(f"period: nothing is recorded in {home.name} yet; ask once a night with light is over.")
    if first >= span.end:
        month = label(Period.MONTH, first, home.place.tz)
        raise InvalidError(
            f"period: {span.label} lies before anything was recorded in {home.name}; "
            f"ask for {month}, the first month on record, or a later one."
        )
    return first


def within(first: datetime | None, span: Span) -> datetime | None:
    """From when on a paper's time is recorded, where that is not from its start on."""
    return first if first is not None and first > span.start else None
