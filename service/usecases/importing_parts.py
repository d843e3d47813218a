"""The parts of a municipality's TOML file."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, StringConstraints

from service.domain.words import FailState, RingSign
from service.usecases.alert_documents import AlertRulesDocument
from service.usecases.policy_documents import Id, Name, PressDocument, QuietDocument
from service.usecases.schedule_documents import Day, Level, Part, ScheduleDocument, StepDocument

Number = Annotated[int, Field(ge=1, le=8)]


def _as_schedule(value: object) -> object:
    return {"steps": value} if isinstance(value, list) else value


ScheduleOrSteps = Annotated[ScheduleDocument, BeforeValidator(_as_schedule)]
"""A schedule with rules, or only the steps of every night."""


_ALL_NIGHT = ScheduleDocument(steps=(StepDocument(at="sunset", level=100), StepDocument(at="sunrise", level=0)))


class PricePart(Part):
    """What a kilowatt-hour costs from a date on."""

    valid_from: date
    per_kwh: Annotated[Decimal, Field(ge=0, le=10)]
    source: Name


class FixedPricePart(Part):
    """What the supply costs in a year whatever is used, from a date on."""

    valid_from: Day
    per_year: Annotated[Decimal, Field(ge=0, le=10_000_000)]
    source: Name


class SupplyPointPart(Part):
    """Where the utility measures and bills; without controllers all of them are behind it."""

    id: Id
    name: Name
    controllers: tuple[Id, ...] = ()


class EmissionFactorPart(Part):
    """The CO2 of a kilowatt-hour from a date on."""

    valid_from: date
    g_per_kwh: Annotated[int, Field(ge=0, le=5000)]
    source: Name


class MunicipalityPart(Part):
    """The tenant."""

    id: Id
    name: Name
    timezone: str
    region: str = ""
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    language: Annotated[str, StringConstraints(pattern="^[a-z]{2}$")] = "de"
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$")] = "EUR"
    prices: tuple[PricePart, ...] = ()
    fixed_prices: tuple[FixedPricePart, ...] = ()
    supply_points: Annotated[tuple[SupplyPointPart, ...], Field(max_length=100)] = ()
    emission_factors: tuple[EmissionFactorPart, ...] = ()
    safety_schedule: ScheduleOrSteps = _ALL_NIGHT
    alerts: AlertRulesDocument = AlertRulesDocument()


class ResolutionPart(Part):
    """The council's decision behind a policy."""

    number: Name
    passed_on: Day | None = None
    safety_note: str = ""


class ZonePart(Part):
    """A zone and the policy that it comes with."""

    id: Id
    name: Name
    listed: bool = True
    schedule: str
    press: PressDocument
    valid_from: Day = date(2000, 1, 1)
    until: Day | None = None
    quiet: tuple[QuietDocument, ...] = ()
    along: tuple[Id, ...] = ()
    fail_state: FailState = FailState.PLAN
    cut_off_after_min: int = 1440
    resolution: ResolutionPart | None = None


class OutputPart(Part):
    """One output of a controller."""

    n: Number
    zone: Id
    min: Level = 0
    max: Annotated[int, Field(ge=1, le=100)] = 100
    step: Annotated[int, Field(ge=1, le=100)] = 1
    button: Annotated[bool, Field(strict=True)] = False


class MeterPart(Part):
    """A meter and the outputs that it measures."""

    n: Number
    outputs: Annotated[list[Number], Field(min_length=1)]


class FeederPart(Part):
    """The output that a controller hangs behind."""

    controller: Id
    output: Number


class ControllerPart(Part):
    """A controller with its outputs and meters."""

    id: Id
    kind: Annotated[str, StringConstraints(pattern="^(luminaire|cabinet)$")]
    name: Name
    outputs: Annotated[list[OutputPart], Field(min_length=1, max_length=8)]
    meters: Annotated[tuple[MeterPart, ...], Field(max_length=8)] = ()
    feeder: FeederPart | None = None


class LampPart(Part):
    """A lamp."""

    id: Id
    controller: Id
    output: Number
    watts: Annotated[float, Field(gt=0, le=2000)]
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    pole: Name
    safety: bool = False
    ring: RingSign = RingSign.UNKNOWN


class MunicipalityFile(Part):
    """A whole file. Without controllers and lamps it leaves those of the municipality as they are."""

    note: str = ""
    municipality: MunicipalityPart
    schedules: dict[str, ScheduleOrSteps]
    zone: Annotated[list[ZonePart], Field(min_length=1)]
    controller: tuple[ControllerPart, ...] = ()
    lamp: tuple[LampPart, ...] = ()

    @property
    def bare(self) -> bool:
        """Whether it has neither controllers nor lamps, and so says nothing of them."""
        return not self.controller and not self.lamp
