"""How far leases have come, by what controllers reported."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from service.domain.inventory import ZoneKey
from service.domain.leases import Alike, Progress
from service.domain.lights import CONFIRM_WITHIN, Watched, availability, confirmed, progressed
from service.domain.orders import running_step
from service.domain.words import Availability, LeaseState
from service.ports import Tx


def follow(
    tx: Tx, waiting: Iterable[Alike], now: datetime, speed: float, *, ordered: bool = False, again: bool = False
) -> set[ZoneKey]:
    """Bring the progress of leases up to date; granted ones only where they were `ordered` just now.

    With `again` their orders are published anew, and so is the time that they have to be confirmed. Returns the
    zones that look different now: nothing is shown of an order before a report confirms it or its time is over.
    """
    followed = [alike for alike in waiting if ordered or alike.progress.state is not LeaseState.GRANTED]
    watched = tx.watched({zone for alike in followed for zone in alike.lights}) if followed else []
    counts: dict[tuple[tuple[ZoneKey, ...], int], tuple[int, int]] = {}
    changed: set[ZoneKey] = set()
    for alike in followed:
        same = (alike.lights, alike.level)
        if same not in counts:
            counts[same] = _count(watched, alike, now, speed)
        after = progressed(_asked(alike.progress, now, again=again), *counts[same], now, speed)
        if after != alike.progress:
            tx.set_progress(alike, after, now)
            if after.state is not LeaseState.ORDERED:
                changed.update(alike.lights)
    return changed


def next_failure(tx: Tx, municipality: str, now: datetime, speed: float) -> datetime | None:
    """When the next of a municipality's running leases fails unless a report confirms it."""
    asked = (alike.progress.ordered_at for alike in tx.leases_waiting(municipality, now))
    first = min((at for at in asked if at is not None), default=None)
    return None if first is None else first + CONFIRM_WITHIN * speed


def _asked(progress: Progress, now: datetime, *, again: bool) -> Progress:
    """Granted leases are ordered from now on; ordered ones anew where all orders are published again."""
    if progress.state is LeaseState.GRANTED or (again and progress.state is LeaseState.ORDERED):
        return replace(progress, state=LeaseState.ORDERED, ordered_at=now)
    return progress


def _count(watched: list[Watched], alike: Alike, now: datetime, speed: float) -> tuple[int, int]:
    """How many outputs confirmed some leases' light, of how many.

    Those known to be offline are left out, and those that a lock or a quiet cap holds dark now.
    """
    lit = [w for w in watched if ZoneKey(w.output.key.municipality, w.output.zone) in alike.lights]
    asked = [w for w in lit if (step := running_step(w.order, now)) is None or step.level]
    counted = [w for w in asked if availability(w.controller, now, speed) is not Availability.OFFLINE]
    return sum(confirmed(w, alike.level, now, speed) for w in counted), len(counted)
