"""The sentences of an explanation, in the reader's language."""

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
    "de": "{outputs} von {all} Ausgängen geben höchstens {level} %: {why}.",
    "en": "{outputs} of {all} outputs give at most {level} %: {why}.",
}

_EXCEPTION = {"de": "Ausnahme „{name}“{resolution}", "en": "exception “{name}”{resolution}"}
_SCHEDULE = {
    "de": "Zeitplan der Fassung {version}{resolution}, {rule}",
    "en": "schedule of version {version}{resolution}, {rule}",
}
_RESOLUTION = {"de": " (Beschluss {number})", "en": " (resolution {number})"}
_RULE = {"de": "Regel {n}", "en": "rule {n}"}
_ORDINARY = {"de": "gewöhnliche Nacht", "en": "ordinary night"}
_STEP = {"de": ", Schritt „{at}“", "en": ", step “{at}”"}
_QUIET = {"de": "; in der Ruhezeit höchstens {level} %", "en": "; in quiet hours {level} % at most"}

_PRESSED = {
    "de": {
        PressedState.TOLD: "In dieser Nacht gab es {minutes} Minuten Licht auf Knopfdruck.",
        PressedState.NOT_YET: "Wie lange gedrücktes Licht in dieser Nacht brennt, wird erst nach ihrem Mittag gesagt.",
        PressedState.FORGOTTEN: "Wie lange in dieser Nacht gedrücktes Licht brannte, ist vergessen.",
    },
    "en": {
        PressedState.TOLD: "In that night pressed light burned for {minutes} minutes.",
        PressedState.NOT_YET: "How long pressed light burns in that night is told after its noon.",
        PressedState.FORGOTTEN: "How long pressed light burned in that night is forgotten.",
    },
}


def link_sentence(found: Explanation, link: Link, language: str) -> str:
    """One reason of the chain."""
    why = _CAUSES[language].get(link.cause) or _plan(found, link.cause, language)
    return _SENTENCE[language].format(outputs=link.outputs, all=found.outputs, level=link.level, why=why)


def _plan(found: Explanation, cause: Cause, language: str) -> str:
    if cause is Cause.EXCEPTION and found.exception is not None:
        exception = found.exception
        text = _EXCEPTION[language].format(name=exception.name, resolution=_resolution(exception.resolution, language))
    else:
        policy = found.policy
        number = None if policy.resolution is None else policy.resolution.number
        rule = _ORDINARY[language] if found.rule is None else _RULE[language].format(n=found.rule + 1)
        text = _SCHEDULE[language].format(version=policy.version, resolution=_resolution(number, language), rule=rule)
    if found.step is not None:
        text += _STEP[language].format(at=moment_text(found.step.moment))
    if found.quiet:
        text += _QUIET[language].format(level=min(cap.level for cap in found.quiet))
    return text


def _resolution(number: str | None, language: str) -> str:
    return "" if number is None else _RESOLUTION[language].format(number=number)


def pressed_sentence(pressed: Pressed, language: str) -> str:
    """What is told of the night's presses."""
    return _PRESSED[language][pressed.state].format(minutes=pressed.minutes)
