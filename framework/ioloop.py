"""The event loop: `IOLoop`, and `PeriodicCallback` for what happens again and again."""

from __future__ import annotations

import datetime
import inspect
import math
import random
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from framework.concurrent import Future
from framework.gen import convert_yielded
from framework.log import app_log
from framework.platform.asyncio import IOLoop
from framework.platform.loops import new_asyncio_loop
from framework.util import TimeoutError  # noqa: A004

__all__ = ["IOLoop", "PeriodicCallback", "TimeoutError", "new_asyncio_loop"]


class PeriodicCallback:
    """Calls a function again and again, at multiples of a span from the moment of `start`.

    A call that lasts longer than the span lets the calls it overlaps be left out; a coroutine is waited
    for. Errors are logged and do not end the series.

    :arg callback: a function without arguments; what it returns is waited for if it can be.
    :arg callback_time: milliseconds, or a `datetime.timedelta`.
    :arg jitter: by how much of the span a call may be early or late at random: 0.1 means within 5 % either
        way, so that the processes of a cluster do not act in step.
    :raises ValueError: `callback_time` is not positive.
    """

    def __init__(
        self,
        callback: Callable[[], Awaitable[Any] | None],
        callback_time: datetime.timedelta | float,
        jitter: float = 0,
    ) -> None:
        self.callback = callback
        if isinstance(callback_time, datetime.timedelta):
            self.callback_time: float = callback_time / datetime.timedelta(milliseconds=1)
        else:
            self.callback_time = callback_time
        if self.callback_time <= 0:
            raise ValueError("Periodic callback must have a positive callback_time")
        self.jitter = jitter
        self._running = False
        self._timeout: object | None = None
        self._next_timeout = 0.0

    def start(self) -> None:
        """Starts the series in the current loop; the first call is one span from now."""
        if self._running:
            return
        self.io_loop = IOLoop.current()
        self._running = True
        self._next_timeout = self.io_loop.time()
        self._schedule_next()

    def stop(self) -> None:
        """Ends the series; a call that is under way is not interrupted."""
        self._running = False
        if self._timeout is not None:
            self.io_loop.remove_timeout(self._timeout)
            self._timeout = None

    def is_running(self) -> bool:
        """Whether `start` was called, and `stop` not since."""
        return self._running

    def _run(self) -> None:
        this = self._timeout
        try:
            result = self.callback()
            future = convert_yielded(result) if inspect.isawaitable(result) else None
        except Exception:
            self._log_error(sys.exc_info()[1])
            future = None
        if future is None:
            self._ended(this)
        else:
            self.io_loop.add_future(future, lambda done: self._awaited(this, done))

    def _awaited(self, this: object, future: Future[Any]) -> None:
        error = None if future.cancelled() else future.exception()
        if error is not None:
            self._log_error(error)
        self._ended(this)

    def _ended(self, this: object) -> None:
        # A series that was stopped and started again meanwhile has its own next call.
        if self._running and self._timeout is this:
            self._schedule_next()

    def _log_error(self, error: BaseException | None) -> None:
        app_log.error("Exception in callback %r", self.callback, exc_info=error)

    def _schedule_next(self) -> None:
        self._update_next(self.io_loop.time())
        self._timeout = self.io_loop.add_timeout(self._next_timeout, self._run)

    def _update_next(self, current_time: float) -> None:
        span = self.callback_time / 1000.0
        if self.jitter:
            span *= 1 + self.jitter * (random.random() - 0.5)  # noqa: S311
        if self._next_timeout <= current_time:
            # The next multiple that is still to come, counted from the last one so that nothing drifts.
            self._next_timeout += (math.floor((current_time - self._next_timeout) / span) + 1) * span
        else:
            # The timer was early, or the clock was set back: a call that was due must not come twice.
            self._next_timeout += span
