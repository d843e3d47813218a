"""Claim codes: what is typed is read as it is meant, and slips are caught before anything is looked up."""

import math
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from service.domain.codes import ALPHABET, RANDOM, CodeError, digest_of, read_code, write_code

numbers = st.lists(st.integers(0, len(ALPHABET) - 1), min_size=RANDOM, max_size=RANDOM)


def test_a_code_has_more_than_80_random_bits_and_no_look_alikes() -> None:
    assert RANDOM * math.log2(len(ALPHABET)) > 80
    assert len(set(ALPHABET)) == len(ALPHABET)
    assert not set(ALPHABET) & set("0O1IL2Z5S8BUV")


@given(numbers)
def test_it_is_read_as_it_is_written_however_it_is_typed(drawn: list[int]) -> None:
    code = write_code(drawn)
    plain = code.replace("-", "")
    assert [len(group) for group in code.split("-")] == [4] * 5
    assert read_code(code) == plain
    assert read_code(f"  {code.lower().replace('-', ' ')}\n") == plain
    assert read_code(plain) == plain
    assert read_code(code.replace("-", "–")) == plain


@given(numbers, st.integers(0, RANDOM), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_caught(drawn: list[int], place: int, other: str) -> None:
    code = write_code(drawn).replace("-", "")
    assume(code[place] != other)
    with pytest.raises(CodeError, match="mistyped"):
        read_code(code[:place] + other + code[place + 1 :])


@given(numbers, st.integers(0, RANDOM), st.integers(0, RANDOM))
def test_any_two_characters_that_changed_places_are_caught(drawn: list[int], one: int, other: int) -> None:
    code = list(write_code(drawn).replace("-", ""))
    assume(code[one] != code[other])
    code[one], code[other] = code[other], code[one]
    with pytest.raises(CodeError, match="mistyped"):
        read_code("".join(code))


@pytest.mark.parametrize("typed", ["", "C7XH", "A" * 19, "A" * 21])
def test_a_wrong_length_is_named(typed: str) -> None:
    with pytest.raises(CodeError, match=f"20 characters, this has {len(typed)}"):
        read_code(typed)


@pytest.mark.parametrize("char", sorted(set(string.ascii_uppercase + string.digits + "ß٣.") - set(ALPHABET)))
def test_a_character_that_no_code_has_is_said_so(char: str) -> None:
    with pytest.raises(CodeError, match=ALPHABET):
        read_code("A" * 19 + char)


def test_a_digest_tells_codes_apart_and_does_not_show_them() -> None:
    first, second = (read_code(write_code([n] * RANDOM)) for n in (0, 1))
    assert digest_of(first) != digest_of(second)
    assert digest_of(first) == digest_of(first)
    assert first not in digest_of(first).upper()


def test_too_few_random_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="19"):
        write_code([1] * (RANDOM - 1))
