"""Every language has every sentence, with the same words to fill in, and none lies unused."""

import re
from pathlib import Path

import pytest

from service import web
from service.web.texts import TEXTS, choose

ROOM = Path(web.__file__).parent
SOURCES = "\n".join(
    path.read_text(encoding="utf-8")
    for path in [ROOM / "pages.py", *ROOM.glob("static/*.js"), *ROOM.glob("templates/*.html")]
)


def holes(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_every_language_has_the_same_sentences(language: str) -> None:
    assert set(TEXTS[language]) == set(TEXTS["de"])


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_every_sentence_fills_in_the_same_words(language: str) -> None:
    filled = {key: holes(text) for key, text in TEXTS[language].items()}
    assert filled == {key: holes(text) for key, text in TEXTS["de"].items()}


def test_german_and_english_are_there() -> None:
    assert set(TEXTS) >= {"de", "en"}


def test_every_key_that_pages_and_scripts_name_exists() -> None:
    named = set(re.findall(r'\bt\("(\w+)"', SOURCES)) | set(re.findall(r"\btexts\.(\w+)", SOURCES))
    assert named - set(TEXTS["de"]) == set()


def test_no_sentence_lies_unused() -> None:
    made = tuple(re.findall(r'`(\w+_)\$\{|"(\w+_)" ~', SOURCES))
    starts = tuple(start for pair in made for start in pair if start)
    unused = {key for key in TEXTS["de"] if not re.search(rf"\b{key}\b", SOURCES) and not key.startswith(starts)}
    assert unused == set()


def test_without_any_wish_that_fits_it_is_german() -> None:
    assert choose(None, None, "fr") == "de"
