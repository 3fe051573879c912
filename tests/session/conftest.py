"""The three stores, each empty and closed again after the test."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from framework.session import MemoryStore, SQLiteStore, Store
from framework.session.stores.redis import RedisStore


@pytest_asyncio.fixture
async def redis_store(request: pytest.FixtureRequest) -> AsyncIterator[RedisStore]:
    """A store in the run's Redis server, under a prefix of its own."""
    server = request.getfixturevalue("redis_server")
    store = RedisStore.from_settings(url=server.url, prefix=f"test-{secrets.token_hex(8)}:")
    yield store
    await store.close()


@pytest_asyncio.fixture
async def sqlite_store(tmp_path: os.PathLike[str]) -> AsyncIterator[SQLiteStore]:
    """A store in a file that does not exist yet."""
    store = SQLiteStore(os.path.join(tmp_path, "data", "sessions.sqlite3"))
    yield store
    await store.close()


@pytest.fixture
def memory_store() -> MemoryStore:
    """A store in memory."""
    return MemoryStore()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def store(request: pytest.FixtureRequest) -> Store:
    """Each of the stores in turn."""
    each: Store = request.getfixturevalue(f"{request.param}_store")
    return each
