"""Alerts in a real store: raised with what happened, one message however many, and none lost."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import pairwise

import pytest

from service.domain.alert_rules import APART, GATHER, URGENT_APART, Group
from service.domain.faults import Fault, Subject
from service.domain.inventory import AlertRules
from service.domain.maintenance import Lock
from service.domain.words import AlertChannel, AlertKind, FaultKind, FaultState
from service.errors import NotSentError
from service.ports import Notice
from service.store import SqlStore
from service.usecases.alerting import Batch, Occasion, compose, gather, next_due, raise_alerts, settle
from tests.unit.villages import leck, utc

NOW = utc("2026-11-22T12:00:00")
MAIL, HOOK = AlertChannel.EMAIL, AlertChannel.WEBHOOK
RULES = AlertRules(("clerk@leck.test",), "https://hook.leck.test/", time(22), time(6))
EVENING = utc("2026-11-22T22:00:00")  # 23:00
MORNING = utc("2026-11-23T05:00:00")
OPENED, CLOSED, REOPENED = AlertKind.FAULT_OPENED, AlertKind.FAULT_CLOSED, AlertKind.FAULT_REOPENED
HOME = replace(leck().municipality, alerts=RULES)


def fault(key: str = "f-1", kind: FaultKind = FaultKind.LAMP_FAILURE, state: FaultState = FaultState.CLOSED) -> Fault:
    # Closed in the store, so that many of them may have the same subject and kind.
    return Fault(key, "leck", Subject("cabinet-1", 1), kind, state, NOW, detail={"watts": 0.0})


def lock(contact: str | None = "holder@leck.test", until: datetime = NOW + timedelta(minutes=15)) -> Lock:
    start = until - timedelta(hours=1)
    return Lock("l-1", "leck", "hauptstrasse", None, None, "Mast streichen", "holder", start, until, contact)


class Office:
    """Raises alerts and sends messages by hand."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.last: dict[Group, datetime] = {}

    async def rules(self, rules: AlertRules) -> None:
        """Other rules from now on."""
        inventory = replace(leck(), municipality=replace(HOME, alerts=rules))
        await self.store.write(lambda tx: tx.save_inventory(inventory, NOW))

    async def happens(self, kind: AlertKind, *faults: Fault, at: datetime = NOW) -> int:
        """Something happens to faults."""

        def work(tx):  # type: ignore[no-untyped-def] # a Tx
            home = tx.municipality("leck")
            for each in faults:
                tx.save_fault(each)
            return raise_alerts(tx, home, [Occasion(kind, each) for each in faults], at)

        raised: int = await self.store.write(work)
        return raised

    async def ends(self, ending: Lock, at: datetime = NOW) -> int:
        """A lock is about to end."""

        def work(tx):  # type: ignore[no-untyped-def] # a Tx
            tx.save_lock(ending)
            return raise_alerts(tx, tx.municipality("leck"), [Occasion(AlertKind.LOCK_ENDING, ending)], at)

        raised: int = await self.store.write(work)
        return raised

    async def batches(self, at: datetime, *channels: AlertChannel) -> list[Batch]:
        """What is to be sent at a moment; a try of each begins."""
        return await self.store.write(lambda tx: gather(tx, at, channels or tuple(AlertChannel), self.last))

    async def due(self, at: datetime, *channels: AlertChannel) -> datetime | None:
        """When to look again."""
        return await self.store.read(lambda tx: next_due(tx, at, channels or tuple(AlertChannel)))

    async def settle(self, batches: Sequence[Batch], at: datetime, refusal: NotSentError | None = None) -> None:
        """The tries end."""
        for batch in batches:
            await self.store.write(lambda tx, b=batch: settle(tx, b, at, refusal))  # type: ignore[misc] # b is bound
            if refusal is None:
                self.last[batch.group] = at

    async def notice(self, batch: Batch) -> Notice:
        """A batch in words."""
        return await self.store.read(lambda tx: compose(tx, batch))


@pytest.fixture
async def office(store: SqlStore) -> Office:
    made = Office(store)
    await made.rules(RULES)
    return made


