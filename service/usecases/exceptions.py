"""Exceptions: dated deviations from a zone's schedule, entered and withdrawn by name."""

from dataclasses import replace
from datetime import datetime, timedelta
from secrets import token_hex

from service.domain.inventory import ZoneKey
from service.domain.policy import LightException
from service.domain.schedule import Deviation
from service.domain.sun import Place, night_of
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import ExceptionRecord, Tx
from service.usecases.press import find

MOST_AHEAD = 200
"""Exceptions of a zone that may lie ahead at once."""


def exceptions_of(tx: Tx, key: ZoneKey) -> list[ExceptionRecord]:
    """All exceptions ever entered for a zone."""
    find(tx, key)
    return tx.exceptions(key)


def add_exception(tx: Tx, key: ZoneKey, exception: LightException, by: str, now: datetime) -> ExceptionRecord:
    """Enter an exception, from now on. InvalidError where its nights are over."""
    home, zone = find(tx, key)
    tonight = night_of(now, home.place.tz)
    if exception.first < tonight:
        raise InvalidError(f"first: {exception.first} is over; what was in force stays. The earliest is {tonight}.")
    entered = replace(exception, id=f"exception-{token_hex(4)}", since=now)
    if not _ever_holds(entered, home.place):
        raise InvalidError("end: in none of its nights does the exception begin before it ends.")
    ahead = [one for one in tx.exceptions(key) if one.exception.last >= tonight and one.exception.until is None]
    if len(ahead) >= MOST_AHEAD:
        raise ConflictError(f"{zone.name} has {MOST_AHEAD} exceptions ahead already; withdraw one of them first.")
    record = ExceptionRecord(entered, by)
    tx.add_exception(key, record)
    return record


def _ever_holds(exception: LightException, place: Place) -> bool:
    """Whether it rules in one of its nights, looked for in the first year of them."""
    deviation = Deviation(exception.steps, exception.end, exception.since)
    nights = min((exception.last - exception.first).days, 366) + 1
    hours = (deviation.on(place, exception.first + timedelta(days=n)) for n in range(nights))
    return any(start < end for start, end in hours)


def withdraw_exception(tx: Tx, key: ZoneKey, exception: str, by: str, now: datetime) -> ExceptionRecord:
    """Let an exception hold no longer; what it did until now stays on record."""
    _, zone = find(tx, key)
    found = next((one for one in tx.exceptions(key) if one.exception.id == exception), None)
    if found is None:
        raise UnknownError(f"{zone.name} has no exception “{exception}”.")
    if not tx.withdraw_exception(key, exception, by, now):
        raise ConflictError(f"“{found.exception.name}” was withdrawn already.")
    return replace(found, exception=replace(found.exception, until=now), withdrawn_by=by)
