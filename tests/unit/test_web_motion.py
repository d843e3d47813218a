"""The motion: figures in the reader's numbers, nothing invented, nothing loaded, one page."""

import base64
import hashlib
import json
import re
from datetime import date
from decimal import Decimal
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from service import web
from service.domain.schedule import Anchor
from service.domain.words import Reason
from service.usecases.policy_documents import PolicyDocument
from service.usecases.simulation_report import (
    ChangeBody,
    FiguresBody,
    Kind,
    PressesBody,
    ReportBody,
    ScenarioBody,
    ZoneBody,
)
from service.web.motion import MOTION_HEADERS, motion_page
from tests.support.chromium import chromium

ROOM = Path(web.__file__).parent
TEXTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in ROOM.glob("texts/motion/*.json")}
MODEL = PressesBody(source="model", count=3143, seed=77, per_night=1.5, curious=True)
RECORDED = PressesBody(source="recorded", count=1208)
Json = dict[str, Any]


def policy(steps: str = "sunset 100, 23:00 0, 05:30 100, sunrise 0", minutes: int = 12, **more: Any) -> PolicyDocument:
    """A policy; its steps each a moment and a level."""
    parts = [step.split() for step in steps.split(", ") if step]
    return PolicyDocument.model_validate(
        {
            "valid_from": "2026-12-01",
            "schedule": {
                "steps": [{"at": at, "level": int(level)} for at, level in parts],
                "rules": more.pop("rules", ()),
            },
            "press": {"minutes": minutes, **more.pop("press", {})},
            **more,
        }
    )


DARK_FROM_ELEVEN = policy()


def figures(kwh: str, dark_minutes: int = 0, *, priced: bool = True, granted: int = 0) -> FiguresBody:
    return FiguresBody(
        kwh=Decimal(kwh),
        pressed_kwh=Decimal(0),
        money=Decimal(kwh) / 4 if priced else None,
        co2_kg=Decimal(kwh) / 2 if priced else None,
        burning_hours=Decimal(kwh) * 10,
        dark_minutes=dark_minutes,
        granted=granted,
        refused=1012,
        refused_by={Reason.ALREADY_LIT: 1001, Reason.DAYLIGHT: 2, Reason.PRESSER_LIMIT: 9},
    )


def scenario(
    name: str,
    kind: Kind,
    total: FiguresBody,
    one: FiguresBody | None = None,
    zones: tuple[str, ...] = ("Dorfstraße", "Kirchweg"),
    same: tuple[str, ...] = (),
) -> ScenarioBody:
    """A scenario whose zones all have its figures, but for those in `same`, which have those of every other."""
    common = figures("500")
    return ScenarioBody(
        name=name,
        kind=kind,
        changes=[
            ChangeBody(zone=f"z{n}", policy=DARK_FROM_ELEVEN)
            for n, zone in enumerate(zones)
            if kind == "draft" and zone not in same
        ],
        different_pressers=total,
        one_presser=one,
        zones=[
            ZoneBody(
                zone=f"z{n}",
                name=zone,
                different_pressers=common if zone in same else total,
                one_presser=None,
                months=[],
            )
            for n, zone in enumerate(zones)
        ],
    )


TODAY = scenario("today", "today", figures("4000"), same=("Kirchweg",))
DRAFT = scenario("Dunkel ab 23 Uhr", "draft", figures("1234.5", 2 * 10 * 90, granted=2041), same=("Kirchweg",))
ALL_NIGHT = scenario("all-night", "all-night", figures("8000"))


def report(*scenarios: ScenarioBody, name: str = "Glasau", presses: PressesBody = MODEL) -> ReportBody:
    return ReportBody(
        municipality="glasau",
        name=name,
        first=date(2026, 3, 1),
        last=date(2026, 3, 10),
        currency="EUR",
        presses=presses,
        today=[],
        scenarios=list(scenarios or (TODAY, DRAFT, ALL_NIGHT)),
    )


