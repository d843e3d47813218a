"""The estimate's page: a form that keeps what was typed, messages at their fields, and numbers as the reader writes."""

import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import pytest
from fastapi import FastAPI

from service import web
from service.domain.estimate import Field, Problem
from service.web import estimate
from service.web.estimate import ESTIMATE_HEADERS, estimate_page
from tests.support.chromium import chromium

ROOM = Path(web.__file__).parent
TEXTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in ROOM.glob("texts/estimate/*.json")}
SOURCES = "\n".join((ROOM / name).read_text(encoding="utf-8") for name in ("estimate.py", "templates/estimate.html"))
LOEWENSTEDT = {Field.LAMPS: "107", Field.WATTS: "25"}


class Shape(HTMLParser):
    """The form's inputs by name, and every tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    @property
    def inputs(self) -> dict[str, dict[str, str | None]]:
        return {attrs["name"] or "": attrs for tag, attrs in self.tags if tag == "input"}


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL))).split())


async def get(query: str, accept: str = "de") -> httpx.Response:
    app = FastAPI()
    app.include_router(estimate.build())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        return await client.get(f"/estimate?{query}", headers={"Accept-Language": accept})


def test_first_it_asks_and_knows_the_usual_values() -> None:
    html = estimate_page({}, "de", keep=False)
    inputs = Shape(html).inputs
    assert set(inputs) == {field.value for field in Field}
    assert {name: attrs["value"] for name, attrs in inputs.items() if name in ("lamps", "watts", "price", "hours")} == {
        "lamps": "",
        "watts": "",
        "price": "0,30",
        "hours": "4000",
    }
    assert "gespart" not in words(html).lower()
    assert 'role="alert"' not in html


def test_the_answer_stands_at_the_top_in_the_readers_numbers() -> None:
    german, english = (words(estimate_page(LOEWENSTEDT, language, keep=False)) for language in ("de", "en"))
    assert "Rund 4.200 kWh und 1.260 EUR im Jahr, 39 % weniger. Das sind 1,5 t CO₂ im Jahr." in german
    assert "höchstens 12 % dessen zurück" in german
    assert "nach 1,3 Jahren bezahlt. Nach 10 Jahren bleiben 10.107 EUR übrig." in german
    assert "About 4,200 kWh and 1,260 EUR a year, 39 % less. That is 1.5 t of CO₂ a year." in english
    assert "Heute 10.700 3.210 3.884 Dunkel, mit Knopfdruck 6.498 1.949 2.359 Gespart 4.202 1.261 1.526" in german


def test_bad_numbers_get_a_message_at_their_field_and_stay() -> None:
    typed = LOEWENSTEDT | {Field.LAMPS: "hundert", Field.YEARS: "1,5", Field.DARK_HOURS: "4.001", Field.PRICE: "-1"}
    html = estimate_page(typed, "de", keep=False)
    inputs = Shape(html).inputs
    bad = {name for name, attrs in inputs.items() if attrs.get("aria-invalid") == "true"}
    assert bad == {"lamps", "years", "dark_hours", "price"}
    for field, text in typed.items():
        assert inputs[field]["value"] == text
        assert (f"{field}-error" in (inputs[field]["aria-describedby"] or "")) == (field in bad)
    shown = dict(re.findall(r'<p class="error" id="(\w+)-error">(.*?)</p>', html))
    assert shown["lamps"] == "Das ist keine Zahl. Schreiben Sie eine ganze zwischen 1 und 100.000, zum Beispiel 25."
    assert shown["years"] == "Geben Sie eine ganze Zahl zwischen 1 und 50 an."
    assert shown["price"] == "Geben Sie eine Zahl zwischen 0 und 10 an."
    assert shown["dark_hours"].startswith("Länger dunkel, als die Lampen heute brennen, geht nicht.")
    assert "4 Angaben lassen sich so nicht rechnen." in words(html)
    assert "<table" not in html


def test_what_is_typed_cannot_become_part_of_the_page() -> None:
    html = estimate_page({Field.LAMPS: '"><script>alert(1)</script>'}, "en", keep=False)
    assert "<script" not in html
    assert Shape(html).inputs["lamps"]["value"] == '"><script>alert(1)</script>'


def test_another_language_gets_the_same_numbers() -> None:
    typed = LOEWENSTEDT | {Field.HOURS: "4.100", Field.PRICE: "0,325", Field.WATTS: "zwölf"}
    tags = Shape(estimate_page(typed, "de", keep=False)).tags
    link = next(attrs["href"] or "" for _, attrs in tags if attrs.get("hreflang") == "en")
    query = {name: values[0] for name, values in parse_qs(link.removeprefix("?")).items()}
    assert query == {"lang": "en", "lamps": "107", "watts": "zwölf", "hours": "4100", "price": "0.325"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({Field.DARK_HOURS: "0"}, "So wird nichts gespart."),
        ({Field.LAMPS: "1"}, "zahlt sich nie aus: Sie kostet im Jahr so viel, wie sie spart, oder mehr."),
        ({Field.PRICE: "0"}, "zahlt sich nie aus, denn Geld wird nicht gespart."),
        ({Field.INVESTMENT: "0"}, "ist vom ersten Tag an bezahlt."),
        ({Field.INVESTMENT: "90.000"}, "Nach 10 Jahren fehlen noch 78.393 EUR."),
        ({Field.YEARS: "1"}, "Nach einem Jahr fehlen noch 339 EUR."),
    ],
)
def test_what_does_not_pay_is_said(changes: dict[Field, str], sentence: str) -> None:
    assert sentence in words(estimate_page(LOEWENSTEDT | changes, "de", keep=False))


ONE_CABINET = (
    "1.500 EUR kostet ein Schaltschrank für ein Dorf mit etwa dreißig Lampen; für 201 Lampen braucht es mehrere."
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({Field.LAMPS: "201"}, True),
        ({Field.LAMPS: "201", Field.DARK_HOURS: "0"}, True),
        ({Field.LAMPS: "200"}, False),
        ({Field.LAMPS: "201", Field.INVESTMENT: "10.000"}, False),
    ],
)
def test_one_cabinet_is_said_to_be_too_cheap_for_a_town(changes: dict[Field, str], said: bool) -> None:
    text = words(estimate_page(LOEWENSTEDT | changes, "de", keep=False))
    assert (ONE_CABINET in text, "ein Schaltschrank für" in text) == (said, said)


def test_one_press_of_one_minute_is_one() -> None:
    once = LOEWENSTEDT | {Field.PRESSES_PER_NIGHT: "1", Field.PRESS_MINUTES: "1"}
    assert "Ein Knopfdruck je Nacht zu einer Minute gibt höchstens" in words(estimate_page(once, "de", keep=False))
    assert "One press a night of one minute gives back" in words(estimate_page(once, "en", keep=False))


async def test_the_route_reads_the_form_and_the_readers_language() -> None:
    answer = await get("lamps=107&watts=25&price=0,30&nonsense=1")
    assert answer.status_code == 200
    assert "Rund 4.200 kWh" in words(answer.text)
    assert answer.headers["content-language"] == "de"
    assert 'name="lang"' not in answer.text
    english = await get("lamps=107&watts=25&lang=en")
    assert "About 4,200 kWh" in words(english.text)
    assert Shape(english.text).inputs["lang"]["value"] == "en"
    for name, value in ESTIMATE_HEADERS.items():
        assert answer.headers[name] == value


async def test_it_loads_nothing_from_elsewhere_and_runs_nothing() -> None:
    tags = Shape((await get("lamps=107&watts=25")).text).tags
    assert {tag for tag, _ in tags}.isdisjoint({"script", "img", "iframe", "object"})
    assert [attrs for _, attrs in tags if "style" in attrs or any(name.startswith("on") for name in attrs)] == []
    links = {attrs.get("href") or attrs.get("src") or attrs.get("action") for _, attrs in tags} - {None}
    assert all(link and link.startswith(("/", "?")) for link in links)


async def test_a_browser_takes_the_style_and_fits_it_on_a_phone_and_a_page() -> None:
    html = estimate_page(LOEWENSTEDT, "de", keep=False)
    policy = ESTIMATE_HEADERS["Content-Security-Policy"]
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        errors: list[str] = []
        page.on("console", lambda message: errors.append(message.text))

        async def serve(route: object) -> None:
            await route.fulfill(body=html, content_type="text/html", headers={"Content-Security-Policy": policy})  # type: ignore[attr-defined] # Playwright's route

        await page.route("http://estimate.test/estimate", serve)
        await page.route("http://estimate.test/static/**", lambda route: route.fulfill(status=204))
        await page.goto("http://estimate.test/estimate")
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        assert await page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(247, 243, 234)"
        pdf = await page.pdf(prefer_css_page_size=True)
        assert pdf.count(b"/Type /Page\n") == 1
    assert [error for error in errors if "Security" in error] == []


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_every_language_has_the_same_sentences_with_the_same_holes(language: str) -> None:
    filled = {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in TEXTS[language].items()}
    assert filled == {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in TEXTS["de"].items()}


def test_no_sentence_lies_unused_and_none_is_missing() -> None:
    made = {f"{field}{end}" for field in Field for end in ("", "_unit", "_hint")}
    made |= {f"error_{problem}" for problem in Problem} | {"error_out_of_bounds_whole", "error_no_number_whole"}
    assert made <= set(TEXTS["de"])
    assert {key for key in TEXTS["de"] if key not in made and not re.search(rf"\b{key}\b", SOURCES)} == set()
    assert set(re.findall(r"\bsay\.(\w+)", SOURCES)) - {"format"} <= set(TEXTS["de"])
