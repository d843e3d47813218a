"""What stands in the village: municipalities, zones, controllers, outputs, meters and lamps."""

from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import NamedTuple

from service.domain.curve import Curve, Fit
from service.domain.policy import Policy, Rulebook
from service.domain.schedule import Schedule
from service.domain.sun import Place
from service.domain.words import RingSign

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
class FixedPrice:
    """What the supply costs in a year whatever is used, from a date on, and who says so."""

    valid_from: date
    per_year: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class SupplyPoint:
    """Where the utility measures and bills: the ids of the controllers behind its meter; none means all."""

    id: str
    name: str
    controllers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EmissionFactor:
    """The CO2 that a kilowatt-hour of the grid stands for (g/kWh) from a date on, and who says so."""

    valid_from: date
    g_per_kwh: int
    source: str


@dataclass(frozen=True, slots=True)
class AlertRules:
    """Whom alerts reach: e-mail addresses, a webhook's URL. Between `quiet_from` and `quiet_until` (local time) only
    urgent ones go out; the others wait for the end of it."""

    emails: tuple[str, ...] = ()
    webhook: str | None = None
    quiet_from: time | None = None
    quiet_until: time | None = None


@dataclass(frozen=True, slots=True)
class Municipality:
    """A tenant: its place, its language, what its energy costs, the schedule that safety outputs follow, and whom
    alerts reach."""

    id: str
    name: str
    place: Place
    language: str
    currency: str
    prices: tuple[Price, ...]
    safety_schedule: Schedule
    emission_factors: tuple[EmissionFactor, ...] = ()
    alerts: AlertRules = AlertRules()
    fixed_prices: tuple[FixedPrice, ...] = ()
    supply_points: tuple[SupplyPoint, ...] = ()

    def price_on(self, day: date) -> Price | None:
        """The price in force on a day, or None before the first."""
        return max((p for p in self.prices if p.valid_from <= day), key=lambda p: p.valid_from, default=None)

    def fixed_price_on(self, day: date) -> FixedPrice | None:
        """The fixed price in force on a day, or None before the first."""
        past = (price for price in self.fixed_prices if price.valid_from <= day)
        return max(past, key=lambda price: price.valid_from, default=None)

    def emission_factor_on(self, day: date) -> EmissionFactor | None:
        """The emission factor in force on a day, or None before the first."""
        past = (factor for factor in self.emission_factors if factor.valid_from <= day)
        return max(past, key=lambda factor: factor.valid_from, default=None)


@dataclass(frozen=True, slots=True)
class Zone:
    """What one press lights: its own outputs, and those of the zones it lights along."""

    key: ZoneKey
    name: str
    rulebook: Rulebook
    listed: bool = True

    def policy_on(self, day: date) -> Policy:
        """The policy in force in the night of the evening of `day`."""
        return self.rulebook.policy_on(day)

    def lights(self, day: date) -> tuple[ZoneKey, ...]:
        """The zones that a press here lights in the night of the evening of `day`, itself first."""
        along = self.policy_on(day).along
        return (self.key, *(ZoneKey(self.key.municipality, other) for other in along))


@dataclass(frozen=True, slots=True)
class Output:
    """One switchable feed, with the schedule it follows and the lamps that hang on it.

    `watts` is the sum of its lamps at level 100. A relay has min 0, max 100 and step 100. With `button` a push-button
    at its controller asks for light in its zone.
    """

    key: OutputKey
    zone: str
    min_level: int = 0
    max_level: int = 100
    step: int = 1
    safety: bool = False
    lamps: int = 1
    watts: float = 0.0
    button: bool = False

    @property
    def fit(self) -> Fit:
        """The levels it can give."""
        return Fit(self.min_level, self.max_level, self.step)

    def keeps(self, level: int) -> int:
        """The level that this output takes when told `level`: never darker than asked, 0 stays 0."""
        return self.fit.level(level)


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
    """One device with one MQTT identity. Where it hangs behind a circuit that is switched, that is its `feeder`: it has
    no power, and says nothing, while the feeder is off."""

    key: ControllerKey
    kind: str
    name: str
    outputs: tuple[Output, ...]
    meters: tuple[Meter, ...]
    feeder: OutputKey | None = None


@dataclass(frozen=True, slots=True)
class Inventory:
    """A whole municipality, as a file describes it and the store keeps it."""

    municipality: Municipality
    zones: tuple[Zone, ...]
    controllers: tuple[Controller, ...]
    lamps: tuple[Lamp, ...]
    note: str = field(default="")


def curve_of(output: Output, zone: Zone, municipality: Municipality) -> Curve:
    """The light curve of an output's plan: the municipality's for a safety output, else its zone's.

    Quiet caps do not bind a safety output's plan, only presses for it.
    """
    name = (output.key.controller, output.key.n)
    capped = any(cap.output == name for policy in zone.rulebook.policies for cap in policy.quiet)
    own = name if capped else None
    if output.safety:
        return Curve(municipality.safety_schedule, municipality.place, output.fit, own, zone.rulebook)
    return Curve(zone.rulebook, municipality.place, output.fit, own)
