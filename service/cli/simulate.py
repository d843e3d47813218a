"""`dorflicht simulate-policy`: what drafts would do, before the vote."""

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from service.app import Asked, SetupError, simulate_policies, utc_now
from service.settings import Settings


class Format(StrEnum):
    """What the report looks like."""

    JSON = "json"
    CSV = "csv"
    HTML = "html"


def simulate_policy(
    municipality: Annotated[str, typer.Argument(help="The municipality's id.")],
    draft: Annotated[
        list[str],
        typer.Option(
            help="[NAME:]ZONE=DRAFT: a policy's file (.toml or .json) or a stored draft's id; once for each zone "
            "that a draft changes. Drafts of different names are compared."
        ),
    ],
    first: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First night. [default: today]")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last night. [default: a year later]")
    ] = None,
    recorded: Annotated[bool, typer.Option(help="With recorded presses instead of assumed ones.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the assumed presses.")] = 1,
    per_night: Annotated[
        float | None, typer.Option(min=0, max=1000, help="Assumed presses a night in each zone. [default: by lamps]")
    ] = None,
    curious: Annotated[bool, typer.Option(help="Two weeks in which everybody tries it.")] = False,
    format: Annotated[Format, typer.Option(help="json, csv, or html: a motion to print.")] = Format.JSON,  # noqa: A002 - the option's name
    language: Annotated[str, typer.Option(help="Of the motion.")] = "de",
    out: Annotated[Path | None, typer.Option(help="Write to this file. [default: the terminal]")] = None,
) -> None:
    """What drafts would cost and save, beside today's policy and all-night light; safe: nothing is changed."""
    drafts = _drafts(draft)
    begin = (first or utc_now()).date()
    end = last.date() if last else begin + timedelta(days=364)
    asked = Asked(municipality, drafts, begin, end, recorded, seed, per_night, curious, format.value, language)
    text = simulate_policies(Settings(), asked, _bar((end - begin).days + 1))
    if out is None:
        sys.stdout.write(text)
    else:
        try:
            out.write_text(text, "utf-8")
        except OSError as error:
            raise SetupError(f"{out} cannot be written: {error.strerror}") from error


def _bar(nights: int) -> Callable[[int, int], None]:
    """Shows how far it is, on a terminal and once there is something to show."""
    if not sys.stderr.isatty():
        return lambda done, of: None
    bar = typer.progressbar(length=nights, label="nights", file=sys.stderr)

    def tell(done: int, of: int) -> None:
        bar.update(done - bar.pos)
        if done == of:
            bar.render_finish()

    return tell


def _drafts(texts: list[str]) -> dict[str, dict[str, str]]:
    """What each draft says of each zone, by their names."""
    drafts: dict[str, dict[str, str]] = {}
    for text in texts:
        where, _, policy = text.partition("=")
        name, colon, zone = where.rpartition(":")
        if not zone or not policy or (colon and not name):
            raise SetupError(f"--draft {text}: write [NAME:]ZONE=FILE or [NAME:]ZONE=DRAFT-ID.")
        changes = drafts.setdefault(name or "draft", {})
        if zone in changes:
            raise SetupError(f"--draft {text}: the draft “{name or 'draft'}” says something else of {zone} already.")
        changes[zone] = policy
    return drafts
