"""The alerter against a real mail server and a real receiver, by a clock that the test turns."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from service.domain.alert_rules import GATHER
from service.domain.faults import Fault, Subject
from service.domain.inventory import AlertRules
from service.domain.words import AlertChannel, AlertKind, FaultKind, FaultState
from service.errors import UnavailableError
from service.loops.alerter import Alerter
from service.notify.smtp import MailServer as Server
from service.notify.smtp import SmtpNotify
from service.notify.webhook import WebhookNotify
from service.ports import Notice, Notify, Store
from service.store import SqlStore
from service.usecases.alerting import Occasion, raise_alerts
from tests.support.mail import HandClock, Hook, MailServer, hook, mail_server
from tests.unit.villages import leck, utc

NOW = utc("2026-11-22T12:00:00")
MINUTE = timedelta(minutes=1)


class FailingStore:
    """A real store that is away for some writes: after so many more."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.refuse_after: int | None = None

    async def read(self, work: Callable[..., Any]) -> Any:
        return await self._store.read(work)

    async def write(self, work: Callable[..., Any]) -> Any:
        if self.refuse_after is not None:
            self.refuse_after -= 1
            if self.refuse_after < 0:
                self.refuse_after = None
                raise UnavailableError("the database is away")
        return await self._store.write(work)

    async def close(self) -> None:
        await self._store.close()


