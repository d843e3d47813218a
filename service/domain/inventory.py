"""What stands in the village: municipalities, zones, controllers, outputs, meters and lamps."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from service.domain.schedule import Curve, Schedule
from service.domain.sun import Place
from service.domain.words import FailState, RingSign

ID_PATTERN = r"^[a-z0-9-]{1,64}$"
"""Every id in paths, topics and tables; excludes what brokers and shells treat specially."""


class ZoneKey(NamedTuple):
    """A zone's address: unique over all municipalities."""

    municipality: str
    zone: str


class ControllerKey(NamedTuple):
    """A controller's address: the two variable levels of its topics."""

    municipality: str
    controller: str


class OutputKey(NamedTuple):
    """An output's address; `n` counts from 1 to 8."""

    municipality: str
    controller: str
    n: int

    @property
    def owner(self) -> ControllerKey:
        """The controller that the output belongs to."""
        return ControllerKey(self.municipality, self.controller)


class MeterKey(NamedTuple):
    """A meter's address; `n` counts from 1 to 8."""

    municipality: str
    controller: str
    n: int


@dataclass(frozen=True, slots=True)
class Price:
    """What a kilowatt-hour costs from a date on, and who says so."""

    valid_from: date
    per_kwh: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Municipality:
    """A tenant: its place, its language, its prices and the schedule that safety outputs follow."""

    id: str
    name: str
    place: Place
    language: str
    currency: str
    prices: tuple[Price, ...]
    safety_schedule: Schedule

    def price_on(self, day: date) -> Price | None:
        """The price in force on a day, or None before the first."""
        return max((p for p in self.prices if p.valid_from <= day), key=lambda p: p.valid_from, default=None)


@dataclass(frozen=True, slots=True)
class Policy:
    """The council's rules for one zone from a moment on."""

    valid_from: datetime
    schedule: Schedule
    minutes: int
    level: int = 100
    longest_minutes: int = 60
    rest_minutes: int = 0
    fail_state: FailState = FailState.PLAN
    cut_off_after_min: int = 1440
    resolution: str | None = None

    def __post_init__(self) -> None:
        """Refuse rules under which no press could be granted."""
        _between("minutes", self.minutes, 1, 240)
        _between("level", self.level, 1, 100)
        _between("longest_minutes", self.longest_minutes, self.minutes, 1440)
        _between("rest_minutes", self.rest_minutes, 0, 1440)
        _between("cut_off_after_min", self.cut_off_after_min, 1, 60 * 24 * 31)

    @property
    def duration(self) -> timedelta:
        """What one press buys."""
        return timedelta(minutes=self.minutes)


def _between(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ValueError(f"{name}: {value} is not between {low} and {high}")


@dataclass(frozen=True, slots=True)
class Zone:
    """What one press lights: its own outputs, and those of the zones it lights along."""

    key: ZoneKey
    name: str
    policy: Policy
    listed: bool = True
    along: tuple[str, ...] = ()

    @property
    def lights(self) -> tuple[ZoneKey, ...]:
        """The zones that a press here lights, itself first."""
        return (self.key, *(ZoneKey(self.key.municipality, other) for other in self.along))


@dataclass(frozen=True, slots=True)
class Output:
    """One switchable feed, with the schedule it follows and the lamps that hang on it.

    `watts` is the sum of its lamps at level 100. A relay has min 0, max 100 and step 100.
    """

    key: OutputKey
    zone: str
    min_level: int = 0
    max_level: int = 100
    step: int = 1
    safety: bool = False
    lamps: int = 1
    watts: float = 0.0

    def keeps(self, level: int) -> int:
        """The level that this output takes when told `level`: never darker than asked, 0 stays 0."""
        if level <= 0:
            return 0
        stepped = -(-level // self.step) * self.step
        return min(max(stepped, self.min_level), self.max_level)


@dataclass(frozen=True, slots=True)
class Meter:
    """A cumulative energy meter and the outputs it covers."""

    key: MeterKey
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Lamp:
    """A luminaire on a pole, hanging on exactly one output."""

    id: str
    output: OutputKey
    watts: float
    lat: float
    lon: float
    pole: str
    safety: bool = False
    ring: RingSign = RingSign.UNKNOWN


@dataclass(frozen=True, slots=True)
class Controller:
    """One device with one MQTT identity."""

    key: ControllerKey
    kind: str
    name: str
    outputs: tuple[Output, ...]
    meters: tuple[Meter, ...]


@dataclass(frozen=True, slots=True)
class Inventory:
    """A whole municipality, as a file describes it and the store keeps it."""

    municipality: Municipality
    zones: tuple[Zone, ...]
    controllers: tuple[Controller, ...]
    lamps: tuple[Lamp, ...]
    note: str = field(default="")


def curve_of(output: Output, zone: Zone, municipality: Municipality) -> Curve:
    """The light curve of an output's plan: the municipality's for a safety output, else its zone's."""
    schedule = municipality.safety_schedule if output.safety else zone.policy.schedule
    return Curve(schedule, municipality.place)
