"""Exceptions: dated deviations from a zone's schedule, entered and withdrawn by name."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from secrets import token_hex

from service.domain.curve import Curve
from service.domain.inventory import Municipality, Zone, ZoneKey, curve_of
from service.domain.policy import LightException, Rulebook
from service.domain.sun import night, night_of
from service.domain.words import Cause, RingSign
from service.errors import ConflictError, InvalidError, UnknownError
from service.ports import ExceptionRecord, Tx
from service.usecases.conduct import night_fits
from service.usecases.press import find

MOST_AHEAD = 200
"""Exceptions of a zone that may lie ahead at once."""

MOST_NIGHTS = 100
"""Nights that one exception may last; what is to hold longer is a policy's."""

MOST_DAYLIGHT = timedelta(hours=2)
"""So long an exception may burn while the sun is up."""


def exceptions_of(tx: Tx, key: ZoneKey) -> list[ExceptionRecord]:
    """All exceptions ever entered for a zone."""
    find(tx, key)
    return tx.exceptions(key)


def add_exception(tx: Tx, key: ZoneKey, exception: LightException, by: str, now: datetime) -> ExceptionRecord:
    """Enter an exception, from now on. InvalidError and ConflictError say why it cannot hold."""
    home, zone = find(tx, key)
    tonight = night_of(now, home.place.tz)
    entered = replace(exception, id=f"exception-{token_hex(4)}", since=now)
    if exception.first < tonight:
        raise InvalidError(f"first: {exception.first} is over; what was in force stays. The earliest is {tonight}.")
    if (exception.last - exception.first).days >= MOST_NIGHTS:
        raise InvalidError(f"last: at most {MOST_NIGHTS} nights; for longer, enact a policy.")
    ahead = [one for one in tx.exceptions(key) if one.exception.last >= tonight and one.exception.until is None]
    if len(ahead) >= MOST_AHEAD:
        raise ConflictError(f"{zone.name} has {MOST_AHEAD} exceptions ahead already; withdraw one of them first.")
    with_it = replace(zone, rulebook=Rulebook(zone.rulebook.policies, (*zone.rulebook.exceptions, entered)))
    _check_hours(home, with_it, entered)
    _check_quiet(tx, home, with_it, entered)
    _check_rings(tx, home, with_it, entered)
    _check_size(tx, home, with_it, entered)
    record = ExceptionRecord(entered, by)
    tx.add_exception(key, record)
    return record


def _nights(exception: LightException) -> Iterator[date]:
    return (exception.first + timedelta(days=n) for n in range((exception.last - exception.first).days + 1))


def _check_hours(home: Municipality, zone: Zone, exception: LightException) -> None:
    """InvalidError where it never holds, or burns by day."""
    spans = (exception.deviation.on(home.place, day) for day in _nights(exception))
    if not any(start < end for start, end in spans):
        raise InvalidError(
            "end: in each of its nights the exception is over before it begins, or over by now; "
            "end it later, or choose another night."
        )
    curve = Curve(zone.rulebook, home.place)
    for day in _nights(exception):
        dark = night(home.place, day)
        lit = [part for part in curve.night(day) if part.cause is Cause.EXCEPTION and part.level]
        by_day = sum(
            (
                max(min(part.end, dark.sunset) - part.start, timedelta())
                + max(part.end - max(part.start, dark.sunrise), timedelta())
                for part in lit
            ),
            timedelta(),
        )
        if by_day > MOST_DAYLIGHT:
            hours = by_day / timedelta(hours=1)
            raise InvalidError(
                f"end: in the night of {day} the lamps would burn {hours:.1f} hours by day; end it earlier."
            )


def _check_quiet(tx: Tx, home: Municipality, zone: Zone, exception: LightException) -> None:
    """ConflictError where quiet hours keep all its light from every lamp."""
    if not any(step.level for step in exception.steps):
        return
    curves = {curve_of(output, zone, home) for output in tx.outputs([zone.key]) if not output.safety}
    parts = (part for curve in curves for day in _nights(exception) for part in curve.night(day))
    if curves and not any(part.cause is Cause.EXCEPTION and part.level for part in parts):
        raise ConflictError("The zone's quiet hours would keep every lamp dark all the same; they are its policy's.")


def _check_rings(tx: Tx, home: Municipality, zone: Zone, exception: LightException) -> None:
    """ConflictError where it darkens a lamp that lacks the ring which says that it does not burn all night."""
    outputs = {output.key: output for output in tx.outputs([zone.key]) if not output.safety}
    without = [lamp for lamp in tx.lamps(home.id) if lamp.output in outputs and lamp.ring is RingSign.NO]
    for curve, lamp in {curve_of(outputs[lamp.output], zone, home): lamp for lamp in without}.items():
        for day in _nights(exception):
            dark = night(home.place, day)
            parts = curve.intervals(dark.sunset, dark.sunrise) if dark.sunset < dark.sunrise else ()
            if any(part.cause is Cause.EXCEPTION and part.level == 0 for part in parts):
                raise ConflictError(
                    f"Lamp {lamp.id} has no red ring (sign 394) and must burn all night; the exception would darken it."
                )


def _check_size(tx: Tx, home: Municipality, zone: Zone, exception: LightException) -> None:
    """ConflictError where the plan of one of its nights would be more than a controller can take."""
    zones = {other.key.zone: other for other in tx.zones(home.id)} | {zone.key.zone: zone}
    owners = {output.key.owner for output in tx.outputs([zone.key])}
    edges = {day for one in zone.rulebook.exceptions for day in (one.first, one.last)}
    days = {exception.first, *(day for day in edges if exception.holds_on(day))}
    for controller in tx.controllers_by_key(owners):
        curves = [curve_of(output, zones[output.zone], home) for output in controller.outputs]
        for day in sorted(days):
            if not night_fits(curves, day):
                raise ConflictError(f"The exceptions of the night of {day} have more steps than a controller takes.")


def withdraw_exception(tx: Tx, key: ZoneKey, exception: str, by: str, now: datetime) -> ExceptionRecord:
    """Let an exception hold no longer; what it did until now stays on record."""
    _, zone = find(tx, key)
    found = next((one for one in tx.exceptions(key) if one.exception.id == exception), None)
    if found is None:
        raise UnknownError(f"{zone.name} has no exception “{exception}”.")
    if not tx.withdraw_exception(key, exception, by, now):
        raise ConflictError(f"“{found.exception.name}” was withdrawn already.")
    return replace(found, exception=replace(found.exception, until=now), withdrawn_by=by)
