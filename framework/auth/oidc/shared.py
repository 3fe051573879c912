"""A value that is fetched when it is needed, by one for all who wait, and kept for a while."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

__all__ = ["SharedFetch"]

T = TypeVar("T")


class SharedFetch(Generic[T]):
    """Keeps one value.

    Args:
        fetch: gets it. An error goes to all who wait for it, and is not kept.
        lifetime: seconds for which a value is good.
        clock: seconds that only ever grow.
    """

    __slots__ = ("_clock", "_fetch", "_fetched_at", "_lifetime", "_task", "_value")

    def __init__(
        self,
        fetch: Callable[[], Coroutine[Any, Any, T]],
        lifetime: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._lifetime = lifetime
        self._clock = clock
        self._fetched_at = -math.inf
        self._value: T | None = None
        self._task: asyncio.Task[T] | None = None

    async def get(self, not_older: float = math.inf) -> T:
        """The value, fetched if need be.

        Args:
            not_older: seconds; a value fetched longer ago is fetched again.
        """
        if self._value is not None and self._clock() - self._fetched_at < min(self._lifetime, not_older):
            return self._value
        loop = asyncio.get_running_loop()
        task = self._task
        if task is None or task.get_loop() is not loop:
            task = self._task = loop.create_task(self._run())
            task.add_done_callback(self._over)
        # Who gives up waiting does not take it from the others.
        return await asyncio.shield(task)

    async def _run(self) -> T:
        began = self._clock()
        value = await self._fetch()
        self._value, self._fetched_at = value, began
        return value

    def _over(self, task: asyncio.Task[T]) -> None:
        if self._task is task:
            self._task = None
        if not task.cancelled():
            # Looked at, so that nobody is told of an error that nobody waited for.
            task.exception()
