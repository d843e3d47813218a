"""The simulator: one after another, a few at a time, and it remembers only so many."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from service.domain.inventory import Inventory
from service.domain.scenarios import Scenario
from service.domain.words import Channel, JobState
from service.errors import UnavailableError
from service.loops.simulator import MOST_KEPT, MOST_WAITING, Simulator
from service.usecases.simulating import Prepared, Question
from service.usecases.simulation_report import Job
from tests.unit.villages import luetjenholm

FIRST = date(2026, 11, 20)


def prepared(last: date, village: Inventory | None = None) -> Prepared:
    """One scenario without presses."""
    village = village or luetjenholm()
    question = Question(FIRST, last, {"draft": {}}, None)
    return Prepared(village, question, (Scenario("today", village.zones),), {}, {})


async def finished(*jobs: Job) -> None:
    async with asyncio.timeout(60):
        for job in jobs:
            await job.finished.wait()


async def test_a_job_tells_how_far_it_is_and_what_came_of_it() -> None:
    simulator = Simulator()
    try:
        job = simulator.begin(prepared(date(2026, 12, 31)))
        assert (job.state, job.nights, job.of, job.report) == (JobState.WAITING, 0, 42, None)
        await finished(job)
        assert (job.state, job.nights) == (JobState.DONE, 42)
        assert job.report is not None
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


async def test_what_breaks_says_that_it_came_to_nothing() -> None:
    simulator = Simulator()
    try:
        job = simulator.begin(prepared(date(2026, 1, 1)))  # ends before it begins; prepare() lets no such question in
        await finished(job)
        assert (job.state, job.report) == (JobState.FAILED, None)
        assert job.error is not None
    finally:
        await simulator.close()


async def test_a_short_one_does_not_wait_for_a_long_one() -> None:
    simulator = Simulator()
    try:
        long = replace(prepared(date(2031, 11, 1)), recorded={("dorf", FIRST, Channel.WEB): 100_000})
        began = simulator.begin(long)
        await finished(simulator.begin(prepared(FIRST)))
        assert not began.finished.is_set()
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
    assert (waiting.state, waiting.report) == (JobState.FAILED, None)
    assert waiting.error is not None
