"""How far leases have come, by what controllers reported."""

from collections.abc import Iterable
from datetime import datetime

from service.domain.inventory import MeterKey, Output, ZoneKey
from service.domain.leases import Lease, Progress
from service.domain.lights import CONFIRM_WITHIN, Watched, availability, confirmed, lease_state
from service.domain.words import Availability, LeaseState
from service.ports import Tx


def watch(tx: Tx, outputs: list[Output]) -> list[Watched]:
    """All that is known of outputs. A meter counts for an output only where it measures nothing else."""
    owners = {output.key.owner for output in outputs}
    states = tx.controller_states(owners)
    sent = tx.sent_orders(owners)
    levels = tx.output_states(output.key for output in outputs)
    meters = tx.own_meters(output.key for output in outputs)
    readings = tx.meter_states(meters.values())
    found = []
    for output in outputs:
        order = sent.get(output.key.owner)
        meter: MeterKey | None = meters.get(output.key)
        found.append(
            Watched(
                output=output,
                controller=states[output.key.owner],
                state=levels.get(output.key),
                meter=None if meter is None else readings.get(meter),
                order=(order.orders or {}).get(output.key.n, ()) if order else (),
                desired_n=order.desired_n if order else 0,
            )
        )
    return found


def follow(
    tx: Tx, leases: Iterable[tuple[Lease, Progress]], now: datetime, speed: float, *, ordered: bool = False
) -> tuple[set[ZoneKey], datetime | None]:
    """Bring the progress of leases up to date; granted ones only where they were `ordered` just now.

    Returns the zones of leases that changed, and the moment at which the next unconfirmed lease fails.
    """
    changed: set[ZoneKey] = set()
    deadline: datetime | None = None
    waiting = [(lease, progress) for lease, progress in leases if _may_change(progress, ordered)]
    zones = {zone for lease, _ in waiting for zone in lease.lights}
    watched = watch(tx, tx.outputs(zones)) if waiting else []
    counts: dict[tuple[tuple[ZoneKey, ...], int], tuple[int, int]] = {}
    for lease, before in waiting:
        same = (lease.lights, lease.level)
        if same not in counts:
            counts[same] = _count(watched, lease, now, speed)
        done, total = counts[same]
        after = Progress(lease_state(done, total, now - lease.start, speed), done, total)
        if after != before:
            tx.set_progress(lease.id, after)
            changed.update(lease.lights)
        if after.state is LeaseState.ORDERED:
            fails_at = lease.start + CONFIRM_WITHIN * speed
            deadline = fails_at if deadline is None else min(deadline, fails_at)
    return changed, deadline


def _count(watched: list[Watched], lease: Lease, now: datetime, speed: float) -> tuple[int, int]:
    """How many outputs confirmed a lease's light, of how many; those known to be offline are left out."""
    lit = [w for w in watched if ZoneKey(w.output.key.municipality, w.output.zone) in lease.lights]
    counted = [w for w in lit if availability(w.controller, now, speed) is not Availability.OFFLINE]
    return sum(confirmed(w, lease.level, now, speed) for w in counted), len(counted)


def _may_change(progress: Progress, ordered: bool) -> bool:
    """Granted leases wait for the conductor; what was lit once stays lit, whatever is reported afterwards."""
    return progress.state is not LeaseState.LIT and (ordered or progress.state is not LeaseState.GRANTED)
