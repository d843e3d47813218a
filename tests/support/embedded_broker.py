"""The embedded broker as a child process."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiomqtt

from service.wire.access import RulesFileAccess, new_secret
from tests.support.broker_process import BrokerProcess
from tests.support.certificates import Tls
from tests.support.ports import free_port


@contextmanager
def embedded_broker(port: int | None = None, *, tls: Tls | None = None) -> Iterator[BrokerProcess]:
    """`python -m broker` on a free port, knowing the service alone; add controllers by its `access`.

    With `tls` it speaks nothing else.
    """
    with tempfile.TemporaryDirectory(prefix="dorflicht-broker-") as folder:
        rules = Path(folder) / "access.json"
        access, secret, port = RulesFileAccess(rules), new_secret(), port or free_port()
        access.add_service(secret)
        by_tls = [] if tls is None else ["--certfile", str(tls.certfile), "--keyfile", str(tls.keyfile)]
        broker = BrokerProcess(
            command=[sys.executable, "-m", "broker", "--port", str(port), "--rules", str(rules), *by_tls],
            folder=Path(folder),
            port=port,
            access=access,
            service_password=secret,
            protocol=aiomqtt.ProtocolVersion.V311,
            name="The embedded broker",
            tls_port=0 if tls is None else port,
            tls=None if tls is None else tls.client(),
        )
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()
