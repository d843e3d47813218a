"""`python -m broker`: the embedded broker as a program of its own."""

import argparse
import asyncio
import contextlib
import ipaddress
import logging
import resource
import signal
import ssl
import sys
from collections.abc import Sequence
from pathlib import Path

from amqtt.errors import BrokerError

from broker.embedded import EmbeddedBroker
from broker.entrance import EntranceError, server_tls
from broker.rules import RulesError, RulesFile

PURPOSE = "for demo, tests and a trial on one machine; real lamps want Mosquitto"
MOST_FILES = 65_536
"""File handles asked for at most."""


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m broker", description=f"An embedded MQTT broker {PURPOSE}.")
    parser.add_argument("--host", default="127.0.0.1", help="IPv4 address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=1883, help="TCP port (default: %(default)s)")
    parser.add_argument("--rules", type=Path, required=True, help="who may do what: broker/schema/access.json")
    parser.add_argument("--certfile", help="certificate (PEM) of a TLS listener: `dorflicht certs` makes one")
    parser.add_argument("--keyfile", help="its key (PEM)")
    parser.add_argument("--allow-remote", action="store_true", help="listen on more than loopback, unencrypted")
    return parser.parse_args(given)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        return host == "localhost"


def raise_file_limit() -> None:
    """Ask for as many file handles as this process may have: each connection takes one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def refusal(asked: argparse.Namespace) -> str | None:
    """Why the command line cannot be followed, or None."""
    if (asked.certfile is None) != (asked.keyfile is None):
        return "--certfile and --keyfile go together: give both or none.\n"
    if not is_loopback(asked.host) and asked.certfile is None and not asked.allow_remote:
        return (
            f"{asked.host} is not loopback: the embedded broker listens there with --certfile and --keyfile, "
            "or unencrypted with --allow-remote, only.\n"
        )
    return None


async def run(host: str, port: int, rules: Path, tls: ssl.SSLContext | None) -> None:
    """Serve until SIGTERM or SIGINT. RulesError or BrokerError when it cannot start."""
    stop = asyncio.Event()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(wanted, stop.set)
    broker = EmbeddedBroker(host, port, RulesFile(rules), tls)
    await broker.start()
    how = "" if tls is None else " by TLS"
    sys.stdout.write(f"Embedded broker ready on {host}:{port}{how}, {PURPOSE}.\n")
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
    if (why := refusal(asked)) is not None:
        sys.stderr.write(why)
        return 2
    raise_file_limit()
    try:
        tls = None if asked.certfile is None else server_tls(asked.certfile, asked.keyfile)
        asyncio.run(run(asked.host, asked.port, asked.rules, tls))
    except RulesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except EntranceError as error:
        sys.stderr.write(f"{error}.\n")
        return 1
    except BrokerError as error:
        reason = str(error.__cause__ or error)
        sys.stderr.write(f"The embedded broker cannot listen on {asked.host}:{asked.port}: {reason}.\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
