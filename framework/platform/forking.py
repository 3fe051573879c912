"""Event loops across `os.fork`: two processes must not share one."""

from __future__ import annotations

import asyncio

from framework.platform.asyncio import IOLoop
from framework.platform.loops import new_asyncio_loop, thread_loop

__all__ = ["release_loops", "renew_loops"]


def release_loops() -> list[IOLoop]:
    """Closes the asyncio loops of all idle `IOLoop` objects before a fork; `renew_loops` is for the child.

    Two processes must not share a loop: its descriptors are the same in both.

    :raises RuntimeError: a loop runs or waits for something, which would be lost.
    """
    set_here = thread_loop()
    loops = dict.fromkeys(loop for loop in [set_here, *IOLoop._of_asyncio_loop] if loop is not None)
    idle = {loop: IOLoop._of_asyncio_loop.get(loop) for loop in loops if not loop.is_closed()}
    for loop, io_loop in idle.items():
        reason = _busy(loop, io_loop)
        if reason is not None:
            raise RuntimeError(f"Cannot fork: {reason}. Start the processes before anything else")
    for loop in idle:
        IOLoop._of_asyncio_loop.pop(loop, None)
        loop.close()
    if set_here is not None:
        asyncio.set_event_loop(None)
    return [io_loop for io_loop in idle.values() if io_loop is not None]


def _busy(loop: asyncio.AbstractEventLoop, io_loop: IOLoop | None) -> str | None:
    if loop.is_running() or asyncio._get_running_loop() is not None:
        return "an event loop is running"
    if asyncio.all_tasks(loop):
        return "tasks wait in the event loop"
    if io_loop is not None and io_loop.handlers:
        return f"the event loop has handlers for the descriptors {sorted(io_loop.handlers)}"
    if io_loop is not None and io_loop._filled:
        return "callbacks or timeouts wait in the event loop"
    return None


def renew_loops(loops: list[IOLoop]) -> None:
    """Gives each of `release_loops`' answer a fresh asyncio loop; the last one becomes the thread's own."""
    for io_loop in loops:
        io_loop.asyncio_loop = io_loop.selector_loop = new_asyncio_loop()
        IOLoop._of_asyncio_loop[io_loop.asyncio_loop] = io_loop
        io_loop._set_current()
