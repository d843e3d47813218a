"""Push-buttons: presses that wait for the service's answer, and the light that the pole gives where none comes."""

from firmware_mock.core.clock import PoleClock
from firmware_mock.core.planning import Planner
from firmware_mock.core.relays import Output

ANSWER_MS = 2000
"""How long the service has time to answer a press, in real milliseconds."""
_FAR = 1 << 60


class _Press:
    """A press that nobody has answered yet: its event, the last order's counter then, and since when it waits."""

    def __init__(self, event: dict[str, object], desired_n: int, mono_ms: int) -> None:
        self.event = event
        self.desired_n = desired_n
        self.since = mono_ms


class Buttons:
    """The presses of one controller's buttons and the light that they bought, by output number.

    Light ends on the pole's own running time, which no jump of the clock moves.
    """

    def __init__(self) -> None:
        self._waiting = {}  # type: dict[str, _Press]
        self._until = {}  # type: dict[str, int]

    def waits(self, n: str) -> bool:
        """Whether a press of this button waits for its answer: another one until then is the same press."""
        return n in self._waiting

    def press(self, n: str, event: dict[str, object], desired_n: int, mono_ms: int) -> None:
        """Wait for a live order with a counter above `desired_n`."""
        self._waiting[n] = _Press(event, desired_n, mono_ms)

    def answered(self, desired_n: int) -> None:
        """A live order came: it answers the presses before it, with light or with none."""
        self._waiting = {n: press for n, press in self._waiting.items() if press.desired_n >= desired_n}

    def unanswered(self, connected: bool, mono_ms: int) -> list[tuple[str, dict[str, object]]]:
        """The presses that the pole must serve now: waited for long enough, or there is nobody to wait for."""
        due = [n for n, p in self._waiting.items() if not connected or mono_ms - p.since >= ANSWER_MS]
        return [(n, self._waiting.pop(n).event) for n in due]

    def wait(self, mono_ms: int) -> int:
        """Real milliseconds until a press is unanswered."""
        return min([max(1, p.since + ANSWER_MS - mono_ms) for p in self._waiting.values()] or [_FAR])

    def light(self, n: str, output: Output, planner: Planner | None, clock: PoleClock, mono_ms: int) -> bool:
        """Light an output from now on for as long as the plan says; False where it lets no press light it now."""
        if planner is None:
            return False
        before = self._until.get(n, 0)
        self._until[n] = clock.run(mono_ms) + planner.plan.press_ms
        if self.level(n, output, planner, clock, mono_ms)[0] > 0:
            return True
        self._until[n] = before
        return False

    def level(self, n: str, output: Output, planner: Planner | None, clock: PoleClock, mono_ms: int) -> tuple[int, int]:
        """The level that presses light an output at now, and the pole's milliseconds for which that may hold."""
        left = self._until.get(n, 0) - clock.run(mono_ms)
        if left <= 0 or planner is None or n not in planner.plan.outputs:
            return 0, _FAR
        most, holds = planner.button(planner.plan.outputs[n], clock.now(mono_ms) if clock.valid else None)
        return output.under(planner.plan.press_level, most), min(left, holds)
