"""Press: a resident asks for light in a zone."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_hex

from service.domain.curve import Curve
from service.domain.inventory import Municipality, Output, Zone, ZoneKey, curve_of
from service.domain.leases import Lease
from service.domain.lights import availability
from service.domain.maintenance import lock_on, locked_until
from service.domain.press import Facts, Granted, Load, Refused, decide, look_back
from service.domain.sun import night_of
from service.domain.words import Availability, Channel
from service.errors import UnknownError
from service.ports import Answer, PressRecord, Tx

RECENT = timedelta(days=3)
"""Exceptions that ended longer ago change nothing any more."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """What became of a press: a lease, or a refusal; `tz` is the zone's time zone."""

    tz: str
    lease: Lease | None
    outputs_total: int
    refused: Refused | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the edge knows and the store does not."""

    now: datetime
    speed: float
    broker_connected: bool
    channel: Channel


def press(
    tx: Tx,
    key: ZoneKey,
    around: Surroundings,
    idempotency_key: str | None,
    answer: Callable[[Pressed], Answer],
) -> Answer:
    """Judge a press and keep it, granted or refused, with its answer.

    The same idempotency key for the same zone gets the same answer again and buys nothing more. Raises
    UnknownError for an unknown municipality or zone.
    """
    scope = None if idempotency_key is None else scope_of(key, idempotency_key)
    if scope is not None and (earlier := tx.answer(scope)) is not None:
        return earlier

    pressed = press_zone(tx, key, around)

    given = answer(pressed)
    if scope is not None:
        tx.keep_answer(scope, given, around.now)
    return given


def press_zone(tx: Tx, key: ZoneKey, around: Surroundings) -> Pressed:
    """Judge a press and keep it. UnknownError for an unknown municipality or zone."""
    now = around.now
    home, zone = find(tx, key, since=now - RECENT)
    tonight = night_of(now, home.place.tz)
    lights = zone.lights(tonight)
    outputs = tx.outputs(lights)
    seen = availabilities(tx, outputs, now, around.speed)
    zones = {
        key.zone: zone,
        **{other.zone: along for other in lights[1:] if (along := tx.zone(other, since=now - RECENT)) is not None},
    }
    own = [(output, how) for output, how in zip(outputs, seen, strict=True) if output.zone == key.zone]
    locks = tx.locks(key.municipality, now)
    facts = Facts(
        rulebook=zone.rulebook,
        loads=loads_of(home, zones, zone, outputs),
        leases=tuple(tx.light_pressed(key, look_back(zone.rulebook, home.place, now))),
        outputs=tuple(how for _, how in own),
        broker_connected=around.broker_connected,
        channel=around.channel,
        locked_until=locked_until(locks, [output for output, _ in own], now),
    )

    verdict = decide(facts, now)
    free = [how for output, how in zip(outputs, seen, strict=True) if lock_on(output, locks, now) is None]
    expected = sum(1 for how in free if how is not Availability.OFFLINE)

    lease = None
    if isinstance(verdict, Granted):
        warn = zone.policy_on(tonight).press.warn_before_dark
        lease = Lease(token_hex(16), key, lights, now, verdict.until, verdict.level, warn)
        tx.add_lease(lease, expected)
    refused = verdict if isinstance(verdict, Refused) else None
    tx.add_press(
        PressRecord(
            id=token_hex(16),
            zone=key,
            at=now,
            channel=around.channel,
            refused=None if refused is None else refused.reason,
            lease=None if lease is None else lease.id,
        )
    )
    return Pressed(home.place.tz, lease, expected, refused)


def find(tx: Tx, key: ZoneKey, since: datetime | None = None) -> tuple[Municipality, Zone]:
    """The municipality and the zone of a key, or UnknownError that says which is missing.

    With `since` the zone comes without exceptions that ended before.
    """
    municipality = tx.municipality(key.municipality)
    if municipality is None:
        raise UnknownError(f"There is no municipality “{key.municipality}” here.")
    zone = tx.zone(key, since=since)
    if zone is None:
        raise UnknownError(f"{municipality.name} has no zone “{key.zone}”.")
    return municipality, zone


def availabilities(tx: Tx, outputs: list[Output], now: datetime, speed: float) -> list[Availability]:
    """The availability of each output's controller."""
    states = tx.controller_states({output.key.owner for output in outputs})
    return [availability(states[output.key.owner], now, speed) for output in outputs]


def loads_of(home: Municipality, zones: Mapping[str, Zone], zone: Zone, outputs: Iterable[Output]) -> tuple[Load, ...]:
    """The outputs that a press in `zone` lights, those with the same curve as one load."""
    watts: dict[tuple[Curve, bool], float] = {}
    for output in outputs:
        kind = curve_of(output, zones[output.zone], home), output.zone == zone.key.zone
        watts[kind] = watts.get(kind, 0.0) + output.watts
    return tuple(Load(curve, total, own) for (curve, own), total in watts.items())


def scope_of(key: ZoneKey, idempotency_key: str) -> str:
    """The hash under which an answer is kept."""
    return hashlib.blake2b(f"{key.municipality}/{key.zone}\n{idempotency_key}".encode(), digest_size=16).hexdigest()
