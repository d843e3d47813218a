"""What alerts are made of, in each language: German, English, French."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.domain.words import FaultKind


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language. In braces stand names, times and numbers."""

    kinds: Mapping[FaultKind, str]
    figures: Mapping[str, str]
    """By the name that a fault's detail has; {} is the number."""
    say: Mapping[str, str]
    date: str
    """For strftime: a local date and time."""
    decimal: str


DE = Words(
    kinds={
        FaultKind.LAMP_FAILURE: "Lampe ausgefallen",
        FaultKind.LAMP_UNEXPECTED_ON: "Lampe brennt, obwohl sie dunkel sein soll",
        FaultKind.LAMP_POWER_TOO_HIGH: "Leistung zu hoch",
        FaultKind.LAMP_POWER_TOO_LOW: "Leistung zu niedrig",
        FaultKind.RELAY_FAILURE: "Relais schaltet nicht",
        FaultKind.CYCLING_FAILURE: "Lampe geht immer wieder aus und an",
        FaultKind.SUPPLY_LOSS: "Stromversorgung ausgefallen",
        FaultKind.CIRCUIT_BREAKER_TRIPPED: "Sicherung hat ausgelöst",
        FaultKind.COMMUNICATION_FAILURE: "Steuergerät ist nicht erreichbar",
        FaultKind.CABINET_DOOR_OPEN: "Tür des Schaltschranks steht offen",
        FaultKind.LOCAL_OVERRIDE: "vor Ort von Hand geschaltet",
        FaultKind.CLOCK_NOT_VALID: "Uhr des Steuergeräts ist nicht gestellt",
        FaultKind.ORDER_NOT_CONFIRMED: "Schaltauftrag nicht bestätigt",
        FaultKind.CIRCUITS_SWAPPED: "Stromkreise sind vertauscht",
        FaultKind.METER_NOT_PLAUSIBLE: "Zähler meldet Unmögliches",
        FaultKind.BROKER_OUTAGE: "Broker nicht erreichbar: Von keinem Steuergerät ist etwas bekannt",
        FaultKind.SERVICE_OUTAGE: "Der Dienst selbst stand still",
    },
    figures={
        "watts": "gemessen {} W",
        "expected_watts": "erwartet {} W",
        "dark_lamps": "dunkle Lampen etwa {}",
        "dark_lamps_least": "mindestens {}",
        "dark_lamps_most": "höchstens {}",
        "volts": "Spannung {} V",
    },
    say={
        "one": "[Dorflicht] {home}: {what}",
        "one_urgent": "[Dorflicht] {home}, dringend: {what}",
        "many": "[Dorflicht] {home}: {count} Meldungen",
        "many_urgent": "[Dorflicht] {home}: {count} Meldungen, {urgent} dringend",
        "greeting": "An den Bereitschaftsdienst der Straßenbeleuchtung in {home}.",
        "to_holder": "An die Person, die diese Sperre eingerichtet hat.",
        "count": "{count} Meldungen:",
        "more": "... und {count} weitere.",
        "output": "{controller}, Ausgang {output}",
        "everywhere": "ganze Gemeinde",
        "fault_opened": "{what}",
        "fault_reopened": "wieder da: {what}",
        "fault_closed": "erledigt: {what}",
        "since": "seit {since}",
        "closed": "seit {since}, erledigt {at}",
        "lock_ending": "Sperre endet",
        "ends": "am {at}",
        "ends_note": "Danach kann hier wieder Licht angehen. Verlängern Sie die Sperre, wenn dort noch jemand "
        "arbeitet. Sie trennt nicht vom Strom.",
        "reason": "Grund: {reason}",
        "forgotten": "nicht mehr verzeichnet ({about})",
        "unknown": "unbekannt",
        "number": "Störung {id}",
    },
    date="%d.%m.%Y %H:%M %Z",
    decimal=",",
)

