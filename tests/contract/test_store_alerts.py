"""What every Store keeps of messages to staff."""

from dataclasses import replace
from datetime import datetime

import pytest

from service.domain.alerts import Alert, Delivery
from service.domain.words import AlertChannel, AlertKind
from service.errors import UnknownError
from service.store import SqlStore
from tests.contract.test_store import moved
from tests.support.leck import NOW, later, leck
from tests.support.stores import query

EMAIL, WEBHOOK = AlertChannel.EMAIL, AlertChannel.WEBHOOK
ALERT = Alert(
    "a" * 32, "leck", AlertKind.FAULT_OPENED, NOW, "f" * 32, True, None,
    {EMAIL: Delivery(later(seconds=30)), WEBHOOK: Delivery(later(seconds=10), 3)},
)  # fmt: skip
SENT = Delivery(None, 2, later(seconds=11))
GIVEN_UP = Delivery(None, 9)


async def keep(store: SqlStore, *alerts: Alert) -> None:
    """Save alerts."""
    for one in alerts:
        await store.write(lambda tx, one=one: tx.save_alert(one))  # type: ignore[misc]


async def due(store: SqlStore, **more: float) -> list[Alert]:
    """The alerts due some time after NOW."""
    return await store.read(lambda tx: tx.alerts_due(later(**more)))


async def next_due(store: SqlStore) -> datetime | None:
    """When the next delivery is due."""
    return await store.read(lambda tx: tx.next_alert())


async def test_an_alert_is_due_with_all_its_deliveries_when_one_of_them_is(village: SqlStore) -> None:
    assert await next_due(village) is None
    await keep(village, ALERT)
    assert await due(village, seconds=10, microseconds=-1) == []
    assert await due(village, seconds=10) == [ALERT]
    assert await next_due(village) == later(seconds=10)


async def test_what_was_sent_or_given_up_is_not_due_again(village: SqlStore) -> None:
    half = replace(ALERT, deliveries={EMAIL: ALERT.deliveries[EMAIL], WEBHOOK: SENT})
    await keep(village, ALERT, half)
    assert await due(village, seconds=29) == []
    assert await due(village, seconds=30) == [half]
    assert await next_due(village) == later(seconds=30)
    await keep(village, replace(half, deliveries={EMAIL: GIVEN_UP, WEBHOOK: SENT}))
    assert await due(village, days=9) == []
    assert await next_due(village) is None


async def test_alerts_of_all_municipalities_are_due_by_time_and_id(village: SqlStore) -> None:
    await village.write(lambda tx: tx.save_inventory(moved(leck(), "glasau"), NOW))
    there = replace(ALERT, id="b" * 32, municipality="glasau", kind=AlertKind.LOCK_ENDING, urgent=False)
    first = replace(ALERT, id="c" * 32, at=later(seconds=-1), contact="work@leck.example", deliveries=only(EMAIL))
    await keep(village, there, ALERT, first)
    assert await due(village, hours=1) == [first, ALERT, there]


def only(channel: AlertChannel) -> dict[AlertChannel, Delivery]:
    """A delivery due at once."""
    return {channel: Delivery(NOW)}


async def test_a_channel_that_an_alert_has_no_more_is_dropped(village: SqlStore) -> None:
    await keep(village, ALERT, replace(ALERT, deliveries=only(EMAIL)))
    assert await due(village, hours=1) == [replace(ALERT, deliveries=only(EMAIL))]


async def test_old_alerts_are_forgotten_unless_something_is_still_due(village: SqlStore, store_url: str) -> None:
    over = replace(ALERT, id="b" * 32, deliveries={EMAIL: SENT, WEBHOOK: GIVEN_UP})
    bare = replace(ALERT, id="d" * 32, deliveries={})
    half = replace(ALERT, id="e" * 32, deliveries={EMAIL: SENT, WEBHOOK: Delivery(later(days=1))})
    young = replace(over, id="c" * 32, at=later(hours=1))
    await keep(village, ALERT, over, bare, half, young)
    assert await village.write(lambda tx: tx.forget_alerts(NOW)) == 0
    assert await village.write(lambda tx: tx.forget_alerts(later(minutes=1))) == 2
    assert await due(village, days=2) == [ALERT, half]
    assert query(store_url, "SELECT count(*) FROM alert_delivery") == [(6,)]
    assert await village.write(lambda tx: tx.forget_alerts(later(days=1))) == 1


async def test_an_alert_of_no_municipality_is_refused(village: SqlStore) -> None:
    with pytest.raises(UnknownError, match="other"):
        await keep(village, replace(ALERT, municipality="other"))
    assert await next_due(village) is None


def test_due_alerts_are_found_by_an_index(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        plan = query(store_url, "EXPLAIN QUERY PLAN SELECT alert FROM alert_delivery WHERE due_at <= 1")
    else:
        plan = query(store_url, "SELECT indexname FROM pg_indexes WHERE tablename = 'alert_delivery'")
    assert "ix_alert_delivery_due_at" in str(plan)
