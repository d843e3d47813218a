"""`dorflicht import` and `dorflicht export`: inventories from files, and to one."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from service.app import SetupError
from service.app.inventory import Asked, Changes, Enrolled, Tally, bring_in, columns, export_inventory
from service.settings import Settings

_SHOWN = 10


class Format(StrEnum):
    """What an exported file looks like."""

    CSV = "csv"
    GEOJSON = "geojson"


def import_command(
    files: Annotated[
        list[Path],
        typer.Argument(help="TOML: a municipality. CSV or GeoJSON: lamps of one that is there or comes with them."),
    ],
    credentials: Annotated[
        Path | None,
        typer.Option(help="Let new controllers into the broker and add their secrets to this file."),
    ] = None,
    municipality: Annotated[str | None, typer.Option(help="Whose lamps a CSV or GeoJSON file has.")] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Which column is which, as in lamp=Leuchten-Nr."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OURS=TEXT", help="The same for all rows, as in zone=dorf."),
    ] = None,
    mapping: Annotated[Path | None, typer.Option(help="A TOML file that says which column is which.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a CSV file. [default: UTF-8 or Windows-1252]")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; write nothing.")] = False,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad rows out instead of refusing all.")] = False,
    remove_missing: Annotated[
        bool, typer.Option("--remove-missing", help="Remove lamps, outputs and controllers that no row names.")
    ] = False,
) -> None:
    """Read municipalities and their lamps into the database, all or nothing; safe to repeat."""
    by = columns(mapping, map_ or (), set_ or ())
    asked = Asked(municipality, by, encoding, dry_run, skip_bad, remove_missing)
    done = bring_in(Settings(), files, asked, credentials)
    for note in done.brought.notes:
        print(note)
    for changes in done.brought.changes:
        _print_changes(changes)
    bad = done.brought.bad
    for line in (line for row in bad for line in row.lines):
        print(line, file=sys.stderr)
    if dry_run:
        print("This was a dry run: nothing was written.")
        if bad and not skip_bad:
            print(f"{_many(len(bad), 'row')} bad: without --skip-bad nothing would be imported.", file=sys.stderr)
            raise typer.Exit(1)
        return
    if bad:
        print(f"{_many(len(bad), 'row')} left out.", file=sys.stderr)
    _print_done(done)


def _many(count: int, thing: str) -> str:
    return f"{count} {thing} is" if count == 1 else f"{count} {thing}s are"


def _print_done(done: Enrolled) -> None:
    print(
        f"{done.municipalities} municipalities with {done.lamps} lamps on {done.controllers} controllers imported; "
        f"{done.new} controllers newly let in."
    )
    if done.left:
        names = ", ".join(f"{key.municipality}/{key.controller}" for key in done.left[:5])
        more = f" and {len(done.left) - 5} more" if len(done.left) > 5 else ""
        print(f"Left alone, for codes and commands let them in or out: {names}{more}. See “dorflicht controller list”.")


def _print_changes(changes: Changes) -> None:
    print(f"{changes.municipality}:")
    for tally in changes.tallies:
        print(
            f"  {tally.kind}: {len(tally.added)} added, {tally.changed} changed, {len(tally.removed)} removed, "
            f"{tally.unchanged} unchanged"
        )
        _print_tally(tally)
    for output in changes.safety:
        name = f"{output.output.controller}/{output.output.n}"
        print(
            f"  output {name} becomes a safety output, lit by the safety schedule, for {output.safety_lamps} of its "
            f"{output.lamps} lamps: {output.kwh:+.0f} kWh a year beside its zone's schedule"
        )


def _print_tally(tally: Tally) -> None:
    for word, names in (("added", tally.added), ("removed", tally.removed)):
        if names and tally.kind != "municipality":
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            print(f"    {word}: {', '.join(names[:_SHOWN])}{more}")
    for change in tally.changes[:_SHOWN]:
        values = f": {change.old} -> {change.new}" if change.old or change.new else ""
        print(f"    {change.thing}: {change.field}{values}")
    if len(tally.changes) > _SHOWN:
        print(f"    and {len(tally.changes) - _SHOWN} more changes")


def export_command(
    municipality: Annotated[str, typer.Argument(help="The municipality's id.")],
    format: Annotated[Format, typer.Option(help="csv or geojson.")] = Format.CSV,  # noqa: A002 - the option's name
    out: Annotated[Path | None, typer.Option(help="Write to this file. [default: the terminal]")] = None,
    decimal_comma: Annotated[
        bool, typer.Option("--decimal-comma", help="CSV with semicolons and decimal commas, as German Excel opens it.")
    ] = False,
) -> None:
    """Write a municipality's lamps as a file that import reads back; safe: nothing is changed."""
    text = export_inventory(Settings(), municipality, format.value, decimal_comma=decimal_comma)
    if out is None:
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise SetupError(f"{out} cannot be written: {error.strerror}") from error
    print(f"Wrote {out}.")
