"""The simulator: runs simulations in threads of its own, short ones beside long ones, each kind one after another.

Jobs are kept in memory: a simulation that a restart interrupts is asked for again.
"""

import asyncio
import logging
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from secrets import token_hex

from service.domain.simulate import Progress
from service.domain.words import JobState
from service.errors import InvalidError, UnavailableError
from service.usecases.simulating import Prepared
from service.usecases.simulation_report import Job, ReportBody, report_of

log = logging.getLogger(__name__)

MOST_WAITING = 5
"""Simulations of a municipality that may wait for their turn or run."""

MOST_KEPT = 20
"""Simulations of a municipality that are remembered; the oldest finished ones go first."""

SHORT = 20_000
"""Work (see Prepared.work) up to which a simulation is a short one: about a second."""


class _StoppedError(Exception):
    """The service ends, and the simulation with it."""


class Simulator:
    """Takes simulations and runs them while its event loop lives."""

    def __init__(self) -> None:
        """Prepare; threads begin with the first simulation."""
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._turns = {True: asyncio.Lock(), False: asyncio.Lock()}
        self._threads = ThreadPoolExecutor(2, "simulator")
        self._tasks: dict[asyncio.Task[None], str] = {}
        self._stopping = threading.Event()

    def begin(self, prepared: Prepared) -> Job:
        """Queue a simulation. UnavailableError while too many of its municipality wait."""
        municipality, asked = prepared.inventory.municipality.id, prepared.question
        if list(self._tasks.values()).count(municipality) >= MOST_WAITING:
            raise UnavailableError("Other simulations are running; please try again in a minute.")
        job = Job(token_hex(8), municipality, (asked.last - asked.first).days + 1)
        self._jobs[job.id] = job
        self._forget(municipality)
        task = asyncio.get_running_loop().create_task(self._run(job, prepared))
        self._tasks[task] = municipality
        task.add_done_callback(partial(self._ended, job))
        return job

    def job(self, municipality: str, job: str) -> Job | None:
        """A simulation of a municipality by its id, as long as it is remembered."""
        found = self._jobs.get(job)
        return found if found is not None and found.municipality == municipality else None

    async def close(self) -> None:
        """Break off what runs and end the threads."""
        self._stopping.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)

    def _forget(self, municipality: str) -> None:
        own = [job for job in self._jobs.values() if job.municipality == municipality]
        finished = [job.id for job in own if job.finished.is_set()]
        for job in finished[: max(0, len(own) - MOST_KEPT)]:
            del self._jobs[job]

    def _ended(self, job: Job, task: asyncio.Task[None]) -> None:
        """Also for a task that was broken off before it began."""
        del self._tasks[task]
        if job.state is not JobState.DONE:
            job.state = JobState.FAILED
            job.error = job.error or "The simulation was broken off."
        job.finished.set()

    async def _run(self, job: Job, prepared: Prepared) -> None:
        try:
            async with self._turns[prepared.work <= SHORT]:
                job.state = JobState.RUNNING
                loop = asyncio.get_running_loop()
                job.report = await loop.run_in_executor(self._threads, self._work, job, prepared)
                job.state = JobState.DONE
        except InvalidError as error:
            job.error = error.detail
        except Exception:
            log.exception("A simulation broke")
            job.error = "Something went wrong on our side."

    def _work(self, job: Job, prepared: Prepared) -> ReportBody:
        def tell(done: Progress) -> None:
            job.nights = done.nights
            if self._stopping.is_set():
                raise _StoppedError

        return report_of(prepared.run(tell))
