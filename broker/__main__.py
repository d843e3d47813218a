"""`python -m broker`: the embedded broker as a program of its own."""

import argparse
import asyncio
import contextlib
import ipaddress
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from amqtt.errors import BrokerError

from broker.embedded import EmbeddedBroker
from broker.rules import RulesError, RulesFile

PURPOSE = "for demo, tests and a trial on one machine; real lamps want Mosquitto"


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m broker", description=f"An embedded MQTT broker {PURPOSE}.")
    parser.add_argument("--host", default="127.0.0.1", help="IPv4 address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=1883, help="TCP port (default: %(default)s)")
    parser.add_argument("--rules", type=Path, required=True, help="who may do what: broker/schema/access.json")
    parser.add_argument("--allow-remote", action="store_true", help="listen on more than loopback, unencrypted")
    return parser.parse_args(given)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def run(host: str, port: int, rules: Path) -> None:
    """Serve until SIGTERM or SIGINT. RulesError or BrokerError when it cannot start."""
    stop = asyncio.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
    broker = EmbeddedBroker(host, port, RulesFile(rules))
    await broker.start()
    sys.stdout.write(f"Embedded broker ready on {host}:{port}, {PURPOSE}.\n")
    sys.stdout.flush()
    watching = asyncio.create_task(broker.watch())
    await stop.wait()
    with contextlib.suppress(TimeoutError):  # a shutdown that hangs must not keep the process
        async with asyncio.timeout(1.5):
            await broker.shutdown()
            await watching


def main(given: Sequence[str] | None = None) -> int:
    """Run the program; its exit code."""
    asked = arguments(given)
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    # amqtt logs a traceback when it cannot start; the sentence below says the same.
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    if not is_loopback(asked.host) and not asked.allow_remote:
        sys.stderr.write(f"{asked.host} is not loopback: the embedded broker listens there with --allow-remote only.\n")
        return 2
    try:
        asyncio.run(run(asked.host, asked.port, asked.rules))
    except RulesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokerError as error:
        reason = str(error.__cause__ or error)
        sys.stderr.write(f"The embedded broker cannot listen on {asked.host}:{asked.port}: {reason}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
