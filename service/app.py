"""Puts the rooms together: the only module that knows every one of them."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.routing import APIRoute

from service import __version__
from service.api import citizen, council, demo, docs, health, problems
from service.api.context import Context, Streams
from service.api.edge import Edge
from service.api.views import Views
from service.clock import SystemClock
from service.domain.inventory import Inventory
from service.errors import DorflichtError, SetupError, UnavailableError
from service.loops.conductor import Conductor
from service.loops.housekeeping import Housekeeping
from service.loops.listener import Listener
from service.loops.timekeeper import Timekeeper
from service.loops.watch import LocalWatch
from service.ports import Access, Clock, Lamps, Store, Tx
from service.settings import Settings
from service.store import migrate, open_store
from service.usecases.enroll import Enrolled, enroll, read_files
from service.web import pages
from service.web.places import MunicipalityPage, ZonePage
from service.wire.access import RulesFileAccess, replace_file
from service.wire.dynsec import DynsecAccess, write_dynsec_file
from service.wire.lamps import Broker, MqttLamps

__all__ = [
    "DorflichtError",
    "Service",
    "SetupError",
    "create_app",
    "import_files",
    "prepare_broker",
    "serve",
    "utc_now",
]

log = logging.getLogger(__name__)

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_RESTART = timedelta(seconds=1)


class Service:
    """The running parts behind one app: started and stopped by its lifespan."""

    def __init__(self, clock: Clock, store: Store, lamps: Lamps, *, clock_file: Path | None = None) -> None:
        """Connect the parts; nothing runs yet. `clock_file` is where the demo notes its time."""
        self.clock, self.store, self.lamps = clock, store, lamps
        self.watch = LocalWatch()
        self.conductor = Conductor(store, lamps, clock, self.watch)
        self.timekeeper = Timekeeper(lamps, clock)
        self.listener = Listener(store, lamps, clock, self.watch, self.conductor, self.timekeeper)
        self.housekeeping = Housekeeping(store, clock)
        self.stopping = asyncio.Event()
        self._clock_file = clock_file
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def alive(self) -> bool:
        """Whether the loops run and the conductor gets its rounds done."""
        return bool(self._tasks) and self.conductor.well and not any(task.done() for task in self._tasks.values())

    def moved(self) -> None:
        """Tell everybody that the clock was moved."""
        self.timekeeper.moved()
        self.conductor.nudge_all()
        self.watch.ring_all()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the loops for as long as the context lasts."""
        loops: dict[str, Callable[[], Awaitable[None]]] = {
            "listener": self.listener.run,
            "conductor": self.conductor.run,
            "timekeeper": self.timekeeper.run,
        }
        if isinstance(self.lamps, MqttLamps):
            loops["lamps"] = self.lamps.run
        if self._clock_file is not None:
            loops["clock"] = self._note_clock
        self._tasks = {name: asyncio.create_task(self._keep(name, loop)) for name, loop in loops.items()}
        self.housekeeping.start()
        try:
            yield
        finally:
            self.stopping.set()
            self.housekeeping.stop()
            await _end(self._tasks.values())
            if self._clock_file is not None:
                _write_clock(self._clock_file, self.clock.now())
            await self.lamps.close()
            await self.store.close()

    async def _keep(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """Run a loop; one that breaks is logged and starts again. Each derives anew what it was about to do."""
        while not self.stopping.is_set():
            try:
                await loop()
            except UnavailableError as error:
                log.warning("The %s waits for the store: %s", name, error)
            except Exception:
                log.exception("The %s broke; starting it again", name)
            await self.clock.wait(self.stopping, until=self.clock.now() + _RESTART * self.clock.speed)

    async def _note_clock(self) -> None:
        """Note a moment that the clock will not have passed by the next note, so that no kill turns it back."""
        while self._clock_file is not None and not self.stopping.is_set():
            _write_clock(self._clock_file, self.clock.now() + 2 * _RESTART * self.clock.speed)
            await self.clock.wait(self.stopping, until=self.clock.now() + _RESTART * self.clock.speed)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel tasks until all have ended: Python 3.11's wait_for loses a cancellation that comes with its result."""
    tasks = set(tasks)
    pending = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=0.2)
    await asyncio.gather(*tasks, return_exceptions=True)


