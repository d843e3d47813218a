"""Forgetting: what is left of entries after twelve whole months are monthly sums.

A month goes hour by hour. Each step adds what some hours, or some of their outputs, burnt to the month's burning times,
deletes their entries and roll-ups, and notes how far it came, in one transaction: what a month burnt is at any moment
what was kept of it and what its entries say together.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from service.domain.inventory import Municipality, OutputKey
from service.domain.periods import midnight, month_of, months_on, period_of, periods
from service.domain.words import Period
from service.ports import Burnt, Tx
from service.usecases.coarsening import EVER, MOST_LOOKS, OUTPUTS_AT_ONCE, oldest
from service.usecases.rollups import KEPT_MONTHS, Stretch, recompute, roll_left


def kept_since(home: Municipality, now: datetime) -> datetime:
    """The beginning of the first local month of which more than sums is kept."""
    tz = home.place.tz
    return midnight(months_on(month_of(now, tz), -KEPT_MONTHS), tz)


def forget_entries(
    tx: Tx,
    home: Municipality,
    outputs: Collection[OutputKey],
    before: datetime,
    most_hours: int,
    most_controllers: int = OUTPUTS_AT_ONCE,
) -> bool:
    """Forget some more hours before a local month's beginning, the oldest first; returns whether there are more.

    `outputs` are all of the municipality. What was booked late, for a time that was forgotten, goes as well."""
    state = tx.ledger_state(home.id)
    start, end = _next(tx, home, state.kept_from, before)
    if start >= end:
        if state.kept_from is None or state.kept_from < before:
            tx.set_ledger_state(home.id, replace(state, kept_from=before))
        return False
    for _ in range(MOST_LOOKS):
        hours = list(islice(periods(Period.HOUR, start, end, home.place.tz), most_hours))
        if not hours:
            break
        gone, more = _forget(tx, home, outputs, hours, most_controllers)
        if more:
            return True
        start = hours[-1][1]
        if gone:
            break
    if state.kept_from is None or state.kept_from < start:
        tx.set_ledger_state(home.id, replace(state, kept_from=start))
    return True


def burnt_in(
    tx: Tx, home: Municipality, outputs: Collection[OutputKey], month: datetime, until: datetime | None = None
) -> list[Burnt]:
    """What outputs burnt in the local month that begins at `month` (up to `until`), by output and level: what was kept
    of it, and what entries say of the rest."""
    start, end = period_of(Period.MONTH, month, home.place.tz)
    kept = tx.burnt_month(home.id, month_of(month, home.place.tz))
    wanted = set(outputs)
    return _added([burnt for burnt in kept if burnt.output in wanted], tx.burnt(outputs, start, min(until or end, end)))


def _next(tx: Tx, home: Municipality, kept_from: datetime | None, before: datetime) -> tuple[datetime, datetime]:
    """What is to be forgotten next, within one local month; late entries first."""
    late = [] if kept_from is None else tx.entries(home.id, EVER[0], kept_from)
    if late and kept_from is not None:
        start, end = period_of(Period.HOUR, late[0].entry.start, home.place.tz)[0], kept_from
    else:
        start, end = kept_from or oldest(tx, home) or before, before
    return start, min(end, period_of(Period.MONTH, start, home.place.tz)[1])


def _forget(
    tx: Tx, home: Municipality, outputs: Collection[OutputKey], hours: Sequence[Stretch], most_controllers: int
) -> tuple[int, bool]:
    """Forget adjoining hours of one month, or a part of their outputs; returns how many entries went, and whether some
    of these hours are left."""
    start, until = hours[0][0], hours[-1][1]
    recompute(tx, home, hours)
    left = sorted({controller for controller, *_ in tx.energy_by_controller(home.id, start, until)})
    going = set(left[:most_controllers])
    some = [output for output in outputs if output.controller in going]
    _keep_burnt(tx, home, some, start, until)
    gone = tx.delete_entries(some, until) if some else 0
    if len(left) > len(going):
        roll_left(tx, home, hours)
        return gone, True
    for kind in (Period.HOUR, Period.DAY, Period.NIGHT):
        tx.delete_rolled(home.id, kind, until)
    return gone, False


def _keep_burnt(tx: Tx, home: Municipality, outputs: Collection[OutputKey], start: datetime, until: datetime) -> None:
    going = tx.burnt(outputs, start, until)
    touched = {burnt.output for burnt in going}
    if touched:
        month = month_of(start, home.place.tz)
        kept = [burnt for burnt in tx.burnt_month(home.id, month) if burnt.output in touched]
        tx.set_burnt_month(month, touched, _added(kept, going))


def _added(kept: Iterable[Burnt], going: Iterable[Burnt]) -> list[Burnt]:
    found: dict[tuple[OutputKey, int], Burnt] = {}
    for burnt in (*kept, *going):
        before = found.get((burnt.output, burnt.level), Burnt(burnt.output, burnt.level, timedelta(), 0))
        found[burnt.output, burnt.level] = burnt._replace(
            lit=before.lit + burnt.lit, energy_mwh=before.energy_mwh + burnt.energy_mwh
        )
    return [found[key] for key in sorted(found)]
