"""The statement's page: figures in the reader's numbers, nothing loaded or run, and it prints whatever is in it."""

import base64
import hashlib
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from service import web
from service.domain.words import Cause, Quality, Reason
from service.usecases.saving_bodies import AmountBody, ComparedBody, CountedBy, PercentBody, QualityPart, SavingPresses
from service.usecases.statement_bodies import (
    LevelHours,
    Missing,
    PartBody,
    PeriodBody,
    PressCount,
    ReadingStretch,
    SavedBody,
    SourcesBody,
    StatementBody,
    StatementZone,
    TotalBody,
    ZoneSince,
)
from service.web.statement import STATEMENT_HEADERS, statement_page
from service.web.statement_chart import blocks, steps
from tests.support.chromium import chromium

ROOM = Path(web.__file__).parent
TEXTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in ROOM.glob("texts/statement/*.json")}
LONG_NAME = "Straße der Freiwilligen Feuerwehr am Dorfgemeinschaftshaus"
CAUSES = (Cause.SCHEDULE, Cause.PRESS, Cause.SAFETY, Cause.LOCAL)


def amount(kwh: str, *, known: bool = True) -> AmountBody:
    value = Decimal(kwh)
    return AmountBody(kwh=value, money=value * Decimal("0.3") if known else None, co2_kg=value / 2 if known else None)


def statement(
    period: str = "2026-10",
    zones: tuple[str, ...] = ("Dorfstraße", "Kirchweg"),
    causes: tuple[Cause, ...] = CAUSES,
    **changes: Any,
) -> StatementBody:
    """A statement of October (with the night of 30 September), or of a year: as much in each zone, period and cause."""
    yearly = len(period) == 4
    nights = [f"{date(2026, 9, 30) + timedelta(days=n)}" for n in range(32)]
    periods = [f"{period}-{month:02}" for month in range(1, 13)] if yearly else nights
    parts = [
        PartBody(
            period=name,
            zone=f"z{n}",
            cause=cause,
            **amount(f"{(1 + i % 7) * (40 if yearly else 1) / (1 + k)}").model_dump(),
        )
        for i, name in enumerate(periods)
        for n in range(len(zones))
        for k, cause in enumerate(causes)
    ]
    kwh = sum((part.kwh for part in parts), Decimal())
    first = date(2026, 1 if yearly else 10, 1)
    body = StatementBody(
        municipality="glasau",
        name="Glasau",
        period=period,
        first=first,
        last=date(2026, 12 if yearly else 10, 31),
        start=datetime(2026, 9, 30, 22, tzinfo=UTC),
        end=datetime(2026, 10, 31, 23, tzinfo=UTC),
        told=datetime(2026, 10, 31, 23, tzinfo=UTC),
        timezone="Europe/Berlin",
        currency="EUR",
        provisional=False,
        recorded_from=None,
        lamps=85,
        zones=[StatementZone(zone=f"z{n}", name=name) for n, name in enumerate(zones)],
        periods=periods,
        energy=parts,
        by_period=[PeriodBody(period=name, kwh=Decimal(1), money=None, co2_kg=None) for name in periods],
        total=TotalBody(
            kwh=kwh,
            money=Decimal("12345.60"),
            co2_kg=Decimal("1812.345"),
            energy_money=Decimal("12225.60"),
            fixed_money=Decimal("120.00"),
        ),
        quality=[
            QualityPart(quality=Quality.MEASURED, kwh=kwh * 9 / 10, percent=Decimal("90.0")),
            QualityPart(quality=Quality.INTERPOLATED, kwh=kwh / 10, percent=Decimal("10.0")),
        ],
        presses=PressCount(granted=1208, refused=40, refused_by={Reason.DAYLIGHT: 12, Reason.ZONE_MINUTES: 28}),
        pressed=amount("123.456"),
        saving=SavedBody(
            total=ComparedBody(
                used=amount("1500"),
                against=amount("4000"),
                saved=amount("2500"),
                percent=PercentBody(kwh=Decimal("62.5"), money=Decimal("62.5"), co2_kg=Decimal("62.5")),
            ),
            presses=SavingPresses(cost=amount("123.456"), darkness=amount("2623.456"), net=amount("2500")),
            later=[],
            unrecorded=[],
        ),
        burning=[
            LevelHours(level=100, output_hours=Decimal("120.50"), lamp_hours=Decimal("10242.50")),
            LevelHours(level=50, output_hours=Decimal("31.00"), lamp_hours=Decimal("2635.00")),
        ],
        readings=[reading("1234.5", "1200"), reading("0", None)],
        sources=SourcesBody(
            prices=[counted("0.30", "Stadtwerke, Vertrag vom März 2025")],
            fixed_prices=[counted("1440", "Stadtwerke")],
            emission_factors=[counted("363", "Umweltbundesamt, 2024"), counted(None, None)],
        ),
        missing=[Missing.READINGS_FORGOTTEN],
    )
    return body.model_copy(update=changes)


