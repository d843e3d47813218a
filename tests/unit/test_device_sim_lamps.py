"""Modelled lamps and meters: watts from level, inrush, exact and growing energy."""

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from device_sim.lamps import INRUSH_MS, Load
from device_sim.villages import ControllerSpec, read_villages

ROOT = Path(__file__).parents[2]
HOUR = 3_600_000


def leck() -> ControllerSpec:
    return read_villages([ROOT / "tests" / "fixtures" / "leck.toml"])[0]


def load(seed: int = 1, kept: dict[str, Any] | None = None) -> Load:
    return Load(leck(), random.Random(seed), kept or {})  # noqa: S311 - lamps of a model, no secret


def test_an_led_lamp_draws_a_little_more_than_its_share_and_nothing_when_off() -> None:
    lamps = load()
    lamps.settle(0, {"1": 100, "2": 0})
    full = lamps.power_mw("1")
    assert full == pytest.approx(80_000, rel=0.02)
    assert lamps.power_mw("2") == 0
    lamps.settle(0, {"1": 50, "2": 0})
    assert lamps.power_mw("1") == pytest.approx(full * 0.54, abs=1)


def test_lamps_differ_by_seed_and_not_from_run_to_run() -> None:
    watts = []
    for seed in (1, 1, 2):
        lamps = load(seed)
        lamps.settle(0, {"1": 100, "2": 100})
        watts.append(lamps.readings()["1"]["w"])
    assert watts[0] == watts[1] != watts[2]


def test_energy_is_power_by_time_and_the_inrush_of_a_switch_on() -> None:
    lamps = load()
    lamps.settle(0, {"1": 100, "2": 0})
    lamps.settle(HOUR, {"1": 0, "2": 0})
    lamps.settle(9 * HOUR, {"1": 0, "2": 0})
    drawn = lamps.power_mw("1")
    assert drawn == 0
    full = load()
    full.settle(0, {"1": 100, "2": 0})
    exact = full.power_mw("1") + full.power_mw("1") * INRUSH_MS / 2 / HOUR
    assert lamps.total_mwh("1") == int(exact)
    assert lamps.burn_s() == {"1": 3600, "2": 0}


@given(st.lists(st.integers(0, 5_000), max_size=40))
def test_metering_often_or_once_gives_the_same_energy(parts: list[int]) -> None:
    often, once = load(), load()
    run = 0
    for lamps in (often, once):
        lamps.settle(0, {"1": 100, "2": 30})
    for part in parts:
        run += part
        before = often.total_mwh("1")
        often.settle(run, {"1": 100, "2": 30})
        assert often.total_mwh("1") >= before
    once.settle(run, {"1": 100, "2": 30})
    assert (
        abs(often.kept()["energy"]["1"] - once.kept()["energy"]["1"]) <= len(parts) * 2
    )  # half a mW ms of each inrush


def test_meters_go_on_from_what_was_kept() -> None:
    lamps = load()
    lamps.settle(0, {"1": 100, "2": 100})
    lamps.settle(HOUR, {"1": 0, "2": 0})
    again = load(1, lamps.kept())
    assert again.total_mwh("1") == lamps.total_mwh("1") > 0
    assert again.burn_s() == lamps.burn_s()


def test_mains_voltage_stays_about_230() -> None:
    lamps = load()
    for hour in range(48):
        lamps.settle(hour * HOUR, {"1": 0, "2": 0})
        assert 225 <= lamps.readings()["1"]["v"] <= 235
