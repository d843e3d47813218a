"""Refusals speak the reader's language, and name a time that is not too early."""

from datetime import UTC, datetime, timedelta

import pytest

from service.api.sentences import LANGUAGES, language_of, refusal
from service.domain.press import Refused
from service.domain.words import Reason

NOW = datetime(2026, 11, 21, 23, 10, tzinfo=UTC)


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_a_sentence_with_and_without_a_time(reason: Reason, language: str) -> None:
    with_time = refusal(Refused(reason, NOW + timedelta(minutes=8, seconds=1)), language, "Europe/Berlin", NOW)
    without = refusal(Refused(reason, None), language, "Europe/Berlin", NOW)
    assert "00:19" in with_time  # a second after 00:18 is shown as the next minute
    assert "{" not in with_time + without
    assert with_time != without


def test_a_time_on_another_day_names_the_day() -> None:
    refused = Refused(Reason.DAYLIGHT, datetime(2026, 11, 23, 5, 0, tzinfo=UTC))
    assert "Montag, 06:00 Uhr" in refusal(refused, "de", "Europe/Berlin", NOW)
    assert "Monday, 06:00" in refusal(refused, "en", "Europe/Berlin", NOW)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "de"),
        ("", "de"),
        ("en-GB,en;q=0.9,de;q=0.8", "en"),
        ("fr, de;q=0.5", "de"),
        ("fr,da", "de"),
        ("de;q=0.1,en;q=0.2", "en"),
        ("en;q=0", "de"),
        ("en;q=x,*", "de"),
        (";;;,,,", "de"),
    ],
)
def test_the_first_language_that_we_speak(header: str | None, language: str) -> None:
    assert language_of(header) == language
