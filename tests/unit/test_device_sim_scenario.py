"""Scenario files: what they may say, and that every complaint names file and field."""

from pathlib import Path

import pytest

from device_sim.lamps import WELDED
from device_sim.meters import Lie
from device_sim.scenario import Net, Span, read_scenario
from device_sim.villages import VillageError

ROOT = Path(__file__).parents[2]
GOOD = """
name = "All of it"
seed = 9
[lamps]
failures_per_1000_h = 2.5
[clocks]
drift_ppm = [-40, 40]
[[net]]
controllers = "m/*"
median_ms = 80
p99_ms = 900
loss = 0.01
duplicates = 0.02
drops_per_day = 4
[[lamp_failure]]
lamp = "m/l-1"
at = "90 s"
[[stuck_relay]]
output = "m/c/1"
how = "welded"
at = "1 h"
for = "30 min"
[[bad_meter]]
meter = "m/c/1"
factor = 1.2
offset_w = 5
at = 0
[[bad_meter]]
meter = "m/c/1"
resets = true
at = "1.5 d"
[[power_cut]]
feeder = "m/c/1"
at = "500 ms"
for = 60
[[supply_loss]]
at = 1
[[network_cut]]
controllers = "m/c"
at = 1
for = 2
[[storm]]
at = 7
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "scenario.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_scenario_says_what_goes_wrong(tmp_path: Path) -> None:
    found = read_scenario(write(tmp_path, GOOD))
    assert (found.name, found.seed, found.failures_per_1000_h, found.drift_ppm) == ("All of it", 9, 2.5, (-40, 40))
    assert found.nets == (Net("m/*", 80, 900, 0.01, 0.02, 4),)
    assert [(failure.lamp, failure.at_ms) for failure in found.lamps] == [("m/l-1", 90_000)]
    (relay,) = found.relays
    assert (relay.output, relay.how, relay.span) == ("m/c/1", WELDED, Span(3_600_000, 1_800_000))
    assert [bad.lie for bad in found.meters] == [Lie(1.2, 5000), None]
    assert found.meters[1].span == Span(129_600_000)
    assert (found.power_cuts[0].feeder, found.power_cuts[0].span) == ("m/c/1", Span(500, 60_000))
    assert found.supply_losses[0].controllers == found.storms[0].controllers == "*"
    assert found.network_cuts[0].span == Span(1000, 2000)


def test_the_examples_can_be_read_and_an_empty_file_lets_nothing_go_wrong(tmp_path: Path) -> None:
    examples = sorted((ROOT / "villages" / "scenarios").glob("*.toml"))
    assert len(examples) >= 3
    for file in examples:
        assert read_scenario(file).name != file.stem, f"{file} has no name of its own"
    empty = read_scenario(write(tmp_path, ""))
    assert (empty.lamps, empty.nets, empty.storms) == ((), (), ())
    assert not empty.has_bad_line("m/c")


def test_the_first_way_that_fits_counts_and_only_bad_ways_hold_messages_back(tmp_path: Path) -> None:
    text = '[[net]]\ncontrollers = "m/a*"\ndrops_per_day = 1\n[[net]]\ncontrollers = "m/*"\nmedian_ms = 5\n'
    found = read_scenario(write(tmp_path, text))
    assert found.net("m/a-1").drops_per_day == 1
    assert found.net("m/b-1").median_ms == 5
    assert [found.has_bad_line(key) for key in ("m/a-1", "m/b-1", "other/c")] == [False, True, False]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("seed = 9", "seed = -1", "seed is -1"),
        ("seed = 9", "sed = 9", "sed is not known here"),
        ("failures_per_1000_h = 2.5", 'failures_per_1000_h = "many"', "lamps: failures_per_1000_h"),
        ("failures_per_1000_h = 2.5", "failures = 2.5", "lamps: failures is not known"),
        ("drift_ppm = [-40, 40]", "drift_ppm = [40, -40]", "clocks: drift_ppm"),
        ("[lamps]", "[[lamps]]", "lamps is no table"),
        ("[[storm]]", "[storm]", "storm is no list of tables"),
        ("p99_ms = 900", "p99_ms = 9", "net[0]: p99_ms"),
        ("loss = 0.01", "loss = 1.01", "net[0]: loss"),
        ('lamp = "m/l-1"', 'lamp = "l-1"', "lamp_failure[0]: lamp"),
        ('at = "90 s"', 'at = "90 sec"', "lamp_failure[0]: at"),
        ('at = "90 s"', "", "lamp_failure[0]: at"),
        ('at = "90 s"', "at = -1", "lamp_failure[0]: at"),
        ('how = "welded"', 'how = "shut"', "stuck_relay[0]: how is 'shut'; welded or open"),
        ("factor = 1.2\noffset_w = 5", "", "bad_meter[0]: meter needs factor"),
        ("resets = true", "resets = true\nfrozen = true", "bad_meter[1]: meter needs"),
        ("resets = true", "resets = false", "bad_meter[1]: resets"),
        ('feeder = "m/c/1"', 'feeder = "m/c/1"\ncontrollers = "m/c"', "power_cut[0]: feeder"),
        ("[[storm]]\nat = 7", "[[storm]]\nat = 7\nfor = 1", "storm[0]: for is not known"),
        ("[clocks]", "[clocks", "line 6"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name_of_the_field(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    assert GOOD.count(old) == 1
    file = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(VillageError) as refused:
        read_scenario(file)
    assert named in str(refused.value)
    assert str(file) in str(refused.value)
