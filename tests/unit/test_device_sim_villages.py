"""Municipality files as the simulated village reads them."""

from pathlib import Path

import pytest

from device_sim.__main__ import credentials
from device_sim.villages import Feeder, VillageError, read_villages

ROOT = Path(__file__).parents[2]
GOOD = """
[municipality]
id = "m"
[[controller]]
id = "c"
outputs = [{ n = 1, step = 100 }]
meters = [{ n = 1, outputs = [1] }]
[[lamp]]
controller = "c"
output = 1
watts = 25
"""


def test_the_demo_has_117_lamps_on_86_controllers() -> None:
    specs = read_villages([ROOT / "villages" / "luetjenholm.toml", ROOT / "villages" / "glasau.toml"])
    assert (sum(spec.lamps for spec in specs), len(specs)) == (117, 86)
    assert all(spec.meters for spec in specs)


def test_one_safety_lamp_makes_its_output_a_safety_output() -> None:
    (cabinet,) = read_villages([ROOT / "tests" / "fixtures" / "leck.toml"])
    assert [(output.n, output.safety, output.step) for output in cabinet.outputs] == [
        ("1", False, 100),
        ("2", True, 100),
    ]
    assert cabinet.meters[0].outputs == ("1", "2")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('id = "m"', "id = 1", "municipality: id"),
        ("n = 1, step = 100", "n = 9", "outputs[0]: n"),
        ("n = 1, step = 100", "n = 1, step = 0", "outputs[0]: step"),
        ("{ n = 1, step = 100 }", "{ n = 1 }, { n = 1 }", "outputs"),
        ("[{ n = 1, step = 100 }]", "[]", "outputs"),
        ("outputs = [1]", "outputs = [2]", "meters[0]: outputs"),
        ("watts = 25", "watts = 0", "lamp[0]: watts"),
        ("watts = 25", "", "lamp[0]: watts"),
        ("output = 1", "output = 2", "output 2 of c"),
        ("[municipality]", "[municipality", "line 2"),
        ("n = 1, step = 100", 'n = 1, button = "yes"', "outputs[0]: button"),
        ("meters =", 'feeder = { controller = "c" }\nmeters =', "feeder: output"),
        ("meters =", 'feeder = { controller = "d", output = 1 }\nmeters =', "feeder: there is no output 1 of d"),
        ("meters =", 'feeder = { controller = "c", output = 1 }\nmeters =', "feeder: c hangs behind a feeder itself"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_name_of_the_field(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    file = tmp_path / "village.toml"
    file.write_text(GOOD, "utf-8")
    assert read_villages([file])[0].key == "m/c"
    assert old in GOOD
    file.write_text(GOOD.replace(old, new, 1), "utf-8")
    with pytest.raises(VillageError) as refused:
        read_villages([file])
    assert named in str(refused.value)
    assert str(file) in str(refused.value)


def test_a_controller_may_hang_behind_another_ones_output_and_an_output_may_have_a_button(tmp_path: Path) -> None:
    file = tmp_path / "village.toml"
    text = GOOD.replace("step = 100", "step = 100, button = true")
    file.write_text(
        text + '[[controller]]\nid = "d"\noutputs = [{ n = 1 }]\nfeeder = { controller = "c", output = 1 }\n'
    )
    cabinet, lamp = read_villages([file])
    assert (cabinet.feeder, lamp.feeder) == (None, Feeder("c", "1"))
    assert (cabinet.outputs[0].button, lamp.outputs[0].button) == (True, False)


def test_a_controller_described_twice_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    file = ROOT / "tests" / "fixtures" / "leck.toml"
    with pytest.raises(VillageError, match="leck/cabinet-1"):
        read_villages([file, file])
    with pytest.raises(VillageError, match=r"none\.toml"):
        read_villages([tmp_path / "none.toml"])


@pytest.mark.parametrize("text", ["{", "[]", '{"m/c": 1}'])
def test_credentials_that_cannot_be_used_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "credentials.json"
    file.write_text(text, "utf-8")
    with pytest.raises(VillageError, match=r"credentials\.json"):
        credentials(file)
