"""Reading tables of a TOML document so that every complaint names file and field."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, overload

from device_sim.villages import VillageError

_UNITS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)")
_LONGEST_MS = 3650 * 86_400_000
_PLACE = re.compile(r"[a-z0-9-]{1,64}")


class Fields:
    """One table. `done` refuses what nobody asked for: a typing error would pass unseen otherwise."""

    def __init__(self, holder: Mapping[str, Any], where: str) -> None:
        self._holder = holder
        self._where = where
        self._asked: set[str] = {"note"}
        self._parts: list[Fields] = []

    def wrong(self, name: str, why: str) -> VillageError:
        """The error for a field."""
        return VillageError(f"{self._where}: {name} {why}")

    def has(self, name: str) -> bool:
        """Whether the field is there."""
        return name in self._holder

    def _get(self, name: str) -> Any:
        self._asked.add(name)
        return self._holder.get(name)

    def text(self, name: str, default: str) -> str:
        """A text that is not empty."""
        value = self._get(name)
        if value is None:
            return default
        if not isinstance(value, str) or not value:
            raise self.wrong(name, "is no text")
        return value

    def word(self, name: str, allowed: Sequence[str]) -> str:
        """One of the allowed words."""
        value = self._get(name)
        if value not in allowed:
            raise self.wrong(name, f"is {value!r}; {' or '.join(allowed)} is expected")
        return str(value)

    def truth(self, name: str) -> bool:
        """True, or not there."""
        value = self._get(name)
        if value not in (None, True) or (value == 1 and not isinstance(value, bool)):
            raise self.wrong(name, "can only be true; leave it out otherwise")
        return value is True

    def place(self, name: str, levels: int) -> str:
        """A name of so many ids, parted by strokes."""
        value = self._get(name)
        form = "municipality/lamp" if levels == 2 else "municipality/controller/number"
        if (
            not isinstance(value, str)
            or len(value.split("/")) != levels
            or not all(map(_PLACE.fullmatch, value.split("/")))
        ):
            raise self.wrong(name, f"is {value!r}; {form} is expected")
        return value

    @overload
    def whole(self, name: str, low: int, high: int, default: None) -> int | None: ...
    @overload
    def whole(self, name: str, low: int, high: int, default: int) -> int: ...
    def whole(self, name: str, low: int, high: int, default: int | None) -> int | None:
        """A whole number."""
        value = self._get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.wrong(name, f"is {value!r}; a whole number from {low} to {high} is expected")
        return value

    def number(self, name: str, low: float, high: float, default: float) -> float:
        """A number."""
        value = self._get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise self.wrong(name, f"is {value!r}; a number from {low:g} to {high:g} is expected")
        return float(value)

    def pair(self, name: str, low: int, high: int) -> tuple[int, int]:
        """Two whole numbers, the lower first; one stands for both, none for zero."""
        value = self._get(name)
        if value is None:
            return 0, 0
        both = value if isinstance(value, list) else [value, value]
        fine = len(both) == 2 and all(isinstance(v, int) and not isinstance(v, bool) and low <= v <= high for v in both)
        if not fine or both[0] > both[1]:
            raise self.wrong(name, f"is {value!r}; [lowest, highest] from {low} to {high} is expected")
        return both[0], both[1]

    @overload
    def duration(self, name: str) -> int: ...
    @overload
    def duration(self, name: str, default: None) -> int | None: ...
    def duration(self, name: str, default: object = ...) -> int | None:
        """Seconds as a number, or a text as "90 s", "15 min", "2 h", "1 d"; in milliseconds."""
        value = self._get(name)
        if value is None and default is None:
            return None
        parts = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if parts is not None:
            ms = float(parts[1]) * _UNITS[parts[2]]
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            ms = value * 1000.0
        else:
            raise self.wrong(name, f'is {value!r}; seconds, or a text like "90 s", "15 min", "2 h", "1 d" is expected')
        if not 0 <= ms <= _LONGEST_MS:
            raise self.wrong(name, f"is {value!r}; it must lie between 0 and ten years")
        return round(ms)

    def table(self, name: str) -> "Fields":
        """A table in this one; empty where it is not there."""
        value = self._get(name)
        if value is not None and not isinstance(value, dict):
            raise self.wrong(name, f"is no table; write [{name}]")
        return Fields(value or {}, f"{self._where}: {name}")

    def tables(self, name: str) -> list["Fields"]:
        """The entries of an array of tables."""
        value = self._get(name)
        if value is not None and not (isinstance(value, list) and all(isinstance(entry, dict) for entry in value)):
            raise self.wrong(name, f"is no list of tables; write [[{name}]]")
        found = [Fields(entry, f"{self._where}: {name}[{i}]") for i, entry in enumerate(value or [])]
        self._parts += found
        return found

    def done(self) -> None:
        """Refuse fields, here and in the entries, that nobody asked for."""
        unknown = sorted(set(self._holder) - self._asked)
        if unknown:
            raise self.wrong(unknown[0], f"is not known here; known are {', '.join(sorted(self._asked))}")
        for part in self._parts:
            part.done()
