"""Where a controller finds its broker, and who it is there."""

import ssl
from dataclasses import dataclass

import aiomqtt

ROOT = "dorflicht/v1"
TIME_TOPIC = f"{ROOT}/time"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the broker is and who this controller is there. Backoff bounds in seconds. Plain TCP without `tls`."""

    municipality: str
    controller: str
    host: str
    port: int
    secret: str | None
    protocol: aiomqtt.ProtocolVersion = aiomqtt.ProtocolVersion.V311
    backoff_first_s: float = 0.2
    backoff_most_s: float = 30.0
    tls: ssl.SSLContext | None = None

    @property
    def user(self) -> str:
        """User name and client id."""
        return f"{self.municipality}.{self.controller}"

    def topic(self, leaf: str) -> str:
        """A topic of this controller."""
        return f"{ROOT}/{self.municipality}/{self.controller}/{leaf}"