class Shape(HTMLParser):
    """The rows of a page's tables by the words of their row header, and every attribute."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self._in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data

    def of(self, label: str) -> list[list[str]]:
        return [row[1:] for row in self.rows if row and row[0] == label]


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("</style>")[2]))


def test_the_figures_stand_in_german_numbers() -> None:
    totals, differences = Shape(motion_page(report(), "de")).of("Entwurf")
    assert totals == ["1.234,5", "308,62", "617,2", "12.345", "1,5", "2.041", "1.012", "1.003"]
    assert differences[:4] == ["−2.765,5", "−691,38", "−1.382,8", "−69,1"]
    assert differences[4:] == ["−6.765,5", "−1.691,38", "−3.382,8", "−84,6"]


def test_the_figures_stand_in_english_numbers() -> None:
    totals, differences = Shape(motion_page(report(), "en")).of("Draft")
    assert totals == ["1,234.5", "308.62", "617.2", "12,345", "1.5", "2,041", "1,012", "1,003"]
    assert differences[3] == "−69.1"


def test_more_than_today_has_a_plus_and_as_much_has_no_sign() -> None:
    more = scenario("Mehr", "draft", figures("5000"))
    as_much = scenario("Gleich", "draft", figures("3999.9999"))
    shape = Shape(motion_page(report(TODAY, more, as_much, ALL_NIGHT), "de"))
    assert shape.of("Entwurf A")[1][:4] == ["+1.000,0", "+250,00", "+500,0", "+25,0"]
    assert shape.of("Entwurf B")[1][:4] == ["0,0", "0,00", "0,0", "0,0"]


def test_today_comes_first_and_all_night_last_whatever_the_order() -> None:
    html = motion_page(report(ALL_NIGHT, DRAFT, TODAY), "de")
    labels = [row[0] for row in Shape(html).rows if row and row[0] in ("Heute", "Entwurf", "Ganze Nacht Licht")]
    assert labels[:3] == ["Heute", "Entwurf", "Ganze Nacht Licht"]


def test_dates_are_written_out_and_the_nights_counted() -> None:
    assert "10 Nächte, vom 1. März 2026 bis 10. März 2026" in motion_page(report(), "de")
    assert "10 nights, from 1 March 2026 to 10 March 2026" in motion_page(report(), "en")


def ruled(*policies: PolicyDocument, unchanged: int = 0) -> ScenarioBody:
    """A draft that gives each policy to a zone of its own, Weg 0 and so on."""
    zones = tuple(f"Weg {n}" for n in range(len(policies) + unchanged))
    changes = [ChangeBody(zone=f"z{n}", policy=policy) for n, policy in enumerate(policies)]
    return scenario("D", "draft", figures("3000"), zones=zones).model_copy(update={"changes": changes})


def rules_of(draft: ScenarioBody, language: str = "de") -> list[str]:
    """The lines of a draft's rules as they are read."""
    zones = tuple(zone.name for zone in draft.zones)
    others = [scenario(s.name, s.kind, s.different_pressers, zones=zones) for s in (TODAY, ALL_NIGHT)]
    drafts = motion_page(report(draft, *others), language).partition('class="drafts"')[2].partition("</ul>")[0]
    return [" ".join(unescape(re.sub(r"<[^>]+>", "", line)).split()) for line in re.findall(r"<p>(.*?)</p>", drafts)]


def test_a_draft_says_its_rules_in_words() -> None:
    draft = ruled(DARK_FROM_ELEVEN, unchanged=1)
    assert rules_of(draft) == [
        "Weg 0, gültig ab 1. Dezember 2026: ab Sonnenuntergang 100 %, ab 23:00 Uhr 0 %, ab 05:30 Uhr 100 %, "
        "ab Sonnenaufgang 0 %. Ein Knopfdruck gibt 12 Minuten Licht."
    ]
    assert rules_of(draft, "en") == [
        "Weg 0, valid from 1 December 2026: 100 % from sunset, 0 % from 23:00, 100 % from 05:30, 0 % from sunrise. "
        "A press gives 12 minutes of light."
    ]


