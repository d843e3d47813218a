"""The resident's page in a real browser, against a scripted API: what the reader sees and can do."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from service.web.pages import MunicipalityPage, ZonePage
from tests.support.chromium import Watch, chromium
from tests.support.page_api import MIDNIGHT, PageApi, dark_zone, iso, served

pytestmark = pytest.mark.asyncio(loop_scope="module")

VILLAGE = MunicipalityPage(
    "glasau",
    "Glasau",
    "de",
    (
        ZonePage("dorf", "Dorfstraße", tuple((54.030 + n * 0.0002, 10.512 + n * 0.0006) for n in range(14))),
        ZonePage("kirchweg", "Kirchweg", tuple((54.030 - n * 0.0004, 10.514) for n in range(1, 9))),
    ),
)
LIT = {"state": "lit", "level": 100, "cause": "press", "lamps_lit": 14, "confirmed_at": iso(MIDNIGHT)}


@dataclass
class Desk:
    """A page at work: the browser's page, the API behind it, and the watch over it."""

    page: Page
    api: PageApi
    watch: Watch
    origin: str

    async def open(self, path: str = "/m/glasau/z/dorf") -> None:
        await self.page.goto(self.origin + path)
        await expect(self.zone("dorf")).not_to_have_attribute("data-look", "wait")

    def zone(self, zone: str) -> Locator:
        return self.page.locator(f'[data-zone="{zone}"]')

    def part(self, name: str, zone: str | None = None) -> Locator:
        within = self.zone(zone) if zone else self.page
        return within.locator(f'[data-is="{name}"]')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def desk(browser: Browser) -> AsyncIterator[Desk]:
    api = PageApi("glasau", [dark_zone("dorf", "Dorfstraße", 14), dark_zone("kirchweg", "Kirchweg", 8)])
    async with served(api.app(VILLAGE, demo=True)) as origin:
        context = await browser.new_context(locale="de-DE", viewport={"width": 420, "height": 1010})
        page = await context.new_page()
        watch = Watch(origin)
        await watch.over(page)
        yield Desk(page, api, watch, origin)
        api.break_stream()
        await context.close()
    assert watch.errors == []
    assert watch.foreign == []


async def test_a_press_goes_from_dark_to_pressed_granted_lit_and_dark_again(desk: Desk) -> None:
    await desk.open()
    big, note = desk.part("big", "dorf"), desk.part("note", "dorf")
    await expect(desk.part("answer")).to_have_text("Dorfstraße ist dunkel.")
    await expect(desk.part("sub")).to_have_text("Nach Plan wieder Licht ab 05:30 Uhr.")
    await expect(desk.part("state", "dorf")).to_have_text("dunkel, bestätigt vor 2 min")
    await expect(desk.part("cost", "dorf")).to_have_text("12 Minuten Licht: 0,05\xa0€ (160\xa0Wh)")

    desk.api.hold.clear()
    desk.api.grant("dorf")
    at_once = await desk.part("dial", "dorf").evaluate("button => { button.click(); return button.innerText; }")
    assert "gedrückt" in at_once
    await expect(desk.zone("dorf")).to_have_attribute("data-light", "dark")

    desk.api.hold.set()
    await expect(big).to_have_text("angenommen")
    await expect(note).to_contain_text("Wir warten auf die Bestätigung")
    await expect(desk.part("answer")).to_have_text("Dorfstraße ist dunkel.")

    desk.api.lease["state"] = "lit"
    desk.api.light("dorf", **LIT, until=iso(MIDNIGHT + timedelta(minutes=12)))
    await expect(desk.part("answer")).to_have_text("Dorfstraße leuchtet bis 01:24 Uhr.")
    await expect(big).to_have_text(re.compile(r"^1[12]:\d\d$"))
    await expect(desk.part("lamps", "dorf")).to_have_text("14 von 14 Lampen bestätigt")
    await expect(note).to_be_hidden()
    await expect(desk.part("again", "dorf")).to_have_text("Wieder auf 12 Minuten")
    before = await big.text_content()
    await expect(big).not_to_have_text(before or "")

    desk.api.now = MIDNIGHT + timedelta(minutes=12)
    desk.api.light("dorf", state="dark", level=0, until=None, cause="schedule", confirmed_at=iso(desk.api.now))
    await expect(desk.part("answer")).to_have_text("Dorfstraße ist dunkel.")
    await expect(desk.part("state", "dorf")).to_have_text("dunkel, gerade bestätigt")
    assert [zone for zone, _ in desk.api.pressed] == ["dorf"]
    assert desk.api.asked_languages == ["de"]


