"""Coroutines that nobody awaits: kept alive, and heard of when they fail."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Coroutine
from typing import Any

from framework.log import app_log

__all__ = ["run_in_background", "start"]

# The loop itself holds tasks by weak references only.
_running: set[asyncio.Future[Any]] = set()


if sys.version_info >= (3, 12):

    def start(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
        """A task for a coroutine that has already run up to its first wait, if it has one."""
        task = asyncio.Task(coroutine, loop=loop, eager_start=True)
        if not task.done():
            _running.add(task)
            task.add_done_callback(_running.discard)
        return task

else:

    def start(coroutine: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> asyncio.Task[Any]:
        """A task for a coroutine. Before Python 3.12 it begins with the loop's next turn."""
        task = loop.create_task(coroutine)
        _running.add(task)
        task.add_done_callback(_running.discard)
        return task


def run_in_background(awaitable: Awaitable[Any]) -> None:
    """Lets an awaitable run on the running loop; what it raises is logged."""
    future = asyncio.ensure_future(awaitable)
    _running.add(future)
    future.add_done_callback(_ended)


def _ended(future: asyncio.Future[Any]) -> None:
    _running.discard(future)
    if not future.cancelled():
        error = future.exception()
        if error is not None:
            app_log.error("Uncaught exception in a background task", exc_info=error)
