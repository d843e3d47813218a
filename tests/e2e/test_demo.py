"""`dorflicht demo` as a newcomer meets it: one command, one address, one Ctrl-C."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from tests.e2e.stream import listening
from tests.e2e.waiting import until
from tests.e2e.world import API
from tests.support.ports import free_port
from tests.support.service_process import ROOT, clean

FIRST_PAGE = 60.0
"""Seconds for what takes three on an idle machine."""


@dataclass
class Demo:
    """A running demo and what it has printed."""

    process: subprocess.Popen[bytes]
    log: Path
    http: httpx.AsyncClient

    def printed(self) -> str:
        """Everything so far."""
        return self.log.read_text("utf-8", "replace")

    def children(self) -> dict[str, int]:
        """The process ids of its parts, by the program that each runs."""
        own = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        found = {}
        for pid in Path(own).read_text("ascii").split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
            if "-m" in words:
                found[words[words.index("-m") + 1]] = int(pid)
        return found

    async def clock(self) -> datetime:
        """What time it is in the demo."""
        return datetime.fromisoformat((await self.http.get(API)).json()["now"])

    async def ended(self, within: float = 60) -> int:
        """Wait until the demo has ended; its exit code."""
        await until(lambda: self.process.poll() is not None, what="the demo ends", within=within)
        return int(self.process.returncode)


def _command(data: Path, *more: str, http: int | None = None, mqtt: int | None = None) -> list[str]:
    ports = ("--http-port", str(http or free_port()), "--mqtt-port", str(mqtt or free_port()))
    return [sys.executable, "-m", "service", "demo", "--headless", "--data-dir", str(data), *ports, *more]


def _start(command: list[str], log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, cwd=ROOT, env=clean(os.environ))


@asynccontextmanager
async def _running(data: Path, *more: str) -> AsyncIterator[Demo]:
    """A demo that has said where it is."""
    http, log = free_port(), data.with_suffix(".out")
    process = _start(_command(data, *more, http=http), log)
    url = f"http://127.0.0.1:{http}"
    async with httpx.AsyncClient(base_url=url, timeout=15) as client:
        demo = Demo(process, log, client)
        children: dict[str, int] = {}
        try:
            await until(demo.printed, lambda text: f"{url}/" in text, "the address is printed", FIRST_PAGE)
            children = demo.children()
            yield demo
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    for pid in children.values():
                        os.kill(pid, signal.SIGKILL)
                    raise


async def test_the_demo_shows_its_villages_goes_on_where_it_ended_and_ends_at_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with _running(data, "--at", "2026-12-24T01:10") as demo:
        page = await demo.http.get("/")
        assert page.status_code == 200
        assert "Lütjenholm" in page.text
        assert "Glasau" in page.text
        assert re.search(r"Staff token: \S{32,}", demo.printed())
        assert set(demo.children()) == {"broker", "service", "device_sim"}
        lease = (await demo.http.post(f"{API}/luetjenholm/zones/dorf/press")).json()["lease"]
        path = f"{API}/luetjenholm/leases/{lease['id']}"
        await until(lambda: _state(demo, path), lambda state: state == "lit", "the press lights the lamps", 60)
        await demo.http.post("/api/v1/demo/clock", json={"forward_minutes": 60})
        stopped_at = await demo.clock()
        assert stopped_at.isoformat()[:13] == "2026-12-24T01", "01:10 in Berlin and an hour"
        async with listening(demo.http, "glasau") as stream:
            await stream.until(lambda: stream.events, "a snapshot")
            children = demo.children()
            demo.process.send_signal(signal.SIGINT)
            assert await demo.ended(within=20) == 0
            await stream.until(lambda: stream.ended, "the stream ends")
        for name, pid in children.items():
            assert not _lives(pid), f"{name} is still there"
        assert "Traceback" not in demo.printed()

    async with _running(data) as demo:
        assert await demo.clock() >= stopped_at
        lease = (await demo.http.get(path)).json()["lease"]
        assert lease["state"] == "lit", "the same data"


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def _state(demo: Demo, path: str) -> str:
    return str((await demo.http.get(path)).json()["lease"]["state"])


async def test_a_part_that_dies_is_started_again_and_the_clock_never_steps_back(tmp_path: Path) -> None:
    async with _running(tmp_path / "data") as demo:
        await demo.http.post("/api/v1/demo/clock", json={"forward_minutes": 30})
        before = demo.children()
        moved = await demo.clock()
        await until(lambda: _noted(tmp_path / "data"), lambda noted: noted >= moved, "the clock is noted")
        for name in ("service", "device_sim", "broker"):
            os.kill(before[name], signal.SIGKILL)
        now = await until(
            demo.children,
            lambda found: found.keys() == before.keys() and not set(found.values()) & set(before.values()),
            "all three run anew",
        )
        assert now.keys() == before.keys()
        await until(lambda: _lit_or_dark(demo), lambda light: light == "dark", "all is known again", 60)
        assert await demo.clock() >= moved


def _noted(data: Path) -> datetime:
    return datetime.fromisoformat((data / "clock.txt").read_text("ascii"))


async def _lit_or_dark(demo: Demo) -> str:
    try:
        answer = await demo.http.get(f"{API}/luetjenholm/zones/dorf")
    except httpx.TransportError as error:
        return repr(error)
    return str(answer.json()["light"]["state"])


def _sentence(command: list[str]) -> str:
    """The one sentence with which a demo refuses to start."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=clean(os.environ), timeout=60)
    assert done.returncode not in (0, -signal.SIGKILL)
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].endswith((".", ")"))
    return lines[0]


async def test_what_cannot_start_says_why_in_one_sentence(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    a_file = tmp_path / "file"
    a_file.write_text("no folder")
    later = tmp_path / "later"
    later.mkdir()
    (later / "clock.txt").write_text("2026-12-24T03:00:00+00:00")
    commands = {
        "--http-port": _command(tmp_path / "a", http=port),
        "--mqtt-port": _command(tmp_path / "b", mqtt=port),
        "--data-dir": _command(a_file),
        "moves forward only": _command(later, "--at", "2026-12-24T02:00"),
        "teatime": _command(tmp_path / "c", "--at", "teatime"),
    }
    async with taken:
        said = await asyncio.gather(*(asyncio.to_thread(_sentence, command) for command in commands.values()))
    for word, sentence in zip(commands, said, strict=True):
        assert word in sentence