async def test_500_faults_are_one_message_for_each_channel(office: Office) -> None:
    await office.happens(OPENED, *(fault(f"f-{n:03}") for n in range(300)))
    late = [fault(f"f-{n:03}") for n in range(300, 500)]
    await office.happens(OPENED, *late, at=NOW + timedelta(seconds=59))
    assert await office.batches(NOW + timedelta(seconds=59)) == []
    batches = await office.batches(NOW + GATHER)
    assert sorted((batch.group.channel, len(batch.alerts)) for batch in batches) == [(MAIL, 500), (HOOK, 500)]
    mail = await office.notice(next(batch for batch in batches if batch.group.channel is MAIL))
    assert mail.to == RULES.emails
    assert mail.subject == "[Dorflicht] Leck: 500 Meldungen"
    assert "  500 x Lampe ausgefallen\n" in mail.text
    assert "und 450 weitere" in mail.text
    assert "Schaltschrank, Ausgang 1: Lampe ausgefallen" in mail.text
    assert len(mail.body["alerts"]) == 500  # type: ignore[arg-type] # a list
    await office.settle(batches, NOW + GATHER)
    assert await office.due(NOW) is None


async def test_a_storm_that_goes_on_is_a_message_in_a_quarter_of_an_hour(office: Office) -> None:
    sent = []
    for minute in range(120):
        now = NOW + timedelta(minutes=minute)
        await office.happens(OPENED, fault(f"f-{minute}"), at=now)
        batches = await office.batches(now)
        await office.settle(batches, now)
        sent += [(batch.group.channel, now) for batch in batches]
    times = [at for channel, at in sent if channel is MAIL]
    assert len(times) == 8
    assert min(b - a for a, b in pairwise(times)) >= APART
    assert len(sent) == 2 * len(times)


async def test_5000_faults_are_sent_and_settled(office: Office) -> None:
    await office.happens(OPENED, *(fault(f"f-{n:04}") for n in range(5000)))
    batches = await office.batches(NOW + GATHER, MAIL)
    assert [len(batch.alerts) for batch in batches] == [5000]
    await office.settle(batches, NOW + GATHER)
    assert await office.due(NOW + GATHER, MAIL) is None


async def test_60_urgent_faults_in_an_hour_are_no_storm(office: Office) -> None:
    sent = []
    for minute in range(60):
        now = EVENING + timedelta(minutes=minute)
        broken = fault(f"f-{minute}", FaultKind.RELAY_FAILURE)
        await office.happens(OPENED, broken, at=now)
        batches = await office.batches(now)
        await office.settle(batches, now)
        await office.happens(CLOSED, broken, at=now + timedelta(seconds=30))
        sent += [(batch.group.channel, now, alert.about) for batch in batches for alert in batch.alerts]
    for channel in (MAIL, HOOK):
        times = sorted({at for way, at, _ in sent if way is channel})
        assert 10 <= len(times) <= 13
        assert min(b - a for a, b in pairwise(times)) >= URGENT_APART
    told = [about for way, _, about in sent if way is MAIL]
    assert told == [f"f-{n}" for n in range(len(told))], "each once, and none left out"


async def test_an_ordinary_message_holds_up_nothing_urgent(office: Office) -> None:
    await office.happens(OPENED, fault())
    await office.settle(await office.batches(NOW + GATHER), NOW + GATHER)
    await office.happens(OPENED, fault("relay", FaultKind.RELAY_FAILURE), at=NOW + GATHER)
    assert len(await office.batches(NOW + 2 * GATHER)) == 2


async def test_nobody_is_told_of_what_was_over_before(office: Office) -> None:
    assert await office.happens(OPENED, fault()) == 2
    assert await office.happens(CLOSED, fault(), at=NOW + timedelta(seconds=30)) == 0
    assert await office.batches(NOW + GATHER) == []
    assert await office.due(NOW) is None


async def test_what_was_told_is_also_told_to_be_over_but_not_a_short_return(office: Office) -> None:
    await office.happens(OPENED, fault())
    await office.settle(await office.batches(NOW + GATHER), NOW + GATHER)
    assert await office.happens(CLOSED, fault(), at=NOW + 2 * GATHER) == 2
    assert await office.happens(REOPENED, fault(), at=NOW + 2 * GATHER) == 0
    assert await office.due(NOW) is None
    assert await office.happens(CLOSED, fault(), at=NOW + 3 * GATHER) == 2
    assert len(await office.batches(NOW + timedelta(hours=1))) == 2


async def test_whoever_may_have_been_told_is_told_that_it_is_over(office: Office) -> None:
    await office.happens(OPENED, fault())
    [mail] = await office.batches(NOW + GATHER, MAIL)  # is under way, and its end is not known
    assert await office.happens(CLOSED, fault(), at=NOW + GATHER) == 1
    await office.settle([mail], NOW + GATHER)
    later = await office.batches(NOW + timedelta(hours=1))
    assert [(batch.group.channel, [alert.kind for alert in batch.alerts]) for batch in later] == [(MAIL, [CLOSED])]


