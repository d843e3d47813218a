"""The embedded broker's listening socket: takes connections in, by TLS where it has a certificate, and keeps those
who say nothing from crowding out the others.

asyncio's own servers count no connection before its TLS handshake is done, so a thousand that never begin one would
take every file handle. Here each accepted socket counts from the start.
"""

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable

HANDSHAKE_WITHIN = 5.0
"""Seconds that a client has for its TLS handshake."""

MOST_WAITING = 256
"""Connections that have not been let in yet. One more, and the one that has waited longest is closed: whoever has a
secret shows it at once, so a flood of silent ones crowds out itself."""

PAUSE = 0.1
"""Seconds without accepting when the system has no file handle left."""

_NO_HANDLES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Callable[[], None]], Awaitable[None]]
"""Serves a connection until it ends, and calls the function once it has let the client in."""

log = logging.getLogger(__name__)


class EntranceError(Exception):
    """Nothing can be served on this address, or with this certificate."""


def server_tls(certfile: str, keyfile: str) -> ssl.SSLContext:
    """What a TLS listener needs, of TLS 1.2 or later. EntranceError when certificate and key cannot be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certfile, keyfile)
    except ssl.SSLError as error:
        raise EntranceError(f"--certfile {certfile} and --keyfile {keyfile} do not fit: {error.reason}") from error
    except OSError as error:
        raise EntranceError(f"--certfile {certfile} or --keyfile {keyfile} cannot be read: {error.strerror}") from error
    return context


class Entrance:
    """Accepts connections on one address and serves each in a task of its own."""

    def __init__(self, host: str, port: int, serve: Serve, note: Callable[[str], None], tls: ssl.SSLContext | None):
        """Nothing is opened before `open`. `note` is told what was turned away at the door."""
        self._host, self._port = host, port
        self._serve, self._note, self._tls = serve, note, tls
        self._socket: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[asyncio.Task[None], None] = {}
        self._closing = asyncio.Event()

    def open(self) -> None:
        """Listen. EntranceError when the address cannot be had."""
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            opened.bind((self._host, self._port))
            opened.listen(1024)
        except OSError as error:
            opened.close()
            raise EntranceError(error.strerror or str(error)) from error
        opened.setblocking(False)
        self._socket = opened
        self._accepting = asyncio.create_task(self._accept(opened))

    async def close(self) -> None:
        """Stop listening, and end all tasks."""
        self._closing.set()
        ending = {task for task in (self._accepting, *self._tasks) if task is not None}
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    async def _accept(self, opened: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while not self._closing.is_set():
            try:
                accepted, _ = await loop.sock_accept(opened)
            except OSError as error:
                await self._after(error)
                continue
            if len(self._waiting) >= MOST_WAITING:
                self._evict()
            task = loop.create_task(self._take(accepted))
            self._tasks.add(task)
            self._waiting[task] = None
            task.add_done_callback(self._ended)

    async def _after(self, error: OSError) -> None:
        """Go on after a connection that could not be accepted; make room where that is what is missing."""
        if error.errno not in _NO_HANDLES:
            return
        self._note("a connection, for want of file handles")
        self._evict()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PAUSE):
                await self._closing.wait()

    def _evict(self) -> None:
        longest = next(iter(self._waiting), None)
        if longest is not None:
            del self._waiting[longest]
            longest.cancel()
            self._note("a connection that said nothing, when there were too many of them")

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._waiting.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A connection broke", exc_info=error)

    async def _take(self, accepted: socket.socket) -> None:
        task = asyncio.current_task()
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(loop=loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        patience = None if self._tls is None else HANDSHAKE_WITHIN
        accepted.setblocking(False)
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=self._tls, ssl_handshake_timeout=patience
            )
        except OSError:  # TLS's own errors are among them
            accepted.close()
            self._note("a connection without a TLS handshake")
            return
        except asyncio.CancelledError:
            accepted.close()
            raise
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        await self._serve(reader, writer, lambda: self._waiting.pop(task, None) if task else None)