async def test_when_its_time_is_over_light_is_not_called_dark_before_a_report(desk: Desk) -> None:
    desk.api.zones["dorf"]["light"].update(LIT, until=iso(MIDNIGHT + timedelta(seconds=1)))
    await desk.open()
    await expect(desk.part("big", "dorf")).to_have_text("gleich aus")
    await expect(desk.part("answer")).to_have_text("Dorfstraße leuchtet.")


async def test_a_second_press_while_lit_asks_for_more_with_its_own_key(desk: Desk) -> None:
    desk.api.zones["dorf"]["light"].update(LIT, until=iso(MIDNIGHT + timedelta(minutes=3)))
    desk.api.grant("dorf")
    desk.api.lease["state"] = "lit"
    await desk.open()
    await desk.part("again", "dorf").click()
    await expect(desk.part("big", "dorf")).to_have_text(re.compile(r"^[23]:\d\d$"))
    await desk.part("again", "dorf").click()
    await expect(desk.part("big", "dorf")).to_have_text(re.compile(r"^[23]:\d\d$"))
    keys = [key for _, key in desk.api.pressed]
    assert len(keys) == len(set(keys)) == 2


async def test_a_refused_press_shows_the_sentence_at_its_zone(desk: Desk) -> None:
    desk.watch.allowed = ["409"]
    sentence = "Hier leuchtet es schon so lange wie erlaubt. Wieder ab 02:30 Uhr."
    retry = iso(MIDNIGHT + timedelta(minutes=78))
    desk.api.answer = (409, {"title": "No", "detail": sentence, "reason": "longest", "retry_at": retry, "status": 409})
    await desk.open("/m/glasau")
    await desk.part("dial", "kirchweg").click()
    await expect(desk.part("note", "kirchweg")).to_have_text(sentence)
    await expect(desk.part("note", "dorf")).to_be_hidden()
    await expect(desk.part("announce")).to_have_text(f"Kirchweg ist dunkel. {sentence}")


async def test_a_zone_that_may_not_be_pressed_says_why_and_sends_nothing(desk: Desk) -> None:
    sentence = "Ruhezeit bis 05:00 Uhr. Am Gasthof hängt eine Taste."
    desk.api.zones["dorf"]["press"].update(
        allowed=False, reason="longest", sentence=sentence, retry_at="2026-11-22T04:00:00Z"
    )
    await desk.open()
    await expect(desk.part("big", "dorf")).to_have_text("ab 05:00")
    await expect(desk.part("note", "dorf")).to_have_text(sentence)
    await expect(desk.part("dial", "dorf")).to_have_attribute("aria-disabled", "true")
    await desk.part("dial", "dorf").click(force=True)
    await expect(desk.part("announce")).to_contain_text(sentence)
    await expect(desk.part("cost", "dorf")).to_be_hidden()
    assert desk.api.pressed == []

    desk.api.now = MIDNIGHT + timedelta(hours=4)
    desk.api.tell()
    await expect(desk.part("big", "dorf")).to_have_text("Licht an")
    await expect(desk.part("note", "dorf")).to_be_hidden()


async def test_a_failed_lease_says_so(desk: Desk) -> None:
    desk.api.grant("dorf")
    desk.api.lease["state"] = "failed"
    await desk.open()
    await desk.part("dial", "dorf").click()
    note = desk.part("note", "dorf")
    await expect(note).to_contain_text("Bisher hat keine Lampe bestätigt. Bleibt es dunkel,")
    await expect(desk.part("answer")).to_have_text("Dorfstraße ist dunkel.")
    await expect(desk.part("big", "dorf")).to_have_text("Licht an")

    desk.api.light("dorf", **LIT, until=iso(MIDNIGHT + timedelta(minutes=12)))
    await expect(desk.part("answer")).to_have_text("Dorfstraße leuchtet bis 01:24 Uhr.")
    await expect(note).to_be_hidden()


