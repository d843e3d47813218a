"""A village of simulated controllers in one process, also for tests. See the package's docstring."""

import asyncio
import logging
import random
import resource
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import aiomqtt

from device_sim.bad_line import BadLine
from device_sim.befall import befall
from device_sim.device import SimDevice
from device_sim.happenings import Happening, Kind, happenings
from device_sim.lamps import Wear
from device_sim.scenario import Scenario
from device_sim.script import Script
from device_sim.supply import Supply
from device_sim.surroundings import Surroundings
from device_sim.villages import ControllerSpec, VillageError, read_villages
from firmware_mock.link import Address
from firmware_mock.timing import RealTiming, Timing

_FILES_BESIDES = 200
"""Open files that are not controllers' connections."""
_STOP_WITHIN_S = 1.5

log = logging.getLogger("device_sim")


class Village:
    """All controllers of some municipality files, by key: `village["luetjenholm/cabinet-1"].kill()`.

    `credentials` maps keys to secrets; None connects without a password. `only` keeps one controller. Without
    `state_dir` nothing outlives the process. `scenario` says what goes wrong; its own seed counts before `seed`.
    VillageError where a file, a credential or the state folder cannot be used, or the scenario cannot be played here.
    """

    def __init__(
        self,
        files: Iterable[Path | str],
        credentials: Mapping[str, str] | None,
        *,
        host: str = "127.0.0.1",
        port: int = 1883,
        state_dir: Path | str | None,
        demo: bool = False,
        seed: int = 1,
        only: str | None = None,
        heartbeat_ms: int = 60_000,
        backoff_most_s: float = 30.0,
        protocol: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V311,
        tls: ssl.SSLContext | None = None,
        timing: Timing | None = None,
        scenario: Scenario | None = None,
    ) -> None:
        specs = [spec for spec in read_villages(Path(file) for file in files) if only in (None, spec.key)]
        if not specs:
            raise VillageError(f"{only}: there is no such controller" if only else "there are no controllers")
        if credentials is not None and (missing := [s.key for s in specs if s.key not in credentials]):
            raise VillageError(f"{missing[0]}: no credential is given for this controller")
        self.scenario = scenario or Scenario()
        self.seed = seed if self.scenario.seed is None else self.scenario.seed
        self.on_happening: Callable[[Happening], None] = lambda happening: None
        """Called when something of the scenario has happened."""
        self._broker = host, port
        self._changed = asyncio.Event()
        self._complete = False
        self._lost = False
        self._up: set[str] = set()
        self.timing = timing or RealTiming()
        self.bad_lines = self._bad_lines(specs, tls)
        script = happenings(self.scenario, specs, self.seed)
        self._script = Script(script, self._play, self.timing)
        folder = _folder(state_dir)

        def address(spec: ControllerSpec) -> Address:
            secret = credentials[spec.key] if credentials is not None else None
            there = Address(spec.municipality, spec.controller, host, port, secret, protocol, tls=tls)
            return replace(there, backoff_most_s=backoff_most_s)

        self.devices = {
            spec.key: SimDevice(
                spec,
                address(spec),
                folder,
                demo=demo,
                seed=self.seed,
                heartbeat_ms=heartbeat_ms,
                timing=timing,
                on_change=partial(self._on_change, spec.key),
                around=self._around(spec.key, demo),
            )
            for spec in specs
        }
        self._supply = Supply(self.devices, self.timing)

    def _bad_lines(self, specs: Sequence[ControllerSpec], tls: ssl.SSLContext | None) -> dict[str, BadLine]:
        """The slow and lossy ways, where the scenario has some."""
        keys = [spec.key for spec in specs if self.scenario.has_bad_line(spec.key)]
        if keys and tls is not None:
            raise VillageError("net, network_cut: bad lines are modelled without TLS only; leave --ca or these out")
        return {key: BadLine(self.scenario.net(key), f"{self.seed}/{key}", self._broker, self.timing) for key in keys}

    def _around(self, key: str, demo: bool) -> Surroundings:
        low, high = self.scenario.drift_ppm
        drift = random.Random(f"{self.seed}/{key}/drift").randint(low, high)  # noqa: S311 - a model's quartz
        wear = Wear(f"{self.seed}/{key}/wear", self.scenario.failures_per_1000_h, drift)
        heard = self._script.heard if demo else _no_demo
        return Surroundings(wear, heard, partial(self._on_settled, key))

    def __getitem__(self, key: str) -> SimDevice:
        """One controller by municipality/controller."""
        return self.devices[key]

    async def __aenter__(self) -> Self:
        """Start, and wait until all are connected."""
        self.start()
        await self.wait_connected()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    @property
    def lamps(self) -> int:
        """How many lamps there are."""
        return sum(device.spec.lamps for device in self.devices.values())

    def start(self) -> None:
        """Switch all controllers on; they connect in the background."""
        _allow_files(len(self.devices) + 3 * len(self.bad_lines) + _FILES_BESIDES)
        for key, line in self.bad_lines.items():
            line.start()
            device = self.devices[key]
            device.address = replace(device.address, host="127.0.0.1", port=line.port)
        self._supply.open()
        self._script.start()

    async def stop(self) -> None:
        """End all controllers in order, the stubborn ones at once; within 2 s."""
        self._script.stop()
        await self._supply.close()
        stopping = [asyncio.ensure_future(device.stop()) for device in self.devices.values()]
        _, late = await asyncio.wait(stopping, timeout=_STOP_WITHIN_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*stopping, return_exceptions=bool(late))
        await asyncio.gather(*(device.kill() for device in self.devices.values()))
        await asyncio.gather(*(line.stop() for line in self.bad_lines.values()))

    async def wait_connected(self, timeout_s: float = 30.0) -> None:
        """Wait until every controller that has power is connected. TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not self._all_connected():
                self._changed.clear()
                await self._changed.wait()

    def _all_connected(self) -> bool:
        return not self._supply.opening and all(d.connected for d in self.devices.values() if d.powered)

    @property
    def now_ms(self) -> int:
        """Milliseconds since the start, by the village's clock, in which a scenario counts."""
        return self._script.now_ms

    def _play(self, happening: Happening) -> None:
        device, there = self.devices[happening.key], bool(happening.value)
        if happening.kind is Kind.POWER:
            self._supply.cut(happening.key, there)
        elif happening.kind is Kind.NETWORK:
            self.bad_lines[happening.key].hush(not there)
        elif happening.kind is Kind.DROP:
            device.drop()
        else:
            befall(device, happening)
        self.on_happening(happening)

    def _on_settled(self, key: str) -> None:
        if not self.devices[key].powered:
            self._up.discard(key)
        self._supply.settled(key)

    def _on_change(self, key: str, up: bool) -> None:
        self._changed.set()
        if up:
            self._up.add(key)
            self.devices[key].tally.connects += 1
        else:
            self._up.discard(key)
        if up and not self._complete and self._all_connected():
            lamps = sum(self.devices[name].spec.lamps for name in self._up)
            log.info("%d lamps on %d controllers connected", lamps, len(self._up))
            self._complete, self._lost = True, False
        elif not self._up and not self._lost:
            log.info("the broker is gone; the lamps go on by their plans")
            self._complete, self._lost = False, True


def _no_demo(at: int, speed: float) -> None:
    """Outside a demo the village's clock runs by itself."""


def _folder(state_dir: Path | str | None) -> Path | None:
    """The folder for journals and meters, made where it is missing. VillageError."""
    if state_dir is None:
        return None
    folder = Path(state_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VillageError(f"{folder}: {error}") from error
    return folder


def _allow_files(count: int) -> None:
    """Raise this process's limit of open files where it is lower and may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if wanted < count:
        log.warning("only %d files may be open; %d controllers need %d", wanted, count - _FILES_BESIDES, count)
