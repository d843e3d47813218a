"""Dark lamps are counted by missing watts, and the true number lies within what is said."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.dimming import share
from service.domain.health_lamps import Estimate, added, estimate, expect
from tests.unit.health_cases import controller, luminaire

CIRCUIT = controller((32, 25.0)).outputs[0]
ERROR = st.sampled_from([-0.01, 0.0, 0.01]) | st.floats(-0.01, 0.01)


@pytest.mark.parametrize(("level", "law"), [(0, 0.0), (10, 0.172), (50, 0.54), (100, 1.0)])
def test_a_lamp_draws_by_its_level(level: int, law: float) -> None:
    assert share(level) == pytest.approx(law)


@pytest.mark.parametrize(
    ("watts", "dark"),
    [
        (800, Estimate(0, 0, 0)),
        (775, Estimate(1, 1, 2)),
        (750, Estimate(2, 2, 3)),
        (600, Estimate(8, 7, 9)),
        (0, Estimate(32, 30, 32)),
        (790, Estimate(0, 0, 1)),
    ],
)
def test_dark_lamps_of_a_commissioned_circuit(watts: float, dark: Estimate) -> None:
    assert estimate(expect(CIRCUIT, 100, 800.0), watts) == dark


def test_without_a_baseline_a_single_lamp_is_lost_in_the_tolerance() -> None:
    nominal = expect(CIRCUIT, 100, None)
    assert estimate(nominal, 775).least == 0
    assert estimate(nominal, 600).least >= 4
    assert not nominal.commissioned


def test_half_a_lamp_is_no_number_of_lamps() -> None:
    half = estimate(expect(luminaire(40.0).outputs[0], 100, 40.0), 20.0)
    assert half.least > half.most


def test_a_dead_lamp_may_still_draw_standby() -> None:
    dead = estimate(expect(luminaire(30.0).outputs[0], 10, 30.0), 0.8)
    assert (dead.least, dead.most) == (1, 1)


def test_nothing_expected_is_nothing_dark() -> None:
    assert estimate(expect(CIRCUIT, 0, 800.0), 0.0) == Estimate(0, 0, 32)
    assert estimate(added([]), 0.0) == Estimate(0, 0, 0)


@pytest.mark.parametrize("count", [1, 2, 10, 32, 60, 200])
def test_the_true_number_lies_within_the_bounds_where_all_errors_add_up(count: int) -> None:
    circuit = replace(controller((1, 1.0)).outputs[0], lamps=count, watts=count * 25.0)
    errors = itertools.product((-0.01, 0.01), (-0.01, 0.01), (-0.005, 0.005), (-0.02, 0.02), (0.0, 1.0))
    for read, commissioned, drift, spread, standby in errors:
        for dark in {0, 1, count // 2, count - 1, count}:
            going, staying = 25.0 * (1 + spread), 25.0 * (1 - spread)
            baseline = (dark * going + (count - dark) * staying) * (1 + commissioned)
            measured = ((count - dark) * staying * (1 + drift) + dark * standby) * (1 + read)
            said = estimate(expect(circuit, 100, baseline), measured)
            assert said.least <= dark <= said.most, (dark, read, commissioned, drift, spread, standby)


@given(
    nominal=st.lists(st.sampled_from([12.0, 25.0, 40.0, 70.0]), min_size=1, max_size=60),
    data=st.data(),
    level=st.sampled_from([100, 100, 100, 50]) | st.integers(1, 100),
    commissioned=st.booleans(),
)
def test_the_true_number_lies_within_the_bounds(
    nominal: list[float], data: st.DataObject, level: int, commissioned: bool
) -> None:
    """Meters within 1 %, lamps within 2 % of their watts, half a percent by voltage."""
    spread = st.lists(
        st.sampled_from([-0.02, 0.02]) | st.floats(-0.02, 0.02), min_size=len(nominal), max_size=len(nominal)
    )
    true = [watts * (1 + off) for watts, off in zip(nominal, data.draw(spread), strict=True)]
    dark = data.draw(st.sets(st.integers(0, len(true) - 1)))
    lit = sum(watts for i, watts in enumerate(true) if i not in dark)
    drawn = lit * share(level) * (1 + data.draw(st.sampled_from([-0.005, 0.005])))
    measured = drawn * (1 + data.draw(ERROR))
    baseline = sum(true) * (1 + data.draw(ERROR)) if commissioned else None
    circuit = controller((1, 1.0)).outputs[0]
    output = replace(circuit, lamps=len(nominal), watts=sum(nominal))

    said = estimate(expect(output, level, baseline, nominal), measured)

    assert said.least <= len(dark) <= said.most
    assert said.least <= said.dark <= said.most
