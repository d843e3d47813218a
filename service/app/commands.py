"""What the command line asks for: serve, prepare the broker."""

import asyncio
import gc
import logging
from datetime import datetime

import uvicorn

from service.app.outside import broker_of, clock_of
from service.app.web import create_app
from service.clock import SystemClock
from service.errors import SetupError
from service.settings import Settings
from service.store import migrate, open_store
from service.wire.access import RulesFileAccess
from service.wire.dynsec import write_dynsec_file
from service.wire.lamps import MqttLamps

log = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class _Server(uvicorn.Server):
    """Ends open event streams as soon as the process is asked to stop."""

    stopping: asyncio.Event

    def handle_exit(self, sig: int, frame: object) -> None:
        self.stopping.set()
        super().handle_exit(sig, frame)  # type: ignore[arg-type] # the frame is only handed on


def serve(settings: Settings) -> None:
    """Run the service until it is told to stop. SetupError says in one sentence why it cannot."""
    if settings.demo and settings.http_host not in _LOOPBACK:
        raise SetupError(f"The demo binds to this machine alone, not to {settings.http_host}.")
    if not settings.mqtt_password.get_secret_value():
        raise SetupError("DORFLICHT_MQTT_PASSWORD is not set: the broker lets the service in by it.")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    for chatty in ("apscheduler", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    migrate(settings.database_url)
    server = _server(settings)
    gc.collect()
    gc.freeze()  # what stands now stays: looking through it again and again would hold up presses by 100 ms
    server.run()


def _server(settings: Settings) -> _Server:
    clock = clock_of(settings)
    broker = broker_of(settings)
    app = create_app(settings, clock=clock, store=open_store(settings.database_url), lamps=MqttLamps(broker, clock))
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    log.info("The pages are at http://%s:%d/", settings.http_host, settings.http_port)
    server.stopping = app.state.service.stopping
    return server


def prepare_broker(settings: Settings, observer_secret: str | None = None) -> None:
    """Let the service itself (and an observer who may only read) into its broker, before the broker starts."""
    secret = settings.mqtt_password.get_secret_value()
    if settings.access == "dynsec":
        if settings.access_file.exists():
            raise SetupError(
                f"{settings.access_file} is there already, with whom it lets in; delete it to begin afresh."
            )
        write_dynsec_file(settings.access_file, secret, {})
        return
    rules = RulesFileAccess(settings.access_file)
    rules.add_service(secret)
    if observer_secret is not None:
        rules.add_observer(observer_secret)


def utc_now() -> datetime:
    """The machine's time, for the command line."""
    return SystemClock().now()
