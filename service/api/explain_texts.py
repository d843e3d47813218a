"""The sentences of an explanation, in the reader's language."""

from service.domain.schedule import Moment
from service.domain.words import Cause, PressedState
from service.usecases.explain import Explanation, Link, Pressed
from service.usecases.schedule_documents import moment_text

_CAUSES: dict[str, dict[Cause, str]] = {
    "de": {
        Cause.LOCK: "gesperrt, weil dort gearbeitet wird",
        Cause.RESCUE: "von der Rettung angeordnet",
        Cause.SAFETY: "nach dem Sicherheitsplan der Gemeinde",
        Cause.TEST: "zur Prüfung eingeschaltet",
        Cause.OVERRIDE: "von der Verwaltung eingeschaltet",
        Cause.PRESS: "weil jemand gedrückt hat",
        Cause.LOCAL: "vor Ort eingeschaltet",
        Cause.FAILSAFE: "weil die Verbindung zu lange fehlt",
    },
    "en": {
        Cause.LOCK: "locked, since somebody works there",
        Cause.RESCUE: "ordered by rescue",
        Cause.SAFETY: "by the municipality's safety schedule",
        Cause.TEST: "lit for a test",
        Cause.OVERRIDE: "lit by staff",
        Cause.PRESS: "because somebody pressed",
        Cause.LOCAL: "lit on the spot",
        Cause.FAILSAFE: "because the connection was away for too long",
    },
}

_SENTENCE = {
    "de": "{outputs} von {all} Schaltstellen {light}: {why}.",
    "en": "{outputs} of {all} outputs {light}: {why}.",
}
_OUTRANKED = {"de": "Überstimmt ({light}): {why}.", "en": "Outranked ({light}): {why}."}
_DARK = {"de": "dunkel", "en": "dark"}
_LIT = {"de": "mit {level} %", "en": "at {level} %"}
_WITHOUT_PRESSES = {"de": "Knopfdrücke nicht mitgerechnet: ", "en": "Presses left out: "}
_SUN = {
    "de": {
        "sunset": "Sonnenuntergang",
        "sunrise": "Sonnenaufgang",
        "dusk": "Abenddämmerung",
        "dawn": "Morgendämmerung",
    },
    "en": {"sunset": "sunset", "sunrise": "sunrise", "dusk": "dusk", "dawn": "dawn"},
}

_EXCEPTION = {"de": "Ausnahme „{name}“{resolution}", "en": "exception “{name}”{resolution}"}
_SCHEDULE = {
    "de": "Zeitplan der Fassung {version}{resolution}, {rule}",
    "en": "schedule of version {version}{resolution}, {rule}",
}
_RESOLUTION = {"de": " (Beschluss {number})", "en": " (resolution {number})"}
_RULE = {"de": "Regel {n}", "en": "rule {n}"}
_ORDINARY = {"de": "gewöhnliche Nacht", "en": "ordinary night"}
_STEP = {"de": ", Schritt von {at}", "en": ", step of {at}"}
_QUIET = {"de": "; in der Ruhezeit höchstens {level} %", "en": "; in quiet hours {level} % at most"}

_PRESSED = {
    "de": {
        PressedState.TOLD: "Licht auf Knopfdruck in dieser Nacht: {minutes} min.",
        PressedState.NOT_YET: "Wie lange in dieser Nacht auf Knopfdruck Licht brennt, sagen wir am Mittag danach.",
        PressedState.NOT_RECORDED: "Von dieser Nacht ist nichts bekannt; die Zone kam später dazu.",
        PressedState.FORGOTTEN: "Wie lange in dieser Nacht auf Knopfdruck Licht brannte, ist vergessen.",
    },
    "en": {
        PressedState.TOLD: "Pressed light in that night: {minutes} min.",
        PressedState.NOT_YET: "How long pressed light burns in that night is told after its noon.",
        PressedState.NOT_RECORDED: "Nothing is known of that night; the zone came later.",
        PressedState.FORGOTTEN: "How long pressed light burned in that night is forgotten.",
    },
}


def link_sentence(found: Explanation, link: Link, language: str) -> str:
    """One reason of the chain."""
    why = _CAUSES[language].get(link.cause) or _plan(found, link.cause, language)
    light = _LIT[language].format(level=link.level) if link.level else _DARK[language]
    if not link.outputs:
        return _OUTRANKED[language].format(light=light, why=why)
    text = _SENTENCE[language].format(outputs=link.outputs, all=found.outputs, light=light, why=why)
    return text if found.present else _WITHOUT_PRESSES[language] + text


def _plan(found: Explanation, cause: Cause, language: str) -> str:
    if cause is Cause.EXCEPTION and found.exception is not None:
        exception, step = found.exception, found.exception_step
        text = _EXCEPTION[language].format(name=exception.name, resolution=_resolution(exception.resolution, language))
    else:
        policy, step = found.policy, found.step
        number = None if policy.resolution is None else policy.resolution.number
        rule = _ORDINARY[language] if found.rule is None else _RULE[language].format(n=found.rule + 1)
        text = _SCHEDULE[language].format(version=policy.version, resolution=_resolution(number, language), rule=rule)
    if step is not None:
        text += _STEP[language].format(at=_moment(step.moment, language))
    if found.quiet:
        text += _QUIET[language].format(level=min(cap.level for cap in found.quiet))
    return text


def _moment(at: Moment, language: str) -> str:
    """A moment of the night in words."""
    if at.clock is not None:
        return moment_text(at)
    sun = _SUN[language][at.anchor.value]
    return f"{sun} {at.offset_min:+d} min" if at.offset_min else sun


def _resolution(number: str | None, language: str) -> str:
    return "" if number is None else _RESOLUTION[language].format(number=number)


def pressed_sentence(pressed: Pressed, language: str) -> str:
    """What is told of the night's presses."""
    return _PRESSED[language][pressed.state].format(minutes=pressed.minutes)
