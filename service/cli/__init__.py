"""The command line: `dorflicht`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from service.app import DorflichtError, prepare_broker, serve
from service.cli.certs import certs
from service.cli.controller import controller
from service.cli.demo import Options, run_demo
from service.cli.energy import energy
from service.cli.estimate import estimate
from service.cli.inventory import export_command, import_command
from service.cli.simulate import simulate_policy
from service.settings import Settings

app = typer.Typer(
    help="Street lighting that residents control.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command("serve")
def serve_command() -> None:
    """Run the service; settings come from the environment (DORFLICHT_...)."""
    serve(Settings())


@app.command("prepare-broker")
def prepare_broker_command() -> None:
    """Write the broker's access file with the service's own user, before the broker's first start."""
    settings = Settings()
    prepare_broker(settings)
    print(f"Wrote {settings.access_file}.")


app.command("import")(import_command)
app.command("export")(export_command)
app.command("simulate-policy")(simulate_policy)
app.command("estimate")(estimate)
app.command("certs")(certs)
app.add_typer(controller, name="controller")
app.add_typer(energy, name="energy")


@app.command("demo")
def demo_command(
    headless: Annotated[bool, typer.Option(help="Do not open a browser.")] = False,
    http_port: Annotated[int, typer.Option(min=1, max=65535, help="Where the pages are.")] = 8080,
    mqtt_port: Annotated[int, typer.Option(min=1, max=65535, help="Where the broker listens.")] = 1883,
    data_dir: Annotated[Path, typer.Option(help="Where the demo keeps its data.")] = Path("data"),
    at: Annotated[str | None, typer.Option(help="Local time to begin at: 01:30 or 2026-12-24T22:10.")] = None,
    speed: Annotated[float, typer.Option(min=1, max=600, help="Seconds of demo time in a second.")] = 1.0,
) -> None:
    """A village on this machine: broker, service and simulated lamps, until Ctrl-C."""
    raise typer.Exit(run_demo(Options(headless, http_port, mqtt_port, data_dir, at, speed)))


def main() -> None:
    """Run the command line; what the user can mend is said in one sentence."""
    os.umask(0o077)  # databases, secrets and logs are nobody else's business
    try:
        app()
    except DorflichtError as error:
        print(error.detail, file=sys.stderr)
        sys.exit(1)
    except ValidationError as error:
        for fault in error.errors():
            name = "_".join(str(part) for part in fault["loc"]).upper()
            print(f"DORFLICHT_{name}: {fault['msg'].removeprefix('Value error, ')}", file=sys.stderr)
        sys.exit(1)
