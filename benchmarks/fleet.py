"""Large fleets on Mosquitto: what a thousand and five thousand simulated controllers cost, and how soon they answer."""

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from benchmarks.fleet_process import FleetProcess
from benchmarks.fleet_stage import Stage
from benchmarks.village import BenchError
from device_sim.many import Many
from service.domain.inventory import ControllerKey
from tests.support.broker_process import BrokerProcess
from tests.support.mosquitto import mosquitto

STEADY_S = 60.0
"""One heartbeat of every controller."""
ORDERS = 100
_CONNECT_WITHIN_S = 300.0
_BACK_WITHIN_S = 240.0
_FILES_BESIDES = 500


@dataclass(frozen=True, slots=True)
class Size:
    """So many controllers in so many processes, and what each process should stay under on an idle machine."""

    controllers: int
    processes: int
    memory_mb: float | None = None
    cpu_percent: float | None = None


SIZES = (Size(1000, 1, 150.0, 25.0), Size(5000, 2))


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """One fleet's. Memory and CPU are the highest of its processes, CPU in percent of a core while nothing happens."""

    size: Size
    connect_s: float
    memory_mb: float
    cpu_percent: float
    broker_mb: float
    order_p50_ms: float
    order_p99_ms: float
    all_ordered_s: float
    all_back_s: float
    energy_apart_percent: float | None

    @property
    def met(self) -> bool | None:
        """Whether the targets are met; None where there are none."""
        if self.size.memory_mb is None or self.size.cpu_percent is None:
            return None
        return self.memory_mb < self.size.memory_mb and self.cpu_percent < self.size.cpu_percent


def allow_files(count: int) -> bool:
    """Let this process and its children open so many files; whether the system lets them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted == count


@contextmanager
def _parts(size: Size) -> Iterator[tuple[BrokerProcess, list[FleetProcess]]]:
    """Mosquitto, knowing all controllers from its start, and the fleet's processes, not yet started."""
    parts = [Many(f"fleet-{i + 1}", size.controllers // size.processes) for i in range(size.processes)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-")))
        secrets = {key: secret for part in parts for key, secret in part.credentials().items()}
        (folder / "credentials.json").write_text(json.dumps(secrets), "utf-8")
        known = {ControllerKey(*key.split("/")): secret for key, secret in secrets.items()}
        broker = stack.enter_context(mosquitto(known))
        processes = []
        for part in parts:
            (folder / f"{part.municipality}.toml").write_text(part.text(), "utf-8")
            processes.append(FleetProcess(folder, part, broker.port))
        yield broker, processes


async def measure(size: Size) -> FleetFigures:
    """One fleet, from its start to its end; some three minutes. BenchError."""
    if not allow_files(size.controllers + _FILES_BESIDES):
        raise BenchError(
            f"{size.controllers} controllers need {size.controllers + _FILES_BESIDES} open files: ulimit -n"
        )
    with _parts(size) as (broker, processes), ExitStack() as running:
        stage = Stage(broker, [key for process in processes for key in process.part.keys])
        async with stage.on() as client:
            await stage.plan(client)
            began = time.perf_counter()
            for process in processes:
                running.enter_context(process)
            await stage.all_heard(_CONNECT_WITHIN_S)
            connect_s = time.perf_counter() - began
            _say(f"{size.controllers} controllers connected in {connect_s:.1f} s")
            await asyncio.sleep(10)  # every clock is set
            before = [process.cpu_s() for process in processes]
            await asyncio.sleep(STEADY_S)
            cpu = max(100 * (p.cpu_s() - b) / STEADY_S for p, b in zip(processes, before, strict=True))
            memory = max(process.memory_mb() for process in processes)
            _say(f"at rest each process holds {memory:.1f} MB and takes {cpu:.1f} % of a core")
            every = stage.keys[:: max(1, len(stage.keys) // ORDERS)]
            lags = sorted([await stage.order(client, [key]) * 1000 for key in every])
            _say(f"{len(lags)} orders answered, half of them within {lags[len(lags) // 2]:.1f} ms")
            all_ordered_s = await stage.order(client, stage.keys)
        _say(f"an order for each at once answered by all in {all_ordered_s:.1f} s; now the broker dies")
        all_back_s = await _storm(broker, stage)
        results = [await asyncio.to_thread(process.finish) for process in processes]
        true, told = (sum(r["energy"][word] for r in results) for word in ("true_wh", "metered_wh"))
        return FleetFigures(
            size,
            connect_s,
            memory,
            cpu,
            _broker_mb(broker),
            lags[len(lags) // 2],
            lags[min(len(lags) - 1, int(len(lags) * 0.99))],
            all_ordered_s,
            all_back_s,
            100 * abs(told - true) / true if true else None,
        )


def _say(line: str) -> None:
    """How far it is: a fleet takes minutes."""
    print(f"  {line}", flush=True)


async def _storm(broker: BrokerProcess, stage: Stage) -> float:
    """Kill the broker, start it, and wait until all have come back; seconds from when it listens again."""
    await asyncio.to_thread(broker.kill)
    await asyncio.to_thread(broker.start)
    stage.forget()
    began = time.perf_counter()
    async with stage.on():
        await stage.all_heard(_BACK_WITHIN_S)
        return time.perf_counter() - began


def _broker_mb(broker: BrokerProcess) -> float:
    if broker.process is None:
        return 0.0
    status = Path(f"/proc/{broker.process.pid}/status").read_text("ascii")
    return next(int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS"))


def table(rows: Sequence[FleetFigures]) -> str:
    """The fleets as text."""
    heads = (
        "controllers",
        "processes",
        "connected s",
        "MB",
        "CPU %",
        "broker MB",
        "order p50",
        "p99 ms",
        "all s",
        "back s",
    )
    lines = ["".join(f"{head:>12}" for head in heads) + "   energy, target"]
    for row in rows:
        cells = [row.size.controllers, row.size.processes, row.connect_s, row.memory_mb, row.cpu_percent]
        cells += [row.broker_mb, row.order_p50_ms, row.order_p99_ms, row.all_ordered_s, row.all_back_s]
        said = {None: "", True: "met", False: "missed"}[row.met]
        goal = f"< {row.size.memory_mb:.0f} MB, < {row.size.cpu_percent:.0f} %: {said}" if said else ""
        apart = "" if row.energy_apart_percent is None else f"{row.energy_apart_percent:.3f} % apart"
        lines.append("".join(f"{c:12}" if isinstance(c, int) else f"{c:12.1f}" for c in cells) + f"   {apart}   {goal}")
    return "\n".join(lines)


def measure_all(sizes: Sequence[Size] = SIZES) -> list[FleetFigures]:
    """All fleets, one after the other; one that does not come up is told, and the next one goes on."""
    rows = []
    for size in sizes:
        try:
            rows.append(asyncio.run(measure(size)))
        except (BenchError, aiomqtt.MqttError) as error:
            print(f"{size.controllers} controllers: {error}", file=sys.stderr)
    return rows
