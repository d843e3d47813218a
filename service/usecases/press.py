"""Press: a resident asks for light in a zone."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from secrets import token_hex

from service.domain.inventory import Municipality, Output, Zone, ZoneKey, curve_of
from service.domain.leases import Lease
from service.domain.lights import availability
from service.domain.press import Facts, Granted, Refused, decide, look_back
from service.domain.schedule import Curve
from service.domain.words import Availability, Channel
from service.errors import UnknownError
from service.ports import Answer, PressRecord, Tx


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

    pressed = _press(tx, key, around)

    given = answer(pressed)
    if scope is not None:
        tx.keep_answer(scope, given, around.now)
    return given


def _press(tx: Tx, key: ZoneKey, around: Surroundings) -> Pressed:
    municipality, zone = find(tx, key, around.now)
    outputs = tx.outputs(zone.lights)
    seen = availabilities(tx, outputs, around.now, around.speed)
    own = (how for output, how in zip(outputs, seen, strict=True) if output.zone == key.zone)
    facts = Facts(
        policy=zone.policy,
        curves=curves(tx, municipality, zone, outputs, around.now),
        leases=tuple(tx.light_pressed(key, around.now - look_back(zone.policy))),
        outputs=tuple(own),
        broker_connected=around.broker_connected,
    )

    verdict = decide(facts, around.now)
    expected = sum(1 for availability in seen if availability is not Availability.OFFLINE)

    lease = None
    if isinstance(verdict, Granted):
        lease = Lease(token_hex(16), key, zone.lights, around.now, verdict.until, verdict.level)
        tx.add_lease(lease, expected)
    refused = verdict if isinstance(verdict, Refused) else None
    tx.add_press(
        PressRecord(
            id=token_hex(16),
            zone=key,
            at=around.now,
            channel=around.channel,
            refused=None if refused is None else refused.reason,
            lease=None if lease is None else lease.id,
        )
    )
    return Pressed(municipality.place.tz, lease, expected, refused)


def find(tx: Tx, key: ZoneKey, now: datetime) -> tuple[Municipality, Zone]:
    """The municipality and the zone of a key, or UnknownError that says which is missing."""
    municipality = tx.municipality(key.municipality)
    if municipality is None:
        raise UnknownError(f"There is no municipality “{key.municipality}” here.")
    zone = tx.zone(key, now)
    if zone is None:
        raise UnknownError(f"{municipality.name} has no zone “{key.zone}”.")
    return municipality, zone


def availabilities(tx: Tx, outputs: list[Output], now: datetime, speed: float) -> list[Availability]:
    """The availability of each output's controller."""
    states = tx.controller_states({output.key.owner for output in outputs})
    return [availability(states[output.key.owner], now, speed) for output in outputs]


def curves(tx: Tx, municipality: Municipality, zone: Zone, outputs: list[Output], now: datetime) -> tuple[Curve, ...]:
    """The different light curves of the outputs that a press in `zone` lights."""
    zones = {zone.key.zone: zone}
    for other in zone.lights[1:]:
        along = tx.zone(other, now)
        if along is not None:
            zones[other.zone] = along
    found = {curve_of(output, zones[output.zone], municipality): None for output in outputs}
    return tuple(found)


def scope_of(key: ZoneKey, idempotency_key: str) -> str:
    """The hash under which an answer is kept."""
    return hashlib.blake2b(f"{key.municipality}/{key.zone}\n{idempotency_key}".encode(), digest_size=16).hexdigest()
