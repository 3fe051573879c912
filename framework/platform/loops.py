"""The asyncio loops below everything: where they are made and how a thread's own is found.

This is the only module that decides between uvloop and asyncio's own loop.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib
import os
import sys
import time

__all__ = [
    "LOOP_VARIABLE",
    "create_future",
    "current_loop",
    "new_asyncio_loop",
    "seconds_until",
    "thread_loop",
]

LOOP_VARIABLE = "FRAMEWORK_LOOP"

_get_running_loop = asyncio._get_running_loop


def new_asyncio_loop() -> asyncio.AbstractEventLoop:
    """Makes an event loop: uvloop's where uvloop is installed, else asyncio's own.

    The environment variable ``FRAMEWORK_LOOP`` set to ``asyncio`` or ``uvloop`` decides instead.

    :raises ValueError: ``FRAMEWORK_LOOP`` has another value.
    :raises ImportError: ``FRAMEWORK_LOOP=uvloop`` and uvloop is not installed.
    """
    wanted = os.environ.get(LOOP_VARIABLE, "")
    if wanted not in ("", "asyncio", "uvloop"):
        raise ValueError(f"{LOOP_VARIABLE} is {wanted!r}; it may be 'asyncio', 'uvloop' or empty")
    if wanted != "asyncio":
        try:
            uvloop = importlib.import_module("uvloop")
        except ImportError:
            if wanted == "uvloop":
                raise
        else:
            loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
            return loop
    return asyncio.new_event_loop()


def thread_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs in this thread or, when none runs, the open one set for it; None without either."""
    loop = _get_running_loop()
    if loop is None:
        loop = _set_loop()
    return None if loop is None or loop.is_closed() else loop


def current_loop() -> asyncio.AbstractEventLoop:
    """This thread's loop; one is made and set for the thread if it has none."""
    loop = thread_loop()
    if loop is None:
        loop = new_asyncio_loop()
        asyncio.set_event_loop(loop)
    return loop


def create_future() -> asyncio.Future[object]:
    """A new future of this thread's loop, also before that loop runs."""
    # Half the cost of asking a running loop for it, which is half the cost of a ready `Queue.get`.
    return asyncio.Future() if _get_running_loop() is not None else current_loop().create_future()


def seconds_until(timeout: float | datetime.timedelta) -> float:
    """The seconds from now to `timeout`: a deadline as `time.time` counts, or a span from now.

    The result is negative for a deadline that has passed.

    :raises TypeError: `timeout` is neither a number nor a timedelta.
    """
    if isinstance(timeout, datetime.timedelta):
        return timeout.total_seconds()
    if isinstance(timeout, (int, float)):
        return timeout - time.time()
    raise TypeError(f"Unsupported deadline {timeout!r}")


# Python offers no question "which loop is set here?" before 3.14: asking makes one, with a warning that
# depends on version and thread. The policy's record answers it there; those versions no longer change.
if sys.version_info >= (3, 14):

    def _set_loop() -> asyncio.AbstractEventLoop | None:
        try:
            return asyncio.get_event_loop()
        except RuntimeError:
            return None

else:

    def _set_loop() -> asyncio.AbstractEventLoop | None:
        record = getattr(asyncio.get_event_loop_policy(), "_local", None)
        loop: asyncio.AbstractEventLoop | None = getattr(record, "_loop", None)
        return loop
