"""The command line of the simulated village."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from device_sim.village import Village
from device_sim.villages import VillageError


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(prog="python -m device_sim", description="A simulated village.")
    parser.add_argument("--villages", nargs="+", type=Path, required=True, help="municipality files (TOML)")
    parser.add_argument("--credentials", type=Path, help='JSON file: {"municipality/controller": "secret"}')
    parser.add_argument("--host", default="127.0.0.1", help="the broker")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--state-dir", type=Path, required=True, help="folder for journals and meters")
    parser.add_argument("--demo", action="store_true", help="accept a clock that runs faster than life")
    parser.add_argument("--seed", type=int, default=1, help="decides the lamps' true watts")
    parser.add_argument("--only", metavar="MUNICIPALITY/CONTROLLER", help="simulate this one alone")
    return parser.parse_args(words)


def credentials(file: Path | None) -> dict[str, str] | None:
    """The secrets by controller. VillageError where the file cannot be used."""
    if file is None:
        return None
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise VillageError(f"{file}: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(secret, str) for secret in found.values()):
        raise VillageError(f"{file}: a secret for each municipality/controller is expected")
    return found


async def run(options: argparse.Namespace) -> None:
    """Simulate until SIGTERM or SIGINT."""
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    village = Village(
        options.villages,
        credentials(options.credentials),
        host=options.host,
        port=options.port,
        state_dir=options.state_dir,
        demo=options.demo,
        seed=options.seed,
        only=options.only,
    )
    village.start()
    await ended.wait()
    await village.stop()


def main() -> int:
    """Run; returns the exit code."""
    logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stdout)
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # the village tells in one line what it would tell in many
    try:
        asyncio.run(run(arguments(sys.argv[1:])))
    except VillageError as error:
        logging.getLogger("device_sim").error("%s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
