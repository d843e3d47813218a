"""How many lamps are dark, by the watts that are missing; never without its uncertainty."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from service.domain.dimming import share
from service.domain.inventory import Output

METER = 0.01
"""A meter's own error, of each reading."""
DRIFT = 0.005
"""By how much the draw of sound lamps moves with voltage and warmth."""
DIMMED = 0.05
"""How far the dimming law may be wrong below level 100."""
NOMINAL = 0.10
"""How far lamps may be from their nominal watts, where nothing was commissioned."""
SPREAD = 0.055
"""How far a lamp may be from its share of the watts of all: each lamp by 2 %, and the meter that told the sum."""
STANDBY_W = 1.0
"""What a dark lamp's driver may still draw, and what no meter tells for sure."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What lamps should draw together: their watts one by one, and by how much the sum may be wrong, in W.

    `commissioned` says whether all of it was measured once; else some watts are nominal.
    """

    lamps: tuple[float, ...] = ()
    error: float = 0.0
    commissioned: bool = True

    @property
    def watts(self) -> float:
        """What they should draw together, in W."""
        return sum(self.lamps)

    def slack(self, measured: float) -> float:
        """By how much a meter may differ from it while all lamps are sound, in W."""
        return self.error + METER * (abs(measured) + self.watts) + STANDBY_W


def expect(output: Output, level: int, baseline: float | None, lamps: Sequence[float] = ()) -> Expected:
    """What an output should draw at a level, in W.

    By its `baseline`, the W at level 100 when it was commissioned, or else by its nominal watts; lamp by lamp in
    proportion to `lamps`.
    """
    full = output.watts if baseline is None else baseline
    watts = full * share(level)
    parts = lamps if lamps and sum(lamps) > 0 else (1.0,) * max(output.lamps, 1)
    unsure = DRIFT if baseline is not None else NOMINAL
    dimmed = DIMMED if 0 < level < 100 else 0.0
    return Expected(tuple(watts * part / sum(parts) for part in parts), watts * (unsure + dimmed), baseline is not None)


def added(parts: Iterable[Expected]) -> Expected:
    """What several outputs on one meter should draw together."""
    parts = tuple(parts)
    lamps = tuple(lamp for part in parts for lamp in part.lamps)
    return Expected(lamps, sum(part.error for part in parts), all(part.commissioned for part in parts))


@dataclass(frozen=True, slots=True)
class Estimate:
    """Dark lamps by missing watts: most likely `dark`, surely between `least` and `most`.

    Where `least` is above `most`, no whole number of dark lamps explains what is missing.
    """

    dark: int
    least: int
    most: int


def estimate(expected: Expected, measured: float) -> Estimate:
    """How many of the lamps that should draw `expected` are dark, where the meter says `measured` W."""
    missing, slack = expected.watts - measured, expected.slack(measured)
    small_first = sorted(expected.lamps)
    least_loss = [0.0, *accumulate(max(lamp * (1 - SPREAD) - STANDBY_W, lamp / 2) for lamp in small_first)]
    most_loss = [0.0, *accumulate(lamp * (1 + SPREAD) for lamp in reversed(small_first))]
    least = next((k for k, loss in enumerate(most_loss) if loss >= missing - slack), len(small_first))
    most = max((k for k, loss in enumerate(least_loss) if loss <= missing + slack), default=0)
    mean = expected.watts / len(small_first) if small_first else 0.0
    dark = math.floor(missing / mean + 0.5) if mean > 0 else 0
    return Estimate(min(max(dark, least, 0), max(most, least), len(small_first)), least, most)
