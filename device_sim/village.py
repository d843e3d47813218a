"""A village of simulated controllers in one process, also for tests. See the package's docstring."""

import asyncio
import logging
import resource
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import aiomqtt

from device_sim.device import SimDevice
from device_sim.villages import VillageError, read_villages
from firmware_mock.link import Address
from firmware_mock.timing import Timing

_FILES_BESIDES = 200
"""Open files that are not controllers' connections."""
_STOP_WITHIN_S = 1.5

log = logging.getLogger("device_sim")


class Village:
    """All controllers of some municipality files, by key: `village["luetjenholm/cabinet-1"].kill()`.

    `credentials` maps keys to secrets; None connects without a password. `only` keeps one controller.
    VillageError where a file, a credential or the state folder cannot be used.
    """

    def __init__(
        self,
        files: Iterable[Path | str],
        credentials: Mapping[str, str] | None,
        *,
        host: str = "127.0.0.1",
        port: int = 1883,
        state_dir: Path | str,
        demo: bool = False,
        seed: int = 1,
        only: str | None = None,
        heartbeat_ms: int = 60_000,
        backoff_most_s: float = 30.0,
        protocol: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V311,
        timing: Timing | None = None,
    ) -> None:
        specs = [spec for spec in read_villages(Path(file) for file in files) if only in (None, spec.key)]
        if not specs:
            raise VillageError(f"{only}: there is no such controller" if only else "there are no controllers")
        if credentials is not None and (missing := [s.key for s in specs if s.key not in credentials]):
            raise VillageError(f"{missing[0]}: no credential is given for this controller")
        folder = Path(state_dir)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise VillageError(f"{folder}: {error}") from error
        self._changed = asyncio.Event()
        self._complete = False
        self._lost = False
        self.devices = {
            spec.key: SimDevice(
                spec,
                Address(
                    spec.municipality,
                    spec.controller,
                    host,
                    port,
                    credentials[spec.key] if credentials is not None else None,
                    protocol,
                    backoff_most_s=backoff_most_s,
                ),
                folder,
                demo=demo,
                seed=seed,
                heartbeat_ms=heartbeat_ms,
                timing=timing,
                on_change=self._on_change,
            )
            for spec in specs
        }

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
        _allow_files(len(self.devices) + _FILES_BESIDES)
        for device in self.devices.values():
            device.start()

    async def stop(self) -> None:
        """End all controllers in order, the stubborn ones at once; within 2 s."""
        stopping = [asyncio.ensure_future(device.stop()) for device in self.devices.values()]
        _, late = await asyncio.wait(stopping, timeout=_STOP_WITHIN_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*stopping, return_exceptions=bool(late))
        await asyncio.gather(*(device.kill() for device in self.devices.values()))

    async def wait_connected(self, timeout_s: float = 30.0) -> None:
        """Wait until every controller that has power is connected. TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not all(d.connected for d in self.devices.values() if d.powered):
                self._changed.clear()
                await self._changed.wait()

    def _on_change(self, up: bool) -> None:
        self._changed.set()
        connected = sum(device.connected for device in self.devices.values())
        if connected == len(self.devices) and not self._complete:
            log.info("%d lamps on %d controllers connected", self.lamps, connected)
            self._complete, self._lost = True, False
        elif connected == 0 and not self._lost:
            log.info("the broker is gone; the lamps go on by their plans")
            self._complete, self._lost = False, True


def _allow_files(count: int) -> None:
    """Raise this process's limit of open files where it is lower and may be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if wanted < count:
        log.warning("only %d files may be open; %d controllers need %d", wanted, count - _FILES_BESIDES, count)
