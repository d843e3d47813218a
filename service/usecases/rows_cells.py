"""Cells, read as ids, numbers, flags and words. ValueError says what is wrong and what to write."""

import math
import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from service.domain.inventory import ID_PATTERN
from service.domain.words import RingSign
from service.usecases.rows import shown

LONGEST_NAME = 120
LONGEST_ID = 64
MOST_WATTS = 2000

_ID = re.compile(ID_PATTERN)
_NUMBER = re.compile(r"([+-]?\d{1,20}(?:[.,]\d{1,30})?(?:[eE][+-]?\d{1,3})?)\s*(\D{0,8})", re.ASCII)
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "æ": "ae", "ø": "oe", "å": "aa", "ł": "l"})
_YES = frozenset(("yes", "y", "ja", "j", "true", "wahr", "1", "x"))
_NO = frozenset(("no", "n", "nein", "false", "falsch", "0", "-"))
_UNKNOWN = frozenset(("unknown", "unbekannt", "?"))
_KINDS = {"luminaire": "luminaire", "leuchte": "luminaire", "cabinet": "cabinet", "schaltschrank": "cabinet"}


def name(text: str) -> str:
    """One line that can be shown and printed."""
    if len(text) > LONGEST_NAME:
        raise ValueError(f"{shown(text)} has {len(text)} characters; {LONGEST_NAME} are the most")
    if not text.isprintable():
        raise ValueError(f"{shown(text)} holds line breaks or invisible characters: write one line")
    return text


@lru_cache(maxsize=65536)
def slug(text: str) -> str:
    """The id that stands for an office's own: itself where it is one, else in small letters, digits and hyphens."""
    if _ID.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", name(text).lower().translate(_UMLAUTS))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if not made:
        raise ValueError(f"{shown(text)} has no letter a to z and no digit that an id could be made of")
    if len(made) > LONGEST_ID:
        raise ValueError(f"{shown(text)} is too long for an id: {LONGEST_ID} characters are the most")
    return made


def number(text: str, units: tuple[str, ...] = ()) -> float:
    """A finite number with a decimal point or comma; one of `units` may follow it."""
    found = _NUMBER.fullmatch(text)
    value = float(found[1].replace(",", ".")) if found and found[2].casefold() in ("", *units) else math.nan
    if not math.isfinite(value):
        raise ValueError(f"{shown(text)} is no number: write it like 30.5 or 30,5, without blanks between thousands")
    return value


def watts(text: str) -> float:
    """W of a lamp."""
    value = number(text, ("w", "watt"))
    if not 0 < value <= MOST_WATTS:
        raise ValueError(f"{shown(text)} is not above 0 and at most {MOST_WATTS} W")
    return value


def degrees(most: int) -> Callable[[str], float]:
    """Degrees of latitude (most 90) or longitude (most 180) on WGS84."""

    def read(text: str) -> float:
        value = number(text, ("°",))
        if abs(value) > most:
            hint = "; these look like metres: export the positions as WGS84 (EPSG:4326)" if abs(value) > 1000 else ""
            raise ValueError(f"{shown(text)} is not between -{most} and {most} degrees{hint}")
        return value

    return read


def whole(least: int, most: int, units: tuple[str, ...] = ()) -> Callable[[str], int]:
    """A whole number within bounds."""

    def read(text: str) -> int:
        value = number(text, units)
        if not value.is_integer() or not least <= value <= most:
            raise ValueError(f"{shown(text)} is not a whole number from {least} to {most}")
        return int(value)

    return read


def flag(text: str) -> bool:
    """Yes or no."""
    word = text.casefold()
    if word not in _YES | _NO:
        raise ValueError(f"{shown(text)} is neither yes nor no: write yes, no, ja, nein, 1, 0 or x")
    return word in _YES


def ring(text: str) -> RingSign:
    """Whether a lamp bears its ring sign."""
    if text.casefold() in _UNKNOWN:
        return RingSign.UNKNOWN
    try:
        return RingSign.YES if flag(text) else RingSign.NO
    except ValueError:
        raise ValueError(f"{shown(text)} is none of yes, no and unknown") from None


def kind(text: str) -> str:
    """A controller's kind."""
    found = _KINDS.get(text.casefold())
    if found is None:
        raise ValueError(f"{shown(text)} is neither luminaire nor cabinet")
    return found


def feeder(text: str) -> tuple[str, int]:
    """The output that a controller hangs behind, written as controller/output."""
    controller, slash, n = text.rpartition("/")
    if not slash or not controller.strip():
        raise ValueError(f"{shown(text)} is no feeder: write it as controller/output, like cabinet-1/2")
    return slug(controller.strip()), whole(1, 8)(n.strip())