EN = Words(
    kinds={
        FaultKind.LAMP_FAILURE: "lamp failed",
        FaultKind.LAMP_UNEXPECTED_ON: "lamp is lit although it should be dark",
        FaultKind.LAMP_POWER_TOO_HIGH: "power too high",
        FaultKind.LAMP_POWER_TOO_LOW: "power too low",
        FaultKind.RELAY_FAILURE: "relay does not switch",
        FaultKind.CYCLING_FAILURE: "lamp goes off and on again and again",
        FaultKind.SUPPLY_LOSS: "supply lost",
        FaultKind.CIRCUIT_BREAKER_TRIPPED: "circuit breaker has tripped",
        FaultKind.COMMUNICATION_FAILURE: "controller cannot be reached",
        FaultKind.CABINET_DOOR_OPEN: "cabinet door is open",
        FaultKind.LOCAL_OVERRIDE: "switched by hand on site",
        FaultKind.CLOCK_NOT_VALID: "the controller's clock is not set",
        FaultKind.ORDER_NOT_CONFIRMED: "order not confirmed",
        FaultKind.CIRCUITS_SWAPPED: "circuits are swapped",
        FaultKind.METER_NOT_PLAUSIBLE: "meter says what cannot be",
        FaultKind.BROKER_OUTAGE: "broker cannot be reached: nothing is known of any controller",
        FaultKind.SERVICE_OUTAGE: "the service itself stood still",
    },
    figures={
        "watts": "measured {} W",
        "expected_watts": "expected {} W",
        "dark_lamps": "dark lamps about {}",
        "dark_lamps_least": "at least {}",
        "dark_lamps_most": "at most {}",
        "volts": "{} V",
    },
    say={
        "one": "[Dorflicht] {home}: {what}",
        "one_urgent": "[Dorflicht] {home}, urgent: {what}",
        "many": "[Dorflicht] {home}: {count} alerts",
        "many_urgent": "[Dorflicht] {home}: {count} alerts, {urgent} urgent",
        "greeting": "To whoever is on call for the street lighting of {home}.",
        "to_holder": "To whoever placed this lock.",
        "count": "{count} alerts:",
        "more": "... and {count} more.",
        "output": "{controller}, output {output}",
        "everywhere": "the whole municipality",
        "fault_opened": "{what}",
        "fault_reopened": "back again: {what}",
        "fault_closed": "closed: {what}",
        "since": "since {since}",
        "closed": "since {since}, closed {at}",
        "lock_ending": "lock ends",
        "ends": "on {at}",
        "ends_note": "After that light may come on here. Renew the lock if somebody still works there. It does not "
        "disconnect the supply.",
        "reason": "Reason: {reason}",
        "forgotten": "no longer on record ({about})",
        "unknown": "unknown",
        "number": "fault {id}",
    },
    date="%Y-%m-%d %H:%M %Z",
    decimal=".",
)

FR = Words(
    kinds={
        FaultKind.LAMP_FAILURE: "lampe en panne",
        FaultKind.LAMP_UNEXPECTED_ON: "lampe allumée alors qu'elle devrait être éteinte",
        FaultKind.LAMP_POWER_TOO_HIGH: "puissance trop élevée",
        FaultKind.LAMP_POWER_TOO_LOW: "puissance trop faible",
        FaultKind.RELAY_FAILURE: "le relais ne commute pas",
        FaultKind.CYCLING_FAILURE: "la lampe s'éteint et se rallume sans cesse",
        FaultKind.SUPPLY_LOSS: "alimentation coupée",
        FaultKind.CIRCUIT_BREAKER_TRIPPED: "disjoncteur déclenché",
        FaultKind.COMMUNICATION_FAILURE: "contrôleur injoignable",
        FaultKind.CABINET_DOOR_OPEN: "porte de l'armoire ouverte",
        FaultKind.LOCAL_OVERRIDE: "commuté à la main sur place",
        FaultKind.CLOCK_NOT_VALID: "l'horloge du contrôleur n'est pas à l'heure",
        FaultKind.ORDER_NOT_CONFIRMED: "ordre non confirmé",
        FaultKind.CIRCUITS_SWAPPED: "circuits intervertis",
        FaultKind.METER_NOT_PLAUSIBLE: "le compteur annonce l'impossible",
        FaultKind.BROKER_OUTAGE: "broker injoignable : on ne sait plus rien d'aucun contrôleur",
        FaultKind.SERVICE_OUTAGE: "le service lui-même était arrêté",
    },
    figures={
        "watts": "mesuré {} W",
        "expected_watts": "attendu {} W",
        "dark_lamps": "lampes éteintes environ {}",
        "dark_lamps_least": "au moins {}",
        "dark_lamps_most": "au plus {}",
        "volts": "tension {} V",
    },
    say={
        "one": "[Dorflicht] {home} : {what}",
        "one_urgent": "[Dorflicht] {home}, urgent : {what}",
        "many": "[Dorflicht] {home} : {count} alertes",
        "many_urgent": "[Dorflicht] {home} : {count} alertes, dont {urgent} urgentes",
        "greeting": "Au service d'astreinte de l'éclairage public de {home}.",
        "to_holder": "À la personne qui a posé ce verrou.",
        "count": "{count} alertes :",
        "more": "... et {count} de plus.",
        "output": "{controller}, sortie {output}",
        "everywhere": "toute la commune",
        "fault_opened": "{what}",
        "fault_reopened": "de retour : {what}",
        "fault_closed": "clos : {what}",
        "since": "depuis le {since}",
        "closed": "depuis le {since}, clos le {at}",
        "lock_ending": "le verrou prend fin",
        "ends": "le {at}",
        "ends_note": "Ensuite, la lumière peut s'allumer ici. Prolongez le verrou si quelqu'un y travaille encore. "
        "Il ne coupe pas l'alimentation.",
        "reason": "Motif : {reason}",
        "forgotten": "plus au registre ({about})",
        "unknown": "inconnu",
        "number": "défaut {id}",
    },
    date="%d/%m/%Y %H:%M %Z",
    decimal=",",
)

LANGUAGES: Mapping[str, Words] = {"de": DE, "en": EN, "fr": FR}
"""By the municipality's language; for others English."""