FULL = policy(
    "sunset+1 100, 23:00+15 0, dawn 30, sunrise-10 0",
    15,
    until="2027-03-31",
    rules=[{"when": {"weekdays": ["sat"]}, "steps": []}] * 2,
    press={
        "level": 80,
        "windows": [{"start": "22:00", "end": "06:00"}],
        "limits": {"per_presser": 1, "zone_minutes": 120, "zone_wh": 1600},
        "first_limits": {"zone_minutes": 60},
        "first_nights": 14,
    },
    quiet=[
        {"start": "23:00", "end": "05:00", "level": 30, "when": {"months": [6, 7]}},
        {"start": "dusk", "end": "22:00", "level": 0, "output": {"controller": "cabinet-1", "n": 2}},
    ],
)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "de",
            "Weg 0, gültig ab 1. Dezember 2026, auf Probe bis 31. März 2027: ab 1 Minute nach Sonnenuntergang 100 %, "
            "ab 15 Minuten nach 23:00 Uhr 0 %, ab Beginn der Morgendämmerung 30 %, "
            "ab 10 Minuten vor Sonnenaufgang 0 %; dazu 2 Regeln für andere Nächte. "
            "Ein Knopfdruck gibt 15 Minuten Licht mit 80 %, nur 22:00 bis 06:00 Uhr. "
            "Je Nacht höchstens 1 Knopfdruck je Gerät, 120 Minuten Licht auf Knopfdruck und 1.600 Wh im Ganzen. "
            "In den ersten 14 Nächten höchstens 60 Minuten Licht auf Knopfdruck. "
            "Ruhezeit: 23:00 bis 05:00 Uhr (nur in manchen Nächten) höchstens 30 %, "
            "Ende der Abenddämmerung bis 22:00 Uhr höchstens 0 % (nur cabinet-1/2).",
        ),
        (
            "en",
            "Weg 0, valid from 1 December 2026, on trial until 31 March 2027: 100 % from 1 minute after sunset, "
            "0 % from 15 minutes after 23:00, 30 % from dawn, 0 % from 10 minutes before sunrise; "
            "and 2 rules for other nights. A press gives 15 minutes of light at 80 %, only 22:00 to 06:00. "
            "Each night at most 1 press per device, 120 minutes of pressed light and 1,600 Wh in all. "
            "In the first 14 nights at most 60 minutes of pressed light. "
            "Quiet hours: 23:00 to 05:00 (only in some nights) at most 30 %, "
            "dusk to 22:00 at most 0 % (only cabinet-1/2).",
        ),
    ],
)
def test_a_draft_says_its_trial_limits_and_quiet_hours(language: str, words: str) -> None:
    assert rules_of(ruled(FULL, unchanged=1), language) == [words]


def test_quiet_hours_in_every_night_are_said_plainly() -> None:
    (line,) = rules_of(ruled(policy(quiet=[{"start": "23:00", "end": "05:00", "level": 30}])))
    assert line.endswith("Ruhezeit: 23:00 bis 05:00 Uhr höchstens 30 %.")


def test_no_steps_are_a_dark_night_and_one_rule_is_one() -> None:
    (line,) = rules_of(ruled(policy("", rules=[{"when": {"holiday": True}, "steps": []}])))
    assert ": die ganze Nacht dunkel; dazu eine Regel für andere Nächte. " in line


def test_first_nights_without_a_limit_are_said() -> None:
    press = {"limits": {"per_presser": 3}, "first_limits": {}, "first_nights": 1}
    (line,) = rules_of(ruled(policy(press=press)))
    assert line.endswith("Je Nacht höchstens 3 Knopfdrücke je Gerät. In der ersten Nacht ohne Grenze.")


def test_what_is_too_long_to_list_is_counted() -> None:
    quiet = [{"start": f"{n}:00", "end": f"{n}:30", "level": 30} for n in range(20, 24)]
    (line,) = rules_of(ruled(policy(", ".join(f"{n}:00 50" for n in range(12, 21)), quiet=quiet)))
    assert "ab 17:00 Uhr 50 %, ab 18:00 Uhr 50 % und 2 weitere. Ein" in line
    assert line.endswith("21:00 bis 21:30 Uhr höchstens 30 % und 2 weitere.")


