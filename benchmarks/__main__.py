"""`python -m benchmarks`: one run, and its figures as a table. Speed is never asserted: a slow run ends well, too."""

import argparse
import asyncio
import json
import socket
import sys
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from benchmarks import fleet, floors, ledger, ledger_size, presses, recording, rules
from benchmarks.figures import CROWD, GRANTED, LIT, Figure, Results, Target, figure, table
from benchmarks.village import BenchError, village
from service.domain.inventory import ControllerKey
from service.wire.access import new_secret
from tests.support.broker_process import ROOT, BrokerProcess
from tests.support.mosquitto import mosquitto

CROWD_SIZE = 20
FLOOR = ControllerKey("floor", "floor")
_NO_DELAY = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
_WARM_UP = 20
_MOST = 1000


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The parsed command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="How fast is a press, and what do the rules cost?"
    )
    parser.add_argument("--rules", action="store_true", help="only the council's rules: no broker, a few seconds")
    parser.add_argument("--recording", action="store_true", help="only reports, beside a bare subscriber")
    parser.add_argument("--ledger", action="store_true", help="only a year's energy from roll-ups: no broker")
    parser.add_argument("--size", action="store_true", help="only the MB that a year's ledger takes: many minutes")
    parser.add_argument("--fleet", action="store_true", help="only the fleets of 1,000 and 5,000 controllers")
    parser.add_argument("--presses", type=int, default=500, help=f"presses at each pace, 20 to {_MOST} (500)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    found = parser.parse_args(words)
    if not 20 <= found.presses <= _MOST:
        parser.error(f"--presses: {found.presses} is not between 20 and {_MOST}")
    return found


async def measure(broker: BrokerProcess, secret: str, folder: Path, count: int) -> Results:
    """Floors first, then the presses, all on the same broker and disk."""
    ack = figure("order-to-ack, bare", await floors.order_to_ack(broker, secret, count))
    commit = figure("commit, bare", await asyncio.to_thread(floors.commits, folder, count))
    async with village(broker, folder) as service:
        wire = broker.service_client("witness", socket_options=_NO_DELAY)
        async with presses.witness(wire, service.port) as witness:
            paces: dict[str, Callable[[], Coroutine[Any, Any, list[presses.Press]]]] = {
                "warm-up": lambda: presses.back_to_back(service.port, witness, _WARM_UP),
                "back to back": lambda: presses.back_to_back(service.port, witness, count),
                "20 ms apart": lambda: presses.apart(service.port, witness, count, 0.02),
                f"{CROWD_SIZE} at once": lambda: presses.at_once(service.port, witness, CROWD_SIZE, count // 20),
            }
            rows: list[tuple[Figure, Target]] = []
            leases = 0
            for how, run in paces.items():
                before = service.cpu_s()
                done = await run()
                cpu_s = service.cpu_s() - before
                leases += len(done)
                if how != "warm-up":
                    rows += _rows(how, done, cpu_s)
        return Results(ack, commit, tuple(rows), service.start_s, service.first_page_ms, service.memory_mb(), leases)


def _rows(how: str, done: list[presses.Press], cpu_s: float) -> list[tuple[Figure, Target]]:
    crowd = how.endswith("at once")
    return [
        (figure(f"press to granted, {how}", presses.granted(done)), CROWD if crowd else GRANTED),
        (figure(f"press to lit, {how}", list(presses.lit(done)), cpu_s), CROWD if crowd else LIT),
    ]


def _keep(
    file: Path | None, found: dict[str, object], costs: list[rules.Cost], fleets: Sequence[fleet.FleetFigures] = ()
) -> None:
    """Write the figures to a file, if one was asked for."""
    if file is not None:
        body = {**found, "rules": [asdict(cost) for cost in costs], "fleets": [asdict(row) for row in fleets]}
        file.write_text(json.dumps(body, indent=2) + "\n", "utf-8")


def _fleets() -> list[fleet.FleetFigures]:
    """Measure and print the fleets; empty where Mosquitto is missing."""
    print("\nFleets of simulated controllers, some three minutes each:", flush=True)
    try:
        fleets = fleet.measure_all()
    except pytest.skip.Exception as error:
        print(error, file=sys.stderr)
        return []
    print(fleet.table(fleets))
    return fleets


def _only(options: argparse.Namespace) -> int | None:
    """The one part that was asked for; None where all are."""
    if options.rules:
        costs = rules.costs()
        print(rules.table(costs))
        _keep(options.json, {}, costs)
    elif options.recording:
        recorded = recording.measure()
        print(recording.table(recorded))
        _keep(options.json, {"recording": asdict(recorded)}, [])
    elif options.ledger:
        asked = ledger.measure()
        print(ledger.table(asked))
        _keep(options.json, {"ledger": [asdict(row) for row in asked]}, [])
    elif options.size:
        sizes = []
        for size in ledger_size.sizes():
            sizes.append(size)
            print(ledger_size.table(size), flush=True)
        _keep(options.json, {"sizes": [asdict(size) for size in sizes]}, [])
    elif options.fleet:
        fleets = _fleets()
        _keep(options.json, {}, [], fleets)
        return 0 if fleets else 1
    else:
        return None
    return 0


def main() -> int:
    """Run; 0 when there are figures, fast or slow."""
    options = arguments(sys.argv[1:])
    done = _only(options)
    if done is not None:
        return done
    secret = new_secret()
    (ROOT / "data").mkdir(exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="bench-", dir=ROOT / "data") as name,
            mosquitto({FLOOR: secret}) as broker,
        ):
            results = asyncio.run(measure(broker, secret, Path(name), options.presses))
        recorded = recording.measure()
    except (BenchError, pytest.skip.Exception) as error:
        print(error, file=sys.stderr)
        return 1
    print(table(results))
    print("\nReports, recorded beside a bare subscriber:")
    print(recording.table(recorded))
    print("\nThe council's rules, the best of a few runs:")
    costs = rules.costs()
    print(rules.table(costs))
    print("\nA year of 1,400 lamps, asked for:")
    asked = ledger.measure()
    print(ledger.table(asked))
    found = {**results.as_json(), "recording": asdict(recorded), "ledger": [asdict(row) for row in asked]}
    _keep(options.json, found, costs, _fleets())
    return 0


if __name__ == "__main__":
    sys.exit(main())
