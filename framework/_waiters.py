"""Futures that wait in line: what locks and queues are made of.

A waiter is an asyncio future, so that generator coroutines can yield it. What sets it apart is what
happens when its task is cancelled in the moment between being served and running on: a plain future
would keep the permit or the item to itself, and nobody would ever get it.
"""

from __future__ import annotations

import asyncio
import datetime
from collections import OrderedDict
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from framework.concurrent import Future
from framework.platform.loops import current_loop, seconds_until

__all__ = ["Done", "Line", "Waiter"]

T = TypeVar("T")

_get_running_loop = asyncio._get_running_loop


class Waiter(Future[T]):
    """A place in a `Line`, and what it was served with."""

    _line: Line[T]

    def cancel(self, msg: Any | None = None) -> bool:
        """Leaves the line."""
        if not super().cancel(msg):
            return False
        self._line._leave(self)
        return True

    def __await__(self) -> Generator[Any, None, T]:
        if not self.done():
            self._asyncio_future_blocking = True
            try:
                # As asyncio's own futures tell the task what it waits for.
                yield self
            except asyncio.CancelledError:
                if self.done() and not self.cancelled() and self.exception() is None:
                    # The task was cancelled after it was served and before it could take what it got.
                    self._line.returned(self.result())
                raise
        return self.result()

    __iter__ = __await__


_NOTHING: Any = iter(())


class Done(Future[None]):
    """A future that is done from the start; others wait for the same one.

    To await one of asyncio's takes twice as long: each time it makes an object to wait with.
    """

    def __await__(self) -> Generator[Any, None, None]:
        return _NOTHING  # type: ignore[no-any-return]

    __iter__ = __await__


class Line(OrderedDict[asyncio.Future[T], Any]):
    """Waiters and their tags, the longest waiting first. One that gives up leaves at once.

    A dict, because leaving from the middle costs no more than from the ends.

    :arg returned: called with what a waiter was served when its task was cancelled before it took it.
    """

    def __init__(self, returned: Callable[[T], None]) -> None:
        super().__init__()
        self.returned = returned
        # Of those who wait for a limited time.
        self._timers: dict[asyncio.Future[T], asyncio.TimerHandle] = {}

    def wait(
        self,
        timeout: float | datetime.timedelta | None = None,
        tag: Any = None,
        expire: Callable[[Waiter[T]], None] | None = None,
    ) -> Waiter[T]:
        """Joins the end of the line.

        :arg timeout: a deadline or a span after which the waiter leaves the line.
        :arg tag: kept with the waiter; `serve_next` gives it back.
        :arg expire: settles the waiter whose time is over; else it gets a `TimeoutError`.
        """
        delay = None if timeout is None else seconds_until(timeout)
        waiter: Waiter[T] = Waiter(loop=_get_running_loop() or current_loop())
        waiter._line = self
        self[waiter] = tag
        if delay is not None:
            self._timers[waiter] = waiter.get_loop().call_later(max(0, delay), self._expire, waiter, expire)
        return waiter

    async def pass_through(self) -> T:
        """Waits for as long as it takes: `wait` for those who await at once, at a third of its cost."""
        waiter: asyncio.Future[T] = asyncio.Future()
        self[waiter] = None
        try:
            return await waiter
        except asyncio.CancelledError:
            self._leave(waiter)
            if waiter.done() and not waiter.cancelled():
                # Served, and cancelled before it could take what it got.
                self.returned(waiter.result())
            raise

    def serve(self, value: T) -> bool:
        """Serves the first in line; False if nobody waits."""
        return self.serve_next(value) is not None

    def serve_next(self, value: T) -> tuple[Any] | None:
        """As `serve`, for those who need the waiter's tag: it comes in a tuple."""
        if not self:
            return None
        waiter, tag = self.popitem(last=False)
        while waiter.done():
            # Cancelled, and its task has not run since to leave.
            if not self:
                return None
            waiter, tag = self.popitem(last=False)
        if self._timers:
            self._stop_timer(waiter)
        waiter.set_result(value)
        return (tag,)

    def _stop_timer(self, waiter: asyncio.Future[T]) -> None:
        timer = self._timers.pop(waiter, None)
        if timer is not None:
            timer.cancel()

    def _leave(self, waiter: asyncio.Future[T]) -> None:
        self.pop(waiter, None)
        self._stop_timer(waiter)

    def _expire(self, waiter: Waiter[T], expire: Callable[[Waiter[T]], None] | None) -> None:
        self._leave(waiter)
        if expire is not None:
            expire(waiter)
        else:
            waiter.set_exception(TimeoutError())
