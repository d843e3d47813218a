"""Credentials: how a controller gets in, by a claim code that it turns into a secret of its own, and out again.

What must hold at any moment, whatever crashes: a claim code is good as long as its secret does not open; and nobody is
told of a secret or a code that was not kept before.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from secrets import randbelow, token_urlsafe
from typing import Protocol

from service.domain.codes import ALPHABET, RANDOM, CodeError, digest_of, read_code, write_code
from service.domain.inventory import Controller, ControllerKey
from service.domain.reports import ControllerState
from service.errors import ConflictError, DorflichtError, InvalidError, UnavailableError, UnknownError
from service.ports import Access, ClaimCode, Store, Tx

CLAIM_WITHIN = timedelta(minutes=1)
"""A claim that has not let its controller in by then was interrupted: its code is good again. Longer than all the
time-outs of a broker's answers together."""

WRONG = (
    "code: it is not known here. It was mistyped, replaced by a newer one, or made by another installation; "
    "“dorflicht controller add” makes a new one."
)
"""The same for every wrong code: nobody learns how near it came."""


class Farewell(Protocol):
    """Tidies up at the broker after a controller that was shut out."""

    async def say(self, controller: ControllerKey, session: int, forget: Collection[str]) -> None:
        """Publish in its name that it is offline, then clear what the broker had kept of it under the leaves `forget`.

        `session` is the last one known, unless the broker knows a later one. By the time it returns, the broker has
        closed the connection of a controller that was shut out before. UnavailableError when the broker is away.
        """
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Label:
    """A claim code in clear, for once, and what it is for: `outputs` are their numbers and their zones' names."""

    controller: ControllerKey
    code: str
    expires_at: datetime
    name: str
    municipality: str
    language: str
    outputs: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True, repr=False)
class Credential:
    """A controller's secret in clear, for once."""

    controller: ControllerKey
    secret: str


Keep = Callable[[Credential], None]
"""Hands a secret over before it opens anything."""


async def add(
    store: Store, access: Access, farewell: Farewell, keys: Sequence[ControllerKey], now: datetime, valid: timedelta
) -> list[Label]:
    """Make a claim code for each controller, in the place of an unused one; all or none.

    UnknownError for one that is not in the inventory, ConflictError for one that is let in already.
    """
    let_in = await access.known()
    states = await store.read(lambda tx: {key: _state(tx, key) for key in keys})
    for key in states:
        if key in let_in:
            raise ConflictError(f"{_name(key)} is let in already. {_way_on(key, let_in)}")
    for key, state in states.items():
        if state != ControllerState():
            await _empty(store, farewell, key, state)
    return await store.write(lambda tx: [_new_code(tx, key, now, valid) for key in states])


async def claim(store: Store, access: Access, typed: str, keep: Keep, now: datetime) -> Credential:
    """Turn a claim code, once, into its controller's secret. `keep` has it before it opens anything.

    InvalidError for what is no code, UnknownError for one that is not known, ConflictError for one that was used, has
    expired, or whose controller is let in already. On UnavailableError the code stays good.
    """
    try:
        digest = digest_of(read_code(typed))
    except CodeError as error:
        raise InvalidError(f"code: {error}.") from error
    let_in = await access.known()
    taken = await store.write(partial(_take, digest=digest, let_in=let_in, now=now))
    credential = Credential(taken.controller, token_urlsafe(32))
    try:
        keep(credential)
        await access.add({credential.controller: credential.secret})
    except DorflichtError:
        await store.write(lambda tx: _change(tx, taken, replace(taken, used_at=None)))
        raise
    with suppress(UnavailableError):  # the secret opens and must be told; the code is void as long as it does
        if not await store.write(lambda tx: _change(tx, taken, replace(taken, expires_at=now))):
            await access.revoke(credential.controller)
            raise ConflictError("code: it was withdrawn while the claim was under way.")
    return credential


async def replace_device(
    store: Store, access: Access, farewell: Farewell, key: ControllerKey, now: datetime, valid: timedelta
) -> Label:
    """Make room for another device: the old one's secret opens nothing, what it said is forgotten, a code is made.

    The new one may count its sessions, boots and reports from 1. When it breaks off, the same call finishes it.
    """
    await access.known()  # a broker that is away is said before anything is changed
    label = await store.write(lambda tx: _new_code(tx, key, now, valid))
    await access.revoke(key)
    await _empty(store, farewell, key, await store.read(lambda tx: _state(tx, key)))
    return label


async def revoke(store: Store, access: Access, farewell: Farewell, key: ControllerKey, now: datetime) -> None:
    """Shut a controller out: its connection closes, its secret and its claim code are void, and it is told offline.

    Also for one that the inventory has no more. When it breaks off, the same call finishes it.
    """
    let_in = await access.known()
    state = await store.write(lambda tx: _void(tx, key, now))
    if state is None and key not in let_in:
        raise _unknown(key)
    await access.revoke(key)
    try:
        await farewell.say(key, 0 if state is None else state.session, ("plan", "desired"))
    except UnavailableError as error:
        raise UnavailableError(
            f"{_name(key)} is revoked, its secret opens nothing. But nobody was told that it is offline: "
            f"{error.detail} Repeat the command when the broker is back."
        ) from error


