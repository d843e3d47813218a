"""A comparison of what was used with what other rules would have drawn, added up and rounded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from service.domain.inventory import EmissionFactor, Inventory, Municipality, Output, OutputKey, Price, Zone
from service.domain.periods import period_of
from service.domain.sun import night_of
from service.domain.tariffs import Cost, InForce, sources
from service.domain.words import Period, Quality
from service.usecases.saving_bodies import (
    AmountBody,
    ComparedBody,
    CountedBy,
    Lacking,
    PercentBody,
    ProofBody,
    QualityPart,
    SavingBody,
    SavingMissing,
    SavingPeriod,
    SavingPresses,
    SavingZone,
)
from service.usecases.saving_words import statement

_INSTANT = timedelta(microseconds=1)
_NOTHING = Cost()


@dataclass(frozen=True, slots=True)
class Amount:
    """Energy in mWh and its cost."""

    energy_mwh: int = 0
    cost: Cost = _NOTHING

    def __add__(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(self.energy_mwh + other.energy_mwh, self.cost + other.cost)

    def __sub__(self, other: "Amount") -> "Amount":
        """The difference; of money and CO2 None where one of them has none."""
        return Amount(
            self.energy_mwh - other.energy_mwh,
            Cost(_minus(self.cost.money, other.cost.money), _minus(self.cost.co2_kg, other.cost.co2_kg)),
        )


def _minus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return None if one is None or other is None else one - other


class Compared(NamedTuple):
    """What was used, and what the other rules would have drawn."""

    used: Amount = Amount()
    against: Amount = Amount()

    def __add__(self, other: object) -> "Compared":
        """Both together."""
        if not isinstance(other, Compared):
            return NotImplemented
        return Compared(self.used + other.used, self.against + other.against)


Table = dict[tuple[str, str], Compared]
"""By zone and period."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """All that a comparison consists of, not rounded.

    `since` is from when on each compared zone counts, `heard` the outputs that ever reported; `darkness` is all-night
    light less the plan. `blurred` has the changes of prices or factors within months of which only the sum is left.
    """

    home: Municipality
    start: datetime
    end: datetime
    kind: Period
    inventory: Inventory
    zones: Sequence[Zone]
    unrecorded: list[str]
    heard: AbstractSet[OutputKey]
    since: Mapping[str, datetime]
    table: Table
    quality: Mapping[Quality, int]
    pressed: Amount
    darkness: Amount
    blurred: Mapping[datetime, Sequence[datetime]]

    @property
    def outputs(self) -> list[Output]:
        """The outputs of the compared zones, those that never reported too."""
        names = {zone.key.zone for zone in self.zones}
        return [one for controller in self.inventory.controllers for one in controller.outputs if one.zone in names]


def body_of(made: Reckoned, against: str, day: date | None, language: str) -> SavingBody:
    """The comparison as JSON; `day` is the date whose policies it is compared with. `language` is the statement's."""
    tz = made.home.place.tz
    total = _compared(made.table.values())
    calendar = made.kind is Period.MONTH
    first, last = _day(made.start, tz), _day(made.end - _INSTANT, tz)
    body = SavingBody(
        municipality=made.home.id,
        name=made.home.name,
        first=first,
        last=last if calendar else night_of(made.end - _INSTANT, tz),
        start=made.start,
        end=made.end,
        timezone=tz,
        currency=made.home.currency,
        against=against,
        total=ComparedBody(**total),
        zones=[_zone(made, zone) for zone in made.zones],
        periods=[
            SavingPeriod(period=period, **_compared(one for (_, label), one in made.table.items() if label == period))
            for period in sorted({period for _, period in made.table})
        ],
        presses=SavingPresses(
            cost=_amount(made.pressed), darkness=_amount(made.darkness), net=_amount(made.darkness - made.pressed)
        ),
        proof=_proof(made, total),
        unrecorded=made.unrecorded,
        missing=list(_missing(made)),
    )
    late = [
        zone.name for zone in made.zones if day is not None and all(day < p.valid_from for p in zone.rulebook.policies)
    ]
    body.proof.statement = statement(body, late, language)
    return body


def _compared(parts: Iterable[Compared]) -> dict[str, Any]:
    both = sum(parts, Compared())
    saved = both.against - both.used
    return {
        "used": _amount(both.used),
        "against": _amount(both.against),
        "saved": _amount(saved),
        "percent": PercentBody(
            kwh=_percent(Decimal(saved.energy_mwh), Decimal(both.against.energy_mwh)),
            money=_percent(saved.cost.money, both.against.cost.money),
            co2_kg=_percent(saved.cost.co2_kg, both.against.cost.co2_kg),
        ),
    }


