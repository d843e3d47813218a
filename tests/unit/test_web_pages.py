"""The pages' shell: routes, languages, headers, and what is handed to the browser."""

import json
import re
from html import unescape

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from service.errors import UnknownError
from service.web.pages import HEADERS, MunicipalityPage, ZonePage, build, not_found

GLASAU = MunicipalityPage(
    "glasau",
    "Glasau",
    "de",
    (
        ZonePage("dorfstrasse", "Dorfstraße", ((54.030, 10.512), (54.0305, 10.514))),
        ZonePage("kirchweg", "Kirchweg <3", ((54.028, 10.513),)),
    ),
)
HAMLET = MunicipalityPage("weiler", "Weiler", "en", (ZonePage("alles", "Alles", ()),))


def client(*, demo: bool = False, pages: tuple[MunicipalityPage, ...] = (GLASAU, HAMLET)) -> httpx.AsyncClient:
    async def look(m: str) -> MunicipalityPage | None:
        return next((page for page in pages if page.id == m), None)

    async def listing() -> list[MunicipalityPage]:
        return list(pages)

    async def unknown(request: Request, error: Exception) -> Response:
        return not_found(request)

    app = FastAPI()
    app.add_exception_handler(UnknownError, unknown)
    app.include_router(build(look, listing, demo=demo))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")


def zones_in_order(html: str) -> list[str]:
    return re.findall(r'data-zone="([^"]+)"', html)


async def test_the_first_page_names_every_municipality() -> None:
    html = (await client().get("/")).text
    assert 'href="/m/glasau"' in html
    assert 'href="/m/weiler"' in html


async def test_the_first_page_of_an_empty_service_says_so() -> None:
    assert "noch keine Gemeinde" in (await client(pages=()).get("/", headers={"accept-language": "de"})).text


async def test_a_municipality_shows_its_zones_in_order_without_a_favourite() -> None:
    html = (await client().get("/m/glasau")).text
    assert zones_in_order(html) == ["dorfstrasse", "kirchweg"]
    assert "zone hero" not in html


async def test_a_zone_page_shows_its_zone_first_and_large_and_the_others_after_it() -> None:
    html = (await client().get("/m/glasau/z/kirchweg")).text
    assert zones_in_order(html) == ["kirchweg", "dorfstrasse"]
    assert 'class="zone hero" data-zone="kirchweg"' in html


async def test_the_only_zone_of_a_village_is_large() -> None:
    html = (await client().get("/m/weiler")).text
    assert 'class="zone hero" data-zone="alles" data-name="Weiler"' in html


@pytest.mark.parametrize(
    "path",
    ["/m/nowhere", "/m/nowhere/z/dorfstrasse", "/m/glasau/z/nowhere", "/static/nothing.js", "/static/../pages.py"],
)
async def test_what_does_not_exist_is_unknown(path: str) -> None:
    assert (await client().get(path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "words", "home"),
    [
        ("/m/nowhere?lang=en", "There is no such page.", "/?lang=en"),
        ("/m/glasau/z/nowhere", "Diese Seite gibt es nicht.", "/"),
    ],
)
async def test_a_wrong_address_is_told_in_plain_words_with_a_way_home(path: str, words: str, home: str) -> None:
    answer = await client().get(path, headers={"accept-language": "de"})
    assert answer.status_code == 404
    assert {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert words in answer.text
    assert f'href="{home}"' in answer.text


@pytest.mark.parametrize("path", ["/", "/m/glasau", "/m/glasau/z/kirchweg", "/static/page.js", "/static/night.css"])
async def test_every_answer_carries_the_security_headers_and_answers_head(path: str) -> None:
    answer = await client().get(path)
    assert {name: answer.headers.get(name) for name in HEADERS} == dict(HEADERS)
    assert (await client().head(path)).status_code == 200


@pytest.mark.parametrize("path", ["/", "/m/glasau", "/m/weiler"])
async def test_nothing_in_a_page_is_inline_or_from_elsewhere(path: str) -> None:
    html = (await client(demo=True).get(path)).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", html)
    assert re.findall(r"""(?:src|href|action)=["'](?!/|\?|#)[^"']*""", html) == []


async def test_names_are_escaped() -> None:
    html = (await client().get("/m/glasau")).text
    assert "Kirchweg <3" not in html
    assert "Kirchweg &lt;3" in html
    assert "Kirchweg <" not in (await client().get("/m/glasau/z/kirchweg")).text


async def test_the_texts_reach_the_browser_whole() -> None:
    html = (await client().get("/m/glasau?lang=de")).text
    found = re.search(r"data-texts='([^']*)'", html)
    assert found is not None
    assert json.loads(unescape(found[1]))["dial_press"] == "Licht an"


async def test_the_demo_control_is_there_in_a_demo_only() -> None:
    assert "data-clock=" in (await client(demo=True).get("/m/glasau")).text
    assert "data-clock=" not in (await client(demo=False).get("/m/glasau")).text


@pytest.mark.parametrize(
    ("path", "accepted", "language"),
    [
        ("/m/glasau", "en-GB,en;q=0.9,de;q=0.8", "en"),
        ("/m/glasau", "fr;q=0.9,de;q=0.3,en;q=0.2", "de"),
        ("/m/glasau", "fr", "de"),
        ("/m/weiler", "fr", "en"),
        ("/m/weiler", "de;q=0, en;q=x", "en"),
        ("/m/glasau?lang=en", "de", "en"),
        ("/m/glasau?lang=xx", "en", "en"),
    ],
)
async def test_the_language_is_the_readers(path: str, accepted: str, language: str) -> None:
    answer = await client().get(path, headers={"accept-language": accepted})
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language
    assert "Accept-Language" in answer.headers["vary"]


async def test_a_language_asked_for_stays_along_the_links() -> None:
    assert 'href="/m/glasau/z/kirchweg?lang=en"' in (await client().get("/m/glasau?lang=en")).text
    assert 'href="/m/glasau/z/kirchweg"' in (await client().get("/m/glasau")).text


async def test_a_static_file_that_did_not_change_is_not_sent_again() -> None:
    first = await client().get("/static/page.js")
    assert first.headers["content-type"].startswith("text/javascript")
    again = await client().get("/static/page.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_the_font_comes_with_its_licence() -> None:
    font = await client().get("/static/fonts/atkinson-hyperlegible-latin-400-normal.woff2")
    assert font.headers["content-type"] == "font/woff2"
    assert font.content[:4] == b"wOF2"
    assert "SIL OPEN FONT LICENSE" in (await client().get("/static/fonts/LICENSE.txt")).text
