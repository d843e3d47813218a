"""What happens when: the same in every run of a seed, in order, and at its moment whatever the machine does."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from device_sim.happenings import Happening, Kind, happenings
from device_sim.line_faults import LineFaults
from device_sim.packets import PacketError, Packets
from device_sim.scenario import LampFailure, Net, Outage, Scenario, Span, StuckRelay, read_scenario
from device_sim.script import Script
from device_sim.timings import DriftingTiming
from device_sim.villages import ControllerSpec, VillageError, read_villages
from tests.support.fake_timing import FakeTiming

ROOT = Path(__file__).parents[2]
HOUR = 3_600_000
BAD_WEEK = ROOT / "villages" / "scenarios" / "bad-week.toml"


def demo() -> list[ControllerSpec]:
    return read_villages([ROOT / "villages" / "luetjenholm.toml", ROOT / "villages" / "glasau.toml"])


def week(seed: int) -> list[Happening]:
    stream = happenings(read_scenario(BAD_WEEK), demo(), seed)
    return list(itertools.takewhile(lambda happening: happening.at_ms < 168 * HOUR, stream))


def test_the_same_seed_brings_the_same_week_and_another_seed_another_one() -> None:
    first, again, other = week(7), week(7), week(8)
    assert first == again != other
    assert [happening.at_ms for happening in first] == sorted(happening.at_ms for happening in first)
    drops = [happening for happening in first if happening.kind is Kind.DROP and happening.at_ms != 36 * HOUR]
    assert 200 < len(drops) < 600, "nine controllers, six a day, seven days: 378 are expected"


def test_a_storm_takes_all_at_once_and_a_cut_gives_back_what_it_took() -> None:
    found = week(7)
    assert len([h for h in found if h.at_ms == 36 * HOUR and h.kind is Kind.DROP]) >= 86
    power = [(h.at_ms, h.value) for h in found if h.kind is Kind.POWER and h.key == "glasau/lamp-21"]
    assert power == [(24 * HOUR, False), (24 * HOUR + HOUR // 2, True)]


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"lamps": (LampFailure("glasau/nobody", 0),)}, "lamp_failure: lamp: there is no glasau/nobody"),
        ({"relays": (StuckRelay("glasau/lamp-01/2", "open", Span(0)),)}, "stuck_relay: output: there is no"),
        ({"power_cuts": (Outage("", "glasau/lamp-01/1", Span(0)),)}, "nothing hangs behind glasau/lamp-01/1"),
        ({"storms": (Outage("nowhere/*", None, Span(0)),)}, "nowhere/* fits no controller"),
    ],
)
def test_a_scenario_that_names_what_is_not_there_is_refused_before_it_begins(
    more: dict[str, object], named: str
) -> None:
    with pytest.raises(VillageError) as refused:
        happenings(replace(Scenario(), **more), demo(), 1)  # type: ignore[arg-type] # fields by name
    assert named in str(refused.value)


def played(hours: int, late_ms: float, moves: Callable[[Script, FakeTiming], None]) -> list[Happening]:
    """What a script plays while the test moves the time."""
    timing = FakeTiming()
    done: list[Happening] = []
    script = Script(happenings(read_scenario(BAD_WEEK), demo(), 7), done.append, timing)
    script.start()
    moves(script, timing)
    timing.wait(hours * HOUR, late_ms)
    script.stop()
    return done


def test_a_busy_machine_changes_nothing_in_what_is_played() -> None:
    calm = played(48, 0, lambda script, timing: None)
    busy = played(48, 700, lambda script, timing: None)
    assert calm == [happening for happening in week(7) if happening.at_ms <= 48 * HOUR]
    assert busy[: len(calm)] == calm[: len(busy)]
    assert len(calm) - len(busy) <= 1, "the last one may still be late"


def test_everything_happens_at_its_moment_by_the_demos_clock() -> None:
    timing = FakeTiming()
    moments: list[tuple[int, int]] = []
    script = Script(
        iter([Happening(HOUR, Kind.DROP, "a"), Happening(5 * HOUR, Kind.DROP, "b")]),
        lambda happening: moments.append((happening.at_ms, timing.mono_ms())),
        timing,
    )
    began = timing.mono_ms()
    script.start()
    script.heard(1_000_000, 60)
    timing.wait(59_999)
    assert moments == []
    timing.wait(1)
    assert moments == [(HOUR, began + 60_000)]
    script.heard(1_000_000 + 5 * HOUR, 60)  # the demo's clock was moved forward by four hours
    assert moments[1:] == [(5 * HOUR, began + 60_000)]
    assert script.now_ms == 5 * HOUR


def test_a_stopped_script_plays_nothing_more() -> None:
    timing = FakeTiming()
    done: list[Happening] = []
    script = Script(iter([Happening(10, Kind.DROP, "a"), Happening(20, Kind.DROP, "a")]), done.append, timing)
    script.start()
    timing.wait(10)
    script.stop()
    timing.wait(1000)
    assert [happening.at_ms for happening in done] == [10]


def test_the_nth_message_meets_the_same_fate_in_every_run() -> None:
    net = Net(median_ms=80, p99_ms=900, loss=0.01, duplicates=0.05)
    first, again = LineFaults(net, "1/m/c/up"), LineFaults(net, "1/m/c/up")
    fates = [first.next() for _ in range(20_000)]
    assert fates == [again.next() for _ in range(20_000)]
    assert fates != [LineFaults(net, "1/m/c/down").next() for _ in range(20_000)]
    delays = sorted(fate.delay_ms for fate in fates)
    assert delays[10_000] == pytest.approx(80, rel=0.05)
    assert delays[19_800] == pytest.approx(900, rel=0.1)
    assert sum(fate.lost for fate in fates) == pytest.approx(200, rel=0.25)
    assert sum(fate.twice for fate in fates) == pytest.approx(1000, rel=0.1)


def test_packets_are_cut_where_they_end_however_they_arrive() -> None:
    ping, message = b"\xc0\x00", b"\x30\x80\x01" + b"x" * 128
    stream = ping + message + ping
    for size in (1, 2, 3, 50, len(stream)):
        packets = Packets()
        found = [p for i in range(0, len(stream), size) for p in packets.feed(stream[i : i + size])]
        assert found == [ping, message, ping]
    with pytest.raises(PacketError):
        Packets().feed(b"\x30\xff\xff\xff\xff\xff")


def test_a_quartz_that_runs_fast_sees_more_time_and_its_timers_come_early() -> None:
    timing = FakeTiming(0)
    fast = DriftingTiming(timing, 100_000)
    rung: list[int] = []
    fast.call_later(1100, lambda: rung.append(timing.mono_ms()))
    timing.wait(2000)
    assert fast.mono_ms() == 2200
    assert rung == [1000]
