"""The documents name what is there: settings, words, files, tests, commands, links."""

import json
import re
import shlex
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from service.cli import app
from service.domain import words
from service.settings import Settings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "broker").rglob("*.md")])
ENUMS = [
    word for word in vars(words).values() if isinstance(word, type) and issubclass(word, StrEnum) and word != StrEnum
]

CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"")
PATH = re.compile(r"([\w.-]+/[\w./-]*[\w-]\.(?:py|js|md|json|toml|conf))(?:::(\w+))?")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(page: Path) -> str:
    """A page's text."""
    return page.read_text("utf-8")


def prose(page: Path) -> str:
    """A page without its blocks of code, in which brackets are no links."""
    return BLOCK.sub("", text(page))


def row(page: Path, *cells: str) -> str:
    """The first line of a table that names all cells as code, or nothing."""
    lines = (line for line in text(page).splitlines() if line.startswith("|"))
    return next((line for line in lines if set(cells) <= set(CODE.findall(line))), "")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# settings and words


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_is_explained_with_its_default(name: str) -> None:
    line = row(DOCS / "settings.md", f"DORFLICHT_{name.upper()}")
    assert line, f"docs/settings.md has no row for DORFLICHT_{name.upper()}"
    default = Settings.model_fields[name].default
    bare = default.get_secret_value() if isinstance(default, SecretStr) else default
    shown = "none" if bare in (None, "") else json.dumps(bare) if isinstance(bare, bool | list) else str(bare)
    assert line.split("|")[2].strip(" `") == shown, "the default is another"


def test_no_setting_is_explained_that_does_not_exist() -> None:
    named = set(re.findall(r"DORFLICHT_([A-Z_]+)", "".join(map(text, [*PAGES, ROOT / "docker-compose.yml"]))))
    assert {name.lower() for name in named} <= set(Settings.model_fields)


@pytest.mark.parametrize("word", ENUMS)
def test_an_enumeration_stands_in_the_glossary_with_all_its_values(word: type[StrEnum]) -> None:
    lines = [line for line in text(DOCS / "glossary.md").splitlines() if line.startswith(f"| {word.__name__}")]
    assert len(lines) == 1, f"docs/glossary.md has no row of its own for {word.__name__}"
    assert [value for value in word if f"`{value}`" not in lines[0]] == []


# files


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist_with_what_it_says_is_in_them(page: Path) -> None:
    wrong = []
    for code in CODE.findall(prose(page)):
        named = PATH.fullmatch(code)
        if named is None or named[1].startswith("data/"):  # written at run time
            continue
        file = next((base / named[1] for base in (ROOT, page.parent) if (base / named[1]).exists()), None)
        defined = rf"^\s*(async def|def|class) {named[2]}\b"
        if file is None or (named[2] and not re.search(defined, text(file), re.MULTILINE)):
            wrong.append(code)
    assert wrong == []


def test_the_tour_names_files_in_every_room() -> None:
    named = " ".join(CODE.findall(prose(DOCS / "tour.md")))
    rooms = [
        *("api", "cli", "domain", "loops", "store", "usecases", "web", "wire"),
        *("app/", "clock.py", "ports/"),
    ]
    missing = [room for room in rooms if f"service/{room}" not in named]
    missing += [room for room in ("broker", "firmware_mock", "device_sim") if f"{room}/" not in named]
    assert missing == []


# commands


def targets() -> set[str]:
    """make's targets."""
    return set(re.findall(r"^([a-z]+):", text(ROOT / "Makefile"), re.MULTILINE))


def fault(command: str) -> str:
    """What is wrong with a command that a page offers to run, or nothing."""
    program, *rest = shlex.split(command)
    if program == "make":
        unknown = {word for word in rest if "=" not in word} - targets()
        arguments = next((word.removeprefix("ARGS=") for word in rest if word.startswith("ARGS=")), "")
        if unknown:
            return f"make has no target {unknown}"
        return _cli_fault(["demo", *shlex.split(arguments)]) if "demo" in rest else ""
    if program in ("dorflicht", ".venv/bin/dorflicht"):
        return _cli_fault(rest)
    return f"{program} is neither make nor dorflicht"


def _cli_fault(rest: list[str]) -> str:
    # Help is printed only when the command and all its options are known; nothing runs.
    result = CliRunner().invoke(app, [*rest, "--help"])
    return "" if result.exit_code == 0 and rest else f"dorflicht does not know it: {result.output}"


def offered(page: Path) -> list[str]:
    """The commands of a page's blocks marked `sh`, which are meant to be run as they stand."""
    blocks = [body for language, body in BLOCK.findall(text(page)) if language == "sh"]
    return [line for body in blocks for line in body.splitlines() if line.strip()]


def test_the_readme_offers_both_commands_by_line_40() -> None:
    top = text(ROOT / "README.md").splitlines()[:40]
    assert {"make demo", "make test"} <= set(top)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_offers_exist(page: Path) -> None:
    assert [f"{command}: {why}" for command in offered(page) if (why := fault(command))] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_that_a_page_mentions_exist(page: Path) -> None:
    mentioned = [code for code in CODE.findall(prose(page)) if re.match(r"make \w|\.venv/bin/dorflicht \w", code)]
    assert [f"{command}: {why}" for command in mentioned if (why := fault(command))] == []


# links


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for target in (a or b for a, b in LINK.findall(prose(page))):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_pictures_are_small() -> None:
    assert [image.name for image in (DOCS / "images").iterdir() if image.stat().st_size > 200_000] == []
