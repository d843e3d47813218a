"""The linter's findings in words for council members: what would happen, and what to do about it.

A text belongs to a code, or to a code and the last part of its subject (`limit_below_one_press.zone_wh`). In braces
stand facts, and what `service.api.findings` makes of them: {where}, {first}, {often}, {nightly}, {which}.
"""

DE = {
    "burns_in_daylight": (
        "Licht brennt {often} bei Tag, zuerst {first}: vor Sonnenuntergang oder nach Sonnenaufgang, am längsten "
        "{minutes} Minuten {worst}. Binden Sie den Schritt an Sonnenuntergang oder Sonnenaufgang."
    ),
    "step_never_happens": (
        "{where} ({level} %) kommt in keiner Nacht zur Geltung: Ein späterer Schritt verdrängt ihn, oder die Nacht "
        "ist schon vorbei. Streichen Sie ihn, oder ändern Sie seine Zeit."
    ),
    "step_repeats": (
        "{where} ändert nichts: Das Licht steht schon auf {level} %. Der Schritt kann entfallen, wenn er nicht zur "
        "Klarheit dasteht."
    ),
    "never_lit_by_itself": (
        "Nach diesem Zeitplan brennt hier nie von selbst Licht, in keiner Nacht des Jahres. Ist das gemeint, "
        "nehmen Sie es namentlich an; sonst fehlen Schritte mit einer Stärke über 0."
    ),
    "steps_swap": (
        "{where} wäre {often} früher an der Reihe als der Schritt davor, zuerst {first}. Er wartet dann, und beide "
        "geschehen zugleich. Prüfen Sie, ob das so gemeint ist; im Juni ist es bei einer Uhrzeit nach Sonnenaufgang "
        "üblich."
    ),
    "rule_never_holds": (
        "{where} gilt in keiner Nacht, solange dieser Beschluss in Kraft ist (geprüft: bis zu zehn Jahre). Prüfen Sie "
        "die Bedingungen, oder streichen Sie die Regel."
    ),
    "rule_hidden": (
        "{where} kommt nie zum Zug: In ihren Nächten gilt Regel {by}, die weiter oben steht, zuerst {first}. Stellen "
        "Sie sie darüber, oder streichen Sie sie."
    ),
    "schedule_rules_nothing": (
        "Der Zeitplan schaltet hier nichts: Alle Lampen dieser Zone folgen dem Sicherheits-Zeitplan der Gemeinde. "
        "Wer ihn ändern will, ändert jenen."
    ),
    "gap_surprise": (
        "{where} steht auf {clock}. In der Nacht, die {first} beginnt, gibt es diese Uhrzeit nicht, weil die Uhr "
        "vorgestellt wird; es gilt dann {then}. Ist das nicht recht, wählen Sie eine Zeit außerhalb der "
        "ausgelassenen Stunde."
    ),
    "fold_surprise": (
        "{where} steht auf {clock}. In der Nacht, die {first} beginnt, gibt es diese Uhrzeit zweimal, weil die Uhr"
        " zurückgestellt wird; es gilt das erste Mal. Ist das nicht recht, wählen Sie eine Zeit außerhalb der "
        "doppelten Stunde."
    ),
    "twilight_missing": (
        "{where} hängt an der Dämmerung, doch {often} wird es hier nie ganz dunkel, zuerst {first}. Dann gilt die "
        "Mitte der Nacht. Nehmen Sie besser Sonnenuntergang und Sonnenaufgang."
    ),
    "holiday_region_missing": (
        "{where} fragt nach Feiertagen, aber für die Gemeinde ist kein Bundesland eingetragen. Tragen Sie es ein, "
        "etwa DE-SH."
    ),
    "dark_where_safety": (
        "Lampen, die der Sicherheit dienen, bleiben {often} zeitweise dunkel, zuerst {first}: {outputs}. Ändern "
        "Sie den Sicherheits-Zeitplan der Gemeinde; er muss von Sonnenuntergang bis Sonnenaufgang leuchten."
    ),
    "safety_lamp_keeps_circuit": (
        "Wegen der Sicherheitslampe an Mast {lamps} bleibt der ganze Stromkreis {output} an. Die übrigen Lampen "
        "daran ({others}) verbrauchen so {kwh} kWh im Jahr, während der Zeitplan sie dunkel ließe. Eine eigene "
        "Leitung oder eine einzeln schaltbare Lampe spart das."
    ),
    "ring_sign_missing": (
        "Lampen ohne roten Ring (Zeichen 394) würden nicht mehr die ganze Nacht brennen, zuerst {first}. Es sind "
        "{count}: Mast {lamps}. Bringen Sie die Ringe an und tragen Sie sie ein, bevor der Beschluss gilt."
    ),
    "ring_sign_unknown": (
        "Bei Lampen, die nicht mehr die ganze Nacht brennen würden, ist nicht bekannt, ob sie den roten Ring "
        "(Zeichen 394) tragen, zuerst {first}. Es sind {count}: Mast {lamps}. Lassen Sie nachsehen; wer trotzdem "
        "freigibt, steht mit Namen dafür ein."
    ),
    "level_not_kept": (
        "{where} verlangt {asked} %. An diesen Schaltstellen ({count}) werden daraus {given}: {outputs}. Wählen "
        "Sie eine Helligkeit, die dort möglich ist, oder rechnen Sie damit."
    ),
    "cap_darkens_relay": (
        "{where} erlaubt {level} %. An diesen Schaltstellen ({count}) geht so schwaches Licht nicht; dort bleibt "
        "es dunkel, auch wenn jemand drückt: {outputs}. Wollen Sie Licht, setzen Sie dort keine Ruhezeit."
    ),
    "cap_never_binds": (
        "{where} (höchstens {level} %) fällt in keine Nacht: Sie liegt am Tag, oder ihr Ende kommt vor dem Beginn. "
        "Ändern Sie die Zeiten, oder streichen Sie sie."
    ),
    "cap_output_unknown": (
        "{where} nennt {output}. Diese Schaltstelle gehört nicht zu dieser Zone. Berichtigen Sie den Namen."
    ),
    "window_no_press_can_use": (
        "{where} nützt {often} niemandem{since}: Sie liegt am Tag, ist leer, oder es ist so hell, wie ein Druck es "
        "machen würde, oder eine Ruhezeit hält alles dunkel. Verschieben Sie die Zeiten."
    ),
    "press_never_helps": (
        "Ein Knopfdruck kann hier nie etwas heller machen: Das Licht brennt in jeder Nacht schon mit {level} % oder "
        "eine Ruhezeit hält es dunkel. Prüfen Sie, ob die Zone einen Knopf braucht."
    ),
    "minutes_longer_than_window": (
        "Ein Druck gibt {minutes} Minuten Licht, {where} ist aber {often} kürzer (im kürzesten Fall {window} "
        "Minuten), zuerst {first}. Das Licht brennt dann über ihr Ende hinaus. Kürzen Sie die Minuten, oder "
        "verlängern Sie die Drückzeit."
    ),
    "limit_below_one_press": (
        "Ein Druck soll {minutes} Minuten geben. Erlaubt sind {nightly} aber {limit} Minuten, und ohne die Reserve"
        " von {reserve} % bleiben {open} Minuten. Erhöhen Sie die Grenze, oder kürzen Sie die Minuten."
    ),
    "limit_below_one_press.zone_wh": (
        "Die Energiegrenze von {limit_wh} Wh {nightly} reicht {often} nicht für einen vollen Druck, zuerst {first}: "
        "Dafür bleiben dann {left_wh} Wh, er braucht {press_wh} Wh. Erhöhen Sie die Grenze, oder kürzen Sie die "
        "Minuten."
    ),
    "schedule_exceeds_energy_limit": (
        "Schon der Zeitplan allein überschreitet {often} die Energiegrenze von {limit_wh} Wh {nightly}, zuerst "
        "{first}; er braucht bis zu {planned_wh} Wh. Dann wird jeder Druck abgelehnt. Erhöhen Sie die Grenze, oder "
        "kürzen Sie den Zeitplan."
    ),
    "first_limits_looser": (
        "Die Grenze der Anfangszeit ist weiter als die spätere von {limit}. Gedacht ist sie strenger; prüfen Sie, ob "
        "die Zahlen vertauscht sind."
    ),
    "rest_leaves_dark": (
        "Nach dem Licht muss es {minutes} Minuten dunkel bleiben: Wer als Nächstes kommt, steht so lange im Dunkeln. "
        "Setzen Sie die Pause auf 0, wenn Sie das nicht wollen."
    ),
    "presser_is_no_person": (
        "Gedrückt werden darf {nightly} höchstens {presses} Mal, gezählt je Browser, Telefonnummer oder Knopf, "
        "nicht je Person. Wer zwei Geräte hat, darf doppelt; wer einen Knopf teilt, teilt auch die Grenze."
    ),
    "presser_not_known_yet": (
        "Bisher unterscheidet diese Anlage nicht, wer drückt: Die Grenze je Browser, Nummer oder Knopf bindet noch "
        "niemanden. Verlassen Sie sich so lange auf die Grenzen der ganzen Zone."
    ),
    "nobody_can_show_yet": (
        "Einen Code oder eine Zulassung kann bisher niemand vorzeigen: Mit dieser Regelung bekäme kein Mensch am Handy "
        "Licht. Lassen Sie vorerst alle drücken."
    ),
    "warning_needs_dimmer": (
        "Die Warnung vor dem Dunkelwerden ist hier nicht zu sehen: Keine Lampe dieser Zone kann dafür schwächer "
        "leuchten. Lassen Sie sie weg, oder rüsten Sie dimmbare Lampen nach."
    ),
    "along_unknown": "Die Zone „{zone}“, die mitleuchten soll, gibt es nicht. Berichtigen Sie den Namen.",
    "along_itself": "Die Zone „{zone}“ soll mit sich selbst mitleuchten. Streichen Sie sie aus der Liste.",
    "along_twice": "Die Zone „{zone}“ steht zweimal unter denen, die mitleuchten. Streichen Sie eine davon.",
    "overtakes": (
        "{which} soll {valid_from} beginnen, tritt dann aber nie mehr in Kraft: Dieser Entwurf gilt dann schon und"
        " geht vor. Befristen Sie den Entwurf, wenn das nicht gewollt ist."
    ),
    "nothing_rules_after": (
        "Nach dem Ende dieser Regelung, {first}, gilt keine andere mehr; angewandt würde wieder Fassung {version}, die "
        "älteste. Beschließen Sie, was danach gelten soll."
    ),
    "starts_in_the_past": (
        "Der Beginn {valid_from} ist zu früh: Eine begonnene Nacht lässt sich nicht mehr ändern. Setzen Sie den "
        "Beginn frühestens auf die Nacht, die {earliest} anfängt."
    ),
}