async def test_a_failed_lease_of_light_that_is_there_is_not_told(desk: Desk) -> None:
    desk.api.grant("dorf")
    await desk.open()
    await desk.part("dial", "dorf").click()
    await expect(desk.part("big", "dorf")).to_have_text("angenommen")
    desk.api.lease["state"] = "failed"
    desk.api.light("dorf", **{**LIT, "state": "partly", "lamps_lit": 9}, until=iso(MIDNIGHT + timedelta(minutes=12)))
    await expect(desk.part("note", "dorf")).to_be_hidden()
    await expect(desk.part("big", "dorf")).to_have_text(re.compile(r"^1[12]:\d\d$"))


async def test_a_dark_zone_with_silent_lamps_says_how_many(desk: Desk) -> None:
    desk.api.zones["dorf"]["light"]["lamps_unknown"] = 3
    desk.api.zones["kirchweg"]["light"]["lamps_unknown"] = 1
    await desk.open()
    await expect(desk.part("state", "dorf")).to_have_text("dunkel, soweit gemeldet, bestätigt vor 2 min")
    await expect(desk.part("lamps", "dorf")).to_have_text("3 von 14 Lampen melden sich nicht")
    await expect(desk.part("lamps", "kirchweg")).to_have_text("1 von 8 Lampen meldet sich nicht")


async def test_the_time_to_press_again_is_never_a_minute_early_and_one_minute_is_singular(desk: Desk) -> None:
    desk.api.zones["dorf"]["press"].update(allowed=False, reason="longest", retry_at="2026-11-22T04:00:01Z")
    desk.api.zones["kirchweg"]["press"]["minutes"] = 1
    await desk.open()
    await expect(desk.part("big", "dorf")).to_have_text("ab 05:01")
    await expect(desk.part("note", "dorf")).to_contain_text("ab 05:01 Uhr")
    await expect(desk.part("below", "kirchweg")).to_have_text("1 Minute")
    await expect(desk.part("cost", "kirchweg")).to_contain_text("1 Minute Licht")


async def test_partly_is_a_step_on_the_way_and_told_when_it_stays(desk: Desk) -> None:
    desk.api.grant("dorf")
    desk.api.lease.update(state="partly", outputs_confirmed=9)
    await desk.open()
    note = desk.part("note", "dorf")
    await desk.part("dial", "dorf").click()
    await expect(note).to_contain_text("Wir warten auf die Bestätigung")
    desk.api.light("dorf", **{**LIT, "state": "partly", "lamps_lit": 9}, until=iso(MIDNIGHT + timedelta(minutes=12)))
    await expect(desk.part("answer")).to_have_text("Dorfstraße leuchtet teilweise bis 01:24 Uhr.")
    await expect(note).to_have_text("Nicht alles hat bestätigt: 9 von 14 Abgängen.", timeout=20_000)
    desk.api.lease.update(state="lit", outputs_confirmed=14)
    desk.api.light("dorf", **LIT)
    await expect(note).to_be_hidden()


async def test_a_press_without_an_answer_is_repeated_as_the_same_press(desk: Desk) -> None:
    desk.watch.allowed = ["502"]
    await desk.open()
    await desk.part("dial", "dorf").click()
    await expect(desk.part("note", "dorf")).to_contain_text("Keine Antwort.")
    desk.api.grant("dorf")
    await desk.part("dial", "dorf").click()
    await expect(desk.part("big", "dorf")).to_have_text("angenommen")
    first, second = (key for _, key in desk.api.pressed)
    assert first == second


async def test_an_unknown_light_is_called_unknown_with_what_was_last_heard(desk: Desk) -> None:
    heard = iso(MIDNIGHT - timedelta(minutes=31))
    desk.api.zones["dorf"]["light"].update(state="unknown", level=100, lamps_lit=None, confirmed_at=heard)
    desk.api.zones["kirchweg"]["light"].update(state="unknown", level=None, lamps_lit=None, confirmed_at=None)
    await desk.open()
    await expect(desk.part("answer")).to_have_text("Dorfstraße meldet sich nicht.")
    await expect(desk.part("state", "dorf")).to_have_text("meldet sich nicht, zuletzt 00:41: an")
    await expect(desk.part("state", "kirchweg")).to_have_text("noch nichts gehört")
    await expect(desk.page.locator('[data-place="dorf"]')).to_have_attribute("data-light", "unknown")
    await expect(desk.part("dial", "dorf")).to_have_attribute("aria-disabled", "false")


