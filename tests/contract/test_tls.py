"""By TLS: a birth, an order and its report on both brokers; and who is not let through."""

import asyncio
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest
from pydantic import ValidationError

from device_sim.device import SimDevice
from device_sim.villages import read_villages
from firmware_mock.link import Address
from service.clock import SystemClock
from service.domain.inventory import ControllerKey
from service.domain.orders import OrderStep
from service.domain.reports import Message, Report, Status
from service.domain.words import Cause
from service.errors import SetupError, UnavailableError
from service.ports import Connected, Disconnected
from service.settings import Settings
from service.wire.access import new_secret
from service.wire.dynsec import DynsecAccess
from service.wire.lamps import Broker, MqttLamps
from service.wire.tls import client_tls
from tests.support.broker_process import ROOT, BrokerProcess
from tests.support.certificates import Tls, certificates
from tests.support.embedded_broker import embedded_broker
from tests.support.mosquitto import mosquitto
from tests.support.ports import free_port
from tests.support.raw_mqtt import RawClient, connect

LECK = ROOT / "tests" / "fixtures" / "leck.toml"
KEY = ControllerKey("leck", "cabinet-1")
PATIENCE_S = 20


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificates(tmp_path_factory.mktemp("certs"))


@pytest.fixture(scope="module", params=["embedded", "mosquitto"])
def broker(request: pytest.FixtureRequest, tls: Tls) -> Iterator[BrokerProcess]:
    with embedded_broker(tls=tls) if request.param == "embedded" else mosquitto(tls=tls) as running:
        yield running


def by_tls(broker: BrokerProcess, tls: ssl.SSLContext | None, host: str = "127.0.0.1") -> Broker:
    """The service's way to a broker's TLS listener."""
    version = "5" if broker.protocol is aiomqtt.ProtocolVersion.V5 else "3.1.1"
    return Broker(host, broker.tls_port, broker.service_username, broker.service_password, version, tls)


@asynccontextmanager
async def running(lamps: MqttLamps) -> AsyncIterator[None]:
    task = asyncio.create_task(lamps.run())
    try:
        yield
    finally:
        await lamps.close()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def refusal(broker: Broker, caplog: pytest.LogCaptureFixture) -> str:
    """What the service says of a broker that it does not get through to."""
    lamps = MqttLamps(broker, SystemClock())
    async with running(lamps), asyncio.timeout(PATIENCE_S):
        while not caplog.messages:
            with suppress(TimeoutError):
                await asyncio.wait_for(lamps.changed.wait(), timeout=0.05)
            assert not lamps.connected
    return caplog.messages[0]


async def test_a_birth_an_order_and_its_report_go_by_tls(broker: BrokerProcess, tls: Tls, tmp_path: Path) -> None:
    secret, clock = new_secret(), SystemClock()
    await broker.access.add({KEY: secret})
    [spec] = [spec for spec in read_villages([LECK]) if spec.key == "leck/cabinet-1"]
    address = Address(*KEY, "127.0.0.1", broker.tls_port, secret, broker.protocol, tls=tls.client())
    device = SimDevice(spec, address, tmp_path)
    lamps = MqttLamps(by_tls(broker, tls.client()), clock)
    heard: list[Message | Connected | Disconnected] = []
    async with running(lamps), asyncio.timeout(PATIENCE_S):
        now = clock.now()
        async for batch in lamps.messages():
            heard += batch
            if Connected() in batch:
                device.start()
            if any(isinstance(message, Status) and message.online for message in batch):
                await lamps.time(now, 1.0, clock.machine_ms())
                step = OrderStep(now - timedelta(seconds=1), 100, now + timedelta(minutes=5), Cause.PRESS, "lease")
                assert await lamps.order(KEY, 1, now, {1: (step,)})
            if any(isinstance(message, Report) and message.desired_n == 1 for message in batch):
                break
    await device.stop()
    [report] = [message for message in heard if isinstance(message, Report) and message.desired_n == 1][:1]
    assert (report.outputs[1].level, report.outputs[1].cause) == (100, Cause.PRESS)


