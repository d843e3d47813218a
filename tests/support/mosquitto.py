"""A real Mosquitto as a child process, with the project's own configuration file."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import aiomqtt
import pytest

from service.domain.inventory import ControllerKey
from service.wire.access import new_secret
from service.wire.dynsec import DynsecAccess, write_dynsec_file
from tests.support.broker_process import BrokerProcess
from tests.support.certificates import Tls
from tests.support.ports import free_port

CONFIGURATION = Path(__file__).parents[2] / "broker" / "mosquitto" / "mosquitto.conf"
PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/usr/bin", "/usr/local/bin")
PLUGIN = "mosquitto_dynamic_security.so"


def _program() -> str:
    found = shutil.which("mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), *PLACES]))
    return found or pytest.skip("Mosquitto is not installed (Debian: apt install mosquitto)")


def _plugin() -> str:
    found = [place for root in ("/usr/lib", "/usr/local/lib", "/opt") for place in Path(root).glob(f"*/{PLUGIN}")]
    found += [place for place in (Path("/usr/lib") / PLUGIN, Path("/usr/local/lib") / PLUGIN) if place.exists()]
    return str(found[0]) if found else pytest.skip(f"Mosquitto's plugin {PLUGIN} is not installed")


def configuration(text: str, site: Mapping[str, str]) -> str:
    """The configuration with the site's own values in the lines that begin with the given words."""
    for word, value in site.items():
        text, count = re.subn(rf"(?m)^{word} .*$", f"{word} {value}", text)
        assert count == 1, f"mosquitto.conf has {count} lines for {word}"
    return text


def with_tls(text: str, port: int, tls: Tls, folder: Path) -> str:
    """The configuration with its TLS lines in use, as they stand, but for the site's own values."""
    for line, value in (
        ("listener 8883", f"{port} 127.0.0.1"),
        ("certfile /etc/mosquitto/certs/server.pem", str(shutil.copy(tls.certfile, folder))),
        ("keyfile /etc/mosquitto/certs/server.key", str(shutil.copy(tls.keyfile, folder))),
        ("max_connections 8000", "8000"),
    ):
        word = line.split()[0]
        assert text.count(f"\n#{line}\n") == 1, f"mosquitto.conf has no line #{line}"
        text = text.replace(f"\n#{line}\n", f"\n{word} {value}\n")
    return text


@contextmanager
def mosquitto(
    controllers: Mapping[ControllerKey, str] | None = None,
    *,
    protocol: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V5,
    tls: Tls | None = None,
) -> Iterator[BrokerProcess]:
    """Mosquitto on a free port, knowing the service and the given controllers, the fast way to many of them. With
    `tls` it listens on a second port as well, for whoever comes by TLS.

    Skips the test, with the reason, where Mosquitto or its plugin is not installed.
    """
    program, plugin = _program(), _plugin()
    # Not below pytest's folders: started by root Mosquitto becomes its own user, who cannot enter those.
    with tempfile.TemporaryDirectory(prefix="dorflicht-mosquitto-") as name:
        folder, port, secret = Path(name), free_port(), new_secret()
        site = {
            "listener": f"{port} 127.0.0.1",
            "persistence_location": f"{folder}/",
            "plugin": plugin,
            "plugin_opt_config_file": f"{folder}/access.json",
        }
        write_dynsec_file(folder / "access.json", secret, controllers or {})
        text, tls_port = configuration(CONFIGURATION.read_text("utf-8"), site), 0
        if tls is not None:
            tls_port = free_port()
            text = with_tls(text, tls_port, tls, folder)
        (folder / "mosquitto.conf").write_text(text, "utf-8")
        if os.geteuid() == 0:
            for path in (folder, *folder.iterdir()):
                shutil.chown(path, "mosquitto")
        broker = BrokerProcess(
            command=[program, "-c", str(folder / "mosquitto.conf")],
            folder=folder,
            port=port,
            access=DynsecAccess("127.0.0.1", port, "service", secret, protocol=protocol),
            service_password=secret,
            protocol=protocol,
            name="Mosquitto",
            tls_port=tls_port,
        )
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()