async def rotate(
    store: Store, access: Access, farewell: Farewell, key: ControllerKey, keep: Keep, now: datetime
) -> Credential:
    """Give the same device a new secret; `keep` has it before it opens anything. The old one is closed at once.

    ConflictError for a controller that is not let in, unless a claim was interrupted before it was.
    """
    let_in = await access.known()
    state, code = await store.read(lambda tx: (_state(tx, key), _code_of(tx, key)))
    if key not in let_in and not _interrupted(code, now):
        raise ConflictError(f"{_name(key)} is not let in. {_way_on(key, let_in)}")
    credential = Credential(key, token_urlsafe(32))
    keep(credential)
    await access.add({key: credential.secret})
    with suppress(UnavailableError):  # the secret must be told; the device says by itself how it is when it is back
        await farewell.say(key, state.session, ())
    return credential


async def _empty(store: Store, farewell: Farewell, key: ControllerKey, state: ControllerState) -> None:
    """Forget what was said in a controller's name, at the broker first: a running service must not hear it again."""
    await farewell.say(key, state.session, ("report", "status"))
    await store.write(lambda tx: tx.forget_controller(key))


def _take(tx: Tx, digest: str, let_in: set[ControllerKey], now: datetime) -> ClaimCode:
    """Mark a code as used, so that one claim alone goes on with it."""
    code = tx.claim_code(digest)
    if code is None:
        raise UnknownError(WRONG)
    name = _name(code.controller)
    if code.used_at is not None and not (_interrupted(code, now) and code.controller not in let_in):
        if code.controller not in let_in and now < code.expires_at:
            raise ConflictError("code: a claim with it is under way, or broke off just now. Try again in a minute.")
        raise ConflictError(
            f"code: it was used on {_day(code.used_at)}, and a code is good once. {_way_on(code.controller, let_in)}"
        )
    if now >= code.expires_at:
        raise ConflictError(f"code: it is not good since {_day(code.expires_at)}. {_way_on(code.controller, let_in)}")
    if code.controller in let_in:
        raise ConflictError(f"{name} was let in without this code. {_way_on(code.controller, let_in)}")
    taken = replace(code, used_at=now)
    tx.save_claim_code(taken)
    _welcome(tx, code.controller)
    return taken


def _welcome(tx: Tx, key: ControllerKey) -> None:
    """Nothing is known of the device that comes, nor what it holds.

    What a service recorded since the code was made had been on its way from the device before.
    """
    tx.forget_controller(key)
    plan, order = tx.sent_plans(key.municipality).get(key), tx.sent_orders([key]).get(key)
    tx.raise_counters(key, plan.plan_n + 1 if plan else 0, order.desired_n + 1 if order else 0)


def _change(tx: Tx, taken: ClaimCode, after: ClaimCode) -> bool:
    """Change a code that was taken, unless it was revoked or replaced meanwhile."""
    same = tx.claim_code(taken.digest) == taken
    if same:
        tx.save_claim_code(after)
    return same


def _interrupted(code: ClaimCode | None, now: datetime) -> bool:
    """Whether a claim began with this code and should have ended long since: an ended one left it expired."""
    if code is None or code.used_at is None:
        return False
    return code.used_at + CLAIM_WITHIN <= now < code.expires_at


def _new_code(tx: Tx, key: ControllerKey, now: datetime, valid: timedelta) -> Label:
    controller = _controller(tx, key)
    code = write_code([randbelow(len(ALPHABET)) for _ in range(RANDOM)])
    expires_at = now + valid
    tx.save_claim_code(ClaimCode(key, digest_of(read_code(code)), now, expires_at))
    home = tx.municipality(key.municipality)
    zones = {zone.key.zone: zone.name for zone in tx.zones(key.municipality, since=now)}
    return Label(
        key,
        code,
        expires_at,
        controller.name,
        key.municipality if home is None else home.name,
        "" if home is None else home.language,
        tuple((output.key.n, zones.get(output.zone, output.zone)) for output in controller.outputs),
    )


def _void(tx: Tx, key: ControllerKey, now: datetime) -> ControllerState | None:
    """End a controller's claim code; what is known of it, or None where the inventory does not have it."""
    if not tx.controllers_by_key([key]):
        return None
    code = _code_of(tx, key)
    if code is None:  # so that whoever reads it knows: this controller was shut out
        tx.save_claim_code(ClaimCode(key, token_urlsafe(32), now, now))
    elif now < code.expires_at:
        tx.save_claim_code(replace(code, expires_at=now))
    return _state(tx, key)


def _controller(tx: Tx, key: ControllerKey) -> Controller:
    found = tx.controllers_by_key([key])
    if not found:
        raise _unknown(key)
    return found[0]


def _state(tx: Tx, key: ControllerKey) -> ControllerState:
    return tx.controller_states([_controller(tx, key).key])[key]


def _code_of(tx: Tx, key: ControllerKey) -> ClaimCode | None:
    return next((code for code in tx.claim_codes(key.municipality) if code.controller == key), None)


def _way_on(key: ControllerKey, let_in: set[ControllerKey]) -> str:
    name = _name(key)
    if key not in let_in:
        return f"“dorflicht controller add {name}” makes a new code."
    return (
        f"For a new secret for the same device: “dorflicht controller rotate {name}”; for another device in its place: "
        f"“dorflicht controller replace {name}”."
    )


def _unknown(key: ControllerKey) -> UnknownError:
    return UnknownError(
        f"controller: there is no {_name(key)} in the inventory; “dorflicht import” reads it from its municipality's "
        "file."
    )


def _name(key: ControllerKey) -> str:
    return f"{key.municipality}/{key.controller}"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
