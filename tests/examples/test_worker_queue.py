"""The worker queue: bounded, with workers that share the jobs and outlive those that fail."""

from __future__ import annotations

import asyncio
import logging

import pytest

from examples.worker_queue import Workers, is_prime
from tests.examples.site import ROOT
from tests.programs import Program

pytestmark = pytest.mark.both_loops


async def test_jobs_are_done_a_few_at_a_time_and_who_puts_more_waits() -> None:
    begun: list[int] = []
    go_on = asyncio.Event()

    async def work(job: int) -> None:
        begun.append(job)
        await go_on.wait()

    workers = Workers(work, count=2, waiting=3)
    putting = asyncio.ensure_future(_put(workers, range(10)))
    for _ in range(20):
        await asyncio.sleep(0)
    # Two are being done and three wait: the sixth is not taken on.
    assert begun == [0, 1]
    assert not putting.done()
    go_on.set()
    await putting
    await workers.close()
    assert sorted(begun) == list(range(10))


async def _put(workers: Workers[int], jobs: range) -> None:
    for job in jobs:
        await workers.put(job)


async def test_a_job_that_fails_is_logged_and_its_worker_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    done = []

    async def work(job: int) -> None:
        if job % 2:
            raise ValueError(f"{job} is odd")
        done.append(job)

    workers = Workers(work, count=2, waiting=3)
    with caplog.at_level(logging.ERROR, "worker_queue"):
        await _put(workers, range(6))
        await workers.close()
    assert done == [0, 2, 4]
    assert workers.failures == 3
    assert "ValueError: 3 is odd" in caplog.text


def test_primes() -> None:
    assert [number for number in range(-1, 30) if is_prime(number)] == [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]


def test_as_a_program_with_processes_for_the_arithmetic() -> None:
    program = Program(
        ROOT,
        "-W",
        "error",
        "-m",
        "examples.worker_queue",
        "--workers=2",
        "--waiting=1",
        "10007",
        "10008",
        "ten",
        "7",
    )
    try:
        assert program.end() == 1
        assert {"10007: prime", "10008: not prime", "7: prime"} <= set(program.seen)
        assert any("the job 'ten' has failed" in line for line in program.seen)
    finally:
        program.close()
