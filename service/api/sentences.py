"""Sentences for people: why a press is refused, in the reader's language."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from service.domain.press import Refused
from service.domain.words import Reason

LANGUAGES = ("de", "en")

_REFUSALS: dict[str, dict[Reason, tuple[str, str]]] = {
    "de": {
        Reason.DAYLIGHT: (
            "Am Tag braucht es kein Licht. Drücken können Sie ab {time}.",
            "Am Tag braucht es kein Licht.",
        ),
        Reason.ALREADY_LIT: (
            "Hier leuchtet es schon. Verlängern können Sie ab {time}.",
            "Hier leuchtet es die ganze Nacht.",
        ),
        Reason.NOT_WELCOME: (
            "Zu dieser Zeit gibt es hier kein Licht auf Knopfdruck. Wieder ab {time}.",
            "Zu dieser Zeit gibt es hier kein Licht auf Knopfdruck.",
        ),
        Reason.QUIET: (
            "Jetzt ist Ruhezeit: Die Lampen bleiben dunkel. Drücken können Sie ab {time}.",
            "Jetzt ist Ruhezeit: Die Lampen bleiben dunkel.",
        ),
        Reason.CODE_NEEDED: (
            "Hier gibt es Licht nur mit dem Code, der an der Lampe steht. Ab {time} geht es auch ohne.",
            "Hier gibt es Licht nur mit dem Code, der an der Lampe steht.",
        ),
        Reason.NOT_ADMITTED: (
            "Hier kann nur drücken, wen die Gemeinde zugelassen hat. Ab {time} dürfen wieder alle.",
            "Hier kann nur drücken, wen die Gemeinde zugelassen hat.",
        ),
        Reason.PRESSER_LIMIT: (
            "Öfter können Sie in dieser Nacht nicht drücken. Wieder ab {time}.",
            "Öfter können Sie in dieser Nacht nicht drücken.",
        ),
        Reason.ZONE_MINUTES: (
            "Für diese Nacht ist das Licht auf Knopfdruck hier aufgebraucht. Wieder ab {time}.",
            "Für diese Nacht ist das Licht auf Knopfdruck hier aufgebraucht.",
        ),
        Reason.ZONE_ENERGY: (
            "Für diese Nacht ist der Strom für Licht auf Knopfdruck hier aufgebraucht. Wieder ab {time}.",
            "Für diese Nacht ist der Strom für Licht auf Knopfdruck hier aufgebraucht.",
        ),
        Reason.LONGEST: (
            "Länger am Stück erlaubt die Gemeinde nicht. Wieder ab {time}.",
            "Länger am Stück erlaubt die Gemeinde nicht.",
        ),
        Reason.UNREACHABLE: (
            "Die Lampen melden sich gerade nicht. Bitte versuchen Sie es ab {time} noch einmal.",
            "Die Lampen melden sich gerade nicht. Bitte versuchen Sie es in einer halben Minute noch einmal.",
        ),
        Reason.LOCKED: (
            "An diesen Lampen wird gearbeitet. Drücken können Sie wieder ab {time}.",
            "An diesen Lampen wird gearbeitet.",
        ),
    },
    "en": {
        Reason.DAYLIGHT: ("By day no light is needed. You can press from {time} on.", "By day no light is needed."),
        Reason.ALREADY_LIT: (
            "It is lit here already. You can add time from {time} on.",
            "It is lit here all night.",
        ),
        Reason.NOT_WELCOME: (
            "At this time the button gives no light here. Again from {time} on.",
            "At this time the button gives no light here.",
        ),
        Reason.QUIET: (
            "These are quiet hours: the lamps stay dark. You can press from {time} on.",
            "These are quiet hours: the lamps stay dark.",
        ),
        Reason.CODE_NEEDED: (
            "Light comes only with the code that stands on the lamp. From {time} on it works without.",
            "Light comes only with the code that stands on the lamp.",
        ),
        Reason.NOT_ADMITTED: (
            "Only those whom the council admitted can press here. From {time} on everybody can.",
            "Only those whom the council admitted can press here.",
        ),
        Reason.PRESSER_LIMIT: (
            "You cannot press any more tonight. Again from {time} on.",
            "You cannot press any more tonight.",
        ),
        Reason.ZONE_MINUTES: (
            "Tonight's light at the press of a button is used up here. Again from {time} on.",
            "Tonight's light at the press of a button is used up here.",
        ),
        Reason.ZONE_ENERGY: (
            "Tonight's energy for light at the press of a button is used up here. Again from {time} on.",
            "Tonight's energy for light at the press of a button is used up here.",
        ),
        Reason.LONGEST: (
            "The council allows no longer light at a stretch. Again from {time} on.",
            "The council allows no longer light at a stretch.",
        ),
        Reason.UNREACHABLE: (
            "The lamps do not answer right now. Please try again from {time} on.",
            "The lamps do not answer right now. Please try again in half a minute.",
        ),
        Reason.LOCKED: (
            "Somebody works at these lamps. You can press again from {time} on.",
            "Somebody works at these lamps.",
        ),
    },
}

_TITLES = {"de": "Das geht gerade nicht", "en": "Not right now"}


def language_of(accept_language: str | None, default: str = "de") -> str:
    """The first language of an Accept-Language header that we speak, else the default."""
    weighed = []
    for position, part in enumerate((accept_language or "").split(",")[:20]):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            weight = 0.0
        weighed.append((-weight, position, name.strip().lower().split("-")[0]))
    spoken = (name for weight, _, name in sorted(weighed) if name in LANGUAGES and weight < 0)
    return next(spoken, default if default in LANGUAGES else "en")


def title(language: str) -> str:
    """The title of a refusal."""
    return _TITLES[language]


def refusal(refused: Refused, language: str, tz: str, now: datetime) -> str:
    """Why, and when it will work; with the weekday where that is not within the next 18 hours."""
    with_time, without = _REFUSALS[language][refused.reason]
    if refused.retry_at is None:
        return without
    # A minute too late is no harm; a minute too early would be a second refusal.
    local = _up_to_the_minute(refused.retry_at).astimezone(ZoneInfo(tz))
    clock = local.strftime("%H:%M")
    text = f"{clock} Uhr" if language == "de" else clock
    if (refused.retry_at - now).total_seconds() > 18 * 3600:
        days = {
            "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
            "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        }[language]
        text = f"{days[local.weekday()]}, {text}"
    return with_time.format(time=text)


def _up_to_the_minute(moment: datetime) -> datetime:
    whole = moment.replace(second=0, microsecond=0)
    return whole if whole == moment else whole + timedelta(minutes=1)
