"""A process that has imported the service already, and forks a child for each start: those take a tenth of the time.

What runs in the child is the command line itself, in a process of its own with its own environment, that can be
killed like any other.
"""

import atexit
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

_ROOT = Path(__file__).parents[2]


class Child(Protocol):
    """What both a `subprocess.Popen` and a forked child can do."""

    pid: int

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        ...

    def send_signal(self, sig: int, /) -> None:
        """Send a signal, if it still runs."""
        ...

    def kill(self) -> None:
        """Send SIGKILL."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends; the exit code. subprocess.TimeoutExpired."""
        ...


def start(words: Sequence[str], environment: Mapping[str, str], log: Path) -> Child:
    """`python -m service WORDS` with its output added to `log`."""
    if hasattr(os, "pidfd_open"):
        return _parent().fork(words, environment, log)
    with log.open("ab") as output:
        command = [sys.executable, "-m", "service", *words]
        return subprocess.Popen(command, stdout=output, stderr=output, cwd=_ROOT, env=dict(environment))


class Forked:
    """A child of the ready process."""

    def __init__(self, parent: "_Ready", pid: int) -> None:
        """To be made at once after the fork, so that the number is still this child's."""
        self.pid = pid
        self._parent = parent
        self._handle = os.pidfd_open(pid)
        self._code: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._code if self._ended(0) else None

    def send_signal(self, sig: int, /) -> None:
        """Send a signal, if it still runs."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._handle, sig)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends; the exit code. subprocess.TimeoutExpired."""
        if not self._ended(timeout) or self._code is None:
            raise subprocess.TimeoutExpired(["service"], timeout or 0.0)
        return self._code

    def _ended(self, timeout: float | None) -> bool:
        if self._code is None and select.select([self._handle], [], [], timeout)[0]:
            self._code = self._parent.ask({"wait": self.pid})
            os.close(self._handle)
        return self._code is not None


class _Ready:
    """The process that forks. It ends with its standard input."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ready"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT
        )
        atexit.register(self.close)

    def ask(self, question: Mapping[str, object]) -> int:
        """A number for an answer."""
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("it was started with pipes")
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def fork(self, words: Sequence[str], environment: Mapping[str, str], log: Path) -> Forked:
        """A child that runs the command line."""
        return Forked(self, self.ask({"words": words, "environment": dict(environment), "log": str(log)}))

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(10)


@cache
def _parent() -> _Ready:
    return _Ready()


def _serve() -> None:
    """Fork for each line that asks for it; tell how children ended."""
    import service.app  # noqa: F401 - what takes the time
    from service.cli import main

    for line in sys.stdin.buffer:
        question = json.loads(line)
        if "wait" in question:
            _, status = os.waitpid(question["wait"], 0)
            code = os.waitstatus_to_exitcode(status)
        else:
            code = os.fork()
            if code == 0:
                _become(question)
                main()
                return
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def _become(question: dict[str, object]) -> None:
    """Take the environment and output of the child that was asked for."""
    environment, words = question["environment"], question["words"]
    if not isinstance(environment, dict) or not isinstance(words, list):
        raise TypeError("environment and words")
    os.environ.clear()
    os.environ.update(environment)
    nothing, output = (
        os.open(os.devnull, os.O_RDONLY),
        os.open(str(question["log"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT),
    )
    for handle, place in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(handle, place)
    sys.argv = ["service", *map(str, words)]


if __name__ == "__main__":
    _serve()
