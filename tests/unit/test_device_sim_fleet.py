"""A fleet as a program: its options, its results, its view, and villages made up for load; no broker involved."""

import io
import json
import ssl
from pathlib import Path

import pytest
from rich.console import Console

from device_sim import SimDevice, Village, VillageError
from device_sim.__main__ import arguments, tell, village
from device_sim.happenings import Happening, Kind
from device_sim.lamps import WELDED, Wear
from device_sim.many import Many
from device_sim.meters import Lie
from device_sim.results import energy, percentile, results
from device_sim.scenario import Net, Scenario, parse
from device_sim.surroundings import Surroundings
from device_sim.tally import CountedCore, Tally
from device_sim.view import View, clock
from device_sim.villages import read_villages
from firmware_mock.address import Address
from firmware_mock.link import Link
from tests.support.fake_timing import FakeTiming
from tests.support.poles import DIMMER, HOUR, T, plan, step

ROOT = Path(__file__).parents[2]
LUETJENHOLM = ROOT / "villages" / "luetjenholm.toml"
LECK = ROOT / "tests" / "fixtures" / "leck.toml"
CABINET = "luetjenholm/cabinet-1"


def words(*more: str) -> list[str]:
    return ["--villages", str(LUETJENHOLM), *more]


@pytest.mark.parametrize(
    "wrong", [["--for", "0"], ["--heartbeat", "0"], ["--view", "--quiet"], ["--seed", "x"], ["--for", "long"]]
)
def test_options_that_make_no_sense_are_refused_by_name(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(words(*wrong))
    assert wrong[0] in capsys.readouterr().err


def test_the_command_lines_seed_counts_before_the_scenarios(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text("seed = 9", "utf-8")
    assert village(arguments(words())).seed == 1
    assert village(arguments(words("--scenario", str(file)))).seed == 9
    assert village(arguments(words("--scenario", str(file), "--seed", "4"))).seed == 4


def test_a_scenario_that_cannot_be_played_in_this_village_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "scenario.toml"
    file.write_text('[[lamp_failure]]\nlamp = "luetjenholm/l-99"\nat = 0', "utf-8")
    with pytest.raises(VillageError, match="there is no luetjenholm/l-99"):
        village(arguments(words("--scenario", str(file))))


def test_bad_lines_and_tls_do_not_go_together() -> None:
    bad = Scenario(nets=(Net(loss=0.1),))
    with pytest.raises(VillageError, match="without TLS"):
        Village([LECK], None, state_dir=None, scenario=bad, tls=ssl.create_default_context())
    assert Village([LECK], None, state_dir=None, tls=ssl.create_default_context()).bad_lines == {}


def test_results_are_json_to_a_file_or_to_standard_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fleet = Village([LUETJENHOLM], None, state_dir=None)
    device = fleet[CABINET]
    device.tally.connects, device.tally.lags_ms = 3, [5.0, 1.0, 9.0]
    device.load.fail("1", 0)
    found = results(list(fleet.devices.values()))
    tell(found, "-")
    tell(found, str(tmp_path / "results.json"))
    said = json.loads(capsys.readouterr().out)
    assert said == json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert (said["controllers"], said["lamps"], said["lamps_dark"]) == (1, 32, 1)
    assert (said["connected"], said["reconnects"]) == (0, 2)
    assert said["order_to_report_ms"] == {"count": 3, "p50": 5.0, "p99": 9.0, "worst": 9.0}
    assert said["energy"] == {"true_wh": 0, "metered_wh": 0, "apart_percent": None, "lying_meters": 0}
    assert said["memory_mb"] > 5
    assert said["cpu_s"] > 0
    with pytest.raises(VillageError, match="--json"):
        tell(found, str(tmp_path / "nowhere" / "results.json"))


def test_percentiles_are_nearest_rank() -> None:
    assert percentile([], 0.5) is None
    assert percentile([1, 2, 3, 4], 0.5) == 3
    assert percentile([1, 2, 3, 4], 1.0) == 4


def test_meters_that_lied_are_left_out_of_the_energy_of_a_fleet() -> None:
    fleet = Village([LUETJENHOLM, LECK], None, state_dir=None)
    liar, honest = fleet[CABINET].load, fleet["leck/cabinet-1"].load
    liar.lie("1", Lie(factor=3))
    for load in (liar, honest):
        load.settle(0, {"1": 100, "2": 0})
        load.settle(HOUR, {"1": 100, "2": 0})
        load.book()
    found = energy(fleet.devices.values())
    assert found["true_wh"] == pytest.approx(80, rel=0.02)
    assert found["apart_percent"] < 0.5
    assert found["lying_meters"] == 1


def test_orders_are_counted_and_answered_within_a_time_by_the_controllers_clock() -> None:
    tally = Tally()
    core = CountedCore(tally, {"outputs": DIMMER, "demo": True}, None, 0)
    core.on_time(json.dumps({"at": T, "speed": 10, "seq": 1}).encode(), 0)
    for n, at in ((1, T), (2, T + 500)):
        order = {"desired_n": n, "at": at, "outputs": {"1": [step(at, at + HOUR)]}}
        core.on_desired(json.dumps(order).encode(), False, 100)
        core.report(100)
    core.on_desired(b"{", False, 100)
    core.report(100)
    assert (tally.orders, tally.reports, tally.lags_ms) == (3, 3, [100.0, 50.0])


def test_a_lamp_that_goes_dark_by_wear_is_seen_at_that_moment(tmp_path: Path) -> None:
    timing = FakeTiming()
    spec = read_villages([LECK])[0]
    address = Address(spec.municipality, spec.controller, "127.0.0.1", 1, None)
    around = Surroundings(Wear("seed", failures_per_1000_h=10_000))
    device = SimDevice(spec, address, None, demo=True, timing=timing, around=around)
    device.link = Link(device, address, timing=timing)  # powered, and never connected
    device.core.on_plan(json.dumps(plan(1, [(T, 100)], ends=T + 1000 * HOUR)).encode(), False, timing.mono_ms())
    device.on_time(json.dumps({"at": T, "speed": 1, "seq": T}).encode(), timing.mono_ms())
    device.settle(timing.mono_ms())
    wait = device.load.until_failure()
    assert wait is not None
    before = device.watts()["1"]
    timing.wait(wait - 1)
    assert sum(device.load.dark(n) for n in "12") == 0
    timing.wait(3)
    assert sum(device.load.dark(n) for n in "12") == 1
    assert device.watts()["1"] < before


def shown(view: View, lines: int) -> str:
    out = Console(width=140, file=io.StringIO())
    out.print(view.picture(lines))
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue()


def test_the_view_shows_controllers_trouble_first_and_what_happened() -> None:
    scenario = parse({"name": "Two things"}, "x")
    fleet = Village([ROOT / "villages" / "glasau.toml"], None, state_dir=None, timing=FakeTiming(), scenario=scenario)
    console = Console(width=140, height=30, file=io.StringIO())
    with View(fleet, console) as view:
        fleet["glasau/lamp-50"].load.fail("1", 0)
        fleet.on_happening(Happening(3_725_000, Kind.LAMP, "glasau/lamp-50", "1", 0))
        fleet.on_happening(Happening(3_726_000, Kind.RELAY, "glasau/lamp-51", "1", WELDED))
        text = shown(view, 30)
    assert "Two things" in text
    assert "0 of 85 connected" in text
    assert "glasau/lamp-01" in text
    assert "no power" in text
    assert "1:02:05  glasau/lamp-50/1: lamp failed" in text
    assert "glasau/lamp-51/1: relay welded" in text
    assert "more" in text, "85 controllers do not fit on 30 lines"
    assert "more" not in shown(view, 200)
    assert "1 dark" in shown(view, 200)
    assert isinstance(console.file, io.StringIO)
    assert "Two things" in console.file.getvalue(), "it was shown while it lasted"


def test_the_views_clock() -> None:
    assert [clock(ms) for ms in (0, 61_000, 90_061_999)] == ["0:00:00", "0:01:01", "25:01:01"]


def test_a_made_up_village_is_as_large_as_asked_for(tmp_path: Path) -> None:
    for many, kinds in ((Many("big", 120), {1}), (Many("big", 3, lamps=40), {100})):
        file = tmp_path / "big.toml"
        file.write_text(many.text(), "utf-8")
        specs = read_villages([file])
        assert [spec.key for spec in specs] == many.keys
        assert {spec.lamps for spec in specs} == {many.lamps}
        assert {output.step for spec in specs for output in spec.outputs} == kinds
        secrets = many.credentials()
        assert list(secrets) == many.keys
        assert len(set(secrets.values())) == many.controllers
        assert all(len(bytes.fromhex(secret)) == 32 for secret in secrets.values())
    with pytest.raises(ValueError, match="lamps is 0"):
        Many("big", 1, lamps=0)
