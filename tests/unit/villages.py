"""Three villages as domain values, built by hand: one circuit, many luminaires, a cabinet with two circuits."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from service.domain.inventory import (
    Controller,
    ControllerKey,
    Inventory,
    Lamp,
    Meter,
    MeterKey,
    Municipality,
    Output,
    OutputKey,
    Price,
    Zone,
    ZoneKey,
)
from service.domain.policy import Policy, PressRules, Rulebook
from service.domain.schedule import Anchor, Schedule, Step
from service.domain.sun import Place
from service.domain.words import RingSign

SUNSET, SUNRISE = Anchor.SUNSET, Anchor.SUNRISE
BERLIN = "Europe/Berlin"
LONG_AGO = date(2025, 1, 1)


def clock(hour: int, minute: int, level: int) -> Step:
    """A step at a local time of day."""
    return Step(Anchor.CLOCK, level, time(hour, minute))


def utc(text: str) -> datetime:
    """A moment from an ISO text without offset, meant as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


ALL_NIGHT = Schedule((Step(SUNSET, 100), Step(SUNRISE, 0)))
NEVER_LIT = Schedule(())
DARK_AFTER_MIDNIGHT = Schedule((Step(SUNSET, 100), clock(0, 30, 0), clock(5, 30, 100), Step(SUNRISE, 0)))
DIMMED_THEN_DARK = Schedule((Step(SUNSET, 100), clock(22, 0, 50), clock(23, 0, 0), clock(5, 0, 50), Step(SUNRISE, 0)))
DARK_AFTER_ELEVEN = Schedule((Step(SUNSET, 100), clock(23, 0, 0), clock(5, 0, 100), Step(SUNRISE, 0)))


def policy(schedule: Schedule, minutes: int, **changes: Any) -> Policy:
    """The first policy of a zone; changes are fields of the policy, or of its press rules."""
    rules = {name: changes.pop(name) for name in tuple(changes) if name in PressRules.__slots__}
    return Policy(
        **{"valid_from": LONG_AGO, "version": 1, **changes}, schedule=schedule, press=PressRules(minutes, **rules)
    )


def _municipality(key: str, name: str, lat: float, lon: float) -> Municipality:
    prices = (Price(date(2025, 1, 1), Decimal("0.30"), "assumed"),)
    return Municipality(key, name, Place(lat, lon, BERLIN), "de", "EUR", prices, ALL_NIGHT)


def _lamps(output: Output, count: int, watts: float, prefix: str, ring: RingSign = RingSign.YES) -> tuple[Lamp, ...]:
    return tuple(
        Lamp(f"{prefix}-{i:02}", output.key, watts, 54.0, 9.0, f"{prefix}{i}", output.safety, ring)
        for i in range(1, count + 1)
    )


def luetjenholm() -> Inventory:
    """32 lamps on the relay of one cabinet, one meter, one zone of 12 minutes, dark from 00:30 to 05:30."""
    home = _municipality("luetjenholm", "Lütjenholm", 54.70, 9.05)
    zone = Zone(ZoneKey(home.id, "dorf"), "Dorf", Rulebook((policy(DARK_AFTER_MIDNIGHT, 12),)))
    key = ControllerKey(home.id, "cabinet-1")
    relay = Output(OutputKey(*key, 1), "dorf", step=100, lamps=32, watts=32 * 25.0)
    cabinet = Controller(key, "cabinet", "Schaltschrank", (relay,), (Meter(MeterKey(*key, 1), (1,)),))
    return Inventory(home, (zone,), (cabinet,), _lamps(relay, 32, 25.0, "l"))


def glasau() -> Inventory:
    """85 luminaires in three zones of 15 minutes, dimmed from 22:00, dark from 23:00 to 05:00."""
    home = _municipality("glasau", "Glasau", 54.03, 10.52)
    rulebook = Rulebook((policy(DIMMED_THEN_DARK, 15),))
    names = {"dorfstrasse": 31, "kirchweg": 28, "am-see": 26}
    zones = tuple(Zone(ZoneKey(home.id, name), name, rulebook) for name in names)
    controllers: list[Controller] = []
    lamps: list[Lamp] = []
    for n, zone in enumerate((name for name, count in names.items() for _ in range(count)), start=1):
        key = ControllerKey(home.id, f"lamp-{n:02}")
        output = Output(OutputKey(*key, 1), zone, min_level=10, watts=30.0)
        controllers.append(Controller(key, "luminaire", f"Mast {n}", (output,), (Meter(MeterKey(*key, 1), (1,)),)))
        lamps += _lamps(output, 1, 30.0, f"m{n:02}")
    return Inventory(home, zones, tuple(controllers), tuple(lamps))


def leck() -> Inventory:
    """A cabinet with two relays on one meter: a street, and a crossing that stays lit and is lit along."""
    home = _municipality("leck", "Leck", 54.77, 8.98)
    along = Rulebook((policy(DARK_AFTER_ELEVEN, 10, along=("kreuzung",)),))
    street = Zone(ZoneKey(home.id, "hauptstrasse"), "Hauptstraße", along)
    corner = Zone(ZoneKey(home.id, "kreuzung"), "Kreuzung", Rulebook((policy(DARK_AFTER_ELEVEN, 10),)), listed=False)
    key = ControllerKey(home.id, "cabinet-1")
    circuit = Output(OutputKey(*key, 1), "hauptstrasse", step=100, lamps=2, watts=80.0)
    crossing = Output(OutputKey(*key, 2), "kreuzung", step=100, safety=True, lamps=1, watts=60.0)
    cabinet = Controller(key, "cabinet", "Schaltschrank", (circuit, crossing), (Meter(MeterKey(*key, 1), (1, 2)),))
    lamps = _lamps(circuit, 2, 40.0, "h") + _lamps(crossing, 1, 60.0, "k", RingSign.NO)
    return Inventory(home, (street, corner), (cabinet,), lamps)