async def test_by_day_the_lamps_are_off_and_nobody_is_asked_to_press(desk: Desk) -> None:
    for zone in desk.api.zones.values():
        zone["press"].update(allowed=False, reason="daylight", retry_at="2026-11-22T15:10:00Z")
        zone["next_change"] = {"at": "2026-11-22T15:10:00Z", "level": 100}
    for path in ("/m/glasau", "/m/glasau/z/dorf"):
        await desk.open(path)
        await expect(desk.part("answer")).to_have_text("Es ist Tag, die Lampen sind aus.")
        await expect(desk.part("sub")).to_have_text("Nach Plan Licht ab 16:10 Uhr.")
        await expect(desk.part("state", "dorf")).to_have_text("aus, bestätigt vor 2 min")
        await expect(desk.part("big", "dorf")).to_have_text("ab 16:10")
        await expect(desk.part("below", "dorf")).to_have_text("drücken")


async def test_the_line_below_the_answer_fits_what_a_press_would_do(desk: Desk) -> None:
    sub = desk.part("sub")
    for zone in desk.api.zones.values():
        zone["light"].update(state="unknown", level=0, lamps_lit=None)
    for path in ("/m/glasau", "/m/glasau/z/dorf"):
        await desk.open(path)
        await expect(sub).to_contain_text("Ein Druck fordert Licht an.")
    for zone in desk.api.zones:
        desk.api.press(zone, allowed=False, reason="unreachable")
    await expect(sub).to_be_hidden()
    await desk.open("/m/glasau")
    await expect(sub).to_be_hidden()
    for zone in desk.api.zones:
        desk.api.press(zone, reason="longest", retry_at=iso(MIDNIGHT + timedelta(hours=1)))
    await expect(sub).to_be_hidden()
    desk.api.light("dorf", state="dark")
    desk.api.press("dorf", allowed=True, reason=None, retry_at=None)
    await expect(sub).to_have_text("Drücken Sie, wo Sie Licht brauchen.")


async def test_a_plan_that_dims_is_told_in_words(desk: Desk) -> None:
    desk.api.zones["dorf"]["next_change"]["level"] = 50
    await desk.open()
    await expect(desk.part("sub")).to_have_text("Nach Plan ab 05:30 Uhr wieder Licht, gedimmt.")


async def test_a_circuit_is_on_and_its_lamps_are_only_estimated(desk: Desk) -> None:
    desk.api.zones["dorf"]["light"].update(
        LIT, basis="meter", lamps_total=32, lamps_lit=30, until=iso(MIDNIGHT + timedelta(minutes=9))
    )
    await desk.open()
    await expect(desk.part("lamps", "dorf")).to_have_text("Stromkreis an, nach Zähler etwa 30 von 32 Lampen")
    await expect(desk.page.locator('[data-place="dorf"]')).to_have_attribute("data-light", "circuit")


async def test_a_broken_stream_shows_nothing_as_current_and_comes_back_by_itself(desk: Desk) -> None:
    desk.watch.allowed = ["503", "ERR_"]
    desk.api.zones["dorf"]["light"].update(LIT, until=iso(MIDNIGHT + timedelta(minutes=9)))
    await desk.open()
    await expect(desk.part("answer")).to_contain_text("leuchtet")
    desk.api.break_stream()
    await expect(desk.part("answer")).to_have_text("Verbindung unterbrochen.")
    await expect(desk.part("announce")).to_have_text("Verbindung unterbrochen.")
    await expect(desk.part("state", "dorf")).to_have_text("Stand 01:12: leuchtet")
    await expect(desk.part("big", "dorf")).to_have_text("bis 01:21")
    await expect(desk.part("below", "dorf")).to_have_text("nach letztem Stand")
    await expect(desk.part("lamps", "dorf")).to_be_hidden()
    await desk.page.set_viewport_size({"width": 420, "height": 500})
    await desk.part("dial", "kirchweg").scroll_into_view_if_needed()
    await expect(desk.part("answer")).to_be_in_viewport()
    await expect(desk.page.locator("[data-place=dorf] .glow").first).to_be_hidden()

    desk.api.zones["dorf"]["light"].update(state="dark", level=0, until=None)
    await asyncio.wait_for(desk.api.refused.wait(), 20)  # the browser gives up on a stream that is refused
    desk.api.mend_stream()
    await expect(desk.part("answer")).to_have_text("Dorfstraße ist dunkel.", timeout=20_000)