async def test_what_is_urgent_is_told_although_it_is_over(office: Office) -> None:
    outage = fault(kind=FaultKind.SERVICE_OUTAGE)
    await office.happens(OPENED, outage, at=EVENING)
    await office.happens(CLOSED, outage, at=EVENING + timedelta(seconds=1))
    batches = await office.batches(EVENING + GATHER)
    assert [[alert.kind for alert in batch.alerts] for batch in batches] == [[OPENED]] * 2
    await office.settle(batches, EVENING + GATHER)
    assert await office.due(EVENING + GATHER) == MORNING, "that it is over can wait"
    assert [[alert.kind for alert in batch.alerts] for batch in await office.batches(MORNING)] == [[CLOSED]] * 2


async def test_quiet_hours_hold_what_can_wait(office: Office) -> None:
    await office.happens(OPENED, fault(), at=EVENING)
    assert await office.due(EVENING) == MORNING
    await office.happens(OPENED, fault("relay", FaultKind.RELAY_FAILURE), at=EVENING)
    batches = await office.batches(EVENING + GATHER)
    assert {alert.about for batch in batches for alert in batch.alerts} == {"relay"}
    await office.settle(batches, EVENING + GATHER)
    assert await office.due(EVENING + GATHER) == MORNING
    assert len(await office.batches(MORNING)) == 2


async def test_a_retry_waits_for_the_morning_too(office: Office) -> None:
    evening = utc("2026-11-22T20:58:30")  # 21:58:30
    await office.happens(OPENED, fault(), at=evening)
    batches = await office.batches(evening + GATHER)
    await office.settle(batches, evening + GATHER, NotSentError("busy"))
    assert await office.batches(evening + 2 * GATHER) == []
    assert await office.due(evening + 2 * GATHER) == MORNING


@pytest.mark.parametrize(
    ("evening", "morning"),
    [("2027-03-27T22:00:00", "2027-03-28T04:00:00"), ("2026-10-24T22:00:00", "2026-10-25T05:00:00")],
)
async def test_the_morning_comes_once_in_the_nights_of_23_and_25_hours(
    office: Office, evening: str, morning: str
) -> None:
    await office.happens(OPENED, fault(), at=utc(evening))
    assert await office.due(utc(evening)) == utc(morning)
    assert await office.batches(utc(morning) - timedelta(seconds=1)) == []
    batches = await office.batches(utc(morning))
    await office.settle(batches, utc(morning))
    assert len(batches) == 2
    assert await office.due(utc(morning)) is None


async def test_a_refused_message_is_tried_again_by_itself_and_the_other_channel_is_done(office: Office) -> None:
    await office.happens(OPENED, fault())
    mail, post = sorted(await office.batches(NOW + GATHER), key=lambda batch: batch.group.channel)
    await office.settle([post], NOW + GATHER)
    await office.settle([mail], NOW + GATHER, NotSentError("busy"))
    again = await office.batches(NOW + GATHER + timedelta(minutes=1))
    assert [(batch.group.channel, batch.alerts[0].deliveries[MAIL].attempts) for batch in again] == [(MAIL, 2)]
    await office.settle(again, NOW + 2 * GATHER)
    assert await office.due(NOW) is None


async def test_a_crash_between_sending_and_recording_sends_again(office: Office) -> None:
    await office.happens(OPENED, fault())
    sent = await office.batches(NOW + GATHER)
    assert await office.batches(NOW + GATHER) == [], "it is under way"
    due = await office.due(NOW + GATHER)
    assert due == NOW + GATHER + timedelta(minutes=1)
    again = await office.batches(due)
    assert [batch.group for batch in again] == [batch.group for batch in sent]
    same = [
        (await office.notice(one)).body == (await office.notice(two)).body for one, two in zip(sent, again, strict=True)
    ]
    assert same == [True, True], "known by the same ids"


async def test_it_is_given_up_after_three_days_or_a_lasting_refusal(office: Office) -> None:
    await office.rules(replace(RULES, quiet_from=None))
    await office.happens(OPENED, fault())
    tries, due = 0, await office.due(NOW)
    while due is not None:
        assert due < NOW + timedelta(days=3, hours=5)
        mine = await office.batches(due, MAIL)
        tries += len(mine)
        await office.settle(mine, due, NotSentError("busy"))
        lasting = await office.batches(due, HOOK)
        await office.settle(lasting, due, NotSentError("gone", lasting=True))
        due = await office.due(due)
    assert tries == 23


async def test_the_end_of_a_lock_is_told_to_its_contact_alone_and_at_once(office: Office) -> None:
    ending = lock(until=EVENING + timedelta(minutes=15))
    assert await office.ends(ending, EVENING) == 1
    await office.happens(OPENED, fault("relay", FaultKind.RELAY_FAILURE), at=EVENING)
    [batch] = await office.batches(EVENING)
    assert (batch.group.contact, batch.to) == ("holder@leck.test", ("holder@leck.test",))
    notice = await office.notice(batch)
    assert notice.subject == "[Dorflicht] Leck, dringend: Sperre endet (Hauptstraße)"


