"""Certificates as `dorflicht certs` makes them, and what a client needs to trust them."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.app.certs import make_certificates
from service.clock import SystemClock
from service.wire.tls import client_tls


@dataclass(frozen=True)
class Tls:
    """The files of a TLS listener, and the CA that its clients trust."""

    folder: Path

    @property
    def certfile(self) -> Path:
        return self.folder / "server.pem"

    @property
    def keyfile(self) -> Path:
        return self.folder / "server.key"

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"

    def client(self) -> ssl.SSLContext:
        """What the service and its clients use."""
        return client_tls(self.ca_file)


def certificates(folder: Path, *hosts: str, now: datetime | None = None) -> Tls:
    """A CA and a certificate for `hosts` (loopback where none is given), or a renewed one."""
    make_certificates(folder, hosts or ["127.0.0.1", "localhost"], 30, now or SystemClock().now().astimezone(UTC))
    return Tls(folder)
