"""When a meter's power has moved so far that the service should hear of it."""

MOVED_W = 5
"""Watts that a power must move by, and one part in MOVED_PART of what was told last."""
MOVED_PART = 20


def moved(told: dict[str, float], now: dict[str, float]) -> bool:
    """Whether a meter's power (W) differs from what was told last by more than 5 W and 5 %."""
    for n, watts in now.items():
        before = told.get(n, watts)
        change = abs(watts - before)
        if change > MOVED_W and change * MOVED_PART > abs(before):
            return True
    return False