async def test_without_a_contact_the_end_of_a_lock_is_told_to_all(office: Office) -> None:
    assert await office.ends(lock(contact=None)) == 2
    assert {batch.to for batch in await office.batches(NOW)} == {RULES.emails, (RULES.webhook,)}


@pytest.mark.parametrize("kind", [FaultKind.LAMP_FAILURE, FaultKind.RELAY_FAILURE])
@pytest.mark.parametrize("contact", [None, "holder@leck.test"])
async def test_the_end_of_a_lock_is_told_15_minutes_before_whatever_went_out_just_now(
    office: Office, kind: FaultKind, contact: str | None
) -> None:
    begin = EVENING - GATHER
    ends = EVENING + timedelta(minutes=15)
    await office.rules(replace(RULES, quiet_from=time(23, 0)))
    await office.happens(OPENED, fault(kind=kind), at=begin - timedelta(seconds=1))
    before = EVENING - timedelta(seconds=1)
    sent = await office.batches(before, MAIL)
    await office.settle(sent, before)
    assert len(sent) == 1
    assert await office.ends(replace(lock(contact, until=ends), id="l-2"), EVENING)
    assert await office.due(EVENING, MAIL) == EVENING
    [batch] = await office.batches(EVENING, MAIL)
    assert [alert.about for alert in batch.alerts] == ["l-2"]
    await office.settle([batch], EVENING)


async def test_of_many_locks_only_those_that_still_hold_are_told(office: Office) -> None:
    for n in range(20):
        await office.ends(replace(lock(None), id=f"l-{n:02}", until=NOW + timedelta(minutes=1 + n)))
    for batch in await office.batches(NOW + timedelta(minutes=10)):
        assert sorted(alert.about for alert in batch.alerts) == [f"l-{n}" for n in range(10, 20)]


async def test_the_end_of_a_lock_holds_up_nothing_urgent(office: Office) -> None:
    await office.ends(lock(contact=None))
    await office.happens(OPENED, fault(kind=FaultKind.RELAY_FAILURE))
    await office.settle(await office.batches(NOW), NOW)
    batches = await office.batches(NOW + GATHER)
    assert [[alert.about for alert in batch.alerts] for batch in batches] == [["f-1"]] * 2


async def test_a_contact_that_is_given_up_is_warned_of(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "service.usecases")
    await office.ends(lock())
    await office.settle(await office.batches(NOW), NOW, NotSentError("busy"))
    assert caplog.messages == []
    await office.settle(await office.batches(NOW + GATHER), NOW + GATHER, NotSentError("no", lasting=True))
    assert caplog.messages == ["Nobody was told of the end of lock l-1 of leck: no"]
    caplog.clear()
    await office.ends(replace(lock(), id="l-2"))
    await office.settle(await office.batches(NOW), NOW, NotSentError("busy"))
    assert await office.batches(NOW + timedelta(minutes=15)) == []
    assert caplog.messages == ["Nobody was told of the end of lock l-2 of leck: the lock is over"]
    assert await office.due(NOW) is None


async def test_a_lock_that_was_given_back_needs_no_warning(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    await office.ends(lock())
    given_back = replace(lock(), ended_at=NOW + timedelta(seconds=30), ended_by="holder")
    await office.store.write(lambda tx: tx.save_lock(given_back))
    assert await office.batches(NOW + GATHER) == []
    assert await office.due(NOW) is None
    assert "l-1" not in caplog.text


async def test_nobody_to_tell_is_no_alert_and_an_address_taken_away_gets_none(office: Office) -> None:
    await office.happens(OPENED, fault())
    await office.rules(AlertRules(("clerk@leck.test",)))
    assert [batch.group.channel for batch in await office.batches(NOW + GATHER)] == [MAIL]
    await office.rules(AlertRules())
    assert await office.happens(OPENED, fault("f-2")) == 0
    assert await office.batches(NOW + timedelta(hours=1)) == []
    assert await office.due(NOW) is None


async def test_a_busy_channel_does_not_hide_when_the_other_is_due(office: Office) -> None:
    await office.rules(RULES)
    await office.happens(OPENED, fault())
    sent = await office.batches(NOW + GATHER, MAIL)  # the webhook is busy, its delivery overdue
    await office.settle(sent, NOW + GATHER)
    assert await office.due(NOW + GATHER) == NOW + GATHER
    assert await office.due(NOW + GATHER, MAIL) is None
