"""What a simulation is asked and what it answers: scenarios, and figures per zone and month."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal

from service.domain.inventory import Inventory, Zone
from service.domain.policy import Policy, PressRules, Rulebook
from service.domain.schedule import Anchor, Schedule, Step
from service.domain.words import Reason

ALL_NIGHT = Schedule((Step(Anchor.SUNSET, 100), Step(Anchor.SUNRISE, 0)))


@dataclass(frozen=True, slots=True)
class Scenario:
    """All zones of a municipality with the rulebooks to try."""

    name: str
    zones: tuple[Zone, ...]


def all_night(name: str, inventory: Inventory) -> Scenario:
    """Full light from sunset to sunrise in every zone; safety outputs keep the municipality's safety schedule."""
    rulebook = Rulebook((Policy(date.min, ALL_NIGHT, PressRules(minutes=1), version=1),))
    return Scenario(name, tuple(replace(zone, rulebook=rulebook) for zone in inventory.zones))


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of some nights of some zones. Figures add up exactly.

    `energy_mwh` is all that the zones' own outputs burn, `pressed_mwh` the part of it that presses added to the plan
    (both mWh, rounded once for each zone and night). `money` (the municipality's currency, not rounded) and `co2_kg`
    follow from the table's entry of each night's evening; None where a night has no entry. `burning` is the sum over
    all lamps of the time that each is lit at any level: lamp-hours. `dark` is the time between sunset and sunrise in
    which a zone gives no light at all; over several zones, their sum. Presses count in the pressed zone, energy
    in the zone that is lit.
    """

    energy_mwh: int = 0
    pressed_mwh: int = 0
    money: Decimal | None = Decimal(0)
    co2_kg: Decimal | None = Decimal(0)
    burning: timedelta = timedelta()
    dark: timedelta = timedelta()
    granted: int = 0
    refused: Mapping[Reason, int] = field(default_factory=dict)

    @property
    def kwh(self) -> Decimal:
        """All energy in kWh."""
        return Decimal(self.energy_mwh).scaleb(-6)

    def __add__(self, other: "Figures") -> "Figures":
        """Both together."""
        return Figures(
            self.energy_mwh + other.energy_mwh,
            self.pressed_mwh + other.pressed_mwh,
            _sum(self.money, other.money),
            _sum(self.co2_kg, other.co2_kg),
            self.burning + other.burning,
            self.dark + other.dark,
            self.granted + other.granted,
            {
                reason: self.refused.get(reason, 0) + other.refused.get(reason, 0)
                for reason in (*self.refused, *other.refused)
            },
        )


def _sum(a: Decimal | None, b: Decimal | None) -> Decimal | None:
    return None if a is None or b is None else a + b


Lines = Mapping[tuple[str, date], Figures]
"""Figures by zone id and month (its first day). A night belongs to the month of its evening."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario if all presses are from different pressers.

    `one_presser` is what came of it if in each zone and night all are from the same; None where nothing limits them.
    """

    name: str
    lines: Lines
    one_presser: Lines | None
