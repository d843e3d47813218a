"""Routes for technicians: controllers, faults, locks, commissioning tests, and a live watch."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from service.api.context import Context
from service.api.paths import MunicipalityId, ZoneName
from service.api.problems import responses
from service.api.staff import ActingAs, staff_guard
from service.api.technician_bodies import (
    ControllersAnswer,
    EndLockRequest,
    FaultAnswer,
    FaultsAnswer,
    Id,
    LockAnswer,
    LockBody,
    LockRequest,
    LocksAnswer,
    OutputTestAnswer,
    OutputTestRequest,
    RemarkRequest,
    WordsRequest,
    controller_body,
    fault_body,
    lock_body,
    output_test_body,
)
from service.api.technician_watch import TechnicianWatch
from service.domain.fault_life import acknowledge, close, note
from service.domain.faults import Fault
from service.domain.inventory import ID_PATTERN
from service.domain.maintenance import OutputTest
from service.domain.words import FaultKind, FaultState
from service.ports import STAFF, Tx
from service.usecases import maintenance, technician

ThingId = Annotated[str, Path(pattern=ID_PATTERN)]


def build(context: Context) -> APIRouter:
    """The router for technicians."""
    router = APIRouter(
        prefix="/api/v1/municipalities/{municipality}/technician",
        tags=["technicians"],
        responses=responses(401),
        dependencies=[Depends(staff_guard(context.staff_token))],
    )
    _controllers(router, context)
    _faults(router, context)
    _locks(router, context)
    _tests(router, context)
    return router


def _controllers(router: APIRouter, context: Context) -> None:
    @router.get("/controllers")
    async def controllers(municipality: MunicipalityId, by: ActingAs) -> ControllersAnswer:
        """All controllers with their outputs and meters, as they are known now."""
        now, speed = context.clock.now(), context.clock.speed
        views = await context.store.read(lambda tx: technician.look_at_controllers(tx, municipality, now, speed))
        return ControllersAnswer(controllers=[controller_body(view) for view in views], now=now, speed=speed)

    @router.get("/watch", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
    async def watch(municipality: MunicipalityId, by: ActingAs, request: Request) -> StreamingResponse:
        """A live watch: everything at first (`snapshot`), then controllers that differ with all open faults and locks
        (`changes`)."""
        stream = TechnicianWatch(context, municipality)
        await stream.open()
        return StreamingResponse(stream.run(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def _faults(router: APIRouter, context: Context) -> None:
    clock = context.clock

    @router.get("/faults")
    async def faults(
        municipality: MunicipalityId,
        by: ActingAs,
        state: Annotated[list[FaultState], Query(description="Open and acknowledged ones, where none is named.")] = [],  # noqa: B006 - FastAPI copies it
        kind: Annotated[list[FaultKind], Query()] = [],  # noqa: B006
        controller: Annotated[list[Id], Query(max_length=50)] = [],  # noqa: B006
        zone: Annotated[list[ZoneName], Query(max_length=50)] = [],  # noqa: B006
    ) -> FaultsAnswer:
        """Faults, the oldest first."""
        wanted = technician.FaultFilter(state or technician.STANDING, kind, controller, zone)
        found = await context.store.read(lambda tx: technician.list_faults(tx, municipality, wanted))
        return FaultsAnswer(faults=[fault_body(fault) for fault in found], now=clock.now(), speed=clock.speed)

    @router.get("/faults/{fault}")
    async def one_fault(municipality: MunicipalityId, fault: ThingId, by: ActingAs) -> FaultAnswer:
        """One fault with its history."""
        found = await context.store.read(lambda tx: technician.find_fault(tx, municipality, fault))
        return FaultAnswer(fault=fault_body(found), now=clock.now(), speed=clock.speed)

    async def changed(municipality: str, fault: str, change: Callable[[Fault], Fault]) -> FaultAnswer:
        after = await context.store.write(lambda tx: technician.change_fault(tx, municipality, fault, change))
        context.watch.ring(municipality, [STAFF])
        return FaultAnswer(fault=fault_body(after), now=clock.now(), speed=clock.speed)

    @router.post("/faults/{fault}/acknowledge", responses=responses(409))
    async def acknowledge_fault(
        municipality: MunicipalityId, fault: ThingId, by: ActingAs, said: RemarkRequest | None = None
    ) -> FaultAnswer:
        """Say that somebody takes care of a fault."""
        text = _text(said)
        return await changed(municipality, fault, lambda f: acknowledge(f, by, clock.now(), text))

    @router.post("/faults/{fault}/close", responses=responses(409))
    async def close_fault(
        municipality: MunicipalityId, fault: ThingId, by: ActingAs, said: RemarkRequest | None = None
    ) -> FaultAnswer:
        """Close a fault. It opens again by itself where its evidence stays or returns."""
        text = _text(said)
        return await changed(municipality, fault, lambda f: close(f, by, clock.now(), text))

    @router.post("/faults/{fault}/notes", responses=responses(409))
    async def note_fault(municipality: MunicipalityId, fault: ThingId, by: ActingAs, said: WordsRequest) -> FaultAnswer:
        """Add words to a fault."""
        return await changed(municipality, fault, lambda f: note(f, by, clock.now(), said.text))


def _text(said: RemarkRequest | None) -> str:
    return (said.text or "") if said is not None else ""


def _locks(router: APIRouter, context: Context) -> None:
    store, clock = context.store, context.clock

    @router.get("/locks")
    async def locks(municipality: MunicipalityId, by: ActingAs) -> LocksAnswer:
        """The locks that hold now, and those that ended within a day."""
        now = clock.now()

        def look(tx: Tx) -> list[LockBody]:
            found = maintenance.recent_locks(tx, municipality, now)
            return [
                lock_body(lock, dark=lock.ends > now and maintenance.is_dark(tx, lock, now, clock.speed))
                for lock in found
            ]

        return LocksAnswer(locks=await store.read(look), now=now, speed=clock.speed)

    @router.post("/locks", status_code=201, responses=responses(404))
    async def begin_lock(municipality: MunicipalityId, by: ActingAs, asked: LockRequest) -> LockAnswer:
        """Keep an output, a controller's outputs or a zone dark from now on, whatever asks for light, rescue included.

        A lock is no electrical isolation.
        """
        now = clock.now()
        wanted = maintenance.NewLock(
            asked.zone, asked.controller, asked.output, asked.reason, asked.until, asked.contact
        )
        lock = await store.write(lambda tx: maintenance.begin_lock(tx, municipality, wanted, by, now))
        context.rules_changed_in(municipality)
        return LockAnswer(lock=lock_body(lock), now=now, speed=clock.speed)

    @router.post("/locks/{lock}/end", responses=responses(409))
    async def end_lock(
        municipality: MunicipalityId, lock: ThingId, by: ActingAs, said: EndLockRequest | None = None
    ) -> LockAnswer:
        """Give a lock back: what asks for light lights these lamps at once. Somebody else's must be named so."""
        now, of_another = clock.now(), said is not None and said.of_another
        ended = await store.write(
            lambda tx: maintenance.end_lock(tx, municipality, lock, by, now, of_another=of_another)
        )
        context.rules_changed_in(municipality)
        return LockAnswer(lock=lock_body(ended), now=now, speed=clock.speed)


