"""What stands in the village: levels that outputs can give, the curves they follow, prices and zones."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.curve import Fit
from service.domain.inventory import EmissionFactor, Inventory, Output, OutputKey, Price, ZoneKey, curve_of
from service.domain.policy import Rulebook
from service.domain.schedule import Moment, QuietCap, Window
from tests.unit.villages import DARK_AFTER_ELEVEN, SUNRISE, SUNSET, glasau, leck, luetjenholm, policy, utc

KEY = OutputKey("leck", "cabinet-1", 1)
OUTPUTS = st.builds(
    lambda low, more, step: Output(KEY, "z", min_level=low, max_level=min(100, low + more), step=step),
    st.integers(0, 50),
    st.integers(1, 100),
    st.integers(1, 100),
)


def test_a_relay_knows_all_or_nothing() -> None:
    relay = Output(KEY, "z", step=100)
    assert [relay.keeps(level) for level in (0, 1, 50, 100)] == [0, 100, 100, 100]


def test_a_dimmer_keeps_to_its_limits_and_steps() -> None:
    dimmer = Output(KEY, "z", min_level=20, max_level=80, step=25)
    assert [dimmer.keeps(level) for level in (0, 1, 20, 26, 51, 76, 100)] == [0, 25, 25, 50, 75, 80, 80]


@given(OUTPUTS, st.integers(0, 100), st.integers(0, 100))
def test_an_output_never_gives_less_than_asked_but_for_its_own_limit(output: Output, a: int, b: int) -> None:
    assert output.keeps(0) == 0
    assert output.keeps(a) >= min(a, output.max_level)
    assert output.keeps(output.keeps(a)) == output.keeps(a)
    if a <= b:
        assert output.keeps(a) <= output.keeps(b)


CAPPED = replace(
    policy(DARK_AFTER_ELEVEN, 10),
    quiet=(QuietCap(0, Window(Moment(SUNSET), Moment(SUNRISE)), ("cabinet-1", 2)),),
)
EVENING = utc("2026-11-20T20:00")


def test_a_safety_output_follows_the_municipality_and_the_others_their_zone() -> None:
    village = leck()
    circuit, crossing = village.controllers[0].outputs
    street, corner = village.zones
    dark = curve_of(circuit, street, village.municipality)
    assert (dark.ruling, dark.fit) == (street.rulebook, Fit(0, 100, 100))
    assert dark.level_at(utc("2026-11-20T00:00")) == 0
    lit = curve_of(crossing, corner, village.municipality)
    assert lit.ruling == village.municipality.safety_schedule
    assert lit.level_at(utc("2026-11-20T00:00")) == 100


def test_a_cap_of_one_output_binds_that_one_and_never_a_safety_outputs_plan() -> None:
    village = leck()
    circuit, crossing = village.controllers[0].outputs
    zone = replace(village.zones[1], rulebook=Rulebook((CAPPED,)))
    plain = replace(crossing, safety=False)
    assert curve_of(circuit, zone, village.municipality).level_at(EVENING) == 100
    assert curve_of(plain, zone, village.municipality).level_at(EVENING) == 0
    safe = curve_of(crossing, zone, village.municipality)
    assert safe.level_at(EVENING) == 100
    hour = timedelta(hours=1)
    assert [stretch.level for stretch in safe.pressed(100, EVENING, EVENING + hour)] == [0]  # a press is bound by it


def test_a_press_lights_its_own_zone_first_and_then_those_along_in_that_night() -> None:
    street, corner = leck().zones
    tonight = date(2026, 11, 20)
    assert street.lights(tonight) == (ZoneKey("leck", "hauptstrasse"), ZoneKey("leck", "kreuzung"))
    assert corner.lights(tonight) == (ZoneKey("leck", "kreuzung"),)
    alone = policy(DARK_AFTER_ELEVEN, 10, version=2, valid_from=date(2026, 11, 21))
    later = replace(street, rulebook=Rulebook((*street.rulebook.policies, alone)))
    assert len(later.lights(tonight)) == 2
    assert later.lights(date(2026, 11, 21)) == (ZoneKey("leck", "hauptstrasse"),)


def test_the_emission_factor_is_the_last_one_that_has_begun() -> None:
    old, new = (EmissionFactor(date(year, 1, 1), grams, "assumed") for year, grams in ((2023, 380), (2024, 363)))
    home = replace(leck().municipality, emission_factors=(new, old))
    assert home.emission_factor_on(date(2022, 12, 31)) is None
    assert home.emission_factor_on(date(2023, 12, 31)) == old
    assert home.emission_factor_on(date(2024, 1, 1)) == new
    assert leck().municipality.emission_factor_on(date(2026, 1, 1)) is None


def test_the_price_is_the_last_one_that_has_begun() -> None:
    cheap, dear = (Price(date(year, 1, 1), Decimal(cost), "assumed") for year, cost in ((2025, "0.30"), (2026, "0.35")))
    home = replace(leck().municipality, prices=(dear, cheap))
    assert home.price_on(date(2024, 12, 31)) is None
    assert home.price_on(date(2025, 12, 31)) == cheap
    assert home.price_on(date(2026, 1, 1)) == dear


@pytest.mark.parametrize(
    ("village", "lamps", "zones", "watts"),
    [(luetjenholm(), 32, 1, 800.0), (glasau(), 85, 3, 2550.0), (leck(), 3, 2, 140.0)],
    ids=["luetjenholm", "glasau", "leck"],
)
def test_the_villages_of_these_tests_are_whole(village: Inventory, lamps: int, zones: int, watts: float) -> None:
    outputs = {output.key: output for controller in village.controllers for output in controller.outputs}
    hanging = Counter(lamp.output for lamp in village.lamps)
    assert (len(village.lamps), len(village.zones)) == (lamps, zones)
    assert sum(output.watts for output in outputs.values()) == watts
    assert {key: output.lamps for key, output in outputs.items()} == hanging
    assert {output.zone for output in outputs.values()} == {zone.key.zone for zone in village.zones}
    assert all(key.owner in {controller.key for controller in village.controllers} for key in outputs)
