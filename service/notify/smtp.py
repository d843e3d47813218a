"""Alerts by e-mail.

aiosmtplib, and not smtplib in a thread: a server that answers a byte at a time would hold a thread, and with it the end
of the program, for as long as it likes; a coroutine ends when it is told to.
"""

import asyncio
import hashlib
import json
import logging
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
)

from service.errors import NotSentError
from service.ports import Clock, Notice

Security = Literal["starttls", "tls", "none"]

WITHIN_S = 60.0
"""A message that is not taken within so many real seconds is tried again later."""

_STEP_S = 20.0
_GOODBYE_S = 5.0
_ABOUT_THE_MAIL = (SMTPSenderRefused, SMTPRecipientRefused, SMTPDataError)
_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in, and whose name it bears. Without a host there is none; without a user no log-in.

    `security` is `starttls` (refused where the server has none), `tls` from the first byte, or `none`.
    """

    host: str
    port: int
    sender: str
    security: Security = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)


class SmtpNotify:
    """Sends notices as mails, each in a connection of its own."""

    def __init__(
        self, server: MailServer, clock: Clock, *, tls: ssl.SSLContext | None = None, within_s: float = WITHIN_S
    ) -> None:
        """Prepare; nothing connects yet. `tls` says which certificates are trusted (None: those of the system)."""
        self._server, self._clock, self._within_s = server, clock, within_s
        self._tls = tls

    async def send(self, message: Notice) -> None:
        """Hand a mail over, to all its addresses at once. NotSentError says why not; one that some addresses take is
        sent. It never names an address, nor what the server said beside its codes: both would end up in logs."""
        if not self._server.host:
            raise NotSentError("no mail server is set: set DORFLICHT_SMTP_HOST", lasting=True)
        mail = compose(message, self._server.sender, datetime.fromtimestamp(self._clock.machine_ms() / 1000, UTC))
        client = self._client()
        try:
            async with asyncio.timeout(self._within_s):
                await client.connect()
                refused, _ = await client.send_message(mail)
            if refused:
                log.warning("The mail server refused %d of %d addresses", len(refused), len(message.to))
            with suppress(SMTPException, OSError):  # the mail is taken, whatever comes of the good-bye
                await client.quit(timeout=_GOODBYE_S)
        except (SMTPException, OSError, ValueError) as error:  # TimeoutError and ssl.SSLError are OSErrors
            raise _not_sent(error) from None
        finally:
            client.close()

    def _client(self) -> SMTP:
        server = self._server
        return SMTP(
            hostname=server.host,
            port=server.port,
            # The machine's own name is nobody's business, and asking for it may block.
            local_hostname=server.sender.rpartition("@")[2],
            timeout=min(_STEP_S, self._within_s),
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=None if server.security == "none" else self._tls,
            username=server.user or None,
            password=server.password if server.user else None,
        )


def compose(message: Notice, sender: str, at: datetime) -> EmailMessage:
    """The mail of a notice. The same notice has the same Message-ID, so that a second copy can be known as one.

    NotSentError (lasting) for an address or a subject that would not stay in its header.
    """
    mail = EmailMessage(policy=SMTP_POLICY)
    try:
        mail["From"] = Address("Dorflicht", addr_spec=sender)
        mail["To"] = [Address(addr_spec=to) for to in message.to]
        mail["Subject"] = message.subject
    except (ValueError, HeaderParseError, IndexError):
        raise NotSentError("an e-mail address or the subject cannot stand in a header", lasting=True) from None
    mail["Date"] = at
    mail["Message-ID"] = f"<{_digest(message)}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # holiday answers stay away
    mail.set_content(message.text, cte="quoted-printable")
    return mail


def _digest(message: Notice) -> str:
    content = json.dumps([message.to, message.subject, message.body], sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _not_sent(error: Exception) -> NotSentError:
    if isinstance(error, SMTPRecipientsRefused):
        lasting = all(_is_lasting(each) for each in error.recipients)
        codes = ", ".join(sorted({_codes(each) for each in error.recipients}))
        return NotSentError(f"the mail server refused every address ({codes})", lasting=lasting)
    if isinstance(error, SMTPResponseException):
        return NotSentError(f"the mail server refused ({_codes(error)})", lasting=_is_lasting(error))
    cause = error.__cause__ or error
    if isinstance(cause, ssl.SSLError):
        return NotSentError(f"no trusted connection to the mail server ({cause.reason or type(cause).__name__})")
    return NotSentError(f"the mail server did not take it ({type(error).__name__})")


def _is_lasting(error: SMTPResponseException) -> bool:
    """Whether it is the mail that is refused, and for good. A refused log-in may be set right."""
    return isinstance(error, _ABOUT_THE_MAIL) and 500 <= error.code < 600


def _codes(error: SMTPResponseException) -> str:
    enhanced = _ENHANCED.search(error.message)
    return f"{error.code} {enhanced[0]}" if enhanced else str(error.code)
