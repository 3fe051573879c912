"""What an event loop owes its tasks before it is closed."""

from __future__ import annotations

import asyncio
from typing import Any

from framework.log import app_log

__all__ = ["CLOSE_SECONDS", "end_tasks"]

# How long `end_tasks` waits for the tasks it cancelled.
CLOSE_SECONDS = 5.0


def end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancels the tasks of a loop that stands, lets them finish, and closes its asynchronous generators."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    settled = loop.create_task(_settle(loop, tasks))
    settled.add_done_callback(lambda _: loop.stop())
    # Not run_until_complete: what a cancelled task does at its end may be to stop the loop.
    while not settled.done():
        loop.run_forever()
    settled.result()


async def _settle(loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[Any]]) -> None:
    if tasks:
        done, stuck = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        for task in done:
            if not task.cancelled() and task.exception() is not None:
                app_log.error("Exception in %r while its loop was closed", task, exc_info=task.exception())
        for task in stuck:
            app_log.error("%r did not end when it was cancelled: its loop is closed under it", task)
    await loop.shutdown_asyncgens()
