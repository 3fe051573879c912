"""What every limiter promises: Redis's and the embedded one."""

from __future__ import annotations

import asyncio

import pytest

from demo_app.stores.redis import RedisLimiter, RedisServer
from demo_app.stores.sqlite import SQLiteFile, SQLiteLimiter

AnyLimiter = RedisLimiter | SQLiteLimiter


@pytest.fixture(params=["redis", "sqlite"])
def limiter(request: pytest.FixtureRequest) -> AnyLimiter:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        return RedisLimiter(server)
    file: SQLiteFile = request.getfixturevalue("file")
    return SQLiteLimiter(file)


async def test_tries_beyond_the_limit_wait_for_the_window_to_end(limiter: AnyLimiter) -> None:
    assert [await limiter.hit("ada", 2, 60) for _ in range(2)] == [0, 0]
    assert 50 < await limiter.hit("ada", 2, 60) <= 60
    assert await limiter.hit("bob", 2, 60) == 0


async def test_tries_at_the_same_moment_are_all_counted(limiter: AnyLimiter) -> None:
    waits = await asyncio.gather(*[limiter.hit("ada", 5, 60) for _ in range(20)])
    assert waits.count(0) == 5


async def test_a_reset_begins_anew(limiter: AnyLimiter) -> None:
    await limiter.hit("ada", 1, 60)
    await limiter.reset("ada")
    await limiter.reset("nobody")
    assert await limiter.hit("ada", 1, 60) == 0


async def test_a_window_ends(limiter: AnyLimiter) -> None:
    await limiter.hit("ada", 1, 1)
    while await limiter.hit("ada", 1, 1):  # noqa: ASYNC110 - the window ends in the store
        await asyncio.sleep(0.05)


async def test_ended_sessions_are_remembered(limiter: AnyLimiter) -> None:
    assert await limiter.sessions_end("ada") == 0
    await limiter.end_sessions("ada", 1234.5, 60)
    await limiter.end_sessions("ada", 1234.75, 60)
    assert await limiter.sessions_end("ada") == 1234.75
