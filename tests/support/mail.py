"""Where alerts arrive: a real mail server, a real receiver of webhooks, and a clock that is turned by hand."""

import asyncio
import email
import email.policy
import ssl
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class HandClock:
    """A clock for one waiter that moves when the test turns it."""

    speed = 1.0

    def __init__(self, now: datetime) -> None:
        """Stand at a moment."""
        self._now = now
        self._turned = asyncio.Event()
        self._events: tuple[asyncio.Event, ...] | None = None
        self._fell_asleep = asyncio.Event()
        self.until: datetime | None = None
        """Until when the waiter sleeps, if nothing wakes it."""
        self.waits = 0

    def now(self) -> datetime:
        """Where the hands are."""
        return self._now

    def machine_ms(self) -> int:
        """The same: this machine has no other time."""
        return round(self._now.timestamp() * 1000)

    def turn(self, **by: float) -> None:
        """Turn the hands."""
        self._now += timedelta(**by)
        self._wake()

    def turn_to(self, at: datetime) -> None:
        """Turn the hands to a moment."""
        self._now = at
        self._wake()

    def _wake(self) -> None:
        self._events = None
        self._turned.set()
        self._turned = asyncio.Event()

    async def wait(self, *events: asyncio.Event, until: datetime | None = None) -> bool:
        """Wait until one of `events` is set or the hands have come to `until`."""
        self.waits += 1
        while not any(event.is_set() for event in events):
            if until is not None and until <= self._now:
                return False
            turned, self._events, self.until = self._turned, events, until
            self._fell_asleep.set()
            waiters = [asyncio.ensure_future(event.wait()) for event in (*events, turned)]
            try:
                await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._events = None
                for waiter in waiters:
                    waiter.cancel()
        return True

    async def asleep(self, true: Callable[[], bool] = lambda: True) -> None:
        """Wait until the waiter sleeps, nothing is about to wake it, and something is true."""
        async with asyncio.timeout(30):
            while self._events is None or any(event.is_set() for event in self._events) or not true():
                self._fell_asleep.clear()
                await self._fell_asleep.wait()


@dataclass
class Mail:
    """A mail as it arrived."""

    sender: str
    to: list[str]
    raw: bytes

    @property
    def parsed(self) -> EmailMessage:
        """As a mail program reads it."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)

    @property
    def text(self) -> str:
        """What it says."""
        content: str = self.parsed.get_content()
        return content


@dataclass
class MailServer:
    """Takes mails, or answers as the test said."""

    port: int = 0
    answers: deque[str] = field(default_factory=deque)
    """To the next mails; one that is not 250 refuses its mail."""
    addresses: dict[str, str] = field(default_factory=dict)
    """What is answered to an address."""
    mails: list[Mail] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    hold: asyncio.Event | None = None
    """While it is not set, no mail is answered."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with every mail that is offered; the test clears it."""
    tries: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take or refuse an address."""
        answer = self.addresses.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - likewise
        """Take or refuse a mail."""
        self.tries += 1
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        answer = self.answers.popleft() if self.answers else "250 OK"
        if answer.startswith("250"):
            raw = envelope.content
            assert isinstance(raw, bytes)
            self.mails.append(Mail(str(envelope.mail_from), list(envelope.rcpt_tos), raw))
        return answer

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Let in whoever knows the password."""
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password == b"right", handled=False)


@asynccontextmanager
async def mail_server(tls: ssl.SSLContext | None = None, *, at_once: bool = False) -> AsyncIterator[MailServer]:
    """A mail server with STARTTLS, TLS at once, or none; with STARTTLS it wants a log-in."""
    server = MailServer()

    def session() -> SMTP:
        return SMTP(
            server,
            hostname="mail.test",
            tls_context=None if at_once else tls,
            require_starttls=tls is not None and not at_once,
            authenticator=server.authenticate,
            auth_required=tls is not None and not at_once,
            auth_require_tls=not at_once,
        )

    listening = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0, ssl=tls if at_once else None)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        if server.hold is not None:
            server.hold.set()
        listening.close()


@dataclass
class Post:
    """A request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hook:
    """Takes posts, or answers as the test said."""

    port: int = 0
    answers: deque[bytes] = field(default_factory=deque)
    """Status lines with headers, to the next posts; 204 when there is none."""
    posts: list[Post] = field(default_factory=list)
    hold: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Its address, with a secret in path and query as many have it."""
        return f"http://127.0.0.1:{self.port}/hooks/pathsecret?token=querysecret"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request on one connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").splitlines()
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.posts.append(Post(head[0], headers, body))
        self.asked.set()
        if self.hold is not None:
            await self.hold.wait()
        writer.write(b"HTTP/1.1 " + (self.answers.popleft() if self.answers else b"204 No Content") + b"\r\n")
        writer.write(b"Connection: close\r\nContent-Length: 0\r\n\r\n")
        writer.close()


@asynccontextmanager
async def hook() -> AsyncIterator[Hook]:
    """A webhook's receiver."""
    made = Hook()
    server = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        if made.hold is not None:
            made.hold.set()
        server.close()
