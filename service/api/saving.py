"""Routes for councils: what light used beside what other rules would have drawn."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Response

from service.api.citizen import Language
from service.api.context import Context
from service.api.etags import OWN
from service.api.paths import MunicipalityId
from service.api.problems import responses
from service.api.schemas import Answer
from service.api.staff import ActingAs
from service.usecases.saving import ALL_NIGHT, SavingBody, against_of, saving

First = Annotated[
    date | None,
    Query(
        alias="from",
        description="The first night, by the date of its evening; with the first day of a month here and the last of "
        "one in `to`, whole months count from midnight to midnight. Without dates: the last month that has ended.",
    ),
]
Last = Annotated[date | None, Query(description="The last night; without it, the last that has ended.")]
AgainstWhat = Annotated[
    str,
    Query(
        max_length=80,
        description="`all-night`; a date, for what was in force then in all zones; or ZONE:VERSION of one policy.",
    ),
]


class SavingAnswer(SavingBody, Answer):
    """What was used, what the other rules would have drawn, and how that was computed."""


def build(context: Context) -> APIRouter:
    """The route under `.../council/` for savings."""
    router = APIRouter(responses=responses(401))

    @router.get("/saving")
    async def saving_for_staff(
        response: Response,
        municipality: MunicipalityId,
        by: ActingAs,
        language: Language,
        first: First = None,
        to: Last = None,
        against: AgainstWhat = ALL_NIGHT.name,
    ) -> SavingAnswer:
        """What light used against all-night light or an earlier policy, with the proof for a funding application.

        Only nights that have ended are told. The baseline is modelled with the lamps of today."""
        response.headers["Cache-Control"] = OWN
        now, compared = context.clock.now(), against_of(against)
        body = await context.store.read(lambda tx: saving(tx, municipality, first, to, compared, now, language))
        return SavingAnswer(**dict(body), now=now, speed=context.clock.speed)

    return router