def test_zones_with_the_same_rules_share_a_line() -> None:
    other = policy(minutes=15)
    lines = rules_of(ruled(other, DARK_FROM_ELEVEN, DARK_FROM_ELEVEN, unchanged=1))
    assert [line.partition(", gültig")[0] for line in lines] == ["Weg 1 und Weg 2", "Weg 0"]
    assert ["12 Minuten" in line for line in lines] == [True, False]


def test_rules_for_all_zones_are_said_to_be_for_all() -> None:
    assert rules_of(ruled(*[DARK_FROM_ELEVEN] * 9))[0].startswith("Alle Zonen, gültig")


def test_many_zones_with_the_same_rules_are_counted() -> None:
    (line,) = rules_of(ruled(*[DARK_FROM_ELEVEN] * 7, unchanged=2))
    assert line.startswith("Weg 0, Weg 1, Weg 2, Weg 3, Weg 4 und 2 weitere Zonen, gültig")


def test_more_than_three_kinds_of_rules_are_counted_with_their_zones() -> None:
    policies = [policy(minutes=minutes) for minutes in range(1, 6)]
    assert rules_of(ruled(*policies))[3:] == ["Und andere neue Regeln für 2 weitere Zonen: Weg 3 und Weg 4."]
    assert rules_of(ruled(*policies[:4]))[3:] == ["Und andere neue Regeln für eine weitere Zone: Weg 3."]
    assert len(rules_of(ruled(*policies[:3]))) == 3


def test_the_rules_are_those_of_the_draft_they_stand_under() -> None:
    drafts = [ruled(policy(minutes=minutes)).model_copy(update={"name": f"D{minutes}"}) for minutes in (7, 9)]
    others = [scenario(s.name, s.kind, s.different_pressers, zones=("Weg 0",)) for s in (TODAY, ALL_NIGHT)]
    words = text_of(motion_page(report(*drafts, *others), "de"))
    assert re.search(r"Entwurf A: D7\..*gibt 7 Minuten.*Entwurf B: D9\..*gibt 9 Minuten", words)


def test_zones_stand_on_the_page_where_there_is_room_and_in_the_csv_where_not() -> None:
    few, zones = motion_page(report(), "de"), tuple(f"Weg {n}" for n in range(7))
    scenarios = [scenario(s.name, s.kind, s.different_pressers, zones=zones) for s in (TODAY, DRAFT, ALL_NIGHT)]
    many = motion_page(report(*scenarios), "de")
    assert Shape(few).of("Dorfstraße") == [["4.000,0", "0,0", "1.234,5", "3,0", "8.000,0", "0,0"]]
    assert "Die Zahlen jeder Zone" not in few
    assert Shape(many).of("Weg 0") == []
    assert "Die Zahlen jeder Zone und jedes Monats stehen in der CSV-Datei" in many


def test_without_a_price_the_page_says_so_and_shows_no_zero() -> None:
    unpriced = [
        scenario(s.name, s.kind, figures(str(s.different_pressers.kwh), priced=False))
        for s in (TODAY, DRAFT, ALL_NIGHT)
    ]
    html = motion_page(report(*unpriced), "de")
    totals, differences = Shape(html).of("Entwurf")
    assert totals[1:3] == ["nicht bekannt"] * 2
    assert [differences[n] for n in (1, 2, 5, 6)] == ["nicht bekannt"] * 4
    assert "Nicht für alle Nächte ist ein Preis bekannt." in html
    assert "Nicht für alle Nächte ist ein Preis bekannt." not in motion_page(report(), "de")


def test_a_share_of_nothing_is_not_reckoned() -> None:
    unlit = scenario("today", "today", figures("0"))
    assert Shape(motion_page(report(unlit, DRAFT, ALL_NIGHT), "de")).of("Entwurf")[1][3] == "–"


