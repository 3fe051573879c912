"""Hashing passwords with argon2id (RFC 9106), off the loop and never too many at once."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from demo_app.errors import ErrorCode, TryLater
from framework.process import cpu_count

__all__ = ["Passwords"]

T = TypeVar("T")

#: The smallest choice of OWASP's password storage cheat sheet: 19 MiB for each hash, about 20 ms on one core.
DEFAULT_HASHER = argon2.PasswordHasher(
    time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, salt_len=16, type=argon2.Type.ID
)

#: Lower priority for hashing threads: whoever shares the core with them, above all the loop, goes first.
NICENESS = 10


class Passwords:
    """Hashes and verifies.

    Args:
        threads: how many at once.
        waiting: how many more may wait; beyond them, people are asked to come back.
        hasher: with the parameters to use. Hashes with other ones are verified all the same, and made anew.
    """

    def __init__(
        self,
        threads: int | None = None,
        waiting: int = 100,
        hasher: argon2.PasswordHasher = DEFAULT_HASHER,
    ) -> None:
        threads = threads or min(4, cpu_count())
        self._hasher = hasher
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="argon2", initializer=_be_nice)
        self._room = threads + waiting
        self._busy = 0
        # Verified when there is no account, so that this takes the same time.
        self._nobody = hasher.hash(os.urandom(16))

    async def hash(self, password: str) -> str:
        """The hash to keep, with its parameters and salt.

        Raises:
            TryLater: too many are waiting.
        """
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, known: str | None, password: str) -> bool:
        """Whether the password is the right one.

        Args:
            known: the hash that was kept; None where there is no account: takes its time, and is never right.
            password: what was typed.

        Raises:
            TryLater: too many are waiting.
        """
        right = await self._run(lambda: self._verify(known or self._nobody, password))
        return right and known is not None

    def outdated(self, known: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(known)

    def close(self) -> None:
        """End the threads; hashing that has not begun is dropped."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _verify(self, known: str, password: str) -> bool:
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._busy >= self._room:
            raise TryLater(ErrorCode.BUSY, 2)
        self._busy += 1
        future = self._executor.submit(work)
        # When the work is over, not when nobody waits for it any longer: a thread is busy until then.
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: _from_thread(loop, self._leave))
        return await asyncio.wrap_future(future)

    def _leave(self) -> None:
        self._busy -= 1


def _from_thread(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        # The loop was closed meanwhile: nobody counts any longer.
        pass


def _be_nice() -> None:
    # Linux gives each thread a priority of its own.
    if sys.platform == "linux":
        try:
            os.setpriority(
                os.PRIO_PROCESS,
                threading.get_native_id(),
                min(19, os.getpriority(os.PRIO_PROCESS, 0) + NICENESS),
            )
        except OSError:
            # A container may forbid it: then hashing is as fast, and the loop a little slower.
            pass
