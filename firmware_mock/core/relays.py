"""An output: its levels, and how often its relay and lamps may be switched."""

MOST_ON_S = 180
"""The longest `min_on_s`: a relay needs seconds, and nobody's light should burn for its sake."""
MOST_OFF_S = 300
MOST_RESTRIKE_S = 900
"""A metal halide lamp that is hot needs up to a quarter of an hour before it strikes again."""
MOST_STAGGER_MS = 10000
_FAR = 1 << 60


def _whole(config: dict[str, object], n: str, name: str, most: int) -> int:
    value = config.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"output {n}: {name} is no whole number from 0 to {most}")
    return value


class Output:
    """One switchable feed. A relay has step 100; `safety` counts until a plan says otherwise.

    `level` and `cause` are what it physically gives. Its config may have `min_on_s`, `min_off_s` (shortest stretches
    between switching), `restrike_s` (pause after switch-off, for discharge lamps) and `stagger_ms` (the first
    switch-on after power returned comes so long after that, and after the last switch-on of another output).
    ValueError where one of these is out of its range.
    """

    def __init__(self, n: str, config: dict) -> None:  # type: ignore[type-arg] # MicroPython has no Any to say it with
        self.least = int(config.get("min", 0))
        self.most = int(config.get("max", 100))
        self.step = int(config.get("step", 1))
        self.safety = bool(config.get("safety", False))
        self.level = 0
        self.cause = "schedule"
        self._min_on = _whole(config, n, "min_on_s", MOST_ON_S) * 1000
        rest = max(_whole(config, n, "min_off_s", MOST_OFF_S), _whole(config, n, "restrike_s", MOST_RESTRIKE_S))
        self._rest = rest * 1000
        self._stagger = _whole(config, n, "stagger_ms", MOST_STAGGER_MS)
        self._fresh = True
        # Power-on counts as the last switch-off: how long the lamp had no power before nobody knows.
        self.switched = 0

    def keeps(self, level: int) -> int:
        """The level that it takes when told `level`: never darker than asked, 0 stays 0."""
        if level <= 0:
            return 0
        return min(max(-(-level // self.step) * self.step, self.least), self.most)

    def under(self, level: int, cap: int) -> int:
        """The level that it takes when told `level` and not allowed more than `cap`; 0 where it can only give more."""
        given = self.keeps(level)
        if given <= cap:
            return given
        below = min(cap // self.step * self.step, self.most)
        return below if below >= max(self.least, 1) else 0

    def follow(self, level: int, cause: str, run: int, last_on: int) -> int:
        """Take a level as soon as relay and lamps allow; at once for a lock. Answers the milliseconds until then.

        `run` is the pole's running time, `last_on` when it last switched any output on (ms).
        """
        wait = self._wait(level, cause, run, last_on)
        if wait > 0:
            # Held on, it gives what it gave, for the reason that it had. Held off, nothing lights it yet.
            if not self.level:
                self.cause = "schedule"
            return wait
        if (level > 0) != (self.level > 0):
            self.switched = run
            self._fresh = self._fresh and not level
        self.level, self.cause = level, cause
        return _FAR

    def _wait(self, level: int, cause: str, run: int, last_on: int) -> int:
        if level > 0 and not self.level:
            ready = self.switched + self._rest
            if self._fresh:
                ready = max(ready, self._stagger, last_on + self._stagger)
            return ready - run
        if self.level and not level and cause != "lock":
            return self.switched + self._min_on - run
        return 0
