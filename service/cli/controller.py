"""`dorflicht controller`: how controllers get in, and out again."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from service.app.credentials import (
    Reach,
    add_controllers,
    claim_controller,
    list_controllers,
    replace_controller,
    revoke_controller,
    rotate_controller,
)
from service.settings import Settings

controller = typer.Typer(help="Let controllers in by claim codes, and shut them out.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="MUNICIPALITY/CONTROLLER", help="As in leck/cabinet-1.")]
Days = Annotated[int, typer.Option(min=1, max=365, help="After so many days an unused claim code expires.")]
LabelFile = Annotated[
    Path | None, typer.Option("--label", help="Write printable labels with QR codes: .svg (one sheet) or .html.")
]
To = Annotated[
    Path | None,
    typer.Option(help="Write the configuration to this new file, readable by you alone. [default: show it]"),
]
Host = Annotated[str | None, typer.Option(help="The broker, as the device finds it. [default: DORFLICHT_MQTT_HOST]")]
Port = Annotated[
    int | None,
    typer.Option(min=1, max=65535, help="Its port. [default: DORFLICHT_MQTT_PORT, or 8883 where it alone uses TLS]"),
]
Tls = Annotated[
    bool | None, typer.Option("--tls/--no-tls", help="Whether the device uses TLS. [default: unless on this machine]")
]


@controller.command("add")
def add_command(
    controllers: Annotated[list[str], typer.Argument(metavar="MUNICIPALITY/CONTROLLER...", help="Imported ones.")],
    days: Days = 14,
    label: LabelFile = None,
) -> None:
    """Make a claim code for each controller, shown once, in the place of an unused one."""
    print("\n".join(add_controllers(Settings(), controllers, days, label)))


@controller.command("claim")
def claim_command(
    code: Annotated[str, typer.Argument(help="The claim code; - reads it from standard input.")],
    to: To = None,
    host: Host = None,
    port: Port = None,
    tls: Tls = None,
) -> None:
    """Turn a claim code into the device's configuration with its secret, shown once."""
    typed = sys.stdin.readline() if code == "-" else code
    print(claim_controller(Settings(), typed, Reach(host, port, tls), to))


@controller.command("list")
def list_command(
    municipality: Annotated[str | None, typer.Argument(help="Of this municipality alone.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show how controllers stand: let in or not, claim code, availability, last heard, firmware, clock."""
    found = list_controllers(Settings(), municipality)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    rows = [
        ("controller", "let in", "code until", "availability", "last heard", "firmware", "clock"),
        *map(_row, found),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if any(standing["let_in"] is None for standing in found):
        print("The broker could not be asked who is let in.", file=sys.stderr)


@controller.command("replace")
def replace_command(name: Name, days: Days = 14, label: LabelFile = None) -> None:
    """Shut a device out and make a claim code for another one that takes its place."""
    print("\n".join(replace_controller(Settings(), name, days, label)))


@controller.command("revoke")
def revoke_command(name: Name) -> None:
    """Shut a controller out: its connection closes, its secret and its claim code open nothing."""
    revoke_controller(Settings(), name)
    print(f"{name} is revoked.")


@controller.command("rotate")
def rotate_command(name: Name, to: To = None, host: Host = None, port: Port = None, tls: Tls = None) -> None:
    """Give the same device a new secret, shown once; the old one opens nothing any more."""
    print(rotate_controller(Settings(), name, Reach(host, port, tls), to))


def _row(standing: Mapping[str, Any]) -> tuple[str, ...]:
    words = {None: "unknown", True: "yes", False: "no"}
    clocks = {None: "-", True: "valid", False: "unset"}
    return (
        standing["controller"],
        words[standing["let_in"]],
        _moment(standing["code_until"]),
        standing["availability"],
        _moment(standing["heard_at"]),
        standing["fw"] or "-",
        clocks[standing["clock_valid"]],
    )


def _moment(at: str | None) -> str:
    return "-" if at is None else f"{at[:16].replace('T', ' ')} UTC"
