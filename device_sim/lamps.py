"""Modelled lamps and meters. Energy is kept as whole milliwatt-milliseconds, so that nothing is lost to rounding."""

import math
import random
from collections.abc import Mapping
from typing import Any

from device_sim.villages import ControllerSpec

MWMS_PER_MWH = 3_600_000
INRUSH_MS = 100
"""How long a lamp that was off draws half as much again after it is switched on."""
_DAY_MS = 86_400_000


class Load:
    """The lamps and meters of one controller, driven by the pole's own running time.

    An LED lamp at `level` percent draws its watts times (0.08 + 0.92 level/100), nothing at 0; its true watts lie
    within 2 % of the nominal ones, by the seed. A meter chip averages over a second: the inrush shows in
    the energy and not in the power.
    """

    def __init__(self, spec: ControllerSpec, rng: random.Random, kept: Mapping[str, Any]) -> None:
        self._meters = spec.meters
        self._full_mw = {
            output.n: sum(round(watts * 1000 * rng.uniform(0.98, 1.02)) for watts in output.lamps)
            for output in spec.outputs
        }
        self._phase = rng.uniform(0, 2 * math.pi)
        self._noise = rng
        self._levels = dict.fromkeys(self._full_mw, 0)
        self._inrush_left = dict.fromkeys(self._full_mw, 0)
        self._run = 0
        self._energy = {meter.n: int(kept.get("energy", {}).get(meter.n, 0)) for meter in spec.meters}
        self._burn = {output.n: int(kept.get("burn_ms", {}).get(output.n, 0)) for output in spec.outputs}

    def power_on(self) -> None:
        """Time runs from 0 again, and all outputs are off."""
        self._run = 0
        self._levels = dict.fromkeys(self._full_mw, 0)

    def forget_time(self, run: int) -> None:
        """Go on from running time `run` as if nothing had burned since the last call."""
        self._run = run

    def settle(self, run: int, levels: Mapping[str, int]) -> None:
        """Meter what burned until running time `run` (ms), then take the new levels."""
        passed = max(0, run - self._run)
        for n, level in self._levels.items():
            if level and passed:
                inrush = min(passed, self._inrush_left[n])
                self._inrush_left[n] -= inrush
                self._burn[n] += passed
                drawn = self.power_mw(n) * passed + self.power_mw(n) * inrush // 2
                for meter in self._meters:
                    if n in meter.outputs:
                        self._energy[meter.n] += drawn
            if levels[n] and not level:
                self._inrush_left[n] = INRUSH_MS
        self._run = max(run, self._run)
        self._levels = dict(levels)

    def power_mw(self, n: str) -> int:
        """What an output draws now, inrush left out."""
        level = self._levels[n]
        return self._full_mw[n] * (800 + 92 * level) // 10_000 if level else 0

    def readings(self) -> dict[str, dict[str, Any]]:
        """The meters as they stand in a report: W, V, and Wh with three decimals."""
        return {
            meter.n: {
                "w": sum(self.power_mw(n) for n in meter.outputs) / 1000,
                "v": self._volts(),
                "wh_total": self.total_mwh(meter.n) / 1000,
                "outputs": list(meter.outputs),
            }
            for meter in self._meters
        }

    def total_mwh(self, meter: str) -> int:
        """A meter's total in whole mWh."""
        return self._energy[meter] // MWMS_PER_MWH

    def burn_s(self) -> dict[str, int]:
        """Seconds for which each output has burned."""
        return {n: ms // 1000 for n, ms in self._burn.items()}

    def kept(self) -> dict[str, Any]:
        """What must survive a restart."""
        return {"energy": self._energy, "burn_ms": self._burn}

    def _volts(self) -> float:
        swing = 2.5 * math.sin(2 * math.pi * self._run / _DAY_MS + self._phase)
        return round(230 + swing + self._noise.uniform(-0.5, 0.5), 1)
