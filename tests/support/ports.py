"""Free TCP ports on loopback."""

import itertools
import os
import socket

_LOWEST, _EACH, _WORKERS = 10_000, 2_500, 8
"""Below the ports that systems lend to outgoing connections (Linux: from 32768), which could take one between
our look and a program's bind; a range of its own for each of pytest-xdist's workers, for the same reason."""
_WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_next = itertools.count(os.getpid())


def free_port() -> int:
    """A port that nobody listens on, and that this process gives to nobody else soon."""
    for _ in range(_EACH):
        port = _LOWEST + _WORKER * _EACH + next(_next) % _EACH
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"No port is free from {_LOWEST + _WORKER * _EACH} on.")
