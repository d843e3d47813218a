"""Claim codes: what stands on a controller's label, to be typed once. The last character checks the others."""

import hashlib
import re
from collections.abc import Sequence

ALPHABET = "34679ACDEFGHJKMNPQRTWXY"
"""Without 0 O, 1 I L, 2 Z, 5 S, 8 B and U V, which are taken for each other. 23 is prime: see `_sum`."""

RANDOM = 19
"""Random characters of a code: 85 bits."""

LENGTH = RANDOM + 1
GROUP = 4

_BETWEEN = re.compile(r"[\s\-\u2010-\u2015]+")


class CodeError(ValueError):
    """What was typed is no claim code; the sentence says why."""


def write_code(numbers: Sequence[int]) -> str:
    """The code of random numbers from 0 to 22, in groups for typing. ValueError for too few of them."""
    if len(numbers) != RANDOM:
        raise ValueError(f"a code is made of {RANDOM} numbers")
    body = "".join(ALPHABET[number] for number in numbers)
    return grouped(body + ALPHABET[-_sum(body + ALPHABET[0]) % len(ALPHABET)])


def grouped(code: str) -> str:
    """A code in groups of four."""
    return "-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP))


def read_code(typed: str) -> str:
    """A code as typed (small letters, spaces and hyphens as they come) in its one form, without groups.

    CodeError when it cannot be one, by its characters, length or check character: no code needs to be looked up.
    """
    code = _BETWEEN.sub("", typed).upper()
    if not set(code) <= set(ALPHABET):
        raise CodeError(f"a claim code is made of the characters {ALPHABET} alone")
    if len(code) != LENGTH:
        raise CodeError(f"a claim code has {LENGTH} characters, this has {len(code)}")
    if _sum(code):
        raise CodeError("this claim code was mistyped, for its check character does not fit; compare it with the label")
    return code


def digest_of(code: str) -> str:
    """What is kept of a code. A fast hash will do: codes are random and have 85 bits."""
    return hashlib.blake2b(code.encode(), digest_size=32, person=b"dorflicht-claim").hexdigest()


def _sum(code: str) -> int:
    """0 for a right code. Each place has its own weight below a prime, so one wrong character, or any two that changed
    places, give another sum."""
    return sum((LENGTH - place) * ALPHABET.index(char) for place, char in enumerate(code)) % len(ALPHABET)
