"""Measures queues and locks: framework's, Tornado's and asyncio's own have the same methods.

All on the loop that the rest of the peer is measured on.
"""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from benchmarks.program import Count, arguments, run

#: So that both sides have to wait again and again.
SIZE = 16
ITEMS = 1000
TASKS = 64


async def queue(module: Any, seconds: float) -> None:
    """Hand items from one task to another through a short queue."""
    queue = module.Queue(SIZE)
    count = Count(seconds)

    async def produce() -> None:
        for number in range(ITEMS):
            await queue.put(number)

    async def consume() -> None:
        for number in range(ITEMS):
            if await queue.get() != number:
                raise ValueError("items came in another order")
            queue.task_done()

    while count.goes_on():
        await asyncio.gather(produce(), consume())
        count.number += ITEMS
    count.tell()


async def lock(module: Any, seconds: float) -> None:
    """Hand a lock from task to task: whoever has it lets the others run, and they all want it."""
    lock = module.Lock()
    count = Count(seconds)

    async def take() -> None:
        while count.goes_on():
            for _ in range(ITEMS // TASKS):
                async with lock:
                    count.number += 1
                    await asyncio.sleep(0)

    await asyncio.gather(*[take() for _ in range(TASKS)])
    count.tell()


async def main() -> None:
    given = arguments()
    if given.workload == "queue":
        await queue(_module(given.peer, "queues"), given.seconds)
    else:
        await lock(_module(given.peer, "locks"), given.seconds)


def _module(peer: str, name: str) -> Any:
    return asyncio if peer == "asyncio" else import_module(f"{peer}.{name}")


if __name__ == "__main__":
    run(main)
