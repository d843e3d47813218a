"""What a village tells its controllers, and wants to hear from them."""

from collections.abc import Callable
from dataclasses import dataclass

from device_sim.lamps import NO_WEAR, Wear


def _nobody(*about: object) -> None:
    """Nobody wants to hear it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`heard` takes the moment (ms since 1970) and the speed that a controller was told, `settled` is called when its
    levels or its power may have changed."""

    wear: Wear = NO_WEAR
    heard: Callable[[int, float], None] = _nobody
    settled: Callable[[], None] = _nobody


ALONE = Surroundings()
