"""What a browser does, with as little of its own time as possible: HTTP/1.1 by hand on kept-alive connections."""

import asyncio
import json
import time
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer and when its last byte was here (seconds on `time.perf_counter`)."""

    status: int
    body: Any
    at: float


class Connection:
    """One kept-alive connection; one request at a time."""

    def __init__(self, port: int) -> None:
        """Aim at a service on loopback."""
        self._port = port

    async def __aenter__(self) -> "Connection":
        self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    def send(self, method: str, path: str, body: bytes = b"", headers: str = "") -> None:
        """Send a request with what a browser on our own page would say of itself."""
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\nOrigin: http://{HOST}:{self._port}\r\n"
            f"Sec-Fetch-Site: same-origin\r\nAccept-Language: de\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)

    async def head(self) -> tuple[int, dict[str, str]]:
        """Status and headers of the next answer."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split(" ")[1]), {name.lower(): value for name, value in pairs}

    async def answer(self) -> Answer:
        """The next answer with its body; JSON is decoded."""
        status, headers = await self.head()
        raw = await self._reader.readexactly(int(headers["content-length"]))
        at = time.perf_counter()
        return Answer(status, json.loads(raw) if "json" in headers.get("content-type", "") else raw, at)

    async def ask(self, method: str, path: str, body: bytes = b"", headers: str = "") -> Answer:
        """A request and its answer."""
        self.send(method, path, body, headers)
        return await self.answer()

    async def line(self) -> bytes:
        """The next line of an endless answer."""
        return await self._reader.readuntil(b"\n")
