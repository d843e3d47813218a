"""Alerts are told in whole words, in each language, and no name can break a line."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.domain.alerts import Alert
from service.domain.faults import Fault, Subject
from service.domain.inventory import Municipality
from service.domain.maintenance import Lock
from service.domain.words import AlertKind, FaultKind, FaultState
from service.usecases.alert_body import MOST_ALERTS, body_of
from service.usecases.alert_texts import MOST_LINES, Told, subject_line, text_of
from service.usecases.alert_words import EN, LANGUAGES
from tests.unit.villages import leck, utc

NOW = utc("2026-11-21T22:30:00")
FAULT_ALERTS = (AlertKind.FAULT_OPENED, AlertKind.FAULT_REOPENED, AlertKind.FAULT_CLOSED)


def home(language: str = "de") -> Municipality:
    return replace(leck().municipality, language=language)


def fault(kind: FaultKind = FaultKind.LAMP_FAILURE, key: str = "f-1", name: str = "Schaltschrank") -> Told:
    about = Fault(
        key,
        "leck",
        Subject("cabinet-1", 1),
        kind,
        FaultState.OPEN,
        NOW - timedelta(hours=1),
        detail={"watts": 40.0, "expected_watts": 80.25, "dark_lamps": 1, "basis": "nominal", "meter": None},
    )
    return Told(Alert(f"a-{key}", "leck", AlertKind.FAULT_OPENED, NOW, key, urgent=False), about, name)


def lock() -> Told:
    until = NOW + timedelta(minutes=15)
    about = Lock("l-1", "leck", "hauptstrasse", None, None, "Mast gestrichen", "clerk", NOW, until, "holder@leck.test")
    alert = Alert("a-l", "leck", AlertKind.LOCK_ENDING, NOW, "l-1", urgent=True, contact="holder@leck.test")
    return Told(alert, about, "Hauptstraße")


def retold(told: Told, kind: AlertKind) -> Told:
    return replace(told, alert=replace(told.alert, kind=kind))


def test_a_fault_is_told_with_its_place_kind_time_and_figures() -> None:
    assert subject_line(home(), [fault()]) == "[Dorflicht] Leck: Lampe ausgefallen (Schaltschrank, Ausgang 1)"
    assert (
        "- Schaltschrank, Ausgang 1: Lampe ausgefallen, seit 21.11.2026 22:30 CET (gemessen 40 W, erwartet 80,2 W, "
        "dunkle Lampen etwa 1; Störung f-1)\n"
    ) in text_of(home(), [fault()])


def test_a_lock_is_told_with_its_end_and_what_it_is_not() -> None:
    text = text_of(home("en"), [lock()])
    assert "- Hauptstraße: lock ends, on 2026-11-21 23:45 CET. Reason: Mast gestrichen\n" in text
    assert "does not disconnect the supply" in text
    assert "clerk" not in text


def test_the_two_hours_of_an_autumn_night_are_told_apart() -> None:
    told = fault()
    assert isinstance(told.about, Fault)
    times = [utc("2026-10-25T00:30:00"), utc("2026-10-25T01:30:00")]
    text = text_of(home(), [Told(told.alert, replace(told.about, since=at), "") for at in times])
    assert "25.10.2026 02:30 CEST" in text
    assert "25.10.2026 02:30 CET" in text


def test_a_digest_counts_first_and_lists_so_many_at_most() -> None:
    told = [fault(key=f"f-{n}") for n in range(60)] + [fault(FaultKind.RELAY_FAILURE, key="relay")]
    lines = text_of(home("fr"), told).splitlines()
    assert subject_line(home("fr"), told) == "[Dorflicht] Leck : 61 alertes"
    assert lines[2:5] == ["61 alertes :", "  60 x lampe en panne", "  1 x le relais ne commute pas"]
    assert sum(line.startswith("- ") for line in lines) == MOST_LINES == 50
    assert lines[-1] == "... et 11 de plus."


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word(language: str) -> None:
    words = LANGUAGES[language]
    assert set(words.kinds) == set(FaultKind)
    assert set(words.say) == set(EN.say)
    assert set(words.figures) == set(EN.figures)
    assert {*FAULT_ALERTS, AlertKind.LOCK_ENDING} == set(AlertKind) <= set(words.say)
    for kind in FaultKind:
        for alert_kind in FAULT_ALERTS:
            text = text_of(home(language), [retold(fault(kind), alert_kind)])
            assert words.kinds[kind] in text
            assert "{" not in text


def test_another_language_gets_english() -> None:
    assert text_of(home("da"), [fault()]) == text_of(home("en"), [fault()])
    assert text_of(home("de-AT"), [fault()]) == text_of(home("de"), [fault()])


def test_a_fault_of_the_whole_municipality_and_one_that_is_forgotten() -> None:
    alert = fault().alert
    whole = Fault("f-1", "leck", Subject(), FaultKind.BROKER_OUTAGE, FaultState.OPEN, NOW)
    assert "the whole municipality: broker cannot be reached" in text_of(home("en"), [Told(alert, whole, "")])
    assert "no longer on record (f-1)" in text_of(home("en"), [Told(alert, None, "")])


@pytest.mark.parametrize("sign", ["\r\n", "\n", "\x00", "\x1b", "\u2028", "\u202e"])
def test_a_name_ends_no_line_and_turns_no_writing(sign: str) -> None:
    told = fault(name=f"Kasten{sign}Bcc: all@leck.test")
    assert sign not in subject_line(home(), [told])
    assert "Kasten Bcc: all@leck.test, Ausgang 1" in text_of(home(), [told])


def test_the_body_for_machines_holds_so_many_at_most_and_counts_the_others() -> None:
    body = body_of(home(), [fault(key=f"f-{n}") for n in range(MOST_ALERTS + 7)])
    assert (body["count"], body["more"]) == (507, 7)
    alerts = body["alerts"]
    assert isinstance(alerts, list)
    assert [alert["about"] for alert in alerts] == [f"f-{n}" for n in range(500)]


def test_the_body_for_machines_names_everything_by_ids_and_talq_words() -> None:
    body = body_of(home(), [fault(), lock()])
    assert (body["municipality"], body["count"], body["more"]) == ("leck", 2, 0)
    assert body["alerts"] == [
        {
            "id": "a-f-1",
            "kind": "fault_opened",
            "urgent": False,
            "at": "2026-11-21T22:30:00+00:00",
            "about": "f-1",
            "fault": {
                "id": "f-1",
                "kind": "lampFailure",
                "state": "open",
                "subject": {"controller": "cabinet-1", "output": 1},
                "since": "2026-11-21T21:30:00+00:00",
                "detail": {
                    "watts": 40.0,
                    "expected_watts": 80.25,
                    "dark_lamps": 1,
                    "basis": "nominal",
                    "meter": None,
                },
            },
        },
        {
            "id": "a-l",
            "kind": "lock_ending",
            "urgent": True,
            "at": "2026-11-21T22:30:00+00:00",
            "about": "l-1",
            "lock": {
                "id": "l-1",
                "subject": {"zone": "hauptstrasse", "controller": None, "output": None},
                "since": "2026-11-21T22:30:00+00:00",
                "until": "2026-11-21T22:45:00+00:00",
            },
        },
    ]
