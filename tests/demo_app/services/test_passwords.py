"""Hashing off the loop, with bounds, and the same for those who have no account."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator

import argon2
import pytest

from demo_app.errors import ErrorCode, TryLater
from demo_app.services.passwords import DEFAULT_HASHER, NICENESS, Passwords

CHEAP = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class SlowHasher(argon2.PasswordHasher):
    """Hashes when told to, and notes which threads did."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.go = threading.Event()
        self.go.set()
        self.running = 0
        self.most = 0
        self.niceness: set[int] = set()
        self.lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.go.wait()
        self.niceness.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        with self.lock:
            self.running -= 1
        return super().hash(password, salt=salt)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    passwords = Passwords(threads=2, hasher=CHEAP)
    yield passwords
    passwords._executor.shutdown()


async def test_the_right_password_is_right_and_others_are_wrong(passwords: Passwords) -> None:
    known = await passwords.hash("correct horse")
    assert known.startswith("$argon2id$")
    assert await passwords.verify(known, "correct horse")
    assert not await passwords.verify(known, "wrong horse")
    assert not await passwords.verify("no hash at all", "correct horse")


async def test_without_an_account_something_is_verified_all_the_same(passwords: Passwords) -> None:
    seen: list[str] = []
    verify = passwords._verify

    def noting(known: str, password: str) -> bool:
        seen.append(known)
        return verify(known, password)

    passwords._verify = noting  # type: ignore[method-assign]
    assert not await passwords.verify(None, "correct horse")
    assert argon2.extract_parameters(seen[0]) == argon2.extract_parameters(CHEAP.hash("x"))


async def test_other_parameters_are_outdated(passwords: Passwords) -> None:
    assert not passwords.outdated(CHEAP.hash("x"))
    assert passwords.outdated(argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("x"))


async def test_no_more_hash_at_once_than_there_are_threads_and_all_of_them_are_nice() -> None:
    hasher = SlowHasher()
    passwords = Passwords(threads=2, hasher=hasher)
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    hasher.go.clear()
    tasks = [asyncio.create_task(passwords.hash("x")) for _ in range(20)]
    while hasher.running < 2:  # noqa: ASYNC110 - other threads' doing
        await asyncio.sleep(0.001)
    hasher.go.set()
    await asyncio.gather(*tasks)
    passwords._executor.shutdown()
    assert hasher.most == 2
    # The hash that is compared where there is none is made by who makes the object.
    assert hasher.niceness - {usual} == {min(19, usual + NICENESS)} - {usual}
    assert os.getpriority(os.PRIO_PROCESS, 0) == usual


async def test_when_too_many_wait_the_next_is_asked_to_come_back() -> None:
    hasher = SlowHasher()
    passwords = Passwords(threads=1, waiting=2, hasher=hasher)
    hasher.go.clear()
    tasks = [asyncio.create_task(passwords.hash("x")) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TryLater) as caught:
        await passwords.hash("x")
    assert caught.value.code is ErrorCode.BUSY
    hasher.go.set()
    await asyncio.gather(*tasks)
    await asyncio.sleep(0)
    assert await passwords.hash("x")
    passwords._executor.shutdown()


async def test_whoever_gives_up_leaves_the_thread_counted_until_it_is_free() -> None:
    hasher = SlowHasher()
    passwords = Passwords(threads=1, waiting=0, hasher=hasher)
    hasher.go.clear()
    task = asyncio.create_task(passwords.hash("x"))
    while not hasher.running:  # noqa: ASYNC110 - another thread's doing
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(TryLater):
        await passwords.hash("x")
    hasher.go.set()
    while passwords._busy:  # noqa: ASYNC110 - another thread's doing
        await asyncio.sleep(0.001)
    assert await passwords.hash("x")
    passwords._executor.shutdown()


async def test_closing_drops_what_has_not_begun() -> None:
    hasher = SlowHasher()
    passwords = Passwords(threads=1, hasher=hasher)
    hasher.go.clear()
    first, second = (asyncio.create_task(passwords.hash("x")) for _ in range(2))
    while not hasher.running:  # noqa: ASYNC110 - another thread's doing
        await asyncio.sleep(0.001)
    passwords.close()
    hasher.go.set()
    assert await first
    with pytest.raises(asyncio.CancelledError):
        await second
    passwords._executor.shutdown()


def test_a_loop_that_is_gone_is_no_error() -> None:
    hasher = SlowHasher()
    passwords = Passwords(threads=1, hasher=hasher)

    async def give_up() -> None:
        hasher.go.clear()
        task = asyncio.create_task(passwords.hash("x"))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(give_up())
    hasher.go.set()
    passwords._executor.shutdown()


def test_the_default_is_argon2id_as_owasp_has_it() -> None:
    parameters = argon2.extract_parameters(DEFAULT_HASHER.hash("x"))
    assert parameters.type is argon2.Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19456, 2, 1)
