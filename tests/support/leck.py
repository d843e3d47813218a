"""Leck built by hand: a cabinet with two circuits behind one meter, a crossing that stays lit and is lit along."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from service.domain.inventory import (
    Controller,
    ControllerKey,
    EmissionFactor,
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
from service.domain.policy import Policy, PressRules, Resolution, Rulebook
from service.domain.schedule import Anchor, Schedule, Step
from service.domain.sun import Place
from service.domain.words import FailState, RingSign

NOW = datetime(2026, 11, 21, 23, 30, 0, 123456, tzinfo=UTC)
START = date(2026, 1, 1)

STREET, CROSSING = ZoneKey("leck", "hauptstrasse"), ZoneKey("leck", "kreuzung")
CABINET = ControllerKey("leck", "cabinet-1")
FIRST, SECOND = OutputKey(*CABINET, 1), OutputKey(*CABINET, 2)
METER = MeterKey(*CABINET, 1)

DARK = Schedule(
    (
        Step(Anchor.SUNSET, 100, None, -10),
        Step(Anchor.CLOCK, 0, time(23)),
        Step(Anchor.CLOCK, 100, time(5), 5),
        Step(Anchor.SUNRISE, 0),
    )
)
ALL_NIGHT = Schedule((Step(Anchor.SUNSET, 100), Step(Anchor.SUNRISE, 0)))

POLICY = Policy(
    valid_from=START,
    schedule=DARK,
    press=PressRules(minutes=10, level=80, longest_minutes=45, rest_minutes=5),
    along=("kreuzung",),
    fail_state=FailState.LIT,
    cut_off_after_min=720,
    version=1,
    resolution=Resolution("2026/7", date(2025, 12, 11), "seen on site"),
)
ALONE = replace(POLICY, along=(), resolution=None)


def leck() -> Inventory:
    """The whole inventory; change it by `dataclasses.replace`."""
    return Inventory(
        Municipality(
            "leck",
            "Leck",
            Place(54.77, 8.98, "Europe/Berlin", "DE-SH"),
            "de",
            "EUR",
            (
                Price(date(2025, 1, 1), Decimal("0.30"), "assumed"),
                Price(date(2026, 1, 1), Decimal("0.123456789012345678"), "contract"),
            ),
            ALL_NIGHT,
            (EmissionFactor(date(2025, 1, 1), 363, "assumed"), EmissionFactor(date(2026, 1, 1), 340, "contract")),
        ),
        (
            Zone(STREET, "Hauptstraße", Rulebook((POLICY,))),
            Zone(CROSSING, "Kreuzung", Rulebook((ALONE,)), listed=False),
        ),
        (
            Controller(
                CABINET,
                "cabinet",
                "Schaltschrank",
                (
                    Output(FIRST, "hauptstrasse", 0, 100, 100, safety=False, lamps=2, watts=80.5),
                    Output(SECOND, "kreuzung", 10, 90, 5, safety=True, lamps=1, watts=60.0),
                ),
                (Meter(METER, (1, 2)),),
            ),
        ),
        (
            Lamp("h-1", FIRST, 40.0, 54.7701, 8.9801, "H1", ring=RingSign.YES),
            Lamp("h-2", FIRST, 40.5, 54.7703, 8.9805, "H2", ring=RingSign.YES),
            Lamp("k-1", SECOND, 60.0, 54.7705, 8.9809, "K1", safety=True, ring=RingSign.NO),
        ),
        "positions are made up",
    )


def later(**more: float) -> datetime:
    """A moment after NOW."""
    return NOW + timedelta(**more)
