"""`dorflicht simulate-policy`: what drafts would do, before the vote."""

import sys
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
        typer.Option(help="ZONE=DRAFT: a policy's file (.toml or .json) or a stored draft's id; once for each zone."),
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
    drafts = dict(_pair(text) for text in draft)
    begin = (first or utc_now()).date()
    end = last.date() if last else begin + timedelta(days=364)
    asked = Asked(municipality, drafts, begin, end, recorded, seed, per_night, curious, format.value, language)
    with typer.progressbar(length=(end - begin).days + 1, label="nights", file=sys.stderr) as bar:
        text = simulate_policies(Settings(), asked, lambda done, _: bar.update(done - bar.pos))
    if out is None:
        sys.stdout.write(text)
    else:
        try:
            out.write_text(text, "utf-8")
        except OSError as error:
            raise SetupError(f"{out} cannot be written: {error.strerror}") from error


def _pair(text: str) -> tuple[str, str]:
    zone, _, draft = text.partition("=")
    if not zone or not draft:
        raise SetupError(f"--draft {text}: write ZONE=FILE or ZONE=DRAFT-ID.")
    return zone, draft
