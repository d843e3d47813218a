"""Routes for staff: policies, simulations, explanations, and what light cost by cause, hour or night."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from service.api import explaining, policies, simulations
from service.api.citizen import From, MunicipalityId, To
from service.api.context import Context
from service.api.problems import responses
from service.api.schemas import EnergyAnswer, energy_answer
from service.api.staff import ActingAs, staff_guard
from service.domain.inventory import ID_PATTERN
from service.usecases.energy import council_energy


def build(context: Context, motion: simulations.RenderMotion) -> APIRouter:
    """The router for staff; `motion` makes a page to print of a simulation's report."""
    router = APIRouter(
        prefix="/api/v1/municipalities/{municipality}/council",
        tags=["staff"],
        responses=responses(401),
        dependencies=[Depends(staff_guard(context.staff_token))],
    )

    @router.get("/energy")
    async def energy_for_staff(
        municipality: MunicipalityId,
        by_whom: ActingAs,
        first: From = None,
        to: To = None,
        zone: Annotated[str | None, Query(pattern=ID_PATTERN)] = None,
        by: Literal["cause", "hour", "night"] = "night",
    ) -> EnergyAnswer:
        """Energy by cause, hour or night. What presses cost is counted per night only, after its noon."""
        now = context.clock.now()
        account = await context.store.read(lambda tx: council_energy(tx, municipality, first, to, zone, by, now))
        return energy_answer(account, now, context.clock.speed)

    for part in (policies.build(context), simulations.build(context, motion), explaining.build(context)):
        router.include_router(part)
    return router
