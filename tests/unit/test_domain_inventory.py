"""What stands in the village: levels that outputs can give, rules a policy may have, plans, prices and zones."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.inventory import Inventory, Output, OutputKey, Policy, Price, ZoneKey, curve_of
from tests.unit.villages import DARK_AFTER_ELEVEN, LONG_AGO, NEVER_LIT, glasau, leck, luetjenholm, utc

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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("minutes", 0),
        ("minutes", 241),
        ("level", 0),
        ("level", 101),
        ("longest_minutes", 11),
        ("longest_minutes", 1441),
        ("rest_minutes", -1),
        ("rest_minutes", 1441),
        ("cut_off_after_min", 0),
        ("cut_off_after_min", 44_641),
    ],
)
def test_a_rule_under_which_no_press_could_be_granted_is_refused_by_its_name(field: str, value: int) -> None:
    rules: dict[str, Any] = {"minutes": 12, field: value}
    with pytest.raises(ValueError, match=f"^{field}: {value} is not between"):
        Policy(LONG_AGO, NEVER_LIT, **rules)


def test_a_press_buys_the_minutes_of_its_policy() -> None:
    assert Policy(LONG_AGO, NEVER_LIT, 12).duration == timedelta(minutes=12)


def test_a_safety_output_follows_the_municipality_and_the_others_their_zone() -> None:
    village = leck()
    circuit, crossing = village.controllers[0].outputs
    street, corner = village.zones
    assert curve_of(circuit, street, village.municipality).schedule == DARK_AFTER_ELEVEN
    lit = curve_of(crossing, corner, village.municipality)
    assert lit.schedule == village.municipality.safety_schedule
    assert lit.level_at(utc("2026-11-20T00:00")) == 100


def test_a_press_lights_its_own_zone_first_and_then_those_along() -> None:
    street, corner = leck().zones
    assert street.lights == (ZoneKey("leck", "hauptstrasse"), ZoneKey("leck", "kreuzung"))
    assert corner.lights == (ZoneKey("leck", "kreuzung"),)


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
