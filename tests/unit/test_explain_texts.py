"""Explanations are whole sentences in each language, and say what they leave out."""

from dataclasses import replace
from datetime import date, time

import pytest

from service.api.explain_texts import link_sentence, pressed_sentence
from service.api.sentences import LANGUAGES
from service.domain.policy import LightException, Resolution, Rulebook
from service.domain.schedule import Anchor, Moment, QuietCap, Step, Window
from service.domain.sun import night
from service.domain.words import Cause, PressedState
from service.usecases.explain import Explanation, Link, Pressed
from tests.unit.villages import SUNRISE, SUNSET, clock, luetjenholm

HOME = luetjenholm().municipality
DAY = date(2026, 11, 20)
FAIR = LightException("e", "Dorffest", DAY, DAY, (Step(SUNSET, 80), Step(SUNRISE, 0)), resolution="2026/9")


def told(*, present: bool = True) -> Explanation:
    """Version 1 by resolution 2026/7, its second step, with the village's fair and a quiet cap in force."""
    zone = luetjenholm().zones[0]
    policy = replace(zone.rulebook.first, resolution=Resolution("2026/7", DAY))
    return Explanation(
        zone=replace(zone, rulebook=Rulebook((policy,), (FAIR,))),
        at=night(HOME.place, DAY).sunset,
        night=night(HOME.place, DAY),
        policy=policy,
        rule=None,
        step=clock(0, 30, 0),
        exception=FAIR,
        exception_step=FAIR.steps[0],
        quiet=(QuietCap(30, Window(Moment(Anchor.SUNSET), Moment(Anchor.CLOCK, time(4)))),),
        chain=(),
        reported=(),
        present=present,
        outputs=3,
        pressed=Pressed(PressedState.NOT_YET),
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize(("level", "outputs"), [(0, 2), (80, 2), (80, 0)])
def test_every_cause_has_its_sentence(cause: Cause, language: str, level: int, outputs: int) -> None:
    sentence = link_sentence(told(), Link(cause, level, outputs), language)
    assert sentence.endswith(".")
    assert "{" not in sentence
    assert ("80 %" in sentence) == (level > 0)
    assert sentence.startswith("2 ") == (outputs > 0)


def test_the_plan_is_told_with_version_resolution_step_and_quiet_hours() -> None:
    assert link_sentence(told(), Link(Cause.SCHEDULE, 0, 3), "en") == (
        "3 of 3 outputs dark: schedule of version 1 (resolution 2026/7), ordinary night, step of 00:30; "
        "in quiet hours 30 % at most."
    )
    assert link_sentence(told(), Link(Cause.EXCEPTION, 30, 3), "de") == (
        "3 von 3 Schaltstellen mit 30 %: Ausnahme „Dorffest“ (Beschluss 2026/9), Schritt von Sonnenuntergang; "
        "in der Ruhezeit höchstens 30 %."
    )


@pytest.mark.parametrize(
    ("language", "begins"), [("de", "Knopfdrücke nicht mitgerechnet: "), ("en", "Presses left out: ")]
)
def test_of_another_moment_than_now_it_says_that_presses_are_left_out(language: str, begins: str) -> None:
    link = Link(Cause.SCHEDULE, 0, 3)
    assert link_sentence(told(present=False), link, language) == begins + link_sentence(told(), link, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("state", PressedState)
def test_every_state_of_a_nights_presses_has_its_sentence(state: PressedState, language: str) -> None:
    minutes = 17 if state is PressedState.TOLD else None
    sentence = pressed_sentence(Pressed(state, minutes), language)
    assert ("17" in sentence) == (state is PressedState.TOLD)
    assert "{" not in sentence
    assert "None" not in sentence
