"""How often one controller may speak: a clock that the test turns, no broker."""

import asyncio
import json
import logging
from datetime import UTC, datetime

import aiomqtt
import pytest

from service.domain.inventory import ControllerKey
from service.domain.reports import Message
from service.ports import Connected, Disconnected
from service.wire import rates
from service.wire.lamps import Broker, MqttLamps
from service.wire.rates import BURST, PER_SECOND, Rates

MAD, CALM = ControllerKey("glasau", "mad"), ControllerKey("glasau", "calm")


class HandClock:
    """A clock that stands until it is moved."""

    speed = 1.0

    def __init__(self) -> None:
        self.ms = 1_795_305_600_000

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)

    def machine_ms(self) -> int:
        return self.ms

    async def wait(self, *events: asyncio.Event, until: datetime | None = None) -> bool:
        raise AssertionError("nothing here waits")


def passed(asked: Rates, controller: ControllerKey, now_ms: int, count: int = 1000) -> int:
    """How many of so many messages are taken at a moment."""
    return sum(asked.allow(controller, now_ms) for _ in range(count))


def test_a_burst_passes_and_then_ten_a_second() -> None:
    asked = Rates()
    assert (BURST, PER_SECOND) == (100, 10)
    assert passed(asked, MAD, 0) == 100
    assert passed(asked, MAD, 99) == 0
    assert passed(asked, MAD, 100) == 1
    assert passed(asked, MAD, 1100) == 10
    assert passed(asked, MAD, 3_600_000) == 100


def test_others_are_not_hurt_nor_its_own_births_and_wills() -> None:
    asked = Rates()
    assert passed(asked, MAD, 0) == 100
    assert asked.allow(MAD, 0, status=True)
    assert passed(asked, CALM, 0) == 100


def test_a_clock_that_was_set_back_or_forth_stops_nobody_and_gives_no_more_than_a_burst() -> None:
    asked = Rates()
    assert passed(asked, MAD, 10_000_000) == 100
    assert passed(asked, MAD, 0) == 0
    assert passed(asked, MAD, 1000) == 10
    assert passed(asked, MAD, 10**15) == 100


def test_what_is_remembered_is_bounded_and_the_loud_are_remembered_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_CONTROLLERS", 10)
    asked = Rates()
    assert passed(asked, MAD, 0) == 100
    for n in range(1000):
        asked.allow(ControllerKey("glasau", f"c-{n}"), 0)
        assert not asked.allow(MAD, 0)
    assert len(asked) == 10


# through the client


def report(controller: ControllerKey, leaf: str = "report", *, retain: bool = False) -> aiomqtt.Message:
    """A message as it comes from the broker: a status, or what is no report."""
    body = {"online": True, "session": 1} if leaf == "status" else {"no": "report"}
    topic = f"dorflicht/v1/{controller.municipality}/{controller.controller}/{leaf}"
    return aiomqtt.Message(topic, json.dumps(body).encode(), 1, retain, 1, None)


@pytest.fixture
def lamps() -> MqttLamps:
    return MqttLamps(Broker("127.0.0.1", 1, "service", "secret"), HandClock())


def waiting(lamps: MqttLamps) -> list[Message | Connected | Disconnected]:
    """What the listener would get next."""
    return lamps._waiting


def test_too_many_messages_are_counted_and_told_once_for_each_controller(
    lamps: MqttLamps, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for controller in (MAD, CALM):
        for _ in range(BURST + 50):
            lamps._take(report(controller, "status"))
    assert lamps.dropped["too many messages"] == 100
    assert len(waiting(lamps)) == 2 * BURST
    told = [line for line in caplog.messages if "too many messages" in line]
    assert [name for line in told for name in ("glasau/mad", "glasau/calm") if name in line] == [
        "glasau/mad",
        "glasau/calm",
    ]


def test_they_are_dropped_before_they_are_decoded(lamps: MqttLamps) -> None:
    for _ in range(BURST + 50):
        lamps._take(report(MAD))
    assert sum(lamps.dropped.values()) == BURST + 50
    assert lamps.dropped["too many messages"] == 50


def test_what_the_broker_had_kept_is_taken_whatever_its_number(lamps: MqttLamps) -> None:
    for _ in range(10 * BURST):
        lamps._take(report(MAD, "status", retain=True))
    assert len(waiting(lamps)) == 10 * BURST
    lamps._take(report(MAD, "status"))
    assert len(waiting(lamps)) == 10 * BURST + 1


def test_topics_of_another_shape_are_not_remembered(lamps: MqttLamps) -> None:
    for n in range(500):
        lamps._take(report(ControllerKey("glasau", f"A{n}"), "status"))
        lamps._take(report(ControllerKey("glasau", f"c-{n}"), "elsewhere"))
        lamps._take(report(ControllerKey("glasau", f"c-{n}"), "desired"))
    assert len(lamps._rates) == 0
    assert waiting(lamps) == []
