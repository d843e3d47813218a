"""Settings, from the environment (prefix DORFLICHT_) or a .env file."""

import ipaddress
import re
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*"
)


class Settings(BaseSettings):
    """What an operator sets. docs/settings.md explains each; secrets have no usable default."""

    model_config = SettingsConfigDict(env_prefix="DORFLICHT_", env_file=".env", extra="ignore")

    database_url: str = "sqlite:///data/dorflicht.db"
    """sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME"""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    allowed_hosts: list[str] = ["127.0.0.1", "localhost", "[::1]"]
    """Host names that browsers may use; a request for any other gets 400."""

    mqtt_host: str = "127.0.0.1"
    mqtt_port: int = Field(default=1883, ge=1, le=65535)
    mqtt_username: str = "service"
    mqtt_password: SecretStr = SecretStr("")
    mqtt_version: Literal["3.1.1", "5"] = "3.1.1"
    mqtt_tls: bool = False
    """Whether the broker is spoken to by TLS. Its certificate must always name `mqtt_host`."""
    mqtt_ca_file: Path | None = Field(default=None, validate_default=True)
    """Who must have signed that certificate; None for whom the system trusts."""
    mqtt_plain_remote: bool = Field(default=False, validate_default=True)
    """Allows a broker on another machine without TLS: secrets and orders are then readable on the way."""

    access: Literal["rules", "dynsec"] = "rules"
    """How controllers are let in: a rules file (embedded broker) or Mosquitto's dynamic-security plugin."""
    access_file: Path = Path("data/access.json")

    staff_token: SecretStr = SecretStr("")
    """Bearer token of the staff paths; while it is empty they answer 401 to everybody."""

    smtp_host: str = ""
    """Where alerts by e-mail are handed in; while it is empty they are given up."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    mail_from: str = Field(default="", validate_default=True)
    """The address that alerts come from."""
    webhook_secret: SecretStr = SecretStr("")
    """Signs alerts by webhook; while it is empty they bear no signature."""

    exact_nights: int = Field(default=14, ge=1, le=366)
    """After so many nights presses, and the energy they cost, are told to a quarter of an hour and unlinked."""
    keep_presses_nights: int = Field(default=400, ge=1, le=3660)
    """Presses, and what they bought, are deleted after so many nights."""

    demo: bool = False
    """Set by `dorflicht demo` alone: a clock that can be moved. Refuses any bind that is not loopback."""
    demo_start: datetime | None = None
    demo_speed: float = Field(default=1.0, gt=0, le=3600)
    demo_clock_file: Path | None = None
    """Where the demo notes how far its clock has come."""

    @field_validator("mqtt_ca_file")
    @classmethod
    def _is_of_use(cls, ca_file: Path | None, info: ValidationInfo) -> Path | None:
        if ca_file is not None and info.data.get("mqtt_tls") is False:
            raise ValueError("has no effect without TLS: set DORFLICHT_MQTT_TLS=true as well, or leave it away")
        return ca_file

    @field_validator("mqtt_plain_remote")
    @classmethod
    def _is_encrypted_or_meant(cls, allowed: bool, info: ValidationInfo) -> bool:
        host, tls = info.data.get("mqtt_host", ""), info.data.get("mqtt_tls")
        if tls is False and not allowed and not is_loopback(host):
            raise ValueError(
                f"the broker at DORFLICHT_MQTT_HOST={host} is not on this machine and DORFLICHT_MQTT_TLS is not true: "
                "secrets would be readable on the way. Set DORFLICHT_MQTT_TLS=true, or this to true if that is meant"
            )
        return allowed

    @field_validator("smtp_security")
    @classmethod
    def _mail_is_encrypted(cls, security: str, info: ValidationInfo) -> str:
        host = info.data.get("smtp_host", "")
        if security == "none" and host and not is_loopback(host):
            raise ValueError(
                f"none is for a mail server on this machine, not for DORFLICHT_SMTP_HOST={host}: use starttls or tls"
            )
        return security

    @field_validator("mail_from")
    @classmethod
    def _mail_has_a_sender(cls, sender: str, info: ValidationInfo) -> str:
        if not sender and info.data.get("smtp_host"):
            raise ValueError("set the address that alerts come from: DORFLICHT_SMTP_HOST is set")
        if sender and not _ADDRESS.fullmatch(sender):
            raise ValueError("give one e-mail address and nothing else, such as lights@example.org")
        return sender


def is_loopback(host: str) -> bool:
    """Whether only this machine can be meant by `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
