"""Queues for coroutines: `Queue`, `PriorityQueue` and `LifoQueue`.

They connect the coroutines of one thread's loop and are no use between threads; from another thread, put
by ``loop.add_callback(queue.put_nowait, item)``. Who waits longest is served first. A task that is
cancelled while it gets takes no item with it: the item it was just given is at the queue's front again.

Timeouts are a `datetime.timedelta` from now, or a deadline as `IOLoop.time` counts.
"""

from __future__ import annotations

import asyncio
import collections
import datetime
import heapq
from collections.abc import Awaitable
from typing import Any, Generic, TypeVar

from framework._waiters import Done, Line
from framework.concurrent import Future
from framework.locks import Event
from framework.platform.loops import create_future, current_loop

__all__ = ["LifoQueue", "PriorityQueue", "Queue", "QueueEmpty", "QueueFull"]

T = TypeVar("T")

Timeout = float | datetime.timedelta | None

_get_running_loop = asyncio._get_running_loop


class QueueEmpty(Exception):
    """`Queue.get_nowait` found no item."""


class QueueFull(Exception):
    """`Queue.put_nowait` found no room."""


class _QueueIterator(Generic[T]):
    __slots__ = ("_queue",)

    def __init__(self, queue: Queue[T]) -> None:
        self._queue = queue

    def __anext__(self) -> Awaitable[T]:
        return self._queue.get()


class Queue(Generic[T]):
    """Items from coroutines to coroutines, first in first out.

    ``async for item in queue:`` gets items for ever. A consumer that calls `task_done` for each item it
    has dealt with lets `join` tell when all work is done.

    :arg maxsize: how many items it holds at most; `put` waits for room. 0 means no limit.
    :raises ValueError: `maxsize` is negative. :raises TypeError: it is None.
    """

    # What subclasses hold their items in.
    _queue: Any = None

    def __init__(self, maxsize: int = 0) -> None:
        if maxsize is None:
            raise TypeError("maxsize can't be None")
        if maxsize < 0:
            raise ValueError("maxsize can't be negative")
        self._maxsize = maxsize
        self._init()
        self._getters: Line[T] = Line(returned=self._take_back)
        # Each waits with its item as the tag. One that is cancelled when it has put has put.
        self._putters: Line[None] = Line(returned=lambda _: None)
        # Whether nobody has another order: half of what is called for an item is not called then.
        self._plain = type(self)._put is Queue._put and type(self)._get is Queue._get
        self._done: Done
        self._done_loop: asyncio.AbstractEventLoop | None = None
        self._unfinished_tasks = 0
        self._finished = Event()
        self._finished.set()

    @property
    def maxsize(self) -> int:
        """How many items it holds at most; 0 means no limit."""
        return self._maxsize

    def qsize(self) -> int:
        """How many items it holds."""
        return len(self._queue)

    def empty(self) -> bool:
        """Whether it holds no item."""
        return not self._queue

    def full(self) -> bool:
        """Whether it has no room."""
        return self._maxsize > 0 and len(self._queue) >= self._maxsize

    def put(self, item: T, timeout: Timeout = None) -> Future[None]:
        """A future that is done when the item is in the queue.

        :raises TimeoutError: from the future, when the timeout passed before there was room.
        """
        if self._getters:
            self.put_nowait(item)
        elif 0 < self._maxsize <= len(self._queue):
            return self._putters.wait(timeout, tag=item)
        else:
            # `_add`, without the call.
            if not self._unfinished_tasks:
                self._finished.clear()
            self._unfinished_tasks += 1
            if self._plain:
                self._queue.append(item)
            else:
                self._put(item)
        # One for all puts that need not wait: making another is a quarter of the time of a put and a get.
        loop = _get_running_loop()
        if loop is None or loop is not self._done_loop:
            self._done = Done(loop=loop or current_loop())
            self._done.set_result(None)
            self._done_loop = loop
        return self._done

    def put_nowait(self, item: T) -> None:
        """Puts an item, or gives it to who waits longest.

        :raises QueueFull: there is no room.
        """
        if self._getters:
            # Through the queue's own order though it is empty: a subclass may change what it is given.
            self._add(item)
            self._getters.serve(self._get())
        elif self.full():
            raise QueueFull
        else:
            self._add(item)

    def get(self, timeout: Timeout = None) -> Awaitable[T]:
        """A future of the next item.

        :raises TimeoutError: from the future, when the timeout passed before there was one.
        """
        if self._putters:
            item = self.get_nowait()
        elif self._queue:
            item = self._queue.popleft() if self._plain else self._get()
        else:
            return self._getters.wait(timeout)
        # `create_future`, without the call.
        future: Future[Any] = Future() if _get_running_loop() is not None else create_future()
        future.set_result(item)
        return future

    def get_nowait(self) -> T:
        """Takes the next item.

        :raises QueueEmpty: there is none.
        """
        served = self._putters.serve_next(None)
        if served is not None:
            self._add(served[0])
        elif not self._queue:
            raise QueueEmpty
        return self._get()

    def task_done(self) -> None:
        """Tells that the work on an item that was got is done.

        :raises ValueError: more calls than items.
        """
        if self._unfinished_tasks <= 0:
            raise ValueError("task_done() called too many times")
        self._unfinished_tasks -= 1
        if self._unfinished_tasks == 0:
            self._finished.set()

    def join(self, timeout: Timeout = None) -> Awaitable[None]:
        """A future that is done when `task_done` was called for every item.

        :raises TimeoutError: from the future, when the timeout passed before.
        """
        return self._finished.wait(timeout)

    def __aiter__(self) -> _QueueIterator[T]:
        return _QueueIterator(self)

    # These three are for subclasses to define another order.

    def _init(self) -> None:
        self._queue = collections.deque()

    def _get(self) -> T:
        item: T = self._queue.popleft()
        return item

    def _put(self, item: T) -> None:
        self._queue.append(item)

    def _put_back(self, item: T) -> None:
        if isinstance(self._queue, collections.deque):
            self._queue.appendleft(item)
        else:
            self._put(item)

    def _add(self, item: T) -> None:
        if not self._unfinished_tasks:
            self._finished.clear()
        self._unfinished_tasks += 1
        self._put(item)

    def _take_back(self, item: T) -> None:
        if not self._getters.serve(item):
            self._put_back(item)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x} {self._format()}>"

    def __str__(self) -> str:
        return f"<{type(self).__name__} {self._format()}>"

    def _format(self) -> str:
        parts = [f"maxsize={self._maxsize!r}"]
        if self._queue:
            parts.append(f"queue={self._queue!r}")
        if self._getters:
            parts.append(f"getters[{len(self._getters)}]")
        if self._putters:
            parts.append(f"putters[{len(self._putters)}]")
        if self._unfinished_tasks:
            parts.append(f"tasks={self._unfinished_tasks}")
        return " ".join(parts)


class PriorityQueue(Queue[T]):
    """A `Queue` that gives the smallest item first, such as the pair ``(priority, data)``."""

    def _init(self) -> None:
        self._queue = []

    def _put(self, item: T) -> None:
        heapq.heappush(self._queue, item)

    def _get(self) -> T:
        item: T = heapq.heappop(self._queue)
        return item


class LifoQueue(Queue[T]):
    """A `Queue` that gives the newest item first."""

    def _init(self) -> None:
        self._queue = []

    def _put(self, item: T) -> None:
        self._queue.append(item)

    def _get(self) -> T:
        item: T = self._queue.pop()
        return item
