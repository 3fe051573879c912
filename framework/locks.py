"""Locks for coroutines: `Lock`, `Semaphore`, `BoundedSemaphore`, `Event` and `Condition`.

They coordinate the coroutines of one thread's loop and are no use between threads. Waiting is fair: who
waits longest is served first. A task that is cancelled while it waits takes nothing with it: the permit,
or the notification, that it was just given goes to the next in line.

Timeouts are a `datetime.timedelta` from now, or a deadline as `IOLoop.time` counts.
"""

from __future__ import annotations

import datetime
from collections.abc import Awaitable
from types import TracebackType
from typing import Any

from framework._waiters import Line, Waiter
from framework.concurrent import Future
from framework.platform.loops import create_future

__all__ = ["BoundedSemaphore", "Condition", "Event", "Lock", "Semaphore"]

Timeout = float | datetime.timedelta | None


class _ReleasingContextManager:
    """What `acquire` gives: ``with (yield semaphore.acquire()):`` releases at the end of the block."""

    __slots__ = ("_obj",)

    def __init__(self, obj: Semaphore | Lock) -> None:
        self._obj = obj

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self._obj.release()


class Condition:
    """Lets coroutines wait until another one notifies them. There is no lock in it."""

    def __init__(self) -> None:
        self._waiters: Line[bool] = Line(returned=lambda _: self.notify())

    def __repr__(self) -> str:
        waiting = f" waiters[{len(self._waiters)}]" if self._waiters else ""
        return f"<{type(self).__name__}{waiting}>"

    def wait(self, timeout: Timeout = None) -> Awaitable[bool]:
        """A future that is True when notified, False when the timeout passed before."""
        return self._waiters.wait(timeout, expire=lambda waiter: waiter.set_result(False))

    def notify(self, n: int = 1) -> None:
        """Wakes the `n` coroutines that wait longest."""
        while n > 0 and self._waiters.serve(True):
            n -= 1

    def notify_all(self) -> None:
        """Wakes all coroutines that wait now."""
        self.notify(len(self._waiters))


class Event:
    """A flag that coroutines wait for. Once set, waiting does not block until it is cleared."""

    def __init__(self) -> None:
        self._value = False
        # Nothing is lost with a waiter that goes: all are served alike.
        self._waiters: Line[None] = Line(returned=lambda _: None)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {'set' if self._value else 'clear'}>"

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._value

    def set(self) -> None:
        """Sets the flag and wakes all who wait."""
        self._value = True
        while self._waiters.serve(None):
            pass

    def clear(self) -> None:
        """Clears the flag: `wait` blocks again."""
        self._value = False

    def wait(self, timeout: Timeout = None) -> Awaitable[None]:
        """A future that is done when the flag is set.

        :raises TimeoutError: from the future, when the timeout passed before.
        """
        if self._value:
            future: Future[Any] = create_future()
            future.set_result(None)
            return future
        return self._waiters.wait(timeout, expire=_event_timeout)


def _event_timeout(waiter: Waiter[None]) -> None:
    waiter.set_exception(TimeoutError("Timeout"))


class _AsyncOnly:
    """What is entered by ``async with`` alone."""

    def __enter__(self) -> None:
        raise RuntimeError(f"Use 'async with' instead of 'with' for {type(self).__name__}")

    def __exit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.__enter__()


class Semaphore(_AsyncOnly):
    """A number of permits: `acquire` takes one, or waits until `release` gives one back.

    As ``async with semaphore:``, or ``with (yield semaphore.acquire()):`` in a generator coroutine.

    :raises ValueError: a negative number of permits.
    """

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._value = value
        self._waiters: Line[_ReleasingContextManager] = Line(returned=lambda _: self.release())

    def __repr__(self) -> str:
        state = f"unlocked,value:{self._value}" if self._value else "locked"
        if self._waiters:
            state = f"{state},waiters:{len(self._waiters)}"
        return f"<{type(self).__module__}.{type(self).__qualname__} object at {id(self):#x} [{state}]>"

    def release(self) -> None:
        """Gives a permit back: to who waits longest, if anybody does."""
        if not self._waiters or not self._waiters.serve(_ReleasingContextManager(self)):
            self._value += 1

    def acquire(self, timeout: Timeout = None) -> Awaitable[_ReleasingContextManager]:
        """A future that is done when a permit was taken; its result is a context manager that releases it.

        :raises TimeoutError: from the future, when the timeout passed before.
        """
        if not self._value:
            return self._waiters.wait(timeout)
        self._value -= 1
        waiter: Future[Any] = create_future()
        waiter.set_result(_ReleasingContextManager(self))
        return waiter

    def __exit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        # Under the name this API has for it here.
        traceback: TracebackType | None,
    ) -> None:
        self.__enter__()

    async def __aenter__(self) -> None:
        if self._value:
            self._value -= 1
        else:
            await self._waiters.pass_through()

    async def __aexit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.release()


class BoundedSemaphore(Semaphore):
    """A `Semaphore` that refuses more releases than there were acquisitions."""

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._initial_value = value

    def release(self) -> None:
        """As `Semaphore.release`.

        :raises ValueError: all permits are back already.
        """
        if self._value >= self._initial_value:
            raise ValueError("Semaphore released too many times")
        # Not by super(): this is the whole of an unlock.
        if not self._waiters or not self._waiters.serve(_ReleasingContextManager(self)):
            self._value += 1


class Lock(_AsyncOnly):
    """Lets one coroutine at a time pass.

    As ``async with lock:``, or ``with (yield lock.acquire()):`` in a generator coroutine.
    """

    def __init__(self) -> None:
        self._block = BoundedSemaphore(1)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} _block={self._block}>"

    def acquire(self, timeout: Timeout = None) -> Awaitable[_ReleasingContextManager]:
        """A future that is done when the lock was taken; its result is a context manager that releases it.

        :raises TimeoutError: from the future, when the timeout passed before.
        """
        return self._block.acquire(timeout)

    def release(self) -> None:
        """Unlocks, or hands the lock to who waits longest.

        :raises RuntimeError: the lock is not locked.
        """
        try:
            self._block.release()
        except ValueError:
            raise RuntimeError("release unlocked lock") from None

    async def __aenter__(self) -> None:
        block = self._block
        if block._value:
            block._value -= 1
        else:
            await block._waiters.pass_through()

    async def __aexit__(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.release()