def create_app(settings: Settings, *, clock: Clock, store: Store, lamps: Lamps) -> FastAPI:
    """The web application over given parts; its lifespan runs the loops and closes store and lamps at the end."""
    service = Service(clock, store, lamps, clock_file=settings.demo_clock_file if settings.demo else None)
    context = Context(
        store=store,
        lamps=lamps,
        clock=clock,
        watch=service.watch,
        views=Views(store, clock, lamps, service.watch),
        streams=Streams(),
        nudge=service.conductor.nudge,
        alive=service.alive,
        stopping=service.stopping,
        staff_token=settings.staff_token.get_secret_value(),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = FastAPI(
        title="Dorflicht",
        version=__version__,
        description="Street lighting that residents control.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=_operation_id,
    )
    app.state.service = service
    problems.install(app, clock, pages.not_found)
    for router in (citizen.build(context), council.build(context), health.build(context)):
        app.include_router(router)
    docs.install(app)
    if settings.demo and isinstance(clock, SystemClock):
        app.include_router(demo.build(context, _mover(clock, service)))
    app.include_router(pages.build(*_lookers(store, clock), demo=settings.demo))
    app.add_middleware(Edge, clock=clock, allowed_hosts=settings.allowed_hosts)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _mover(clock: SystemClock, service: Service) -> Callable[[timedelta, float | None], None]:
    def move(forward: timedelta, speed: float | None) -> None:
        clock.move(forward=forward, speed=speed)
        service.moved()

    return move


def _lookers(store: Store, clock: Clock) -> tuple[pages.Look, pages.Listing]:
    async def look(municipality: str) -> MunicipalityPage | None:
        now = clock.now()
        return await store.read(lambda tx: _page(tx, municipality, now))

    async def listing() -> list[MunicipalityPage]:
        homes = await store.read(lambda tx: tx.municipalities())
        return [MunicipalityPage(home.id, home.name, home.language, ()) for home in homes]

    return look, listing


def _page(tx: Tx, municipality: str, now: datetime) -> MunicipalityPage | None:
    home = tx.municipality(municipality)
    if home is None:
        return None
    zone_of = {output.key: output.zone for c in tx.controllers(municipality) for output in c.outputs}
    lamps = tx.lamps(municipality)
    zones = tuple(
        ZonePage(
            zone.key.zone,
            zone.name,
            tuple((lamp.lat, lamp.lon) for lamp in lamps if zone_of[lamp.output] == zone.key.zone),
        )
        for zone in tx.zones(municipality, now)
        if zone.listed
    )
    return MunicipalityPage(home.id, home.name, home.language, zones)


def _write_clock(path: Path, now: datetime) -> None:
    beside = path.with_suffix(".new")
    beside.write_text(now.isoformat(), "ascii")
    beside.replace(path)


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
    clock = SystemClock(_demo_start(settings), settings.demo_speed) if settings.demo else SystemClock()
    broker = Broker(
        settings.mqtt_host,
        settings.mqtt_port,
        settings.mqtt_username,
        settings.mqtt_password.get_secret_value(),
        settings.mqtt_version,
    )
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


def import_files(settings: Settings, files: Sequence[Path], credentials: Path | None) -> Enrolled:
    """Read municipality files into the database and let their controllers in; all or nothing of the former."""
    inventories = read_files(files)
    migrate(settings.database_url)
    return asyncio.run(_import(settings, inventories, credentials))


async def _import(settings: Settings, inventories: Sequence[Inventory], credentials: Path | None) -> Enrolled:
    store = open_store(settings.database_url)
    access = None if credentials is None else _access(settings)
    try:
        return await enroll(store, access, inventories, credentials, replace_file, SystemClock().now())
    finally:
        await store.close()


def _access(settings: Settings) -> Access:
    if settings.access == "rules":
        return RulesFileAccess(settings.access_file)
    password = settings.mqtt_password.get_secret_value()
    return DynsecAccess(settings.mqtt_host, settings.mqtt_port, settings.mqtt_username, password)


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
