"""How a saving was computed, in sentences for a funding application."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from service.usecases.saving_bodies import CountedBy, SavingBody

Say = Mapping[str, str]

_DE: Say = {
    "decimal": ",",
    "group": ".",
    "and": " und ",
    "date": "{0.day}.{0.month}.{0.year}",
    "all_night": "mit Licht die ganze Nacht: von Sonnenuntergang bis Sonnenaufgang mit voller Leistung",
    "day": "mit den Regeln, die am {day} galten, ohne Ausnahmen",
    "version": "mit den Regeln der Fassung {version}, ohne Ausnahmen",
    "what": "{name}, {first} bis {last}: Verglichen wird, was die Straßenbeleuchtung verbrauchte, {against}. Es sind "
    "dieselben Leuchten in denselben Stunden; Leuchten, die der Sicherheit dienen, folgen auch im Vergleich ihrem "
    "eigenen Plan.",
    "baseline": "Die Vergleichsmenge von {kwh} kWh ist gerechnet, nicht gemessen: {lamps} nach dem heutigen Bestand, "
    "mal die Zeit, in der nach diesen Regeln Licht wäre, mit Sonnenzeiten für den Ort. Gedimmt zieht eine Leuchte 8 % "
    "ihrer Leistung und den Rest im Verhältnis zum Licht.",
    "lamps": "{n} Leuchten mit zusammen {watts} W",
    "lamps_one": "eine Leuchte mit {watts} W",
    "used": "Der Verbrauch von {kwh} kWh stammt aus der laufenden Aufzeichnung und enthält alles Licht, auch auf "
    "Knopfdruck: {parts}.",
    "used_nothing": "Verbraucht wurde in dieser Zeit nichts.",
    "measured": "{percent} % gemessen",
    "apportioned": "{percent} % auf Leuchten eines gemeinsamen Zählers verteilt",
    "interpolated": "{percent} % über Lücken der Meldungen verteilt, in der Summe gemessen",
    "computed": "{percent} % aus Leistung und Brenndauer gerechnet, weil ein Zähler fehlt",
    "factor": "CO₂: {value} g je kWh vom {first} bis {last} (Quelle: {source}).",
    "result": "Die Einsparung an Treibhausgasen beträgt {percent} %: {used} kg CO₂ statt {against} kg, also {saved} "
    "kg weniger.",
    "more": "Treibhausgase wurden nicht eingespart: {used} kg CO₂ statt {against} kg, also {saved} kg mehr "
    "({percent} %).",
    "no_result": "Die Einsparung an Treibhausgasen lässt sich nicht angeben.",
    "nothing_against": "Nach den Regeln des Vergleichs hätte es in dieser Zeit kein Licht gegeben.",
    "no_emission_factor": "Vom {first} bis {last} ist nicht eingetragen, wie viel CO₂ eine Kilowattstunde verursacht.",
    "no_price": "Vom {first} bis {last} ist kein Strompreis eingetragen; darum fehlt der Geldbetrag.",
    "price_changed_within": "Zwischen dem {first} und dem {last} änderte sich der Strompreis, und aus dieser Zeit ist "
    "nur noch die Monatssumme da; darum fehlt der Geldbetrag.",
    "emission_factor_changed_within": "Zwischen dem {first} und dem {last} änderte sich der CO₂-Wert des Stroms, und "
    "aus dieser Zeit ist nur noch die Monatssumme da.",
    "since": "{zone} ist seit dem {day} aufgezeichnet und zählt ab da.",
    "unrecorded": "Nicht aufgezeichnet ist: {zones}. Das zählt auf keiner Seite.",
    "silent": "{n} Leuchten haben sich nie gemeldet und zählen auf keiner Seite.",
    "silent_one": "Eine Leuchte hat sich nie gemeldet und zählt auf keiner Seite.",
    "late": "In {zones} galt am Stichtag noch keine Regel; genommen ist die erste, die galt.",
    "limits": "Was wegen einer Störung dunkel blieb, steckt in der Einsparung; was wegen einer Störung oder von Hand "
    "länger leuchtete, im Verbrauch. Grundpreise ändern sich durch weniger Licht nicht und sind nicht enthalten.",
}

_EN: Say = {
    "decimal": ".",
    "group": ",",
    "and": " and ",
    "date": "{0.day} {0:%B} {0.year}",
    "all_night": "with light all night: from sunset to sunrise at full power",
    "day": "with the rules in force on {day}, without exceptions",
    "version": "with the rules of version {version}, without exceptions",
    "what": "{name}, {first} to {last}: what street lighting used is compared {against}. The lamps and the hours are "
    "the same; lamps that serve safety keep to their own plan in the comparison, too.",
    "baseline": "The {kwh} kWh that it is compared with are modelled, not measured: {lamps}, as of today, times the "
    "time for which light would be on under these rules, by the sun at this place. Dimmed, a lamp draws 8 % of its "
    "power, and the rest in proportion to its light.",
    "lamps": "{n} lamps of {watts} W together",
    "lamps_one": "one lamp of {watts} W",
    "used": "The {kwh} kWh used are from the running record and contain all light, pressed light too: {parts}.",
    "used_nothing": "Nothing was used in this time.",
    "measured": "{percent} % measured",
    "apportioned": "{percent} % apportioned to lamps that share a meter",
    "interpolated": "{percent} % spread over gaps between reports, measured in sum",
    "computed": "{percent} % computed from power and burning time for lack of a meter",
    "factor": "CO2: {value} g a kWh from {first} to {last} (source: {source}).",
    "result": "The saving of greenhouse gas is {percent} %: {used} kg of CO2 instead of {against} kg, {saved} kg less.",
    "more": "No greenhouse gas was saved: {used} kg of CO2 instead of {against} kg, {saved} kg more ({percent} %).",
    "no_result": "The saving of greenhouse gas cannot be stated.",
    "nothing_against": "Under the rules that it is compared with there would have been no light in this time.",
    "no_emission_factor": "From {first} to {last} it is not on record how much CO2 a kilowatt-hour stands for.",
    "no_price": "From {first} to {last} no price of energy is on record; therefore no money is stated.",
    "price_changed_within": "Between {first} and {last} the price of energy changed, and of that time only the "
    "month's sum is left; therefore no money is stated.",
    "emission_factor_changed_within": "Between {first} and {last} the CO2 of a kilowatt-hour changed, and of that "
    "time only the month's sum is left.",
    "since": "{zone} is on record since {day} and counts from then on.",
    "unrecorded": "Not on record: {zones}. That counts on neither side.",
    "silent": "{n} lamps have never reported and count on neither side.",
    "silent_one": "One lamp has never reported and counts on neither side.",
    "late": "In {zones} no rule was in force on that day; the first that ever was is taken.",
    "limits": "What a fault left dark is in the saving; what a fault or a hand switch left lit is in what was used. "
    "Fixed prices do not change with less light and are left out.",
}

_SAY = {"de": _DE, "en": _EN}


def statement(body: SavingBody, late: Sequence[str], language: str) -> list[str]:
    """How a saving was computed, sentence by sentence; German where the language is unknown. `late` are zones that had
    no policy yet on the day that they are compared with."""
    words = _Words(_SAY.get(language.lower().split("-")[0], _DE))
    return [*words.compared(body), *words.counted(body), *words.left_out(body, late)]


class _Words:
    def __init__(self, say: Say) -> None:
        self._say = say

    def compared(self, body: SavingBody) -> list[str]:
        say, total, proof = self._say, body.total, body.proof
        first, last = self._date(body.first), self._date(body.last)
        parts = [say[part.quality].format(percent=self._number(part.percent, 1)) for part in proof.quality]
        return [
            say["what"].format(name=body.name, first=first, last=last, against=self._against(body.against)),
            say["baseline"].format(
                kwh=self._number(total.against.kwh, 1),
                lamps=self._some("lamps", proof.lamps, watts=self._number(proof.watts)),
            ),
            say["used"].format(kwh=self._number(total.used.kwh, 1), parts=self._listed(parts))
            if parts
            else say["used_nothing"],
        ]

    def counted(self, body: SavingBody) -> list[str]:
        say, proof = self._say, body.proof
        factors = [self._factor(one) for one in proof.emission_factors if one.value is not None]
        if proof.greenhouse_gas_percent is None:
            why = [say["nothing_against"]] if body.zones and not body.total.against.kwh else []
            return [*factors, say["no_result"], *why, *self._missing(body)]
        # the difference of what is shown, not of the exact figures: a reader checks it
        used, against = (round(kg or Decimal(), 1) for kg in (proof.used_kg, proof.against_kg))
        result = say["more" if (proof.saved_kg or 0) < 0 else "result"].format(
            percent=self._number(abs(proof.greenhouse_gas_percent), 1),
            used=self._number(used, 1),
            against=self._number(against, 1),
            saved=self._number(abs(against - used), 1),
        )
        return [*factors, result, *self._missing(body)]

    def left_out(self, body: SavingBody, late: Sequence[str]) -> list[str]:
        say, found = self._say, []
        found += [
            say["since"].format(zone=zone.name, day=self._date(zone.since.date()))
            for zone in body.zones
            if zone.since > body.start
        ]
        if body.unrecorded:
            found.append(say["unrecorded"].format(zones=self._listed(body.unrecorded)))
        if body.proof.silent_lamps:
            found.append(self._some("silent", body.proof.silent_lamps))
        if late:
            found.append(say["late"].format(zones=self._listed(late)))
        return [*found, say["limits"]]

    def _missing(self, body: SavingBody) -> list[str]:
        return [
            self._say[one.why].format(first=self._date(one.first), last=self._date(one.last)) for one in body.missing
        ]

    def _against(self, name: str) -> str:
        if name == "all-night":
            return self._say["all_night"]
        zone, _, version = name.partition(":")
        if version:
            return self._say["version"].format(version=version)
        return self._say["day"].format(day=self._date(date.fromisoformat(zone)))

    def _factor(self, one: CountedBy) -> str:
        return self._say["factor"].format(
            value=self._number(one.value), first=self._date(one.first), last=self._date(one.last), source=one.source
        )

    def _some(self, key: str, n: int, **words: str) -> str:
        return self._say[f"{key}_one" if n == 1 else key].format(n=self._number(Decimal(n)), **words)

    def _date(self, day: date) -> str:
        return self._say["date"].format(day)

    def _listed(self, parts: Sequence[str]) -> str:
        return self._say["and"].join([*([", ".join(parts[:-1])] if parts[1:] else []), parts[-1]])

    def _number(self, value: Decimal | None, places: int = 0) -> str:
        marks: dict[str, str | int | None] = {",": self._say["group"], ".": self._say["decimal"], "-": "−"}
        return f"{value or Decimal():,.{places}f}".translate(str.maketrans(marks))