EN = {
    "burns_in_daylight": (
        "Light burns by day {often}, first {first}: before sunset or after sunrise, at worst {minutes} minutes "
        "{worst}. Tie the step to sunset or sunrise."
    ),
    "step_never_happens": (
        "{where} ({level} %) takes effect in no night: a later step overtakes it, or the night is over by then. "
        "Remove it, or change its time."
    ),
    "step_repeats": (
        "{where} changes nothing: the light is at {level} % already. The step can go, unless it stands there to be "
        "clear."
    ),
    "never_lit_by_itself": (
        "By this schedule no light burns here by itself, in no night of the year. If that is meant, accept it by name; "
        "else steps with a level above 0 are missing."
    ),
    "steps_swap": (
        "{where} would come before the step listed ahead of it {often}, first {first}. It waits then, and both happen "
        "at once. Check that this is what you mean; for a time of day after sunrise in June it is usual."
    ),
    "rule_never_holds": (
        "{where} holds in no night while this resolution is in force (looked at: up to ten years). Check its "
        "conditions, or remove the rule."
    ),
    "rule_hidden": (
        "{where} is never used: rule {by}, which is listed before it, takes its nights, first {first}. Move it above, "
        "or remove it."
    ),
    "schedule_rules_nothing": (
        "The schedule switches nothing here: all lamps of this zone follow the municipality's safety schedule. To "
        "change their hours, change that one."
    ),
    "gap_surprise": (
        "{where} is set to {clock}. The night that begins {first} has no such time, because clocks go forward; "
        "{then} holds instead. If that is wrong, choose a time outside the hour left out."
    ),
    "fold_surprise": (
        "{where} is set to {clock}. The night that begins {first} has that time twice, because clocks go back; the"
        " first one holds. If that is wrong, choose a time outside the hour that comes twice."
    ),
    "twilight_missing": (
        "{where} hangs on twilight, but {often} it never gets fully dark here, first {first}. The middle of the night "
        "holds then. Better use sunset and sunrise."
    ),
    "holiday_region_missing": (
        "{where} asks for public holidays, but the municipality has no region. Enter one, such as DE-SH."
    ),
    "dark_where_safety": (
        "Lamps that serve safety stay dark for a time {often}, first {first}: {outputs}. Change the municipality's"
        " safety schedule; it must light from sunset to sunrise."
    ),
    "safety_lamp_keeps_circuit": (
        "Because of the safety lamp on pole {lamps}, the whole circuit {output} stays lit. The other lamps on it "
        "({others}) use {kwh} kWh a year for that, while the schedule would leave them dark. A line of its own, or"
        " a lamp that switches alone, saves this."
    ),
    "ring_sign_missing": (
        "Lamps without the red ring (sign 394) would no longer burn all night, first {first}. They are {count}: "
        "pole {lamps}. Put up the rings and enter them before the resolution holds."
    ),
    "ring_sign_unknown": (
        "Nobody knows whether some lamps that would no longer burn all night carry the red ring (sign 394), first "
        "{first}. They are {count}: pole {lamps}. Have somebody look; whoever signs this off does so by name."
    ),
    "level_not_kept": (
        "{where} asks for {asked} %. At these switching points ({count}) that becomes {given}: {outputs}. Choose a"
        " level that is possible there, or reckon with it."
    ),
    "cap_darkens_relay": (
        "{where} allows {level} %. At these switching points ({count}) so dim a light is not possible; it stays "
        "dark, even when somebody presses: {outputs}. If you want light there, set no quiet time for them."
    ),
    "cap_never_binds": (
        "{where} (at most {level} %) falls in no night: it lies by day, or ends before it begins. Change its times, "
        "or remove it."
    ),
    "cap_output_unknown": ("{where} names {output}. This switching point is not of this zone. Correct the name."),
    "window_no_press_can_use": (
        "{where} is of no use {often}{since}: it lies by day, is empty, or it is as bright as a press would make it, "
        "or a quiet time keeps all dark. Move its times."
    ),
    "press_never_helps": (
        "A press can never make it brighter here: in every night the light is at {level} % already, or a quiet time "
        "keeps it dark. Check whether the zone needs a button."
    ),
    "minutes_longer_than_window": (
        "A press gives {minutes} minutes of light, but {where} is shorter {often} ({window} minutes at the "
        "shortest), first {first}. Light then goes on past its end. Give fewer minutes, or a longer window."
    ),
    "limit_below_one_press": (
        "A press is to give {minutes} minutes. But {limit} minutes are allowed {nightly}, and {open} are left "
        "without the reserve of {reserve} %. Raise the limit, or give fewer minutes."
    ),
    "limit_below_one_press.zone_wh": (
        "The energy limit of {limit_wh} Wh {nightly} cannot pay one full press {often}, first {first}: {left_wh} Wh "
        "are left for it then, and it needs {press_wh} Wh. Raise the limit, or give fewer minutes."
    ),
    "schedule_exceeds_energy_limit": (
        "The schedule alone passes the energy limit of {limit_wh} Wh {nightly} {often}, first {first}; it needs up "
        "to {planned_wh} Wh. Every press is refused then. Raise the limit, or shorten the schedule."
    ),
    "first_limits_looser": (
        "The limit of the first weeks is wider than the later one of {limit}. It is meant to be tighter; check "
        "whether the numbers are swapped."
    ),
    "rest_leaves_dark": (
        "After the light it must stay dark for {minutes} minutes: whoever comes next stands in the dark that long. "
        "Set the rest to 0 if you do not want this."
    ),
    "presser_is_no_person": (
        "Presses {nightly} are limited to {presses}: counted per browser, phone number or button, not per person. "
        "Two devices get twice as many; who shares a button shares its limit."
    ),
    "presser_not_known_yet": (
        "So far this installation cannot tell who presses: the limit per browser, number or button binds nobody yet. "
        "Rely on the limits of the whole zone until then."
    ),
    "nobody_can_show_yet": (
        "So far nobody can show a code or an admission: under this policy nobody would get light by phone. Let "
        "everybody press for now."
    ),
    "warning_needs_dimmer": (
        "The warning before dark cannot be seen here: no lamp of this zone can dim for it. Leave it out, or fit "
        "lamps that dim."
    ),
    "along_unknown": "The zone “{zone}”, to be lit along, does not exist. Correct the name.",
    "along_itself": "The zone “{zone}” is to be lit along with itself. Take it off the list.",
    "along_twice": "The zone “{zone}” stands twice among those lit along. Take one of them off.",
    "overtakes": (
        "{which} is to begin {valid_from}, but will never come into force: this draft holds by then and goes "
        "first. Give the draft an end date if that is not wanted."
    ),
    "nothing_rules_after": (
        "When this policy has ended, {first}, no other holds; version {version}, the oldest, would be applied again. "
        "Decide what is to rule then."
    ),
    "starts_in_the_past": (
        "The beginning {valid_from} is too early: a night that has begun can no longer change. Begin at the "
        "earliest with the night that starts {earliest}."
    ),
}
