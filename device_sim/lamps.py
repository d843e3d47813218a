"""Modelled lamps, relays and mains. Energy is kept as whole milliwatt-milliseconds: nothing is lost to rounding."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from device_sim.meters import MWMS_PER_MWH, Lie, Meter
from device_sim.villages import ControllerSpec, OutputSpec

INRUSH_MS = 100
"""How long a lamp that was off draws half as much again after it is switched on."""
WELDED, OPEN = "welded", "open"
_DAY_MS = 86_400_000
_NEVER = 1 << 60
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Wear:
    """What a scenario makes of a load: `failures_per_1000_h` of each lamp per 1000 hours in which it burnt, and
    `drift_ppm`, by which the pole's clock runs fast. `seed` decides which lamp fails when."""

    seed: str = ""
    failures_per_1000_h: float = 0.0
    drift_ppm: int = 0


NO_WEAR = Wear()


class _Feed:
    """One output: its lamps, its relay, and what they really drew (`true`)."""

    __slots__ = ("burn", "dark", "inrush_left", "level", "lit", "lives", "mw", "said", "stuck", "true")

    def __init__(self, spec: OutputSpec, rng: random.Random, burn: int) -> None:
        self.mw = [round(watts * 1000 * rng.uniform(0.98, 1.02)) for watts in spec.lamps]
        self.dark: set[int] = set()
        self.lives: list[tuple[int, int]] = []
        self.said = self.level = 0
        self.stuck: str | None = None
        self.inrush_left = 0
        self.burn = burn
        self.lit = 0
        self.true = 0

    def gives(self, said: int, supplied: bool) -> int:
        """The level that is really there when the controller says `said`."""
        if not supplied or self.stuck == OPEN:
            return 0
        return 100 if self.stuck == WELDED else said

    def draws_mw(self) -> int:
        """What it draws now, inrush left out."""
        full = sum(mw for i, mw in enumerate(self.mw) if i not in self.dark)
        return full * (800 + 92 * self.level) // 10_000 if self.level else 0

    def until_failure(self) -> int:
        """Milliseconds of light until the next of its lamps goes dark by wear."""
        return self.lives[-1][0] - self.lit if self.lives else _NEVER

    def burns(self, passed: int) -> int:
        """Let it burn at its level for `passed` ms, lamps going dark in between; what was drawn."""
        drawn, left = 0, passed
        while left > 0:
            stretch = min(left, max(0, self.until_failure()))
            inrush = min(stretch, self.inrush_left)
            self.inrush_left -= inrush
            mw = self.draws_mw()
            drawn += mw * stretch + mw * inrush // 2
            self.lit += stretch
            left -= stretch
            while self.until_failure() <= 0:
                self.dark.add(self.lives.pop()[1])
        return drawn


