"""A broker that runs as a child process, the same small object for the embedded one and for Mosquitto."""

import contextlib
import signal
import socket
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt

from service.ports import Access

ROOT = Path(__file__).parents[2]


@dataclass
class BrokerProcess:
    """A broker on loopback with an `Access` adapter that rules it.

    All calls are synchronous and wait for their effect; in a test whose own event loop must go on meanwhile call
    them by `asyncio.to_thread`. `start` after `stop` or `kill` uses the same port and the same files.
    """

    command: Sequence[str]
    folder: Path
    port: int
    access: Access
    service_password: str
    protocol: aiomqtt.ProtocolVersion
    name: str
    host: str = "127.0.0.1"
    service_username: str = "service"
    tls_port: int = 0
    """Where it listens by TLS; 0 where it does not."""
    tls: ssl.SSLContext | None = None
    """What a client of `port` needs, where that speaks TLS."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start and wait until it accepts connections. AssertionError with its output when it ends at once."""
        assert self.process is None, "the broker is running already"
        with (self.folder / "output.log").open("ab") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=output, cwd=ROOT)
        for _ in range(1000):
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=0.02)  # the pause between two tries, cut short when it ends
                break
        self._end(signal.SIGKILL)
        raise AssertionError(f"{self.name} did not start:\n{self.output()}")

    def stop(self) -> int:
        """End it in order (SIGTERM) and wait; its exit code. 0 when it was not running."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would (SIGKILL) and wait."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Make it hang (SIGSTOP): connections stay open and nothing is served. `kill` ends it."""
        assert self.process is not None, "the broker is not running"
        self.process.send_signal(signal.SIGSTOP)

    def output(self) -> str:
        """What it printed so far."""
        return (self.folder / "output.log").read_text("utf-8", "replace")

    def client(self, username: str, password: str, identifier: str | None = None, **more: Any) -> aiomqtt.Client:
        """A client, not yet connected; `identifier` is the user name where it is not given."""
        return aiomqtt.Client(
            self.host,
            self.port,
            username=username,
            password=password,
            identifier=username if identifier is None else identifier,
            protocol=self.protocol,
            timeout=10,
            **({"tls_context": self.tls} | more),
        )

    def service_client(self, identifier: str = "service-test", **more: Any) -> aiomqtt.Client:
        """A client with the service's rights, not yet connected."""
        return self.client(self.service_username, self.service_password, identifier, **more)

    def _end(self, how: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            return process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
