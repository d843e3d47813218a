"""The ways out of the house by settings: broker, access to it, and whoever takes alerts."""

import ssl
from collections.abc import Mapping

from service.domain.words import AlertChannel
from service.notify.smtp import MailServer, SmtpNotify
from service.notify.webhook import WebhookNotify
from service.ports import Access, Clock, Notify
from service.settings import Settings
from service.wire.access import RulesFileAccess
from service.wire.dynsec import DynsecAccess
from service.wire.lamps import Broker
from service.wire.tls import client_tls


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
