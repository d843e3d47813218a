"""How often one controller may speak. More is dropped before it is decoded, so that one that went mad, or whose
secret leaked, keeps nobody else waiting."""

from collections import OrderedDict

from service.domain.inventory import ControllerKey

BURST = 100
"""Messages at once: a birth, eight outputs and their meters in turn, and the events kept while away are fewer."""

PER_SECOND = 10
"""Messages a second after that. A healthy controller says one or two a minute, and some at each change."""

MOST_CONTROLLERS = 20_000
"""Controllers remembered: more than one service has. The one silent for longest is forgotten first, and a forgotten
one may say BURST messages anew."""


class _Bucket:
    """What one controller may still say (reports and events; births and wills), and whether it was told of."""

    __slots__ = ("at_ms", "left", "told")

    def __init__(self, at_ms: int) -> None:
        self.at_ms = at_ms
        self.left = [float(BURST), float(BURST)]
        self.told = False


class Rates:
    """A token bucket for each controller, and a second one for its births and wills: reports without end must not hide
    that it went offline. Times are the machine's own, in milliseconds."""

    def __init__(self) -> None:
        """Nobody has said anything."""
        self._buckets: OrderedDict[ControllerKey, _Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Controllers remembered."""
        return len(self._buckets)

    def allow(self, controller: ControllerKey, now_ms: int, *, status: bool = False) -> bool:
        """Whether a message of this controller is taken at `now_ms`; if so it is counted. A clock that was set back
        gives nothing and takes nothing."""
        bucket = self._bucket(controller, now_ms)
        gained = max(0, now_ms - bucket.at_ms) * PER_SECOND / 1000
        bucket.left = [min(float(BURST), left + gained) for left in bucket.left]
        bucket.at_ms = now_ms
        if bucket.left[status] < 1:
            return False
        bucket.left[status] -= 1
        return True

    def first(self, controller: ControllerKey, now_ms: int) -> bool:
        """Whether nothing was told of this controller yet; from now on it was."""
        bucket = self._bucket(controller, now_ms)
        told, bucket.told = bucket.told, True
        return not told

    def _bucket(self, controller: ControllerKey, now_ms: int) -> _Bucket:
        bucket = self._buckets.get(controller)
        if bucket is None:
            bucket = self._buckets[controller] = _Bucket(now_ms)
            if len(self._buckets) > MOST_CONTROLLERS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(controller)
        return bucket
