"""The last words in the name of a controller that was shut out, on both brokers."""

import asyncio
import itertools
import json
from collections.abc import Iterator
from typing import Any

import aiomqtt
import pytest

from service.domain.inventory import ControllerKey
from service.errors import UnavailableError
from service.wire.access import new_secret, user_name
from service.wire.farewell import MqttFarewell
from service.wire.lamps import Broker
from tests.support.broker_process import BrokerProcess
from tests.support.embedded_broker import embedded_broker
from tests.support.mosquitto import mosquitto
from tests.support.ports import free_port
from tests.support.raw_mqtt import RawClient, Will

numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest) -> Iterator[BrokerProcess]:
    with embedded_broker() if request.param == "embedded" else mosquitto() as running:
        yield running


@pytest.fixture
def key() -> ControllerKey:
    return ControllerKey("urrugne", f"pole-{next(numbers)}")


@pytest.fixture
def farewell(broker: BrokerProcess) -> MqttFarewell:
    version = "5" if broker.protocol is aiomqtt.ProtocolVersion.V5 else "3.1.1"
    return MqttFarewell(Broker(broker.host, broker.port, broker.service_username, broker.service_password, version))


def topic(key: ControllerKey, leaf: str) -> str:
    return f"dorflicht/v1/{key.municipality}/{key.controller}/{leaf}"


async def keep(broker: BrokerProcess, key: ControllerKey, **bodies: Any) -> None:
    async with broker.service_client("service-keeping") as service:
        for leaf, body in bodies.items():
            await service.publish(topic(key, leaf), json.dumps(body), qos=1, retain=True)


async def kept(broker: BrokerProcess, key: ControllerKey) -> dict[str, Any]:
    """What the broker has kept of a controller, by leaf; all of it comes before our own word does."""
    found: dict[str, Any] = {}
    async with broker.service_client("service-looking") as service, asyncio.timeout(10):
        await service.subscribe(topic(key, "#"), qos=1)
        await service.publish(topic(key, "end"), b"1", qos=1)
        async for message in service.messages:
            leaf = str(message.topic).rpartition("/")[2]
            if leaf == "end":
                break
            assert isinstance(message.payload, bytes)
            found[leaf] = json.loads(message.payload)
    return found


async def test_it_says_offline_in_the_last_session_that_anybody_knows(
    broker: BrokerProcess, farewell: MqttFarewell, key: ControllerKey
) -> None:
    await farewell.say(key, 3, ())
    assert await kept(broker, key) == {"status": {"online": False, "session": 3}}
    await keep(broker, key, status={"online": True, "session": 17})
    await farewell.say(key, 3, ())
    assert await kept(broker, key) == {"status": {"online": False, "session": 17}}
    await farewell.say(key, 20, ())
    assert await kept(broker, key) == {"status": {"online": False, "session": 20}}
    await keep(broker, key, status="nonsense")
    await farewell.say(key, 20, ())
    assert await kept(broker, key) == {"status": {"online": False, "session": 20}}


async def test_it_clears_what_it_is_told_to_and_nothing_else(
    broker: BrokerProcess, farewell: MqttFarewell, key: ControllerKey
) -> None:
    neighbour = ControllerKey("urrugne", f"pole-{next(numbers)}")
    everything = {"plan": {"plan_n": 1}, "desired": {"desired_n": 1}, "report": {"seq": 1}}
    for one in (key, neighbour):
        await keep(broker, one, **everything)
    await farewell.say(key, 1, ("plan", "desired"))
    assert await kept(broker, key) == {"report": {"seq": 1}, "status": {"online": False, "session": 1}}
    await farewell.say(key, 1, ("report", "status"))
    assert await kept(broker, key) == {}
    assert await kept(broker, neighbour) == everything


async def test_a_listener_hears_offline_before_it_is_cleared(
    broker: BrokerProcess, farewell: MqttFarewell, key: ControllerKey
) -> None:
    async with broker.service_client() as service, asyncio.timeout(10):
        await service.subscribe(topic(key, "status"), qos=1)
        await farewell.say(key, 4, ("status",))
        heard = [(await anext(aiter(service.messages))).payload for _ in range(2)]
    assert heard == [b'{"online": false, "session": 4}', b""]


async def test_whoever_was_shut_out_is_gone_when_it_has_spoken(
    broker: BrokerProcess, farewell: MqttFarewell, key: ControllerKey
) -> None:
    secret, name = new_secret(), user_name(key)
    await broker.access.add({key: secret})
    async with broker.service_client() as service, RawClient(broker) as live:
        await service.subscribe(topic(key, "#"), qos=1)
        will = Will(topic(key, "status"), b'{"online": false, "session": 6}')
        assert await live.connect(name, name, secret, will) == 0
        await broker.access.revoke(key)
        await farewell.say(key, 6, ("status",))
        await service.publish(topic(key, "end"), b"end", qos=1)
        heard = []
        async with asyncio.timeout(10):
            async for message in service.messages:
                if message.payload == b"end":
                    break
                heard.append(message.payload)
        assert heard[-1] == b"", "the will came after the last word"
        assert set(heard[:-1]) == {b'{"online": false, "session": 6}'}
        assert await live.hung_up(2)


async def test_a_broker_that_is_away_hangs_or_refuses_is_said_so(key: ControllerKey) -> None:
    nobody = MqttFarewell(Broker("127.0.0.1", free_port(), "service", new_secret()), timeout=2)
    with pytest.raises(UnavailableError, match="cannot be reached"):
        await nobody.say(key, 1, ())
    with embedded_broker() as broker:
        stranger = MqttFarewell(Broker(broker.host, broker.port, "service", new_secret()), timeout=2)
        with pytest.raises(UnavailableError, match="cannot be reached"):
            await stranger.say(key, 1, ())
        broker.freeze()
        frozen = MqttFarewell(Broker(broker.host, broker.port, "service", broker.service_password), timeout=1)
        with pytest.raises(UnavailableError, match="cannot be reached"):
            await frozen.say(key, 1, ())
        broker.kill()
