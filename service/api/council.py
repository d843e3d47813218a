"""Routes for staff: policies, simulations, explanations; what light cost and saved, statements and readings."""

from fastapi import APIRouter, Depends

from service.api import energy, explaining, policies, readings, saving, simulations, statements
from service.api.context import Context
from service.api.problems import responses
from service.api.staff import staff_guard


def build(context: Context, motion: simulations.RenderMotion, statement: statements.RenderStatement) -> APIRouter:
    """The router for staff; `motion` makes a page to print of a simulation's report, `statement` of a statement."""
    router = APIRouter(
        prefix="/api/v1/municipalities/{municipality}/council",
        tags=["staff"],
        responses=responses(401),
        dependencies=[Depends(staff_guard(context.staff_token))],
    )

    for part in (
        energy.build_council(context),
        policies.build(context),
        simulations.build(context, motion),
        explaining.build(context),
        saving.build(context),
        statements.build(context, statement),
        readings.build(context),
    ):
        router.include_router(part)
    return router