def test_bounds_are_both_shown_and_explained() -> None:
    bounded = scenario("D", "draft", figures("3000"), figures("2000"))
    html = motion_page(report(TODAY, bounded, ALL_NIGHT), "de")
    shape = Shape(html)
    assert [row[0] for row in shape.of("Entwurf, viele Geräte")] == ["3.000,0", "−1.000,0"]
    assert [row[0] for row in shape.of("Entwurf, ein Gerät")] == ["2.000,0", "−2.000,0"]
    assert shape.of("Heute")
    assert "2.000,0 bis 3.000,0 kWh" in html
    assert "Wer gedrückt hat, wird nie aufgezeichnet." in html


def test_each_bound_is_compared_with_the_same_bound() -> None:
    today = scenario("today", "today", figures("4000"), figures("3500"))
    bounded = scenario("D", "draft", figures("3000"), figures("2000"))
    shape = Shape(motion_page(report(today, bounded, ALL_NIGHT), "de"))
    assert [row[0] for row in shape.of("Entwurf, viele Geräte")] == ["3.000,0", "−1.000,0"]
    assert [row[0] for row in shape.of("Entwurf, ein Gerät")] == ["2.000,0", "−1.500,0"]


def test_without_bounds_there_is_no_word_of_them() -> None:
    assert "Gerät" not in motion_page(report(), "de")


def test_a_model_is_called_an_assumption_with_its_seed_and_count() -> None:
    words = text_of(motion_page(report(), "en"))
    assert "3,143 made-up presses: an assumption, not a forecast." in words
    assert "Random seed: 77" in words
    assert "1.5 per zone and night" in words
    assert "In the first two weeks everybody tries it out." in words


def test_recorded_presses_are_called_recorded() -> None:
    words = text_of(motion_page(report(presses=RECORDED), "en"))
    assert "1,208 presses, as many as were recorded in these nights" in words
    assert "their hours are assumed" in words
    assert "forecast" not in words


@pytest.mark.parametrize(("language", "used"), [("de", "de"), ("en", "en"), ("en-GB", "en"), ("fr", "de"), ("", "de")])
def test_a_language_without_texts_falls_back_to_german(language: str, used: str) -> None:
    assert f'<html lang="{used}">' in motion_page(report(), language)


def test_names_are_escaped() -> None:
    evil = "<script>alert(1)</script>\" onload='x'"
    scenarios = [scenario(s.name, s.kind, s.different_pressers, zones=(evil,)) for s in (TODAY, ALL_NIGHT)]
    draft = scenario(evil, "draft", figures("1"), zones=(evil,))
    html = motion_page(report(*scenarios, draft, name=evil), "de")
    assert html.count("&lt;script&gt;") >= 4
    tags = Shape(html).tags
    assert "script" not in {tag for tag, _ in tags}
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)


def test_braces_in_names_stay_as_they_are() -> None:
    draft = scenario("{label.__class__} {0}", "draft", figures("1"))
    assert "{label.__class__} {0}" in motion_page(report(TODAY, draft, ALL_NIGHT), "de")


