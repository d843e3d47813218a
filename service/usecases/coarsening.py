"""Coarsening: what is known of past nights tells quarters of an hour, and no lease."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from service.domain.entries import Entry, ZonedEntry, coarsen
from service.domain.inventory import Controller, ControllerKey, Municipality, OutputKey
from service.domain.orders import lasting
from service.domain.periods import period_of, periods
from service.domain.sun import night_of, noon
from service.domain.words import Period
from service.ports import SentOrder, Tx

EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
"""All of the time that anything is booked for."""


_ENTRIES_AT_ONCE = 2000
"""About how many a short transaction can read and write without keeping others waiting for long."""
_HOURS_AT_ONCE = 48
"""How many hours it can roll up, however few entries they have."""

MOST_LOOKS = 10
"""How often a step looks for entries in the next hours where there were none."""

OUTPUTS_AT_ONCE = 120
"""Of how many outputs it writes entries anew, or lets them go."""


def hours_at_once(outputs: int) -> int:
    """For how many hours the entries of so many outputs are taken into one transaction."""
    return max(1, min(_HOURS_AT_ONCE, _ENTRIES_AT_ONCE // max(1, outputs)))


def exact_from(home: Municipality, now: datetime, exact_nights: int) -> datetime:
    """The noon from which on entries are exact: that of the last so many nights that are over, and of the present."""
    tz = home.place.tz
    return noon(night_of(now, tz) - timedelta(days=exact_nights), tz)


def coarsen_entries(
    tx: Tx, home: Municipality, before: datetime, most_hours: int, most_outputs: int = OUTPUTS_AT_ONCE
) -> bool:
    """Coarsen entries of some more hours before a noon, the oldest first; returns whether there are more of them."""
    state = tx.ledger_state(home.id)
    known = [moment for moment in (state.coarse_until, state.kept_from) if moment is not None]
    since = max(known) if known else oldest(tx, home) or before
    if state.coarse_until is not None and since >= before:
        return False
    for _ in range(MOST_LOOKS):
        hours = list(islice(periods(Period.HOUR, since, before, home.place.tz), most_hours))
        if not hours:
            break
        entries, more = _coarsen(tx, home, since, hours[-1][1], most_outputs)
        if more:
            return True
        since = hours[-1][1]
        if entries:
            break
    tx.set_ledger_state(home.id, replace(state, coarse_until=since))
    return since < before


def reopen(tx: Tx, home: Municipality, hours: Sequence[tuple[datetime, datetime]]) -> None:
    """Let what was booked late for the given local hours, and is to be coarse already, be coarsened."""
    state = tx.ledger_state(home.id)
    first = min(start for start, _ in hours)
    if state.coarse_until is not None and first < state.coarse_until:
        tx.set_ledger_state(home.id, replace(state, coarse_until=first))


def coarsen_states(tx: Tx, controllers: Sequence[Controller], before: datetime) -> None:
    """Coarsen since when outputs give what they give, and when meters' power changed, where that was before a noon;
    and forget of orders what had ended by then, with its leases.

    When a meter was last read and an output last confirmed stays exact: what comes next is booked from there on."""
    outputs = tx.output_states(output.key for one in controllers for output in one.outputs)
    meters = tx.meter_states(meter.key for one in controllers for meter in one.meters)

    def coarse(moment: datetime) -> datetime:
        return _quarter_of(moment) if moment < before else moment

    new_outputs = {key: replace(state, since=coarse(state.since)) for key, state in outputs.items()}
    new_meters = {
        key: replace(state, samples=tuple(sample._replace(at=coarse(sample.at)) for sample in state.samples))
        for key, state in meters.items()
    }
    tx.save_output_states({key: state for key, state in new_outputs.items() if state != outputs[key]})
    tx.save_meter_states({key: state for key, state in new_meters.items() if state != meters[key]})
    _forget_orders(tx, [one.key for one in controllers], before)


def _forget_orders(tx: Tx, controllers: Sequence[ControllerKey], before: datetime) -> None:
    for key, sent in tx.sent_orders(controllers).items():
        if sent.at is None or sent.at >= before:
            continue
        orders = None if sent.orders is None else lasting(sent.orders, before)
        coarse = SentOrder(sent.desired_n, orders, _quarter_of(sent.at))
        if (coarse.orders, coarse.at, None) != (sent.orders, sent.at, sent.former):
            tx.replace_order(key, coarse)
    states = tx.controller_states(controllers)
    kept = {key: replace(state, followed=lasting(state.followed, before)) for key, state in states.items()}
    tx.save_controller_states({key: state for key, state in kept.items() if state.followed != states[key].followed})


def oldest(tx: Tx, home: Municipality) -> datetime | None:
    """When the first local month began of which anything was booked."""
    known = [row.start for row in tx.rolled(home.id, Period.MONTH, *EVER)[:1]] + tx.stale_hours(home.id)[:1]
    return min((period_of(Period.MONTH, moment, home.place.tz)[0] for moment in known), default=None)


def _coarsen(tx: Tx, home: Municipality, start: datetime, end: datetime, most_outputs: int) -> tuple[int, bool]:
    """How many entries there were, and whether some of them are left to be coarsened."""
    fine = _by_output(tx.entries(home.id, start, end))
    sharp = [output for output, entries in fine.items() if any(_sharp(one.entry) for one in entries)]
    some = sharp[:most_outputs]
    if some:
        coarse = coarsen([zoned for output in some for zoned in fine[output]], home.place.tz)
        tx.replace_entries(some, start, end, coarse)
    return len(fine), len(sharp) > len(some)


def _sharp(entry: Entry) -> bool:
    return entry.ref is not None or _quarter_of(entry.start) != entry.start or _quarter_of(entry.end) != entry.end


def _quarter_of(moment: datetime) -> datetime:
    return moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)


def _by_output(entries: Sequence[ZonedEntry]) -> dict[OutputKey, list[ZonedEntry]]:
    found: dict[OutputKey, list[ZonedEntry]] = defaultdict(list)
    for zoned in entries:
        found[zoned.entry.output].append(zoned)
    return found
