"""TLS towards the broker."""

import ssl
from pathlib import Path

from service.errors import SetupError


def client_tls(ca_file: Path | None) -> ssl.SSLContext:
    """What a client needs to trust the broker: its certificate must name the host that was asked for and be signed
    by a CA of `ca_file` (PEM) or, without one, by one that the system trusts.

    SetupError when the file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except ssl.SSLError as error:
        raise SetupError(f"DORFLICHT_MQTT_CA_FILE: {ca_file} holds no certificate in PEM form.") from error
    except OSError as error:
        raise SetupError(f"DORFLICHT_MQTT_CA_FILE: {ca_file} cannot be read: {error.strerror}.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