def _percent(part: Decimal | None, whole: Decimal | None) -> Decimal | None:
    return None if part is None or not whole else _rounded(100 * part / whole, "0.1")


def _amount(amount: Amount) -> AmountBody:
    return AmountBody(
        kwh=Decimal(amount.energy_mwh).scaleb(-6),
        money=_rounded(amount.cost.money, "0.01"),
        co2_kg=_rounded(amount.cost.co2_kg, "0.001"),
    )


def _rounded(value: Decimal | None, places: str) -> Decimal | None:
    return None if value is None else value.quantize(Decimal(places)) + 0  # no zero has a sign


def _zone(made: Reckoned, zone: Zone) -> SavingZone:
    name = zone.key.zone
    lamps, watts, _ = _lamps(made, [output for output in made.outputs if output.zone == name])
    parts = _compared(one for (label, _), one in made.table.items() if label == name)
    return SavingZone(zone=name, name=zone.name, since=made.since[name], lamps=lamps, watts=watts, **parts)


def _lamps(made: Reckoned, outputs: Sequence[Output]) -> tuple[int, Decimal, int]:
    """Lamps and watts that are compared, and lamps that never reported."""
    heard = [output for output in outputs if output.key in made.heard]
    silent = sum(output.lamps for output in outputs) - sum(output.lamps for output in heard)
    watts = sum((Decimal(str(output.watts)) for output in heard), Decimal())
    return sum(output.lamps for output in heard), watts, silent


def _proof(made: Reckoned, total: Mapping[str, Any]) -> ProofBody:
    used = sum(made.quality.values())
    lamps, watts, silent = _lamps(made, made.outputs)
    counted_by = sources(made.home, made.start, made.end)
    tz = made.home.place.tz
    return ProofBody(
        greenhouse_gas_percent=total["percent"].co2_kg,
        against_kg=total["against"].co2_kg,
        used_kg=total["used"].co2_kg,
        saved_kg=total["saved"].co2_kg,
        lamps=lamps,
        watts=watts,
        silent_lamps=silent,
        quality=[
            QualityPart(
                quality=quality,
                kwh=Decimal(made.quality[quality]).scaleb(-6),
                percent=(Decimal(made.quality[quality]) * 100 / used).quantize(Decimal("0.1")),
            )
            for quality in Quality
            if made.quality.get(quality)
        ],
        emission_factors=[
            _counted(one, None if one.entry is None else Decimal(one.entry.g_per_kwh), tz)
            for one in counted_by.emission_factors
        ],
        prices=[_counted(one, None if one.entry is None else one.entry.per_kwh, tz) for one in counted_by.prices],
        statement=[],
    )


def _counted(one: InForce[Price] | InForce[EmissionFactor], value: Decimal | None, tz: str) -> CountedBy:
    source = None if one.entry is None else one.entry.source
    return CountedBy(first=_day(one.start, tz), last=_day(one.end - _INSTANT, tz), value=value, source=source)


def _missing(made: Reckoned) -> Iterator[SavingMissing]:
    home, tz = made.home, made.home.place.tz
    counted_by = sources(home, made.start, made.end)
    for why, table in (
        (Lacking.NO_PRICE, counted_by.prices),
        (Lacking.NO_EMISSION_FACTOR, counted_by.emission_factors),
    ):
        for one in table:
            if one.entry is None:
                yield SavingMissing(why=why, first=_day(one.start, tz), last=_day(one.end - _INSTANT, tz))
    for month, moments in made.blurred.items():
        first, last = _day(month, tz), _day(period_of(Period.MONTH, month, tz)[1] - _INSTANT, tz)
        within = sources(home, month, period_of(Period.MONTH, month, tz)[1])
        if len(within.prices) > 1 and moments:
            yield SavingMissing(why=Lacking.PRICE_CHANGED_WITHIN, first=first, last=last)
        if len(within.emission_factors) > 1 and moments:
            yield SavingMissing(why=Lacking.EMISSION_FACTOR_CHANGED_WITHIN, first=first, last=last)


def _day(moment: datetime, tz: str) -> date:
    return moment.astimezone(ZoneInfo(tz)).date()
