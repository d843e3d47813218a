"""The embedded broker as a child process."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomqtt

from service.wire.access import RulesFileAccess, new_secret
from tests.support.broker_process import BrokerProcess
from tests.support.ports import free_port


@contextmanager
def embedded_broker(port: int | None = None) -> Iterator[BrokerProcess]:
    """`python -m broker` on a free port, knowing the service alone; add controllers by its `access`."""
    with tempfile.TemporaryDirectory(prefix="dorflicht-broker-") as folder:
        rules = Path(folder) / "access.json"
        access, secret, port = RulesFileAccess(rules), new_secret(), port or free_port()
        access.add_service(secret)
        broker = BrokerProcess(
            command=[sys.executable, "-m", "broker", "--port", str(port), "--rules", str(rules)],
            folder=Path(folder),
            port=port,
            access=access,
            service_password=secret,
            protocol=aiomqtt.ProtocolVersion.V311,
            name="The embedded broker",
        )
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()
