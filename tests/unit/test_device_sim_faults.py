"""What a scenario does to lamps, relays and meters, and that true and metered energy agree all the same."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sim.lamps import INRUSH_MS, OPEN, WELDED, Load, Wear
from device_sim.meters import Lie
from device_sim.villages import read_villages

LECK = Path(__file__).parents[1] / "fixtures" / "leck.toml"
HOUR = 3_600_000
LIT, DARK = {"1": 100, "2": 0}, {"1": 0, "2": 0}


def load(wear: Wear | None = None) -> Load:
    spec = read_villages([LECK])[0]
    rng = random.Random(1)  # noqa: S311 - lamps of a model, no secret
    return Load(spec, rng, {}, wear) if wear else Load(spec, rng, {})


def apart(lamps: Load) -> float:
    """By what part the meter's book differs from the truth."""
    meter = lamps.meters["1"]
    return abs(meter.told_mwh - meter.true_mwh) / meter.true_mwh


def test_a_dark_lamp_takes_its_watts_along() -> None:
    lamps = load()
    lamps.settle(0, LIT)
    before = lamps.readings()["1"]["w"]
    lamps.fail("1", 0)
    assert lamps.settle(0, LIT), "light changed"
    assert lamps.readings()["1"]["w"] == pytest.approx(before - 40, rel=0.03)
    assert lamps.watts()["1"] == lamps.readings()["1"]["w"]
    assert lamps.dark("1") == 1
    assert not lamps.settle(0, LIT)


def test_a_welded_relay_burns_on_when_told_to_be_dark_and_an_open_one_stays_dark() -> None:
    lamps = load()
    lamps.stick("1", WELDED)
    lamps.settle(0, DARK)
    assert lamps.power_mw("1") > 0
    assert (lamps.gives("1", 0), lamps.gives("2", 0)) == (100, 0)
    lamps.settle(HOUR, DARK)
    assert lamps.true_mwh("1") == pytest.approx(80_000, rel=0.02)
    assert lamps.burn_s()["1"] == 0, "the controller knows nothing of it"
    lamps.stick("1", OPEN)
    lamps.settle(HOUR, LIT)
    assert lamps.power_mw("1") == 0
    lamps.stick("1", None)
    assert lamps.power_mw("1") > 0


def test_without_mains_there_are_no_volts_no_watts_and_no_energy() -> None:
    lamps = load()
    lamps.settle(0, LIT)
    lamps.supply(False)
    lamps.settle(HOUR, LIT)
    assert (lamps.readings()["1"]["v"], lamps.readings()["1"]["w"], lamps.total_mwh("1")) == (0.0, 0.0, 0)
    lamps.supply(True)
    assert lamps.readings()["1"]["v"] > 200
    assert lamps.power_mw("1") > 0


def test_a_lamp_fails_within_a_stretch_at_its_moment_and_not_at_its_end() -> None:
    wear = Wear("seed", failures_per_1000_h=100)
    once, often = load(wear), load(wear)
    for lamps in (once, often):
        lamps.settle(0, LIT)
    first = once.until_failure()
    assert first is not None
    for minute in range(0, 200 * 60, 7):
        often.settle(minute * 60_000, LIT)
    once.settle((200 * 60 - 60) * 60_000, LIT)
    often.settle((200 * 60 - 60) * 60_000, LIT)
    assert once.dark("1") == often.dark("1") > 0
    assert once.true_mwh("1") == pytest.approx(often.true_mwh("1"), abs=2)
    rest = load(wear)
    rest.settle(0, LIT)
    rest.settle(first - 1, LIT)
    assert rest.dark("1") == 0
    rest.settle(first, LIT)
    assert rest.dark("1") == 1


def test_lamps_fail_at_the_rate_that_was_asked_for_and_only_by_burning() -> None:
    dark = 0
    for seed in range(400):
        lamps = load(Wear(str(seed), failures_per_1000_h=1.0))
        lamps.settle(0, LIT)
        lamps.settle(500 * HOUR, LIT)
        dark += lamps.dark("1")
        assert lamps.dark("2") == 0, "it did not burn"
    expected = 800 * (1 - 2.718281828**-0.5)
    assert dark == pytest.approx(expected, rel=0.15)


