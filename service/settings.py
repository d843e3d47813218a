"""Settings, from the environment (prefix DORFLICHT_) or a .env file."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


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

    access: Literal["rules", "dynsec"] = "rules"
    """How controllers are let in: a rules file (embedded broker) or Mosquitto's dynamic-security plugin."""
    access_file: Path = Path("data/access.json")

    staff_token: SecretStr = SecretStr("")
    """Bearer token of the staff paths; while it is empty they answer 401 to everybody."""

    keep_presses_nights: int = Field(default=400, ge=1, le=3660)
    """Presses, and what they bought, are deleted after so many nights."""

    demo: bool = False
    """Set by `dorflicht demo` alone: a clock that can be moved. Refuses any bind that is not loopback."""
    demo_start: datetime | None = None
    demo_speed: float = Field(default=1.0, gt=0, le=3600)
    demo_clock_file: Path | None = None
    """Where the demo notes how far its clock has come."""
