"""Look: what may be said of zones and leases right now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from service.domain.curve import Curve, Interval
from service.domain.inventory import Municipality, Zone, ZoneKey, curve_of
from service.domain.leases import Lease, Progress
from service.domain.lights import FRESH_FOR, Light, Watched, availability, light_of, until_of
from service.domain.maintenance import Lock, locked_until
from service.domain.orders import Order, claims_of, derive
from service.domain.press import Facts, Granted, Load, Refused, decide, look_back
from service.domain.sun import night_of, noon
from service.domain.words import LeaseState
from service.errors import UnknownError
from service.ports import Tx
from service.usecases.press import RECENT, find, loads_of


@dataclass(frozen=True, slots=True)
class Cost:
    """What one press costs at most: energy in Wh and money."""

    wh: int
    money: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class ZoneView:
    """A zone as shown: its light, what a press would do, and the plan's next change.

    `look_again` is the moment at which this view changes by the passing of time alone.
    """

    zone: Zone
    municipality: Municipality
    light: Light
    press: Granted | Refused
    minutes: int
    cost: Cost
    next_change: tuple[datetime, int] | None
    look_again: datetime


def municipality_of(tx: Tx, municipality: str) -> Municipality:
    """A municipality, or UnknownError."""
    found = tx.municipality(municipality)
    if found is None:
        raise UnknownError(f"There is no municipality “{municipality}” here.")
    return found


def look_at_zones(
    tx: Tx, municipality: str, zones: Iterable[str] | None, now: datetime, speed: float, broker_connected: bool
) -> list[ZoneView]:
    """Listed zones of a municipality, or the named ones (listed or not). UnknownError names what is missing."""
    home = municipality_of(tx, municipality)
    everything = {zone.key.zone: zone for zone in tx.zones(municipality, since=now - RECENT)}
    if zones is None:
        found = [zone for zone in everything.values() if zone.listed]
    else:
        found = [_named(home, everything, zone) for zone in dict.fromkeys(zones)]
    tonight = night_of(now, home.place.tz)
    keys = {key for zone in found for key in zone.lights(tonight)}
    watched = tx.watched(keys)
    lit_leases = _lit_leases(tx, home.id, watched, now)
    locks = tx.locks(municipality, now)
    scene = _Scene(home, everything, watched, lit_leases, locks, now, speed, broker_connected)
    return [_view(tx, zone, scene) for zone in found]


def _named(home: Municipality, zones: dict[str, Zone], zone: str) -> Zone:
    if zone not in zones:
        raise UnknownError(f"{home.name} has no zone “{zone}”.")
    return zones[zone]


def _lit_leases(tx: Tx, municipality: str, watched: list[Watched], now: datetime) -> list[Lease]:
    """The leases that reports confirmed; read only while some order has not been acknowledged."""
    if all(w.controller.desired_n >= w.desired_n for w in watched):
        return []
    lit = (LeaseState.LIT, LeaseState.PARTLY)
    return [lease for lease, progress in tx.leases_running(municipality, now) if progress.state in lit]


def _confirmed_order(watched: Watched, curve: Curve, lit_leases: list[Lease], now: datetime) -> Order:
    """The order that an output is known to follow: the last one if it was acknowledged, else what was lit before."""
    if watched.controller.desired_n >= watched.desired_n:
        return watched.order
    zone = ZoneKey(watched.output.key.municipality, watched.output.zone)
    return derive(watched.output, curve, claims_of(zone, lit_leases, now), now)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What is known of the municipality whose zones are looked at."""

    home: Municipality
    zones: dict[str, Zone]
    watched: list[Watched]
    lit_leases: list[Lease]
    locks: list[Lock]
    now: datetime
    speed: float
    broker_connected: bool


def _view(tx: Tx, zone: Zone, scene: _Scene) -> ZoneView:
    home, now, speed = scene.home, scene.now, scene.speed
    tonight = night_of(now, home.place.tz)
    own = [w for w in scene.watched if w.output.zone == zone.key.zone]
    lit = {key.zone for key in zone.lights(tonight)}
    pressed = [w.output for w in scene.watched if w.output.zone in lit]
    curves = [(curve_of(w.output, zone, home), w) for w in own]
    until = until_of(((curve, _confirmed_order(w, curve, scene.lit_leases, now)) for curve, w in curves), now)
    facts = Facts(
        rulebook=zone.rulebook,
        loads=loads_of(home, scene.zones, zone, pressed),
        leases=tuple(tx.light_pressed(zone.key, look_back(zone.rulebook, home.place, now))),
        outputs=tuple(availability(w.controller, now, speed) for w in own),
        broker_connected=scene.broker_connected,
        locked_until=locked_until(scene.locks, [w.output for w in own], now),
    )
    verdict = decide(facts, now)
    rules = zone.policy_on(tonight).press
    ends = verdict.until if isinstance(verdict, Granted) else now + rules.duration
    change = Curve(zone.rulebook, home.place).next_change(now, timedelta(days=2))
    light = light_of(own, until, now, speed)
    return ZoneView(
        zone=zone,
        municipality=home,
        light=light,
        press=verdict,
        minutes=round((ends - now) / timedelta(minutes=1)),
        cost=_cost(home, rules.level, facts.loads, now, ends),
        next_change=change,
        look_again=_look_again(verdict, change, until, own, now, speed),
    )


def _look_again(
    verdict: Granted | Refused,
    change: tuple[datetime, int] | None,
    until: datetime | None,
    watched: list[Watched],
    now: datetime,
    speed: float,
) -> datetime:
    moments = [now + timedelta(hours=1)]
    if isinstance(verdict, Refused) and verdict.retry_at is not None:
        moments.append(verdict.retry_at)
    if change is not None:
        moments.append(change[0])
    if until is not None:
        moments.append(until)
    heard = [w.controller.heard_at for w in watched if w.controller.online and w.controller.heard_at is not None]
    if heard:
        moments.append(min(heard) + FRESH_FOR * speed)
    return min(moment for moment in moments if moment > now)


def _cost(home: Municipality, level: int, loads: Iterable[Load], now: datetime, ends: datetime) -> Cost:
    """At the levels that outputs give for a press now, quiet caps kept."""
    parts = ((load.watts, load.curve.pressed(level, now, ends)) for load in loads)
    wh = sum(watts * p.level / 100 * ((p.end - p.start) / timedelta(hours=1)) for watts, own in parts for p in own)
    price = home.price_on(night_of(now, home.place.tz))
    money = (
        None if price is None else (Decimal(str(wh)) / 1000 * price.per_kwh).quantize(Decimal("0.01"), ROUND_HALF_UP)
    )
    return Cost(round(wh), money, home.currency)


def look_at_lease(tx: Tx, municipality: str, lease_id: str) -> tuple[Lease, Progress]:
    """A lease of this municipality, or UnknownError."""
    found = tx.lease(lease_id)
    if found is None or found[0].zone.municipality != municipality:
        raise UnknownError("There is no such lease.")
    return found


def look_at_plan(tx: Tx, key: ZoneKey, now: datetime) -> list[Interval]:
    """The zone's plan from now to the end of the coming week's nights: public, so nothing past and no presses."""
    home, zone = find(tx, key)
    ends = noon(night_of(now, home.place.tz) + timedelta(days=8), home.place.tz)
    return list(Curve(zone.rulebook, home.place).intervals(now, ends))
