"""What shall go wrong in a village, as a TOML file says it. `villages/scenarios/` has examples with all words.

Every time in it counts from the start of the village, by the village's clock. All that is random hangs on `seed`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from device_sim.fields import Fields
from device_sim.lamps import OPEN, WELDED
from device_sim.meters import Lie
from device_sim.villages import VillageError


@dataclass(frozen=True, slots=True)
class Span:
    """From a moment on, for a while or (None) for good; in milliseconds."""

    at_ms: int
    for_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LampFailure:
    """A lamp, named municipality/lamp, goes dark for good."""

    lamp: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class StuckRelay:
    """An output, named municipality/controller/n, stays on (`welded`) or off (`open`) whatever it is told."""

    output: str
    how: str
    span: Span


@dataclass(frozen=True, slots=True)
class BadMeter:
    """A meter, named municipality/controller/n, is wrong (`lie`) or begins again from zero (no lie)."""

    meter: str
    lie: Lie | None
    span: Span


@dataclass(frozen=True, slots=True)
class Outage:
    """Controllers, by pattern, or those behind one feeder (municipality/controller/n), miss something for a while."""

    controllers: str
    feeder: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Net:
    """A slow and lossy way to the broker, for the controllers of a pattern.

    Delays (ms, each way) are spread log-normally by `median_ms` and `p99_ms`. `loss` and `duplicates` are parts of all
    messages: TCP loses none, so a lost one takes its connection along. `drops_per_day` are breaks beside that.
    """

    controllers: str = "*"
    median_ms: float = 0.0
    p99_ms: float = 0.0
    loss: float = 0.0
    duplicates: float = 0.0
    drops_per_day: float = 0.0

    @property
    def perfect(self) -> bool:
        """Whether messages pass as if it were not there."""
        return not (self.median_ms or self.p99_ms or self.loss or self.duplicates)


@dataclass(frozen=True, slots=True)
class Scenario:
    """All of it. `drift_ppm` bounds what is drawn for each controller's clock; of `nets` the first that fits counts."""

    name: str = "nothing goes wrong"
    seed: int | None = None
    failures_per_1000_h: float = 0.0
    drift_ppm: tuple[int, int] = (0, 0)
    nets: tuple[Net, ...] = ()
    lamps: tuple[LampFailure, ...] = ()
    relays: tuple[StuckRelay, ...] = ()
    meters: tuple[BadMeter, ...] = ()
    power_cuts: tuple[Outage, ...] = ()
    supply_losses: tuple[Outage, ...] = ()
    network_cuts: tuple[Outage, ...] = ()
    storms: tuple[Outage, ...] = ()

    def net(self, key: str) -> Net:
        """The way to the broker of one controller."""
        return next((net for net in self.nets if fnmatchcase(key, net.controllers)), _PERFECT)

    def has_bad_line(self, key: str) -> bool:
        """Whether something between this controller and its broker must hold messages back."""
        return not self.net(key).perfect or any(fnmatchcase(key, cut.controllers) for cut in self.network_cuts)


_PERFECT = Net()
_LIES = ("factor", "offset_w", "frozen", "resets")


def read_scenario(file: Path) -> Scenario:
    """A scenario file. VillageError with file and field where it cannot be used."""
    try:
        document = tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise VillageError(f"{file}: {error}") from error
    return parse(document, str(file))


def parse(document: Mapping[str, Any], where: str) -> Scenario:
    """A scenario from a document; `where` stands before every complaint."""
    top = Fields(document, where)
    lamps, clocks = top.table("lamps"), top.table("clocks")
    low, high = clocks.pair("drift_ppm", -100_000, 100_000)
    scenario = Scenario(
        name=top.text("name", Path(where).stem),
        seed=top.whole("seed", 0, 1 << 53, None),
        failures_per_1000_h=lamps.number("failures_per_1000_h", 0, 1_000_000, 0.0),
        drift_ppm=(low, high),
        nets=tuple(_net(entry) for entry in top.tables("net")),
        lamps=tuple(LampFailure(e.place("lamp", 2), e.duration("at")) for e in top.tables("lamp_failure")),
        relays=tuple(
            StuckRelay(e.place("output", 3), e.word("how", (WELDED, OPEN)), _span(e)) for e in top.tables("stuck_relay")
        ),
        meters=tuple(_meter(entry) for entry in top.tables("bad_meter")),
        power_cuts=tuple(_outage(entry, "feeder") for entry in top.tables("power_cut")),
        supply_losses=tuple(_outage(entry) for entry in top.tables("supply_loss")),
        network_cuts=tuple(_outage(entry) for entry in top.tables("network_cut")),
        storms=tuple(Outage(e.text("controllers", "*"), None, Span(e.duration("at"))) for e in top.tables("storm")),
    )
    for fields in (lamps, clocks):
        fields.done()
    top.done()
    return scenario


def _span(entry: Fields) -> Span:
    return Span(entry.duration("at"), entry.duration("for", None))


def _outage(entry: Fields, *also: str) -> Outage:
    """An entry that names controllers by pattern, or by what they hang behind."""
    feeder = entry.place("feeder", 3) if "feeder" in also and entry.has("feeder") else None
    if feeder is not None and entry.has("controllers"):
        raise entry.wrong("feeder", "stands beside controllers; give one of them")
    return Outage("" if feeder else entry.text("controllers", "*"), feeder, _span(entry))


def _net(entry: Fields) -> Net:
    median, p99 = entry.number("median_ms", 0, 60_000, 0.0), entry.number("p99_ms", 0, 600_000, 0.0)
    if (p99 and p99 < median) or (p99 and not median):
        raise entry.wrong("p99_ms", "needs a median_ms above 0 and not above it")
    return Net(
        entry.text("controllers", "*"),
        median,
        p99,
        entry.number("loss", 0, 1, 0.0),
        entry.number("duplicates", 0, 1, 0.0),
        entry.number("drops_per_day", 0, 86_400, 0.0),
    )


def _meter(entry: Fields) -> BadMeter:
    given = [name for name in _LIES if entry.has(name)]
    if not given or (("resets" in given or "frozen" in given) and len(given) > 1):
        raise entry.wrong("meter", "needs factor, offset_w or both, or frozen = true, or resets = true")
    resets, frozen = entry.truth("resets"), entry.truth("frozen")
    factor = entry.number("factor", 0, 1000, 1.0)
    offset = entry.number("offset_w", 0, 100_000, 0.0)
    lie = None if resets else Lie(factor, round(offset * 1000), frozen)
    return BadMeter(entry.place("meter", 3), lie, _span(entry))
