"""Mosquitto alone: its first file in bulk, commands that collide or find nobody, and what a kill leaves."""

import asyncio

import aiomqtt
import pytest

from service.domain.inventory import ControllerKey
from service.errors import ConflictError, UnavailableError
from service.wire.access import new_secret
from service.wire.dynsec import DynsecAccess
from tests.support.broker_process import BrokerProcess
from tests.support.mosquitto import mosquitto
from tests.support.ports import free_port
from tests.support.raw_mqtt import RawClient, Will

POLE = ControllerKey("glasau", "pole-1")
NAME = "glasau.pole-1"
STATUS, DESIRED = "dorflicht/v1/glasau/pole-1/status", "dorflicht/v1/glasau/pole-1/desired"


async def opens(broker: BrokerProcess, name: str, secret: str) -> bool:
    async with RawClient(broker) as raw:
        return await raw.connect(name, name, secret) == 0


async def payload(client: aiomqtt.Client) -> bytes:
    async with asyncio.timeout(10):
        message = await anext(aiter(client.messages))
    assert isinstance(message.payload, bytes)
    return message.payload


async def test_a_county_is_let_in_by_the_first_file() -> None:
    secrets = {ControllerKey("urrugne", f"pole-{n}"): new_secret() for n in range(1400)}
    with mosquitto(secrets) as broker:
        assert await broker.access.known() == set(secrets)
        assert await opens(broker, "urrugne.pole-1399", secrets[ControllerKey("urrugne", "pole-1399")])
        assert not await opens(broker, "urrugne.pole-1399", secrets[ControllerKey("urrugne", "pole-0")])


async def test_what_was_granted_and_kept_outlives_a_kill() -> None:
    with mosquitto(protocol=aiomqtt.ProtocolVersion.V311) as broker:
        secret, gone = new_secret(), new_secret()
        other = ControllerKey("glasau", "pole-2")
        await broker.access.add({POLE: secret, other: gone})
        await broker.access.revoke(other)
        async with broker.service_client() as service:
            await service.publish(DESIRED, b"kept", qos=1, retain=True)
            # Mosquitto writes once a second what it keeps: its file shows when.
            database = broker.folder / "mosquitto.db"
            async with asyncio.timeout(10):
                while not await asyncio.to_thread(lambda: database.exists() and b"kept" in database.read_bytes()):
                    await service.publish("dorflicht/v1/time", b"waiting")
        broker.kill()
        broker.start()
        assert await broker.access.known() == {POLE}
        assert not await opens(broker, "glasau.pole-2", gone)
        async with broker.client(NAME, secret) as pole:
            await pole.subscribe(DESIRED, qos=1)
            assert await payload(pole) == b"kept"


async def test_revocation_sends_no_will_so_the_caller_says_offline() -> None:
    with mosquitto({POLE: (secret := new_secret())}) as broker:
        async with broker.service_client() as service, RawClient(broker) as pole:
            await service.subscribe(STATUS, qos=1)
            assert await pole.connect(NAME, NAME, secret, Will(STATUS)) == 0
            await broker.access.revoke(POLE)
            assert await pole.hung_up(2)
            await service.publish(STATUS, b"offline, says the service", qos=1, retain=True)
            assert await payload(service) == b"offline, says the service"


async def test_colliding_changes_leave_all_or_none_of_each() -> None:
    with mosquitto() as broker:
        one, two, three = (ControllerKey("glasau", f"pole-{n}") for n in (1, 2, 3))
        for _ in range(10):
            first = {one: new_secret(), two: new_secret()}
            second = {two: new_secret(), three: new_secret()}
            ends = await asyncio.gather(broker.access.add(first), broker.access.add(second), return_exceptions=True)
            assert all(end is None or isinstance(end, ConflictError) for end in ends), ends
            assert None in ends
            expected = {key for end, part in zip(ends, (first, second), strict=True) if end is None for key in part}
            assert await broker.access.known() == expected
            for key in expected:
                await broker.access.revoke(key)
        assert await broker.access.known() == set()


async def test_a_role_left_behind_does_not_keep_its_controller_out() -> None:
    with mosquitto({POLE: new_secret()}) as broker:
        async with broker.service_client() as service:
            await service.subscribe("$CONTROL/dynamic-security/v1/response", qos=1)
            command = b'{"commands": [{"command": "deleteClient", "username": "glasau.pole-1"}]}'
            await service.publish("$CONTROL/dynamic-security/v1", command, qos=1)
            assert b"error" not in await payload(service)
        secret = new_secret()
        await broker.access.add({POLE: secret})
        async with broker.client(NAME, secret) as pole:
            await pole.subscribe(DESIRED, qos=1)


async def test_a_broker_that_is_away_or_refuses_is_said_so() -> None:
    nobody = DynsecAccess("127.0.0.1", free_port(), "service", new_secret(), timeout=2)
    with pytest.raises(UnavailableError, match="reached"):
        await nobody.known()
    with mosquitto({POLE: (secret := new_secret())}) as broker:
        for name, wrong in (("service", new_secret()), (NAME, secret)):
            access = DynsecAccess(broker.host, broker.port, name, wrong, timeout=2)
            with pytest.raises(UnavailableError):
                await access.add({ControllerKey("glasau", "pole-9"): new_secret()})
        assert await broker.access.known() == {POLE}


async def test_controllers_do_not_reach_the_command_topic() -> None:
    with mosquitto({POLE: (secret := new_secret())}) as broker:
        async with broker.client(NAME, secret) as pole:
            await pole.publish(
                "$CONTROL/dynamic-security/v1",
                b'{"commands": [{"command": "createClient", "username": "intruder", "password": "x"}]}',
                qos=1,
            )
        assert await broker.access.known() == {POLE}
        assert not await opens(broker, "intruder", "x")
