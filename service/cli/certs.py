"""`dorflicht certs`: certificates for a closed village network."""

from pathlib import Path
from typing import Annotated

import typer

from service.app import utc_now
from service.app.certs import LONGEST_DAYS, make_certificates


def certs(
    folder: Annotated[Path, typer.Option("--dir", help="Where they are kept.")] = Path("data/certs"),
    host: Annotated[
        list[str] | None,
        typer.Option(help="Name or address by which controllers call the broker; may be repeated."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=LONGEST_DAYS, help="How long the broker's certificate holds.")] = 825,
) -> None:
    """Make a CA of the village's own and the broker's certificate; again: renew the latter."""
    made = make_certificates(folder, host or [], days, utc_now())
    print(f"The broker's certificate for {', '.join(made.hosts)} holds until {made.until:%Y-%m-%d}.")
    if not made.new_ca:
        print(f"The same CA signed it: copy {folder / 'server.pem'} to the broker, and nothing else.")
        return
    print(f"The CA is new and holds until {made.ca_until:%Y-%m-%d}. Copy")
    print(f"  {folder / 'ca.pem'} to every controller and to the service (DORFLICHT_MQTT_CA_FILE); it is public,")
    print(f"  {folder / 'server.pem'} and {folder / 'server.key'} to the broker, the key readable by it alone,")
    print(f"  {folder / 'ca.key'} to a safe place: whoever has it can stand in for the broker.")
