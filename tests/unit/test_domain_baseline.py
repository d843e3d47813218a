"""Baselines: worked out by hand, agreeing with the simulation over whole nights, and right over any other stretch."""

import itertools
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.domain.baseline import Baseline, ruled_by
from service.domain.dimming import share
from service.domain.inventory import Inventory, OutputKey
from service.domain.policy import LightException, Rulebook
from service.domain.scenarios import all_night
from service.domain.schedule import Anchor, Moment
from service.domain.simulate import finished, simulate
from service.domain.sun import night
from tests.unit.scenarios import today
from tests.unit.villages import DARK_AFTER_ELEVEN, NEVER_LIT, clock, glasau, leck, luetjenholm, policy, utc

HOUR = timedelta(hours=1)
DAY = date(2026, 11, 21)


def outputs(inventory: Inventory) -> set[OutputKey]:
    return {output.key for controller in inventory.controllers for output in controller.outputs}


def as_it_stands(inventory: Inventory) -> Baseline:
    return Baseline(inventory, inventory.zones, outputs(inventory))


def bright(inventory: Inventory) -> Baseline:
    return Baseline(inventory, all_night("all-night", inventory).zones, outputs(inventory))


def test_all_night_light_less_the_plan_is_what_the_dark_hours_save() -> None:
    village, tonight = luetjenholm(), night(luetjenholm().municipality.place, DAY)
    lit = bright(village).energy("dorf", tonight.start, tonight.end)
    assert lit == round(800_000 * ((tonight.sunrise - tonight.sunset) / HOUR))
    assert lit - as_it_stands(village).energy("dorf", tonight.start, tonight.end) == 5 * 800_000


def test_a_stretch_ends_where_it_is_cut_to_the_second() -> None:
    plan = as_it_stands(luetjenholm())
    assert plan.energy("dorf", utc("2026-11-21T23:00:00"), utc("2026-11-21T23:36:00")) == 400_000  # dark from 00:30
    assert plan.energy("dorf", utc("2026-11-21T23:29:59"), utc("2026-11-22T04:30:00")) == round(800_000 / 3600)
    assert plan.energy("dorf", utc("2026-11-21T23:30:00"), utc("2026-11-22T04:30:00")) == 0


def test_dimmed_light_draws_what_the_dimming_law_says() -> None:
    plan = as_it_stands(glasau())
    found = plan.energy("dorfstrasse", utc("2026-11-21T21:00:00"), utc("2026-11-21T22:00:00"))  # half light
    assert found == round(31 * 30_000 * share(50)) == round(31 * 30_000 * 0.54)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 4), (date(2026, 10, 24), 6), (DAY, 5)])
def test_dark_hours_of_nights_in_which_clocks_change(day: date, hours: int) -> None:
    village, tonight = luetjenholm(), night(luetjenholm().municipality.place, day)
    plan, lit = as_it_stands(village), bright(village)
    assert lit.energy("dorf", tonight.start, tonight.end) - plan.energy("dorf", tonight.start, tonight.end) == (
        hours * 800_000
    )


def test_a_safety_output_keeps_its_own_plan_whatever_the_rules() -> None:
    village, tonight = leck(), night(leck().municipality.place, DAY)
    dark = [ruled_by(zone, policy(NEVER_LIT, 10)) for zone in village.zones]
    found = Baseline(village, dark, outputs(village))
    assert found.energy("hauptstrasse", tonight.start, tonight.end) == 0
    length = (tonight.sunrise - tonight.sunset) / HOUR
    assert found.energy("kreuzung", tonight.start, tonight.end) == round(60_000 * length)


def test_outputs_that_are_not_counted_draw_nothing() -> None:
    village, tonight = leck(), night(leck().municipality.place, DAY)
    none = Baseline(village, village.zones, ())
    assert [none.energy(zone.key.zone, tonight.start, tonight.end) for zone in village.zones] == [0, 0]


def test_a_policy_that_ruled_once_is_taken_for_good_and_without_exceptions() -> None:
    village, tonight = luetjenholm(), night(luetjenholm().municipality.place, DAY)
    late = replace(policy(DARK_AFTER_ELEVEN, 12), valid_from=date(2026, 11, 30), until=date(2026, 12, 1), version=2)
    party = LightException("fest", "Fest", DAY, DAY, (clock(22, 0, 100),), Moment(Anchor.CLOCK, clock(5, 0, 0).clock))
    zone = replace(village.zones[0], rulebook=Rulebook((*village.zones[0].rulebook.policies, late), (party,)))
    plan = Baseline(village, [zone], outputs(village))
    ruled = Baseline(village, [ruled_by(zone, late)], outputs(village))
    lit = bright(village).energy("dorf", tonight.start, tonight.end)
    assert lit - plan.energy("dorf", tonight.start, tonight.end) == 800_000 // 2  # the party ends at 05:00
    assert lit - ruled.energy("dorf", tonight.start, tonight.end) == 6 * 800_000  # dark from 23:00 to 05:00


@pytest.mark.parametrize("village", [luetjenholm(), glasau(), leck()], ids=lambda village: village.municipality.id)
def test_over_a_whole_night_it_agrees_with_the_simulation(village: Inventory) -> None:
    tonight = night(village.municipality.place, DAY)
    (plan, lit) = finished(simulate(village, [today("today", village), all_night("all-night", village)], DAY, DAY, []))
    for outcome, found in ((plan, as_it_stands(village)), (lit, bright(village))):
        for (zone, _), figures in outcome.lines.items():
            assert found.energy(zone, tonight.start, tonight.end) == figures.energy_mwh


moments = st.integers(0, 10 * 86_400_000).map(lambda n: utc("2026-10-20T00:00:00") + timedelta(milliseconds=n))


@settings(max_examples=40, deadline=None)
@given(st.lists(moments, min_size=2, max_size=6, unique=True))
def test_parts_of_a_stretch_add_up_to_it(edges: list[datetime]) -> None:
    edges.sort()
    plan = as_it_stands(glasau())
    parts = [plan.energy("kirchweg", a, b) for a, b in itertools.pairwise(edges)]
    assert abs(sum(parts) - plan.energy("kirchweg", edges[0], edges[-1])) <= len(edges)
    assert min(parts) >= 0
