"""Alert rules as a document: whom alerts of a municipality reach, and when only the urgent ones go out."""

import re
from collections import Counter
from datetime import time
from ipaddress import ip_address
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from service.domain.inventory import AlertRules
from service.usecases.schedule_documents import Part

_ADDRESS = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
    re.ASCII | re.IGNORECASE,
)
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_LONGEST_ADDRESS, _LONGEST_LOCAL_PART = 254, 64


def email_address(text: str) -> str:
    """The text, where it is written like an e-mail address in ASCII. ValueError where it is not."""
    if len(text) > _LONGEST_ADDRESS or text.find("@") > _LONGEST_LOCAL_PART or not _ADDRESS.fullmatch(text):
        raise ValueError('is no e-mail address: write it like "bauhof@gemeinde.example"')
    return text


def webhook_url(text: str) -> str:
    """The text, where it is an https URL, or an http URL of this machine. ValueError, which never repeats it, where
    it is not: whoever knows the URL can write there."""
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        host = None
    if not host or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError('is no URL: write it like "https://hooks.example/dorflicht"')
    if url.username is not None or url.password is not None:
        raise ValueError("holds a user name or password: give a URL whose path is the secret")
    if url.scheme == "https" or (url.scheme == "http" and _is_loopback(host)):
        return text
    raise ValueError("must begin with https://, or with http:// for a program on this machine (127.0.0.1)")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _clock(text: object) -> object:
    if not isinstance(text, str) or not _CLOCK.fullmatch(text):
        raise ValueError('is no time: write it in quotes, like "22:00"')
    return text


EmailAddress = Annotated[str, AfterValidator(email_address)]
WebhookUrl = Annotated[str, StringConstraints(max_length=2000), AfterValidator(webhook_url)]
ClockText = Annotated[str, BeforeValidator(_clock)]


class AlertRulesDocument(Part):
    """Whom alerts reach, and the quiet hours in local time; without addresses nobody is told."""

    emails: Annotated[tuple[EmailAddress, ...], Field(max_length=50)] = ()
    webhook: WebhookUrl | None = None
    quiet_from: ClockText | None = None
    quiet_until: ClockText | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        twice = [address for address, times in Counter(self.emails).items() if times > 1]
        if twice:
            raise ValueError(f"emails: {twice[0]} stands there twice: once is enough")
        if (self.quiet_from is None) != (self.quiet_until is None):
            lacking = "quiet_from" if self.quiet_from is None else "quiet_until"
            raise ValueError(f"{lacking} is missing: quiet hours have a beginning and an end; give both, or neither")
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValueError("quiet_from and quiet_until are the same: leave both out for no quiet hours")
        return self

    def rules(self) -> AlertRules:
        """The rules."""
        begin, end = (
            None if text is None else time.fromisoformat(text) for text in (self.quiet_from, self.quiet_until)
        )
        return AlertRules(self.emails, self.webhook, begin, end)
