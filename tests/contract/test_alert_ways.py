"""E-mail and webhook against a real mail server and a real receiver: what is a yes, a no, a no for good."""

import asyncio
import hashlib
import hmac
import json
import logging
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from service.errors import NotSentError
from service.notify.smtp import MailServer as Server
from service.notify.smtp import Security, SmtpNotify, compose
from service.notify.webhook import SIGNATURE, WebhookNotify
from service.ports import Notice
from tests.support.certificates import Tls, certificates
from tests.support.leck import NOW
from tests.support.mail import HandClock, Hook, MailServer, hook, mail_server

CLOCK = HandClock(NOW)
NOTICE = Notice(
    ("clerk@leck.test", "workshop@leck.test"),
    "[Dorflicht] Leck: Straße dunkel",
    "Hauptstraße: dunkel\n.\nEnde\n",
    {"municipality": "leck", "count": 1, "alerts": [{"id": "a-1", "kind": "fault_opened"}]},
)


def way(server: MailServer, security: Security = "none", **changes: str) -> SmtpNotify:
    found = Server("127.0.0.1", server.port, "lights@service.test", security)
    return SmtpNotify(replace(found, **changes), CLOCK)  # type: ignore[arg-type] # text fields alone


async def refusal(sending: SmtpNotify | WebhookNotify, notice: Notice = NOTICE) -> NotSentError:
    with pytest.raises(NotSentError) as caught:
        await sending.send(notice)
    return caught.value


@pytest.fixture
async def mails() -> AsyncIterator[MailServer]:
    async with mail_server() as server:
        yield server


@pytest.fixture
async def receiver() -> AsyncIterator[Hook]:
    async with hook() as made:
        yield made


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificates(tmp_path_factory.mktemp("certificates"))


def listener(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.certfile, tls.keyfile)
    return context


# e-mail


async def test_a_mail_arrives_as_it_was_written(mails: MailServer) -> None:
    await way(mails).send(NOTICE)
    [mail] = mails.mails
    assert (mail.sender, mail.to) == ("lights@service.test", list(NOTICE.to))
    assert mail.parsed["Subject"] == NOTICE.subject
    assert mail.parsed["To"] == "clerk@leck.test, workshop@leck.test"
    assert mail.parsed["Date"].datetime == NOW.replace(microsecond=0)
    assert mail.text.splitlines() == NOTICE.text.splitlines()
    assert mail.raw.isascii(), "a server without 8BITMIME can take it"


async def test_the_same_notice_has_the_same_message_id_and_another_has_another() -> None:
    ids = {compose(notice, "a@b.test", NOW)["Message-ID"] for notice in (NOTICE, replace(NOTICE))}
    other = compose(replace(NOTICE, body={"alerts": []}), "a@b.test", NOW)["Message-ID"]
    assert len(ids) == 1
    assert other not in ids


@pytest.mark.parametrize(
    ("answer", "lasting"),
    [("451 4.7.1 try later", False), ("452 full", False), ("554 5.7.1 not for clerk@leck.test", True)],
)
async def test_4xx_is_for_now_and_5xx_for_good(mails: MailServer, answer: str, lasting: bool) -> None:
    mails.answers.append(answer)
    error = await refusal(way(mails))
    assert error.lasting is lasting
    assert answer[:3] in error.detail
    assert "@" not in error.detail
    assert mails.mails == []
    await way(mails).send(NOTICE)
    assert len(mails.mails) == 1


@pytest.mark.parametrize(("second", "lasting"), [("550 5.1.1 who?", True), ("450 4.2.1 later", False)])
async def test_a_mail_that_no_address_takes_is_refused_without_naming_one(
    mails: MailServer, second: str, lasting: bool
) -> None:
    mails.addresses = {NOTICE.to[0]: f"550 5.1.1 <{NOTICE.to[0]}> unknown", NOTICE.to[1]: second}
    error = await refusal(way(mails))
    assert error.lasting is lasting
    assert "550 5.1.1" in error.detail
    assert "@" not in error.detail


async def test_a_mail_that_one_address_takes_is_sent(mails: MailServer, caplog: pytest.LogCaptureFixture) -> None:
    mails.addresses = {NOTICE.to[0]: "550 no"}
    await way(mails).send(NOTICE)
    assert mails.mails[0].to == [NOTICE.to[1]]
    assert "refused 1 of 2 addresses" in caplog.text


async def test_a_server_that_is_away_or_hangs_is_tried_again(mails: MailServer) -> None:
    mails.hold = asyncio.Event()
    slow = SmtpNotify(Server("127.0.0.1", mails.port, "a@b.test", "none"), CLOCK, within_s=0.3)
    assert (await refusal(slow)).lasting is False
    async with mail_server() as gone:
        pass
    assert (await refusal(way(gone))).lasting is False