async def test_a_broker_with_a_foreign_ca_is_not_spoken_to(
    broker: BrokerProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = certificates(tmp_path)
    assert "certificate verify failed" in await refusal(by_tls(broker, foreign.client()), caplog)
    caplog.clear()
    assert "certificate verify failed" in await refusal(by_tls(broker, client_tls(None)), caplog)


async def test_a_broker_whose_certificate_names_another_host_is_not_spoken_to(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for start in (embedded_broker, mosquitto):
        tls = certificates(tmp_path / start.__name__, "broker.example.org")
        with start(tls=tls) as broker:
            caplog.clear()
            said = await refusal(by_tls(broker, tls.client()), caplog)
            assert "IP address mismatch" in said, said
        assert broker.service_password not in said


async def test_a_plain_client_gets_nothing_from_a_tls_listener(broker: BrokerProcess) -> None:
    door = BrokerProcess([], broker.folder, broker.tls_port, broker.access, "", broker.protocol, "its TLS listener")
    async with RawClient(door) as plain:
        plain.send(connect("service-1", broker.service_username, broker.service_password))
        assert await plain.hung_up(), "a plain CONNECT was answered"


async def test_an_older_tls_is_refused(broker: BrokerProcess, tls: Tls) -> None:
    old = tls.client()
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await asyncio.open_connection("127.0.0.1", broker.tls_port, ssl=old)


async def test_access_commands_go_by_tls(tls: Tls, tmp_path: Path) -> None:
    with mosquitto(tls=tls) as broker:

        def access(by: Tls) -> DynsecAccess:
            secret, port = broker.service_password, broker.tls_port
            return DynsecAccess("localhost", port, broker.service_username, secret, timeout=5, tls=by.client())

        await access(tls).add({KEY: new_secret()})
        assert await access(tls).known() == {KEY} == await broker.access.known()
        with pytest.raises(UnavailableError, match="certificate verify failed"):
            await access(certificates(tmp_path)).known()


async def test_the_simulated_village_comes_by_tls(broker: BrokerProcess, tls: Tls, tmp_path: Path) -> None:
    secret = new_secret()
    await broker.access.add({KEY: secret})
    (tmp_path / "credentials.json").write_text(json.dumps({"leck/cabinet-1": secret}), "utf-8")
    options = ("--villages", str(LECK), "--credentials", str(tmp_path / "credentials.json"), "--quiet")
    ended = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "device_sim", *options),
        *("--port", str(broker.tls_port), "--ca", str(tls.ca_file)),
        cwd=ROOT,
    )
    lamps = MqttLamps(by_tls(broker, tls.client()), SystemClock())
    try:
        async with running(lamps), asyncio.timeout(PATIENCE_S):
            async for batch in lamps.messages():
                if any(isinstance(message, Report) and not message.retained for message in batch):
                    break
    finally:
        ended.terminate()
    assert await ended.wait() == 0


async def test_mosquitto_takes_a_renewed_certificate_without_a_restart(tmp_path: Path) -> None:
    tls = certificates(tmp_path)
    with mosquitto(tls=tls) as broker:
        before = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", broker.tls_port))
        certificates(tmp_path)
        (broker.folder / "server.pem").write_bytes(tls.certfile.read_bytes())
        assert broker.process is not None
        broker.process.send_signal(signal.SIGHUP)
        async with asyncio.timeout(PATIENCE_S):
            while await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", broker.tls_port)) == before:
                continue
        _, writer = await asyncio.open_connection("127.0.0.1", broker.tls_port, ssl=tls.client())
        writer.close()


# the embedded broker's program


def run(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "broker", *options], capture_output=True, text=True, timeout=20, cwd=ROOT
    )


def test_certificate_and_key_are_given_together_and_fit(tls: Tls, tmp_path: Path) -> None:
    rules = tmp_path / "access.json"
    rules.write_text('{"users": {}}', "utf-8")
    other = certificates(tmp_path / "other")
    common = ("--port", str(free_port()), "--rules", str(rules))
    for options, words in (
        (("--certfile", str(tls.certfile)), ("--keyfile", "both")),
        (("--certfile", str(tls.certfile), "--keyfile", str(other.keyfile)), ("do not fit",)),
        (("--certfile", str(tmp_path / "none.pem"), "--keyfile", str(tls.keyfile)), ("none.pem", "cannot be read")),
    ):
        ended = run(*common, *options)
        assert ended.returncode != 0
        assert ended.stderr.count("\n") == 1, ended.stderr
        assert all(word in ended.stderr for word in words), ended.stderr


# the service's settings


@pytest.mark.parametrize("host", ["broker.example.org", "192.0.2.7", "0.0.0.0", "2001:db8::7"])  # noqa: S104 - to be refused
def test_a_broker_elsewhere_without_tls_is_refused_before_anything_starts(host: str) -> None:
    with pytest.raises(ValidationError, match="DORFLICHT_MQTT_TLS"):
        Settings(mqtt_host=host)
    assert Settings(mqtt_host=host, mqtt_tls=True).mqtt_host == host
    assert Settings(mqtt_host=host, mqtt_plain_remote=True).mqtt_host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "localhost", "::1"])
def test_a_broker_on_this_machine_needs_no_tls(host: str) -> None:
    assert Settings(mqtt_host=host).mqtt_host == host


def test_a_ca_file_without_tls_is_refused_and_one_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="DORFLICHT_MQTT_TLS=true"):
        Settings(mqtt_ca_file=tmp_path / "ca.pem")
    with pytest.raises(SetupError, match=r"DORFLICHT_MQTT_CA_FILE: .*ca\.pem cannot be read"):
        client_tls(tmp_path / "ca.pem")
    (tmp_path / "ca.pem").write_text("nothing of the kind", "utf-8")
    with pytest.raises(SetupError, match="no certificate"):
        client_tls(tmp_path / "ca.pem")


def test_the_clients_context_checks_names_and_signatures(tls: Tls) -> None:
    context = tls.client()
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