@pytest.mark.parametrize(
    ("lie", "w", "wh"),
    [
        (Lie(factor=1.5), 1.5, 1.5),
        (Lie(offset_mw=80_000), 2.0, 2.0),
        (Lie(frozen=True), 1.0, 0.0),
    ],
)
def test_a_lying_meter_lies_in_power_and_energy_is_not_counted_as_honest_and_can_be_mended(
    lie: Lie, w: float, wh: float
) -> None:
    lamps = load()
    lamps.settle(0, LIT)
    lamps.settle(INRUSH_MS, LIT)
    true_w, before = lamps.readings()["1"]["w"], lamps.total_mwh("1")
    lamps.lie("1", lie)
    lamps.settle(HOUR + INRUSH_MS, LIT)
    assert lamps.readings()["1"]["w"] == pytest.approx(true_w * w, rel=0.02)
    assert lamps.watts()["1"] == lamps.readings()["1"]["w"]
    assert lamps.total_mwh("1") - before == pytest.approx(80_000 * wh, rel=0.02)
    assert not lamps.meters["1"].honest
    lamps.lie("1", None)
    assert lamps.readings()["1"]["w"] == true_w
    assert not lamps.meters["1"].honest


def test_a_frozen_meter_says_the_same_for_ever() -> None:
    lamps = load()
    lamps.settle(0, LIT)
    lamps.lie("1", Lie(frozen=True))
    said = lamps.readings()
    lamps.settle(HOUR, DARK)
    assert lamps.readings() == said


def test_a_reset_meter_begins_from_zero_and_its_book_goes_on() -> None:
    lamps = load()
    lamps.settle(0, LIT)
    for hour in range(1, 11):
        lamps.settle(hour * HOUR, LIT)
        lamps.book()
        if hour == 5:
            lamps.meters["1"].reset()
            assert lamps.readings()["1"]["wh_total"] == 0
    assert lamps.meters["1"].told_mwh == pytest.approx(800_000, rel=0.02)
    assert apart(lamps) < 1e-4


def test_what_burned_between_the_last_report_and_a_reset_is_missing_in_the_book_alone() -> None:
    lamps = load()
    lamps.settle(0, LIT)
    lamps.settle(HOUR, LIT)
    lamps.meters["1"].reset()
    lamps.settle(2 * HOUR, LIT)
    lamps.book()
    meter = lamps.meters["1"]
    assert meter.true_mwh == pytest.approx(2 * meter.told_mwh, rel=0.01)


def test_a_fast_clock_shows_in_the_meter_and_not_in_the_truth() -> None:
    lamps, true = load(Wear(drift_ppm=100_000)), load()
    for each, hours in ((lamps, 11), (true, 10)):
        each.settle(0, LIT)
        each.settle(hours * HOUR, LIT)
        each.book()
    assert lamps.true_mwh("1") == pytest.approx(true.true_mwh("1"), rel=1e-5)
    assert lamps.meters["1"].told_mwh == pytest.approx(1.1 * true.meters["1"].told_mwh, rel=1e-5)


STRETCH = st.tuples(
    st.integers(1, 40) | st.integers(1_000, 3_000_000),
    st.sampled_from(["on", "off", "half", "power cut", "report", "fail", "weld", "mains off", "mains on", "reset"]),
)


@given(st.lists(STRETCH, min_size=1, max_size=60))
def test_whatever_happens_truth_and_honest_meters_agree(stretches: list[tuple[int, str]]) -> None:
    lamps, run, levels = load(), 0, dict(DARK)
    lost = 0
    for ms, what in stretches:
        run += ms
        lamps.settle(run, levels)
        if what in ("on", "off", "half"):
            levels = {"1": {"on": 100, "off": 0, "half": 50}[what], "2": 0}
            lamps.settle(run, levels)
        elif what == "power cut":  # in the middle of everything: no report, a new boot
            run, levels = 0, dict(DARK)
            lamps.power_on()
        elif what == "fail":
            lamps.fail("1", 0)
        elif what == "weld":
            lamps.stick("1", WELDED)
        elif what.startswith("mains"):
            lamps.supply(what == "mains on")
        elif what == "reset":
            lamps.book()
            lamps.meters["1"].reset()
            lost += 1
        lamps.book()
    meter = lamps.meters["1"]
    assert meter.honest
    assert abs(meter.told_mwh - meter.true_mwh) <= 1 + lost
