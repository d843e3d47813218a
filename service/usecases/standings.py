"""Standings: which controllers are let in, which wait with a claim code, and what each said last."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from service.domain.inventory import Controller, ControllerKey
from service.domain.reports import ControllerState
from service.domain.words import Availability
from service.errors import UnavailableError, UnknownError
from service.ports import Access, ClaimCode, Store, Tx

_AVAILABILITY = {None: Availability.UNKNOWN, True: Availability.ONLINE, False: Availability.OFFLINE}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a controller stands. `let_in` is None where the broker could not be asked, `code_until` the end of a claim
    code that waits; the rest is what is known by the controller's own words, as last recorded."""

    controller: ControllerKey
    name: str
    let_in: bool | None
    code_until: datetime | None
    availability: Availability
    heard_at: datetime | None
    fw: str
    clock_valid: bool | None


async def standings(store: Store, access: Access, municipality: str | None, now: datetime) -> list[Standing]:
    """How all controllers stand, of one municipality (UnknownError) or of all; also while the broker is away."""
    try:
        let_in: set[ControllerKey] | None = await access.known()
    except UnavailableError:
        let_in = None
    return await store.read(partial(_standings, municipality=municipality, let_in=let_in, now=now))


def _standings(tx: Tx, municipality: str | None, let_in: set[ControllerKey] | None, now: datetime) -> list[Standing]:
    homes = [home.id for home in tx.municipalities() if municipality in (None, home.id)]
    if municipality is not None and not homes:
        raise UnknownError(f"municipality: there is no {municipality!r}; “dorflicht import” reads one from its file.")
    found = []
    for home in homes:
        controllers = tx.controllers(home)
        codes = {code.controller: code for code in tx.claim_codes(home)}
        states = tx.controller_states(controller.key for controller in controllers)
        for controller in controllers:
            key = controller.key
            inside = None if let_in is None else key in let_in
            found.append(_standing(controller, states[key], inside, _waits_until(codes.get(key), now)))
    return found


def _standing(
    controller: Controller, state: ControllerState, let_in: bool | None, code_until: datetime | None
) -> Standing:
    return Standing(
        controller.key,
        controller.name,
        let_in,
        code_until,
        _AVAILABILITY[state.online],
        state.heard_at,
        state.fw,
        state.clock_valid,
    )


def _waits_until(code: ClaimCode | None, now: datetime) -> datetime | None:
    return code.expires_at if code is not None and code.used_at is None and now < code.expires_at else None
