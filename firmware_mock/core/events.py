"""What the controller tells besides its reports: events with ids given once, kept until the service has them."""

MOST_KEPT = 16
"""How many events wait at most; of more, the oldest are lost, presses before the last word on anything else."""
ASKING_MS = 30000
"""How long a press of a button still asks for light, in real milliseconds: the service refuses an older one."""

STEADY_MS = 5000
"""A service that was there for so long after the broker had an event has taken it."""

_SIGNALS = ("door", "local_override", "fault")
_CODES = ("lampFailure", "relayFailure", "supplyLoss", "circuitBreakerTripped")


def signal(kind: str, on: bool, code: str | None, output: str | None) -> dict[str, object] | None:
    """The fields of a signal's event besides id, type and moment; None where there is no such signal."""
    if kind not in _SIGNALS or (code not in _CODES if kind == "fault" else code is not None):
        return None
    said = {"on": bool(on)}  # type: dict[str, object]
    if code is not None:
        said["code"] = code
    if output is not None:
        said["output"] = int(output)
    return said


class _Waiting:
    """An event to be told, or told to a broker whose service may be away. A lasting one outlives power, another one
    `ASKING_MS`."""

    def __init__(self, number: int, body: dict[str, object], lasting: bool, mono_ms: int) -> None:
        self.number = number
        self.body = body
        self.lasting = lasting
        self.since = mono_ms
        self.told = False
        self.heard = None  # type: int | None


class Outbox:
    """Events that wait to be told. `changed` says that what must survive power-off is another than before."""

    def __init__(self, boot: int, kept: object, mono_ms: int) -> None:
        self.changed = False
        self.lost = 0
        self._boot = boot
        self._count = 0
        self._number = 0
        self._waiting = []  # type: list[_Waiting]
        for body in kept if isinstance(kept, list) else []:
            if isinstance(body, dict) and isinstance(body.get("id"), str):
                self._add(body, True, mono_ms)

    def new(self, kind: str, at: int | None, session: int) -> dict[str, object]:
        """The beginnings of an event. Its id was never given before: `boot` counts restarts, and where the memory of
        them was lost, `session` goes on from what the broker had kept."""
        self._count += 1
        return {"id": f"{self._boot}-{session}-{self._count}", "type": kind, "at": at}

    def add(self, body: dict[str, object], lasting: bool, mono_ms: int) -> None:
        """Let an event wait. One with the same id, which it says more of, waits no longer."""
        self._waiting = [waiting for waiting in self._waiting if waiting.body["id"] != body["id"]]
        self._add(body, lasting, mono_ms)
        self.changed = self.changed or lasting

    def _add(self, body: dict[str, object], lasting: bool, mono_ms: int) -> None:
        self._number += 1
        self._waiting.append(_Waiting(self._number, body, lasting, mono_ms))
        while len(self._waiting) > MOST_KEPT:
            self._waiting.remove(self._least())
            self.lost += 1

    def _least(self) -> _Waiting:
        """What is given up first: the oldest, but no last word on a door, a switch or a fault while others wait."""
        last = {}  # type: dict[str, _Waiting]
        for waiting in self._waiting:
            body = waiting.body
            if body.get("type") != "button":
                last[str((body.get("type"), body.get("code"), body.get("output")))] = waiting
        words = list(last.values())
        for waiting in self._waiting:
            if waiting not in words:
                return waiting
        return self._waiting[0]

    def pending(self, mono_ms: int) -> list[tuple[int, dict[str, object]]]:
        """What is to be told, oldest first, each with a number for `acknowledged`."""
        self._waiting = [w for w in self._waiting if w.lasting or mono_ms - w.since <= ASKING_MS]
        return [(waiting.number, waiting.body) for waiting in self._waiting if not waiting.told]

    def acknowledged(self, number: int) -> None:
        """The broker has it. Whether a service was there to take it shows by what it says afterwards."""
        for waiting in self._waiting:
            if waiting.number == number:
                waiting.told = True
        self._waiting = [waiting for waiting in self._waiting if waiting.lasting or not waiting.told]

    def hear_time(self, mono_ms: int) -> None:
        """The service told the time: what was told and stays so for `STEADY_MS` is with it."""
        left = []
        for waiting in self._waiting:
            if waiting.told and waiting.heard is None:
                waiting.heard = mono_ms
            if waiting.told and waiting.heard is not None and mono_ms - waiting.heard >= STEADY_MS:
                self.changed = True
            else:
                left.append(waiting)
        self._waiting = left

    def hear_plan(self) -> None:
        """The service sent a plan, as it does when it is back: it may have missed what was told meanwhile."""
        for waiting in self._waiting:
            if waiting.told:
                self._number += 1
                waiting.number, waiting.told, waiting.heard = self._number, False, None

    def kept(self) -> list[dict[str, object]]:
        """What must survive power-off."""
        return [waiting.body for waiting in self._waiting if waiting.lasting]
