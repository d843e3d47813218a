"""The command line of the simulated village."""

import argparse
import asyncio
import json
import logging
import signal
import ssl
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from device_sim.results import results
from device_sim.scenario import Scenario, read_scenario
from device_sim.village import Village
from device_sim.villages import VillageError

log = logging.getLogger("device_sim")


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m device_sim", description="A simulated village.")
    parser.add_argument("--villages", nargs="+", type=Path, required=True, help="municipality files (TOML)")
    parser.add_argument("--credentials", type=Path, help='JSON file: {"municipality/controller": "secret"}, or a claim')
    parser.add_argument("--host", default="127.0.0.1", help="the broker")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--ca", type=Path, metavar="FILE", help="speak TLS, to a broker whose certificate it signed")
    parser.add_argument("--state-dir", type=Path, help="folder for journals and meters; without, nothing is kept")
    parser.add_argument("--demo", action="store_true", help="accept a clock that runs faster than life")
    parser.add_argument("--seed", type=int, help="decides the lamps' true watts and all chance (1)")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="what goes wrong (TOML, see villages/scenarios)")
    parser.add_argument("--heartbeat", type=float, default=60.0, metavar="SECONDS", help="between two reports (60)")
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--view", action="store_true", help="show controllers, light and events in this terminal")
    shown.add_argument("--quiet", action="store_true", help="say nothing but what is wrong")
    parser.add_argument("--for", dest="seconds", type=float, metavar="SECONDS", help="end after so long")
    parser.add_argument("--json", metavar="FILE", help="write results at the end, to standard output where it is -")
    parser.add_argument("--only", metavar="MUNICIPALITY/CONTROLLER", help="simulate this one alone")
    found = parser.parse_args(words)
    if not 0.1 <= found.heartbeat <= 86_400:
        parser.error(f"--heartbeat: {found.heartbeat} is not between 0.1 and 86400 seconds")
    if found.seconds is not None and not found.seconds > 0:
        parser.error(f"--for: {found.seconds} is not above 0")
    return found


def credentials(file: Path | None) -> dict[str, str] | None:
    """The secrets by controller. VillageError where the file cannot be used."""
    if file is None:
        return None
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise VillageError(f"{file}: {error}") from error
    if isinstance(found, dict) and {"municipality", "controller", "secret"} <= found.keys():
        found = {f"{found['municipality']}/{found['controller']}": found["secret"]}  # what a claim wrote
    if not isinstance(found, dict) or not all(isinstance(secret, str) for secret in found.values()):
        raise VillageError(f"{file}: a secret for each municipality/controller is expected, or one claim's file")
    return found


def trust(ca: Path | None) -> ssl.SSLContext | None:
    """TLS that trusts a CA's certificate alone; None for plain TCP. VillageError where the file cannot be used."""
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # TLS's own errors are among them
        raise VillageError(f"--ca: {ca} holds no certificate in PEM form: {error}") from error


def village(options: argparse.Namespace) -> Village:
    """The village that was asked for. VillageError. A seed on the command line counts before the scenario's."""
    scenario = read_scenario(options.scenario) if options.scenario is not None else Scenario()
    if options.seed is not None:
        scenario = replace(scenario, seed=options.seed)
    return Village(
        options.villages,
        credentials(options.credentials),
        host=options.host,
        port=options.port,
        tls=trust(options.ca),
        state_dir=options.state_dir,
        demo=options.demo,
        only=options.only,
        heartbeat_ms=round(options.heartbeat * 1000),
        scenario=scenario,
    )


async def run(options: argparse.Namespace) -> None:
    """Simulate until SIGTERM, SIGINT or the time asked for, and tell what was."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not by the loop's own handlers: while a large fleet reconnects, the pipe by which they hear is full.
        signal.signal(number, lambda *about: loop.call_soon_threadsafe(ended.set))
    fleet = village(options)
    fleet.on_happening = lambda happening: log.info("%s", happening.said())
    fleet.start()
    with _view(fleet) if options.view else nullcontext():
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), options.seconds)
        found = results(list(fleet.devices.values()))
        await fleet.stop()
    if options.json is not None:
        tell(found, options.json)


def _view(fleet: Village) -> AbstractContextManager[object]:
    from device_sim.view import View  # rich takes memory that a quiet fleet has for controllers

    return View(fleet)


def tell(found: dict[str, Any], file: str) -> None:
    """Write results to a file, or to standard output (-). VillageError."""
    body = json.dumps(found, indent=2) + "\n"
    if file == "-":
        sys.stdout.write(body)
        return
    try:
        Path(file).write_text(body, "utf-8")
    except OSError as error:
        raise VillageError(f"--json: {file} cannot be written: {error}") from error


def main() -> int:
    """Run; returns the exit code."""
    options = arguments(sys.argv[1:])
    level = logging.WARNING if options.quiet or options.view else logging.INFO
    logging.basicConfig(format="%(message)s", level=level, stream=sys.stderr if options.json == "-" else sys.stdout)
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # the village tells in one line what it would tell in many
    try:
        asyncio.run(run(options))
    except VillageError as error:
        log.error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
