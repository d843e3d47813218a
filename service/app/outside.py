"""What lies outside, by settings: the clock, the broker, access to it, and whoever takes alerts."""

import ssl
from collections.abc import Mapping
from datetime import datetime

from service.clock import SystemClock
from service.domain.words import AlertChannel
from service.errors import SetupError
from service.notify.smtp import MailServer, SmtpNotify
from service.notify.webhook import WebhookNotify
from service.ports import Access, Clock, Notify
from service.settings import Settings
from service.wire.access import RulesFileAccess
from service.wire.dynsec import DynsecAccess
from service.wire.lamps import Broker
from service.wire.tls import client_tls


def clock_of(settings: Settings) -> SystemClock:
    """The machine's clock; of a demo its own, which goes on where it stood."""
    return SystemClock(_demo_start(settings), settings.demo_speed) if settings.demo else SystemClock()


def _demo_start(settings: Settings) -> datetime | None:
    """Where the demo's clock begins: a service that is started again goes on where it stood, never earlier."""
    path = settings.demo_clock_file
    if path is None or not path.exists():
        return settings.demo_start
    try:
        noted = datetime.fromisoformat(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} holds no time ({error}); delete it, and the clock starts anew.") from error
    return noted if settings.demo_start is None else max(settings.demo_start, noted)


def broker_of(settings: Settings) -> Broker:
    """Where the broker is and how the service signs in. SetupError where the CA file cannot be used."""
    return Broker(
        settings.mqtt_host,
        settings.mqtt_port,
        settings.mqtt_username,
        settings.mqtt_password.get_secret_value(),
        settings.mqtt_version,
        _tls(settings),
    )


def access_of(settings: Settings) -> Access:
    """Who may connect to the broker: its rules file, or Mosquitto's plugin."""
    if settings.access == "rules":
        return RulesFileAccess(settings.access_file)
    broker = broker_of(settings)
    return DynsecAccess(broker.host, broker.port, broker.username, broker.password, tls=broker.tls)


def ways_of(settings: Settings, clock: Clock) -> Mapping[AlertChannel, Notify]:
    """The ways on which alerts go out. Without a mail server the first one refuses, and says so."""
    server = MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.mail_from,
        settings.smtp_security,
        settings.smtp_user,
        settings.smtp_password.get_secret_value(),
    )
    return {
        AlertChannel.EMAIL: SmtpNotify(server, clock),
        AlertChannel.WEBHOOK: WebhookNotify(clock, settings.webhook_secret.get_secret_value()),
    }


def _tls(settings: Settings) -> ssl.SSLContext | None:
    return client_tls(settings.mqtt_ca_file) if settings.mqtt_tls else None