def _tests(router: APIRouter, context: Context) -> None:
    store, clock = context.store, context.clock

    async def answer(municipality: str, test: str) -> OutputTestAnswer:
        now = clock.now()
        view = await store.read(lambda tx: technician.look_at_test(tx, municipality, test))
        return OutputTestAnswer(test=output_test_body(view, now), now=now, speed=clock.speed)

    async def begun(municipality: str, work: Callable[[Tx], OutputTest]) -> OutputTestAnswer:
        test = await store.write(work)
        context.rules_changed_in(municipality)
        return await answer(municipality, test.id)

    @router.post("/controllers/{controller}/tests", status_code=201, responses=responses(409))
    async def begin_test(
        municipality: MunicipalityId, controller: ThingId, by: ActingAs, asked: OutputTestRequest
    ) -> OutputTestAnswer:
        """Light each output of a controller alone: its meter must follow that output and no other."""
        now = clock.now()
        work = partial(
            maintenance.begin_test,
            municipality=municipality,
            controller=controller,
            seconds=asked.seconds,
            by=by,
            now=now,
            speed=context.clock.speed,
        )
        return await begun(municipality, work)

    @router.get("/tests/{test}")
    async def one_test(municipality: MunicipalityId, test: ThingId, by: ActingAs) -> OutputTestAnswer:
        """A commissioning test: what each output's meter said, and the verdict when it is over."""
        return await answer(municipality, test)

    @router.post("/tests/{test}/end", responses=responses(409))
    async def end_test(municipality: MunicipalityId, test: ThingId, by: ActingAs) -> OutputTestAnswer:
        """Break a commissioning test off."""
        now = clock.now()
        return await begun(municipality, partial(maintenance.end_test, municipality=municipality, test=test, now=now))
