"""The simulator: one after another, a few at a time, and it remembers only so many."""

import asyncio
from datetime import date

import pytest

from service.domain.inventory import Inventory
from service.domain.scenarios import today
from service.domain.words import JobState
from service.errors import InvalidError, UnavailableError
from service.loops.simulator import MOST_KEPT, MOST_WAITING, Simulator
from service.usecases.simulating import Job, Prepared, Question
from tests.unit.villages import luetjenholm

FIRST = date(2026, 11, 20)


def prepared(last: date, village: Inventory | None = None) -> Prepared:
    """One scenario without presses."""
    village = village or luetjenholm()
    question = Question(FIRST, last, {"draft": {}}, None)
    return Prepared(village, question, (today("today", village),), ())


async def finished(*jobs: Job) -> None:
    async with asyncio.timeout(60):
        for job in jobs:
            await job.finished.wait()


async def test_a_job_tells_how_far_it_is_and_what_came_of_it() -> None:
    simulator = Simulator()
    try:
        job = simulator.begin(prepared(date(2026, 12, 31)))
        assert (job.state, job.nights, job.of, job.answer) == (JobState.WAITING, 0, 42, None)
        await finished(job)
        assert (job.state, job.nights) == (JobState.DONE, 42)
        assert job.answer is not None
        assert simulator.job("luetjenholm", job.id) is job
        assert simulator.job("glasau", job.id) is None, "another village's"
    finally:
        await simulator.close()


async def test_only_so_many_wait_and_only_so_many_are_remembered() -> None:
    simulator = Simulator()
    try:
        jobs = [simulator.begin(prepared(FIRST)) for _ in range(MOST_WAITING)]
        with pytest.raises(UnavailableError, match="a minute"):
            simulator.begin(prepared(FIRST))
        await finished(*jobs)
        for _ in range(MOST_KEPT):
            last = simulator.begin(prepared(FIRST))
            await finished(last)
        assert simulator.job("luetjenholm", jobs[0].id) is None
        assert simulator.job("luetjenholm", last.id) is last
    finally:
        await simulator.close()


async def test_what_cannot_be_run_is_refused_at_once() -> None:
    simulator = Simulator()
    try:
        with pytest.raises(InvalidError, match="last"):
            simulator.begin(prepared(date(2026, 1, 1)))
    finally:
        await simulator.close()


async def test_closing_breaks_off_what_runs() -> None:
    simulator = Simulator()
    job = simulator.begin(prepared(date(2031, 11, 1)))
    waiting = simulator.begin(prepared(FIRST))
    async with asyncio.timeout(30):
        await simulator.close()
    assert job.finished.is_set()
    assert waiting.finished.is_set()
    assert (waiting.state, waiting.answer) == (JobState.FAILED, None)