async def test_a_stream_that_missed_nothing_is_current_again_too(desk: Desk) -> None:
    desk.watch.allowed = ["ERR_"]
    await desk.open()
    desk.api.end_streams()
    await expect(desk.part("answer")).to_have_text("Verbindung unterbrochen.")
    await asyncio.wait_for(desk.api.resumed.wait(), 20)
    await expect(desk.part("answer")).to_have_text("Dorfstraße ist dunkel.")
    await expect(desk.part("state", "dorf")).to_have_text("dunkel, bestätigt vor 2 min")


async def test_the_demo_clock_moves_the_page(desk: Desk) -> None:
    await desk.open()
    await expect(desk.part("clock")).to_have_text("01:12")
    await desk.page.get_by_role("button", name="+30 min").click()
    await expect(desk.part("clock")).to_have_text("01:42")
    await expect(desk.part("state", "dorf")).to_have_text("dunkel, bestätigt vor 32 min")
    await desk.page.get_by_role("button", name="60-mal schneller").click()
    await expect(desk.page.get_by_role("button", name="60-mal schneller")).to_have_attribute("aria-pressed", "true")
    await expect(desk.part("clock")).to_have_text("01:43")
    assert desk.api.moved == [{"forward_minutes": 30}, {"speed": 60}]


async def test_the_keyboard_reaches_the_button_and_presses_it(desk: Desk) -> None:
    desk.api.grant("dorf")
    await desk.open()
    for _ in range(5):
        await desk.page.keyboard.press("Tab")
        if await desk.page.evaluate("document.activeElement.dataset.is") == "dial":
            break
    await desk.page.keyboard.press("Enter")
    await expect(desk.part("big", "dorf")).to_have_text("angenommen")
    assert [zone for zone, _ in desk.api.pressed] == ["dorf"]


@pytest.mark.parametrize("width", [320, 420])
@pytest.mark.parametrize("path", ["/m/glasau", "/m/glasau/z/dorf"])
async def test_no_button_moves_when_a_street_lights(desk: Desk, path: str, width: int) -> None:
    async def tops() -> list[float]:
        boxes = [await desk.part("dial", zone).bounding_box() for zone in desk.api.zones]
        return [box["y"] for box in boxes if box]

    await desk.page.set_viewport_size({"width": width, "height": 1010})
    await desk.open(path)
    answer = desk.part("answer")
    await expect(answer).to_contain_text("dunkel")
    before = await tops()
    lit = {**LIT, "until": iso(MIDNIGHT + timedelta(minutes=12))}
    for state, zone in [("lit", "dorf"), ("partly", "dorf")]:
        desk.api.light(zone, **{**lit, "state": state})
        await expect(desk.zone(zone)).to_have_attribute("data-light", state)
        still = 1 if width == 320 or "/z/" in path else 2  # there the pressed card may grow downwards
        assert (await tops())[:still] == before[:still]


async def test_in_a_small_dial_no_word_spills_over(desk: Desk) -> None:
    desk.api.grant("dorf")
    await desk.open("/m/glasau")
    await desk.part("dial", "dorf").click()
    await expect(desk.part("big", "dorf")).to_have_text("angenommen")
    dial = await desk.part("dial", "dorf").bounding_box()
    assert dial is not None
    for word in ("big", "below"):
        wide = await desk.part(word, "dorf").evaluate(
            "word => { const all = document.createRange(); all.selectNodeContents(word);"
            " return all.getBoundingClientRect().width; }"
        )
        assert wide <= dial["width"] - 16


async def test_buttons_are_large_and_nothing_is_cut_off_on_a_small_phone(desk: Desk) -> None:
    await desk.page.set_viewport_size({"width": 320, "height": 568})
    await desk.open()
    for zone in ("dorf", "kirchweg"):
        box = await desk.part("dial", zone).bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 100
    assert await desk.page.evaluate("document.documentElement.scrollWidth") <= 320


async def test_the_page_speaks_english_when_asked(desk: Desk) -> None:
    await desk.open("/m/glasau?lang=en")
    await expect(desk.part("answer")).to_have_text("All of Glasau is dark.")
    await expect(desk.part("state", "dorf")).to_have_text("dark, confirmed 2 min ago")
    assert any("/events?" in url and url.endswith("lang=en") for url in desk.watch.requests)


async def test_the_first_page_leads_to_the_village(desk: Desk) -> None:
    await desk.page.goto(desk.origin + "/")
    await desk.page.get_by_role("link", name="Glasau").click()
    await expect(desk.part("answer")).to_have_text("Ganz Glasau ist dunkel.")