async def test_starttls_and_tls_log_in_and_trust_no_stranger(tls: Tls) -> None:
    for security, at_once in (("starttls", False), ("tls", True)):
        async with mail_server(listener(tls), at_once=at_once) as server:
            found = Server("localhost", server.port, "a@b.test", security, "post", "right")  # type: ignore[arg-type] # of two
            await SmtpNotify(found, CLOCK, tls=tls.client()).send(NOTICE)
            assert server.logins == [("post", "right")]
            assert len(server.mails) == 1
            wrong = SmtpNotify(replace(found, password="wrong"), CLOCK, tls=tls.client())
            assert (await refusal(wrong)).lasting is False, "somebody may set it right"
            stranger = SmtpNotify(found, CLOCK, tls=ssl.create_default_context())
            assert "CERTIFICATE_VERIFY_FAILED" in (await refusal(stranger)).detail
            assert len(server.mails) == 1


async def test_starttls_never_falls_back_to_clear_text(mails: MailServer) -> None:
    assert (await refusal(way(mails, "starttls"))).lasting is False
    assert (await refusal(way(mails, "starttls", user="post", password="right"))).lasting is False
    assert mails.logins == []
    assert mails.mails == []


async def test_without_a_mail_server_the_setting_is_named(mails: MailServer) -> None:
    error = await refusal(way(mails, host=""))
    assert error.lasting
    assert "DORFLICHT_SMTP_HOST" in error.detail


@pytest.mark.parametrize(
    "notice",
    [
        replace(NOTICE, subject="Leck\r\nBcc: all@leck.test"),
        replace(NOTICE, subject="Leck\nBcc: all@leck.test"),
        replace(NOTICE, to=("clerk@leck.test\r\nBcc: all@leck.test",)),
        replace(NOTICE, to=("clerk@leck.test>\r\nDATA",)),
        replace(NOTICE, to=("clerk@leck.test, all@leck.test",)),
        replace(NOTICE, to=("",)),
    ],
)
async def test_nothing_gets_into_a_header_that_does_not_belong(mails: MailServer, notice: Notice) -> None:
    assert (await refusal(way(mails), notice)).lasting is True
    assert mails.mails == []


def test_the_password_does_not_show() -> None:
    assert "hush" not in repr(Server("h", 25, "a@b.test", user="u", password="hush"))


# webhook


def to(*urls: str) -> Notice:
    return replace(NOTICE, to=urls)


async def test_a_post_is_json_and_signed(receiver: Hook) -> None:
    await WebhookNotify(CLOCK, "secret").send(to(receiver.url))
    [post] = receiver.posts
    assert post.line == "POST /hooks/pathsecret?token=querysecret HTTP/1.1"
    assert post.headers["content-type"] == "application/json"
    assert json.loads(post.body) == NOTICE.body
    seconds = str(int(NOW.timestamp()))
    expected = hmac.new(b"secret", seconds.encode() + b"." + post.body, hashlib.sha256).hexdigest()
    assert post.headers[SIGNATURE.lower()] == f"t={seconds},v1={expected}"


async def test_without_a_secret_there_is_no_signature(receiver: Hook) -> None:
    await WebhookNotify(CLOCK).send(to(receiver.url))
    assert SIGNATURE.lower() not in receiver.posts[0].headers


@pytest.mark.parametrize(
    ("answer", "lasting"),
    [
        *((f"{status} No".encode(), False) for status in (304, 401, 403, 404, 408, 409, 429, 500, 503)),
        *((f"{status} No".encode(), True) for status in (400, 410, 413, 422)),
    ],
)
async def test_only_2xx_is_a_yes(receiver: Hook, answer: bytes, lasting: bool) -> None:
    receiver.answers.append(answer)
    assert (await refusal(WebhookNotify(CLOCK), to(receiver.url))).lasting is lasting


async def test_no_redirect_is_followed(receiver: Hook) -> None:
    async with hook() as other:
        receiver.answers.append(b"307 Elsewhere\r\nLocation: " + other.url.encode())
        assert (await refusal(WebhookNotify(CLOCK), to(receiver.url))).lasting is False
        assert other.posts == []


async def test_a_receiver_that_is_away_or_hangs_is_tried_again(receiver: Hook) -> None:
    receiver.hold = asyncio.Event()
    assert (await refusal(WebhookNotify(CLOCK, within_s=0.3), to(receiver.url))).lasting is False
    async with hook() as gone:
        pass
    assert (await refusal(WebhookNotify(CLOCK), to(gone.url))).lasting is False


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://leck.test/"])
async def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    assert (await refusal(WebhookNotify(CLOCK), to(url))).lasting is True


@pytest.mark.parametrize("answer", [b"204 Yes", b"500 No"])
async def test_nothing_secret_is_logged_or_said(
    receiver: Hook, answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answers += [answer, b"500 No"]
    said = ""
    try:
        await WebhookNotify(CLOCK, "hmacsecret").send(to(receiver.url))
    except NotSentError as error:
        said = error.detail
    said += (await refusal(WebhookNotify(CLOCK, "hmacsecret"), to(receiver.url))).detail
    assert len(receiver.posts) == 2
    assert [secret for secret in ("pathsecret", "querysecret", "hmacsecret") if secret in caplog.text + said] == []


async def test_proxies_and_netrc_of_the_environment_are_left_alone(
    receiver: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password netrcsecret\n", "ascii")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    await WebhookNotify(CLOCK).send(to(receiver.url))
    assert "authorization" not in receiver.posts[0].headers
