"""A modelled meter: what it saw, what it says, and what it should have said.

Energy is kept as whole milliwatt-milliseconds, so that nothing is lost to rounding.
"""

from dataclasses import dataclass
from typing import Any

MWMS_PER_MWH = 3_600_000


@dataclass(frozen=True, slots=True)
class Lie:
    """How a meter is wrong: power and energy times `factor`, plus `offset_mw`; `frozen` says the same for ever."""

    factor: float = 1.0
    offset_mw: int = 0
    frozen: bool = False


class Meter:
    """One cumulative meter and a book of it.

    `told_mwh` is the sum of all advances that stood in reports, over resets, `true_mwh` is what the lamps behind it
    really drew until the last of them, `honest` whether it never lied.
    """

    __slots__ = (
        "_frozen",
        "_frozen_mw",
        "_last_mwh",
        "_lie",
        "energy",
        "honest",
        "n",
        "outputs",
        "told_mwh",
        "true_mwh",
    )

    def __init__(self, n: str, outputs: tuple[str, ...], energy: int) -> None:
        self.n = n
        self.outputs = outputs
        self.energy = energy
        self.honest = True
        self.told_mwh = 0
        self.true_mwh = 0
        self._lie: Lie | None = None
        self._frozen: dict[str, Any] | None = None
        self._frozen_mw = 0
        self._last_mwh = self.total_mwh

    @property
    def total_mwh(self) -> int:
        """What it counts, in whole mWh."""
        return self.energy // MWMS_PER_MWH

    def take(self, drawn: int) -> None:
        """Count `drawn` milliwatt-milliseconds."""
        if self._lie is None:
            self.energy += drawn
        elif not self._lie.frozen:
            self.energy += int(drawn * self._lie.factor)

    def idle(self, passed: int) -> None:
        """Count what a meter with an offset counts in `passed` milliseconds without any lamp."""
        if self._lie is not None and not self._lie.frozen:
            self.energy += passed * self._lie.offset_mw

    def lie(self, lie: Lie | None, mw: int, volts: float) -> None:
        """Begin to be wrong, or be right again (None). `mw` and `volts` are true now."""
        self._frozen = None
        self._lie = None
        if lie is not None:
            self.honest = False
            self._frozen = self.reading(mw, volts) if lie.frozen else None
            self._frozen_mw = mw
            self._lie = lie

    def reset(self) -> None:
        """Begin again from zero."""
        self.energy = 0

    def reading(self, mw: int, volts: float) -> dict[str, Any]:
        """How it stands in a report: W, V, and Wh with three decimals."""
        if self._frozen is not None:
            return dict(self._frozen)
        said = self.says_mw(mw) / 1000
        return {"w": said, "v": volts, "wh_total": self.total_mwh / 1000, "outputs": list(self.outputs)}

    def says_mw(self, mw: int) -> int:
        """The power that it shows where `mw` are drawn."""
        if self._frozen is not None:
            return self._frozen_mw
        return mw if self._lie is None else int(mw * self._lie.factor) + self._lie.offset_mw

    def book(self, true_mwms: int) -> None:
        """It stands in a report now, while the lamps behind it have drawn `true_mwms` in all."""
        total = self.total_mwh
        self.told_mwh += total - self._last_mwh if total >= self._last_mwh else total
        self._last_mwh = total
        self.true_mwh = true_mwms // MWMS_PER_MWH