def reading(utility: str, ledger: str | None) -> ReadingStretch:
    deviation = None if ledger is None else Decimal(ledger) - Decimal(utility)
    return ReadingStretch(
        supply_point="verteiler-dorfstrasse",
        name=LONG_NAME,
        since=datetime(2026, 10, 1, 8, tzinfo=UTC),
        until=datetime(2026, 10, 31, 9, tzinfo=UTC),
        utility_kwh=Decimal(utility),
        ledger_kwh=None if ledger is None else Decimal(ledger),
        deviation_kwh=deviation,
        deviation_percent=None if deviation is None else Decimal("-2.79"),
        warning=deviation is not None,
        unknown="forgotten" if ledger is None else None,
        quality=[QualityPart(quality=Quality.MEASURED, kwh=Decimal(utility), percent=Decimal(100))],
    )


def counted(value: str | None, source: str | None) -> CountedBy:
    return CountedBy(
        first=date(2026, 10, 1),
        last=date(2026, 10, 31),
        value=None if value is None else Decimal(value),
        source=source,
    )


def shown(html: str) -> str:
    """The words of a page, without its style."""
    words = re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))
    return " ".join(unescape(words).split())


def row(html: str, name: str) -> list[str]:
    """The cells of the first row with this name."""
    found = re.search(rf'<th scope="row">{re.escape(name)}</th>(.*?)</tr>', html)
    assert found is not None, name
    return [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", found[1])]


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_every_language_has_the_same_sentences_with_the_same_words_to_fill_in(language: str) -> None:
    def holes(texts: dict[str, str]) -> dict[str, set[str]]:
        return {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in texts.items()}

    assert holes(TEXTS[language]) == holes(TEXTS["de"])
    assert len(TEXTS[language]["months"].split()) == len(TEXTS[language]["months_short"].split()) == 12


def test_no_sentence_is_missing_or_unused() -> None:
    sources = [*ROOM.glob("statement*.py"), ROOM / "motion_words.py", ROOM / "templates" / "statement.html"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    made = {
        f"{start}_{value}"
        for start, kind in (("cause", Cause), ("quality", Quality), ("missing", Missing))
        for value in kind
    }
    assert made <= set(TEXTS["de"])
    assert {key for key in TEXTS["de"] if key not in made and not re.search(rf"\b{key}\b", code)} == set()


def test_numbers_stand_as_the_language_writes_them() -> None:
    german, english = (statement_page(statement(), language) for language in ("de-DE", "en"))
    assert row(german, "Kosten im Ganzen") == ["12.345,60", "EUR"]
    assert row(english, "Cost in all") == ["12,345.60", "EUR"]
    assert row(german, "100 %") == ["120,5", "10.242,5"]
    assert row(german, LONG_NAME)[3:5] == ["−34,5", "−2,8"]
    assert "Oktober 2026" in shown(german)
    assert 'lang="de"' in statement_page(statement(), "fr")


def test_figures_stand_in_their_rows_and_add_up() -> None:
    html = statement_page(statement(), "de")
    assert row(html, "30.9.2026") == ["2,0", "0,7", "1,0", "0,5", "4,2", "1,25", "2,1"]
    nights = re.findall(r'<th scope="row">\d+\.\d+\.2026</th>', html)
    assert len(nights) == 32
    assert row(html, "zusammen") == ["244,0", "81,3", "122,0", "61,0", "508,3"]
    assert row(html, "gespart (62,5 %)") == ["2.500,0", "750,00", "1.250,0"]
    assert row(html, "Knopfdrücke, abgelehnt (davon 12, weil es hell war)") == ["40", ""]
    months = re.findall(r'<th scope="row">(\w+) 2026</th>', statement_page(statement("2026"), "en"))
    assert months == TEXTS["en"]["months"].split()


def test_what_is_not_known_is_said_and_never_a_number() -> None:
    total = TotalBody(kwh=Decimal(1), money=None, co2_kg=None, energy_money=None, fixed_money=None)
    missing = list(Missing)
    html = statement_page(statement(total=total, presses=None, saving=None, missing=missing, provisional=True), "de")
    assert (
        row(html, "Kosten im Ganzen")[0] == row(html, "Grundpreis")[0] == row(html, "Knopfdrücke")[0] == "nicht bekannt"
    )
    assert row(html, LONG_NAME)[5] == "Über 2 %: bitte prüfen. gemessen 100 %"
    assert all(TEXTS["de"][f"missing_{why}"].partition("{")[0].strip() in shown(html) for why in missing)
    assert "Vorläufig" not in shown(statement_page(statement(), "de"))


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        (
            datetime(2026, 10, 9, 10, tzinfo=UTC),
            "Vorläufig. Der Bericht reicht bis zur Nacht des 8. Oktober 2026. "
            "Vollständig ist er nach dem Mittag des 1. November 2026.",
        ),
        (datetime(2026, 9, 30, 22, tzinfo=UTC), "Vorläufig. Von dieser Zeit ist noch keine Nacht vorbei."),
    ],
)
def test_a_provisional_paper_says_up_to_which_night_it_tells_and_when_it_is_complete(
    told: datetime, sentence: str
) -> None:
    html = statement_page(statement(provisional=True, told=told, missing=[Missing.NOT_OVER]), "de")
    assert sentence in shown(html)
    assert "Nach dem Mittag des 1. November 2026 ist der Bericht vollständig." in shown(html)