class Office:
    """The alerter with its ways, running."""

    def __init__(self, store: SqlStore, mails: MailServer, receiver: Hook) -> None:
        self.store, self.mails, self.receiver = FailingStore(store), mails, receiver
        self.clock = HandClock(NOW)
        self.host = "127.0.0.1"
        self.begin()

    def begin(self) -> None:
        """Start it, anew if it ran."""
        server = Server(self.host, self.mails.port, "lights@service.test", "none")
        ways: dict[AlertChannel, Notify] = {
            AlertChannel.EMAIL: SmtpNotify(server, self.clock),
            AlertChannel.WEBHOOK: WebhookNotify(self.clock, "secret"),
        }
        self.alerter = Alerter(self.store, self.clock, ways)
        self.task = asyncio.create_task(self.alerter.run())

    async def end(self) -> None:
        """Stop it, as the service does."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def opens(self, *keys: str, kind: FaultKind = FaultKind.LAMP_FAILURE) -> None:
        """Faults open."""
        # Closed in the store, so that many of them may have the same subject and kind.
        faults = [Fault(key, "leck", Subject("cabinet-1", 1), kind, FaultState.CLOSED, NOW) for key in keys]
        now = self.clock.now()

        def work(tx: Any) -> None:
            for fault in faults:
                tx.save_fault(fault)
            home = tx.municipality("leck")
            raise_alerts(tx, home, [Occasion(AlertKind.FAULT_OPENED, fault) for fault in faults], now)

        await self.store.write(work)
        self.alerter.nudge()
        await self.clock.asleep()

    async def rest(self) -> None:
        """Wait until nothing is under way and it sleeps."""
        await self.clock.asleep(lambda: not self.alerter._sending)

    async def turn(self, **by: float) -> None:
        """Turn the clock, and wait until all that follows has happened."""
        self.clock.turn(**by)
        await self.rest()


@pytest.fixture
async def office(store: SqlStore) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        mails, receiver = await stack.enter_async_context(mail_server()), await stack.enter_async_context(hook())
        rules = AlertRules(("clerk@leck.test",), receiver.url)
        inventory = replace(leck(), municipality=replace(leck().municipality, alerts=rules))
        await store.write(lambda tx: tx.save_inventory(inventory, NOW))
        made = Office(store, mails, receiver)
        await made.rest()
        yield made
        await made.end()


async def test_it_sleeps_until_a_nudge_and_until_the_alert_is_due(office: Office) -> None:
    assert office.clock.until is None
    await office.opens("f-1")
    assert office.clock.until == NOW + GATHER
    waits = office.clock.waits
    await office.turn(seconds=59)
    assert (office.mails.mails, office.clock.waits) == ([], waits), "it has not even looked"
    await office.turn(seconds=1)
    assert len(office.mails.mails) == len(office.receiver.posts) == 1
    assert office.clock.until is None


async def test_a_storm_is_one_mail(office: Office) -> None:
    for start in range(0, 500, 100):
        await office.opens(*(f"f-{n}" for n in range(start, start + 100)))
        await office.turn(seconds=10)
    await office.turn(seconds=10)
    [mail] = office.mails.mails
    assert mail.parsed["Subject"] == "[Dorflicht] Leck: 500 Meldungen"
    assert len(office.receiver.posts) == 1
    await office.turn(hours=24)
    assert len(office.mails.mails) == 1


async def test_retries_come_after_growing_pauses_until_it_is_taken(office: Office) -> None:
    office.mails.answers = deque(["451 later"] * 3)
    await office.opens("f-1")
    await office.turn(minutes=1)
    for n, pause in enumerate((1, 5, 15), start=1):
        assert office.mails.tries == n
        assert office.clock.until == office.clock.now() + pause * MINUTE
        await office.turn(minutes=pause)
    assert office.mails.tries == 4
    assert len(office.mails.mails) == len(office.receiver.posts) == 1
    assert office.clock.until is None


async def test_a_lasting_refusal_is_logged_and_not_tried_again(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.mails.answers.append("554 5.7.1 no")
    office.receiver.answers.append(b"410 Gone")
    await office.opens("f-1")
    await office.turn(minutes=1)
    assert office.clock.until is None
    assert "Alerts of leck by email: 1 given up: the mail server refused (554 5.7.1)" in caplog.text
    assert "Alerts of leck by webhook: 1 given up: 127.0.0.1 answered 410" in caplog.text
    assert "secret" not in caplog.text
    assert "clerk@" not in caplog.text


async def test_a_channel_that_hangs_does_not_stop_the_other(office: Office) -> None:
    office.receiver.hold = asyncio.Event()
    await office.opens("f-1")
    office.clock.turn(minutes=1)
    async with asyncio.timeout(10):
        await office.receiver.asked.wait()
    await office.clock.asleep(lambda: len(office.mails.mails) == 1)
    await office.opens("relay", kind=FaultKind.RELAY_FAILURE)
    office.clock.turn(minutes=1)
    await office.clock.asleep(lambda: len(office.mails.mails) == 2)
    assert len(office.receiver.posts) == 1, "one at a time"
    office.receiver.hold.set()
    await office.rest()
    assert len(office.receiver.posts) == 2


async def test_a_crash_between_sending_and_recording_sends_twice_and_loses_nothing(office: Office) -> None:
    await office.opens("f-1")
    office.store.refuse_after = 1  # the tries begin; how the first one ended is not recorded
    await office.turn(minutes=1)
    assert len(office.mails.mails) == len(office.receiver.posts) == 1
    await office.turn(minutes=15)
    assert sorted((len(office.mails.mails), len(office.receiver.posts))) == [1, 2]
    await office.turn(hours=24)
    assert len(office.mails.mails) + len(office.receiver.posts) == 3


async def test_what_was_under_way_when_the_service_ended_is_sent_by_the_next(office: Office) -> None:
    office.mails.hold = asyncio.Event()
    await office.opens("f-1")
    office.clock.turn(minutes=1)
    async with asyncio.timeout(10):
        await office.mails.asked.wait()
    await office.end()
    assert office.mails.mails == []
    office.mails.hold = None
    office.begin()
    await office.turn(minutes=1)
    assert len(office.mails.mails) == 1


async def test_a_way_that_breaks_is_tried_again(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        async def send(self, message: Notice) -> None:
            raise RuntimeError(message.subject)

    office.alerter._ways = {**office.alerter._ways, AlertChannel.EMAIL: Broken()}
    await office.opens("f-1")
    await office.turn(minutes=1)
    assert len(office.receiver.posts) == 1
    assert office.clock.until == office.clock.now() + MINUTE
    assert "The way by email broke" in caplog.text


async def test_without_a_mail_server_mails_are_given_up_with_one_line(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    await office.end()
    office.host = ""
    office.begin()
    await office.opens("f-1", "f-2")
    await office.turn(minutes=1)
    assert [record.message for record in caplog.records if "DORFLICHT_SMTP_HOST" in record.message] == [
        "Alerts of leck by email: 2 given up: no mail server is set: set DORFLICHT_SMTP_HOST"
    ]
    assert len(office.receiver.posts) == 1
    assert office.clock.until is None
