"""What a push-button may do by itself when nobody answers it: the part of a policy that travels with the plan."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from service.domain.curve import Curve
from service.domain.policy import Policy, Rulebook
from service.domain.sun import Place, night, night_of
from service.domain.words import Admission

LocalLevel = tuple[datetime, int]
_Spans = list[tuple[datetime, datetime]]


def local_levels(rulebook: Rulebook, curve: Curve, start: datetime, end: datetime) -> tuple[LocalLevel, ...]:
    """From moments on, up to which level a button may light its output within [start, end): 0 where it may not.

    Quiet caps and the windows in which a press is welcome bind it; a zone for admitted pressers only has none, since
    a button cannot tell who presses. Limits of a night stay with the service, which books what was lit.
    """
    found: list[LocalLevel] = []
    day = night_of(start, curve.place.tz)
    while (tonight := night(curve.place, day)).start < end:
        for at, level in _night(rulebook.policy_on(day), curve, day, max(start, tonight.start), min(end, tonight.end)):
            if not found or found[-1][1] != level:
                found.append((at, level))
        day += timedelta(days=1)
    return tuple(found)


def _night(policy: Policy, curve: Curve, day: date, start: datetime, end: datetime) -> Iterator[LocalLevel]:
    if policy.press.admission is Admission.ADMITTED:
        yield start, 0
        return
    welcome = _welcome(policy, curve.place, day, start, end)
    parts = list(curve.pressed(policy.press.level, start, end))
    edges = {start, *(part.start for part in parts), *(edge for window in welcome for edge in window)}
    for at in sorted(edge for edge in edges if start <= edge < end):
        level = next(part.level for part in parts if part.start <= at < part.end)
        yield at, level if any(a <= at < b for a, b in welcome) else 0


def _welcome(
    policy: Policy, place: Place, day: date, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    if not policy.press.windows:
        return [(start, end)]
    return [window.on(place, day) for window in policy.press.windows]