def test_the_page_runs_nothing_loads_nothing_and_has_the_one_style_that_its_headers_allow() -> None:
    html = motion_page(report(), "de")
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    policy = dict(part.strip().split(" ", 1) for part in MOTION_HEADERS["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
    assert set(policy) == {"default-src", "style-src", "base-uri", "form-action", "frame-ancestors"}
    assert "url(" not in style
    assert "@import" not in style
    tags = Shape(html).tags
    assert {tag for tag, _ in tags} & {"script", "link", "img", "iframe", "object", "embed", "base"} == set()
    assert {name for _, attributes in tags for name in attributes} & {"style", "src", "href"} == set()


def test_every_header_cell_has_a_scope_and_the_drawing_has_words() -> None:
    tags = Shape(motion_page(report(), "de")).tags
    heads = [attributes for tag, attributes in tags if tag == "th"]
    assert heads
    assert all(head.get("scope") in ("col", "colgroup", "row") for head in heads)
    (drawing,) = [attributes for tag, attributes in tags if tag == "svg"]
    assert "Entwurf: 1.234,5 kWh." in (drawing["aria-label"] or "")


def test_bars_are_as_long_as_the_energy() -> None:
    tags = Shape(motion_page(report(), "de")).tags
    widths = [float(attributes["width"] or "") for tag, attributes in tags if tag == "rect"]
    (drawing,) = [float(attributes["width"] or "") for tag, attributes in tags if tag == "svg"]
    assert max(widths) < drawing
    assert widths[2] == pytest.approx(2 * widths[0], abs=0.2)
    assert widths[1] == pytest.approx(widths[2] * 1234.5 / 8000, abs=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [1, 2, 5])
@pytest.mark.parametrize("language", ["de", "en"])
async def test_up_to_three_drafts_print_on_one_page(language: str, kinds: int) -> None:
    zones = tuple(f"Am Sportplatz {n}" for n in range(6))
    name = "Gedimmt auf 30 % von 22:30 bis 5 Uhr, am Wochenende erst ab Mitternacht, mit Knopf, Fassung "
    changes = [
        ChangeBody(zone=f"z{n}", policy=FULL.model_copy(update={"cut_off_after_min": 1 + n % kinds}))
        for n in range(len(zones))
    ]
    async with chromium() as browser:
        page = await browser.new_page()
        for one in (figures("388738"), None):
            drafts = [
                scenario(f"{name}{n}", "draft", figures("404936"), one, zones).model_copy(update={"changes": changes})
                for n in range(3)
            ]
            today = scenario("today", "today", figures("733684"), one, zones)
            all_night = scenario("all-night", "all-night", figures("1240836"), None, zones)
            for some in ([], drafts[:1], drafts[:2], drafts):
                await page.set_content(motion_page(report(today, *some, all_night) if some else report(), language))
                pdf = await page.pdf(prefer_css_page_size=True)
                assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1


def test_each_draft_keeps_a_line_of_rules_where_the_page_is_full() -> None:
    bound, zones = figures("2000"), tuple(f"Weg {n}" for n in range(3))
    changes = [ChangeBody(zone=f"z{n}", policy=FULL.model_copy(update={"cut_off_after_min": 1 + n})) for n in range(3)]
    drafts = [
        scenario(f"D{n}", "draft", figures("3000"), bound, zones).model_copy(update={"changes": changes})
        for n in range(3)
    ]
    others = [scenario(s.name, s.kind, s.different_pressers, zones=zones) for s in (TODAY, ALL_NIGHT)]
    html = motion_page(report(*drafts, *others), "de")
    assert text_of(html).count("auf Probe bis 31. März 2027") == 3
    assert text_of(html).count("Und andere neue Regeln für 2 weitere Zonen : Weg 1 und Weg 2.") == 3
    assert "<svg" not in html


def test_there_is_room_for_the_vote() -> None:
    words = text_of(motion_page(report(), "de")).partition(" Beschluss ")[2]
    for field in ("Beschluss Nr.", "Datum", "Ja", "Nein", "Enthaltungen", "Unterschrift"):
        assert field in words


def test_every_language_has_the_same_sentences_with_the_same_words_to_fill_in() -> None:
    def holes(texts: dict[str, str]) -> dict[str, list[str]]:
        return {key: sorted(re.findall(r"\{(\w+)\}", text)) for key, text in texts.items()}

    assert set(TEXTS) == {"de", "en"}
    assert holes(TEXTS["en"]) == holes(TEXTS["de"])


def test_no_sentence_lies_unused() -> None:
    files = ("motion.py", "motion_words.py", "templates/motion.html")
    source = "".join((ROOM / name).read_text(encoding="utf-8") for name in files)
    anchors = {f"at_{anchor}" for anchor in Anchor}
    assert anchors <= set(TEXTS["de"])
    keys = {key: key.removesuffix("_one") for key in TEXTS["de"] if key not in anchors}
    words = {*re.findall(r"[\"'](\w+)[\"']", source), *re.findall(r"say\.(\w+)", source)}
    assert [key for key, of_many in keys.items() if not {key, of_many} & words] == []