class Load:
    """The lamps, relays and meters of one controller, driven by the pole's own running time.

    An LED lamp at `level` percent draws its watts times (0.08 + 0.92 level/100), nothing at 0; its true watts lie
    within 2 % of the nominal ones, by the seed. A meter chip averages over a second: the inrush shows in
    the energy and not in the power.
    """

    def __init__(self, spec: ControllerSpec, rng: random.Random, kept: Mapping[str, Any], wear: Wear = NO_WEAR) -> None:
        burnt, energy = kept.get("burn_ms", {}), kept.get("energy", {})
        self._feeds = {output.n: _Feed(output, rng, int(burnt.get(output.n, 0))) for output in spec.outputs}
        self._phase = rng.uniform(0, 2 * math.pi)
        self._noise = rng
        self._wear = wear
        self._supplied = True
        self._stirred = False
        self._run = 0
        self.meters = {meter.n: Meter(meter.n, meter.outputs, int(energy.get(meter.n, 0))) for meter in spec.meters}
        if self._wear.failures_per_1000_h > 0:
            self._age()

    def _age(self) -> None:
        """Give every lamp its life, in milliseconds of light: the last in the list ends first."""
        rng = random.Random(self._wear.seed)  # noqa: S311 - lamps of a model, no secret
        rate = self._wear.failures_per_1000_h / (1000 * MWMS_PER_MWH)
        for feed in self._feeds.values():
            feed.lives = sorted(((int(rng.expovariate(rate)), i) for i in range(len(feed.mw))), reverse=True)

    # time

    def power_on(self) -> None:
        """Time runs from 0 again, and the controller holds all outputs off."""
        self._run = 0
        for feed in self._feeds.values():
            feed.level = 0
            self._follow(feed, 0)

    def forget_time(self, run: int) -> None:
        """Go on from running time `run` as if nothing had burned since the last call."""
        self._run = run

    def settle(self, run: int, levels: Mapping[str, int]) -> bool:
        """Meter what burned until running time `run` (ms), then take the new levels.

        Returns whether light changed since the last call, by levels or by what a scenario or wear did.
        """
        passed = max(0, run - self._run)
        self._run = max(run, self._run)
        if passed:
            for n, feed in self._feeds.items():
                self._burn(n, feed, passed)
            for meter in self.meters.values():
                meter.idle(passed)
        for n, feed in self._feeds.items():
            if feed.said != levels[n]:
                self._follow(feed, levels[n])
        stirred, self._stirred = self._stirred, False
        return stirred

    def _burn(self, n: str, feed: _Feed, passed: int) -> None:
        if feed.said:
            feed.burn += passed
        if not feed.level:
            return
        dark = len(feed.dark)
        drawn = feed.burns(passed)
        self._stirred |= len(feed.dark) != dark
        feed.true += drawn * _MILLION // (_MILLION + self._wear.drift_ppm)
        for meter in self.meters.values():
            if n in meter.outputs:
                meter.take(drawn)

    def _follow(self, feed: _Feed, said: int) -> None:
        feed.said = said
        level = feed.gives(said, self._supplied)
        if level and not feed.level:
            feed.inrush_left = INRUSH_MS
        self._stirred |= level != feed.level
        feed.level = level

    def until_failure(self) -> int | None:
        """The pole's milliseconds until a lamp goes dark by wear if all stays as it is; None where none will."""
        soon = min((f.until_failure() for f in self._feeds.values() if f.level), default=_NEVER)
        return soon if soon < _NEVER else None

    # what a scenario does to it; settle first

    def fail(self, n: str, lamp: int) -> None:
        """Let a lamp of an output go dark, for good."""
        feed = self._feeds[n]
        feed.dark.add(lamp)
        self._stirred = True
        feed.lives = [life for life in feed.lives if life[1] != lamp]

    def stick(self, n: str, how: str | None) -> None:
        """Let an output's relay stick (WELDED or OPEN), or work again (None)."""
        feed = self._feeds[n]
        feed.stuck = how
        self._follow(feed, feed.said)

    def supply(self, there: bool) -> None:
        """Take the mains from lamps and meters, or give it back. The controller goes on by its battery."""
        self._supplied = there
        for feed in self._feeds.values():
            self._follow(feed, feed.said)

    def lie(self, meter: str, lie: Lie | None) -> None:
        """Let a meter be wrong, or right again (None)."""
        found = self.meters[meter]
        found.lie(lie, self._metered_mw(found), self._volts())

    # what it says

    def gives(self, n: str, said: int) -> int:
        """The level that an output's lamps really get when the controller says `said`."""
        return self._feeds[n].gives(said, self._supplied)

    def dark(self, n: str) -> int:
        """How many lamps of an output have gone dark."""
        return len(self._feeds[n].dark)

    def power_mw(self, n: str) -> int:
        """What an output draws now, inrush left out."""
        return self._feeds[n].draws_mw()

    def _metered_mw(self, meter: Meter) -> int:
        return sum(self.power_mw(n) for n in meter.outputs)

    def readings(self) -> dict[str, dict[str, Any]]:
        """The meters as they stand in a report: W, V, and Wh with three decimals."""
        return {n: meter.reading(self._metered_mw(meter), self._volts()) for n, meter in self.meters.items()}

    def watts(self) -> dict[str, float]:
        """What each meter says its outputs draw now, in W."""
        return {n: meter.says_mw(self._metered_mw(meter)) / 1000 for n, meter in self.meters.items()}

    def book(self) -> None:
        """The meters stand in a report now: keep what was told beside what was true."""
        for meter in self.meters.values():
            meter.book(sum(self._feeds[n].true for n in meter.outputs))

    def total_mwh(self, meter: str) -> int:
        """A meter's total in whole mWh."""
        return self.meters[meter].total_mwh

    def true_mwh(self, n: str) -> int:
        """What an output's lamps have really drawn since this load was made, in whole mWh. No meter is asked."""
        return self._feeds[n].true // MWMS_PER_MWH

    def burn_s(self) -> dict[str, int]:
        """Seconds for which each output has burned, as far as its controller knows."""
        return {n: feed.burn // 1000 for n, feed in self._feeds.items()}

    def kept(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {
            "energy": {n: meter.energy for n, meter in self.meters.items()},
            "burn_ms": {n: feed.burn for n, feed in self._feeds.items()},
        }

    def _volts(self) -> float:
        if not self._supplied:
            return 0.0
        swing = 2.5 * math.sin(2 * math.pi * self._run / _DAY_MS + self._phase)
        return round(230 + swing + self._noise.uniform(-0.5, 0.5), 1)
