"""A simulated controller's memory and its way through jumps of the demo's clock; no broker involved."""

import json
from pathlib import Path
from typing import Any

import pytest

from device_sim import SimDevice, Village, VillageError
from device_sim.device import LIVE_THROUGH_MS
from device_sim.lamps import INRUSH_MS
from device_sim.villages import read_villages
from firmware_mock.core.journal import STATE_BYTES
from firmware_mock.link import Address
from firmware_mock.timing import RealTiming
from tests.support.poles import HOUR, MINUTE, T, plan, step

LECK = Path(__file__).parents[1] / "fixtures" / "leck.toml"


class Bench(RealTiming):
    """A monotonic counter that the test moves."""

    now = 1_000

    def mono_ms(self) -> int:
        return self.now


class Bed:
    """A device on a bench; each call settles as the link does."""

    def __init__(self, folder: Path, *, demo: bool = True) -> None:
        self.bench = Bench()
        spec = read_villages([LECK])[0]
        address = Address(spec.municipality, spec.controller, "127.0.0.1", 1, None)
        self.device = SimDevice(spec, address, folder, demo=demo, timing=self.bench)
        self.seq = T

    def time(self, at: int, speed: float = 1) -> None:
        self.seq += 1
        self.device.on_time(json.dumps({"at": at, "speed": speed, "seq": self.seq}).encode(), self.bench.now)
        self.device.settle(self.bench.now)

    def plan(self, body: dict[str, Any]) -> None:
        self.device.core.on_plan(json.dumps(body).encode(), False, self.bench.now)
        self.device.settle(self.bench.now)

    def order(self, body: dict[str, Any]) -> None:
        self.device.core.on_desired(json.dumps(body).encode(), False, self.bench.now)
        self.device.settle(self.bench.now)

    @property
    def hours(self) -> float:
        """Hours for which output 1 burned."""
        return self.device.load.burn_s()["1"] / 3600


def test_a_jump_of_the_demo_clock_is_lived_through_from_change_to_change(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.plan(plan(1, [(T, 0), (T + 2 * HOUR, 100), (T + 5 * HOUR, 0), (T + 7 * HOUR, 100)]))
    bed.time(T)
    bed.order({"desired_n": 1, "at": T, "outputs": {"1": [step(T, T + 30 * MINUTE)]}})
    bed.time(T + 8 * HOUR)
    assert bed.hours == 0.5 + 3 + 1
    mw, safety_mw = bed.device.load.power_mw("1"), bed.device.load.power_mw("2")
    inrush = (3 * mw + safety_mw) * INRUSH_MS / 2 / HOUR
    assert bed.device.load.total_mwh("1") == int(4.5 * mw + 8 * safety_mw + inrush)
    assert bed.device.core.outputs["1"].level == 100


def test_of_a_very_long_jump_the_end_is_lived_through(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.plan(plan(1, [(T, 100)], ends=T + 1000 * HOUR))
    bed.time(T)
    bed.time(T + 500 * HOUR)
    assert bed.hours == LIVE_THROUGH_MS / HOUR


def test_small_steps_of_the_clock_and_jumps_outside_a_demo_add_no_energy(tmp_path: Path) -> None:
    for demo, ahead in ((True, 1_900), (False, 5 * HOUR)):
        bed = Bed(tmp_path, demo=demo)
        bed.plan(plan(1, [(T, 100)]))
        bed.time(T)
        bed.time(T + ahead)
        assert bed.hours == 0


def test_energy_runs_at_the_speed_of_the_demo(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.plan(plan(1, [(T, 100)]))
    bed.time(T, speed=600)
    bed.bench.now += MINUTE
    bed.device.settle(bed.bench.now)
    assert bed.hours == 10


def test_memory_outlives_the_process_and_the_meter_only_grows(tmp_path: Path) -> None:
    first = Bed(tmp_path)
    first.plan(plan(7, [(T, 100)]))
    first.time(T, speed=600)
    first.bench.now += MINUTE
    first.device.settle(first.bench.now)
    first.device.core.next_session()
    first.device.keep()
    again = Bed(tmp_path).device
    assert (again.core.boot, again.core.session, again.core.plan_n) == (2, 1, 7)
    assert again.load.total_mwh("1") == first.device.load.total_mwh("1") > 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["leck.cabinet-1.journal"]


@pytest.mark.parametrize("name", ["leck.cabinet-1.journal", "leck.cabinet-1.json", "leck.cabinet-1.run"])
@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_memory_that_cannot_be_read_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(VillageError, match=name):
        Bed(tmp_path)


def test_a_write_that_was_cut_short_costs_no_more_than_the_last_moment(tmp_path: Path) -> None:
    bed = Bed(tmp_path)
    bed.plan(plan(1, [(T, 100)]))
    bed.time(T)
    totals = []
    for _ in range(3):
        bed.bench.now += HOUR
        bed.device.settle(bed.bench.now)
        bed.device.keep()
        totals.append(bed.device.load.total_mwh("1"))
    file = tmp_path / "leck.cabinet-1.journal"
    assert Bed(tmp_path).device.load.total_mwh("1") == totals[2]
    whole = file.read_bytes()
    half = STATE_BYTES + 40  # inside the second slot, to which the third was written
    file.write_bytes(whole[:half] + b"{{" + whole[half + 2 :])
    assert Bed(tmp_path).device.load.total_mwh("1") == totals[1]


def test_a_memory_that_cannot_be_written_is_told_once_and_the_lamp_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bed = Bed(tmp_path / "gone")
    for _ in range(3):
        bed.device.keep()
    assert [record.getMessage().partition(" cannot")[0] for record in caplog.records] == [
        str(tmp_path / "gone" / "leck.cabinet-1.journal")
    ]


def test_a_village_without_a_credential_or_with_an_unknown_controller_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VillageError, match="leck/cabinet-1: no credential"):
        Village([LECK], {}, state_dir=tmp_path)
    with pytest.raises(VillageError, match="leck/other"):
        Village([LECK], None, state_dir=tmp_path, only="leck/other")
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(VillageError, match="file"):
        Village([LECK], None, state_dir=tmp_path / "file")
