"""What becomes of the messages on a slow and lossy way: of the n-th the same in every run."""

import math
import random
from dataclasses import dataclass

from device_sim.scenario import Net

_P99 = 2.3263478740408408
"""So many standard deviations above the mean lies the 99th percentile."""


@dataclass(frozen=True, slots=True)
class Fate:
    """One message's: how long it takes, whether it (and its connection) is lost, whether it comes twice."""

    delay_ms: float
    lost: bool
    twice: bool


class LineFaults:
    """Deals them out in order, for one direction of one controller's connections. `name` is part of the seed."""

    def __init__(self, net: Net, name: str) -> None:
        self._net = net
        self._rng = random.Random(name)  # noqa: S311 - a model's line, no secret
        spread = net.p99_ms / net.median_ms if net.median_ms and net.p99_ms else 1.0
        self._sigma = math.log(spread) / _P99

    def next(self) -> Fate:
        """The next message's."""
        delay = self._net.median_ms * math.exp(self._rng.gauss(0.0, 1.0) * self._sigma)
        lost, twice = self._rng.random(), self._rng.random()
        return Fate(delay, lost < self._net.loss, twice < self._net.duplicates)
