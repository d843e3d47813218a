"""The order in force: what it says of an output now, for how long, and which outputs it locks."""

from firmware_mock.core import decode
from firmware_mock.core.clock import PoleClock

_FAR = 1 << 60


class Orders:
    """The last order that was taken, when it was heard on the pole's running time, and whether it came live.

    Of an order nothing survives power-off but its locks, and these only keep a push-button from lighting.
    """

    def __init__(self, locks: object) -> None:
        self._last = None  # type: decode.Desired | None
        self._heard = 0
        self._live = False
        self._locks = {}  # type: dict[str, list[int]]
        for n, lock in locks.items() if isinstance(locks, dict) else []:
            if isinstance(lock, list) and len(lock) == 3 and all(isinstance(ms, int) for ms in lock):
                self._locks[n] = lock

    def take(self, desired: decode.Desired, run: int, live: bool) -> None:
        """Put an order in force in place of the last one."""
        last = self._last
        if last is not None and (last.n, last.at) == (desired.n, desired.at):
            live = live or self._live  # the same message again buys no more time
        else:
            self._heard = run
        self._last, self._live = desired, live
        self._locks = {}
        for n, steps in desired.outputs.items():
            locks = [step for step in steps if step.cause == "lock"]
            if locks:
                until = max([step.until for step in locks])
                self._locks[n] = [min([step.start for step in locks]), until, max(0, until - desired.at)]

    def locks(self) -> dict[str, list[int]]:
        """By output: from when and until when it is locked, and for how long at most (ms). Must survive power-off."""
        return self._locks

    def may_be_locked(self, n: str, clock: PoleClock, mono_ms: int) -> bool:
        """Whether a lock may hold an output now. Without a valid clock every lock that was heard may."""
        lock = self._locks.get(n)
        if lock is None or clock.run(mono_ms) - self._heard >= lock[2]:
            return False
        return not clock.valid or lock[0] <= clock.now(mono_ms) < lock[1]

    def steps(self, n: str, clock: PoleClock, mono_ms: int) -> tuple[list[decode.OrderStep], int]:
        """The steps in force now, and the pole's milliseconds for which that may hold.

        An order's time is the later of the valid clock and its own `at` plus what ran since it was heard. So a
        step starts at once where the pole's clock lags, and ends at the earlier of both, for good.
        """
        order = self._last
        if order is None or n not in order.outputs:
            return [], _FAR
        moment = order.at + clock.run(mono_ms) - self._heard
        if clock.valid:
            moment = max(moment, clock.now(mono_ms))
        order.outputs[n] = [step for step in order.outputs[n] if step.until > moment]
        active, wait = [], _FAR
        for step in order.outputs[n] if clock.valid or self._live else []:
            if step.start <= moment:
                active.append(step)
            wait = min(wait, (step.until if step.start <= moment else step.start) - moment)
        return active, wait


def higher(level: int, cause: str, other: int, other_cause: str) -> tuple[int, str]:
    """The one of two that rules: a lock, then the higher level, then the higher rank."""
    if "lock" in (cause, other_cause):
        return 0, "lock"
    ranked = decode.CAUSES.index(other_cause) < decode.CAUSES.index(cause)
    if other > level or (other == level > 0 and ranked):
        return other, other_cause
    return level, cause
