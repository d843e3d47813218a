"""The simulator: runs simulations one after another in a thread of its own, a few nights at a time.

Jobs are kept in memory: a simulation that a restart interrupts is asked for again.
"""

import asyncio
import logging
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from secrets import token_hex

from service.domain.scenarios import Outcome
from service.domain.simulate import Progress, Simulation
from service.domain.words import JobState
from service.errors import UnavailableError
from service.usecases.simulating import Job, Prepared, answered

log = logging.getLogger(__name__)

MOST_WAITING = 5
"""Simulations that may wait for their turn or run."""

MOST_KEPT = 20
"""Simulations that are remembered; the oldest finished ones go first."""

_AT_ONCE = 25
"""Nights between two looks at whether to go on."""


class Simulator:
    """Takes simulations and runs them while its event loop lives."""

    def __init__(self) -> None:
        """Prepare; threads begin with the first simulation."""
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._turn = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, "simulator")
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, prepared: Prepared) -> Job:
        """Queue a simulation. InvalidError for one that cannot be run, UnavailableError while too many wait."""
        simulation = prepared.start()
        if len(self._tasks) >= MOST_WAITING:
            raise UnavailableError("Other simulations are running; please try again in a minute.")
        nights = (prepared.question.last - prepared.question.first).days + 1
        job = Job(token_hex(8), prepared.inventory.municipality.id, JobState.WAITING, 0, nights)
        self._jobs[job.id] = job
        self._forget()
        task = asyncio.get_running_loop().create_task(self._run(job, prepared, simulation))
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, job))
        return job

    def job(self, municipality: str, job: str) -> Job | None:
        """A simulation of a municipality by its id, as long as it is remembered."""
        found = self._jobs.get(job)
        return found if found is not None and found.municipality == municipality else None

    async def close(self) -> None:
        """Break off what runs and end the thread."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._thread.shutdown(cancel_futures=True)

    def _forget(self) -> None:
        finished = [job.id for job in self._jobs.values() if job.finished.is_set()]
        for job in finished[: max(0, len(self._jobs) - MOST_KEPT)]:
            del self._jobs[job]

    def _ended(self, job: Job, task: asyncio.Task[None]) -> None:
        """Also for a task that was broken off before it began."""
        self._tasks.discard(task)
        if job.state is not JobState.DONE:
            job.state = JobState.FAILED
        job.finished.set()

    async def _run(self, job: Job, prepared: Prepared, simulation: Simulation) -> None:
        try:
            async with self._turn:
                job.state = JobState.RUNNING
                outcomes = await self._steps(job, simulation)
                job.answer = answered(prepared, outcomes)
                job.state = JobState.DONE
        except Exception:
            log.exception("A simulation broke")

    async def _steps(self, job: Job, simulation: Simulation) -> tuple[Outcome, ...]:
        loop = asyncio.get_running_loop()
        while True:
            done = await loop.run_in_executor(self._thread, _advance, simulation)
            if not isinstance(done, Progress):
                job.nights = job.of
                return done
            job.nights = done.nights


def _advance(simulation: Simulation) -> Progress | tuple[Outcome, ...]:
    """Some nights more: how far that is, or the outcomes."""
    progress = Progress(0, 0)
    for _ in range(_AT_ONCE):
        try:
            progress = next(simulation)
        except StopIteration as finished:
            outcomes: tuple[Outcome, ...] = finished.value
            return outcomes
    return progress
