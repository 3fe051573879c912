"""Workers that listen to a queue: jobs are put by whoever has some, and done a few at a time.

    python -m examples.worker_queue --workers=3 10007 10008 10009

says of each number whether it is prime. The arithmetic runs in other processes, one for each worker, so the loop stays
free for other things.
"""

from __future__ import annotations

import logging
import multiprocessing
import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Generic, TypeVar

from framework.gen import convert_yielded, multi
from framework.ioloop import IOLoop
from framework.options import define, options, parse_command_line
from framework.queues import Queue

__all__ = ["Workers", "is_prime"]

T = TypeVar("T")

logger = logging.getLogger("worker_queue")


class Workers(Generic[T]):
    """Coroutines that take jobs from a queue, for ever. A job that fails is logged, and its worker goes on.

    :arg work: does one job.
    :arg count: how many there are.
    :arg waiting: jobs that may wait; `put` waits while there are as many.
    """

    def __init__(self, work: Callable[[T], Awaitable[None]], count: int, waiting: int) -> None:
        self.failures = 0
        self._work = work
        self._count = count
        # None tells a worker that there is no more.
        self._queue: Queue[T | None] = Queue(maxsize=waiting)
        self._running = convert_yielded(multi([self._listen() for _ in range(count)]))

    async def put(self, job: T) -> None:
        """Has a job done, once there is room for it."""
        await self._queue.put(job)

    async def close(self) -> None:
        """Returns when all jobs that were put are done and the workers have gone."""
        await self._queue.join()
        for _ in range(self._count):
            await self._queue.put(None)
        await self._running

    async def _listen(self) -> None:
        async for job in self._queue:
            if job is None:
                return
            try:
                await self._work(job)
            except Exception:
                self.failures += 1
                logger.exception("the job %r has failed", job)
            finally:
                self._queue.task_done()


def is_prime(number: int) -> bool:
    """Whether a number is prime, by trying."""
    if number < 2:
        return False
    divisor = 2
    while divisor * divisor <= number:
        if number % divisor == 0:
            return False
        divisor += 1
    return True


async def main(arguments: list[str]) -> int:
    """Says of each argument whether it is prime; the exit status."""
    # Forking would copy this process's loop.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, mp_context=context) as processes:

        async def work(text: str) -> None:
            found = await IOLoop.current().run_in_executor(processes, is_prime, int(text))
            print(f"{text}: {'prime' if found else 'not prime'}")

        workers = Workers(work, options.workers, options.waiting)
        for argument in arguments:
            await workers.put(argument)
        await workers.close()
    return 1 if workers.failures else 0


if __name__ == "__main__":
    define("workers", default=3, help="jobs that are done at the same time")
    define("waiting", default=10, help="jobs that may wait; who puts more has to wait as well")
    rest = parse_command_line()
    status: int = IOLoop.current().run_sync(lambda: main(rest))
    sys.exit(status)
