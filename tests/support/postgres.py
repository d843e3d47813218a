"""A PostgreSQL server of our own in a temporary folder, reachable through a socket file in it and nowhere else."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

_COUNT = count(1)


def binaries() -> Path | None:
    """The folder with the newest `initdb`, or None where PostgreSQL's server is not installed."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if folders:
        return max(folders, key=lambda folder: int(folder.parent.name))
    found = shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


@dataclass
class Postgres:
    """A server. `start` after `stop` or `crash` goes on with the same files."""

    folder: Path
    programs: Path
    settings: Sequence[str] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start and wait until it answers. AssertionError with its output when it ends at once."""
        assert self.process is None, "the server is running already"
        program, data = str(self.programs / "postgres"), str(self.folder / "data")
        command = [program, "-D", data, "-k", str(self.folder), "-h", "", *self.settings]
        with (self.folder / "output.log").open("ab") as output:
            self.process = process = subprocess.Popen(command, stdout=output, stderr=output, **_as_postgres())
        for _ in range(1000):
            with contextlib.suppress(psycopg.OperationalError), self._connect():
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.02)  # the pause between two tries, cut short when it ends
                break
        self.crash()
        raise AssertionError(f"PostgreSQL did not start:\n{(self.folder / 'output.log').read_text('utf-8')}")

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """End it at once, as a power cut would: what is not on disk is lost, the next start recovers."""
        self._end(signal.SIGQUIT)

    def url(self, database: str) -> str:
        """The address of a database for `open_store`."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new database without tables; gone afterwards."""
        name = f"test_{next(_COUNT)}"
        self.run(f"CREATE DATABASE {name}")
        yield self.url(name)
        self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """Run a statement outside of any transaction."""
        with self._connect() as connection:
            connection.execute(statement)

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(f"user=postgres dbname=postgres host={self.folder}", autocommit=True)

    def _end(self, how: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_postgres(*, durable: bool) -> Iterator[Postgres]:
    """A new, empty server; one that is not `durable` is faster to make databases with, and may lose them in a crash.

    Skips the test where PostgreSQL is not installed; under CI that is a failure.
    """
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="dorflicht-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    init: list[str | Path] = [
        programs / "initdb",
        "-D",
        folder / "data",
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    done = subprocess.run([*init, "--locale=C"], capture_output=True, text=True, cwd=folder, **_as_postgres())
    assert done.returncode == 0, done.stderr
    server = Postgres(folder, programs, () if durable else ("-c", "fsync=off", "-c", "full_page_writes=off"))
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder)


def _programs() -> Path:
    programs = binaries()
    if programs is None:
        why = "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(why)
    return programs


def _as_postgres() -> dict[str, Any]:
    """The server refuses to run as root."""
    return {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
