"""Every finding of the linter is told in both languages, with its numbers and its date."""

from datetime import date
from typing import Any

import pytest

from service.api.finding_texts import DE, EN
from service.api.findings import on_date, sentence
from service.api.sentences import LANGUAGES
from service.domain.lint import Finding, FindingCode, Severity
from service.domain.policy import Limits
from tests.unit.test_domain_lint import CASES, case
from tests.unit.villages import NEVER_LIT

SPECIAL = {"limit_below_one_press.zone_wh"}


def told(code: FindingCode, language: str) -> str:
    return sentence(CASES[code].bad.findings(code)[0], language)


@pytest.mark.parametrize("texts", [DE, EN])
def test_no_text_is_missing_and_none_is_dead(texts: dict[str, str]) -> None:
    assert set(texts) == set(FindingCode) | SPECIAL


@pytest.mark.parametrize("code", FindingCode)
def test_a_finding_is_told_in_both_languages_with_its_date(code: FindingCode) -> None:
    finding = CASES[code].bad.findings(code)[0]
    for language in LANGUAGES:
        text = sentence(finding, language)
        assert text[0].isupper()
        assert text.endswith(".")
        assert "{" not in text
        assert "None" not in text
        assert "  " not in text
    nightless = {FindingCode.STEP_NEVER_HAPPENS, FindingCode.STEP_REPEATS}  # the same on every night
    if finding.first is not None and code not in nightless:
        assert on_date(finding.first, "de") in sentence(finding, "de")
        assert on_date(finding.first, "en") in sentence(finding, "en")


@pytest.mark.parametrize("code", FindingCode)
def test_both_languages_name_the_same_numbers(code: FindingCode) -> None:
    def places(text: str) -> set[str]:
        return {part.partition("}")[0] for part in text.split("{")[1:]}

    for key in (key for key in DE if key.partition(".")[0] == code):
        assert places(DE[key]) == places(EN[key])


def test_dates_are_written_as_people_write_them() -> None:
    assert on_date(date(2027, 6, 21), "de") == "am 21. Juni 2027"
    assert on_date(date(2027, 6, 21), "en") == "on 21 June 2027"


def test_whole_sentences() -> None:
    assert told(FindingCode.STEPS_SWAP, "de").startswith(
        "Schritt 4 des Zeitplans wäre in 82 von 366 Nächten früher an der Reihe als der Schritt davor, "
        "zuerst am 8. Mai 2027."
    )
    assert told(FindingCode.GAP_SURPRISE, "en").startswith(
        "Step 2 of the schedule is set to 02:30. The night that begins on 27 March 2027 has no such time, because "
        "clocks go forward; 03:00 holds instead."
    )
    assert told(FindingCode.OVERTAKES, "de").startswith("Der Beschluss 12/2026 soll am 1. Juni 2027 beginnen")
    assert "dark for a time in all nights, first on 1 January 2027: Schaltschrank/2." in told(
        FindingCode.DARK_WHERE_SAFETY, "en"
    )
    assert "werden daraus 100 %: Schaltschrank." in told(FindingCode.LEVEL_NOT_KEPT, "de")


def test_an_energy_limit_below_one_press_has_its_own_sentence() -> None:
    finding = case(NEVER_LIT, limits=Limits(zone_wh=150)).findings(FindingCode.LIMIT_BELOW_ONE_PRESS)[0]
    assert "The energy limit of 150 Wh per night cannot pay one full press in all nights" in sentence(finding, "en")
    assert "er braucht 160 Wh" in sentence(finding, "de")


def test_many_names_are_cut_and_numbers_grouped() -> None:
    lamps = tuple(f"m{n}" for n in range(1, 9))
    facts: dict[str, Any] = {"count": 1234, "lamps": lamps}
    finding = Finding(FindingCode.RING_SIGN_MISSING, Severity.ERROR, date(2027, 1, 1), "", facts)
    assert "Es sind 1.234: Mast m1, m2, m3, m4, m5 und 3 weitere." in sentence(finding, "de")
    assert "They are 1,234: pole m1, m2, m3, m4, m5 and 3 more." in sentence(finding, "en")


def test_an_overtaken_version_without_a_resolution_is_named_by_its_number() -> None:
    facts: dict[str, Any] = {"version": 3, "valid_from": date(2027, 6, 1), "resolution": ""}
    finding = Finding(FindingCode.OVERTAKES, Severity.WARNING, date(2027, 6, 1), "versions.3", facts)
    assert sentence(finding, "en").startswith("Version 3 is to begin on 1 June 2027")


def test_limits_of_the_first_nights_are_called_so() -> None:
    facts: dict[str, Any] = {"presses": 2}
    finding = Finding(FindingCode.PRESSER_IS_NO_PERSON, Severity.HINT, None, "press.first_limits.per_presser", facts)
    assert "je Nacht in der Anfangszeit" in sentence(finding, "de")
