"""The web application: every router over the same parts."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute

from service import __version__
from service.api import citizen, council, demo, docs, health, problems, technician
from service.api.context import Context, Streams
from service.api.edge import Edge
from service.api.views import Views
from service.app.outside import ways_of
from service.app.running import Service
from service.clock import SystemClock
from service.ports import Clock, Lamps, Store, Tx
from service.settings import Settings
from service.usecases.simulation_report import ReportBody
from service.usecases.statement_bodies import StatementBody
from service.web import estimate, pages
from service.web.motion import MOTION_HEADERS, motion_page
from service.web.places import MunicipalityPage, ZonePage
from service.web.statement import STATEMENT_HEADERS, statement_page


def create_app(settings: Settings, *, clock: Clock, store: Store, lamps: Lamps) -> FastAPI:
    """The web application over given parts; its lifespan runs the loops and closes store and lamps at the end."""
    keep_presses = timedelta(days=settings.keep_presses_nights)
    clock_file = settings.demo_clock_file if settings.demo else None
    service = Service(
        clock,
        store,
        lamps,
        keep_presses=keep_presses,
        exact_nights=settings.exact_nights,
        clock_file=clock_file,
        ways=ways_of(settings, clock),
    )
    context = Context(
        store=store,
        lamps=lamps,
        clock=clock,
        watch=service.watch,
        views=Views(store, clock, lamps, service.watch),
        streams=Streams(),
        nudge=service.conductor.nudge,
        rules_changed=service.rules_changed,
        rules_changed_in=service.rules_changed_in,
        alive=service.alive,
        stopping=service.stopping,
        staff_token=settings.staff_token.get_secret_value(),
        begin_simulation=service.simulator.begin,
        simulation=service.simulator.job,
        keep_presses=keep_presses,
        keep_exact=timedelta(days=settings.exact_nights),
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
    for build in (citizen.build, technician.build, health.build):
        app.include_router(build(context))
    app.include_router(council.build(context, _motion, _statement))
    docs.install(app)
    if settings.demo and isinstance(clock, SystemClock):
        app.include_router(demo.build(context, _mover(clock, service)))
    app.include_router(estimate.build())
    app.include_router(pages.build(*_lookers(store), demo=settings.demo))
    app.add_middleware(Edge, clock=clock, allowed_hosts=settings.allowed_hosts)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


def _mover(clock: SystemClock, service: Service) -> Callable[[timedelta, float | None], None]:
    def move(forward: timedelta, speed: float | None) -> None:
        clock.move(forward=forward, speed=speed)
        service.moved()

    return move


def _lookers(store: Store) -> tuple[pages.Look, pages.Listing]:
    async def look(municipality: str) -> MunicipalityPage | None:
        return await store.read(lambda tx: _page(tx, municipality))

    async def listing() -> list[MunicipalityPage]:
        homes = await store.read(lambda tx: tx.municipalities())
        return [MunicipalityPage(home.id, home.name, home.language, ()) for home in homes]

    return look, listing


def _page(tx: Tx, municipality: str) -> MunicipalityPage | None:
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
        for zone in tx.zones(municipality)
        if zone.listed
    )
    return MunicipalityPage(home.id, home.name, home.language, zones)


def _statement(statement: StatementBody, language: str) -> HTMLResponse:
    return HTMLResponse(statement_page(statement, language), headers=dict(STATEMENT_HEADERS))


def _motion(report: ReportBody, language: str) -> HTMLResponse:
    return HTMLResponse(motion_page(report, language), headers=dict(MOTION_HEADERS))
