"""`dorflicht energy`: the ledger."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from service.app import SetupError
from service.app.ledger import rebuild_energy
from service.app.statements import AskedStatement, energy_statement
from service.cli.simulate import Format
from service.settings import Settings

energy = typer.Typer(help="The energy ledger.", no_args_is_help=True)


@energy.callback()
def energy_group() -> None:
    """The energy ledger."""


@energy.command("rebuild")
def rebuild_command(
    municipality: Annotated[str | None, typer.Option(help="Of this municipality alone.")] = None,
) -> None:
    """Roll energy up anew from its entries; safe at any time. Months whose entries are gone stay as they are."""
    for done in rebuild_energy(Settings(), municipality):
        print(
            f"{done.municipality}: {done.hours} hours since {done.since} rolled up anew, "
            f"{done.mended} sums set right; what is older is untouched."
        )


@energy.command("statement")
def statement_command(
    municipality: Annotated[str, typer.Argument(help="The municipality's id.")],
    period: Annotated[str, typer.Argument(help="A month like 2026-11, or a year like 2026.")],
    format: Annotated[Format, typer.Option(help="html to print, csv, or json.")] = Format.HTML,  # noqa: A002 - the option's name
    language: Annotated[str, typer.Option(help="Of the page to print.")] = "de",
    out: Annotated[Path | None, typer.Option(help="Write to this file. [default: the terminal]")] = None,
) -> None:
    """What light was in a month or a year: energy, money, CO2, presses, burning hours. Nothing is changed."""
    text = energy_statement(Settings(), AskedStatement(municipality, period, format.value, language))
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}") from error