def test_what_was_not_recorded_is_a_dash_and_said_above_and_below() -> None:
    body = statement()
    since = datetime(2026, 10, 2, 16, 15, tzinfo=UTC)
    nothing = PeriodBody(period=body.periods[0], kwh=None, money=None, co2_kg=None)
    assert body.saving is not None
    later = ZoneSince(zone="z0", name="Dorfstraße", since=since)
    html = statement_page(
        body.model_copy(
            update={
                "recorded_from": since,
                "energy": [part for part in body.energy if part.period != nothing.period],
                "by_period": [nothing, *body.by_period[1:]],
                "saving": body.saving.model_copy(update={"later": [later], "unrecorded": ["z1"]}),
                "missing": [Missing.NOT_RECORDED, Missing.ZONES_NOT_RECORDED],
            }
        ),
        "de",
    )
    assert row(html, "30.9.2026") == ["–"] * 7
    assert "–" not in row(html, "1.10.2026")
    assert "Energie: 1.10.2026:" in html
    words = shown(html)
    assert "Unvollständig. Aufgezeichnet ist erst die Zeit ab 2. Oktober 2026, 18:15 Uhr" in words
    assert "Alles vor 2. Oktober 2026, 18:15 Uhr" in words
    assert "Dorfstraße: Verglichen ist die Zeit ab 2. Oktober 2026, 18:15 Uhr" in words
    assert "keine Energie aufgezeichnet ist (Kirchweg)" in words


async def test_on_a_phone_only_the_boxes_scroll_and_stand_one_below_the_other() -> None:
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        for body in (statement(zones=(LONG_NAME, "Kirchweg")), statement("2026")):
            await page.set_content(statement_page(body, "de"))
            assert await page.evaluate("document.documentElement.scrollWidth") == 390
            chart = page.locator(".chart")
            assert await chart.evaluate("box => box.scrollWidth > box.clientWidth")
            label = await chart.locator("text").last.bounding_box()
            assert label is not None
            assert label["height"] >= 11
            quality, burning = page.locator(".quality"), page.locator(".burning")
            above, below = await quality.bounding_box(), await burning.bounding_box()
            assert above is not None
            assert below is not None
            assert below["y"] >= above["y"] + above["height"]


def test_nothing_is_run_or_loaded_and_only_its_own_style_holds() -> None:
    html = statement_page(statement(name="<script>alert(1)</script>"), "de")
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert not re.search(r"\s(href|src|style|on\w+)=", html)
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = STATEMENT_HEADERS["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    assert "unsafe" not in policy


def test_bars_are_as_high_as_their_energy_and_stacked_without_gaps() -> None:
    bars = [{Cause.SCHEDULE: Decimal(3), Cause.PRESS: Decimal(1)}, {}, {Cause.PRESS: Decimal(2)}]
    drawn = blocks(bars, Decimal(4))
    assert [(block.y, block.height) for block in drawn] == [
        (Decimal("43.50"), Decimal("112.50")),
        (Decimal("6.00"), Decimal("37.50")),
        (Decimal("81.00"), Decimal("75.00")),
    ]
    assert drawn[0].x == drawn[1].x < drawn[2].x
    assert drawn[0].fill != drawn[1].fill == drawn[2].fill


@pytest.mark.parametrize("highest", ["0", "0.000001", "0.9", "1", "29.2", "123456.7", "5000000"])
def test_the_axis_reaches_over_the_highest_bar_in_few_round_steps(highest: str) -> None:
    values = steps(Decimal(highest))
    assert values[0] == 0
    assert values[-1] >= Decimal(highest)
    assert 2 <= len(values) <= 6
    assert str(values[1].normalize().as_tuple().digits) in {"(1,)", "(2,)", "(5,)"}


async def test_it_prints_on_a4_whatever_is_in_it() -> None:
    many = tuple(f"{LONG_NAME} {n}" for n in range(20))
    long = "Donaudampfschifffahrtsgesellschaftskapitänsmützenstraßenbeleuchtungszone"
    bodies = [
        statement(zones=many),
        statement(zones=(long,), causes=tuple(Cause)),
        statement("2026"),
        statement(causes=()),
    ]
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 688, "height": 1040})  # A4 within its margins
        await page.emulate_media(media="print")
        for body in bodies:
            await page.set_content(statement_page(body, "de"))
            wide = await page.evaluate(
                "[...document.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)"
                ".map(e => e.tagName)"
            )
            assert wide == []
